"""What the tests of codecs share: a place for child blobs, values of every kind, and equality to the bit."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import math
import pathlib
import uuid
import zoneinfo
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs
import numpy as np
import scipy.sparse as sp

from cas.blob import BlobFile
from cas.digest import digest_parts
from cas.errors import NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

    from memo.codecs import Codec

LARGE = 1 << 18


class Blobs:
    """Child blobs in a folder, and how often one was written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[bytes, BlobFile] = {}
        self.writes = 0

    def write(self, parts: Any) -> bytes:
        """Store one blob."""
        self.writes += 1
        name = digest_parts(parts)
        path = self.folder / name.hex()
        path.write_bytes(joined(parts))
        self.files[name] = BlobFile(name, str(path), path.stat().st_size)
        return name

    def open(self, name: bytes) -> BlobFile:
        """Return one blob's file."""
        try:
            return self.files[name]
        except KeyError:
            raise NotFoundError("no such blob", "run `cas fsck`") from None

    def root(self, codec: Codec, value: object) -> tuple[bytes, BlobFile]:
        """Return the root blob of a value, as bytes and as a file."""
        parts, summary = codec.encode(value, self.write)
        assert 0 < len(summary) <= 80
        body = joined(parts)
        return body, self.files[self.write((body,))]


def joined(parts: Any) -> bytes:
    """Return the bytes of a blob."""
    return b"".join(bytes(memoryview(part)) for part in parts)


class Color(enum.Enum):
    RED = 1
    BLUE = ("b", 2.5)


class Level(enum.IntEnum):
    LOW = 1


