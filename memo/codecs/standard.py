"""Values of the standard library that are made anew from a text: internet addresses and compiled patterns.

Owns which of them come back exactly, and what is made from the bytes of a store: a pattern of a foreign store is
compiled only if it is short, since compiling takes its time.
"""

from __future__ import annotations

import sys

from cas import extension as ext
from memo.canonical.objects import address_attributes
from memo.errors import CodecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memo.codecs.composites import Apart

_ADDRESSES = frozenset(f"IPv{version}{kind}" for version in (4, 6) for kind in ("Address", "Network", "Interface"))
# A class of characters that ignores case takes up to 6 ms and five characters.
_LONGEST = 1000


def take_apart(value: Any) -> Apart | None:
    """Return the parts of an address or a pattern; None if it would not come back exactly."""
    cls = type(value)
    home: Any = sys.modules.get(str(cls.__module__))
    if getattr(home, cls.__name__, None) is not cls:
        return None
    if cls.__name__ in _ADDRESSES:
        return None if address_attributes(value) else (ext.ADDRESS, [cls.__name__, str(value)])
    if (
        cls.__name__ != "Pattern"
        or type(value.pattern) not in (str, bytes)
        or not _is_quiet(value.pattern, value.flags)
    ):
        return None
    return ext.PATTERN, [value.pattern, value.flags]


def put_together(code: int, parts: list[Any]) -> Any:
    """Return the address or pattern of these parts.

    Raises:
        CodecError: They are not the parts of one.
    """
    first, second = parts
    try:
        if code == ext.ADDRESS:
            import ipaddress  # noqa: PLC0415 - slow to load, seldom needed

            if first in _ADDRESSES and type(second) is str:
                return getattr(ipaddress, first)(second)
        elif type(first) in (str, bytes) and type(second) is int and _is_quiet(first, second):
            import re  # noqa: PLC0415 - likewise

            return re.compile(first, second)
    except (ValueError, TypeError, RecursionError, OverflowError) as error:  # re.error is no ValueError before 3.13
        raise _malformed(parts) from error
    except Exception as error:
        if type(error).__module__ == "re":
            raise _malformed(parts) from error
        raise
    raise _malformed(parts)


def _is_quiet(pattern: Any, flags: int) -> bool:
    """Return whether compiling a pattern takes little time, and prints nothing, as it does for debugging."""
    import re  # noqa: PLC0415 - a value of it has loaded it; else as above

    return len(pattern) <= _LONGEST and not flags & re.DEBUG


def _malformed(parts: list[Any]) -> CodecError:
    return CodecError(f"tree: expected an address or a pattern, got {parts!r:.80}", "run `cas fsck`")
