"""The manual's table of what a function returns and how it is stored is true, row by row."""

from __future__ import annotations

import array
import collections
import datetime as dt
import decimal
import fractions
import ipaddress
import pathlib
import re
import threading
import types
import uuid
import zoneinfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pydantic
import pytest
import scipy.sparse as sp
import xarray as xr
from PIL import Image

from memo.codecs import choose
from memo.errors import CodecError
from tests import codecs as values
from tests.codecs import Blobs

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "equality.md"


class Model(pydantic.BaseModel):
    size: int = 1


class Names(list):
    pass


LOOP: list[object] = []
LOOP.append(LOOP)
# By the first words of a row.
EXAMPLES = {
    "None": [None, True, 1, 2.5, 1j, "a", b"a", bytearray(b"a"), ...],
    "list": [
        *([1], (1,), {"a": [np.zeros(9000), pd.Series([1])]}, {1}, frozenset([1]), range(3), slice(1)),
        *(collections.OrderedDict(a=1), collections.Counter("a"), collections.deque([1])),
        *(collections.defaultdict(list), collections.defaultdict(None)),
    ],
    "date": [
        *(dt.date(2020, 1, 2), dt.time(1), dt.datetime(2020, 1, 2), dt.timedelta(1), dt.UTC, array.array("b", [1])),
        *(zoneinfo.ZoneInfo("UTC"), decimal.Decimal(1), fractions.Fraction(1), uuid.UUID(int=1), pathlib.Path("a")),
    ],
    "addresses": [
        *(ipaddress.ip_address("::1"), ipaddress.ip_network("10.0.0.0/8"), re.compile("a" * 1000)),
        types.SimpleNamespace(a=1),
    ],
    "numpy arrays": [
        *(np.zeros(3), np.array(["a"]), np.array(["2020"], "M8[s]"), np.zeros(2, [("a", "i2"), ("b", "f8")])),
        *(np.zeros((2, 3), order="F"), np.array(1.5)),
    ],
    "numpy scalars": [
        *(np.float64(1), np.dtype("f8"), np.array([None]), np.array(["a"], np.dtypes.StringDType())),
        *(np.ma.array([1], mask=[1]), np.zeros((1, 1)).view(np.matrix), np.random.default_rng(1)),
        np.zeros(1, [("a", "f8")]).view(np.recarray),
    ],
    "scipy": [sp.csr_array(np.eye(2)), sp.coo_matrix(np.eye(2))],
    "pandas DataFrame": [
        *(pd.DataFrame({"a": [1, "b"]}), pd.Series([1.5]), pd.Index([1]), pd.RangeIndex(3), pd.Categorical(["a"])),
        *(pd.MultiIndex.from_product([[1], [2]]), pd.date_range("2020", periods=2), pd.array([1, None])),
        *(pd.PeriodIndex(["2020"], freq="D").array, pd.IntervalIndex.from_breaks([0, 1]).array),
    ],
    "polars": [pl.DataFrame({"a": [1]}), pl.Series([1])],
    "pyarrow Table": [pa.table({"a": [1]}), pa.record_batch({"a": [1]}), pa.array([1]), pa.chunked_array([[1]])],
    "pandas Timestamp": [
        *(pd.Timestamp("2020"), pd.Timedelta(1), pd.Period("2020", "D"), pd.Interval(0, 1), pd.NaT, pd.NA),
    ],
    "named": [values.Point(1, 2), values.Plain(1), values.Slotted(1), values.Color.RED],
    "instances": [Model(), Names([1]), print, ValueError(1), LOOP, threading.Thread.start, [1, Model()]],
    "values": [
        *(xr.DataArray([1]), Image.new("L", (1, 1)), pd.offsets.Hour(1), pd.arrays.SparseArray([0, 1])),
        *(pa.scalar(1), pa.schema([("a", "int8")])),
    ],
    "open": [lambda: PAGE.open("rb"), threading.Lock, lambda: iter([1]), lambda: memoryview(b"a")],
}


def rows() -> list[list[str]]:
    """Return the cells of the table, row by row, without backticks."""
    lines = PAGE.read_text().partition("## How is it stored?")[2].splitlines()
    cells = [
        [cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines if line[:1] == "|"
    ]
    return cells[2:]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:20])
def test_a_row_is_true(row, tmp_path):
    """Every example of a row is stored in the form that the row names."""
    (examples,) = [found for words, found in EXAMPLES.items() if re.match(rf"{re.escape(words)}\b", row[0])]
    for example in examples:
        if row[1] != "none":
            assert choose(example).name == f"{row[1]}/1"
            continue
        value = example()
        with pytest.raises(CodecError) as caught:
            Blobs(tmp_path).root(choose(value), value)
        assert caught.value.hint
        getattr(value, "close", bool)()


def test_every_example_has_its_row():
    """No row is missing from the manual, and it says of each who can read it."""
    assert len(rows()) == len(EXAMPLES)
    assert all(readers.startswith(("everyone", "you", "nobody")) for *_, readers in rows())
    assert [row[0] for row in rows() if row[1] == "pickle"] == [row[0] for row in rows() if row[2].startswith("you")]
