"""The writer of pyarrow's tables, batches, arrays, scalars, schemas and types: by type and by value.

Owns what counts: names, types, nullability, metadata (in no order), values, what is null, the dictionary of a
dictionary array. What does not: chunks, offsets, and what lies in the buffers of a null.
"""

from __future__ import annotations

import sys
from itertools import chain

import numpy as np

from cas.extension import array_header
from memo.canonical.containers import write_dict, write_elements
from memo.canonical.libraries import write_library
from memo.canonical.libraries.pieces import write_pieces
from memo.canonical.scalars import pack, write_str
from memo.canonical.walk import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from memo.canonical.walk import Walk, Writer

# Rows that are copied at a time where nulls must be cleared.
_ROWS = 1 << 17


def find(cls: type) -> Writer | None:
    """Return the writer of a class of pyarrow's, or None."""
    pa: Any = sys.modules["pyarrow"]
    kinds = {
        pa.Table: _write_table,
        pa.RecordBatch: _write_table,
        pa.Schema: _write_schema_value,
        pa.ChunkedArray: _write_chunked,
        pa.Array: _write_array,
        pa.Scalar: _write_scalar,
        pa.Field: _write_field_value,
        pa.DataType: _write_type_value,
    }
    return next((kinds[kind] for kind in cls.__mro__ if kind in kinds), None)


def _write_table(walk: Walk, value: Any) -> None:
    def write(walk: Walk) -> None:
        walk.out.append(array_header(2 + value.num_columns) + pack(value.num_rows))
        _write_schema(walk, value.schema)
        for column in value.columns:
            write_content(walk, column.type, getattr(column, "chunks", [column]))

    write_library(walk, value, f"[{value.num_rows} x {value.num_columns}]", write)


def _write_schema_value(walk: Walk, value: Any) -> None:
    write_library(walk, value, f"[{len(value)}]", lambda walk: _write_schema(walk, value))


def _write_field_value(walk: Walk, value: Any) -> None:
    write_library(walk, value, f"({value.name!r})", lambda walk: _write_field(walk, value))


def _write_type_value(walk: Walk, value: Any) -> None:
    write_library(walk, value, "", lambda walk: write_type(walk, value))


def _write_chunked(walk: Walk, value: Any) -> None:
    _write_values(walk, value, value.chunks)


def _write_array(walk: Walk, value: Any) -> None:
    _write_values(walk, value, [value])


def _write_values(walk: Walk, value: Any, chunks: list[Any]) -> None:
    def write(walk: Walk) -> None:
        walk.out.append(array_header(2))
        write_type(walk, value.type)
        write_content(walk, value.type, chunks)

    write_library(walk, value, f"[{len(value)}]", write)


def _write_scalar(walk: Walk, value: Any) -> None:
    pa: Any = sys.modules["pyarrow"]

    def write(walk: Walk) -> None:
        chunk = pa.array([value], value.type) if value.is_valid else pa.nulls(1, value.type)
        walk.out.append(array_header(2))
        write_type(walk, value.type)
        write_content(walk, value.type, [chunk])

    write_library(walk, value, "", write)


def _write_schema(walk: Walk, schema: Any) -> None:
    walk.out.append(array_header(1 + len(schema)))
    _write_metadata(walk, schema.metadata)
    for field in schema:
        _write_field(walk, field)


def _write_field(walk: Walk, field: Any) -> None:
    walk.out.append(array_header(4))
    write_elements(walk, (field.name, field.nullable))
    _write_metadata(walk, field.metadata)
    write_type(walk, field.type)


def _write_metadata(walk: Walk, metadata: dict[bytes, bytes] | None) -> None:
    write_dict(walk, dict(sorted((metadata or {}).items())))


def write_type(walk: Walk, kind: Any) -> None:
    """Write a type as its name, or spelled out where it is made of others."""
    if hasattr(kind, "storage_type"):
        walk.out.append(array_header(3))
        serialize = getattr(kind, "__arrow_ext_serialize__", None)
        write_elements(walk, (kind.extension_name, serialize() if serialize else str(kind)))
        write_type(walk, kind.storage_type)
    elif hasattr(kind, "index_type"):
        walk.out.append(array_header(4))
        write_elements(walk, (type(kind).__name__, kind.ordered))
        write_type(walk, kind.index_type)
        write_type(walk, kind.value_type)
    elif kind.num_fields:
        facts = [getattr(kind, name, None) for name in ("list_size", "keys_sorted", "mode", "type_codes")]
        walk.out.append(array_header(2 + kind.num_fields))
        write_elements(walk, (type(kind).__name__, facts))
        for place in range(kind.num_fields):
            _write_field(walk, kind.field(place))
    else:
        write_str(walk, str(kind))


def write_content(walk: Walk, kind: Any, chunks: list[Any]) -> None:
    """Write the values of the chunks of one column, as if they were one."""
    if hasattr(kind, "storage_type"):
        write_content(walk, kind.storage_type, [chunk.storage for chunk in chunks])
    elif hasattr(kind, "index_type"):
        _write_dictionary(walk, kind, chunks)
    elif hasattr(kind, "run_end_type"):
        decode = __import__("pyarrow.compute").compute.run_end_decode
        write_content(walk, kind.value_type, [decode(chunk) for chunk in chunks])
    elif str(kind) == "null":
        walk.out.append(pack(sum(map(len, chunks))))
    elif kind.num_fields or str(kind) == "struct<>":
        _write_nested(walk, kind, [chunk for chunk in chunks if len(chunk)])
    else:
        _write_flat(walk, str(kind), [chunk for chunk in chunks if len(chunk)])


