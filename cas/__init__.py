"""A content-addressed store for computed results: entries, aliases, and immutable blobs named by BLAKE3.

`cas.open()` gives the store; everything else here are the values and errors that cross its interface.
Names are loaded when first used, so that `import cas` costs next to nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cas.blob import BlobFile
    from cas.entry import Call, Copied, Entry, FunctionRecord, FunctionSummary, Result
    from cas.errors import (
        BusyError,
        CasError,
        ConflictError,
        IntegrityError,
        InvalidInputError,
        NotFoundError,
        ReadOnlyError,
        StorageError,
    )
    from cas.opening import open
    from cas.store import Deposit, Store

__all__ = [
    "BlobFile",
    "BusyError",
    "Call",
    "CasError",
    "ConflictError",
    "Copied",
    "Deposit",
    "Entry",
    "FunctionRecord",
    "FunctionSummary",
    "IntegrityError",
    "InvalidInputError",
    "NotFoundError",
    "ReadOnlyError",
    "Result",
    "StorageError",
    "Store",
    "open",
]

_HOMES = {
    "cas.opening": ("open",),
    "cas.blob": ("BlobFile",),
    "cas.entry": ("Call", "Copied", "Entry", "FunctionRecord", "FunctionSummary", "Result"),
    "cas.store": ("Deposit", "Store"),
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'cas' has no attribute {name!r}")
    home = next((module for module, names in _HOMES.items() if name in names), "cas.errors")
    value = globals()[name] = getattr(__import__(home, fromlist=[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__
