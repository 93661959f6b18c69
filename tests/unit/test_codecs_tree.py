"""The codec tree/1: containers of safe values and arrays, exact, shared arrays stored once."""

from __future__ import annotations

import collections
import copy
import datetime as dt
import decimal
import fractions
import math
import pathlib
import re
import uuid
import zoneinfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cas import extension as ext
from cas import form
from cas.errors import IntegrityError, NotFoundError
from memo.codecs import choose, tree
from memo.errors import CodecError
from tests.codecs import Blobs


@pytest.fixture
def blobs(tmp_path) -> Blobs:
    """Return an empty folder of child blobs."""
    return Blobs(tmp_path)


def encoded(value: object, blobs: Blobs) -> bytes:
    """Return the root bytes of a value, which must be chosen for tree."""
    assert choose(value).name == "tree/1"
    parts, _ = tree.encode(value, blobs.write)
    return b"".join(parts)


def same(one: object, other: object) -> bool:
    """Return whether two results are equal in type, dtype, order and bits."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.longdouble):  # six of the sixteen bytes of a long double are padding
        return one == other
    if isinstance(one, np.ndarray):
        return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes()) and (
            one.flags.f_contiguous == other.flags.f_contiguous or not other.flags.forc
        )
    if isinstance(one, np.generic):
        return one.dtype == other.dtype and one.tobytes() == other.tobytes()
    if isinstance(one, float):
        return math.isnan(one) == math.isnan(other) and (one != one or (one == other and one.hex() == other.hex()))
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items()))
    if isinstance(one, (list, tuple, collections.deque)):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


ZOO = [
    *(None, True, 1, -1, 2**64, 1.5, math.nan, -0.0, "", "é", "\ud800", b"", b"x" * 5000, 1 + 2j, bytearray(b"a"), ...),
    *([], (), {}, set(), frozenset({1}), {1, "a", (2, 3)}, [1, [2, (3, {4: {5}})]], range(3), slice(1, None, 2)),
    *({(1, 2): [3], None: 4, 2.5: 5}, collections.OrderedDict(b=1, a=2), collections.Counter("aab"), NotImplemented),
    *(collections.defaultdict(list, {1: [2]}), collections.defaultdict(None, {1: 2}), collections.deque([1, [2]], 5)),
    *(dt.date(2020, 1, 2), dt.datetime(2020, 1, 2, 3, 4, 5, 6, fold=1), dt.time(1, 2), dt.timedelta(-1, 2, 3)),
    *(dt.datetime(2020, 1, 2, tzinfo=zoneinfo.ZoneInfo("Europe/Paris")), dt.timezone(dt.timedelta(hours=1), "A")),
    *(decimal.Decimal("1.50"), decimal.Decimal("-Infinity"), fractions.Fraction(1, 3), uuid.UUID(int=5)),
    *(pathlib.Path("/a/b"), pathlib.PureWindowsPath("c:/x"), int, np.float64(1.5), np.float32("nan"), np.int8(-1)),
    *(np.bool_(True), np.str_("é"), np.bytes_(b"a\0"), np.datetime64("2020-01-02"), np.timedelta64(3, "2s")),
    *(np.longdouble("1.1"), np.complex64(1j), np.float16(1), np.uint64(2**64 - 1), np.datetime64("NaT", "ns")),
    *((np.arange(3.0), np.arange(999.0)), [np.zeros((3, 4), order="F"), np.zeros((30, 40), order="F")], (np.array(1),)),
    *(
        {"t": np.arange(5, dtype=">i2"), "s": np.array(["a", "bc"])},
        (np.zeros(0), np.zeros((0, 3))),
        [np.zeros(2, "M8[ns]")],
    ),
    *((np.zeros(3, [("a", "i1"), ("b", "f8")]), np.zeros(3, "V5")), (np.array([1, 2])[::-1], np.arange(4000)[::2])),
]


@pytest.mark.parametrize("value", ZOO, ids=lambda value: type(value).__name__)
def test_values_come_back_exactly(value, blobs):
    """A value comes back equal in type, order and bits, from bytes and from a file."""
    body = encoded(value, blobs)
    assert same(tree.decode(body, blobs.open), value)
    root = blobs.files[blobs.write((body,))]
    assert same(tree.decode(root, blobs.open), value)


leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.complex_numbers(allow_nan=False),
    st.just(np.arange(3)), st.just(np.float64(0.1)), st.decimals(allow_nan=False), st.datetimes(),
)  # fmt: skip
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.text(max_size=2) | st.integers(), inner, max_size=4),
        st.frozensets(st.integers() | st.text(), max_size=4),
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(trees)
def test_any_nesting_comes_back_exactly(tmp_path_factory, value):
    """Containers of anything safe come back exactly, and each decoding is fresh."""
    blobs = Blobs(tmp_path_factory.getbasetemp())
    if choose(value).name != "tree/1":
        assert type(value) is np.ndarray
        return
    before = copy.deepcopy(value)
    body = encoded(value, blobs)
    assert same(value, before)
    assert same(tree.decode(body, blobs.open), value)
    form.show(form.unpack(body))


def test_nothing_is_aliased_between_decodings(blobs):
    """Changing one decoded value changes neither another one nor what is stored."""
    value = {"big": np.zeros(1 << 18), "small": np.zeros(3), "list": [1], "set": {1}, "bytes": bytearray(b"a")}
    body = encoded(value, blobs)
    first = tree.decode(body, blobs.open)
    first["big"][:] = 1
    first["small"][:] = 1
    first["list"].append(2)
    first["set"].add(2)
    first["bytes"][0] = 0
    assert same(tree.decode(body, blobs.open), value)


def test_large_arrays_are_child_blobs_written_once(blobs):
    """The same array twice in one value is written once, equal arrays share a blob, small arrays stand inside."""
    axis = np.arange(2000.0)
    body = encoded((axis, [axis, {"again": axis}], np.arange(10)), blobs)
    assert blobs.writes == 1
    assert len(body) < 400
    encoded({"t": axis.copy()}, blobs)
    assert len(blobs.files) == 1
    (file,) = blobs.files.values()
    assert np.load(file.path).tobytes() == axis.tobytes()


def test_large_arrays_are_not_copied(blobs):
    """The parts of a child blob are the array's own memory."""
    value = np.zeros(1 << 18)
    seen = []

    def write(parts) -> bytes:
        seen.append(np.shares_memory(np.frombuffer(parts[1], np.uint8), value))
        return bytes(32)

    tree.encode((value, value[1:]), write)
    assert seen == [True, True]


