"""The tools that are measured, each in its documented default way over a folder of its own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Function = Callable[..., Any]
Decorator = Callable[[Function], Function]
OURS, OURS_IN_MEMORY = "memo (disk)", "memo (memory tier)"
PACKAGES = ("joblib", "diskcache", "cachier", "klepto")


def installed() -> dict[str, str]:
    """Return the version of each peer that is here."""
    return {name: version(name) for name in PACKAGES if find_spec(name)}


def decorate(name: str, folder: Path) -> Decorator:
    """Return the decorator of a tool over `folder`."""
    return {
        OURS: _memo,
        OURS_IN_MEMORY: functools.partial(_memo, memory=True),
        "joblib": _joblib,
        "diskcache": _diskcache,
        "cachier": _cachier,
        "klepto": _klepto,
        "lru_cache": lambda folder: functools.lru_cache(maxsize=None),
    }[name](folder / name.split(" (", maxsplit=1)[0])


def _memo(folder: Path, memory: bool = False) -> Decorator:
    import memo

    return memo.cached(store=str(folder.with_name(f"memo-{memory}")), memory=memory)


def _joblib(folder: Path) -> Decorator:
    import joblib

    # What it prints at its default verbosity would be part of the time.
    return joblib.Memory(folder, verbose=0).cache


def _diskcache(folder: Path) -> Decorator:
    import diskcache

    return diskcache.Cache(folder).memoize()


def _cachier(folder: Path) -> Decorator:
    from cachier import cachier

    return cachier(cache_dir=folder)


def _klepto(folder: Path) -> Decorator:
    from klepto import inf_cache
    from klepto.archives import dir_archive
    from klepto.keymaps import hashmap

    archive = dir_archive(str(folder), cached=False)
    return inf_cache(keymap=hashmap(algorithm="md5"), cache=archive)
