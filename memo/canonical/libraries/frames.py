"""The writer of pandas' frames, series, indexes, arrays and dtypes: by labels, dtypes and values.

Owns what counts: values and dtype of each column, names, their order, the index with its kind, names and frequency,
`attrs` and `flags`; categories in their order. What does not: how columns lie together in blocks, and levels of a
MultiIndex that no row uses.
"""

from __future__ import annotations

import sys
from itertools import groupby

import numpy as np

from cas import extension as ext
from cas.extension import array_header, head, leaf
from memo.canonical.arrays import is_plain, write_array, write_rows
from memo.canonical.attributes import further, write_attributed
from memo.canonical.containers import write_dict, write_elements, write_named
from memo.canonical.libraries import write_library, write_part
from memo.canonical.libraries.extensions import plain, write_dtype, write_values
from memo.canonical.names import write_name
from memo.canonical.scalars import write_str
from memo.canonical.walk import Walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memo.canonical.walk import Writer


# The text of a dtype is as long as its fields are many.
_LONG = 40


def find(cls: type) -> Writer | None:
    """Return the writer of a class of pandas', or None."""
    pd: Any = sys.modules["pandas"]
    if cls is type(pd.NaT) or cls is type(pd.NA):
        return _write_constant
    scalars = {pd.Timestamp: _write_timestamp, pd.Timedelta: _write_timedelta, pd.Period: _write_period}
    exact: dict[type, Writer] = {pd.DataFrame: _write_plain, pd.Series: _write_plain, **scalars}
    exact[pd.Interval] = _write_interval
    if not cls.__module__.startswith("pandas"):
        return _write_subclass
    kinds = {pd.Index: _write_index, pd.api.extensions.ExtensionArray: _write_extension}
    kinds[pd.api.extensions.ExtensionDtype] = _write_dtype_value
    return exact.get(cls) or next((kinds[kind] for kind in cls.__mro__ if kind in kinds), None)


def _write_constant(walk: Walk, value: object) -> None:
    walk.out.append(leaf(ext.CONSTANT, f"pandas.{'NA' if 'NA' in type(value).__name__ else 'NaT'}".encode()))


def _write_frame(walk: Walk, value: Any) -> None:
    def write(walk: Walk) -> None:
        walk.out.append(array_header(4))
        write_part(walk, ".columns", write_index, value.columns)
        write_part(walk, ".index", write_index, value.index)
        _write_columns(walk, value)
        _write_notes(walk, value)

    write_library(walk, value, f"[{value.shape[0]} x {value.shape[1]}]", write)


def _write_plain(walk: Walk, value: Any) -> None:
    """Write a frame or series of pandas' own class, and what was set on it, as in `frame.name = "run 1"`."""
    write_attributed(walk, value, further(value, INTERNAL), _write_frame if value.ndim == 2 else _write_series)


def _write_subclass(walk: Walk, value: Any) -> None:
    """Write a frame or series of somebody else's class: what it is to pandas, and its further attributes."""
    if walk.refer_back(value):
        return
    walk.out.append(head(ext.SUBCLASS, 4))
    write_name(walk, type(value))
    _write_frame(walk, value) if value.ndim == 2 else _write_series(walk, value)
    # A copy has the attributes that the class declares, as None where the original never had them.
    names = {*vars(value), *value._metadata}.difference(INTERNAL)  # noqa: SLF001 - what pandas tells subclasses to use
    walk.enter(value)  # again: what writes the content has left it
    write_named(walk, {name: getattr(value, name, None) for name in sorted(names)})
    walk.leave(value)


# What pandas keeps on a frame or a series itself.
INTERNAL = ("_attrs", "_cacher", "_flags", "_is_copy", "_item_cache", "_metadata", "_mgr", "_name", "_typ")


def _write_columns(walk: Walk, frame: Any) -> None:
    """Write columns as runs of one plain dtype, each a two-dimensional array, and other columns one by one."""
    block = _one_block(frame)
    if block is not None:
        walk.out.append(array_header(1))
        write_array(walk, block)
        return
    columns = [plain(column) for column in columns_of(frame)]
    runs = [(kind, list(run)) for kind, run in groupby(columns, _run_of)]
    walk.out.append(array_header(sum(1 if kind else len(run) for kind, run in runs)))
    place = 0
    for kind, run in runs:
        if kind:
            write_rows(walk, run)
        else:
            for step, column in enumerate(run, place):
                write_part(walk, f"[{frame.columns[step]!r}]", write_values, column)
        place += len(run)


def _one_block(frame: Any) -> np.ndarray[Any, Any] | None:
    """Return the values of a frame kept as one block of a plain dtype, columns first, without a copy; else None.

    With the bytes that its columns would give one by one; but a frame made of an array keeps them across each other,
    and each would cost a pass over the whole memory.
    """
    manager: Any = getattr(frame, "_mgr", None)
    if not getattr(manager, "is_single_block", False) or _run_dtype(manager.blocks[0]) is None:
        return None
    values: np.ndarray[Any, Any] = frame.to_numpy().T
    return values


