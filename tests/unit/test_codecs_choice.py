"""Which codec takes a value: by itself, by name, of one's own, and compressed."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp

import memo.codecs
from memo.codecs import by_name, choose, codec_for, register_codec
from memo.codecs.body import bytes_of
from memo.errors import CodecError
from tests.codecs import Blobs, Plain, same

NOISE = np.random.default_rng(1).integers(0, 1 << 62, 30_000)


class Celsius:
    """A value with a codec of its own."""

    def __init__(self, degrees: float) -> None:
        self.degrees = degrees


class CelsiusCodec:
    """Stores temperatures as text."""

    name = "celsius/1"

    def takes(self, value: object) -> bool:
        """Take a temperature."""
        return type(value) is Celsius

    def encode(self, value, write):
        """Return its number."""
        return (repr(value.degrees).encode(),), f"{value.degrees} °C"

    def decode(self, body, open_blob):
        """Return a temperature."""
        return Celsius(float(bytes_of(body)))


@pytest.fixture
def registered(monkeypatch):
    """Register a codec for one test."""
    for table in ("_registered", "_loaded"):
        monkeypatch.setattr(memo.codecs, table, dict(getattr(memo.codecs, table)))
    register_codec(CelsiusCodec())


@pytest.mark.usefixtures("registered")
def test_a_registered_codec_is_asked_first(tmp_path):
    """A codec of the user's takes its values, also inside of containers, and is found by name."""
    blobs = Blobs(tmp_path)
    assert choose(Celsius(1.5)).name == "celsius/1"
    assert codec_for(Celsius(1.5), "celsius").name == codec_for(1, "celsius/1").name == "celsius/1"
    body, file = blobs.root(choose(Celsius(1.5)), Celsius(1.5))
    assert body == b"1.5"
    assert by_name("celsius/1").decode(file, blobs.open).degrees == 1.5
    value = {"a": [Celsius(2.0), Celsius(3.0)], "b": Plain(Celsius(4.0))}
    assert choose(value).name == "tree/1"
    found = by_name("tree/1").decode(blobs.root(choose(value), value)[0], blobs.open)
    assert [each.degrees for each in (*found["a"], found["b"].a)] == [2.0, 3.0, 4.0]


def test_a_codec_that_is_not_registered_is_named(tmp_path):
    """Reading what a codec wrote that this process does not have says what to do."""
    with pytest.raises(CodecError, match="celsius/1") as caught:
        by_name("celsius/1")
    assert "register_codec" in caught.value.hint


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("name", ["npy/1", "tree/2", "celsius", "two words/1", "a/b", "mine/1+zstd", None, "/1"])
def test_names_of_codecs_are_checked(name):
    """A codec needs a name of its own with a version."""
    codec = CelsiusCodec()
    codec.name = name
    with pytest.raises(CodecError, match="name and version"):
        register_codec(codec)


@pytest.mark.usefixtures("registered")
def test_what_is_no_codec_is_refused():
    """An object without the three methods is no codec."""
    with pytest.raises(CodecError, match="a method takes"):
        register_codec(type("Half", (), {"name": "half/1"})())


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (np.zeros(3), "npy/1"),
        ([1], "tree/1"),
        (sp.csr_array((2, 2)), "sparse/1"),
        (object(), "pickle/1"),
        ("a", "tree/1"),
    ],
)
def test_auto_takes_the_safest(value, name):
    """Of itself a value goes to the safest codec that keeps it."""
    assert codec_for(value).name == codec_for(value, "auto").name == choose(value).name == name


def test_a_codec_that_is_asked_for_takes_it_or_says_why():
    """An unknown codec is an error at once, a value that does not fit one when it is encoded."""
    assert codec_for([1], "json").name == "json/1"
    assert codec_for([1], "mat/1").name == "mat/1"
    assert codec_for([1], "pickle").name == "pickle/1"
    with pytest.raises(CodecError, match="expected one of auto, npy, tree") as caught:
        codec_for(1, "yaml")
    assert caught.value.hint
    for asked, value, where in (
        ("text", 5, "value: expected a str"),
        ("text", "ab\ud800", r"value\[2\]"),
        ("json", {"a": [1, (2,)]}, r'value\["a"\]\[1\]'),
        ("json", {"a": float("nan")}, r'value\["a"\]'),
        ("json", {1: 2}, "value: expected text as keys"),
        ("json", ["\ud800"], r"value\[0\]: expected Unicode"),
        ("json", 1 << 20_000, "value: "),
        ("npy", [1], "expected a numpy array"),
        ("sparse", np.zeros(3), "expected a sparse array"),
        ("tree", [1, {"a": object()}], r'value\[1\]\["a"\]'),
        ("mat", {"2nd": 1}, r'result\["2nd"\]'),
    ):
        with pytest.raises(CodecError, match=where) as caught:
            codec_for(value, asked).encode(value, None)
        assert caught.value.hint


