"""The codec npy/1: plain `.npy` bytes, exact arrays back, large ones mapped."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cas.blob import BlobFile
from cas.digest import digest
from memo.codecs import by_name, choose, npy
from memo.errors import CodecError

LARGE = 1 << 18


def unused(*_: object) -> BlobFile:
    """Fail."""
    raise AssertionError("an array has no child blobs")


def body_of(value: np.ndarray) -> bytes:
    """Return the bytes that the codec stores."""
    parts, _ = npy.encode(value, unused)
    return b"".join(parts)


def stored(body: bytes, folder) -> BlobFile:
    """Return a blob as a store would hand it out."""
    path = folder / "blob"
    path.write_bytes(body)
    return BlobFile(digest(body), str(path), len(body))


def check(value: np.ndarray, found: object) -> None:
    """Assert that an array came back exactly, fresh and writable."""
    assert type(found) is np.ndarray
    assert found.dtype == value.dtype
    assert found.dtype.str == value.dtype.str
    assert found.shape == value.shape
    if value.dtype.char in "gG":  # six of the sixteen bytes of a long double are padding
        assert np.array_equal(found, value, equal_nan=True)
    else:
        assert found.tobytes() == value.tobytes()
    assert found.flags.writeable
    assert found.flags.f_contiguous == value.flags.f_contiguous or not value.flags.forc
    assert not np.shares_memory(found, value)


dtypes = st.one_of(hnp.scalar_dtypes(), st.sampled_from([np.dtype("g"), np.dtype([("a", "i1"), ("b", ">f8", 2)])]))
arrays = dtypes.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
)


@settings(max_examples=200, deadline=None)
@given(arrays, st.booleans(), st.booleans())
def test_arrays_come_back_exactly(tmp_path_factory, value, fortran, flip):
    """Any array comes back equal in type, dtype, shape, bits and order, and numpy itself reads the same bytes."""
    value = np.asfortranarray(value) if fortran and value.ndim else value
    value = value[::-1] if flip and value.ndim else value
    body = body_of(value)
    check(value, npy.decode(body, unused))
    check(value, npy.decode(stored(body, tmp_path_factory.getbasetemp()), unused))
    loaded = np.load(io.BytesIO(body), allow_pickle=False)
    assert loaded.dtype == value.dtype
    assert loaded.tobytes() == npy.decode(body, unused).tobytes()


@pytest.mark.parametrize("dtype", ["f8", ">i4", "M8[ns]", "U5", "V16", [("a", "f8"), ("b", "i8")]])
@pytest.mark.parametrize("order", ["C", "F"])
def test_large_arrays_are_private_maps(tmp_path, dtype, order):
    """A large array comes back as a copy-on-write map: writable, and the file and other decodings never change."""
    value = np.zeros((LARGE // 64, 64), dtype, order)
    value[3, 5] = np.ones((), dtype)
    blob = stored(body_of(value), tmp_path)
    first, second = npy.decode(blob, unused), npy.decode(blob, unused)
    check(value, first)
    assert not first.flags.owndata
    first[...] = value[3, 5]
    check(value, second)
    check(value, npy.decode(blob, unused))
    assert first.flags.aligned


def test_data_are_not_copied_and_start_aligned():
    """Encoding a contiguous array hands out its own memory; the header ends at a multiple of 64 bytes."""
    for value in (np.zeros((100, 100)), np.zeros((100, 100), order="F"), np.zeros(10, "M8[s]")):
        (header, data), summary = npy.encode(value, unused)
        assert np.shares_memory(np.frombuffer(data, np.uint8), value)
        assert len(header) % 64 == 0
        assert summary == f"{value.dtype.name}{list(value.shape)}"


def test_nan_payloads_are_kept():
    """The bits of every NaN survive."""
    value = np.array([0x7FF8000000000001, 0xFFF0000000000BAD], "u8").view("f8")
    assert npy.decode(body_of(value), unused).view("u8").tolist() == [0x7FF8000000000001, 0xFFF0000000000BAD]


@pytest.mark.parametrize("size", [300, 3000, LARGE * 8])
def test_truncated_bytes_are_refused(tmp_path, size):
    """Bytes cut anywhere, or with more behind them, raise CodecError."""
    body = body_of(np.zeros(size // 8))
    for cut in (0, 5, 6, 9, 10, 60, 127, 128, 129, len(body) - 1):
        with pytest.raises(CodecError):
            npy.decode(body[:cut], unused)
        with pytest.raises(CodecError):
            npy.decode(stored(body[:cut], tmp_path), unused)
    with pytest.raises(CodecError):
        npy.decode(body + b"\0", unused)


def forged(text: str, data: bytes = b"") -> bytes:
    """Return `.npy` bytes with a header of one's own."""
    header = text.encode("latin-1")
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


