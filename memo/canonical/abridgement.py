"""The abridged signature: long arguments give way to their digests, and the rest is stored whole with each result.

It is what the call key is the digest of: whoever has an entry can tell the key that its call has under other code.
"""

from __future__ import annotations

from msgpack import Unpacker

from cas import extension as ext
from cas.digest import digest
from cas.extension import array_header, head
from memo.canonical.scalars import pack

_NAMES = {code: name.lower() for name, code in vars(ext).items() if type(code) is int and name != "FIRST_TAG"}


def abridge(values: list[bytes], limit: int) -> list[bytes]:
    """Return the forms of arguments, the longest replaced by kind, length and digest so that `limit` bytes suffice.

    What is replaced depends on the lengths alone, and no argument is written as the replacement is: signatures that
    differ stay different (I6).
    """
    short, room = list(values), limit
    for index in sorted(range(len(values)), key=lambda index: len(values[index])):
        room -= len(values[index])
        if room < 0:
            short[index] = _elided(values[index])
    return short


def _elided(value: bytes) -> bytes:
    kind, length = _outline(value)
    left_out = head(ext.ELIDED, 3) + pack(kind) + pack(length) + pack(digest(value))
    return left_out if len(left_out) < len(value) else value


def _outline(value: bytes) -> tuple[str, int]:
    """Return the kind of a value and how many elements it has; of what has none, its bytes."""
    start = value[:16]
    if (count := _count(start, "read_map_header")) is not None:
        return "dict", count
    if (count := _count(start, "read_array_header")) is None:
        return ("str" if _is_text(value[0]) else "bytes"), len(value)
    tag = start[len(array_header(count)) :]
    if tag[:2] == b"\xc7\x00":
        return _NAMES.get(tag[2], "value"), count - 1
    return "list", count


def _count(start: bytes, read: str) -> int | None:
    unpacker = Unpacker()
    unpacker.feed(start)
    try:
        return int(getattr(unpacker, read)())
    except ValueError:
        return None


def _is_text(first: int) -> bool:
    return 0xA0 <= first <= 0xBF or 0xD9 <= first <= 0xDB