def _write_dictionary(walk: Walk, kind: Any, chunks: list[Any]) -> None:
    pa: Any = sys.modules["pyarrow"]
    unified = pa.chunked_array(chunks or [pa.array([], kind)], kind).unify_dictionaries().chunks
    walk.out.append(array_header(2))
    write_content(walk, kind.value_type, [unified[0].dictionary])
    write_content(walk, kind.index_type, [chunk.indices for chunk in unified])


def _write_flat(walk: Walk, name: str, chunks: list[Any]) -> None:
    if name.endswith("_view"):
        name = "large_string" if name == "string_view" else "large_binary"
        chunks = [chunk.cast(name) for chunk in chunks]
    if name in _OFFSETS:
        texts = [_without_hidden_text(chunk, name) for chunk in chunks]
        write_pieces(walk, _start(walk, chunks, 3), (lengths for lengths, _ in texts))
        write_pieces(walk, sum(len(data) for _, data in texts), (data for _, data in texts))
        return
    width = 8 if name == "bool" else chunks[0].type.bit_width if chunks else 0
    read = _booleans if name == "bool" else _numbers
    count = _start(walk, chunks, 2)
    write_pieces(walk, count * width // 8, chain.from_iterable(map(read, chunks)))


def _start(walk: Walk, chunks: list[Any], parts: int) -> int:
    """Write what opens a column of so many further parts: its length, and which values are not null if any is."""
    count = sum(map(len, chunks))
    walk.out.append(array_header(1 + parts) + pack(count))
    if any(chunk.null_count for chunk in chunks):
        write_pieces(walk, count, (chunk.is_valid().to_numpy(zero_copy_only=False) for chunk in chunks))
    else:
        walk.out.append(pack(None))
    return count


# Types of values of any length, and how wide the offsets into their bytes are.
_OFFSETS = {"string": np.int32, "binary": np.int32, "large_string": np.int64, "large_binary": np.int64}


def _without_hidden_text(chunk: Any, name: str) -> tuple[np.ndarray[Any, Any], memoryview]:
    """Return the length of each value and the bytes of all; a null has no length."""
    lengths, data = _lengths(chunk, name)
    if chunk.null_count and lengths[chunk.is_null().to_numpy(zero_copy_only=False)].any():
        return _lengths(chunk.fill_null("" if "string" in name else b""), name)
    return lengths, data


def _lengths(chunk: Any, name: str) -> tuple[np.ndarray[Any, Any], memoryview]:
    _, offsets, data = chunk.buffers()
    ends = np.frombuffer(offsets, _OFFSETS[name])[chunk.offset : chunk.offset + len(chunk) + 1]
    return np.diff(ends), memoryview(data or b"")[ends[0] : ends[-1]]


def _booleans(chunk: Any) -> Iterator[np.ndarray[Any, Any]]:
    yield (chunk.fill_null(False) if chunk.null_count else chunk).to_numpy(zero_copy_only=False)


def _numbers(chunk: Any) -> Iterator[Any]:
    """Yield the bytes of values of a fixed width; those of a null are zero."""
    width = chunk.type.bit_width // 8
    content = memoryview(chunk.buffers()[1])[chunk.offset * width : (chunk.offset + len(chunk)) * width]
    if not chunk.null_count:
        yield content
        return
    values = np.frombuffer(content, np.uint8).reshape(len(chunk), width)
    for start in range(0, len(chunk), _ROWS):
        part = values[start : start + _ROWS].copy()
        part[chunk.slice(start, _ROWS).is_null().to_numpy(zero_copy_only=False)] = 0
        yield part


def _write_nested(walk: Walk, kind: Any, chunks: list[Any]) -> None:
    pa: Any = sys.modules["pyarrow"]
    if isinstance(kind, pa.StructType):
        _start(walk, chunks, 1)
        parts = [chunk.flatten() for chunk in chunks]
        walk.out.append(array_header(kind.num_fields))
        for place in range(kind.num_fields):
            write_content(walk, kind.field(place).type, [part[place] for part in parts])
    elif isinstance(kind, pa.FixedSizeListType):
        _start(walk, chunks, 1)
        write_content(walk, kind.value_type, [chunk.flatten() for chunk in chunks])
    elif isinstance(kind, pa.MapType):
        pairs = pa.struct([kind.key_field, kind.item_field])
        _write_lists(walk, pairs, [_as_list(chunk, pairs) for chunk in chunks])
    elif hasattr(kind, "value_type"):
        _write_lists(walk, kind.value_type, chunks)
    else:
        raise Refused(f"pyarrow values of type {kind}", "cast them to another type, or pass what .to_pylist() returns")


def _write_lists(walk: Walk, kind: Any, chunks: list[Any]) -> None:
    """Write lists by their lengths and what is in them; a null has no length."""
    compute: Any = __import__("pyarrow.compute").compute
    count = _start(walk, chunks, 2)
    lengths = (compute.list_value_length(chunk).fill_null(0).cast("int64") for chunk in chunks)
    write_pieces(walk, 8 * count, (length.to_numpy() for length in lengths))
    write_content(walk, kind, [chunk.flatten() for chunk in chunks])


def _as_list(chunk: Any, pairs: Any) -> Any:
    """Return an array of maps as the array of lists of pairs that it is in memory."""
    pa: Any = sys.modules["pyarrow"]
    content = pa.StructArray.from_arrays([chunk.keys, chunk.items], fields=list(pairs))
    return pa.Array.from_buffers(
        pa.list_(pairs), len(chunk), chunk.buffers()[:2], chunk.null_count, chunk.offset, [content]
    )