@pytest.mark.parametrize(
    "text",
    [
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': 1, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': [1]}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (True,)}",
        "{'descr': 'no', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f8', 'shape': (1,)}",
        "__import__('os').abort()",
        "[" * 5000,
        "",
        "\0",
    ],
)
def test_forged_headers_are_refused(text):
    """A header that is no literal, or asks for Python objects, is refused and nothing in it runs."""
    with pytest.raises(CodecError):
        npy.decode(forged(text, b"\0" * 8), unused)


def test_what_npy_cannot_keep_is_left_to_others():
    """Subclasses, objects, padding, titles and metadata are not for npy."""
    left = [
        np.zeros((1, 1)).view(np.matrix),
        np.ma.zeros(3),
        np.zeros(3, object),
        np.zeros(3, [("a", "O")]),
        np.zeros(3, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
        np.zeros(3, np.dtype([("a", "f8")], align=True)),
        np.zeros(3, {"names": ["a", "b"], "formats": ["f8", "f8"], "offsets": [8, 0]}),
        np.zeros(3, [(("title", "a"), "f8")]),
        np.zeros(3, np.dtype("f8", metadata={"unit": "V"})),
        np.zeros(3, np.dtype((np.record, [("a", "f8")]))),
        np.zeros(3, np.dtypes.StringDType()),
    ]
    for value in left:
        assert choose(value).name == ("pickle/1" if value.dtype.names and value.dtype.hasobject else "tree/1")
        with pytest.raises(CodecError):
            npy.encode(value, unused)
    assert choose(np.zeros(3)).name == "npy/1"
    assert by_name("npy/1").takes(np.zeros(3, [("é", "f8")]))
    check(np.zeros(3, [("Ω", "f8")]), npy.decode(body_of(np.zeros(3, [("Ω", "f8")])), unused))


def test_padding_of_long_doubles_is_zero():
    """Equal long doubles are stored as equal bytes, whatever stands between their numbers in memory."""
    for dtype in ("g", "G", ">g", ">G"):
        value = np.array([1, -2.5, 1 / 3], dtype)
        dirty = np.frombuffer(b"\xff" * value.nbytes, dtype).copy()
        dirty[:] = value
        whole = np.frombuffer(b"\xaa" * value.nbytes, np.uint8).copy()
        for number in whole.view(dtype).reshape(-1, 1):
            number[...] = 0
        assert body_of(value) == body_of(dirty)
        assert np.array_equal(npy.decode(body_of(dirty), unused), value)


def test_many_open_files_read_instead_of_map(tmp_path, monkeypatch):
    """Where a map would hold a descriptor and many are open, a large array is read into memory."""
    value = np.arange(float(LARGE))
    blob = stored(body_of(value), tmp_path)
    monkeypatch.setattr(npy, "_MANY_FILES", -1)
    monkeypatch.setattr(npy, "_HOLDS_FILES", True)
    found = npy.decode(blob, unused)
    check(value, found)
    assert found.flags.owndata