def columns_of(frame: Any) -> list[Any]:
    """Return the arrays behind the columns, as they lie in memory."""
    iterate = getattr(frame, "_iter_column_arrays", None)  # 30 times as fast as what is documented
    return list(iterate()) if iterate is not None else [column.array for _, column in frame.items()]


def _run_of(column: Any) -> str:
    """Return which run a column belongs to, empty for none; as text, since float64 equals None to numpy."""
    dtype = _run_dtype(column)
    return "" if dtype is None else dtype.str


def _run_dtype(column: Any) -> np.dtype[Any] | None:
    dtype = column.dtype
    return dtype if isinstance(dtype, np.dtype) and is_plain(dtype) and dtype.char not in "gG" else None


def _write_notes(walk: Walk, value: Any) -> None:
    walk.out.append(array_header(2))
    write_part(walk, ".attrs", write_dict, value.attrs)
    walk.write(bool(value.flags.allows_duplicate_labels))


def _write_series(walk: Walk, value: Any) -> None:
    def write(walk: Walk) -> None:
        walk.out.append(array_header(4))
        write_part(walk, ".name", Walk.write, value.name)
        write_part(walk, ".index", write_index, value.index)
        write_values(walk, plain(value.array))
        _write_notes(walk, value)

    write_library(walk, value, f" {_dtype_text(value.dtype)}[{len(value)}]", write)


def _dtype_text(dtype: Any) -> str:
    text = str(dtype)
    return text if len(text) < _LONG else type(dtype).__name__


# What pandas keeps on an index itself.
INDEX_INTERNAL = frozenset(("_cache", "_codes", "_data", "_engine", "_freq", "_id", "_levels", "_name", "_names"))
INDEX_INTERNAL |= frozenset(("_no_setting_name", "_range", "_references", "sortorder"))


def _write_index(walk: Walk, value: Any) -> None:
    write_library(walk, value, f"[{len(value)}]", lambda walk: write_index(walk, value))


def write_index(walk: Walk, index: Any) -> None:
    """Write an index: its kind, its names, its labels, and what was set on it."""
    write_attributed(walk, index, further(index, INDEX_INTERNAL), _write_labels)


def _write_labels(walk: Walk, index: Any) -> None:
    kind = type(index).__name__
    if kind == "RangeIndex":
        walk.out.append(array_header(5))
        write_elements(walk, (kind, index.name, index.start, index.stop, index.step))
    elif kind == "MultiIndex":
        walk.out.append(array_header(1 + index.nlevels))
        write_str(walk, kind)
        for level in range(index.nlevels):
            _write_level(walk, index, level)
    else:
        walk.out.append(array_header(4))
        write_elements(walk, (kind, index.name, getattr(index, "freq", None) if kind in _WITH_FREQUENCY else None))
        write_values(walk, plain(index.array))


def _write_level(walk: Walk, index: Any, level: int) -> None:
    """Write the labels of a level; where a missing one has turned integers into floats, their dtype too."""
    labels, kind = index.get_level_values(level), index.levels[level].dtype
    if labels.dtype != kind:
        walk.out.append(array_header(2))
        write_dtype(walk, kind)
    write_index(walk, labels)


_WITH_FREQUENCY = ("DatetimeIndex", "TimedeltaIndex")


def _write_extension(walk: Walk, value: Any) -> None:
    write_library(
        walk, value, f" {_dtype_text(value.dtype)}[{len(value)}]", lambda walk: write_values(walk, plain(value))
    )


def _write_dtype_value(walk: Walk, value: Any) -> None:
    write_library(walk, value, "", lambda walk: write_dtype(walk, value))


def _write_timestamp(walk: Walk, value: Any) -> None:
    def write(walk: Walk) -> None:
        walk.out.append(array_header(4))
        write_elements(walk, (int(value.asm8.view("i8")), value.unit, value.tz, value.fold))

    write_library(walk, value, f"({value.isoformat()})", write, short=True)


def _write_timedelta(walk: Walk, value: Any) -> None:
    def write(walk: Walk) -> None:
        walk.out.append(array_header(2))
        write_elements(walk, (int(value.asm8.view("i8")), value.unit))

    write_library(walk, value, f"({value})", write, short=True)


def _write_period(walk: Walk, value: Any) -> None:
    def write(walk: Walk) -> None:
        walk.out.append(array_header(2))
        write_elements(walk, (value.ordinal, value.freq))

    write_library(walk, value, f"({value})", write, short=True)


def _write_interval(walk: Walk, value: Any) -> None:
    def write(walk: Walk) -> None:
        walk.out.append(array_header(3))
        write_elements(walk, (value.left, value.right, value.closed))

    write_library(walk, value, f"({value})", write, short=True)
