"""Stored trees for other tools: arrays found, written as files and as nested lists."""

from __future__ import annotations

import io

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cas
from cas.tree import Array, nested, read_tree, tree_json

STORED = msgpack.ExtType(84, b"")
CHILD = msgpack.ExtType(85, b"")


def stored(array: np.ndarray) -> list[object]:
    """Return an array as it stands inside a tree."""
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    return [STORED, array.dtype.str, list(array.shape), fortran, array.tobytes("A")]


def no_blob(digest: bytes) -> cas.BlobFile:
    """Refuse to open a blob."""
    raise cas.NotFoundError("no blob")


shapes = st.lists(st.integers(0, 4), max_size=4)
dtypes = st.sampled_from(["<f8", ">f4", "<i2", "|u1", "|b1", ">i8", "<f2"])


@given(shapes, dtypes, st.booleans())
def test_arrays_come_out_as_they_went_in(shape, dtype, fortran):
    """As .npy and as nested lists, an array of any shape, order and dtype keeps its values."""
    numbers = np.arange(np.prod(shape, dtype=int)) % 2
    array = np.asarray(numbers.reshape(shape).astype(dtype), order="F" if fortran else "C")
    read = read_tree(msgpack.packb(stored(array)))
    loaded = np.load(io.BytesIO(read.npy()))
    assert (loaded.dtype, loaded.shape) == (array.dtype, array.shape)
    assert np.array_equal(loaded, array)
    assert nested(read, no_blob) == array.tolist()


def test_blob_of_its_own_is_read(tmp_path):
    """An array in a blob is read from its .npy file, memory order included."""
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    np.save(tmp_path / "blob", array)
    read = read_tree(msgpack.packb({"x": [CHILD, b"d" * 32, "<f8", [2, 3]]}))["x"]
    blobs = {read.digest: tmp_path / "blob.npy"}
    assert nested(read, lambda digest: blobs[digest].open("rb")) == array.tolist()


def test_containers_keep_their_shape():
    """Lists, tuples, dicts with any keys, and values without JSON of their own are written."""
    value = [(1, 2), {"a": {3: b"\1"}}, float("inf"), Array("<f8", (2,))]
    assert tree_json(value, lambda array: list(array.shape)) == [[1, 2], {"a": [[3, "01"]]}, "inf", [2]]


@pytest.mark.parametrize(
    "tree",
    [
        b"",
        b"\xc1",
        msgpack.packb([STORED, "<f8", [1]]),
        msgpack.packb([STORED, 8, [1], False, b"\0" * 8]),
        msgpack.packb([STORED, "<f8", ["1"], False, b"\0" * 8]),
        msgpack.packb([STORED, "<f8", [-1], False, b"\0" * 8]),
        msgpack.packb([STORED, "<f8", [0] * 65, False, b""]),
        msgpack.packb([CHILD, "digest", "<f8", [1]]),
    ],
)
def test_damaged_trees_are_told(tree):
    """Bytes that are no tree, or arrays that are none, are damage."""
    with pytest.raises(cas.IntegrityError):
        read_tree(tree)


def test_contents_that_do_not_fit_are_told():
    """An array whose bytes do not make its shape is never written as if they did."""
    for array in (Array("<f8", (2,), content=b"\0" * 9), Array("<f8", (3,), content=b"\0" * 8)):
        with pytest.raises((cas.IntegrityError, cas.InvalidInputError)):
            nested(array, no_blob)
    with pytest.raises(cas.InvalidInputError) as refused:
        nested(Array("|V3", (1,), content=b"\0" * 3), no_blob)
    assert "folder" in refused.value.hint
