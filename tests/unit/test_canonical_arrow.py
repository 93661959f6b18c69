"""The canonical form of pyarrow's values: types and values count, chunks and offsets do not."""

from __future__ import annotations

import datetime as dt
import decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cas import form
from memo.canonical import encode
from memo.errors import UnstableArgument

ARRAYS = {
    "int": pa.array([1, None, 3]),
    "narrow": pa.array([1, None, 3], pa.int8()),
    "float": pa.array([1.0, 2.0, None]),
    "half": pa.array(np.array([1, 2, 3], np.float16)),
    "bool": pa.array([True, None, False]),
    "text": pa.array(["a", None, "ccc"]),
    "large_text": pa.array(["a", None, "ccc"], pa.large_string()),
    "text_view": pa.array(["a", None, "ccc"], pa.string_view()),
    "bytes": pa.array([b"a", None, b"ccc"]),
    "fixed": pa.array([b"ab", None, b"cc"], pa.binary(2)),
    "list": pa.array([["a"], None, ["b", "c"]]),
    "large_list": pa.array([["a"], None, ["b", "c"]], pa.large_list(pa.string())),
    "list_view": pa.array([[1], None, [2, 3]], pa.list_view(pa.int8())),
    "fixed_list": pa.array([[1, 2], None, [2, 3]], pa.list_(pa.int8(), 2)),
    "map": pa.array([[("a", 1)], None, [("b", 2), ("c", 3)]], pa.map_(pa.string(), pa.int8())),
    "struct": pa.array([{"a": 1}, None, {"a": 3}]),
    "empty_struct": pa.array([{}, {}, None], pa.struct([])),
    "dictionary": pa.array(["a", None, "b"]).dictionary_encode(),
    "null": pa.nulls(3),
    "decimal": pa.array([decimal.Decimal("1.5"), None, decimal.Decimal("2.5")]),
    "moment": pa.array([dt.datetime(2020, 1, 1)] * 3, pa.timestamp("us")),
    "utc": pa.array([dt.datetime(2020, 1, 1)] * 3, pa.timestamp("us", "UTC")),
    "interval": pa.array([None, (1, 2, 3), (1, 2, 4)], pa.month_day_nano_interval()),
    "nested": pa.array([[{"a": [1, None]}], None, [{"a": None}, {"a": [3]}]]),
    "extension": pa.array([b"0" * 16, None, b"1" * 16], pa.binary(16)).cast(pa.uuid()),
    "runs": pc.run_end_encode(pa.array([1, 1, 2])),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_chunks_and_offsets_do_not_count(name):
    """A part of a longer array, and an array in any chunks, have the form of the values in them."""
    array = ARRAYS[name]
    whole = encode(array)
    if name != "runs":  # a slice of runs is refused by pyarrow's own comparisons, too
        assert encode(pa.concat_arrays([array, array, array]).slice(3, 3)) == whole
    chunks = [array.slice(0, 1), array.slice(1, 0), array.slice(1, 2)]
    assert encode(pa.chunked_array(chunks, array.type)) == encode(pa.chunked_array([array]))
    assert encode(pa.table({"x": pa.chunked_array(chunks, array.type)})) == encode(pa.table({"x": array}))
    assert encode(array.slice(0, 2)) != whole


def test_types_and_values_count():
    """No two arrays, scalars, types, fields, schemas, batches or tables share a form."""
    seen: dict[bytes, object] = {}
    for name, array in ARRAYS.items():
        table = pa.table({"x": array})
        values = [array, pa.chunked_array([array]), array.type, pa.field("x", array.type), table.schema, table]
        values += [table.to_batches()[0], *([] if name == "runs" else [array[2]])]
        for value in values:
            found = encode(value)
            assert found not in seen, (name, type(value), seen[found])
            seen[found] = name, type(value)
            form.unpack(found)
    table = pa.table({"x": ARRAYS["int"], "y": ARRAYS["text"]})
    noted = table.replace_schema_metadata({"a": "b"})
    required = table.cast(pa.schema([pa.field("x", pa.int64(), nullable=True), pa.field("y", pa.large_string())]))
    others = [table, table.select(["y", "x"]), table.rename_columns(["x", "z"]), table.slice(1), noted, required]
    others += [table.replace_schema_metadata({"a": "c"}), pa.table({"x": [1, 2, 3]}), pa.table({"x": [1, 2, 4]})]
    assert len({encode(value) for value in others}) == len(others)


def test_what_lies_under_a_null_does_not_count():
    """The bytes of a null, in numbers and in texts, are no part of an array."""
    bits = pa.py_buffer(b"\x05")  # the second of three is null
    numbers = [
        pa.Array.from_buffers(pa.int8(), 3, [bits, pa.py_buffer(bytes(values))]) for values in ([1, 2, 3], [1, 9, 3])
    ]
    assert encode(numbers[0]) == encode(numbers[1])
    offsets = [pa.py_buffer(np.array(ends, "i4")) for ends in ([0, 1, 1, 2], [0, 1, 4, 5])]
    texts = [
        pa.Array.from_buffers(pa.string(), 3, [bits, ends, pa.py_buffer(data)])
        for ends, data in zip(offsets, (b"ac", b"abbbc"), strict=True)
    ]
    assert texts[0].equals(texts[1])
    assert encode(texts[0]) == encode(texts[1]) == encode(pa.array(["a", None, "c"]))


def test_dictionary_counts():
    """The texts that a dictionary array chooses from count with their order, over all chunks."""
    indices = pa.array([0, 1, 0], pa.int8())
    one = pa.DictionaryArray.from_arrays(indices, ["a", "b"])
    other = pa.DictionaryArray.from_arrays(pa.array([1, 0, 1], pa.int8()), ["b", "a"])
    unused = pa.DictionaryArray.from_arrays(indices, ["a", "b", "c"])
    assert len({encode(value) for value in (one, other, unused)}) == 3
    assert encode(unused.slice(0, 0)) != encode(one.slice(0, 0))


values = st.recursive(
    st.none() | st.integers(-2, 2),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_forms_are_equal_exactly_where_arrays_are(data):
    """Two arrays, in whatever chunks, share bytes if and only if type and values are equal."""
    kind = data.draw(st.sampled_from([pa.int8(), pa.string(), pa.list_(pa.int8()), pa.struct([("a", pa.int8())])]))
    cells = {
        pa.int8(): st.none() | st.integers(-1, 1),
        pa.string(): st.sampled_from([None, "", "a", "aa"]),
        pa.list_(pa.int8()): st.none() | st.lists(st.none() | st.integers(0, 1), max_size=2),
        pa.struct([("a", pa.int8())]): st.none() | st.fixed_dictionaries({"a": st.none() | st.integers(0, 1)}),
    }[kind]

    def draw():
        chunks = data.draw(st.lists(st.lists(cells, max_size=3), max_size=3))
        return pa.chunked_array([pa.array(chunk, kind) for chunk in chunks], kind)

    one, other = draw(), draw()
    assert (encode(one) == encode(other)) == (one.to_pylist() == other.to_pylist())


def test_what_points_outside_is_refused(tmp_path):
    """A dataset stands for files, and a union has no plain values: both are refused with a way out."""
    union = pa.UnionArray.from_dense(pa.array([0], pa.int8()), pa.array([0], pa.int32()), [pa.array([1])])
    for value in (ds.dataset(tmp_path), union):
        with pytest.raises(UnstableArgument) as caught:
            encode(value)
        assert caught.value.hint


def test_a_table_is_shown_by_its_shape():
    """A person sees rows and columns of a table."""
    shown = form.unpack(encode(pa.table({"a": [1, 2], "b": [3, 4], "c": [5, 6]})))
    assert shown.text.partition("~")[0] == "Table[2 x 3]"