class Array(np.ndarray):
    """A kind of array of one's own."""


Point = collections.namedtuple("Point", "x y")


@pytest.mark.parametrize(
    "value",
    [
        *([print], [Point], memoryview(b"a"), collections.defaultdict(lambda: 1), [object()], re.compile("a" * 2000)),
        *(np.array([(1, None)], [("a", "i4"), ("b", "O")]), np.ma.zeros((1, 1)).view(Array), np.zeros(3).view(Array)),
        *(type("L", (list,), {})(), slice(print), dt.datetime(2020, 1, 1, tzinfo=type("Z", (dt.tzinfo,), {})())),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_would_not_come_back_exactly_is_left_to_pickle(value, blobs):
    """Subclasses, objects and functions, wherever they stand, are not for tree, and nothing has been written."""
    assert choose((np.zeros(1000), value)).name == "pickle/1"
    with pytest.raises(CodecError):
        tree.encode(value, blobs.write)
    assert blobs.writes == 0


def test_cycles_and_depth_are_left_to_pickle():
    """A value that contains itself, or is nested too deep, is not for tree."""
    loop: list[object] = []
    loop.append(loop)
    deep: object = [()]
    for _ in range(500):
        deep = [deep]
    assert choose(loop).name == "pickle/1"
    assert choose(deep).name == "pickle/1"


def test_missing_child(blobs):
    """A child blob that is gone is reported as the store reports it."""
    body = encoded((np.zeros(2000),), blobs)
    blobs.files.clear()
    with pytest.raises(NotFoundError, match="no such blob"):
        tree.decode(body, blobs.open)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"\xc1", b"\xa5abc", b"\x01\x01", ext.head(ext.STORED_ARRAY, 4) + b"\xa2|O\x91\x01\xc2\xc4\x01x"),
        *(
            ext.head(ext.STORED_ARRAY, 4) + b"\xa3<f8\x91\x05\xc2\xc4\x01x",
            ext.head(ext.SCALAR, 2) + b"\xa2|O\xc4\x01x",
        ),
        *(
            ext.head(ext.CLASS, 2) + b"\xa2os\xa6system",
            ext.leaf(ext.BACK, b"\x01"),
            ext.leaf(ext.ZONE, b"a/b"),
        ),
        *(ext.head(ext.FUNCTION, 2) + b"\xa2os\xa6system", ext.head(ext.ENUM, 4) + b"\xa1a\xa1b\xa1c\x01"),
    ],
)
def test_foreign_bytes_are_refused(body, blobs):
    """Bytes that this codec does not write raise an error and run nothing."""
    with pytest.raises((CodecError, IntegrityError)) as caught:
        tree.decode(body, blobs.open)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("value", "summary"),
    [
        *((1, "1"), ("a", "'a'"), (None, "None"), ([], "[]"), ((), "()"), ((1,), "(1,)"), ({"p": 1}, "{p: 1}")),
        ((np.zeros(129), np.zeros((129, 400))), "(float64[129], float64[129, 400])"),
        ({"f": np.zeros(3, "f4"), "n": [1, 2]}, "{f: float32[3], n: [1, 2]}"),
        (np.float64(0.5), "float64 0.5"),
    ],
)
def test_summary(value, summary):
    """A listing shows types and shapes of arrays, and short values as they are."""
    assert tree.encode(value, lambda parts: bytes(32))[1] == summary


def test_summary_is_short():
    """However large a value, its summary is at most eighty characters."""
    for value in (list(range(10**5)), "x" * 10**6, {str(index): [index] for index in range(1000)}, [[[[[[1]]]]]]):
        assert len(tree.encode(value, lambda parts: bytes(32))[1]) <= 80
