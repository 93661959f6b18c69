"""What one fresh process of the mutation experiment finds: `python -m benchmarks.asked trace|ask` beside a study.

Prints JSON: the digest of the study's `entry` by each way of telling its code, and, if it traces, what ran.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import inspect
import json
import sys
import warnings
from collections import deque
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Self

from memo.canonical import encode_arguments
from memo.errors import UnstableArgument
from memo.fingerprint import code as told
from memo.fingerprint import fingerprint

TABLES = Path("tables")
DECLARED = Path("declared.json")


class Folder:
    """Tables of texts, kept from one process to the next as a store would."""

    def get(self, key: bytes) -> bytes | None:
        """Return what was put under a key."""
        path = TABLES / key.hex()
        return path.read_bytes() if path.exists() else None

    def put(self, key: bytes, value: bytes) -> None:
        """Keep a value."""
        (TABLES / key.hex()).write_bytes(value)


class Trace:
    """The functions that run while it is on, as (file, first line), and their code."""

    def __init__(self) -> None:
        self.codes: dict[tuple[str, int], Any] = {}

    def __enter__(self) -> Self:
        sys.setprofile(lambda frame, event, _: self._see(frame.f_code) if event == "call" else None)
        return self

    def __exit__(self, *error: object) -> None:
        sys.setprofile(None)

    def _see(self, found: Any) -> None:
        self.codes[found.co_filename, found.co_firstlineno] = found


def main(mode: str) -> None:
    """Ask for the fingerprint, and trace the loading of the study and one call if asked to."""
    warnings.simplefilter("ignore")
    sys.dont_write_bytecode = True
    told.table_cache = Folder()
    loading, calling = Trace(), Trace()
    if mode == "trace":
        with loading:
            study = importlib.import_module("study")
    else:
        study = importlib.import_module("study")
    try:
        names = tuple(f"a{place}" for place in range(len(study.ARGUMENTS)))
        roots = encode_arguments(list(study.ARGUMENTS), names)[1]
    except UnstableArgument:
        roots = tuple(type(argument) for argument in study.ARGUMENTS)
    base = fingerprint(study.entry)
    rooted = base.with_roots(roots)
    manifest = rooted.manifest
    found: dict[str, Any] = {"ingredients": len(manifest)}
    if mode == "trace":
        found["why"] = why(manifest)
        with calling:
            study.entry(*study.ARGUMENTS)
        found["ran"], found["loaded"] = sorted(calling.codes), sorted(loading.codes)
        found["files"] = sorted(file for module in list(sys.modules.values()) if (file := file_of(module)))
        DECLARED.write_text(json.dumps(undeclared(calling, {part.name for part in base.manifest})))
    declared = [pair for pair in map(resolve, json.loads(DECLARED.read_text())) if pair is not None]
    found["declared"] = len(declared)
    own = hashlib.sha256(inspect.getsource(study.entry).encode()).hexdigest()
    files = modules_of(manifest)
    whole = hashlib.sha256(b"".join(Path(file).read_bytes() for file in files)).hexdigest()
    audited = fingerprint(study.entry, depends=declared)
    found["digests"] = [own, base.digest.hex(), rooted.digest.hex(), audited.digest.hex(), whole]
    print(json.dumps(found))


def file_of(module: ModuleType) -> str:
    """Return the Python file of a module, empty if it has none."""
    file = getattr(module, "__file__", None)
    return file if isinstance(file, str) and file.endswith(".py") else ""


def modules_of(manifest: Any) -> list[str]:
    """Return the files of the project's modules that a manifest has anything of."""
    mine = [part.name.split(".") for part in manifest if part.origin == "project"]
    names = {".".join(parts[:end]) for parts in mine for end in range(1, 9)}
    return sorted({file_of(module) for name, module in list(sys.modules.items()) if name in names} - {""})


def undeclared(trace: Trace, known: set[str]) -> list[tuple[str, str]]:
    """Return the module and name of each function of the user's that ran and is not in the manifest, as an audit does.

    A function made inside another is declared by the outer one.
    """
    here = str(Path.cwd())
    own = (code for code in trace.codes.values() if code.co_filename.startswith(here))
    ran = {id(code) for code in own if "site-packages" not in code.co_filename}
    found: dict[int, tuple[str, str]] = {}
    told: set[int] = set()
    for function in gc.get_objects():
        if type(function) is FunctionType and id(function.__code__) in ran:
            module, name = function.__globals__.get("__name__", ""), function.__code__.co_qualname
            found[id(function.__code__)] = module, name.partition(".<locals>")[0]
            if not known.isdisjoint((f"{module}.{name}", f"{module}.{function.__qualname__}")):
                told.add(id(function.__code__))
    return sorted({pair for code, pair in found.items() if code not in told and ".".join(pair) not in known})


def resolve(declared: list[str]) -> object:
    """Return what a declared name stands for; None if it stands for nothing, as for a function without a name."""
    module, name = declared
    value: Any = sys.modules.get(module)
    for part in name.split("."):
        value = inspect.getattr_static(value, part, None)
    return value


def why(manifest: Any) -> dict[str, list[str]]:
    """Return, for each function of a manifest, the name and the label by which the shortest path leads to it."""
    found: dict[str, list[str]] = {}
    seen, pending = {0}, deque([0])
    while pending:
        place = pending.popleft()
        for label, to in manifest[place].links:
            if to not in seen:
                seen.add(to)
                pending.append(to)
                if manifest[to].kind == "function":
                    found.setdefault(manifest[to].name, [manifest[place].kind, manifest[place].name, label])
    return found


if __name__ == "__main__":
    main(sys.argv[1])