class Access(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()


class Bits(enum.IntFlag):
    ONE = 1
    TWO = 2


Point = collections.namedtuple("Point", "x y")


class Typed(NamedTuple):
    count: int
    series: Any = None


class Extended(Point):
    """A named tuple with attributes beside its fields."""


@dataclasses.dataclass
class Plain:
    a: Any
    b: Any = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    a: Any
    derived: Any = dataclasses.field(init=False, default=None)
    seed: dataclasses.InitVar[int] = 3

    def __post_init__(self, seed: int) -> None:
        object.__setattr__(self, "derived", [self.a, seed])


@dataclasses.dataclass
class Checked(Plain):
    c: Any = dataclasses.field(default=None, init=False)

    def __setattr__(self, name: str, value: object) -> None:
        raise AssertionError("no code of the class runs")


@attrs.define
class Slotted:
    a: Any
    b: Any = 1


@attrs.frozen(slots=False)
class Dicted:
    a: Any


def checked(a: object) -> Checked:
    """Return an instance made past its `__setattr__`."""
    value = object.__new__(Checked)
    vars(value).update(a=a, b=[1], c={}, extra="x")
    return value


def extended() -> Extended:
    """Return a named tuple with an attribute."""
    value = Extended(1, 2)
    value.unit = "V"  # type: ignore[attr-defined]
    return value


def masked() -> list[Any]:
    """Return masked arrays that differ in all that one can differ in."""
    hard = np.ma.array([1.5, np.nan, 3.0], mask=[0, 1, 0], fill_value=7.0, hard_mask=True)
    return [
        hard,
        np.ma.zeros((2, 3), "i2"),
        np.ma.array(np.arange(4000.0), mask=np.arange(4000) % 3 == 0),
        np.ma.array([(1, 2.0)], mask=[(0, 1)], dtype=[("a", "i4"), ("b", "f8")]),
        np.ma.masked,
        np.ma.array(5, mask=True),
    ]


def exotic() -> list[Any]:
    """Return arrays that `.npy` does not keep."""
    aligned = np.dtype([("a", "i1"), ("b", "f8")], align=True)
    gaps = np.dtype({"names": ["a", "b"], "formats": ["f8", "i2"], "offsets": [8, 0], "itemsize": 24})
    return [
        np.array([1, None, "x", [2, 3], {"k": 1.5}], object),
        np.array([[1, (2,)], ["a", {}]], object, order="F"),
        np.empty((0, 2), object),
        np.array(None, object),
        np.ones(3, aligned),
        np.ones((2, 3), gaps)[::-1],
        np.ones(1000, gaps),
        np.ones(3, np.dtype([("a", "f4", (2, 2)), ("s", "U3"), ("t", "M8[ms]")])),
        np.ones(3, [(("title", "a"), "f8")]),
        np.arange(3, dtype=np.dtype("f8", metadata={"unit": "V"})),
        np.ones(3, np.dtype((np.record, [("a", "f8")]))),
        np.ones(3, [("a", "f8"), ("b", ">i2")]).view(np.recarray),
        np.array(["a", "bcd", ""], np.dtypes.StringDType()),
        np.array(["a", None, "b"], np.dtypes.StringDType(na_object=None)),
        np.array([b"a", b"b"], "c"),
        np.array([[1.0, 2.0], [3.0, 4.0]]).view(np.matrix),
        np.zeros(0, aligned),
        np.array([], np.dtype([])),
    ]


PLAIN = [
    *(None, True, 1, -1, 2**64, 1.5, math.nan, -0.0, "", "é", b"", b"x" * 5000, 1 + 2j, bytearray(b"a"), ...),
    *([], (), {}, set(), frozenset({1}), {1, "a", (2, 3)}, [1, [2, (3, {5})]], range(3), slice(1, None, 2)),
    *({"a": [3], "b": {"c": (1, None)}}, collections.OrderedDict(b=1, a=2), collections.Counter("aab"), NotImplemented),
    *(
        collections.defaultdict(list, {"x": [2]}),
        collections.defaultdict(None, {"y": 2}),
        collections.deque([1, [2]], 5),
    ),
    *(dt.date(2020, 1, 2), dt.datetime(2020, 1, 2, 3, 4, 5, 6, fold=1), dt.time(1, 2), dt.timedelta(-1, 2, 3)),
    *(dt.datetime(2020, 1, 2, tzinfo=zoneinfo.ZoneInfo("Europe/Paris")), dt.timezone(dt.timedelta(hours=1), "A")),
    *(decimal.Decimal("1.50"), decimal.Decimal("-Infinity"), fractions.Fraction(1, 3), uuid.UUID(int=5)),
    *(pathlib.Path("/a/b"), pathlib.PureWindowsPath("c:/x"), ["a", "bc"], [True, False], [1.5, -0.0], [1, 2**70]),
]
KEYED = [[1, [2, (3, {4: {5}})]], {(1, 2): [3], None: 4, 2.5: 5, Point(1, 2): 6}, {"\ud800": "\udfff"}, {"2nd": 1}]
SCALARS = [
    *(np.float64(1.5), np.float32("nan"), np.int8(-1), np.bool_(True), np.str_("é"), np.bytes_(b"a\0"), np.float16(1)),
    *(np.datetime64("2020-01-02"), np.timedelta64(3, "2s"), np.complex64(1j), np.uint64(2**64 - 1)),
    *(np.datetime64("NaT", "ns"),),
]
PAYLOADS = np.array([0x7FF8000000000001, 0xFFF0000000000BAD, 0x8000000000000000], "u8").view("f8")
ARRAYS = [
    *(np.arange(5.0), np.arange(12).reshape(3, 4), np.asfortranarray(np.arange(12.0).reshape(3, 4)), np.array(5.0)),
    *(np.zeros(0), np.zeros((0, 3)), np.array([True, False]), np.arange(6, dtype=">i2")[::-2], PAYLOADS),
    *(np.array([1 + 2j, -0.0], "c8"), PAYLOADS[:2].view("c16"), np.array([1.5, -2], "f2")),
    *(np.array(["2020", "NaT"], "M8[s]"), np.array([1, 2], "m8[us]"), np.zeros((2, 3, 4), "u1", order="F")),
    *(np.arange(24.0).reshape(2, 3, 4).transpose(1, 0, 2), np.array([1, 2], ">M8[s]"), np.array([0.5], ">f4")),
    *(np.arange(300.0).reshape(20, 15), np.array([], "M8[D]"), np.array([7], "<u2")),
]
TEXTS = [np.array(["a", "bcd", ""]), np.array([["é"], ["𝄞"]]), np.array([b"a", b"bc"])]
STRUCTURES = [np.zeros(3, [("a", "i1"), ("b", "f8")]), np.array([(1, 2)], [("x", ">i4"), ("y", "f2")])]
RAW = [np.array([b"ab", b"c"], "V2"), np.array(["1.1", "-2"], "g"), np.longdouble("1.1"), np.array([1j], "G")]
MEMBERS = [Color.RED, Color.BLUE, Level.LOW, Access.READ, Bits.TWO]
COMBINED = [Access.READ | Access.WRITE, Access(0), Bits.ONE | Bits.TWO, Bits(8)]
INSTANCES = [
    *(Point(1, [2]), Typed(1, np.arange(3)), extended(), Plain(1), Plain(np.arange(2000.0), {"k": Plain(None)})),
    *(Frozen("x"), Frozen(Point(1, 2)), checked(np.zeros(3)), Slotted(1, Slotted(2)), Dicted((1, 2))),
]
MISCELLANEOUS = [
    *(np.dtype("f8"), np.dtype([("a", "f4", 2), ("b", "U3")]), np.void(b"abc")),
    *(np.ones(2, [("a", "i4"), ("b", "f8")])[0], np.ones(2, np.dtype((np.record, [("a", "i4")])))[0]),
]


def sparse() -> list[Any]:
    """Return sparse arrays and matrices of every format, sorted or not, with room to spare or not."""
    dense = np.array([[0, 1.5, 0], [2, 0, -0.0], [0, 0, 3]])
    found = [
        getattr(sp, f"{layout}_{kind}")(dense.astype(dtype))
        for layout in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
        for kind, dtype in (("array", "f8"), ("matrix", "f4"))
    ]
    unsorted = sp.csr_array((np.array([1.0, 2.0]), np.array([2, 0]), np.array([0, 2, 2, 2])), shape=(3, 3))
    roomy = sp.csr_array(dense)
    roomy.data, roomy.indices = np.append(roomy.data, 9.0), np.append(roomy.indices, 0)
    wide = sp.csc_array(dense)
    wide.indices, wide.indptr = wide.indices.astype("i8"), wide.indptr.astype("i8")
    known = sp.csr_array(dense)
    assert known.has_sorted_indices
    assert known.has_canonical_format
    double = sp.coo_array((np.array([1, 2]), (np.array([0, 0]), np.array([1, 1]))), shape=(2, 2))
    large = sp.random_array((300, 300), density=0.1, format="csr", rng=np.random.default_rng(1))
    return [*found, unsorted, roomy, wide, known, double, large, sp.coo_array(np.arange(5)), sp.csr_array((3, 0))]


def same(one: Any, other: Any) -> bool:
    """Return whether two values are equal in type, dtype, shape, order and bits."""
    if type(one) is not type(other):
        return False
    if one is np.ma.masked:
        return other is one
    if isinstance(one, np.ma.MaskedArray):
        return _same_masked(one, other)
    if isinstance(one, np.ndarray):
        return _same_array(one, other)
    if isinstance(one, np.generic):
        return one.dtype == other.dtype and same(np.asarray(one), np.asarray(other))
    if isinstance(one, np.dtype):
        return repr(one) == repr(other) and one.metadata == other.metadata
    if isinstance(one, float):
        return math.isnan(one) == math.isnan(other) and (one != one or one.hex() == other.hex())
    if isinstance(one, complex):
        return same(one.real, other.real) and same(one.imag, other.imag)
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items())) and _factory(one) is _factory(other)
    if sp.issparse(one):
        return _same_sparse(one, other)
    if isinstance(one, (list, tuple, collections.deque)):
        lengths = len(one) == len(other) and getattr(one, "maxlen", None) == getattr(other, "maxlen", None)
        attributes = getattr(one, "__dict__", {}), getattr(other, "__dict__", {})
        return lengths and all(map(same, one, other)) and (attributes == ({}, {}) or same(*attributes))
    if dataclasses.is_dataclass(one) or attrs.has(type(one)):
        return same(_attributes(one), _attributes(other))
    if isinstance(one, enum.Enum):
        return one is other
    return bool(one == other)


