"""The canonical form of pandas' values: labels, dtypes and values count, blocks do not."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cas import form
from memo.canonical import encode
from memo.canonical.libraries import frames
from memo.errors import UnstableArgument

DAYS = pd.DatetimeIndex(["2020-01-01", "2020-01-02", "2020-01-03"])
COLUMNS = {
    "int": pd.Series([1, 2, 3], dtype="int64"),
    "narrow": pd.Series([1, 2, 3], dtype="int8"),
    "float": pd.Series([1.0, 2.0, np.nan]),
    "bool": pd.Series([True, False, True]),
    "object": pd.Series([1, "a", None], dtype=object),
    "object_missing": pd.Series([1, "a", np.nan], dtype=object),
    "object_na": pd.Series([1, "a", pd.NA], dtype=object),
    "object_nat": pd.Series([1, "a", pd.NaT], dtype=object),
    "text": pd.Series(["a", None, "b"], dtype="string[python]"),
    "text_arrow": pd.Series(["a", None, "b"], dtype="string[pyarrow]"),
    "text_object": pd.Series(["a", None, "b"], dtype=object),
    "nullable": pd.Series([1, None, 3], dtype="Int64"),
    "nullable_bool": pd.Series([True, None, False], dtype="boolean"),
    "nullable_float": pd.Series([1, None, 3], dtype="Float64"),
    "arrow": pd.Series([1, None, 3], dtype="int64[pyarrow]"),
    "category": pd.Series(pd.Categorical(["a", None, "b"])),
    "category_ordered": pd.Series(pd.Categorical(["a", None, "b"], ordered=True)),
    "category_other_order": pd.Series(pd.Categorical(["a", None, "b"], categories=["b", "a"])),
    "category_unused": pd.Series(pd.Categorical(["a", None, "b"], categories=["a", "b", "c"])),
    "moment": pd.Series(DAYS).astype("datetime64[ns]"),
    "moment_s": pd.Series(DAYS).astype("datetime64[s]"),
    "utc": pd.Series(DAYS.tz_localize("UTC")),
    "paris": pd.Series(DAYS.tz_localize("Europe/Paris")),
    "duration": pd.Series(DAYS - DAYS[0]),
    "period": pd.Series(pd.PeriodIndex(["2020-01", "2020-02", "2020-03"], freq="M")),
    "period_day": pd.Series(pd.PeriodIndex(["2020-01-01", "2020-01-02", "2020-01-03"], freq="D")),
    "interval": pd.Series(pd.interval_range(0, 3)),
    "interval_left": pd.Series(pd.interval_range(0, 3, closed="left")),
    "sparse": pd.Series(pd.arrays.SparseArray([0.0, 0.0, 1.0], fill_value=0.0)),
    "sparse_nan": pd.Series(pd.arrays.SparseArray([0.0, 0.0, 1.0])),
}
INDEXES = [
    pd.RangeIndex(3),
    pd.RangeIndex(3, name="n"),
    pd.Index([0, 1, 2]),
    pd.Index([0, 1, 2], dtype="int32"),
    pd.Index([0, 2, 1]),
    pd.Index(["a", "b", "c"], dtype=object),
    DAYS,
    pd.DatetimeIndex(DAYS, freq="D"),
    DAYS.tz_localize("UTC"),
    DAYS - DAYS[0],
    DAYS.to_period("D"),
    pd.interval_range(0, 3),
    pd.CategoricalIndex(["a", "b", "a"]),
    pd.MultiIndex.from_arrays([[1, 1, 2], ["a", "b", "a"]]),
    pd.MultiIndex.from_arrays([[1, 1, 2], ["a", "b", "a"]], names=["x", None]),
    pd.MultiIndex.from_arrays([[1, 1, 2], ["a", "b", "b"]]),
]


def test_dtypes_and_values_count():
    """Columns of any two dtypes or values differ, as series, as arrays, as indexes, and inside a frame."""
    seen: dict[bytes, object] = {}
    for name, column in COLUMNS.items():
        indexed = [] if name in ("sparse", "sparse_nan") else [pd.Index(column)]
        for value in (column, column.array, column.to_frame("x"), *indexed):
            found = encode(value)
            assert found not in seen, (name, type(value), seen[found])
            seen[found] = name, type(value)
            assert form.show(form.unpack(found)).startswith(type(value).__name__)
            assert encode(value.copy()) == found
            assert encode(value[:2]) != found


@pytest.mark.parametrize("times", [1, 100])
@pytest.mark.parametrize("beside", ["int", "float", "object", "text", "nullable", "moment"])
def test_dtypes_count_beside_other_columns(beside, times):
    """Columns of any two dtypes or values differ before and after a column of another, numpy's float64 above all."""
    other = pd.concat([COLUMNS[beside]] * times, ignore_index=True)
    seen: dict[bytes, object] = {}
    for name, column in COLUMNS.items():
        long = pd.concat([column] * times, ignore_index=True)
        assert long.dtype == column.dtype
        for order in (["a", "x"], ["x", "a"]):
            found = encode(pd.DataFrame({"a": other, "x": long})[order])
            assert found not in seen, (name, order, seen[found])
            seen[found] = name, order


