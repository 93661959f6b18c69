"""Codec `npy/1`: one numpy array as the bytes of a plain `.npy` file, which any tool opens.

Owns the header and the ways to read the data: copied if small, mapped copy-on-write if large, so that opening a large
result costs the same whatever its size (I9). Nothing in the bytes is executed or unpickled (I7). Imported only once a
value is an array, so it may import numpy.
"""

from __future__ import annotations

import ast
import mmap
import os
import sys

import numpy as np

from cas.blob import BlobFile
from memo.codecs.shapes import count_of
from memo.codecs.summary import summarize
from memo.errors import CodecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cas.entry import Parts
    from memo.codecs import OpenBlob, Write

    Array = np.ndarray[Any, Any]
    Layout = tuple[np.dtype[Any], tuple[int, ...], bool, int]
    """Dtype, shape, whether in Fortran order, and bytes of data."""

name = "npy/1"

_MAGIC = b"\x93NUMPY"
_ALIGN = 64
# Reading touches every page of a fresh array (1 MB: 50 µs and more), mapping costs 10 µs whatever the size.
_MAP_FROM = 1 << 20
# A map holds a descriptor before Python 3.13: where a process has this many open files, arrays are read instead.
_HOLDS_FILES = sys.version_info < (3, 13)
_MANY_FILES = 200
# Kinds whose dtype `.npy` keeps exactly: bool, integers, floats, complex, bytes, text, raw, times.
_PLAIN = frozenset("?bBhHiIlLqQefdgFDGSUVmM")

# Headers repeat: parsing one costs 50 µs, finding it again 0.1 µs.
_layouts: dict[bytes, Layout] = {}


def takes(value: object) -> bool:
    """Return whether a value is exactly an ndarray whose dtype `.npy` keeps; a map of a file counts as one."""
    return type(value) in (np.ndarray, np.memmap) and keeps(value.dtype)  # type: ignore[attr-defined]


def keeps(dtype: np.dtype[Any]) -> bool:
    """Return whether `.npy` keeps a dtype exactly."""
    if dtype.hasobject or dtype.metadata is not None or dtype.isbuiltin == 2:
        return False
    if dtype.names is None:
        known = dtype.char in _PLAIN and dtype.subdtype is None
        return known and (dtype.type is np.void if dtype.char == "V" else dtype.itemsize > 0)
    return dtype.type is np.void and not dtype.isalignedstruct and _is_packed(dtype)


def _is_packed(dtype: np.dtype[Any]) -> bool:
    """Return whether a structure is its fields one after the other, with nothing else about them."""
    end = 0
    fields: Any = dtype.fields
    for field_name in dtype.names or ():
        field, offset, *title = fields[field_name]
        inner = field if field.subdtype is None else field.subdtype[0]
        if title or offset != end or not field_name or not keeps(inner):
            return False
        end += field.itemsize
    return end == dtype.itemsize and end > 0


def encode(value: object, write: Write) -> tuple[Parts, str]:
    """Return header and data; the data of a contiguous array is not copied."""
    if not takes(value):
        raise CodecError(f"npy: expected a numpy array that .npy keeps exactly, got {summarize(value)}", 'use "tree"')
    return parts_of(value), summarize(value)  # type: ignore[arg-type]


def parts_of(value: Array) -> Parts:
    """Return the bytes of a `.npy` file as header and data."""
    if value.dtype.char in "gG":
        value = without_padding(value)
    flags = value.flags
    fortran = flags.f_contiguous and not flags.c_contiguous
    data = value.T if fortran else value if flags.c_contiguous else np.ascontiguousarray(value)
    return header(value.dtype, value.shape, fortran), data.reshape(-1).view(np.uint8).data


def without_padding(value: Array) -> Array:
    """Return a copy of an array of long doubles that has zeros where no bit of a number stands, as x87 has six."""
    value = np.array(value, order="K", subok=False)
    if np.finfo(np.longdouble).nmant == 63:
        flat = value.T if value.flags.f_contiguous else value
        parts = flat.reshape(-1).view(np.uint8).reshape(-1, np.dtype(np.longdouble).itemsize)
        swapped = value.dtype.newbyteorder("=") != value.dtype
        parts[:, slice(-10) if swapped else slice(10, None)] = 0
    return value


def validate(value: object, name: str) -> bool:
    """Return True if a value is an array that `.npy` keeps, a number, or nested sequences of them; else raise."""
    if isinstance(value, (list, tuple)):
        return all(validate(element, f"{name}[{index}]") for index, element in enumerate(value))
    if isinstance(value, np.ndarray | np.generic):
        if not keeps(value.dtype):
            raise CodecError(
                f"{name}: expected a dtype that .npy keeps exactly, got {value.dtype}", "convert it to a plain dtype"
            )
    elif type(value) not in (bool, int, float, complex, str, bytes) or np.array(value).dtype.hasobject:
        raise CodecError(f"{name}: expected an array or a number, got {summarize(value)}", "store it as a tree")
    return True


