"""What pandas, pyarrow and the standard library have beside tables: each comes back exactly, and not by a pickle."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
import types
import zoneinfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memo
from cas import form
from cas.errors import Explained
from cas.extension import ADDRESS, PANDAS, PATTERN, head
from memo.canonical import encode
from memo.canonical.scalars import pack
from memo.codecs import by_name, choose
from tests.codecs import Blobs

PARIS = zoneinfo.ZoneInfo("Europe/Paris")
TWICE = pd.Timestamp("2020-10-25 02:30")
SCALARS = [
    *(pd.Timestamp("2020-01-02 03:04:05.678"), pd.Timestamp(5), pd.Timestamp("2020").as_unit("s"), pd.NaT, pd.NA),
    *(pd.Timestamp("2020", tz=PARIS), pd.Timestamp("2020", tz="UTC"), pd.Timestamp(2020, 1, 1, fold=1)),
    *(TWICE.tz_localize(PARIS, ambiguous=False), TWICE.tz_localize(PARIS, ambiguous=True)),
    *(pd.Timestamp("2020", tz=dt.timezone(dt.timedelta(hours=2))), pd.Timestamp("2020", tz=dt.UTC)),
    *(pd.Timedelta(3), pd.Timedelta("3D").as_unit("s"), pd.Timedelta("-1us"), pd.Period("2020", "M")),
    *(
        pd.Period("2020", freq="W-TUE"),
        pd.Period("2020-01-01", freq="3h"),
        pd.Interval(0, 1),
        pd.Interval(0.5, 1, "left"),
    ),
    *(pd.Interval(pd.Timestamp("2020"), pd.Timestamp("2021")), pd.Interval(np.int64(1), np.int64(2), "both")),
]
PLAIN = [
    *(ipaddress.ip_address("1.2.3.4"), ipaddress.ip_address("fe80::1%eth0"), ipaddress.ip_network("10.0.0.0/8")),
    *(ipaddress.ip_interface("10.0.0.3/8"), ipaddress.ip_network("::/64"), ipaddress.ip_interface("::1/64")),
    *(re.compile("a+", re.IGNORECASE), re.compile(b"a"), re.compile("(?x) a # b"), types.SimpleNamespace()),
    *(types.SimpleNamespace(b=1, a=[2.5]), types.SimpleNamespace(x=types.SimpleNamespace(y=pd.NaT))),
]
INDEXES = [
    *(pd.Index([1, 2], name="n"), pd.Index(["a", None]), pd.Index(["a", "b"], dtype=object, name=("x", 1))),
    *(pd.Index([1, "a", None, (2,)], dtype=object), pd.RangeIndex(2, 9, 3, name="r"), pd.Index([], dtype="i4")),
    *(pd.MultiIndex.from_product([[1, 2], ["a"]], names=["x", None]), pd.MultiIndex([[1, 2]], [[0, 1]], sortorder=1)),
    *(pd.date_range("2020", periods=3, freq="D"), pd.date_range("2020", periods=3, freq="h", tz="UTC")),
    *(pd.DatetimeIndex(["2020", "2023"]), pd.TimedeltaIndex([1, 5], name="t"), pd.PeriodIndex(["2020"], freq="Q-MAR")),
    *(pd.CategoricalIndex(["a", "b"], ordered=True), pd.IntervalIndex.from_breaks([0, 1, 2], closed="left")),
    *(pd.Index([1, None], dtype="Int8"), pd.Index([True, False]), pd.Index([1.5, float("nan")], dtype="f4")),
]
ARRAYS = [
    *(pd.Categorical(["a", "b", None], categories=["b", "a", "c"], ordered=True), pd.Categorical([1.5, 2])),
    *(pd.Categorical([]), pd.array([1, None]), pd.array([1.5, None], "Float32"), pd.array([True, None])),
    *(pd.PeriodIndex(["2020"], freq="D").array, pd.IntervalIndex.from_breaks([0, 1, 2]).array),
    *(pd.array([1, None], pd.ArrowDtype(pa.int8())), pa.array([1, None]), pa.array(["a", "b"]).dictionary_encode()),
    *(pa.array([]), pa.array([[1], [], None]), pa.array([1, 2, 3])[1:], pa.array([{"a": 1, "b": "x"}, None])),
    *(pa.chunked_array([[1], [2, None]]), pa.chunked_array([[]], pa.int8()), pa.array([1.5], pa.float16())),
]
OBJECTS = [
    pd.DataFrame({"o": [[1], "a", None, pd.Timestamp("2020")], "x": [1, 2, 3, 4]}),
    pd.DataFrame({"o": [{"k": np.arange(3)}, pd.NaT]}, index=pd.Index([1, "b"], dtype=object)),
    *(
        pd.Series([1, "a"], name="s"),
        pd.Series([float("nan"), "a", True], dtype=object),
        pd.Series([dt.date(2020, 1, 2)]),
    ),
]


def attributed(value: object) -> object:
    """Return an index or a frame with something set on its index."""
    (value if isinstance(value, pd.Index) else value.index).unit = "V"
    return value


@pytest.mark.parametrize(
    ("value", "name"),
    [
        *((value, "tree/1") for value in (*SCALARS, *PLAIN, {"a": SCALARS[0], "b": [pd.NaT, pd.NA]}, (PLAIN[0],))),
        *((value, "arrow/1") for value in (*INDEXES, *ARRAYS, *OBJECTS)),
        (attributed(pd.Index([1, 2])), "arrow/1"),
        (attributed(pd.DataFrame({"a": [1]}, index=[5])), "arrow/1"),
        *((value, "tree/1") for value in ([INDEXES[0], ARRAYS[0]], {"a": pa.array([1])})),
    ],
    ids=lambda value: type(value).__name__,
)
def test_it_comes_back_exactly_without_a_pickle(value, name, tmp_path):
    """A value comes back of its type, with all that its key would tell, from a safe codec; a reader sees what it is."""
    blobs = Blobs(tmp_path)
    codec = choose(value)
    assert codec.name == name
    before = encode(value)
    body, file = blobs.root(codec, value)
    for source in (body, file):
        back = codec.decode(source, blobs.open)
        assert type(back) is type(value)
        assert encode(back) == before == encode(value)
    if name == "tree/1":
        assert len(form.show(form.unpack(body))) <= 60


@pytest.mark.parametrize(
    "value",
    [
        pd.Timestamp("2020", tz="dateutil/Europe/Paris"),
        pd.date_range("2020", periods=2).array,
        pd.arrays.SparseArray([0, 1]),
        pd.DataFrame({"o": [print]}),
        pa.chunked_array([[1], []]),
        pa.scalar(3),
        pl.DataFrame({"a\0b": [1]}),
        re.compile("a" * 2000),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_exact_is_left_to_pickle(value, tmp_path):
    """What only nearly comes back, or is slow to make anew, is pickled, and comes back too."""
    blobs = Blobs(tmp_path)
    codec = choose(value)
    assert codec.name == "pickle/1"
    body, _ = blobs.root(codec, value)
    assert encode(codec.decode(body, blobs.open)) == encode(value)


def test_chunks_and_sort_order_come_back(tmp_path):
    """What no key tells, such as where chunks end, comes back as well."""
    blobs = Blobs(tmp_path)
    for value, look in ((ARRAYS[-3], lambda v: v.num_chunks), (INDEXES[7], lambda v: v.sortorder)):
        codec = choose(value)
        body, _ = blobs.root(codec, value)
        assert look(codec.decode(body, blobs.open)) == look(value) is not None


def test_an_index_in_a_pickle_keeps_what_was_set_on_it(tmp_path):
    """The pickle of pandas leaves it out, memo's does not."""
    blobs = Blobs(tmp_path)
    value = {"index": attributed(pd.Index([1])), "rest": print}
    codec = choose(value)
    body, _ = blobs.root(codec, value)
    assert codec.name == "pickle/1"
    assert codec.decode(body, blobs.open)["index"].unit == "V"


