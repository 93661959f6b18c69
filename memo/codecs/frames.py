"""DataFrames, Series, indexes and arrays of pandas as columns of Arrow, and a note of what Arrow does not say.

Owns which column, index and dtype comes back exactly: each kind of array has one way into Arrow and the same way back,
never pandas' own inference. Of an object column that is not all text or all bytes, other tools see texts, and the note
has the values. What has no way is refused by its name.
"""

from __future__ import annotations

import sys
from collections.abc import Hashable

import numpy as np

from cas.form import show
from memo.canonical.attributes import further
from memo.canonical.libraries.frames import INDEX_INTERNAL, INTERNAL
from memo.codecs import tree
from memo.codecs.arrow import file_of, pyarrow, whole
from memo.codecs.labels import zone_note
from memo.errors import CodecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NOT_A_TIME = np.iinfo(np.int64).min
MASKED = {"IntegerArray", "FloatingArray", "BooleanArray"}
_UNITS = ("s", "ms", "us", "ns")
INDEXES = ("Index", "DatetimeIndex", "TimedeltaIndex", "PeriodIndex", "CategoricalIndex", "IntervalIndex")


# Arrays that come back alone, by what their classes are called over the versions of pandas.
LONE = MASKED | {"Categorical", "PeriodArray", "IntervalArray", "ArrowExtensionArray"}


class Misfit(Exception):  # noqa: N818 - a signal inside this module
    """An array or index that would not come back exactly."""