def header(dtype: np.dtype[Any], shape: tuple[int, ...], fortran: bool) -> bytes:
    """Return the header of a `.npy` file; the data behind it starts at a multiple of 64 bytes."""
    descr = dtype.str if dtype.names is None else dtype.descr
    text = f"{{'descr': {descr!r}, 'fortran_order': {fortran}, 'shape': {shape!r}, }}"
    body, version = text.encode("latin-1", "ignore"), 1
    if len(text) > 65000 or body.decode("latin-1") != text:
        body, version = text.encode(), 3
    start = 8 + (2 if version == 1 else 4)
    body += b" " * (-(start + len(body) + 1) % _ALIGN) + b"\n"
    return _MAGIC + bytes((version, 0)) + len(body).to_bytes(start - 8, "little") + body


def decode(body: bytes | BlobFile, open_blob: OpenBlob) -> Array:
    """Return a fresh, writable array; a large file is mapped, its pages private and read when touched."""
    return read_file(body) if isinstance(body, BlobFile) else read_bytes(body)


def read_bytes(body: bytes) -> Array:
    """Return the array that the bytes of a `.npy` file hold."""
    start = _data_start(body)
    layout = _layout(body[:start])
    _check_size(len(body) - start, layout)
    value, target = _empty(layout)
    target[:] = memoryview(body)[start:]
    return value


def read_file(blob: BlobFile) -> Array:
    """Return the array that a `.npy` file holds."""
    descriptor = os.open(blob.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        opening = os.pread(descriptor, 256, 0)
        start = _data_start(opening)
        size = os.fstat(descriptor).st_size
        if len(opening) < start <= size:
            opening = os.pread(descriptor, start, 0)
        layout = _layout(opening[:start])
        _check_size(size - start, layout)
        crowded = _HOLDS_FILES and descriptor > _MANY_FILES
        if size < _MAP_FROM or (crowded and size < _MAP_FROM << 8):
            value = _read(descriptor, start, layout)
            value.flags.writeable = type(blob) is BlobFile
            return value
        if type(blob) is not BlobFile:
            return _map_frozen(descriptor, start, layout, blob)
        return _map(descriptor, start, layout)
    finally:
        os.close(descriptor)


def _read(descriptor: int, start: int, layout: Layout) -> Array:
    value, target = _empty(layout)
    position = 0
    while position < len(target):
        count = os.preadv(descriptor, [target[position:]], start + position)
        if not count:
            raise _malformed("data that end early")
        position += count
    return value


def _map_frozen(descriptor: int, start: int, layout: Layout, blob: Any) -> Array:
    """Return an array that nothing can change, and have it known by the digest of its file."""
    value = _map(descriptor, start, layout, mmap.ACCESS_READ)
    blob.freeze(value.base, value, descriptor)
    return value


def _map(descriptor: int, start: int, layout: Layout, access: int = mmap.ACCESS_COPY) -> Array:
    if sys.version_info >= (3, 13):
        pages = mmap.mmap(descriptor, 0, access=access, trackfd=False)
    else:
        pages = mmap.mmap(descriptor, 0, access=access)
    dtype, shape, fortran, _ = layout
    return np.ndarray(shape, dtype, pages, start, order="F" if fortran else "C")


def _empty(layout: Layout) -> tuple[Array, memoryview]:
    """Return a new array and its bytes to fill."""
    dtype, shape, fortran, _ = layout
    try:
        value = np.empty(shape, dtype, "F" if fortran else "C")
    except ValueError as error:
        raise _malformed(f"a header of shape {shape}: {error}") from error
    if not value.nbytes:
        return value, memoryview(bytearray())
    return value, (value.T if fortran else value).reshape(-1).view(np.uint8).data


def _data_start(opening: bytes) -> int:
    """Return where the data begin, from the first bytes of the file."""
    if opening[:6] != _MAGIC or len(opening) < 12 or opening[6] not in (1, 2, 3):
        raise _malformed("no .npy header")
    if opening[6] == 1:
        return 10 + int.from_bytes(opening[8:10], "little")
    return 12 + int.from_bytes(opening[8:12], "little")


def _layout(opening: bytes) -> Layout:
    layout = _layouts.get(opening)
    if layout is None:
        layout = _parse(opening)
        if len(_layouts) >= 4096:
            _layouts.clear()
        _layouts[opening] = layout
    return layout


def _parse(opening: bytes) -> Layout:
    """Read a header; only literals are understood, so nothing in it can run."""
    try:
        text = opening[10 if opening[6] == 1 else 12 :].decode("utf-8" if opening[6] == 3 else "latin-1")
        fields = ast.literal_eval(text.strip())
        dtype = np.lib.format.descr_to_dtype(fields["descr"])
        shape, fortran = fields["shape"], fields["fortran_order"]
        size = count_of(shape) * dtype.itemsize
    except (ValueError, TypeError, SyntaxError, KeyError, MemoryError, RecursionError) as error:
        raise _malformed(f"a header that does not parse: {error}") from error
    if type(shape) is not tuple or type(fortran) is not bool or not keeps(dtype):
        raise _malformed(f"a header of shape {shape!r:.60}, dtype {dtype}")
    return dtype, shape, fortran, size


def _check_size(size: int, layout: Layout) -> None:
    if size != layout[3]:
        raise _malformed(f"{size} bytes of data for {layout[3]}")


def _malformed(seen: str) -> CodecError:
    return CodecError(f"npy: expected the bytes of a .npy file, got {seen}", "run `cas fsck`")
