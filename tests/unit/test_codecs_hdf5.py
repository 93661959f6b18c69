"""The codec hdf5/1: a plain HDF5 file, as h5py sees it, and what stands before it."""

from __future__ import annotations

import io
import subprocess
import sys

import h5py
import numpy as np
import pytest
import scipy.sparse as sp

from memo.codecs import by_name
from memo.errors import CodecError
from tests import codecs as values
from tests.codecs import Blobs, joined, same


def opened(value: object) -> h5py.File:
    """Return the file that the codec stores, opened by h5py."""
    return h5py.File(io.BytesIO(joined(by_name("hdf5/1").encode(value, None)[0])), "r")


def test_arrays_are_datasets_and_containers_are_groups():
    """Another tool sees a tree of groups and datasets, and what each was in an attribute."""
    value = {
        "signal": np.arange(6.0).reshape(2, 3),
        "meta": {"rate": 250.0, "name": "é", "none": None, "flags": (True, False)},
        "parts": [np.arange(3, dtype=">i2"), "x", [1, 2]],
        "point": values.Point(1, 2.5),
        "when": np.array(["2020-01-01"], "M8[D]"),
        "names": ["a", "bcd"],
    }
    with opened(value) as file:
        result = file["result"]
        assert list(file) == ["result"]
        assert set(result) == set(value)
        assert result.attrs["python"] == b"dict"
        assert result["signal"][()].tolist() == value["signal"].tolist()
        assert result["signal"].attrs["python"] == b"numpy.ndarray"
        assert result["meta/rate"][()] == 250.0
        assert result["meta/name"].asstr()[()] == "é"
        assert result["meta/none"].shape is None
        assert result["meta/flags"][()].tolist() == [True, False]
        assert result["meta/flags"].attrs["python"] == b"tuple"
        assert result["parts/0"].dtype == np.dtype(">i2")
        assert result["parts/2"][()].tolist() == [1, 2]
        assert result["point"].attrs["python"] == b"tests.codecs.Point"
        assert result["point/y"][()] == 2.5
        assert result["when"].attrs["dtype"] == b"<M8[D]"
        assert result["names"].asstr()[()].tolist() == ["a", "bcd"]


def test_no_time_is_kept():
    """No dataset has a time of writing, which would make equal results differ."""
    value = {"a": np.arange(3.0), "b": "x", "c": None, "d": [1, 2], "e": ["x"], "f": sp.csr_array(np.eye(2)), "g": 1}
    times = []
    with opened(value) as file:
        file.visititems(lambda name, node: times.append(h5py.h5g.get_objinfo(node.id).mtime))
    assert times == [0] * 12


def test_keys_that_are_no_names_are_numbered():
    """A dict whose keys cannot be links has numbered members, the keys beside them."""
    with opened({"a/b": 1, 2: "x", (1, 2): None, ".": 3}) as file:
        result = file["result"]
        assert set(result) == {"0", "1", "2", "3"}
        assert result["0"].attrs["key"] == b"'a/b'"
        assert result["2"].attrs["key"] == b"(1, 2)"


def test_sparse_matrices_are_their_coordinates():
    """A sparse matrix is a group of indices and data."""
    with opened(sp.csr_array(np.array([[0, 2.5], [1, 0]]))) as file:
        result = file["result"]
        assert result["axis0"][()].tolist() == [0, 1]
        assert result["axis1"][()].tolist() == [1, 0]
        assert result["data"][()].tolist() == [2.5, 1]
        assert result["shape"][()].tolist() == [2, 2]


def test_the_same_array_twice_is_one_dataset(tmp_path):
    """An array that stands twice in a result takes its room once, and comes back as two."""
    axis = np.arange(1e5)
    blobs = Blobs(tmp_path)
    body, _ = blobs.root(by_name("hdf5/1"), {"a": axis, "b": [axis]})
    assert len(body) < 1.2 * axis.nbytes
    found = by_name("hdf5/1").decode(body, blobs.open)
    found["a"][:] = 0
    assert same(found["b"][0], axis)


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ({"a": [print]}, 'result["a"][0]: '),
        ([np.zeros(2, "g")], "result[0]: expected what an HDF5 file can hold, got an array of dtype float128"),
        (values.Plain(object()), "result.a: "),
    ],
)
def test_what_does_not_fit_is_named(value, part):
    """A value that HDF5 has nothing for is refused by the path to the part."""
    with pytest.raises(CodecError) as caught:
        by_name("hdf5/1").encode(value, None)
    assert part in str(caught.value)
    assert caught.value.hint
    assert not by_name("hdf5/1").takes(value)


def test_reading_needs_no_h5py(tmp_path):
    """A stored result is read without the HDF5 library: nothing in a foreign file can harm it."""
    body = joined(by_name("hdf5/1").encode({"a": np.arange(3.0)}, None)[0])
    (tmp_path / "blob").write_bytes(body)
    program = (
        "import sys; sys.modules['h5py'] = None\n"
        "from memo.codecs import by_name\n"
        f"print(by_name('hdf5/1').decode(open({str(tmp_path / 'blob')!r}, 'rb').read(), None)['a'].tolist())\n"
        "try: by_name('hdf5/1').encode(1, None)\n"
        "except ValueError as error: print(error.hint)\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout == "[0.0, 1.0, 2.0]\npip install 'cas-memo[hdf5]'\n"


def test_a_long_form_takes_a_larger_block(tmp_path):
    """What does not fit into the smallest user block makes a larger one, and the file stays one."""
    value = {f"key {number}": [None, number, "x" * 50] for number in range(500)}
    with opened(value) as file:
        assert file.userblock_size > 512
        assert len(file["result"]) == 500
    blobs = Blobs(tmp_path)
    assert same(by_name("hdf5/1").decode(blobs.root(by_name("hdf5/1"), value)[0], blobs.open), value)
