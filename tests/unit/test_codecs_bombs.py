"""Bytes that ask for more than they hold: memory, time, or a look outside of what is theirs. All are refused."""

from __future__ import annotations

import io
import struct

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from cas import extension as ext
from cas.errors import IntegrityError
from memo.canonical.scalars import pack
from memo.codecs import by_name, tree
from memo.codecs.ipc import is_compressed
from memo.codecs.places import MAGIC
from memo.errors import CodecError
from tests.codecs import Blobs, joined


def form(value):
    """Return the form of a value without child blobs."""
    return joined(tree.form_of(value, tree.TreeWriter(lambda parts: bytes(32))))


def tag(code, *parts):
    """Return a tagged value of parts that may be in no state of a real one."""
    return ext.head(code, len(parts)) + b"".join(map(form, parts))


def header(shape, descr="'<f8'", version=1, text=None):
    """Return a `.npy` file without data."""
    text = text or f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    width = 2 if version == 1 else 4
    return b"\x93NUMPY" + bytes((version, 0)) + len(text).to_bytes(width, "little") + text


def placed(table, value):
    """Return an HDF5 file of memo's with a table of places and a form."""
    content, entries = value, pack(table)
    block = MAGIC + len(entries).to_bytes(8, "little") + len(content).to_bytes(8, "little") + entries + content
    return block.ljust(512, b"\0") + b"\x89HDF\r\n\x1a\n" + bytes(8000)


def state_of(kind, **changes):
    """Return the form of a bit generator whose state was changed."""
    state = getattr(np.random, kind)(1).state
    for name, content in changes.items():
        (state["state"] if name in state["state"] else state)[name] = content
    return tag(ext.RANDOM, kind, {"state": state, "seed_seq": None})


LIST = {"data": np.empty(0, object), "rows": np.empty(0, object), "dtype": np.dtype("f8")}
SEED = {"entropy": 1, "spawn_key": (), "pool_size": 100_000, "n_children_spawned": 0}
FLOATS = {"data": np.ones(1), "coords": (np.array([0.5]), np.array([0.5]))}
ROWS = {"data": np.ones(1), "indices": np.array([0.0]), "indptr": np.array([0.0, 1.0, 1.0])}
DATA = np.ones(3)
FORMS = {
    "objects": tag(ext.OBJECT_ARRAY, [1 << 40], False, []),
    "nothings": tag(ext.SPELLED_ARRAY, "|V0", [1 << 60, 1 << 60, 0, "a"], False, np.zeros(0, "u1")),
    "negative": tag(ext.STORED_ARRAY, "<f8", [-1], False, bytes(8)),
    "nested": tag(ext.STORED_ARRAY, "(4,)<f8", [1], False, bytes(32)),
    "lists": tag(ext.SPARSE, "lil_array", [1 << 40, 1], LIST, {}),
    "places": tag(ext.SPARSE, "coo_array", [2, 2], FLOATS, {}),
    "pointers": tag(ext.SPARSE, "csr_array", [2, 2], ROWS, {}),
    "pool": tag(ext.RANDOM, "SeedSequence", SEED),
    "far": state_of("MT19937", pos=1 << 20),
    "before": state_of("MT19937", pos=-1),
    "buffer": state_of("Philox", buffer_pos=-1),
    "mask": tag(ext.STORED_MASKED, DATA, DATA, None, False, False),
    "fill": tag(ext.STORED_MASKED, DATA, DATA > 2, "abc", False, False),
    "raised": tag(ext.CHILD, "raised/1", "", None, b"\x06tree/1" + form(("builtins", "ValueError", (), {}, ""))),
    "stream": tag(ext.CHILD, "stream/1", "", None, form(((), (), 0, ("tree/1", b"\xc0", b"")))),
}
NPY = {
    "long": header((0, 1 << 70)),
    "deep": header((0,) * 70),
    "text": header("(1000000000, 'aaaaaaaa')"),
    "tuples": header("(1000000000, (1, 2, 3))"),
    "utf-8": header((), version=3, text=b"\xff\xfe{"),
    "no width": header((100_000_000_000,), "'|S0'"),
    "nested": header((2,), "'(3,)<f8'") + bytes(48),
    "header": b"\x93NUMPY\x03\x00" + (0xFFFFFFF0).to_bytes(4, "little") + b"x" * 300,
}


