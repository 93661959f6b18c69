"""What every test gets: a place of its own for stores and settings, and no store left open behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import cas
from cas import ram
from cas.local import opened
from cas.tiers import opening as chains

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A store leaves the connections of other threads to them: it is kept, so that none is collected before it is closed.
_closed: list[object] = []


@pytest.fixture(autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Point the default store and the user's settings into a folder of this test, and close what it opens."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("CAS_STORE", str(home / "store"))
    monkeypatch.setenv("CAS_CONFIG_DIR", str(home / "config"))
    monkeypatch.setattr(ram, "_MEMORY", str(home))
    before = set(opened._opened)
    yield
    while chains._chains:
        _, chain = chains._chains.popitem()
        chain.writeback.stop()
    for place in set(opened._opened) - before:
        store = opened._opened.pop(place)
        store.close()
        _closed.append(store)


@pytest.fixture
def store(tmp_path: Path) -> cas.Store:
    """Return a new, empty store."""
    return cas.open(tmp_path / "store")
