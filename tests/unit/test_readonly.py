"""`readonly=True`: large arrays come back as read-only maps, and the next function does not hash them again."""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest

import cas
import memo
from memo.canonical import arrays, encode

SIZE = 300_000


@pytest.fixture
def hashed(monkeypatch):
    """Return the list of the sizes of arrays whose content is hashed for a key."""
    sizes = []
    compute = arrays._hash

    def count(value):
        sizes.append(value.size)
        return compute(value)

    monkeypatch.setattr(arrays, "_hash", count)
    return sizes


def make(tmp_path, readonly=True, **options):
    """Return a cached function that makes a large array."""

    @memo.cached(store=tmp_path / "store", readonly=readonly, **options)
    def ramp(start, order="C", dtype="f8"):
        return np.array(np.arange(start, start + SIZE).reshape(3, -1), dtype, order=order)

    return ramp


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["f8", ">i4", "M8[s]", "c16"])
@pytest.mark.parametrize("memory", [True, False])
def test_large_array_is_read_only_and_equal(tmp_path, order, dtype, memory):
    """Type, dtype, order and values are as computed; writing raises, from the first call on."""
    ramp = make(tmp_path, memory=memory)
    expected = ramp.__wrapped__(5, order, dtype)
    for _ in range(3):
        value = ramp(5, order, dtype)
        assert type(value) is np.ndarray
        assert value.dtype == expected.dtype
        assert value.flags.f_contiguous == expected.flags.f_contiguous
        assert np.array_equal(value, expected)
        with pytest.raises(ValueError, match="read-only"):
            value[0, 0] = expected[1, 1]
        with pytest.raises(ValueError, match="WRITEABLE"):
            value.flags.writeable = True
        assert encode(value) == encode(expected)
    assert (ramp.cache.stats().misses, ramp.cache.stats().hits) == (1, 2)


def test_next_function_hashes_an_array_once(tmp_path, hashed):
    """Over all calls, and over fresh maps of the same file, the content is hashed one time."""
    ramp = make(tmp_path)

    @memo.cached(store=tmp_path / "store", memory=False)
    def total(values):
        return float(values.sum())

    expected = ramp.__wrapped__(5).sum()
    for _ in range(4):
        assert total(ramp(5)) == expected
    assert hashed.count(SIZE) == 1
    copied = total(np.array(ramp(5)))
    assert copied == expected
    assert total.cache.stats().misses == 1


def test_arrays_in_containers_carry_their_digests(tmp_path, hashed):
    """Each large array inside is a map of its own."""

    @memo.cached(store=tmp_path / "store", readonly=True)
    def pair(x):
        return {"a": np.full(SIZE, x), "b": [np.full(SIZE, x + 1)]}

    @memo.cached(store=tmp_path / "store", memory=False)
    def total(found):
        return found["a"].sum() + found["b"][0].sum()

    values = [total(pair(1.0)) for _ in range(3)]
    assert values == [3.0 * SIZE] * 3
    assert hashed.count(SIZE) == 2
    with pytest.raises(ValueError, match="read-only"):
        pair(1.0)["b"][0][0] = 1


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value[:, 1:],
        lambda value: value[::-1],
        lambda value: value.T,
        lambda value: value.reshape(-1),
        lambda value: value.view("i8"),
        lambda value: value[1],
        lambda value: np.lib.stride_tricks.as_strided(value, strides=(8, 8)),
        lambda value: value.astype("f4"),
    ],
)
def test_part_or_other_view_has_its_own_key(tmp_path, change):
    """What is not all of the map, as it is, is hashed for what it is."""
    ramp = make(tmp_path)
    value = ramp(5)
    before = encode(value)
    changed = change(value)
    copy = np.array(changed)
    assert encode(changed) == encode(copy) != before
    assert encode(value) == before


def test_dtype_set_in_place_has_its_own_key(tmp_path):
    """An array that is told to be of another dtype is another value."""
    value = make(tmp_path)(5)
    before = encode(value)
    with warnings.catch_warnings(action="ignore"):  # numpy will take this away
        value.dtype = "i8"
    assert encode(value) == encode(np.array(value)) != before


def test_file_touched_behind_the_map_is_hashed(tmp_path, hashed):
    """A digest is that of the bytes that were verified; once the file is touched, what is mapped counts."""
    ramp = make(tmp_path)
    value = ramp(5)
    before = encode(value)
    store = cas.open(tmp_path / "store")
    (path,) = [blob.path for blob in store.blobs()]
    os.chmod(path, 0o600)
    with open(path, "r+b") as file:
        file.seek(-8, os.SEEK_END)
        file.write(np.float64(-1).tobytes())
    assert value[-1, -1] == -1.0
    assert encode(value) == encode(np.array(value)) != before


def test_removed_file_is_hashed(tmp_path, hashed):
    """The map outlives its file, and so does the value."""
    value = make(tmp_path)(5)
    before = encode(value)
    for blob in list(cas.open(tmp_path / "store").blobs()):
        os.unlink(blob.path)
    assert encode(value) == before
    assert hashed.count(SIZE) == 2


def test_what_is_remembered_wrongly_is_computed(tmp_path, hashed):
    """Damage to what only saves time costs time (I8)."""
    ramp = make(tmp_path)
    before = encode(ramp(5))
    store = cas.open(tmp_path / "store")
    (blob,) = store.blobs()
    name = b"content of the array in blob\0" + blob.digest
    kept = store.recall(name)
    store.remember(name, bytes(32) + kept[32:])
    assert encode(ramp(5)) == before
    assert hashed.count(SIZE) == 2
    assert store.recall(name) == kept


def test_read_only_array_of_another_origin_is_hashed(hashed):
    """Only the store's own maps are known."""
    value = np.arange(float(SIZE))
    value.flags.writeable = False
    before = encode(value)
    value.flags.writeable = True
    value[0] = 7
    value.flags.writeable = False
    assert encode(value) != before
    assert hashed.count(SIZE) == 2


def test_without_the_option_arrays_stay_writable(tmp_path):
    """Another function that finds the same results gets copies of its own."""
    make(tmp_path)(5)
    again = make(tmp_path, readonly=False)
    value = again(5)
    assert again.cache.stats().misses == 0
    value[0, 0] = -1
    assert again(5)[0, 0] == 5
