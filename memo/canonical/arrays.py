"""Writers of numpy arrays: dtype, shape, and content in C order, whatever the layout.

Owns how an array and its dtype become bytes. Imported only once a value is numpy's, so it may import numpy. Equal
bits share bytes: a NaN counts by its payload, padding (in structures, in long doubles) does not count at all.
"""

from __future__ import annotations

import math

import numpy as np

from cas import extension as ext
from cas.digest import digest, digest_parts, hasher_for
from cas.extension import array_header, head, leaf
from memo.canonical.containers import pack_flat, write_dict, write_elements
from memo.canonical.names import write_name
from memo.canonical.scalars import INLINE, pack, write_str
from memo.canonical.walk import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from memo.canonical.walk import Walk

# Strided content is copied in pieces of this many bytes, which stay in the cache until they are hashed.
_CHUNK = 1 << 20
# But at least as many rows as there are numbers in a line of the cache, up to this many bytes.
_LINE = 8
_MOST = 64 << 20
# Across the grain, blocks so wide at least, and of so many elements if there are few rows.
_BLOCK = 64
_BLOCK_SIZE = 8192
# Up to here a copy costs less than a view of the bytes.
_COPIED = 4 << 10
# x87 extended precision: ten bytes of number, and padding up to the item size.
_EXTENDED = 10
_HEAD = head(ext.ARRAY, 3)
# Kinds whose dtype is told by its string: bool, integers, floats, complex, bytes, text, raw, times.
_PLAIN = frozenset("?bBhHiIlLqQefdgFDGSUVmM")

# For plain dtypes: the bytes that open an array up to its shape. A long double's bytes hold padding: not plain.
_heads: dict[np.dtype[Any], bytes] = {}


def write_array(walk: Walk, value: np.ndarray[Any, Any]) -> None:
    """Write an array by value."""
    dtype = value.dtype
    opening = _heads.get(dtype)
    if opening is None or dtype.metadata is not None:  # dtypes compare equal whatever their metadata
        _write_unusual(walk, value)
        return
    shape = value.shape
    if value.nbytes <= INLINE:
        walk.out.append(opening + pack([*shape]) + pack(value.tobytes()))
    else:
        walk.out.append(opening + pack([*shape]) + leaf(ext.DIGEST, _digest(value)))


def _digest(value: np.ndarray[Any, Any]) -> bytes:
    if value.nbytes <= _COPIED:
        return digest(value.tobytes())
    if not value.flags.writeable:
        from memo.canonical.frozen import content_digest  # noqa: PLC0415 - few arrays are

        return content_digest(value, _hash)
    return _hash(value)


def _hash(value: np.ndarray[Any, Any]) -> bytes:
    if value.flags.c_contiguous:
        return digest(as_bytes(value))
    return digest_parts(_pieces(value))


def write_rows(walk: Walk, rows: list[np.ndarray[Any, Any]]) -> None:
    """Write arrays of one plain dtype and length with the bytes that `write_array` gives for them stacked."""
    size = sum(row.nbytes for row in rows)
    if size <= INLINE or len(rows) == 1:
        write_array(walk, np.stack(rows) if len(rows) > 1 else rows[0][None])
        return
    hasher = hasher_for(size)
    for row in rows:
        for piece in (as_bytes(row),) if row.flags.c_contiguous else _pieces(row):
            hasher.update(piece)
    walk.out.append(_HEAD + pack(rows[0].dtype.str) + pack([len(rows), len(rows[0])]))
    walk.out.append(leaf(ext.DIGEST, hasher.digest()))


def as_bytes(value: np.ndarray[Any, Any]) -> memoryview:
    """Return the bytes of a C-contiguous array without copying them."""
    # By way of uint8: times, text and foreign byte orders have no buffer format of their own.
    return value.reshape(-1).view(np.uint8).data