def test_labels_count():
    """The kind, the names, the labels and the frequency of an index count, and so does the order of columns."""
    values = [pd.DataFrame({"a": [1, 2, 3], "b": [4, 5, 6]}, index=index) for index in INDEXES]
    plain = values[0]
    values += [plain[["b", "a"]], plain.rename(columns={"a": "c"}), plain.rename_axis(columns="n"), plain[["a"]]]
    values += [plain.iloc[[0, 2, 1]], plain.astype({"b": "int32"}), plain.iloc[:0], pd.DataFrame(), plain.iloc[:, :0]]
    series = [plain["a"], plain["a"].rename("b"), plain["a"].rename(None), pd.Series([1, 2, 3]).rename(1)]
    indexes = [*INDEXES, *(pd.DataFrame(index=index) for index in INDEXES)]
    whole = [*values, *series, *indexes]
    assert len({encode(value) for value in whole}) == len(whole)


def test_notes_count():
    """`attrs` and the flag against duplicate labels are part of a frame and of a series."""
    plain = pd.DataFrame({"a": [1, 2]})
    noted, other = plain.copy(), plain.copy()
    noted.attrs["unit"], other.attrs["unit"] = "V", "mV"
    strict = plain.set_flags(allows_duplicate_labels=False)
    values = [plain, noted, other, strict, plain["a"], noted["a"], strict["a"]]
    assert len({encode(value) for value in values}) == len(values)


def blocks_of(frame: pd.DataFrame) -> list[pd.DataFrame]:
    """Return frames equal to one, kept in other blocks."""
    grown = pd.DataFrame(index=frame.index)
    for name in frame.columns:
        grown[name] = frame[name].copy()
    doubled = pd.concat([frame, frame]).iloc[: len(frame)]
    wide = pd.concat([frame, frame.add_prefix("x")], axis=1)[list(frame.columns)]
    backwards = frame[list(frame.columns)[::-1]][list(frame.columns)]
    return [grown, doubled, wide, backwards, frame.copy(), frame.iloc[::-1].iloc[::-1]]


