"""The canonical form of polars' values: names, dtypes and values count, chunks do not."""

from __future__ import annotations

import datetime as dt
import decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cas import form
from memo.canonical import encode
from memo.errors import UnstableArgument

COLUMNS = {
    "int": pl.Series("x", [1, None, 3]),
    "narrow": pl.Series("x", [1, None, 3], dtype=pl.Int8),
    "wide": pl.Series("x", [1, None, 3], dtype=pl.Int128),
    "float": pl.Series("x", [1.0, None, float("nan")]),
    "bool": pl.Series("x", [True, None, False]),
    "text": pl.Series("x", ["a", None, "cc"]),
    "text_shifted": pl.Series("x", ["ac", None, "c"]),
    "text_empty": pl.Series("x", ["a", "", "cc"]),
    "bytes": pl.Series("x", [b"a", None, b"cc"]),
    "date": pl.Series("x", [dt.date(2020, 1, 1), None, dt.date(2021, 1, 1)]),
    "time": pl.Series("x", [dt.time(1), None, dt.time(2)]),
    "moment": pl.Series("x", [dt.datetime(2020, 1, 1)] * 3),
    "moment_ns": pl.Series("x", [dt.datetime(2020, 1, 1)] * 3).cast(pl.Datetime("ns")),
    "utc": pl.Series("x", [dt.datetime(2020, 1, 1)] * 3).dt.replace_time_zone("UTC"),
    "decimal": pl.Series("x", [decimal.Decimal("1.50"), None, decimal.Decimal("2.25")]),
    "category": pl.Series("x", ["a", None, "b"], dtype=pl.Categorical),
    "enum": pl.Series("x", ["a", None, "b"], dtype=pl.Enum(["a", "b"])),
    "enum_other_order": pl.Series("x", ["a", None, "b"], dtype=pl.Enum(["b", "a"])),
    "list": pl.Series("x", [[1], None, []]),
    "list_shifted": pl.Series("x", [[1], [], None]),
    "list_text": pl.Series("x", [["a"], None, ["b", "c"]]),
    "array": pl.Series("x", [[1, 2], None, [3, 4]], dtype=pl.Array(pl.Int64, 2)),
    "matrix": pl.Series("x", [[[1], [2]], None, [[3], [4]]], dtype=pl.Array(pl.Int64, (2, 1))),
    "struct": pl.Series("x", [{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}]),
    "null": pl.Series("x", [None, None, None]),
    "nested": pl.Series("x", [[{"a": [1]}], None, [{"a": None}, {"a": [2, 3]}]]),
}


def test_names_dtypes_and_values_count():
    """No two series, frames or dtypes share a form; a name and an order of columns count."""
    seen: dict[bytes, object] = {}
    for name, column in COLUMNS.items():
        values = [column, column.to_frame(), column.alias("y"), column.to_frame("y"), column.head(2)]
        for place, value in enumerate(values):
            found = encode(value)
            assert found not in seen, (name, place, seen[found])
            seen[found] = name, place
            assert form.show(form.unpack(found)).startswith(type(value).__name__)
    assert len({encode(column.dtype) for column in COLUMNS.values()}) == len(COLUMNS) - 3
    frame = pl.DataFrame({"a": [1], "b": [2]})
    assert encode(frame) != encode(frame.select("b", "a"))
    assert encode(pl.DataFrame(height=1)) != encode(pl.DataFrame(height=2))
    mixed = pl.Series("x", [1, "a", (2,)], dtype=pl.Object)
    assert encode(mixed) != encode(pl.Series("x", [1, "a", (3,)], dtype=pl.Object))


@pytest.mark.parametrize("name", COLUMNS)
def test_chunks_do_not_count(name):
    """A column in several chunks, or cut from a longer one, has the form of the values in it."""
    column = COLUMNS[name]
    whole = encode(column)
    assert encode(pl.concat([column.slice(0, 1), column.slice(1)], rechunk=False)) == whole
    assert encode(pl.concat([column, column]).slice(3, 3)) == whole
    assert encode(column.to_frame()) == encode(pl.concat([column.slice(0, 2).to_frame(), column.slice(2).to_frame()]))
    assert column.n_chunks() == 1


def test_how_a_categorical_numbers_its_texts_does_not_count():
    """Two categoricals that met their texts in another order have one form."""
    one = pl.Series("x", ["a", "b"], dtype=pl.Categorical)
    other = pl.Series("x", ["zz", "b", "a"], dtype=pl.Categorical)[[2, 1]]
    assert encode(one) == encode(other)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_forms_are_equal_exactly_where_series_are(data):
    """Two series share bytes if and only if dtype and values are equal."""
    cells = {
        pl.Int8: st.none() | st.integers(-1, 1),
        pl.String: st.sampled_from([None, "", "a", "aa"]),
        pl.List(pl.Int8): st.none() | st.lists(st.none() | st.integers(0, 1), max_size=2),
        pl.Struct({"a": pl.Int8}): st.none() | st.fixed_dictionaries({"a": st.none() | st.integers(0, 1)}),
    }
    dtype = data.draw(st.sampled_from(list(cells)))
    one, other = (data.draw(st.lists(cells[dtype], max_size=3)) for _ in range(2))
    forms = [encode(pl.Series("x", values, dtype=dtype)) for values in (one, other)]
    assert (forms[0] == forms[1]) == (one == other)


def test_plans_are_refused():
    """A LazyFrame and an expression hold no values: refused, with the way to get some."""
    for value in (pl.LazyFrame({"a": [1]}), pl.col("a")):
        with pytest.raises(UnstableArgument) as caught:
            encode(value)
        assert ".collect()" in caught.value.hint
