"""Values whose canonical forms are held in test_canonical_forms.py; run as a script, prints each name and form."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import importlib
import io
import ipaddress
import math
import pathlib
import re
import types
import uuid
import zoneinfo

import numpy as np
from scipy import sparse

from memo.canonical import encode, encode_arguments


class Color(enum.Enum):
    RED = 1


class Mode(enum.Flag):
    A = 1
    B = 2


@dataclasses.dataclass
class Config:
    rate: float
    tapers: int = 7


class Plain:
    def __init__(self) -> None:
        self.b, self.a = [1], "x"


class Names(list):
    pass


class Reduced:
    def __init__(self, *parts: object, **attributes: object) -> None:
        self.parts = parts
        self.__dict__.update(attributes)

    def __reduce__(self) -> tuple[object, ...]:
        return Reduced, self.parts, self.__dict__


class Keyed:
    def __memo_key__(self) -> tuple[str, int]:
        return ("k", 1)


Point = collections.namedtuple("Point", "x y")
STRUCT = np.dtype([("a", "<i2"), ("b", "<f8")], align=True)
MOMENT = dt.datetime(2020, 1, 2, 3, 4, 5, 6, fold=1)


def helper() -> None:
    """Stand for a function of the user's."""


def cycles() -> list[object]:
    """Return values that contain themselves."""
    listed: list[object] = [1]
    listed.append({"back": (listed,)})
    ring = collections.deque([2])
    ring.append(collections.OrderedDict(k=ring))
    tree, leaf = Plain(), Plain()
    tree.a, leaf.a = [leaf], tree
    array = np.empty(2, object)
    array[:] = [array, None]
    error = ValueError(1)
    error.me = error
    return [listed, ring, tree, array, error]


MAPPING = {"a": 1, "b": [2]}
TEXT_FILE = io.StringIO("a\nb")
TEXT_FILE.read(1)

VALUES = {
    "none": None,
    "bools": [True, False],
    "ints": [0, -1, 127, 128, 255, 256, -32, -33, 2**63, 2**64 - 1, -(2**63), 2**64, -(2**63) - 1, 2**80, -(2**80)],
    "floats": [0.0, -0.0, 1.5, math.inf, 5e-324],
    "complex": 1.5 - 2j,
    "text": ["", "é", "\ud800", "\0"],
    "bytes": [b"", b"a", bytearray(b"ab"), memoryview(b"abc"), bytearray(300)],
    "containers": [[1, [2]], (1, (2,)), (), {"b": 1, "a": (2,)}, {(1, 2): None}],
    "sets": [{"b", "a", "c", 1, (2, "x")}, frozenset(["e", "d", b"f"]), {frozenset("xyz"), frozenset("wv")}, set()],
    "ranges": [range(3), slice(1, None, 2), ..., NotImplemented],
    "collections": [
        collections.OrderedDict(b=1, a=2),
        collections.defaultdict(list, {1: [2]}),
        collections.Counter("aab"),
        collections.deque([1], 3),
        types.MappingProxyType({1: 2}),
    ],
    "times": [dt.date(2020, 1, 2), MOMENT, dt.time(1, 2), dt.timedelta(-1, 2, 3), MOMENT.replace(tzinfo=dt.UTC)],
    "zones": [dt.timezone(dt.timedelta(hours=1), "A"), dt.UTC, zoneinfo.ZoneInfo("Europe/Paris")],
    "numbers": [decimal.Decimal("-1.50"), decimal.Decimal("1E+400"), fractions.Fraction(-1, 3), uuid.UUID(int=7)],
    "paths": [pathlib.PurePosixPath("/a/b"), pathlib.PureWindowsPath("c:/x")],
    "patterns": [re.compile("a+", re.IGNORECASE), re.compile(b"b")],
    "enums": [Color.RED, Mode.A, Mode.A | Mode.B],
    "instances": [Config(2.5), Plain(), Point(1, 2.0), Names([1]), Keyed(), types.SimpleNamespace(b=1, a=2)],
    "callables": [
        helper,
        Color,
        int,
        len,
        math.sin,
        str.upper,
        functools.partial(helper, 1, k=2),
        math,
        Plain().__init__,
    ],
    "nameless": [lambda: 1, lambda: 2],
    "array_small": np.arange(3.0),
    "array_large": np.arange(1000, dtype="<i4").reshape(10, 100),
    "array_fortran": np.asfortranarray(np.arange(1000, dtype="<i4").reshape(10, 100)),
    "array_huge": np.asfortranarray(np.arange(1 << 18, dtype="<f8").reshape(512, 512)),
    "array_kinds": [np.zeros(2, kind) for kind in ("?", "i1", ">u2", "f2", "c8", "S3", "U2", "V2", "M8[ns]", "m8[2h]")],
    "array_empty": [np.zeros((0, 3), "f4"), np.array(7, "i2")],
    "array_struct": np.array([(1, 2.0), (3, 4.0)], STRUCT),
    "array_objects": np.array([1, "a", None, (2,)], object),
    "array_masked": np.ma.array([1, 2, 3], mask=[0, 1, 0], dtype="<i8", fill_value=9),
    "array_strings": np.array(["a", "bc"], np.dtypes.StringDType()),
    "scalars": [
        np.float64(1.5),
        np.int8(-1),
        np.bool_(True),
        np.str_("é"),
        np.bytes_(b"a\0"),
        np.datetime64("2020-01-02"),
    ],
    "dtypes": [np.dtype("f8"), STRUCT, np.float32, np.sin, np.mean],
    "generator": np.random.PCG64(7),
    "addresses": [ipaddress.ip_address("1.2.3.4"), ipaddress.ip_network("10.0.0.0/8")],
    "cycles": cycles(),
    "views": [MAPPING.keys(), MAPPING.values(), MAPPING.items(), collections.OrderedDict(MAPPING).keys()],
    "memory_files": [io.BytesIO(b"ab"), TEXT_FILE],
    "reduced": [ValueError("x", 1), list[int], Reduced(1, b=2, a=1)],
    "sparse": [
        getattr(sparse, f"{name}_array")(np.eye(3)) for name in ("csr", "csc", "coo", "bsr", "dia", "lil", "dok")
    ],
    "sparse_matrix": sparse.csr_matrix((np.array([1.0, 2, 3]), np.array([2, 0, 0]), np.array([0, 3, 3]))),
}