def _pieces(value: np.ndarray[Any, Any]) -> Iterator[memoryview]:
    """Yield the content in C order, piece by piece; each piece is gone when the next is asked for."""
    if value.nbytes <= _CHUNK or value.ndim == 0:
        yield as_bytes(np.ascontiguousarray(value))
        return
    row = value.nbytes // len(value)
    step = max(_CHUNK // row, min(_LINE, _MOST // row))
    if step == 0:
        for part in value:
            yield from _pieces(part)
        return
    # One buffer for all pieces: a fresh one for each would cost more in page faults than the copy.
    buffer = np.empty((step, *value.shape[1:]), value.dtype)
    for start in range(0, len(value), step):
        part = value[start : start + step]
        _copy(part, buffer[: len(part)])
        yield as_bytes(buffer[: len(part)])


def _copy(source: np.ndarray[Any, Any], target: np.ndarray[Any, Any]) -> None:
    """Copy into a C-contiguous target; across the grain (Fortran order), block by block: 2.6 GB/s, not 1.1."""
    width = source.shape[-1] if abs(source.strides[-1]) > abs(source.strides[0]) else 0
    step = max(_BLOCK, _BLOCK_SIZE // max(1, len(source)))
    if width <= step:
        np.copyto(target, source)
        return
    for start in range(0, width, step):
        np.copyto(target[..., start : start + step], source[..., start : start + step])


def _write_unusual(walk: Walk, value: np.ndarray[Any, Any]) -> None:
    """Write an array whose dtype is new, spelled out, padded, or made of Python's own values."""
    dtype = value.dtype
    if is_plain(dtype) and dtype.char not in "gG":
        _heads[dtype] = _HEAD + pack(dtype.str)
        write_array(walk, value)
        return
    if dtype.hasobject and not walk.enter(value):
        return
    walk.out.append(_HEAD)
    write_dtype(walk, dtype)
    walk.out.append(pack([*value.shape]))
    write_array_content(walk, value)
    if dtype.hasobject:
        walk.leave(value)


def write_array_content(walk: Walk, value: np.ndarray[Any, Any]) -> None:
    """Write content of any dtype: bytes, their digest, or elements where the bytes are pointers."""
    if value.dtype.kind in "TO":
        elements = value.ravel().tolist() if value.dtype.kind == "T" else list(value.flat)
        packed = pack_flat(elements, elements)
        if packed is not None:
            walk.out.append(packed)
        else:
            walk.out.append(array_header(value.size))
            write_elements(walk, elements)
    elif value.dtype.hasobject:
        _write_fields(walk, value)
    else:
        if _solid_size(value.dtype) * value.size <= INLINE:
            walk.out.append(pack(b"".join(map(bytes, _solid(value)))))
        else:
            walk.out.append(leaf(ext.DIGEST, digest_parts(_solid(value))))


def _write_fields(walk: Walk, value: np.ndarray[Any, Any]) -> None:
    """Write a structured array with Python values in it field by field."""
    names = value.dtype.names or ()
    walk.out.append(array_header(len(names)))
    write_elements(walk, [np.asarray(value[name]) for name in names])


def _solid(value: np.ndarray[Any, Any]) -> Iterator[memoryview]:
    """Yield the content without its padding; of a structured array, one field after the other."""
    dtype = value.dtype
    if dtype.names is not None:
        for name in dtype.names:
            yield from _solid(value[name])
    elif _solid_size(dtype) < dtype.itemsize:
        parts = np.ascontiguousarray(value).reshape(-1).view(np.uint8).reshape(-1, np.dtype(np.longdouble).itemsize)
        little = dtype.newbyteorder("=") == dtype and np.little_endian
        yield np.ascontiguousarray(parts[:, :_EXTENDED] if little else parts[:, -_EXTENDED:]).reshape(-1).data
    else:
        yield from _pieces(value)


def _solid_size(dtype: np.dtype[Any]) -> int:
    """Return the bytes that an element has without its padding."""
    if dtype.names is not None:
        return sum(_solid_size(dtype[name]) for name in dtype.names)
    if dtype.char in "gG" and np.finfo(np.longdouble).nmant == 63:
        return _EXTENDED * (2 if dtype.char == "G" else 1)
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return _solid_size(base) * math.prod(shape)
    return dtype.itemsize


def is_plain(dtype: np.dtype[Any]) -> bool:
    """Return whether a dtype's string says all there is to it."""
    known = dtype.char in _PLAIN and dtype.names is None and dtype.metadata is None and dtype.isbuiltin != 2
    return known and (dtype.char != "V" or dtype.type is np.void)


def write_dtype(walk: Walk, dtype: np.dtype[Any]) -> None:
    """Write a dtype as its string, or spelled out where a string would lose something."""
    if is_plain(dtype) and dtype.subdtype is None:
        write_str(walk, dtype.str)
    elif dtype.metadata is not None:
        walk.out.append(array_header(3) + pack("meta"))
        write_dtype(walk, _without_metadata(dtype))
        write_dict(walk, dict(dtype.metadata))
    elif dtype.names is not None:
        _write_structure(walk, dtype)
    elif dtype.subdtype is not None:
        base, shape = dtype.subdtype
        walk.out.append(array_header(3) + pack("sub"))
        write_dtype(walk, base)
        walk.out.append(pack([*shape]))
    elif dtype.kind == "O":
        walk.out.append(pack("|O"))
    elif dtype.char == "c":  # single characters, which numpy treats otherwise than text of length one
        walk.out.append(pack(["char", "|S1"]))
    elif dtype.kind == "T":
        walk.out.append(array_header(3) + pack("string"))
        walk.write(getattr(dtype, "na_object", ...))
        walk.write(getattr(dtype, "coerce", True))
    elif dtype.isbuiltin == 2 and dtype.type.__module__ != "numpy":  # made by an extension, such as bfloat16
        walk.out.append(array_header(4) + pack("user"))
        write_name(walk, dtype.type)
        write_str(walk, dtype.str)
    else:
        raise Refused(f"an array of dtype {dtype}", "convert it to one of numpy's own dtypes")


def _without_metadata(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.names is None:
        return np.dtype(dtype.str) if dtype.subdtype is None else np.dtype(dtype.subdtype)
    raise Refused("a structured dtype with metadata", "remove the metadata")


def _write_structure(walk: Walk, dtype: np.dtype[Any]) -> None:
    """Write a structured dtype with every field's name, title, offset and dtype."""
    fields: Any = dtype.fields
    names = dtype.names or ()
    walk.out.append(array_header(5) + pack("struct"))
    if dtype.type.__module__.partition(".")[0] == "numpy":
        walk.out.append(pack(dtype.type.__name__))
    else:  # somebody's subclass of numpy.void
        walk.write(dtype.type)
    walk.out.append(pack(dtype.itemsize) + pack(dtype.isalignedstruct) + array_header(len(names)))
    for name in names:
        field, offset, *title = fields[name]
        walk.out.append(array_header(4))
        write_elements(walk, (name, title[0] if title else None, offset))
        write_dtype(walk, field)
