"""The writer of scipy's sparse arrays and matrices: by format, and within it by what is stored where.

Owns what of a sparse value counts: its class, format, dtype, shape, block size, and each stored element with its
place, an explicit zero included. What does not: the order in which elements are stored, duplicates (they are summed),
and the width of the index numbers. The argument is left as it is, its cached flags too.
"""

from __future__ import annotations

import sys

import numpy as np

from memo.canonical.attributes import further, write_attributed
from memo.canonical.containers import write_elements
from memo.canonical.libraries import write_library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from memo.canonical.walk import Walk, Writer

# What scipy keeps on a sparse value itself, in any of its versions.
INTERNAL = frozenset(("_dict", "_has_canonical_format", "_has_sorted_indices", "_shape", "has_canonical_format"))
INTERNAL |= frozenset(("has_sorted_indices", "maxprint", "data", "indices", "indptr", "coords", "row", "col"))
INTERNAL |= frozenset(("dtype", "offsets", "rows"))
# What one index of 32 bits can count.
_NARROW = (1 << 31) - 1


def find(cls: type) -> Writer | None:
    """Return the writer of a sparse class, or None."""
    name, _, kind = cls.__name__.partition("_")
    known = name in _PARTS and kind in ("array", "matrix")
    return write_sparse if known and cls is getattr(sys.modules.get("scipy.sparse"), cls.__name__, None) else None


def write_sparse(walk: Walk, value: Any) -> None:
    """Write a sparse array or matrix of any format, and what was set on it."""
    write_attributed(walk, value, further(value, INTERNAL), _write_stored)


def _write_stored(walk: Walk, value: Any) -> None:
    parts = _PARTS[value.format](value)
    outline = f" {value.dtype.name}{list(value.shape)} nnz={value.nnz if value.format == 'dia' else parts[-1].size}"

    def write(walk: Walk) -> None:
        write_elements(walk, (value.dtype, value.shape, *parts))

    write_library(walk, value, outline, write)


def _compressed(value: Any) -> tuple[Any, ...]:
    """Return row pointers, indices and data of a csr, csc or bsr value, sorted and without duplicates."""
    # A new object over the same arrays: its flags are found out, and kept, on itself.
    own = type(value)((value.data, value.indices, value.indptr), shape=value.shape, copy=False)
    if not own.has_canonical_format:
        own = own.copy()
        own.sum_duplicates()
    count = int(own.indptr[-1])
    width = np.int32 if max(count, *own.shape) <= _NARROW else np.int64
    blocks = getattr(own, "blocksize", ())
    return blocks, own.indptr.astype(width, copy=False), own.indices[:count].astype(width, copy=False), own.data[:count]


def _coordinates(value: Any) -> tuple[Any, ...]:
    """Return coordinates and data of a coo value, in the order of the rows and without duplicates."""
    coordinates = getattr(value, "coords", None) or (value.row, value.col)  # scipy before 1.13
    own = type(value)((value.data, coordinates), shape=value.shape)
    if len(value.shape) == 2:
        return _compressed(own.tocsr())
    own = own.copy()
    own.sum_duplicates()
    width = np.int32 if max(len(own.data), *own.shape) <= _NARROW else np.int64
    return tuple(axis.astype(width, copy=False) for axis in own.coords), own.data


def _diagonals(value: Any) -> tuple[Any, ...]:
    """Return offsets and diagonals of a dia value, by offset, and of each what lies inside of the shape."""
    rows, columns = value.shape
    order = np.argsort(value.offsets, kind="stable")
    width = value.data.shape[1]
    diagonals = []
    for place in order:
        offset = int(value.offsets[place])
        start, stop = max(0, offset), max(0, offset, min(columns, rows + offset))
        inside = np.zeros(stop - start, value.dtype)
        stored = value.data[place, start : min(stop, width)]
        inside[: len(stored)] = stored
        diagonals.append(inside)
    return value.offsets[order].astype(np.int64), diagonals


_PARTS: dict[str, Callable[[Any], tuple[Any, ...]]] = {
    "csr": _compressed,
    "csc": _compressed,
    "bsr": _compressed,
    "coo": _coordinates,
    "dok": lambda value: _coordinates(value.tocoo()),
    "lil": lambda value: _compressed(value.tocsr()),
    "dia": _diagonals,
}
