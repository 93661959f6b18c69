"""Codecs of one kind of value each: whatever hypothesis draws comes back exactly."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import memo
from memo.canonical import encode
from memo.codecs import by_name, codec_for
from memo.errors import Raised
from tests.codecs import Blobs, Plain, same

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
# Arrow hands names on as texts that end with a zero.
names = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
readable = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))
numbers = hnp.arrays(
    st.sampled_from(["f8", "f4", "i2", "c16"]),
    st.tuples(st.integers(0, 5), st.integers(0, 5)),
    elements=st.integers(0, 3),
)


class Twin:
    """An object of no kind that a safe codec knows."""

    def __init__(self, content: object) -> None:
        self.content = content
        self.me = self


def back(name: str, value: object, folder: Any) -> Any:
    """Return a value as a codec brings it back, the same from bytes, from a file, and compressed."""
    blobs = Blobs(folder)
    found: Any = None
    for codec in (codec_for(value, name, "zstd"), codec_for(value, name)):
        body, file = blobs.root(codec, value)
        found = codec.decode(body, blobs.open)
        assert encode(codec.decode(file, blobs.open)) == encode(found)
    return found


@settings(max_examples=30, deadline=None)
@given(
    numbers, st.sampled_from(["bsr", "coo", "csc", "csr", "dia", "dok", "lil"]), st.sampled_from(["array", "matrix"])
)
def test_any_sparse_value(tmp_path_factory, dense, layout, kind):
    """A sparse array or matrix of any format comes back with what is stored, and how."""
    if layout == "bsr" and 0 in dense.shape:
        dense = np.zeros((1, 1), dense.dtype)
    value = getattr(sp, f"{layout}_{kind}")(dense)
    assert same(back("sparse", value, tmp_path_factory.mktemp("blobs")), value)


@settings(max_examples=30, deadline=None)
@given(texts)
def test_any_text(tmp_path_factory, value):
    """A text comes back as it was, line ends included, and stands in the blob as it is."""
    folder = tmp_path_factory.mktemp("blobs")
    assert back("text", value, folder) == value
    assert Blobs(folder).root(by_name("text/1"), value)[0].decode() == value


@settings(max_examples=30, deadline=None)
@given(readable)
def test_any_json(tmp_path_factory, value):
    """What JSON has comes back with its types and the order of keys; any reader of JSON sees the same."""
    folder = tmp_path_factory.mktemp("blobs")
    assert encode(back("json", value, folder)) == encode(value)
    assert json.loads(Blobs(folder).root(by_name("json/1"), value)[0]) == value


@settings(max_examples=30, deadline=None)
@given(readable | numbers)
def test_any_pickle(tmp_path_factory, content):
    """An object comes back with what is in it, itself included."""
    found = back("pickle", Twin([content]), tmp_path_factory.mktemp("blobs"))
    assert found.me is found
    assert same(found.content, [content])


@settings(max_examples=25, deadline=None)
@given(st.lists(readable | numbers | st.builds(Plain, readable), max_size=6), readable)
def test_any_stream(tmp_path_factory, items, last):
    """A generator's items, and what it returns, come back in their order."""

    @memo.cached(store=tmp_path_factory.mktemp("store"), codec="stream")
    def draw(items, last):
        yield from items
        return last

    def take() -> list[Any]:
        found = []
        running = draw(items, last)
        while True:
            try:
                found.append(next(running))
            except StopIteration as end:
                return [*found, end.value]

    assert same(take(), [*items, last])
    assert same(take(), [*items, last])
    assert draw.cache.stats().hits == 1


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([ValueError, KeyError, ZeroDivisionError]), st.lists(readable, max_size=3), readable)
def test_any_exception(tmp_path_factory, kind, arguments, note):
    """An exception comes back of its class, with its arguments and what was set on it."""
    error = kind(*arguments)
    error.note = note
    blobs = Blobs(tmp_path_factory.mktemp("blobs"))
    codec = by_name("raised/1")
    with pytest.raises(Raised) as caught:
        codec.decode(blobs.root(codec, Raised(error))[0], blobs.open)
    found = caught.value.error
    assert type(found) is kind
    assert same([found.args, found.note], [error.args, note])


cells: dict[Any, Any] = {
    "int8": st.none() | st.integers(-128, 127),
    "double": st.none() | st.floats(),
    "string": st.none() | texts,
    "bool": st.none() | st.booleans(),
    "moment": st.none() | st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)),
    "list": st.none() | st.lists(st.none() | st.integers(-3, 3), max_size=2),
    "struct": st.none() | st.fixed_dictionaries({"a": st.none() | st.integers(0, 9)}),
    "decimal": st.none() | st.decimals(-9, 9, places=2),
}
ARROW = {
    "moment": pa.timestamp("us", "UTC"),
    "list": pa.list_(pa.int8()),
    "struct": pa.struct([("a", pa.int8())]),
    "decimal": pa.decimal128(9, 2),
    "double": pa.float64(),
}
POLARS = {
    "int8": pl.Int8,
    "double": pl.Float64,
    "string": pl.String,
    "bool": pl.Boolean,
    "moment": pl.Datetime("ns"),
    "list": pl.List(pl.Int8),
    "struct": pl.Struct({"a": pl.Int8}),
    "decimal": pl.Decimal(9, 2),
}


@st.composite
def columns(draw: Any) -> dict[str, tuple[str, list[Any]]]:
    """Draw columns of one length: of each its name, its kind and its cells."""
    length = draw(st.integers(0, 4))
    titles = draw(st.lists(names, unique=True, min_size=1, max_size=3))
    kinds = {name: draw(st.sampled_from(list(cells))) for name in titles}
    return {name: (kind, draw(st.lists(cells[kind], min_size=length, max_size=length))) for name, kind in kinds.items()}


@settings(max_examples=30, deadline=None)
@given(columns(), st.booleans())
def test_any_value_of_polars(tmp_path_factory, drawn, alone):
    """A frame or series comes back with its names, dtypes, values and nulls."""
    value: Any = pl.DataFrame([pl.Series(name, found, dtype=POLARS[kind]) for name, (kind, found) in drawn.items()])
    if alone:
        value = value.to_series(0)
    found = back("arrow", value, tmp_path_factory.mktemp("blobs"))
    assert type(found) is type(value)
    assert found.equals(value, null_equal=True)
    assert encode(found) == encode(value)


@settings(max_examples=30, deadline=None)
@given(columns(), st.sampled_from(["table", "batch", "chunked", "array"]), st.booleans())
def test_any_value_of_pyarrow(tmp_path_factory, drawn, kind, encoded):
    """A table, batch or column comes back with its schema, metadata, values and nulls."""
    arrays = [pa.array(found, ARROW.get(cell, cell)) for cell, found in drawn.values()]
    if encoded:
        arrays[0] = pa.array([None, "a", "a"][: len(arrays[0])] * 4)[: len(arrays[0])].dictionary_encode()
    schema = pa.schema([pa.field(name, array.type) for name, array in zip(drawn, arrays, strict=True)], {b"unit": b"V"})
    value: Any = {
        "table": lambda: pa.Table.from_arrays(arrays, schema=schema),
        "batch": lambda: pa.RecordBatch.from_arrays(arrays, schema=schema),
        "chunked": lambda: pa.chunked_array([arrays[-1]]),
        "array": lambda: arrays[-1],
    }[kind]()
    found = back("arrow", value, tmp_path_factory.mktemp("blobs"))
    assert type(found) is type(value)
    assert encode(found) == encode(value)
    if kind in ("table", "batch"):
        assert found.schema.equals(value.schema, check_metadata=True)
