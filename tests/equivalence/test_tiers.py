"""A result is the same value wherever it comes from: computed, from memory, from the index, from a file, mapped."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import cas
import memo
from cas.digest import THREADED_FROM, digest, digest_parts, parallel_hasher
from memo.canonical import LONG
from memo.codecs import npy

DTYPES = st.one_of(
    npst.boolean_dtypes(), npst.integer_dtypes(endianness="="), npst.floating_dtypes(), npst.complex_number_dtypes(),
    npst.datetime64_dtypes(), npst.timedelta64_dtypes(), npst.unicode_string_dtypes(), npst.byte_string_dtypes(),
)  # fmt: skip
ARRAYS = npst.arrays(DTYPES, npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=6))
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.binary(max_size=5),
    st.complex_numbers(), ARRAYS, ARRAYS.map(np.asfortranarray),
    ARRAYS.filter(lambda array: array.ndim > 0).map(lambda array: array[::2]), st.dates(), st.decimals(allow_nan=False),
)  # fmt: skip
RESULTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.tuples(inner, inner), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


def shown(value: object) -> object:
    """Return something equal only for the same types, dtypes, shapes and bits."""
    if isinstance(value, np.ndarray):
        return type(value), value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, list | tuple):
        return type(value), [shown(part) for part in value]
    if isinstance(value, dict):
        return dict, [(shown(key), shown(part)) for key, part in value.items()]
    if isinstance(value, float | complex):
        return type(value), np.asarray(value).tobytes()
    return type(value), repr(value)


def arrays_in(value: object) -> list[np.ndarray]:
    """Return the arrays inside a value."""
    if isinstance(value, np.ndarray):
        return [value]
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [array for part in inside for array in arrays_in(part)]


@pytest.fixture(scope="module")
def echoes(tmp_path_factory):
    """Return one function cached twice on one store, the second time without a memory tier."""

    def echo(value):
        return value

    folder = tmp_path_factory.mktemp("tiers") / "store"
    yield memo.cached(store=folder)(echo), memo.cached(store=folder, memory=False)(echo)
    cas.open(folder).close()


@given(RESULTS)
@settings(max_examples=150, deadline=None)
def test_every_tier_returns_what_was_computed(echoes, value):
    """Computed, from the store, and from memory: one type, dtype, shape and bits, arrays writable and apart."""
    echo, from_disk = echoes
    expected = shown(value)
    echo.cache.forget(value)
    assert echo(value) is value
    misses = echo.cache._caller.misses
    stored = echo(value)  # the first hit, from the store
    remembered = echo(value)  # the second, from memory where it is small
    for result in (stored, remembered, from_disk(value)):
        assert shown(result) == expected
        assert all(array.flags.writeable for array in arrays_in(result))
    for first, second in zip(arrays_in(stored), arrays_in(remembered), strict=True):
        assert not np.shares_memory(first, second)
    assert echo.cache._caller.misses == misses
    assert from_disk.cache._caller.misses == 0


@pytest.mark.parametrize("dtype", ["f8", ">i4", "c16", "M8[ns]", "U3", "?", [("a", "i4"), ("b", "f8", (2,))]])
@pytest.mark.parametrize("order", ["C", "F"])
def test_mapped_array_equals_read_array(tmp_path, dtype, order):
    """Reading a file into memory, mapping it, and decoding its bytes give one array."""
    array = np.zeros((7, 5), dtype, order=order)
    array[::2, 1:] = np.ones((), dtype)
    path = tmp_path / "blob"
    path.write_bytes(b"".join(bytes(part) for part in npy.parts_of(array)))
    body = path.read_bytes()
    start = npy._data_start(body)
    layout = npy._layout(body[:start])
    descriptor = os.open(path, os.O_RDONLY)
    read, mapped = npy._read(descriptor, start, layout), npy._map(descriptor, start, layout)
    os.close(descriptor)
    for result in (read, mapped, npy.read_bytes(body)):
        assert shown(result) == shown(array)
        assert result.flags.writeable
        assert result.flags.f_contiguous == array.flags.f_contiguous
        result[:] = np.ones((), dtype)
    assert path.read_bytes() == body


def test_threaded_digest_equals_single(tmp_path):
    """The digest of a buffer is the same from one thread, from many, from a stream, and in parts."""
    data = np.random.default_rng(0).bytes(THREADED_FROM + 12345)
    stream = parallel_hasher()
    for start in range(0, len(data), 1 << 20):
        stream.update(data[start : start + (1 << 20)])
    parts = [data[:17], memoryview(data)[17:5_000_000], np.frombuffer(data[5_000_000:], np.uint8)]
    assert {digest(data), digest(memoryview(data)), stream.digest(), digest_parts(parts)} == {digest_parts([data])}


def test_the_stored_signature_makes_the_key(tmp_path):
    """Long arguments are stored by their digests, and the key is of just what is stored."""

    @memo.cached(store=tmp_path / "store", memory=False)
    def count(words, more):
        return len(words) + more

    words = [f"word {number}" for number in range(5000)]
    assert [count(words, 1), count([*words], 1), count([*words[:-1], "other"], 1), count("w" * 9000, 1)] == [
        5001, 5001, 5001, 9001,
    ]  # fmt: skip
    assert count("w" * 9000, 1) == 9001
    assert (count.cache.stats().hits, count.cache.stats().misses) == (2, 3)
    version = count.cache._caller.current()
    entries = list(count.cache.entries())
    assert [version.key(entry.signature) for entry in entries] == [entry.key for entry in entries]
    assert max(len(entry.signature) for entry in entries) < LONG
