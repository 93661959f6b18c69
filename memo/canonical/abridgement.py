"""The abridged signature: what is stored beside a result for a person to read."""

from __future__ import annotations

from io import BytesIO

from msgpack import Unpacker

from cas import extension as ext
from cas.digest import digest
from cas.extension import array_header, head
from memo.canonical.scalars import pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES = {code: name.lower() for name, code in vars(ext).items() if type(code) is int and name != "FIRST_TAG"}


def abridge(signature: bytes, limit: int = 4096) -> bytes:
    """Return a signature of about `limit` bytes: the longest arguments are replaced by kind, length and digest.

    It still is a form with one value for each parameter, but no longer the bytes that make the call key.
    """
    if len(signature) <= limit:
        return signature
    values = list(_split(signature))
    room = limit
    for index in sorted(range(len(values)), key=lambda index: len(values[index])):
        room -= len(values[index])
        if room < 0:
            values[index] = _elided(values[index])
    return array_header(len(values)) + b"".join(values)


def _split(signature: bytes) -> Iterator[bytes]:
    """Yield the bytes of each value of a list."""
    unpacker = Unpacker(BytesIO(signature), max_buffer_size=0)
    count = unpacker.read_array_header()
    for _ in range(count):
        start = unpacker.tell()
        unpacker.skip()
        yield signature[start : unpacker.tell()]


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