@pytest.mark.parametrize("rows", [3, 500, 200_000])
def test_blocks_do_not_count(rows):
    """Frames with the same columns have one form however their columns lie together."""
    numbers = np.random.default_rng(rows).standard_normal((rows, 4))
    uniform = pd.DataFrame(numbers, columns=list("abcd"), index=np.arange(rows))
    assert encode(uniform) == encode(
        pd.DataFrame(np.asfortranarray(numbers), columns=list("abcd"), index=uniform.index)
    )
    mixed = uniform.assign(e=np.arange(rows), f=numbers[:, 0] > 0, g=uniform["a"], h=uniform["b"])
    for frame in (uniform, mixed):
        for other in blocks_of(frame):
            pd.testing.assert_frame_equal(frame, other)
            assert encode(other) == encode(frame)
    changed = mixed.copy()
    changed.iloc[rows // 2, 2] += 1
    assert encode(changed) != encode(mixed)


def test_documented_ways_give_the_same_form(monkeypatch):
    """Without pandas' inner ways to its columns, the form is the same."""
    frame = pd.DataFrame(COLUMNS)
    uniform = pd.DataFrame(np.arange(12.0).reshape(4, 3))
    expected = encode(frame), encode(uniform)
    monkeypatch.setattr(frames, "_one_block", lambda frame: None)
    monkeypatch.setattr(frames, "columns_of", lambda frame: [column.array for _, column in frame.items()])
    assert (encode(frame), encode(uniform)) == expected


def test_what_lies_under_a_missing_value_does_not_count():
    """The number beneath a missing one is no part of a nullable column."""
    mask = np.array([False, True])
    one = pd.arrays.IntegerArray(np.array([1, 2]), mask)
    other = pd.arrays.IntegerArray(np.array([1, 9]), mask)
    assert encode(one) == encode(other)
    assert encode(pd.Series(one)) == encode(pd.Series(other))


def test_levels_of_a_multiindex_count_by_their_labels():
    """A MultiIndex made of a product equals one made of tuples, and levels that no row uses do not count."""
    product = pd.MultiIndex.from_product([[1, 2], ["a", "b"]])
    tuples = pd.MultiIndex.from_tuples([(1, "a"), (1, "b"), (2, "a"), (2, "b")])
    assert encode(product) == encode(tuples)
    assert encode(product[:2]) == encode(tuples[:2].remove_unused_levels())


def test_long_texts():
    """Texts count one by one in a long column of either storage, and chunks of the one by Arrow do not."""
    for storage in ("python", "pyarrow"):
        texts = pd.Series([f"text {number}" for number in range(3000)], dtype=f"string[{storage}]")
        halves = pd.concat([texts[:1000], texts[1000:]])
        changed = texts.copy()
        changed[1500] = "else"
        assert encode(halves) == encode(texts) != encode(changed)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_forms_are_equal_exactly_where_frames_are(data):
    """Two frames share bytes if and only if labels, dtypes and values are the same."""
    cells = st.one_of(st.none(), st.integers(-1, 1), st.sampled_from(["", "a", 0.0, True]))
    columns = st.one_of(
        st.lists(st.integers(0, 1), min_size=2, max_size=2).map(lambda values: pd.array(values, dtype="int64")),
        st.lists(st.sampled_from([0.0, 1.0]), min_size=2, max_size=2).map(lambda values: np.array(values)),
        st.lists(cells, min_size=2, max_size=2).map(lambda values: np.array([*values, ()], object)[:2]),
        st.lists(st.none() | st.integers(0, 1), min_size=2, max_size=2).map(lambda v: pd.array(v, dtype="Int8")),
    )
    described = st.lists(st.tuples(st.sampled_from("ab"), columns), max_size=3, unique_by=lambda pair: pair[0])
    one, other = data.draw(described), data.draw(described)

    def spelled(pairs):
        return [(name, str(column.dtype), [(type(cell), cell) for cell in list(column)]) for name, column in pairs]

    def frame(pairs):
        return pd.DataFrame(dict(pairs), index=range(2), columns=pd.Index([name for name, _ in pairs], dtype=object))

    same = repr(spelled(one)) == repr(spelled(other))
    assert (encode(frame(one)) == encode(frame(other))) == same


def test_scalars():
    """Scalars of pandas differ by type, unit, time zone and value, and are shown as what they are."""
    moment = pd.Timestamp("2020-01-01 00:00:00.000000001")
    values = [
        *(moment, moment.tz_localize("UTC"), moment.tz_localize("Europe/Paris"), moment + pd.Timedelta(1, "ns")),
        *(pd.Timestamp("2020-01-01").as_unit("s"), pd.Timestamp("2020-01-01").as_unit("ns"), dt.datetime(2020, 1, 1)),
        *(
            pd.Timedelta(1, "ns"),
            pd.Timedelta(1, "s").as_unit("s"),
            pd.Timedelta(1, "s").as_unit("ns"),
            dt.timedelta(0, 1),
        ),
        *(pd.Period("2020-01", "M"), pd.Period("2020-01-01", "D"), pd.Interval(0, 1), pd.Interval(0, 1, "left")),
        *(pd.NaT, pd.NA, None, np.nan, pd.offsets.MonthEnd(), pd.offsets.MonthEnd(2), pd.CategoricalDtype(["a"])),
        *(pd.CategoricalDtype(["b"]), pd.Int64Dtype(), pd.StringDtype("python"), pd.DatetimeTZDtype("ns", "UTC")),
        *(pd.offsets.CustomBusinessDay(), pd.offsets.CustomBusinessDay(holidays=["2020-01-01"])),
    ]
    assert len({encode(value) for value in values}) == len(values)
    assert form.show(form.unpack(encode(moment))) == "Timestamp(2020-01-01T00:00:00.000000001)"
    assert form.show(form.unpack(encode(pd.NaT))) == "pandas.NaT"


class Recording(pd.DataFrame):
    _metadata = ["unit"]  # noqa: RUF012 - as pandas asks of subclasses

    @property
    def _constructor(self):
        return Recording


def test_subclass_of_a_frame():
    """A subclass is its class, the frame, and the attributes that it declares."""
    one = Recording({"a": [1, 2]})
    other = one.copy()
    assert encode(one) == encode(other) != encode(pd.DataFrame({"a": [1, 2]}))
    other.unit = "V"
    assert encode(one) != encode(other)


def test_refusals_name_the_column():
    """A cell without a form is named by its column and its row."""
    frame = pd.DataFrame({"a": [1, 2], "b": pd.Series([1, threading.Lock()], dtype=object)})
    with pytest.raises(UnstableArgument, match=r"^value\['b'\]\[1\]: .*lock"):
        encode(frame)
    frame = pd.DataFrame({"a": [1, 2]})
    frame.attrs["rng"] = threading.Lock()
    with pytest.raises(UnstableArgument, match=r'^value\.attrs\["rng"\]: '):
        encode(frame)


def test_a_frame_is_shown_by_its_shape():
    """A person sees the rows and columns of a frame and tells it from another, without pandas."""
    shown = form.unpack(encode(pd.DataFrame(np.zeros((1000, 5)))))
    assert shown.text.partition("~")[0] == "DataFrame[1000 x 5]"
    assert shown != form.unpack(encode(pd.DataFrame(np.ones((1000, 5)))))


def test_libraries_stay_unloaded():
    """Taking forms of numpy's values and of objects loads no library."""
    program = (
        "import sys, numpy\n"
        "from memo.canonical import encode\n"
        "class A: pass\n"
        "encode([numpy.zeros(3), A(), ValueError(1)])\n"
        "print([name for name in sys.modules if name.partition('.')[0] in "
        "('pandas', 'scipy', 'pyarrow', 'polars') or name.startswith('memo.canonical.libraries.')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
