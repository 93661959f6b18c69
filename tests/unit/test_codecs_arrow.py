"""The codec arrow/1: tables of pandas, polars and pyarrow, exact to the index, the dtype and the time zone."""

from __future__ import annotations

import datetime as dt
import io
import subprocess
import sys
import zoneinfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from memo.codecs import by_name, choose, codec_for
from memo.errors import CodecError
from tests.codecs import Blobs, same

DAYS = pd.date_range("2020-01-01", periods=3, freq="D")


def same_array(one: object, other: object) -> bool:
    """Return whether two arrays of pandas are equal in class, dtype and content, NaN and missing values apart."""
    if type(one) is not type(other) or one.dtype != other.dtype or repr(one.dtype) != repr(other.dtype):
        return False
    if isinstance(one.dtype, pd.CategoricalDtype):
        return same(one.codes, other.codes) and same_index(one.categories, other.categories)
    if isinstance(one.dtype, pd.IntervalDtype):
        return one.closed == other.closed and same_index(one.left, other.left) and same_index(one.right, other.right)
    if isinstance(one.dtype, pd.DatetimeTZDtype):
        zones = [(type(array.dtype.tz), str(array.dtype.tz)) for array in (one, other)]
        return zones[0] == zones[1] and same(one.asi8, other.asi8)
    if hasattr(one, "asi8"):
        return same(np.asarray(one.asi8), np.asarray(other.asi8))
    if hasattr(one, "_mask"):
        shown = [np.where(array._mask, 0, array._data) for array in (one, other)]
        return same(one._mask, other._mask) and same(*shown)
    if isinstance(one.dtype, np.dtype) or type(one).__name__ in ("NumpyExtensionArray", "PandasArray"):
        return same(one.to_numpy(), other.to_numpy())
    return repr(one.tolist()) == repr(other.tolist())


def same_index(one: pd.Index, other: pd.Index) -> bool:
    """Return whether two indexes are equal in class, dtype, names, frequency and content."""
    if type(one) is not type(other) or list(one.names) != list(other.names):
        return False
    if isinstance(one, pd.MultiIndex):
        codes = all(same(np.asarray(a), np.asarray(b)) for a, b in zip(one.codes, other.codes, strict=True))
        return codes and all(map(same_index, one.levels, other.levels))
    if isinstance(one, pd.RangeIndex):
        return (one.start, one.stop, one.step) == (other.start, other.stop, other.step)
    return getattr(one, "freq", None) == getattr(other, "freq", None) and same_array(one.array, other.array)


def same_table(one: object, other: object) -> bool:
    """Return whether two tables are equal in all that a user can see."""
    if type(one) is not type(other):
        return False
    if isinstance(one, (pd.DataFrame, pd.Series)):
        flags = one.flags.allows_duplicate_labels == other.flags.allows_duplicate_labels
        if not same_index(one.index, other.index) or one.attrs != other.attrs or not flags:
            return False
        if isinstance(one, pd.Series):
            return same(one.name, other.name) and same_array(one.array, other.array)
        pairs = [(one.iloc[:, place].array, other.iloc[:, place].array) for place in range(one.shape[1])]
        return same_index(one.columns, other.columns) and all(same_array(*pair) for pair in pairs)
    if isinstance(one, (pl.DataFrame, pl.Series)):
        return (
            one.equals(other, null_equal=True)
            and getattr(one, "schema", one) is not None
            and (
                one.schema == other.schema
                if isinstance(one, pl.DataFrame)
                else (one.dtype, one.name) == (other.dtype, other.name)
            )
        )
    return one.equals(other) and one.schema.equals(other.schema, check_metadata=True)