def _factory(value: Any) -> Any:
    return getattr(value, "default_factory", None)


def _attributes(value: Any) -> dict[str, Any]:
    slots = [name for klass in type(value).__mro__ for name in getattr(klass, "__slots__", ()) if name != "__weakref__"]
    return {**{name: getattr(value, name) for name in slots}, **getattr(value, "__dict__", {})}


def _same_array(one: Any, other: Any) -> bool:
    if repr(one.dtype) != repr(other.dtype) or one.dtype.metadata != other.dtype.metadata or one.shape != other.shape:
        return False
    if one.flags.f_contiguous != other.flags.f_contiguous and other.flags.forc and one.flags.forc:
        return False
    if one.dtype.hasobject:
        return same(one.ravel().tolist(), other.ravel().tolist())
    if one.dtype.names is not None:
        return all(same(np.asarray(one[name]), np.asarray(other[name])) for name in one.dtype.names)
    if one.dtype.char in "gG":  # six of the sixteen bytes of a long double are padding
        return bool(np.array_equal(one, other))
    if one.dtype.kind == "T":
        return one.tolist() == other.tolist()
    return one.tobytes() == other.tobytes()


def _same_masked(one: Any, other: Any) -> bool:
    return (
        same(one.data, other.data)
        and same(np.asarray(one.mask), np.asarray(other.mask))
        and (one.mask is np.ma.nomask) == (other.mask is np.ma.nomask)
        and one.hardmask == other.hardmask
        and one.sharedmask == other.sharedmask
        and (one._fill_value is None) == (other._fill_value is None)
        and same(np.asarray(one.view().fill_value), np.asarray(other.view().fill_value))
    )


_REMEMBERED = ("_has_sorted_indices", "_has_canonical_format", "has_canonical_format", "maxprint")


def _same_sparse(one: Any, other: Any) -> bool:
    names = ("data", "indices", "indptr", "coords", "offsets", "rows", "dtype", "shape", "blocksize")
    parts = [(getattr(one, name, None), getattr(other, name, None)) for name in names]
    if one.format == "dok":
        parts = [(one.dtype, other.dtype), (one.shape, other.shape), (dict(one.items()), dict(other.items()))]
    flags = [[vars(value).get(name) for name in _REMEMBERED] for value in (one, other)]
    return flags[0] == flags[1] and all(same(*pair) for pair in parts)