class Writer:
    """Takes one DataFrame, Series, index or array apart."""

    def __init__(self) -> None:
        self.pa = pyarrow()
        self.pd: Any = sys.modules["pandas"]
        self.columns: list[Any] = []

    def table(self, value: Any) -> tuple[Any, dict[str, Any]]:
        """Return a table and its note.

        Raises:
            CodecError: Part of the value would not come back exactly; the message names it.
        """
        kind = type(value).__name__
        note: dict[str, Any] = {
            "kind": f"pandas.{kind}",
            "attrs": dict(value.attrs),
            "flags": value.flags.allows_duplicate_labels,
        }
        if value._metadata not in ([], ["_name"], ["name"]):  # noqa: SLF001 - a list that subclasses extend
            raise CodecError("arrow: value: expected plain metadata", "use pickle")
        attributes = further(value, INTERNAL)
        if attributes:  # set on it, as in `frame.name = "run 1"`
            note["attributes"] = attributes
        where = "value.index"
        try:
            note["index"] = self.index(value.index, len(value))
            if kind == "Series":
                where = "value"
                if not isinstance(value.name, Hashable):  # which pandas does not take again
                    raise Misfit(f"a name that is a {type(value.name).__name__}")
                note["name"], note["columns"] = value.name, [self.array(value.array)]
                names = [str(value.name)]
            else:
                where = "value.columns"
                note["labels"] = self.index(value.columns, -1)
                note["columns"], names = [], [str(label) for label in value.columns]
                for position, label in enumerate(value.columns):
                    where = f"value[{label!r}]"
                    note["columns"].append(self.array(value.iloc[:, position].array))
        except self._misfits() as error:
            raise _misfit(where, error) from None
        return self.pa.Table.from_arrays(self.columns, names=self._names(names)), note

    def lone(self, value: Any) -> tuple[Any, dict[str, Any]]:
        """Return a table and its note of an index or an array that stands alone.

        Raises:
            CodecError: It would not come back exactly.
        """
        kind = type(value).__name__
        note: dict[str, Any] = {"kind": f"pandas.{kind}"}
        try:
            if isinstance(value, self.pd.Index):
                note["index"] = self.index(value, len(value))
            elif kind in LONE:
                note["array"] = self.array(value)
            else:
                raise Misfit(f"a {kind}")
        except self._misfits() as error:
            raise _misfit("value", error) from None
        return self.pa.Table.from_arrays(self.columns, names=self._names([])), note

    def _misfits(self) -> tuple[type[Exception], ...]:
        return Misfit, self.pa.ArrowException, UnicodeEncodeError, OverflowError, ValueError

    def _names(self, names: list[str]) -> list[str]:
        """Return a name for each column of the table; they are for other tools, and memo goes by position."""
        count = len(self.columns)
        given = [f"index {number}" for number in range(count - len(names))] if count >= len(names) else []
        found: dict[str, None] = {}
        for name in [*given, *names][:count] + [f"part {number}" for number in range(len(given) + len(names), count)]:
            text = name.encode("utf-8", "backslashreplace").decode()
            while text in found:
                text += "'"
            found[text] = None
        return list(found)

    def index(self, index: Any, length: int) -> dict[str, Any]:
        """Return the note of an index; its arrays become columns if it is as long as the table, else part of the note.

        Raises:
            Misfit: It would not come back exactly.
        """
        pd, kind = self.pd, type(index).__name__
        if getattr(pd, kind, None) is not type(index):
            raise Misfit(f"a {type(index)}")
        note: dict[str, Any] = {"kind": kind, "names": list(index.names)}
        attributes = further(index, INDEX_INTERNAL)
        if attributes:
            note["attributes"] = attributes
        if kind == "RangeIndex":
            return {**note, "range": [index.start, index.stop, index.step]}
        if length < 0 and index.dtype == object and kind == "Index" and set(map(type, index)) - {str}:
            return {**note, "labels": list(index)}
        if length < 0:
            loose = Writer()
            note["content"] = loose.index(index, len(index))
            note["loose"] = file_of(loose.columns, [str(number) for number in range(len(loose.columns))])
            return note
        if kind == "MultiIndex":
            note["levels"] = [self.index(level, -1) for level in index.levels]
            note["codes"] = [self.array(np.asarray(codes)) for codes in index.codes]
            note["sortorder"] = index.sortorder
            return note
        if kind not in INDEXES:
            raise Misfit(f"a {kind}")
        freq = getattr(index, "freq", None) if kind in ("DatetimeIndex", "TimedeltaIndex") else None
        if freq is not None:
            note["freq"] = freq.freqstr
            if pd.tseries.frequencies.to_offset(freq.freqstr) != freq:
                raise Misfit(f"the frequency {freq!r}")
        note["array"] = self.array(index.array)
        return note

    def array(self, values: Any) -> dict[str, Any]:
        """Put one array of pandas into columns and return its note.

        Raises:
            Misfit: It would not come back exactly.
        """
        kind = type(values).__name__
        if kind in ("NumpyExtensionArray", "PandasArray"):
            values = values.to_numpy()
        dtype = values.dtype
        if isinstance(dtype, np.dtype):
            return self._plain(np.asarray(values), kind in ("DatetimeArray", "TimedeltaArray"))
        if kind in MASKED:
            data, mask = values._data, values._mask  # noqa: SLF001 - the only way to what lies beside the mask
            data = np.where(mask, data.dtype.type(0), data) if mask.any() else data
            self.columns.append(self.pa.array(np.ascontiguousarray(data), mask=mask, from_pandas=False))
            return {"kind": kind, "dtype": data.dtype.str}
        if kind == "Categorical":
            return self._categorical(values)
        if kind == "DatetimeArray":
            self.columns.append(self._times(values.asi8, self.pa.timestamp(dtype.unit, str(dtype.tz))))
            return {"kind": kind, "unit": dtype.unit, "zone": zone_note(dtype.tz)}
        if kind == "PeriodArray":
            self.columns.append(self._times(values.asi8, self.pa.int64()))
            return {"kind": kind, "dtype": str(dtype)}
        if kind == "IntervalArray":
            sides = [self.array(side.array) for side in (values.left, values.right)]
            return {"kind": kind, "sides": sides, "closed": values.closed}
        if isinstance(dtype, self.pd.StringDtype):
            missing = getattr(dtype, "na_value", self.pd.NA)
            column = self.pa.array(values, type=self.pa.large_string())
            self.columns.append(whole(column))
            return {"kind": "string", "storage": dtype.storage, "nan": missing is not self.pd.NA}
        if kind == "ArrowExtensionArray":
            self.columns.append(whole(self.pa.chunked_array(values.__arrow_array__())))
            return {"kind": kind}
        raise Misfit(f"the dtype {dtype}")

    def _plain(self, values: Any, is_time: bool) -> dict[str, Any]:
        dtype = values.dtype
        if dtype.kind == "O":
            return self._objects(values)
        if dtype.kind in "mM":
            unit = np.datetime_data(dtype)[0]
            if unit not in _UNITS or not is_time:
                raise Misfit(f"the dtype {dtype}")
            maker = self.pa.timestamp if dtype.kind == "M" else self.pa.duration
            self.columns.append(self._times(values.view("i8"), maker(unit)))
        elif dtype.kind == "c" and dtype.itemsize <= 16:
            flat = np.ascontiguousarray(values, dtype.newbyteorder("=")).view(f"f{dtype.itemsize // 2}")
            self.columns.append(self.pa.FixedSizeListArray.from_arrays(self.pa.array(flat, from_pandas=False), 2))
        elif dtype.char in "?bBhHiIlLqQefd":
            native = np.ascontiguousarray(values, dtype.newbyteorder("="))
            self.columns.append(self.pa.array(native, from_pandas=False))
        else:
            raise Misfit(f"the dtype {dtype}")
        return {"kind": "numpy", "dtype": dtype.str}

    def _objects(self, values: Any) -> dict[str, Any]:
        """Write an object column; one of text, or of bytes, and None as such."""
        elements = values.tolist()
        kinds = set(map(type, elements)) - {type(None)}
        if kinds - {str} and kinds - {bytes}:
            if not tree.takes(elements):
                others = ", ".join(sorted(kind.__name__ for kind in kinds))
                raise Misfit(f"an object column of {others}")
            texts = [show(element).encode("utf-8", "backslashreplace").decode() for element in elements]
            self.columns.append(self.pa.array(texts, self.pa.large_string()))
            return {"kind": "objects", "elements": elements}
        kind = self.pa.large_binary() if bytes in kinds else self.pa.large_string()
        self.columns.append(self.pa.array(elements, kind))
        return {"kind": "object"}

    def _categorical(self, values: Any) -> dict[str, Any]:
        inner = Writer()
        categories = inner.index(values.categories, len(values.categories))
        codes = np.ascontiguousarray(values.codes)
        column = self.pa.array(codes, mask=codes < 0, from_pandas=False)
        note = {"kind": "Categorical", "ordered": values.ordered, "categories": categories, "dtype": codes.dtype.str}
        if len(inner.columns) == 1:
            self.columns.append(self.pa.DictionaryArray.from_arrays(column, inner.columns[0]))
        else:
            self.columns.append(column)
            note["loose"] = file_of(inner.columns, [str(number) for number in range(len(inner.columns))])
        return note

    def _times(self, ticks: Any, kind: Any) -> Any:
        ticks = np.ascontiguousarray(ticks)
        absent = ticks == NOT_A_TIME
        column = self.pa.array(ticks, mask=absent if absent.any() else None, from_pandas=False)
        return column.view(kind)


def _misfit(where: str, error: Exception) -> CodecError:
    return CodecError(
        f"arrow: {where}: expected what Arrow brings back exactly, got {error}",
        'convert the column, or ask for codec="auto"',
    )