def frames() -> list[object]:
    """Return DataFrames and Series of every kind of column and index."""
    noted = pd.DataFrame({"a": [1]})
    noted.attrs = {"unit": "V", "ranges": [1, (2, 3)]}
    texts = np.array(["a", None, "b"], object)
    return [
        pd.DataFrame({"a": [1, 2, 3], "b": [1.5, np.nan, -0.0], "c": ["x", None, "z"]}),
        pd.DataFrame({"o": pd.Series(texts, dtype=object), "y": pd.Series([b"1", None, b""], dtype=object)}),
        *(pd.DataFrame(), pd.DataFrame(index=range(3)), pd.DataFrame(columns=["a", "b"]), pd.DataFrame({"a": []})),
        pd.DataFrame({"t": DAYS, "p": DAYS.tz_localize("Europe/Paris"), "u": DAYS.tz_localize("UTC")}, index=DAYS),
        pd.DataFrame({"f": DAYS.tz_localize(dt.timezone(dt.timedelta(hours=2))), "n": [pd.NaT, DAYS[0], pd.NaT]}),
        pd.DataFrame({"z": DAYS.tz_localize(zoneinfo.ZoneInfo("Asia/Tokyo")).insert(0, pd.NaT)[:3].as_unit("ms")}),
        pd.DataFrame({"s": np.array([1, 2], "M8[s]"), "d": np.array([1, 2], "m8[ms]")}),
        pd.DataFrame({"i": pd.array([1, None, 3], "Int16"), "b": pd.array([True, None, False], "boolean")}),
        pd.DataFrame({"f": pd.array([1, None, 2.5], "Float64"), "u": pd.array([1, 2, 3], "UInt8")}),
        pd.DataFrame({"s": pd.array(["a", None], "string[python]"), "p": pd.array(["a", None], "string[pyarrow]")}),
        pd.DataFrame({"c": pd.Categorical(["a", "b", None], categories=["b", "a", "z"], ordered=True)}),
        pd.DataFrame({"n": pd.Categorical([3, 1, 3]), "t": pd.Categorical(DAYS), "r": pd.Categorical(range(3))}),
        pd.DataFrame({"iv": pd.Categorical(pd.interval_range(0, 3)), "tz": pd.Categorical(DAYS.tz_localize("UTC"))}),
        pd.DataFrame({"p": pd.period_range("2020", "2022", freq="Y"), "i": pd.interval_range(0.0, 3.0, closed="left")}),
        pd.DataFrame({"z": np.array([1, 2j, np.nan]), "w": np.array([1j, 2, 3], "c8"), "h": np.array([1, 2, 3], "f2")}),
        pd.DataFrame({"x": pd.array([1, 2, None], pd.ArrowDtype(pa.int32()))}),
        pd.DataFrame({"l": pd.array([[1], None, [2, 3]], pd.ArrowDtype(pa.list_(pa.int64())))}),
        pd.DataFrame(
            np.arange(12.0).reshape(3, 4),
            index=pd.MultiIndex.from_product([["a"], [1, 2, 3]], names=["x", None]),
            columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1), ("c", 3)]),
        ),
        pd.DataFrame({"v": [1, 2]}, index=pd.MultiIndex.from_arrays([["a", None], DAYS[:2]]).remove_unused_levels()),
        pd.DataFrame(np.eye(2), columns=DAYS[:2]),
        pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]),
        pd.DataFrame([[1, 2]], columns=pd.Index([0, "x"], dtype=object)),
        pd.DataFrame([[1, 2]], columns=pd.Index([("a", 1), None], dtype=object, tupleize_cols=False)),
        pd.DataFrame({"b": np.array([1, 2], ">i4")}, index=pd.Index([1.5, np.nan], name=("n", 1))),
        pd.DataFrame({"big": np.arange(200_000.0), "k": np.arange(200_000), "s": ["abc"] * 200_000}),
        noted,
        noted.set_flags(allows_duplicate_labels=False),
        pd.Series([1, 2, 3], name="s"),
        pd.Series([1.0, 2, 3], index=["a", "b", "c"], name=("t", 1)),
        pd.Series(pd.Categorical(["a", "b"]), index=pd.CategoricalIndex(["p", "q"], ordered=True)),
        pd.Series(np.arange(5)[::2], index=pd.RangeIndex(10, 4, -2, name="r")),
        pd.Series([1, 2], index=pd.IntervalIndex.from_breaks([0, 1, 2]), name=None),
        pd.Series([1, 2], index=pd.period_range("2020-01", periods=2, freq="M")),
        pd.Series([1, 2], index=pd.to_timedelta([1, 2], "h")),
        pd.Series(DAYS[::-1]),
        pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})[::2],
    ]  # fmt: skip


