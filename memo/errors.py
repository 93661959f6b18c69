"""The errors and the warning of memoization.

MemoError
├── UnstableArgument (TypeError)   an argument has no canonical form; the message names the path to it
├── UnstableFunction (TypeError)   a function cannot be fingerprinted; the message names the variable
├── AdoptionRefused                results of earlier code are not shown to be those of the present code
├── Raised, RaisedEarlier          a stored result is an exception; when and where it was first raised
└── CodecError (ValueError)        a value cannot be encoded exactly, or stored bytes cannot be decoded

CacheWarning is how `memo.cached` speaks when the user's call went well and the store did not.
"""

from __future__ import annotations

from cas.errors import Explained


class MemoError(Explained):
    """The base of every error that memoization raises."""


class UnstableArgument(MemoError, TypeError):  # noqa: N818 - the name in the design
    """An argument has no stable canonical form; names the path to it, such as `config["rng"]`."""


class UnstableFunction(MemoError, TypeError):  # noqa: N818 - the name in the design
    """A function has no stable fingerprint; names the captured variable or the construct."""


class AdoptionRefused(MemoError):  # noqa: N818 - says what happened
    """Results of an earlier version are not shown to be those of the present one; nothing was changed."""


class CodecError(MemoError, ValueError):
    """A value that no codec takes exactly, or bytes that a codec refuses to decode."""


class Raised(MemoError):  # noqa: N818 - says what happened
    """What is stored of a call is an exception that it raised.

    Attributes:
        error: The exception, made anew.
        cost: Seconds that it took to raise it.
    """

    cost = 0.0

    def __init__(self, error: Exception) -> None:
        super().__init__(f"the call raised a {type(error).__qualname__}", "its result is that exception")
        self.error = error

    def __reduce__(self) -> tuple[object, ...]:
        return Raised, (self.error,)


class RaisedEarlier(MemoError):  # noqa: N818 - says what happened
    """The cause of an exception that is raised again: when it was first raised, and where, as text."""


class CacheWarning(UserWarning):
    """The call went well, and something about caching it did not; says what, and how to mend it.

    Attributes:
        value: What the call computed, where a filter turned the warning into an error: so that it is not lost.
    """

    value: object = None


def hint_of(error: BaseException) -> str:
    """Return how to mend what an error tells of, as well as it is known."""
    return getattr(error, "hint", "") or "please report this"


def warn(message: str, hint: str = "") -> None:
    """Say aloud, at the line of the user's call, what about caching went wrong and how to mend it."""
    import sys  # noqa: PLC0415 - only when something went wrong
    import warnings  # noqa: PLC0415 - likewise

    level, frame = 2, sys._getframe(1)  # noqa: SLF001 - the only way to find the caller's line cheaply
    while frame.f_back is not None and (
        str(frame.f_globals.get("__name__")).partition(".")[0] == "memo"
        or frame.f_code.co_filename.startswith("<memo.cached ")
    ):
        level, frame = level + 1, frame.f_back
    warnings.warn(f"{message}\nhint: {hint}" if hint else message, CacheWarning, stacklevel=level)
