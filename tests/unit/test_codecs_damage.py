"""Every codec on bytes that are damaged, or made by somebody else: an error of its own, and nothing runs."""

from __future__ import annotations

import importlib
import os
import random
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import cas
import memo
from cas import extension as ext
from cas.errors import IntegrityError, NotFoundError
from memo.canonical.scalars import pack
from memo.codecs import by_name, codec_for
from memo.errors import CodecError
from tests import codecs as values
from tests.codecs import Blobs, joined
from tests.deposits import flip, overwrite

FRAME = pd.DataFrame({"a": [1.5, 2.5], "s": ["x", None], "c": pd.Categorical(["p", "q"])}, index=["i", "j"])
TREE = {"a": np.arange(3.0), "b": [values.Point(1, "x"), values.Plain(2), values.Color.RED], "m": values.masked()[0]}
WRITTEN = {
    "npy": np.arange(12.0).reshape(3, 4),
    "tree": {**TREE, "o": values.exotic()[0], "s": values.exotic()[4], "r": np.random.default_rng(1), "d": (1, {2})},
    "sparse": sp.csr_array(np.eye(4)),
    "sparse ": sp.dok_array(np.eye(3)),
    "sparse  ": sp.lil_array(np.eye(3)),
    "mat": {**TREE, "text": "abc"},
    "hdf5": {**TREE, "text": "abc"},
    "arrow": FRAME,
    "arrow ": pl.DataFrame({"a": [1, None], "s": ["x", "yy"]}),
    "arrow  ": pa.table({"l": [[1, 2], None], "d": pa.array(["a", "b"]).dictionary_encode()}),
    "text": "abcdé",
    "json": {"a": [1, None, "b"]},
}


def read(codec: str, body: bytes, blobs: Blobs) -> None:
    """Decode bytes: any value, or an error that says so."""
    try:
        by_name(codec).decode(body, blobs.open)
    except (CodecError, IntegrityError, NotFoundError) as error:
        explained = error
    else:
        return
    assert str(explained)
    assert explained.hint


@pytest.mark.filterwarnings("ignore")  # of numpy and pandas, about numbers that make no sense
@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("compress", [None, "zstd"])
def test_damaged_bytes_are_told(name, compress, tmp_path):
    """Bytes flipped, cut, doubled or swapped anywhere raise an error of ours, if any, and never anything else."""
    blobs = Blobs(tmp_path)
    codec = codec_for(WRITTEN[name], name.strip(), compress)
    body, _ = blobs.root(codec, WRITTEN[name])
    chance = random.Random(name)
    cuts = [0, 1, 7, 8, 15, 16, 63, 64, 127, 128, len(body) // 2, len(body) - 1]
    for cut in cuts:
        read(codec.name, body[:cut], blobs)
    for turn in range(1500):
        damaged = bytearray(body)
        for _ in range(1 + turn % 3):
            where = chance.randrange(len(damaged))
            damaged[where] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, damaged[where] ^ 1 << chance.randrange(8)))
        if turn % 5 == 0:
            where, length = chance.randrange(len(damaged)), chance.randrange(1, 40)
            del damaged[where : where + length]
        read(codec.name, bytes(damaged), blobs)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([name for name in WRITTEN if name == name.strip()]), st.binary(max_size=200))
def test_any_bytes_are_told(tmp_path_factory, name, body):
    """Bytes of no codec at all raise an error of ours, and never anything else."""
    read(f"{name}/1", body, Blobs(tmp_path_factory.getbasetemp()))


@pytest.mark.parametrize("name", [name for name in WRITTEN if name == name.strip()])
def test_damage_in_a_store_is_never_a_wrong_value(name, store, tmp_path):
    """Whatever bit of a stored result is turned over, the store finds it before a codec sees the bytes."""
    chance = random.Random(name)
    body = joined(codec_for(WRITTEN[name], name).encode(WRITTEN[name], Blobs(tmp_path).write)[0])
    body += b"\0" * 40_000  # large enough to stand in a file
    function = cas.FunctionRecord(b"f" * 32, "module", "function", ("x",))
    with store.deposit(cas.Call(b"k" * 32, function, b"\x91\x01"), 0.0) as deposit:
        deposit.commit(cas.Result(f"{name}/1", (body,), "result"))
    _, digest, inline, _, _ = store.fetch(b"k" * 32)
    assert inline is None
    path = store.open_blob(digest).path
    overwrite(path, lambda stored: flip(stored, chance.randrange(8 * len(body))))
    with pytest.raises(cas.IntegrityError):
        store.open_blob(digest, True)