def tables() -> list[object]:
    """Return tables of polars and pyarrow."""
    day = dt.date(2020, 1, 1)
    nested = pl.DataFrame({"l": [[1], [], None], "s": [{"x": 1, "y": "a"}, None, {"x": 2, "y": None}]})
    return [
        pl.DataFrame({"a": [1, None, 3], "b": ["x", "yy", None], "d": [day] * 3, "f": [0.5, float("nan"), -0.0]}),
        *(pl.DataFrame(), pl.DataFrame({"a": []}, schema={"a": pl.Int8}), nested),
        pl.DataFrame({"c": pl.Series(["a", "b", "a"], dtype=pl.Categorical)}),
        pl.DataFrame({"e": pl.Series(["q"] * 3, dtype=pl.Enum(["q", "r"]))}),
        pl.DataFrame({"t": pl.Series([dt.datetime(2020, 1, 1)], dtype=pl.Datetime("ms", "Europe/Paris"))}),
        pl.DataFrame({"m": pl.Series([dt.time(1, 2)], dtype=pl.Time)}),
        pl.DataFrame({"u": pl.Series([dt.timedelta(1)], dtype=pl.Duration("ns")), "n": pl.Series([None])}),
        pl.DataFrame({"d": pl.Series(["1.50"]).cast(pl.Decimal(10, 2)), "b": pl.Series([b"x"])}),
        pl.Series("a", [[1, 2], [3, 4]], dtype=pl.Array(pl.Int8, 2)),
        *(pl.Series("q", [1.5, 2]), pl.Series([True, None])),
        pa.table({"a": [1, 2], "b": ["x", None]}),
        pa.table({"a": [1]}).replace_schema_metadata({"k": "v"}),
        pa.table({"a": pa.chunked_array([[1, 2], [3]])}),
        pa.table({"d": pa.chunked_array([pa.array(["a", "b"]).dictionary_encode()] * 2)}),
        *(pa.table({}), pa.table({"n": pa.nulls(3)}), pa.table({"a": pa.array([], pa.int8())})),
        pa.RecordBatch.from_pydict({"a": [1, 2], "s": ["x", "y"]}).slice(1),
        pa.RecordBatch.from_pydict({"a": pa.array([], pa.int8())}),
    ]  # fmt: skip


@pytest.mark.parametrize("value", [*frames(), *tables()], ids=lambda value: type(value).__name__)
def test_tables_come_back_exactly(value, tmp_path):
    """A table comes back equal in all that can be seen, alone, compressed, and inside of containers."""
    blobs = Blobs(tmp_path)
    assert choose(value).name == "arrow/1"
    for codec in (by_name("arrow/1"), codec_for(value, "auto", "zstd")):
        body, file = blobs.root(codec, value)
        for stored in (body, file):
            assert same_table(codec.decode(stored, blobs.open), value)
    assert choose({"t": [value]}).name == "tree/1"
    body, _ = blobs.root(choose({"t": [value]}), {"t": [value]})
    assert same_table(choose([]).decode(body, blobs.open)["t"][0], value)


def turned(column: pd.Series) -> object:
    """Return the values of a column in reverse."""
    return column.iloc[::-1].to_numpy() if isinstance(column.dtype, np.dtype) else column.iloc[::-1].array


