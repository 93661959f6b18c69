"""What numpy and pandas leave out of their pickles comes back, by whichever codec takes the value."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse as sp

from memo.canonical import encode
from memo.codecs import by_name, choose, validate_for_matfile
from memo.codecs.summary import summarize
from memo.errors import CodecError, Raised
from tests.codecs import Blobs, same


class Quantity(np.ndarray):
    """An array with a unit, as numpy's manual has it: its pickle forgets the unit."""

    def __array_finalize__(self, obj):
        self.unit = getattr(obj, "unit", None)


class Careful(Quantity):
    """An array that sees to its unit itself."""

    def __reduce__(self):
        return quantity, (np.asarray(self), self.unit, Careful)


class Keeper:
    """A container that no safe codec takes."""

    def __init__(self, content):
        self.content = content

    def __reduce__(self):
        return Keeper, (self.content,)


def quantity(content, unit="V", kind=Quantity):
    """Return an array with a unit."""
    value = np.array(content).view(kind)
    value.unit = unit
    return value


def tagged(value, **attributes):
    """Return an object with attributes set on it, past pandas' own `__setattr__`."""
    for name, content in attributes.items():
        object.__setattr__(value, name, content)
    return value


def again(value, codec=None, blobs=None):
    """Return a value as it comes back from its codec."""
    codec = codec or choose(value)
    body, _ = blobs.root(codec, value)
    return codec.decode(body, blobs.open)


TAGGED = {
    "frame": lambda: tagged(pd.DataFrame({"a": [1.0], "b": ["x"]}), name="run 1", unit="V"),
    "series": lambda: tagged(pd.Series([1, 2], name="s"), unit={"a": [1]}),
    "pickled frame": lambda: tagged(pd.DataFrame({"a": [1, "x"]}), unit="V"),
    "frame of objects": lambda: tagged(pd.DataFrame({"a": [1]}), unit=Keeper(1)),
    "masked": lambda: tagged(np.ma.array([1.0, 2.0], mask=[0, 1]), unit="V"),
    "sparse": lambda: tagged(sp.csr_array(np.eye(2)), unit="V"),
    "subclass": lambda: quantity([1.0, 2.0]),
    "careful subclass": lambda: quantity([1.0, 2.0], kind=Careful),
}


@pytest.mark.parametrize("make", TAGGED.values(), ids=TAGGED)
@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: [value], Keeper], ids=["alone", "listed", "kept"])
def test_attributes_come_back(make, wrap, tmp_path):
    """What was set on a result is there on a hit as well, alone and inside of a container."""
    value = make()
    found = again(wrap(value), blobs=Blobs(tmp_path))
    if type(found) in (list, Keeper):
        found = found[0] if type(found) is list else found.content
    assert type(found) is type(value)
    for name in ("name", "unit"):
        seen, expected = (vars(one).get(name) for one in (found, value))
        assert type(seen) is type(expected)
        assert seen == expected or seen.content == expected.content
    assert (found != value).sum() == 0 if sp.issparse(value) else np.array_equal(np.asarray(found), np.asarray(value))


EXACT = {
    "swapped": np.arange(6, dtype=">i2")[::-2],
    "swapped times": np.array([1, 2], ">M8[s]"),
    "swapped floats": np.array([[1.5, np.nan]], ">f4"),
    "turned": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "hard": np.ma.array([1.5, 2.5], mask=[0, 1], hard_mask=True, fill_value=7.0),
    "no mask": np.ma.array([1, 2]),
    "bytes": np.bytes_(b"a\0"),
}


@pytest.mark.parametrize("name", EXACT)
def test_arrays_inside_a_pickle_come_back_exactly(name, tmp_path):
    """Byte order, order, masks and trailing zeros are the same in a container that is pickled."""
    found = again(Keeper([EXACT[name], EXACT[name]]), by_name("pickle/1"), Blobs(tmp_path)).content
    assert same(found[0], EXACT[name])
    assert found[0] is found[1]


def test_masked_matrix_comes_back(tmp_path):
    """A masked array over a matrix shows a matrix again, and keeps its mask hard."""
    value = np.ma.array(np.ones((1, 2)).view(np.matrix), mask=[[0, 1]], hard_mask=True)
    found = again(value, blobs=Blobs(tmp_path))
    assert type(found.data) is np.matrix
    assert found.hardmask
    assert found.mask.tolist() == [[False, True]]


def test_result_of_shared_parts_keeps_them(tmp_path):
    """A result whose parts are shared again and again goes to the codec that keeps sharing, and is not lost."""
    value = [1.5, []]
    for _ in range(60):
        value = [value, value]
    found = again(value, blobs=Blobs(tmp_path))
    for _ in range(60):
        assert found[0] is found[1]
        found = found[0]
    assert found == [1.5, []]


def test_attributes_that_are_pandas_own_are_refused(tmp_path, monkeypatch):
    """A file that would set what pandas keeps on a frame is refused."""
    blobs, codec = Blobs(tmp_path), by_name("arrow/1")
    monkeypatch.setattr("memo.codecs.frames.further", lambda value, known: {"_mgr": 5})
    body, _ = blobs.root(codec, pd.DataFrame({"a": [1]}))
    with pytest.raises(CodecError, match="pandas' own"):
        codec.decode(body, blobs.open)


NO_ROWS = {
    "frame": lambda: pd.DataFrame({"c": pd.Categorical(["a", "b"], categories=["b", "a"]), "x": [1.0, 2.0]})[:0],
    "index": lambda: pd.DataFrame({"x": [1]}, index=pd.CategoricalIndex(["a"], categories=["b", "a"]))[:0],
    "table": lambda: pa.table({"d": pa.array(["a", "b"]).dictionary_encode()})[:0],
    "batch": lambda: pa.record_batch({"d": pa.array(["a", "b"]).dictionary_encode()})[:0],
    "nested": lambda: pa.table({"l": pa.array([[1, 2]], pa.list_(pa.int8()))})[:0],
}


@pytest.mark.parametrize("make", NO_ROWS.values(), ids=NO_ROWS)
def test_tables_of_no_rows_keep_their_categories(make, tmp_path):
    """A table without a row has its categories still, in their order."""
    value = make()
    assert choose(value).name == "arrow/1"
    assert encode(again(value, blobs=Blobs(tmp_path))) == encode(value)


def test_name_that_pandas_does_not_take_is_refused(tmp_path):
    """A series whose name is a list, as a column of such a label has it, is no matter for Arrow."""
    value = pd.DataFrame([[1]], columns=pd.Index([[1, 2]])).iloc[:, 0]
    assert again(value, blobs=Blobs(tmp_path)).name == value.name == [1, 2]


def test_summaries_are_text_that_a_store_takes():
    """Half of a character is spelled out, in a value as in an exception's message."""
    assert summarize({"\ud800": 1}) == "{\\ud800: 1}"
    _, summary = by_name("raised/1").encode(Raised(ValueError("\udfff")), lambda _: b"")
    assert summary == "raised ValueError: \\udfff"


def test_shape_beyond_matlab_is_refused():
    """A dimension that a MAT-file cannot count is refused by name, and not by a struct.error."""
    with pytest.raises(CodecError, match="result"):
        validate_for_matfile(np.empty((1 << 40, 0)))
