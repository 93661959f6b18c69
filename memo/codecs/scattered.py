"""Sparse arrays and matrices of scipy as their class, their shape, and the arrays that they are made of.

Owns every format exactly: dtype, dtype of the indices, spare room, what lies in no order, and the flags that scipy
remembers. Indices that lead out of the matrix are refused, since scipy's own code would follow them.
"""

from __future__ import annotations

import sys

import numpy as np

from cas import extension as ext
from memo.canonical.attributes import further
from memo.canonical.libraries.sparse import INTERNAL
from memo.errors import CodecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memo.codecs.composites import Apart

_PARTS: dict[str, tuple[str, ...]] = {
    "csr": ("data", "indices", "indptr"),
    "csc": ("data", "indices", "indptr"),
    "bsr": ("data", "indices", "indptr"),
    "coo": ("data", "coords"),
    "dia": ("data", "offsets"),
    "lil": ("data", "rows"),
    "dok": ("items",),
}
_CLASSES = frozenset(f"{layout}_{kind}" for layout in _PARTS for kind in ("array", "matrix"))
# What scipy found out of a matrix and remembers; and how much it prints.
_FLAGS = ("_has_sorted_indices", "_has_canonical_format", "has_canonical_format", "maxprint")


def take_apart(value: Any) -> Apart | None:
    """Return the parts of a sparse array or matrix; None if it is no class of scipy's own."""
    cls = type(value)
    home = sys.modules.get("scipy.sparse")
    if home is None or cls.__name__ not in _CLASSES or getattr(home, cls.__name__, None) is not cls:
        return None
    if further(value, INTERNAL):
        return None  # which pickle keeps
    layout = cls.__name__[:3]
    if layout == "dok":
        parts: dict[str, Any] = {"items": dict(value.items()), "dtype": value.dtype}
    else:
        parts = {name: getattr(value, name) for name in _PARTS[layout]}
    if not all(type(array) in (np.ndarray, np.memmap, tuple, dict) for array in parts.values() if layout != "dok"):
        return None  # numpy's subclasses would be taken for plain arrays
    if layout == "lil":
        parts["dtype"] = value.dtype
    flags = {name: _plain(vars(value)[name]) for name in _FLAGS if name in vars(value)}
    return ext.SPARSE, [cls.__name__, [int(length) for length in value.shape], parts, flags]


def clean(value: Any) -> Any:
    """Return a copy without spare room, for scipy to convert: it writes what it finds out into what it converts."""
    copied = value.copy()
    if hasattr(copied, "prune"):
        copied.prune()
    return copied


def _plain(flag: Any) -> Any:
    return bool(flag) if isinstance(flag, bool | np.bool_) else flag


def put_together(name: str, shape: list[int], parts: dict[str, Any], flags: dict[str, Any]) -> Any:
    """Return the sparse array or matrix of these parts.

    Raises:
        CodecError: They do not fit together.
    """
    if name not in _CLASSES:
        raise CodecError(f"sparse: expected a class of scipy.sparse, got {name!r:.60}", "run `cas fsck`")
    import scipy.sparse  # noqa: PLC0415 - 150 ms, only where a value needs it

    cls = getattr(scipy.sparse, name, None)
    if cls is None:
        raise CodecError(f"sparse: expected a scipy that has {name}", "upgrade scipy: pip install -U scipy")
    try:
        value = _BUILDERS[name[:3]](cls, tuple(shape), **parts)
        for flag, content in flags.items():
            if flag in _FLAGS and type(content) in (bool, int):
                setattr(value, flag, content)
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, MemoryError) as error:
        raise CodecError(f"sparse: expected the parts of a {name}, got {error}", "run `cas fsck`") from error
    return value


def _compressed(cls: Any, shape: tuple[int, ...], data: Any, indices: Any, indptr: Any) -> Any:
    """Build CSR, CSC or BSR; scipy checks that every index is inside."""
    if indices.dtype.kind != "i" or indptr.dtype.kind != "i":
        raise ValueError("indices that are no integers")
    value = cls((data, indices, indptr), shape=shape, copy=False)
    value.check_format(full_check=True)
    # The constructor may narrow the indices, and the check cuts off spare room.
    value.data, value.indices, value.indptr = data, indices, indptr
    for remembered in ("_has_sorted_indices", "_has_canonical_format"):
        vars(value).pop(remembered, None)
    return value


def _coordinates(cls: Any, shape: tuple[int, ...], data: Any, coords: Any) -> Any:
    for axis, length in zip(coords, shape, strict=True):
        if axis.dtype.kind != "i":
            raise ValueError("indices that are no integers")
        if len(axis) != len(data) or (len(axis) and not 0 <= int(axis.min()) <= int(axis.max()) < length):
            raise ValueError("indices that lead out of it")
    value = cls((data, tuple(coords)), shape=shape, copy=False)
    value.data, value.coords = data, tuple(coords)
    return value


def _diagonals(cls: Any, shape: tuple[int, ...], data: Any, offsets: Any) -> Any:
    value = cls((data, offsets), shape=shape, copy=False)
    value.data, value.offsets = data, offsets
    return value


def _lists(cls: Any, shape: tuple[int, ...], data: Any, rows: Any, dtype: Any) -> Any:
    if data.shape != shape[:1] or rows.shape != shape[:1] or data.dtype != object or rows.dtype != object:
        raise ValueError("rows of another number")
    value = cls(shape, dtype=dtype)
    width = shape[-1]
    for row, content in zip(rows, data, strict=True):
        if type(row) is not list or type(content) is not list or len(row) != len(content):
            raise ValueError("a row that is no list")
        if not all(isinstance(column, int | np.integer) and 0 <= column < width for column in row):
            raise ValueError("indices that lead out of it")
    value.data, value.rows = data, rows
    return value


def _keys(cls: Any, shape: tuple[int, ...], items: Any, dtype: Any) -> Any:
    value = cls(shape, dtype=dtype)
    for key in items:
        where = key if type(key) is tuple else (key,)
        if len(where) != len(shape) or not all(0 <= int(k) < length for k, length in zip(where, shape, strict=True)):
            raise ValueError("indices that lead out of it")
    value._dict.update(items)  # item by item it would be converted
    return value


_BUILDERS: dict[str, Any] = {
    "csr": _compressed,
    "csc": _compressed,
    "bsr": _compressed,
    "coo": _coordinates,
    "dia": _diagonals,
    "lil": _lists,
    "dok": _keys,
}