@pytest.mark.parametrize("value", frames(), ids=lambda value: type(value).__name__)
def test_frames_are_writable_and_private(value, tmp_path):
    """Changing a frame that came from the store changes neither another one nor what is stored."""
    blobs = Blobs(tmp_path)
    codec = by_name("arrow/1")
    body, file = blobs.root(codec, value)
    for stored in (body, file):
        first = codec.decode(stored, blobs.open)
        if isinstance(first, pd.DataFrame):
            for place in range(first.shape[1]):
                first.iloc[:, place] = turned(first.iloc[:, place])
        else:
            first.iloc[:] = turned(first)
        first.attrs["spoiled"] = True
        assert same_table(codec.decode(stored, blobs.open), value)


def test_equal_frames_have_equal_bytes(tmp_path):
    """Frames that are equal are stored as the same bytes, whatever their blocks in memory."""
    blobs = Blobs(tmp_path)
    one = pd.DataFrame({"a": [1.0, 2], "b": [3.0, 4], "c": pd.array([1, None], "Int8")})
    two = pd.DataFrame({"c": pd.array([1, 5], "Int8")})
    two.insert(0, "b", [3.0, 4])
    two.insert(0, "a", [1.0, 2])
    two.loc[1, "c"] = pd.NA
    assert blobs.root(by_name("arrow/1"), one)[0] == blobs.root(by_name("arrow/1"), two)[0]


def test_large_columns_are_mapped(tmp_path):
    """A large column is used where it stands in the file, and writing to it changes no file."""
    blobs = Blobs(tmp_path)
    value = pd.DataFrame({"x": np.arange(1 << 18, dtype="f8"), "y": 1})
    _, file = blobs.root(by_name("arrow/1"), value)
    found = by_name("arrow/1").decode(file, blobs.open)
    assert not found["x"].array.to_numpy().flags.owndata
    found.iloc[0, 0] = 7.0
    found["y"] += 1
    assert same_table(by_name("arrow/1").decode(file, blobs.open), value)


def test_any_feather_reader_opens_the_file(tmp_path):
    """Polars and pyarrow read the columns of a pandas frame by their names."""
    value = pd.DataFrame({"a": [1, 2], "s": ["x", None]}, index=["i", "j"])
    body, _ = Blobs(tmp_path).root(by_name("arrow/1"), value)
    found = pl.read_ipc(io.BytesIO(body), use_pyarrow=False)
    assert found["a"].to_list() == [1, 2]
    assert found["s"].to_list() == ["x", None]
    assert pa.ipc.open_file(body).read_all()["index 0"].to_pylist() == ["i", "j"]


class Table(pd.DataFrame):
    """A frame of a class of one's own."""


@pytest.mark.parametrize(
    ("value", "part"),
    [
        (pd.DataFrame({"x": [1], "o": [print]}), "value['o']: expected what Arrow brings back exactly"),
        (pd.DataFrame({"m": pd.Series([1, [print]], dtype=object)}), "value['m']: .* an object column of int, list"),
        (pd.DataFrame({"s": pd.arrays.SparseArray([0, 0, 1])}), "value['s']: .* Sparse"),
        (pd.DataFrame({"g": np.array([1], "g")}), "value['g']: "),
        (pd.Series(["\ud800"], dtype=object), "value: "),
        (pd.Series([1], index=pd.Index([(1, print)], tupleize_cols=False)), "value.index: "),
        (pd.DataFrame({"a": [1]}, columns=pd.Index([object()])), "value"),
        (Table({"a": [1]}), "expected a table or a column of pandas, polars or pyarrow"),
        (pl.Series("o", [object()]), "value"),
        (pa.table({"a": [1]}).replace_schema_metadata({"memo": "x"}), "value.schema.metadata"),
        (
            pa.table({"d": pa.chunked_array([pa.array([text]).dictionary_encode() for text in "ab"])}),
            "one dictionary for all",
        ),
        ({"a": 1}, "value: expected a table"),
    ],
    ids=lambda value: None if isinstance(value, str) else type(value).__name__,
)
def test_what_would_not_come_back_exactly_is_refused(value, part, tmp_path):
    """A column that Arrow would change is refused by its name, and another codec takes the value."""
    with pytest.raises(CodecError, match=part.replace("[", r"\[").replace("]", r"\]")) as caught:
        by_name("arrow/1").encode(value, Blobs(tmp_path).write)
    assert caught.value.hint
    assert not by_name("arrow/1").takes(value)
    assert choose(value).name in ("pickle/1", "tree/1")