def placed_as(stored, dtype, shape):
    """Return a file whose array is of another dtype than its bytes."""
    return placed([[[0], stored, False]], tag(ext.PLACED_ARRAY, 0, dtype, shape, False))


PLACED = {
    "wider": placed_as("|S1", "|S1000000", [5000]),
    "nothing": placed_as("|V0", "<f8", [1 << 28]),
    "nothings": placed_as("|V0", "|V0", [1 << 40]),
}
BOMBS = {
    **{f"tree {name}": ("tree/1", body) for name, body in FORMS.items()},
    **{f"npy {name}": ("npy/1", body) for name, body in NPY.items()},
    **{f"hdf5 {name}": ("hdf5/1", body) for name, body in PLACED.items()},
    "raised": ("raised/1", b"\x08raised/1" * 5000),
}


@pytest.mark.timeout(10)
@pytest.mark.parametrize("name", BOMBS)
def test_bytes_that_ask_for_more_than_they_hold(name, tmp_path):
    """Shapes, places, pools and codecs that no writer writes are refused before they cost anything."""
    codec, body = BOMBS[name]
    blobs = Blobs(tmp_path)
    for read in (body, blobs.files[blobs.write((body,))]):
        with pytest.raises((CodecError, IntegrityError)) as caught:
            by_name(codec).decode(read, blobs.open)
        assert caught.value.hint


@pytest.mark.timeout(10)
def test_arrays_of_nothing_take_no_time():
    """An array of elements of no bytes comes back whatever its shape."""
    for body in (
        tag(ext.STORED_ARRAY, "|V0", [1 << 40], False, b""),
        tag(ext.SPELLED_ARRAY, "|V0", [1 << 40], False, np.zeros(0, "u1")),
    ):
        assert by_name("tree/1").decode(body, None).shape == (1 << 40,)


def arrow_file(table, compression):
    """Return a table as an Arrow file."""
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=2)
    return sink.getvalue()


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_compressed_batches_are_refused(compression, tmp_path):
    """A few bytes that unpack into any number are not unpacked, in batches or in dictionaries."""
    note = {b"memo": form({"kind": "pyarrow.Table", "bare": True})}
    plain = pa.table({"a": list(range(5))})
    texts = pa.table({"a": pa.array(["x", "y"] * 3).dictionary_encode()})
    codec = by_name("arrow/1")
    for table in (plain, texts):
        table = table.replace_schema_metadata(note)
        assert not is_compressed(arrow_file(table, None))
        assert codec.decode(arrow_file(table, None), Blobs(tmp_path).open).num_rows == table.num_rows
        assert is_compressed(arrow_file(table, compression))
        with pytest.raises(CodecError, match="compressed batches"):
            codec.decode(arrow_file(table, compression), Blobs(tmp_path).open)


def test_every_file_of_the_codec_is_looked_through(tmp_path):
    """What memo writes is never taken for compressed, with batches or without; a cut file is an error of struct's."""
    codec, blobs = by_name("arrow/1"), Blobs(tmp_path)
    for value in (pd.DataFrame(), pd.DataFrame({"a": [1, 2]}), pa.table({"a": []}), pd.Series(["a"], dtype="category")):
        assert not is_compressed(blobs.root(codec, value)[0])
    body = blobs.root(codec, pd.DataFrame({"a": [1, 2]}))[0]
    with pytest.raises(struct.error):
        is_compressed(body[len(body) // 2 :])
