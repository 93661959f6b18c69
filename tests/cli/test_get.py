"""`cas get`: results as plain files that any tool opens."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import msgpack
import numpy as np
import pytest

from tests.cli.conftest import LOAD, deposit, npy, tagged
from tests.deposits import flip, overwrite


def names(folder: Path) -> list[str]:
    """Return what stands in a folder, leftovers included."""
    return sorted(os.listdir(folder))


def test_array_as_a_file(run, tapers, tmp_path):
    """An array is written as the .npy file that it is stored as."""
    out = tmp_path / "here" / "out.npy"
    out.parent.mkdir()
    outcome = run("get", tapers[5], "-o", str(out))
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert np.array_equal(np.load(out), np.arange(5.0))
    assert names(out.parent) == ["out.npy"]


def test_large_array_is_copied(run, store, tmp_path):
    """An array that stands in a blob of its own comes out as a writable copy; the blob stays."""
    key = deposit(store, LOAD, ["x", [], {}], "npy/1", npy(*range(5000)))
    assert run("get", key, "-o", str(tmp_path / "out.npy")).code == 0
    array = np.load(tmp_path / "out.npy", mmap_mode="r+")
    array[0] = 7.0
    array.flush()
    assert run("get", key, "-o", str(tmp_path / "again.npy")).code == 0
    assert np.array_equal(np.load(tmp_path / "again.npy"), np.arange(5000.0))


def test_array_on_stdout(run, tapers):
    """Without -o, a pipe gets the bytes of the array."""
    from click.testing import CliRunner

    from cas.cli import main

    location = run("stats", "--json").json()["location"]
    result = CliRunner().invoke(main, ["get", tapers[4], "--store", location])
    assert np.array_equal(np.load(io.BytesIO(result.stdout_bytes)), np.arange(4.0))


def test_tree_as_a_folder(run, loaded, tmp_path):
    """A tree becomes a folder: tree.json, and a file for each array, shared ones once."""
    out = tmp_path / "here" / "out"
    out.parent.mkdir()
    assert run("get", loaded, "-o", str(out)).code == 0
    assert names(out) == ["0.npy", "1.npy", "tree.json"]
    assert names(out.parent) == ["out"]
    tree = json.loads((out / "tree.json").read_text())
    assert tree["name"] == "eeg"
    assert tree["sizes"] == [1, 2.5, None, "nan", "01"]
    assert tree["time"] == tree["again"] == {"npy": "0.npy", "dtype": "<f8", "shape": [3000]}
    assert np.array_equal(np.load(out / "0.npy"), np.arange(3000.0))
    gain = np.load(out / "1.npy")
    assert gain.dtype == np.dtype("<i2")
    assert gain.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_tree_as_json(run, loaded, tmp_path):
    """A path that ends in .json gets everything in one file, arrays as nested lists."""
    out = tmp_path / "out.json"
    assert run("get", loaded, "-o", str(out)).code == 0
    tree = json.loads(out.read_text())
    assert tree["gain"] == [[0, 1, 2], [3, 4, 5]]
    assert tree["time"] == tree["again"] == list(range(3000))


def test_plain_values_on_stdout(run, store):
    """Without -o, a value without large arrays is printed as JSON."""
    value = [1, "µ", {"a": tagged(84, "<f4", [2], False, np.float32([0.5, np.inf]).tobytes())}]
    key = deposit(store, LOAD, ["y", [], {}], "tree/1", msgpack.packb(value))
    assert run("get", key).json() == [1, "µ", {"a": [0.5, "inf"]}]
    number = deposit(store, LOAD, ["z", [], {}], "tree/1", msgpack.packb(42))
    assert run("get", number).out == "42\n"


def test_large_arrays_are_not_printed(run, loaded):
    """A value with a large array is not printed; the hint names -o."""
    outcome = run("get", loaded)
    assert (outcome.code, outcome.out) == (2, "")
    assert "3,000 elements" in outcome.err
    assert "hint: write it with -o" in outcome.err


def test_tree_that_is_one_array(run, store, tmp_path):
    """A tree whose value is one array can be written as .npy; another cannot, and the hint says what can."""
    array = tagged(84, "<u1", [3], False, b"\1\2\3")
    key = deposit(store, LOAD, ["one", [], {}], "tree/1", msgpack.packb(array))
    assert run("get", key, "-o", str(tmp_path / "one.npy")).code == 0
    assert np.load(tmp_path / "one.npy").tolist() == [1, 2, 3]
    two = deposit(store, LOAD, ["two", [], {}], "tree/1", msgpack.packb([array, array]))
    outcome = run("get", two, "-o", str(tmp_path / "two.npy"))
    assert outcome.code == 2
    assert "hint: end PATH in .json, or name a folder" in outcome.err
    assert not (tmp_path / "two.npy").exists()


@pytest.mark.parametrize("target", ["out.json", "out.npy", "out"])
def test_nothing_is_overwritten(run, tapers, loaded, tmp_path, target):
    """What stands at the path stays, unless --force is given."""
    key = tapers[3] if target == "out.npy" else loaded
    out = tmp_path / "x" / target
    out.parent.mkdir()
    if target == "out":
        out.mkdir()
        (out / "notes.txt").write_text("mine")
    else:
        out.write_text("mine")
    outcome = run("get", key, "-o", str(out))
    assert outcome.code == 4
    assert "--force" in outcome.err
    assert names(out) == ["notes.txt"] if out.is_dir() else out.read_text() == "mine"
    assert run("get", key, "-o", str(out), "--force").code == 0
    if out.is_dir():
        assert names(out) == ["0.npy", "1.npy", "notes.txt", "tree.json"]
    else:
        assert out.read_bytes() != b"mine"
    assert names(out.parent) == [target]


def test_pickle_is_refused(run, store, tmp_path):
    """A pickle is not loaded: the hint says how to, and --raw writes its bytes."""
    bomb = b"cposix\nsystem\n(S'echo boom'\ntR."
    key = deposit(store, LOAD, ["p", [], {}], "pickle/1", bomb)
    outcome = run("get", key, "-o", str(tmp_path / "out.bin"))
    assert (outcome.code, outcome.out) == (2, "")
    assert "pickle/1" in outcome.err
    assert "--raw" in outcome.err
    assert "recording.load" in outcome.err
    assert not (tmp_path / "out.bin").exists()
    assert run("get", key, "--raw", "-o", str(tmp_path / "out.bin")).code == 0
    assert (tmp_path / "out.bin").read_bytes() == bomb


def test_unwritable_path_is_a_disk_error(run, tapers, tmp_path):
    """A path whose folder is not there ends with the disk's code, and a folder in a file's place with bad input."""
    missing = run("get", tapers[3], "-o", str(tmp_path / "no" / "out.npy"))
    assert missing.code == 6
    assert "No such file" in missing.err
    folder = tmp_path / "folder"
    folder.mkdir()
    assert run("get", tapers[3], "-o", str(folder), "--force").code == 2
    assert names(folder) == []


def test_damaged_result_is_not_written(run, store, loaded, tmp_path):
    """A result whose blob is damaged ends with the code of damage, and nothing is written."""
    (blob,) = store.blobs()
    overwrite(blob.path, flip)
    outcome = run("get", loaded, "-o", str(tmp_path / "out"))
    assert outcome.code == 7
    assert outcome.err.startswith("error: ")
    assert names(tmp_path) == ["store"]


def test_tree_of_damaged_form(run, store, tmp_path):
    """Bytes that are no tree end with the code of damage, and no traceback."""
    key = deposit(store, LOAD, ["q", [], {}], "tree/1", b"\xc1")
    outcome = run("get", key)
    assert (outcome.code, outcome.out) == (7, "")


def stored(store, value: object, asked: str = "auto", compress: str | None = None) -> str:
    """Store a value as `memo` would, and return its call key."""
    import blake3

    import cas
    from memo.codecs import codec_for

    codec = codec_for(value, asked, compress)
    signature = msgpack.packb([asked, compress])
    key = blake3.blake3(signature + type(value).__name__.encode()).digest()
    with store.deposit(cas.Call(key, LOAD, signature), 0.0) as writing:
        parts, summary = codec.encode(value, writing.write)
        writing.commit(cas.Result(codec.name, parts, summary))
    return key.hex()


@pytest.mark.parametrize("compress", [None, "zstd"])
def test_files_of_other_kinds_come_out_as_they_are(run, store, tmp_path, compress):
    """What is stored as a .mat, HDF5, Feather, text or JSON file comes out as that file, compressed or not."""
    import h5py
    import pandas as pd
    import scipy.io

    frame = pd.DataFrame({"a": [1, 2], "s": ["x", None]})
    for asked, value in (("mat", {"a": 1.5}), ("hdf5", {"a": 1.5}), ("arrow", frame), ("text", "héllo"), ("json", [1])):
        key = stored(store, value, asked, compress)
        assert run("get", key, "-o", str(tmp_path / asked)).code == 0
    assert scipy.io.loadmat(tmp_path / "mat")["result"]["a"].item().item() == 1.5
    with h5py.File(tmp_path / "hdf5") as file:
        assert file["result/a"][()] == 1.5
    assert pd.read_feather(tmp_path / "arrow")["a"].tolist() == [1, 2]
    assert (tmp_path / "text").read_text() == "héllo"
    assert json.loads((tmp_path / "json").read_text()) == [1]


@pytest.mark.parametrize("compress", [None, "zstd"])
def test_tree_of_many_kinds_as_a_folder_and_as_json(run, store, tmp_path, compress):
    """A tree with frames, sparse matrices, masked arrays and instances is shown without any of their libraries."""
    import pandas as pd
    import scipy.sparse

    from tests import codecs

    value = {
        "frame": pd.DataFrame({"a": np.arange(3000)}),
        "sparse": scipy.sparse.csr_array(np.eye(3)),
        "masked": np.ma.array([1.0, 2.0], mask=[0, 1]),
        "trial": codecs.Plain(np.arange(3000.0), codecs.Color.RED),
        "objects": np.array([1, None], object),
        "generator": np.random.default_rng(1),
        "matrix": np.array([[1.0]]).view(np.matrix),
        "aligned": np.zeros(2, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
        "text": np.array(["a"], np.dtypes.StringDType()),
    }
    key = stored(store, value, "tree", compress)
    assert run("get", key, "-o", str(tmp_path / "out")).code == 0
    shown = json.loads((tmp_path / "out" / "tree.json").read_text())
    assert shown["frame"]["codec"] == "arrow/1"
    assert shown["frame"]["summary"] == "DataFrame 3000x1: a"
    assert len(pd.read_feather(tmp_path / "out" / shown["frame"]["file"])) == 3000
    assert shown["sparse"]["text"] == "csr_array[3, 3]"
    assert np.load(tmp_path / "out" / shown["sparse"]["details"]["data"]["npy"]).tolist() == [1.0, 1.0, 1.0]
    assert np.load(tmp_path / "out" / shown["trial"]["details"]["a"]["npy"]).shape == (3000,)
    assert shown["trial"]["details"]["b"]["text"] == "Color.RED"
    assert shown["objects"]["details"] == [1, None]
    assert shown["masked"]["text"] == "masked float64[2]"
    assert shown["text"]["text"] == "str[1]"
    value = {name: value[name] for name in ("frame", "sparse", "masked", "objects")}
    printed = run("get", stored(store, [value], "tree", compress)).json()[0]
    assert printed["frame"] == {"codec": "arrow/1", "summary": "DataFrame 3000x1: a"}
    assert printed["masked"]["details"]["data"] == [1.0, 2.0]
    assert run("ls", "recording.load").code == 0


def test_compressed_array_as_a_file(run, store, tmp_path):
    """A compressed array comes out as the .npy file that was compressed; --raw writes the frame."""
    key = stored(store, np.zeros(5000), "npy", "zstd")
    assert run("get", key, "-o", str(tmp_path / "out.npy")).code == 0
    assert np.load(tmp_path / "out.npy").tolist() == [0.0] * 5000
    assert run("get", key, "--raw", "-o", str(tmp_path / "frame")).code == 0
    assert (tmp_path / "frame").read_bytes()[:4] == b"\x28\xb5\x2f\xfd"


def test_result_of_a_codec_of_ones_own_is_bytes_only(run, store, tmp_path, monkeypatch):
    """What only the user's own codec reads is refused but for --raw."""
    import cas

    with store.deposit(cas.Call(b"k" * 32, LOAD, b"\x90"), 0.0) as writing:
        writing.commit(cas.Result("celsius/1", (b"1.5",), "1.5 °C"))
    outcome = run("get", (b"k" * 32).hex(), "-o", str(tmp_path / "out"))
    assert outcome.code != 0
    assert "celsius/1" in outcome.err
    assert run("get", (b"k" * 32).hex(), "--raw", "-o", str(tmp_path / "out")).code == 0
    assert (tmp_path / "out").read_bytes() == b"1.5"
