"""DataFrames, Series, indexes and arrays of pandas from columns of Arrow and a note: the way back of `frames`.

A large column of numbers is used where it stands in the file, which is private to this reading (I9).
"""

from __future__ import annotations

import math

import numpy as np

from memo.canonical.libraries.frames import INDEX_INTERNAL, INTERNAL
from memo.codecs.arrow import columns_of, pyarrow, whole
from memo.codecs.frames import INDEXES, MASKED, NOT_A_TIME
from memo.codecs.labels import zone_of
from memo.codecs.mapping import MAP_FROM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import Any


class Reader:
    """Puts one DataFrame, Series, index or array together.

    Args:
        data: The bytes of the file, private to it.
    """

    def __init__(self, data: Any) -> None:
        import pandas as pd  # noqa: PLC0415 - only where a value needs it

        self.pa = pyarrow()
        self.pd: Any = pd
        self.data = data
        self.start = self.pa.py_buffer(data).address
        self.columns: Iterator[Any] = iter(())

    def value(self, table: Any, note: dict[str, Any]) -> Any:
        """Return the DataFrame or Series of a table and its note."""
        pd = self.pd
        self.columns = iter([whole(column) for column in table.columns])
        if note["kind"] not in ("pandas.DataFrame", "pandas.Series"):
            return self._lone(note)
        index = self.index(note["index"])
        arrays = []
        if note["kind"] == "pandas.DataFrame":
            labels = self.index(note["labels"])
        arrays = [self.array(column) for column in note["columns"]]
        columns = [pd.Series(array, index=index, dtype=array.dtype, copy=False) for array in arrays]
        if note["kind"] == "pandas.Series":
            (value,) = columns
            value.name = note["name"]
        else:
            if len(columns) != len(labels):
                raise ValueError(f"{len(labels)} labels of {len(columns)} columns")
            large = len(self.data) >= MAP_FROM
            value = pd.DataFrame(dict(enumerate(columns)), index=index, copy=not large)
            value.columns = labels
        value.attrs = note["attrs"]
        _set_attributes(value, note, INTERNAL)
        value.flags.allows_duplicate_labels = note["flags"]
        return value

    def _lone(self, note: dict[str, Any]) -> Any:
        value = self.index(note["index"]) if "index" in note else self.array(note["array"])
        if note["kind"] != f"pandas.{type(value).__name__}":
            raise ValueError(f"a {type(value).__name__} in place of {note['kind']}")
        return value

    def index(self, note: dict[str, Any]) -> Any:
        """Return the index of a note."""
        value = self._index(note)
        _set_attributes(value, note, INDEX_INTERNAL)
        return value

    def _index(self, note: dict[str, Any]) -> Any:
        pd, kind, names = self.pd, note["kind"], note["names"]
        if kind == "RangeIndex":
            return pd.RangeIndex(*note["range"], name=names[0])
        if "labels" in note:
            return pd.Index(_objects(note["labels"]), dtype=object, name=names[0])
        if "loose" in note:
            return self._loose(note["loose"]).index(note["content"])
        if kind == "MultiIndex":
            levels = [self.index(level) for level in note["levels"]]
            codes = [self.array(codes) for codes in note["codes"]]
            given = {"sortorder": note.get("sortorder"), "names": names, "verify_integrity": True}
            return pd.MultiIndex(levels, codes, **given)
        if kind not in INDEXES:
            raise ValueError(f"an index of kind {kind!r}")
        array = self.array(note["array"])
        value = getattr(pd, kind)(array, dtype=array.dtype, name=names[0], copy=False)
        if note.get("freq") is not None:
            value = getattr(pd, kind)(value, freq=pd.tseries.frequencies.to_offset(note["freq"]))
        if type(value).__name__ != kind:
            raise ValueError(f"an index of kind {type(value).__name__}")
        return value

    def _loose(self, data: bytes) -> Reader:
        reader = Reader(data)
        reader.columns = iter(columns_of(reader.data))
        return reader

    def array(self, note: dict[str, Any]) -> Any:
        """Return the array of a note, from the next columns."""
        pd, kind = self.pd, note["kind"]
        if kind == "IntervalArray":
            left, right = (self.array(side) for side in note["sides"])
            return pd.arrays.IntervalArray.from_arrays(left, right, closed=note["closed"])
        column = next(self.columns)
        if kind == "numpy":
            return self._plain(column, np.dtype(note["dtype"]))
        if kind == "object":
            return _objects(column.to_pylist())
        if kind == "objects":
            return _objects(note["elements"])
        if kind in MASKED:
            data = self._numbers(column, np.dtype(note["dtype"]))
            mask = column.is_null().to_numpy(zero_copy_only=False)
            return getattr(pd.arrays, kind)(data, np.array(mask, bool))
        if kind == "Categorical":
            return self._categorical(column, note)
        if kind == "DatetimeArray":
            ticks = self._ticks(column).view(f"M8[{note['unit']}]")
            return pd.DatetimeIndex(ticks, copy=False).tz_localize("UTC").tz_convert(zone_of(note["zone"])).array
        if kind == "PeriodArray":
            return pd.arrays.PeriodArray(self._ticks(column), dtype=pd.PeriodDtype.construct_from_string(note["dtype"]))
        if kind == "string":
            given = {"na_value": math.nan} if note["nan"] else {}
            return pd.StringDtype(note["storage"], **given).__from_arrow__(self.pa.chunked_array([column]))
        if kind == "ArrowExtensionArray":
            return pd.arrays.ArrowExtensionArray(self.pa.chunked_array([column]))
        raise ValueError(f"an array of kind {kind!r}")

    def _plain(self, column: Any, dtype: np.dtype[Any]) -> Any:
        if dtype.kind in "mM":
            return self._ticks(column).view(dtype)
        if dtype.kind == "c":
            flat = self._numbers(column.flatten(), np.dtype(f"f{dtype.itemsize // 2}"))
            return flat.view(dtype.newbyteorder("=")).astype(dtype, copy=False)
        return self._numbers(column, dtype)

    def _categorical(self, column: Any, note: dict[str, Any]) -> Any:
        if "loose" in note:
            inner = self._loose(note["loose"])
        else:
            inner = Reader(self.data)
            inner.columns = iter([column.dictionary])
            column = column.indices
        categories = inner.index(note["categories"])
        codes = np.array(self._numbers(column, np.dtype(note["dtype"])))
        codes[column.is_null().to_numpy(zero_copy_only=False)] = -1
        dtype = self.pd.CategoricalDtype(categories, ordered=note["ordered"])
        return self.pd.Categorical.from_codes(codes, dtype=dtype)

    def _ticks(self, column: Any) -> Any:
        ticks = self._numbers(column.view(self.pa.int64()), np.dtype("i8"))
        if column.null_count:
            ticks = np.array(ticks)
            ticks[column.is_null().to_numpy(zero_copy_only=False)] = NOT_A_TIME
        return ticks

    def _numbers(self, column: Any, dtype: np.dtype[Any]) -> Any:
        """Return the numbers of a column, those under a mask included, writable; large ones where they stand."""
        native = dtype.newbyteorder("=")
        expected = self.pa.from_numpy_dtype(native)
        if column.type != expected:
            raise TypeError(f"a column of {column.type} in place of {expected}")
        if native.kind == "b":
            filled = column.fill_null(False) if column.null_count else column
            return np.array(filled.to_numpy(zero_copy_only=False), bool)
        if not len(column):
            return np.empty(0, dtype)
        buffer = column.buffers()[1]
        size = len(column) * native.itemsize
        start = buffer.address - self.start + column.offset * native.itemsize
        if start >= 0 and start + size <= len(self.data):
            found: Any = np.ndarray(len(column), native, self.data, start)
        else:  # pyarrow has copied it, since it was not aligned
            found = np.frombuffer(buffer, native, len(column), column.offset * native.itemsize)
        stays = size >= MAP_FROM and found.flags.writeable and found.flags.aligned and native == dtype
        return found if stays else found.astype(dtype)


def _set_attributes(value: Any, note: dict[str, Any], internal: Collection[str]) -> None:
    attributes = note.get("attributes", {})
    if not attributes.keys().isdisjoint(internal):
        raise ValueError("attributes that are pandas' own")
    vars(value).update(attributes)


def _objects(elements: list[Any]) -> Any:
    found = np.empty(len(elements), object)
    for place, element in enumerate(elements):  # assigned at once, tuples would become rows
        found[place] = element
    return found
