"""The MAT-file format, version 5, as MATLAB and Octave read it; written here, never read.

After "MAT-File Format" (MathWorks, R2024a). Not by scipy.io: its header carries the time of day, so equal values would
never share a blob; it copies every array; and it drops what it cannot write (None) without a word.
"""

from __future__ import annotations

import struct

import numpy as np

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    Array = np.ndarray[Any, Any]
    Pieces = list[Any]
    """Buffers, and `Data` where an array's bytes are to stand."""

_INT8, _UINT8, _UINT16, _INT32, _UINT32, _MATRIX = 1, 2, 4, 5, 6, 14
_CELL, _STRUCT, _CHAR, _SPARSE, _DOUBLE = 1, 2, 4, 5, 6
_COMPLEX, _LOGICAL = 0x0800, 0x0200
# Class of the array, type of its data.
_KINDS = {
    "f8": (6, 9), "f4": (7, 7), "i1": (8, 1), "u1": (9, 2), "i2": (10, 3), "u2": (11, 4), "i4": (12, 5), "u4": (13, 6),
    "i8": (14, 12), "u8": (15, 13),
}  # fmt: skip
# The bytes of a variable are counted by a signed 32-bit integer.
LARGEST = (1 << 31) - 1

HEADER = b"MATLAB 5.0 MAT-file, written by memo.codecs.mat/1; the value stands in result".ljust(116) + struct.pack(
    "<QH2s", 0, 0x0100, b"IM"
)


class Data:
    """The place of an array's bytes, little-endian and in Fortran order.

    Attributes:
        array: What stands there.
        dtype: As what.
        entry: Where to note the offset, and at which index of its offsets; None if nobody asks.
    """

    __slots__ = ("array", "dtype", "entry", "index")

    def __init__(self, array: Array, dtype: np.dtype[Any], entry: list[Any] | None, index: int = 0) -> None:
        self.array = array
        self.dtype = dtype
        self.entry = entry
        self.index = index

    @property
    def nbytes(self) -> int:
        """The length of the bytes."""
        return self.array.size * self.dtype.itemsize

    def buffer(self) -> Any:
        """Return the bytes; without a copy if the array stands in memory as it does in the file."""
        content: Any = self.array
        if content.dtype.kind in "mMb":
            content = content.view(f"{content.dtype.str[0]}{'u1' if content.dtype.kind == 'b' else 'i8'}")
        content = np.asarray(content, self.dtype).T
        return np.ascontiguousarray(content).reshape(-1).view(np.uint8).data if content.size else b""


def stored_dtype(dtype: np.dtype[Any]) -> np.dtype[Any] | None:
    """Return the dtype of an array's bytes in a MAT-file (of its real part, if complex); None if there is none."""
    if dtype.kind in "mM":
        return np.dtype("<i8")
    if dtype.kind == "b":
        return np.dtype("u1")
    if dtype.char in "FD":
        return np.dtype("<f4" if dtype.char == "F" else "<f8")
    if dtype.char == "e":
        return np.dtype("<f4")
    return dtype.newbyteorder("<") if dtype.str[1:] in _KINDS else None


def numbers(name: str, value: Array, entry: list[Any] | None) -> Pieces:
    """Return a numeric or logical array; fewer than two dimensions become a row."""
    dtype = stored_dtype(value.dtype)
    assert dtype is not None
    kind, data = _KINDS[dtype.str[1:]]
    is_complex = value.dtype.kind == "c"
    flags = kind | _COMPLEX * is_complex | _LOGICAL * (value.dtype.kind == "b")
    parts = [value.real, value.imag] if is_complex else [value]
    content = [_element(data, Data(part, dtype, entry, index)) for index, part in enumerate(parts)]
    return _matrix(flags, _dimensions(value.shape), name, content)


def characters(name: str, text: str) -> Pieces:
    """Return text as a row of UTF-16 units."""
    units = text.encode("utf-16-le", "surrogatepass")
    shape = (1, len(units) // 2) if units else (0, 0)
    return _matrix(_CHAR, shape, name, [_element(_UINT16, units)])


def cells(name: str, shape: Iterable[int], content: list[Pieces]) -> Pieces:
    """Return a cell array of unnamed arrays, in Fortran order."""
    return _matrix(_CELL, _dimensions(tuple(shape)), name, content)


def structure(name: str, fields: dict[str, Pieces]) -> Pieces:
    """Return a structure of one element."""
    width = max(map(len, fields), default=0) + 1
    names = b"".join(field.encode("ascii").ljust(width, b"\0") for field in fields)
    head = [_element(_INT32, struct.pack("<i", width)), _element(_INT8, names)]
    return _matrix(_STRUCT, (1, 1), name, [*head, *fields.values()])


def sparse(name: str, shape: tuple[int, int], rows: Array, starts: Array, data: Array) -> Pieces:
    """Return a sparse matrix by columns: doubles, complex doubles, or logical."""
    is_complex = data.dtype.kind == "c"
    flags = _SPARSE | _COMPLEX * is_complex | _LOGICAL * (data.dtype.kind == "b")
    indices = [_element(_INT32, Data(part, np.dtype("<i4"), None)) for part in (rows, starts)]
    parts = [data.real, data.imag] if is_complex else [data]
    kind, dtype = (_UINT8, np.dtype("u1")) if data.dtype.kind == "b" else (9, np.dtype("<f8"))
    content = [_element(kind, Data(part, dtype, None)) for part in parts]
    return _matrix(flags, shape, name, [*indices, *content], max(len(data), 1))


def size_of(pieces: Pieces) -> int:
    """Return how many bytes the pieces are."""
    return sum(piece.nbytes if isinstance(piece, Data) else len(piece) for piece in pieces)


def place(pieces: Pieces) -> None:
    """Note in the entries of arrays where, from the first piece on, their bytes stand."""
    position = 0
    for piece in pieces:
        if isinstance(piece, Data):
            if piece.entry is not None:
                piece.entry[0][piece.index] = position
            position += piece.nbytes
        else:
            position += len(piece)


def _dimensions(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (1,) * (2 - len(shape)) + shape


def _matrix(flags: int, shape: tuple[int, ...], name: str, content: list[Pieces], room: int = 0) -> Pieces:
    inside = [
        *_element(_UINT32, struct.pack("<II", flags, room)),
        *_element(_INT32, struct.pack(f"<{len(shape)}i", *shape)),
        *_element(_INT8, name.encode("ascii")),
    ]
    pieces = [b"".join(inside), *(piece for part in content for piece in part)]
    return [struct.pack("<II", _MATRIX, min(size_of(pieces), LARGEST + 1)), *pieces]


def _element(kind: int, data: bytes | Data) -> Pieces:
    size = data.nbytes if isinstance(data, Data) else len(data)
    if 0 < size <= 4:  # data this small stand in their own tag
        return [struct.pack("<HH", kind, size), data, bytes(4 - size)]
    return [struct.pack("<II", kind, min(size, LARGEST + 1)), data, bytes(-size % 8)]