FORMS = [
    ext.head(ext.NAMEDTUPLE, 4) + pack("os") + pack("system") + pack({"x": 1}) + pack({}),
    ext.head(ext.NAMEDTUPLE, 4) + pack("subprocess") + pack("Popen") + pack({"x": 1}) + pack({}),
    ext.head(ext.DATACLASS, 4) + pack("tests.never_imported") + pack("Trap") + pack({"x": 1}) + pack({}),
    ext.head(ext.INSTANCE, 3) + pack("builtins") + pack("object") + pack({"x": 1}),
    ext.head(ext.ENUM, 4) + pack("os") + pack("environ") + pack("PATH") + pack(1),
    ext.head(ext.VIEW, 2) + pack("memmap") + pack(None),
    ext.head(ext.RANDOM, 2) + pack("Generator") + pack({"bit_generator": "os"}),
    ext.head(ext.RANDOM, 2) + pack("BitGenerator") + pack({"state": {"bit_generator": "seed"}}),
    ext.head(ext.SPELLED_ARRAY, 4) + pack("|O") + pack([1]) + pack(False) + pack(b"12345678"),
    ext.head(ext.SPARSE, 4) + pack("os") + pack([1]) + pack({}) + pack({}),
    ext.head(ext.PLACED_ARRAY, 4) + pack(0) + pack("<f8") + pack([1]) + pack(False),
    ext.head(ext.CHILD, 4) + pack("pickle/1") + pack("x") + pack(None) + pack(b"x"),
    ext.head(ext.CHILD, 4) + pack("tree/1") + pack("x") + pack(None) + pack(b"\x01"),
    ext.head(ext.CHILD, 4) + pack("os/1") + pack("x") + pack(None) + pack(b"x"),
    ext.head(ext.CHILD, 4) + pack("arrow/1") + pack("x") + pack(None) + pack(None),
    ext.head(ext.KEYED, 3) + pack("os") + pack("system") + pack("true"),
    ext.head(ext.LIBRARY, 4) + pack("os") + pack("system") + pack("x") + pack("y"),
]


@pytest.mark.parametrize("form", FORMS, ids=range(len(FORMS)))
@pytest.mark.parametrize("codec", ["tree/1", "sparse/1"])
def test_forged_forms_are_refused(form, codec, tmp_path):
    """A form that names what is no result's, or loads or makes something by name, is refused."""
    before = set(sys.modules)
    with pytest.raises((CodecError, IntegrityError)) as caught:
        by_name(codec).decode(form, Blobs(tmp_path).open)
    assert caught.value.hint
    assert not {name for name in set(sys.modules) - before if name.startswith("tests.never")}


@pytest.mark.parametrize("layout", ["csr", "csc", "bsr", "coo", "lil", "dok", "dia"])
def test_indices_that_lead_out_are_refused(layout, tmp_path):
    """Indices that scipy's own code would follow out of the matrix are refused when they are read."""
    matrix = getattr(sp, f"{layout}_array")(np.eye(3))
    blobs = Blobs(tmp_path)
    if layout == "coo":
        matrix.coords[0][1] = 7
    elif layout == "lil":
        matrix.rows[1] = [7]
    elif layout == "dok":
        matrix._dict[7, 7] = np.float64(1)
    elif layout == "dia":
        matrix.data = np.zeros((2, 3))
    else:
        matrix.indices[1] = 7
    body = joined(by_name("sparse/1").encode(matrix, blobs.write)[0])
    with pytest.raises(CodecError):
        by_name("sparse/1").decode(body, blobs.open)


RAN: list[str] = []


class Bomb:
    def __reduce__(self):
        return RAN.append, ("boom",)


