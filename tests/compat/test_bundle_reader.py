"""A bundle as somebody finds it in ten years: with its README.txt, Python's json, and numpy, and nothing of ours."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import msgpack
import numpy as np
import pytest
from blake3 import blake3

import memo
from cas import bundle
from cas.listing import decode
from memo.codecs import by_name
from tests.cli.test_process import piped

BUNDLE_1 = Path(__file__).parents[1] / "data" / "bundle_1"

FOREIGN = """
import sys
class Gone:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("cas", "memo", "msgpack", "blake3"):
            raise ImportError(name)
sys.meta_path.insert(0, Gone())
"""


@pytest.fixture
def found(tmp_path, store) -> Path:
    """Export results of several kinds, and return the folder."""

    @memo.cached(store=store)
    def result(kind, rate=250.0):
        return {
            "array": np.arange(6.0).reshape(2, 3) * rate,
            "large": np.arange(20_000, dtype=np.int32),
            "number": 0.1,
            "tree": {"name": "µ", "pair": (1, None), "small": np.arange(3.0), "large": np.arange(20_000.0)},
        }[kind]

    @memo.cached(store=store, codec="text")
    def note(about):
        return f"about {about}"

    for kind in ("number", "tree", "array", "large"):
        result(kind)
    note("a/b: 'c' " + "long " * 80)
    folder = tmp_path / "bundle"
    assert piped("export", str(folder), "--store", store.location).returncode == 0
    return folder


def entries(folder: Path) -> dict[str, dict]:
    """Return what stands in the JSON of every entry, by the first argument."""
    read = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("v1/entries/*/*/*/*.json")]
    return {next(iter(entry["arguments"].values())): entry for entry in read}


def test_the_worked_example_runs(found):
    """The code in the README, run as it stands in the folder, opens the result it speaks of."""
    text = (found / "README.txt").read_text(encoding="utf-8")
    code = textwrap.dedent(text.partition("In Python, started in the folder of this text:\n\n")[2].partition("\n\n")[0])
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"{FOREIGN}\n{code}\nprint(result.tolist())"],
        cwd=found, capture_output=True, text=True, check=True,
    )  # fmt: skip
    call, shape, values = done.stdout.splitlines()
    assert call.endswith(".result {'kind': 'array', 'rate': 250.0}")
    assert shape == "float64 (2, 3)"
    assert json.loads(values) == [[0.0, 250.0, 500.0], [750.0, 1000.0, 1250.0]]


def test_names_say_the_arguments(found):
    """Folders and names alone tell module, function and arguments; what a name could not hold stands in the file."""
    places = sorted(str(path.relative_to(found)) for path in found.glob("v1/entries/*/*/*/*.json"))
    assert all(place.split("/")[2] == "tests.compat.test_bundle_reader" for place in places)
    assert sum(place.endswith(".kind=array,rate=250.0.json") for place in places) == 1
    (cut,) = [place for place in places if place.endswith("~cut.json")]
    assert json.loads((found / cut).read_text())["arguments"]["about"] == "a/b: 'c' " + "long " * 80


def test_arrays_are_plain_files(found):
    """Every array that a result is, or that is large in one, opens with numpy.load alone, from where the entry says."""
    known = entries(found)
    assert np.load(found / known["large"]["file"], allow_pickle=False).tolist() == list(range(20_000))
    assert known["array"]["result"] == "float64[2, 3]"
    child = known["tree"]["blobs"][0]
    assert np.load(found / "v1" / "blobs" / child[:2] / child, allow_pickle=False).tolist() == list(range(20_000))


def test_text_is_text(found):
    """A text is a text file."""
    (entry,) = [entry for kind, entry in entries(found).items() if kind.startswith("a/b")]
    text = (found / entry["file"]).read_text(encoding="utf-8") if entry["file"] else ""
    assert text == "about a/b: 'c' " + "long " * 80


def test_documents_are_read_by_the_table(found):
    """What is no file of its own is a msgpack document, with the extensions that the README lists."""
    known = entries(found)
    number = msgpack.unpackb(base64.b64decode(known["number"]["inline"]))
    assert (number, known["number"]["result"]) == (0.1, "0.1")
    body = known["tree"]["inline"]
    tree = msgpack.unpackb(base64.b64decode(body), ext_hook=lambda code, _: code)
    assert (tree["name"], tree["pair"]) == ("µ", [32, 1, None])
    code, dtype, shape, _, data = tree["small"]
    assert (code, np.frombuffer(data, dtype).reshape(shape).tolist()) == (84, [0.0, 1.0, 2.0])
    code, digest, dtype, shape = tree["large"]
    array = np.load(found / "v1" / "blobs" / digest.hex()[:2] / digest.hex())
    assert (code, array.dtype.str, list(array.shape)) == (85, dtype, shape)
    text = (found / "README.txt").read_text(encoding="utf-8")
    assert all(f"\n    {number} " in text for number in ("32", "84", "85", "97"))


def test_names_of_files_are_their_digests(found):
    """A file below v1/blobs is named by the BLAKE3 digest of its bytes, so that anybody can check it."""
    blobs = [path for path in (found / "v1" / "blobs").rglob("*") if path.is_file()]
    assert len(blobs) == 4
    for path in blobs:
        assert blake3(path.read_bytes()).hexdigest() == path.name
        assert path.parent.name == path.name[:2]


def test_nothing_but_the_bundle_is_there(found):
    """A bundle holds what the README speaks of, and nothing that only this machine would know."""
    assert set(os.listdir(found)) - {"temporary"} == {"FORMAT", "README.txt", "v1"}
    assert set(os.listdir(found / "v1")) == {"blobs", "entries", "functions", "keys"}
    assert bundle.is_bundle(str(found))
    text = (found / "README.txt").read_text(encoding="utf-8")
    assert str(found) not in text
    assert max(map(len, text.partition("An example")[0].splitlines())) <= 120


def test_bundle_of_the_first_format(tmp_path, store):
    """A bundle that was written in format 1 comes into a store of today, value by value."""
    done = piped("import", str(BUNDLE_1), "--store", store.location, "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["copied"], report["left_out"]) == (0, 3, [])
    array, tree, text = [_value(store, entry) for entry in store.entries("analysis", "spectrum", "created")]
    assert (array.dtype.str, array.tolist()) == ("<f8", [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])
    assert (tree["name"], tree["pair"], text) == ("µV", (1, None, 2.5), "plain text")
    assert (tree["large"].dtype.str, tree["large"].tolist()) == ("<f4", list(range(5000)))
    entries = list(store.entries("analysis", "spectrum", "created"))
    assert [entry.cost for entry in entries] == [0.0, 1.5, 3.0]
    assert [entry.created for entry in entries] == [1.7e9, 1.7e9 + 1, 1.7e9 + 2]
    assert {entry.function.parameters for entry in entries} == {("channel", "rate", "*bands")}
    assert [list(decode(entry).arguments.values()) for entry in entries] == [[n, 250.0, (4, 8)] for n in range(3)]


def _value(store, entry):
    _, digest, data, _, _ = store.fetch(entry.key)
    return by_name(entry.codec).decode(store.open_blob(digest) if data is None else data, store.open_blob)