def test_a_dict_with_a_moment_is_shared_without_a_key(tmp_path):
    """A function that returns a dict with a Timestamp stores no pickle."""

    @memo.cached(store=tmp_path / "store")
    def when(year):
        return {"at": pd.Timestamp(year, 1, 1), "years": [year]}

    assert when(2020) == when(2020) == {"at": pd.Timestamp(2020, 1, 1), "years": [2020]}
    (entry,) = when.cache.entries()
    assert entry.codec == "tree/1"


@pytest.mark.parametrize(
    "body",
    [
        head(PANDAS, 1) + pack("read_pickle"),
        head(PANDAS, 2) + pack("Timestamp") + pack("2020"),
        head(PANDAS, 5) + pack("Timestamp") + pack(1) + pack("ns") + pack("../x") + pack(0),
        head(PANDAS, 3) + pack("Period") + pack(1) + pack("nonsense"),
        head(ADDRESS, 2) + pack("ip_address") + pack("1.2.3.4"),
        head(ADDRESS, 2) + pack("IPv4Address") + pack(1),
        head(PATTERN, 2) + pack("(") + pack(0),
        head(PATTERN, 2) + pack("a" * 2000) + pack(0),
        head(PATTERN, 2) + pack("a") + pack(128),
    ],
)
def test_bytes_that_no_codec_wrote(body):
    """Names, texts and numbers that make no such value are told, and no function of a library is called for them."""
    with pytest.raises(Explained):
        by_name("tree/1").decode(body, None)