def library_values() -> dict[str, object]:
    """Return values of the libraries that are here."""
    made = {}
    for name, make in MAKERS.items():
        try:
            library = importlib.import_module(name)
        except ImportError:
            continue
        made |= {f"{name}_{kind}": value for kind, value in make(library).items()}
    return made


def pandas_values(pd) -> dict[str, object]:
    """Return values of pandas that are the same in each of its versions."""
    columns = {
        "i": np.arange(3, dtype="<i8"),
        "f": np.arange(3, dtype="<f8"),
        "o": np.array(["a", None, 1.5], object),
        "m": np.array([0, 1, 2], "<M8[ns]"),
    }
    columns |= {"z": pd.Series(columns["m"]).dt.tz_localize("Europe/Paris"), "n": pd.array([1, None, 3], "Int16")}
    columns |= {"c": pd.Categorical([2, 1, 2], ordered=True), "p": pd.PeriodIndex(["2020"] * 3, freq="D")}
    columns |= {"s": pd.array(["a", None, "b"], "string[python]"), "b": pd.array([True, None, False], "boolean")}
    labels = pd.Index([*columns], dtype=object)
    frame = pd.DataFrame(columns, columns=labels)
    moment = pd.Timestamp(5, unit="ns", tz="UTC")
    return {
        "frame": frame,
        "series": frame["f"],
        "indexes": [
            pd.RangeIndex(3, name="r"),
            pd.MultiIndex.from_product([[1, 2], [3]]),
            pd.IntervalIndex.from_breaks([0, 1]),
        ],
        "scalars": [moment, pd.NaT, pd.NA, pd.Interval(0, 1)],
    }


def polars_values(pl) -> dict[str, object]:
    """Return values of polars."""
    texts = pl.Series("s", ["a", None, "bc"])
    return {"frame": pl.DataFrame({"i": [1, None, 3], "s": texts, "l": [[1], [], None]}), "series": texts}


def arrow_values(pa) -> dict[str, object]:
    """Return values of pyarrow."""
    texts = pa.array(["a", None, "bc"])
    columns = {"i": pa.array([1, None, 3]), "s": texts, "d": texts.dictionary_encode(), "l": pa.array([[1], [], None])}
    return {"table": pa.table(columns), "array": texts, "scalar": texts[0]}


def xarray_values(xr) -> dict[str, object]:
    """Return values of xarray."""
    return {"array": xr.DataArray(np.eye(2), dims=("a", "b"), coords={"a": [1, 2]}, name="v", attrs={"u": "V"})}


def image_values(module) -> dict[str, object]:
    """Return images."""
    return {"image": module.new("RGB", (4, 3), (1, 2, 3))}


def torch_values(torch) -> dict[str, object]:
    """Return tensors of torch."""
    return {
        "tensor": torch.arange(6.0),
        "sparse": torch.eye(2).to_sparse(),
        "brain": torch.ones(2, dtype=torch.bfloat16),
    }


MAKERS = {
    "pandas": pandas_values,
    "polars": polars_values,
    "pyarrow": arrow_values,
    "xarray": xarray_values,
    "PIL.Image": image_values,
    "torch": torch_values,
}


def main() -> None:
    """Print a name and a form a line."""
    for name, value in {**VALUES, **library_values()}.items():
        print(name, encode(value).hex())
    signature, roots = encode_arguments([VALUES["sets"], list(range(3000)), helper], ("a", "b", "c"))
    print("abridged", signature.hex())
    print("roots", "".join(root.__qualname__ for root in roots).encode().hex())


if __name__ == "__main__":
    main()
