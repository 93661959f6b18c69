"""The errors of a store, grouped by what a handler would do.

CasError
├── NotFoundError (KeyError)         fall back, or compute
├── ConflictError                    read again, then decide
├── BusyError (TimeoutError)         try again later
├── ReadOnlyError (PermissionError)  reopen where you may write
├── InvalidInputError (ValueError)   mend the caller
├── StorageError (OSError)           free space, check the disk; keeps errno and filename
└── IntegrityError                   stop, run `cas fsck`

StoreWarning (UserWarning): one of several stores failed, and the others go on.

A message says what was expected and what was seen; `hint` says what to do about it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Explained(Exception):  # noqa: N818 - a base, never raised by itself
    """An error that carries its mend: the message names the fault, `hint` the way out.

    Args:
        message: Subject, what was expected, what was seen.
        hint: What to do about it; also shown below a traceback.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if hint:
            self.add_note(f"hint: {hint}")

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.hint)


class CasError(Explained):
    """The base of every error that a store raises."""


class NotFoundError(CasError, KeyError):
    """What was named is not in this store."""


class ConflictError(CasError):
    """What was read has changed since, or a name stands for more than one thing."""


class BusyError(CasError, TimeoutError):
    """Another process holds what is needed, for longer than it is sensible to wait."""


class ReadOnlyError(CasError, PermissionError):
    """The store, or its disk, does not take writes."""


class InvalidInputError(CasError, ValueError):
    """The caller gave something that has no meaning here."""


class StorageError(CasError, OSError):
    """The disk or its file system failed; `errno` and `filename` say where."""

    def __init__(self, message: str, hint: str = "", errno: int | None = None, filename: str | None = None) -> None:
        CasError.__init__(self, message, hint)
        self.errno = errno
        self.filename = filename

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.hint, self.errno, self.filename)


class IntegrityError(CasError):
    """Stored bytes are not what their name says."""


class StoreWarning(UserWarning):
    """A tier of a chain failed, or is gone; what it was asked for came from another, or waits until it is back."""