moments = st.builds(
    lambda ticks, unit, zone: pd.Timestamp(np.datetime64(ticks, unit)).tz_localize("UTC").tz_convert(zone),
    st.integers(-(2**33), 2**33),
    st.sampled_from(["s", "ms", "us", "ns"]),
    st.sampled_from([None, "UTC", PARIS, dt.timezone(dt.timedelta(minutes=-90))]),
)
spans = st.builds(
    lambda ticks, unit: pd.Timedelta(np.timedelta64(ticks, unit)),
    st.integers(-(2**33), 2**33),
    st.sampled_from(["s", "ms", "ns"]),
)
periods = st.builds(
    lambda n, freq: pd.Period(ordinal=n, freq=freq),
    st.integers(-500, 500),
    st.sampled_from(["D", "2D", "M", "Q-FEB", "h"]),
)
ends = st.tuples(st.integers(-3, 3), st.integers(0, 3), st.sampled_from(["left", "right", "both", "neither"]))
intervals = ends.map(lambda end: pd.Interval(end[0], end[0] + end[1], end[2]))
patterns = st.builds(
    lambda text, flags: re.compile(re.escape(text), flags), st.text(max_size=5), st.sampled_from([0, 2, 8])
)
addresses = (
    st.ip_addresses() | st.ip_addresses().map(ipaddress.ip_network) | st.ip_addresses().map(ipaddress.ip_interface)
)
scalars = moments | spans | periods | intervals | patterns | addresses | st.sampled_from([pd.NaT, pd.NA])
labels = st.lists(st.none() | st.integers(-3, 3) | st.text(max_size=2) | moments | st.floats(), max_size=4)


@settings(max_examples=60, deadline=None)
@given(st.lists(scalars, max_size=4) | labels.map(lambda found: pd.Index(found, dtype=object)) | labels.map(pd.Series))
def test_any_of_them_comes_back_exactly(tmp_path_factory, value):
    """Drawn scalars, indexes and series of mixed objects come back exactly, without a pickle."""
    blobs = Blobs(tmp_path_factory.mktemp("blobs"))
    codec = choose(value)
    body, _ = blobs.root(codec, value)
    assert codec.name in ("tree/1", "arrow/1")
    assert encode(codec.decode(body, blobs.open)) == encode(value)