def test_json_is_for_reading(tmp_path):
    """JSON is indented text in UTF-8, and what it cannot have twice it refuses."""
    body, _ = Blobs(tmp_path).root(by_name("json/1"), {"b": "é", "a": [1.5]})
    assert body.decode() == '{\n "b": "é",\n "a": [\n  1.5\n ]\n}\n'
    for forged in (b'{"a": 1, "a": 2}', b"NaN", b"[Infinity]", b"{", b"\xff", b"[" * 10**5):
        with pytest.raises(CodecError):
            by_name("json/1").decode(forged, None)
    deep: object = 1
    for _ in range(200):
        deep = [deep]
    with pytest.raises(CodecError, match="containers in each other"):
        by_name("json/1").encode(deep, None)


def test_compression_is_as_good_as_asked(tmp_path):
    """Zeros shrink, noise does not: "zstd" packs both, "auto" only what a sample says is worth it."""
    blobs = Blobs(tmp_path)
    zeros = np.zeros(30_000)
    mixed = {"noise": NOISE, "zeros": np.zeros(300_000)}
    for value, asked, name in (
        *((zeros, "zstd", "npy/1+zstd"), (zeros, "auto", "npy/1+zstd"), (zeros, None, "npy/1")),
        *((NOISE, "zstd", "npy/1+zstd"), (NOISE, "auto", "npy/1"), ([NOISE, 1], "auto", "tree/1")),
        *((mixed, "auto", "tree/1+zstd"), ({"a": zeros}, "auto", "tree/1+zstd"), (1, "auto", "tree/1")),
        *(("a" * 10_000, "auto", "tree/1+zstd"), (np.zeros(0), "zstd", "npy/1+zstd"), ([], "zstd", "tree/1+zstd")),
    ):
        codec = codec_for(value, "auto", asked)
        assert codec.name == name
        body, file = blobs.root(codec, value)
        assert same(by_name(name).decode(body, blobs.open), value)
        assert same(by_name(name).decode(file, blobs.open), value)
    assert len(blobs.root(codec_for(zeros, "auto", "zstd"), zeros)[0]) < 1000
    with pytest.raises(CodecError, match="expected None, 'zstd' or 'auto'"):
        codec_for(zeros, "auto", "lz4")


def test_compressed_children_are_shared(tmp_path):
    """A large array is one compressed blob, however many results have it."""
    blobs = Blobs(tmp_path)
    axis = np.arange(50_000.0)
    for value in ([axis, 1], {"t": axis.copy()}):
        codec_for(value, "tree", "zstd").encode(value, blobs.write)
    assert len(blobs.files) == 1


def test_a_process_loads_only_what_its_hit_needs(tmp_path):
    """Reading a result loads its codec, and none of the libraries of the others."""
    heavy = ("numpy", "scipy", "pandas", "polars", "pyarrow", "h5py", "zstandard", "json", "re", "dataclasses")
    cases = [
        ("tree/1", b"\x01", ()),
        ("tree/1", b"\x92\x01\xa1a", ()),
        ("text/1", b"abc", ()),
        ("json/1", b"[1]", ("json", "re")),
    ]
    for name, body, expected in cases:
        program = (
            "import sys, memo; before = set(sys.modules); from memo.codecs import by_name\n"
            f"by_name({name!r}).decode({body!r}, None)\n"
            f"print(*[name for name in {heavy!r} if name in set(sys.modules) - before])"
        )
        found = subprocess.run(
            [sys.executable, "-S", "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert tuple(found.stdout.split()) == expected


def test_a_missing_zstandard_is_said():
    """Without the package, asking for compression names the command that mends it."""
    program = (
        "import sys; sys.modules['zstandard'] = None\n"
        "from memo.codecs import codec_for, by_name\n"
        "for run in (lambda: codec_for('a', 'tree', 'zstd'), lambda: by_name('tree/1+zstd').decode(b'x', None)):\n"
        "    try: run()\n"
        "    except ValueError as error: print(error.hint)\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout == "pip install 'cas-memo[zstd]'\n" * 2
