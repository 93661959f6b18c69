"""The writer of polars' frames and series: by names, dtypes and values.

Owns what counts: names and their order, dtypes, values, what is null; of an Enum its categories. What does not:
chunks, flags such as sortedness, and how a Categorical numbers its texts. A LazyFrame is a plan, and refused.
"""

from __future__ import annotations

import sys

import numpy as np

from cas.extension import array_header
from memo.canonical.containers import write_elements
from memo.canonical.libraries import write_library, write_part
from memo.canonical.libraries.pieces import write_pieces
from memo.canonical.scalars import pack, write_str

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from memo.canonical.walk import Walk, Writer

# Rows that are looked at at a time.
_ROWS = 1 << 20


def find(cls: type) -> Writer | None:
    """Return the writer of a class of polars', or None."""
    pl: Any = sys.modules["polars"]
    if cls is pl.DataFrame:
        return _write_frame
    if cls is pl.Series:
        return _write_series
    if issubclass(cls, pl.DataType):
        return _write_dtype_value
    return None


def _write_frame(walk: Walk, value: Any) -> None:
    def write(walk: Walk) -> None:
        walk.out.append(array_header(1 + value.width) + pack(value.height))
        for column in value.get_columns():
            write_part(walk, f"[{column.name!r}]", write_column, column)

    write_library(walk, value, f"[{value.height} x {value.width}]", write)


def _write_series(walk: Walk, value: Any) -> None:
    write_library(walk, value, f" {type(value.dtype).__name__}[{len(value)}]", lambda walk: write_column(walk, value))


def _write_dtype_value(walk: Walk, value: Any) -> None:
    write_library(walk, value, "", lambda walk: write_dtype(walk, value))


def write_column(walk: Walk, series: Any) -> None:
    """Write a series: its name, its dtype and its values."""
    walk.out.append(array_header(3))
    write_str(walk, series.name)
    write_dtype(walk, series.dtype)
    write_values(walk, series)


def write_dtype(walk: Walk, dtype: Any) -> None:
    """Write a dtype as its name, or spelled out where it is made of others."""
    name = type(dtype).__name__
    if name == "Struct":
        walk.out.append(array_header(1 + len(dtype.fields)) + pack(name))
        for field in dtype.fields:
            walk.out.append(array_header(2))
            write_str(walk, field.name)
            write_dtype(walk, field.dtype)
    elif name in ("List", "Array"):
        walk.out.append(array_header(3) + pack(name) + pack([*getattr(dtype, "shape", ())]))
        write_dtype(walk, dtype.inner)
    elif name == "Enum":
        walk.out.append(array_header(2) + pack(name))
        walk.write(dtype.categories.to_list())
    else:
        write_str(walk, repr(dtype))


def write_values(walk: Walk, series: Any) -> None:
    """Write the values of a series: its length, which are not null if any is, and its content by kind of dtype."""
    kind = type(series.dtype).__name__
    nulls = series.null_count()
    write = _VALUES.get(kind, _write_as_text if kind in _BY_TEXT else _write_numbers)
    walk.out.append(array_header(3) + pack(len(series)))
    if nulls:
        write_pieces(walk, len(series), (part.is_not_null().to_numpy() for part in _parts(series)))
    else:
        walk.out.append(pack(None))
    write(walk, series)


def _parts(series: Any) -> Iterator[Any]:
    for start in range(0, len(series), _ROWS):
        yield series.slice(start, _ROWS)


def _write_numbers(walk: Walk, series: Any) -> None:
    """Write numbers, truth values and times; those of a null are zero."""
    physical = series.to_physical()
    fill = False if type(physical.dtype).__name__ == "Boolean" else 0
    if physical.null_count():
        physical = physical.fill_null(fill)
    size = len(series) * physical.head(0).to_numpy().itemsize
    write_pieces(walk, size, (np.ascontiguousarray(part.to_numpy()) for part in _parts(physical)))


def _write_texts(walk: Walk, series: Any) -> None:
    """Write texts by their lengths and what they are joined; a null has no length."""
    walk.out.append(array_header(2))
    lengths = (part.str.len_bytes().fill_null(0).to_numpy() for part in _parts(series))
    write_pieces(walk, 4 * len(series), lengths)
    texts = ((part.str.join("").item() or "").encode() for part in _parts(series))
    write_pieces(walk, int(series.str.len_bytes().cast(_polars().UInt64).sum()), texts)


def _write_as_text(walk: Walk, series: Any) -> None:
    _write_texts(walk, series.cast(_polars().String))


def _write_bytes(walk: Walk, series: Any) -> None:
    walk.out.append(array_header(2))
    write_pieces(walk, 4 * len(series), (part.bin.size().fill_null(0).to_numpy() for part in _parts(series)))
    size = int(series.bin.size().cast(_polars().UInt64).sum())
    write_pieces(walk, size, (b"".join(part.drop_nulls().to_list()) for part in _parts(series)))


def _write_lists(walk: Walk, series: Any) -> None:
    """Write lists by their lengths and what is in them; a null has no length."""
    lengths = series.list.len().fill_null(0).cast(_polars().UInt64)
    walk.out.append(array_header(2))
    write_pieces(walk, 8 * len(series), (part.to_numpy() for part in _parts(lengths)))
    # Of an empty list, `explode` would make a null.
    write_values(walk, series.filter(lengths > 0).explode())


def _write_arrays(walk: Walk, series: Any) -> None:
    width = series.dtype.shape[0]
    write_values(walk, (series.drop_nulls() if width else series.head(0)).arr.to_list().explode())


def _write_struct(walk: Walk, series: Any) -> None:
    names = [field.name for field in series.dtype.fields]
    present = series.drop_nulls()
    walk.out.append(array_header(len(names)))
    for name in names:
        write_part(walk, f".{name}", write_values, present.struct.field(name))


def _write_objects(walk: Walk, series: Any) -> None:
    walk.out.append(array_header(len(series)))
    write_elements(walk, series.to_list())


def _write_nothing(walk: Walk, series: Any) -> None:
    walk.out.append(pack(None))


def _polars() -> Any:
    return sys.modules["polars"]


# Their numbers are wider than numpy's, or mean something in one process only.
_BY_TEXT = ("Categorical", "Decimal", "Enum", "Int128", "UInt128")

_VALUES: dict[str, Callable[[Walk, Any], None]] = {
    "String": _write_texts,
    "Binary": _write_bytes,
    "List": _write_lists,
    "Array": _write_arrays,
    "Struct": _write_struct,
    "Object": _write_objects,
    "Null": _write_nothing,
}
