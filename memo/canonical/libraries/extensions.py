"""The writers of pandas' own dtypes and arrays that numpy does not have: each by its dtype and its values.

Owns one rule for each kind of dtype: how it is spelled, and which plain arrays its values are.
"""

from __future__ import annotations

import sys

import numpy as np

from cas.extension import array_header
from memo.canonical.arrays import write_array
from memo.canonical.containers import write_elements
from memo.canonical.scalars import write_str

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from memo.canonical.walk import Walk

# Up to so many texts, it takes longer to ask Arrow for its buffers than to write the texts.
_FEW = 256
# The dtypes of pandas' own wrapping of a numpy array, by its names over the versions.
_WRAPPED = ("NumpyEADtype", "PandasDtype")


def plain(array: Any) -> Any:
    """Return the numpy array behind one of a numpy dtype, without a copy; any other as it is."""
    is_numpy = isinstance(array.dtype, np.dtype) or type(array.dtype).__name__ in _WRAPPED
    return np.asarray(array) if is_numpy else array


def write_values(walk: Walk, array: Any) -> None:
    """Write the dtype and the values of an array, numpy's or an extension's."""
    if isinstance(array, np.ndarray):
        write_array(walk, array)
        return
    kind = _kind_of(array.dtype)
    if kind is None:
        walk.write(array)  # of another library than pandas: by the rules for any object
        return
    walk.out.append(array_header(2))
    write_dtype(walk, array.dtype)
    _VALUES[kind](walk, array)


def write_dtype(walk: Walk, dtype: Any) -> None:
    """Write a dtype: its kind, and what it is made with."""
    kind = _kind_of(dtype)
    if kind is None:
        walk.write(dtype)
        return
    walk.out.append(array_header(2))
    write_str(walk, kind)
    _DTYPES[kind](walk, dtype)


def _kind_of(dtype: Any) -> str | None:
    """Return which rule serves a dtype, None for one that is not pandas' own."""
    cls = type(dtype)
    if not cls.__module__.startswith("pandas"):
        return None
    if cls.__name__ in _DTYPES:
        return cls.__name__
    return "masked" if hasattr(dtype, "numpy_dtype") and cls.__name__ not in _WRAPPED else None


def _facts(*names: str) -> Callable[[Walk, Any], None]:
    def write(walk: Walk, dtype: Any) -> None:
        walk.out.append(array_header(len(names)))
        write_elements(walk, [getattr(dtype, name, None) for name in names])

    return write


def _write_text_dtype(walk: Walk, dtype: Any) -> None:
    walk.out.append(array_header(2))
    # Before pandas 2.3 there was one kind of missing text.
    write_elements(walk, (dtype.storage, getattr(dtype, "na_value", sys.modules["pandas"].NA)))


def _write_arrow_dtype(walk: Walk, dtype: Any) -> None:
    from memo.canonical.libraries.arrow import write_type  # noqa: PLC0415 - most frames have none

    write_type(walk, dtype.pyarrow_dtype)


def _write_categories(walk: Walk, array: Any) -> None:
    walk.write(np.asarray(array.codes))


def _write_moments(walk: Walk, array: Any) -> None:
    walk.write(np.asarray(array.asi8))


def _write_interval_ends(walk: Walk, array: Any) -> None:
    walk.out.append(array_header(2))
    for ends in (array.left, array.right):
        write_values(walk, plain(ends.array))


def _write_masked(walk: Walk, array: Any) -> None:
    """Write numbers with missing ones among them; what lies under a missing one does not count."""
    missing = array.isna()
    walk.out.append(array_header(2))
    write_array(walk, array.to_numpy(dtype=array.dtype.numpy_dtype, na_value=0))
    walk.write(missing if missing.any() else None)


def _write_sparse(walk: Walk, array: Any) -> None:
    walk.out.append(array_header(3))
    write_elements(walk, (len(array), array.sp_index.to_int_index().indices, np.asarray(array.sp_values)))


def _write_texts(walk: Walk, array: Any) -> None:
    if len(array) <= _FEW or array.dtype.storage == "python":
        walk.write(np.asarray(array, object))
    else:
        _write_arrow(walk, array)


def _write_arrow(walk: Walk, array: Any) -> None:
    from memo.canonical.libraries.arrow import write_content  # noqa: PLC0415 - most frames have none

    chunks = array.__arrow_array__()
    write_content(walk, chunks.type, getattr(chunks, "chunks", [chunks]))


_DTYPES: dict[str, Callable[[Walk, Any], None]] = {
    "ArrowDtype": _write_arrow_dtype,
    "CategoricalDtype": _facts("categories", "ordered"),
    "DatetimeTZDtype": _facts("unit", "tz"),
    "IntervalDtype": _facts("subtype", "closed"),
    "PeriodDtype": _facts("freq"),
    "SparseDtype": _facts("subtype", "fill_value"),
    "StringDtype": _write_text_dtype,
    "masked": _facts("name"),
}

_VALUES: dict[str, Callable[[Walk, Any], None]] = {
    "ArrowDtype": _write_arrow,
    "CategoricalDtype": _write_categories,
    "DatetimeTZDtype": _write_moments,
    "IntervalDtype": _write_interval_ends,
    "PeriodDtype": _write_moments,
    "SparseDtype": _write_sparse,
    "StringDtype": _write_texts,
    "masked": _write_masked,
}
