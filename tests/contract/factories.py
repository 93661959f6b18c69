"""The stores that the contract holds for, by name: each a function from an empty folder to a store there.

A store that joins adds one line to `FACTORIES`; calling a factory twice gives the same store again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cas

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Factory = Callable[..., cas.Store]


def local(folder: Path, writable: bool = True) -> cas.Store:
    """Return the store in a directory of this machine."""
    return cas.open(folder / "local", writable=writable)


def objects_folder(folder: Path, writable: bool = True) -> cas.Store:
    """Return the shared store in a folder, whose sweeps wait for nothing."""
    return cas.open(f"{(folder / 'objects').as_uri()}?grace=0s", writable=writable)


def objects_memory(folder: Path, writable: bool = True) -> cas.Store:
    """Return a shared store in memory, whose sweeps wait for nothing."""
    return cas.open(f"memory://{folder}?grace=0s", writable=writable)


def chain(folder: Path, writable: bool = True) -> cas.Store:
    """Return a chain of two stores of this machine."""
    return cas.open([folder / "fast", folder / "slow"], writable=writable)


def chain_to_memory(folder: Path, writable: bool = True) -> cas.Store:
    """Return a store of this machine before a shared one in memory."""
    return cas.open([str(folder / "fast"), f"memory://{folder}/slow?grace=0s"], writable=writable)


def mem(folder: Path, writable: bool = True) -> cas.Store:
    """Return a bounded store in this machine's memory."""
    return cas.open(f"mem://{folder.name}?size=200MB", writable=writable)


FACTORIES: dict[str, Factory] = {
    "local": local,
    "chain": chain,
    "chain-to-memory": chain_to_memory,
    "mem": mem,
    "objects-folder": objects_folder,
    "objects-memory": objects_memory,
}
