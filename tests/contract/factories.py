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


FACTORIES: dict[str, Factory] = {"local": local}