columns = st.one_of(
    hnp.arrays(hnp.floating_dtypes(sizes=(16, 32, 64)) | hnp.integer_dtypes() | hnp.boolean_dtypes(), 4),
    hnp.arrays(hnp.complex_number_dtypes(sizes=(64, 128)), 4),
    hnp.arrays(st.sampled_from(["M8[ns]", "M8[s]", "m8[us]"]), 4),
    st.lists(st.none() | st.text(max_size=5).filter(lambda text: text.isprintable()), min_size=4, max_size=4).map(
        lambda texts: np.array([*texts, None], object)[:-1]
    ),
    st.lists(st.none() | st.integers(-128, 127), min_size=4, max_size=4).map(lambda numbers: pd.array(numbers, "Int8")),
    st.lists(st.sampled_from(["a", "b", None]), min_size=4, max_size=4).map(pd.Categorical),
    st.lists(st.none() | st.text(max_size=3).filter(lambda text: text.isprintable()), min_size=4, max_size=4).map(
        lambda texts: pd.array(texts, "string[python]")
    ),
)
labels = st.lists(
    st.text(max_size=4).filter(lambda text: text.isprintable()) | st.integers(0, 9), max_size=4, unique_by=str
)


@settings(max_examples=150, deadline=None)
@given(st.data(), labels, st.sampled_from(["range", "text", "dates", "many"]))
def test_any_frame_comes_back_exactly(tmp_path_factory, data, names, kind):
    """Frames of any columns under any labels and index come back exactly."""
    index = {
        "range": pd.RangeIndex(4),
        "text": pd.Index(["a", "b", "b", ""]),
        "dates": pd.date_range("2020", periods=4, freq="h", tz="UTC"),
        "many": pd.MultiIndex.from_product([[1, 2], ["x", "y"]]),
    }[kind]
    drawn = [data.draw(columns) for _ in names]
    found = [pd.Series(column, index=index, dtype=column.dtype) for column in drawn]
    value = pd.DataFrame(dict(enumerate(found)), index=index)
    value.columns = pd.Index(names, dtype=object) if names else pd.Index([])
    blobs = Blobs(tmp_path_factory.getbasetemp())
    body, _ = blobs.root(choose(value), value)
    assert choose(value).name == "arrow/1"
    assert same_table(by_name("arrow/1").decode(body, blobs.open), value)


def test_missing_pyarrow_is_said(tmp_path):
    """Without pyarrow a frame is left to pickle under auto, and asking for arrow names the command that mends it."""
    program = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "import polars as pl; from memo.codecs import choose, codec_for\n"
        "frame = pl.DataFrame({'a': [1]})\n"
        "print(choose(frame).name)\n"
        "try: codec_for(frame, 'arrow').encode(frame, None)\n"
        "except ValueError as error: print(error.hint)\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout == "pickle/1\npip install 'cas-memo[arrow]'\n"


def test_summary_names_shape_and_columns():
    """A listing shows what the table is."""
    assert by_name("arrow/1").encode(pd.DataFrame({"a": [1, 2], "b": 1}), None)[1] == "DataFrame 2x2: a, b"
    assert by_name("arrow/1").encode(pd.Series([1.5]), None)[1] == "Series 1 float64"
    assert by_name("arrow/1").encode(pa.table({"a": [1]}), None)[1] == "Table 1x1: a"