def test_extension_types_of_arrow_are_not_opened(tmp_path):
    """A column of an extension type, which a library may have registered to unpickle, is refused unopened."""

    class Type(pa.ExtensionType):
        def __init__(self) -> None:
            super().__init__(pa.int64(), "tests.bomb")

        def __arrow_ext_serialize__(self) -> bytes:
            return b""

        @classmethod
        def __arrow_ext_deserialize__(cls, storage: object, serialized: bytes) -> Type:
            RAN.append("opened")
            return cls()

    kind = Type()
    table = pa.table({"a": pa.ExtensionArray.from_storage(kind, pa.array([1, 2]))})
    with pytest.raises(CodecError, match="extension type"):
        by_name("arrow/1").encode(table, Blobs(tmp_path).write)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    pa.register_extension_type(kind)
    try:
        RAN.clear()
        with pytest.raises(CodecError, match="extension type"):
            by_name("arrow/1").decode(sink.getvalue().to_pybytes(), Blobs(tmp_path).open)
        assert RAN == []
    finally:
        pa.unregister_extension_type("tests.bomb")


def test_pickled_arrays_are_not_opened(tmp_path):
    """A `.npy` file with a pickle in it is refused, wherever it is met."""
    np.save(tmp_path / "bomb.npy", np.array([Bomb()], object), allow_pickle=True)
    body = (tmp_path / "bomb.npy").read_bytes()
    RAN.clear()
    with pytest.raises(CodecError):
        by_name("npy/1").decode(body, Blobs(tmp_path).open)
    blobs = Blobs(tmp_path)
    child = ext.head(ext.CHILD_ARRAY, 3) + pack(blobs.write((body,))) + pack("<f8") + pack([1])
    with pytest.raises(CodecError):
        by_name("tree/1").decode(child, blobs.open)
    assert RAN == []


def test_foreign_files_of_known_kinds_are_refused(tmp_path):
    """A `.mat` or HDF5 file that memo did not write is refused unread."""
    import io

    import h5py
    import scipy.io

    mat, hdf5 = io.BytesIO(), io.BytesIO()
    scipy.io.savemat(mat, {"result": np.eye(3)})
    with h5py.File(hdf5, "w") as file:
        file["result"] = np.eye(3)
    for codec, body in (("mat/1", mat.getvalue()), ("hdf5/1", hdf5.getvalue())):
        with pytest.raises(CodecError, match="that memo wrote"):
            by_name(codec).decode(body, Blobs(tmp_path).open)


def test_places_outside_of_the_file_are_refused(tmp_path):
    """A place that points out of its file, or a table of places that is none, is refused."""
    blobs = Blobs(tmp_path)
    body, _ = blobs.root(by_name("hdf5/1"), np.arange(100.0))
    table = body.index(b"\x91\x93\x91")
    for forged in (b"\x91\x93\x91\xcf" + b"\xff" * 8, b"\x91\x93\x91\xd3" + b"\xff" * 8, b"\x91\xa1a", b"\x90"):
        with pytest.raises((CodecError, IntegrityError)):
            by_name("hdf5/1").decode(body[:table] + forged + body[table + len(forged) :], blobs.open)


CALLS: list[int] = []


def thing(number: int) -> object:
    """Return an instance of a class of a module that is imported only here, and that no code names."""
    CALLS.append(number)
    return importlib.import_module(os.environ["LAB_MODULE"]).Thing(number)


def test_class_that_is_not_loaded_is_computed_again(store, monkeypatch, tmp_path):
    """A result whose class no loaded module has becomes a warning and a second computation, not an import."""
    (tmp_path / "lab_things.py").write_text("import dataclasses\n@dataclasses.dataclass\nclass Thing:\n    a: int\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("LAB_MODULE", "lab_things")
    cached = memo.cached(store=store, memory=False)(thing)
    CALLS.clear()
    assert cached(1).a == cached(1).a == 1
    assert CALLS == [1]
    monkeypatch.delitem(sys.modules, "lab_things")
    with pytest.warns(memo.CacheWarning, match="lab_things.Thing, which no loaded module has"):
        assert cached(1).a == 1
    assert CALLS == [1, 1]
    assert cached(1).a == 1
    assert CALLS == [1, 1]
    sys.modules.pop("lab_things")
