"""Exit codes: what a script may tell from the number that `cas` ends with. The table stands in docs/commands.md."""

from __future__ import annotations

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

OK = 0
FAILED = 1
USAGE = 2
NOT_FOUND = 3
AMBIGUOUS = 4
BUSY = 5
STORAGE = 6
INTEGRITY = 7
INTERRUPTED = 130

_CODES: tuple[tuple[type[CasError], int], ...] = (
    (NotFoundError, NOT_FOUND),
    (ConflictError, AMBIGUOUS),
    (BusyError, BUSY),
    (ReadOnlyError, STORAGE),
    (InvalidInputError, USAGE),
    (StorageError, STORAGE),
    (IntegrityError, INTEGRITY),
)


def exit_code(error: CasError) -> int:
    """Return the exit code of an error; a kind unknown here is a failure."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)
