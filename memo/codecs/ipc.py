"""What of an Arrow file is looked at before pyarrow opens it: its extension types, and whether it is compressed.

A library could have registered an extension type to unpickle (I7). A few compressed bytes can claim to unpack into any
number, and pyarrow has no limit. memo writes neither. After the format's own flatbuffers (Apache Arrow, File.fbs and
Message.fbs).
"""

from __future__ import annotations

import struct

from memo.errors import CodecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_EXTENSION = b"ARROW:extension"
_DICTIONARIES, _BATCHES = 2, 3
_HEADER_TYPE, _HEADER = 1, 2
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3
_DATA, _COMPRESSION = 1, 3
_BLOCK = 24


def check_extensions(schema: bytes) -> None:
    """Refuse a schema with an extension type, which a library could have registered to unpickle."""
    if _EXTENSION in schema:
        raise CodecError(
            "arrow: expected Arrow's own types, got an extension type", "convert the column to its storage type"
        )


def check_file(data: Any) -> None:
    """Refuse a file whose schema, at its head or in its footer, names an extension type."""
    footer = int.from_bytes(data[-10:-6], "little")
    schema = 16 + int.from_bytes(data[12:16], "little")
    if bytes(data[:8]) != b"ARROW1\0\0" or bytes(data[-6:]) != b"ARROW1" or max(footer, schema) > len(data):
        raise malformed("something else")
    check_extensions(bytes(data[:schema]))
    check_extensions(bytes(data[len(data) - 10 - footer :]))


def check_batches(data: Any) -> None:
    """Refuse batches that are compressed: a few bytes can claim to be any number of them."""
    if is_compressed(data):
        raise malformed("compressed batches")


def malformed(seen: str) -> CodecError:
    """Return the error for bytes that are no file of memo's."""
    return CodecError(f"arrow: expected an Arrow file that memo wrote, got {seen}", "run `cas fsck`")


def is_compressed(data: Any) -> bool:
    """Return whether a batch of an Arrow file is compressed.

    Raises:
        struct.error: The file leads out of itself.
    """
    view = memoryview(data)
    footer = len(view) - 10 - _int(view, len(view) - 10)
    table = footer + _int(view, footer)
    return any(_is_compressed(view, place) for place in _blocks(view, table))


def _blocks(view: memoryview, table: int) -> Iterator[int]:
    """Yield where each batch begins."""
    for field in (_DICTIONARIES, _BATCHES):
        place = _field(view, table, field)
        if place:
            vector = place + _int(view, place)
            for number in range(_int(view, vector)):
                (start,) = struct.unpack_from("<q", view, vector + 4 + number * _BLOCK)
                yield start


def _is_compressed(view: memoryview, start: int) -> bool:
    start += 8 if _int(view, start) == -1 else 4  # the mark of a message, which old files lack, and its length
    table = start + _int(view, start)
    kind, header = _field(view, table, _HEADER_TYPE), _field(view, table, _HEADER)
    if not kind or not header:
        return False
    batch = header + _int(view, header)
    if view[kind] == _DICTIONARY_BATCH:
        data = _field(view, batch, _DATA)
        batch = data + _int(view, data)
    elif view[kind] != _RECORD_BATCH:
        return False
    return bool(_field(view, batch, _COMPRESSION))


def _field(view: memoryview, table: int, number: int) -> int:
    """Return where a field of a table stands, 0 if it has none."""
    layout = table - _int(view, table)
    (size,) = struct.unpack_from("<H", view, _inside(layout))
    if 4 + 2 * number >= size:
        return 0
    (offset,) = struct.unpack_from("<H", view, layout + 4 + 2 * number)
    return table + offset if offset else 0


def _int(view: memoryview, place: int) -> int:
    number: int = struct.unpack_from("<i", view, _inside(place))[0]
    return number


def _inside(place: int) -> int:
    if place < 0:  # which would count from the end
        raise struct.error(f"a place of {place}")
    return place
