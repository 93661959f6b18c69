"""What goes into a store comes out of it: deposit, commit, fetch, blobs."""

from __future__ import annotations

import time

import pytest
from blake3 import blake3

import cas
from tests.contract.damage import damage_blob
from tests.deposits import FUNCTION, LARGE, assert_intact, call, flip, function, get, key, large, put, read


def test_empty_store_has_nothing(store):
    """A new store has no entry, no blob, no function, and nothing is wrong with it."""
    assert store.fetch(key(1)) is None
    assert list(store.entries()) == []
    assert list(store.blobs()) == []
    assert store.functions() == []
    assert list(store.weights()) == []
    assert list(store.strays()) == []
    assert store.check_index() == []


def test_small_result_comes_back_inline(store):
    """A small result is in the row that a hit reads, with its codec, digest and cost."""
    before = time.time()
    assert store.created(key(1)) is None
    put(store, 1, b"small", cost=0.25)
    assert before <= store.created(key(1)) <= time.time()
    codec, digest, body, cost, used = store.fetch(key(1))
    assert (codec, digest, body, cost) == ("tree/1", blake3(b"small").digest(), b"small", 0.25)
    assert before - 1 <= used <= time.time() + 1


def test_large_result_comes_back_as_a_file(store):
    """A large result is a blob in a file, named by the digest of its bytes (I2)."""
    put(store, 1, large(1))
    codec, digest, body, _, _ = store.fetch(key(1))
    assert (codec, digest, body) == ("tree/1", blake3(large(1)).digest(), None)
    blob = store.open_blob(digest)
    assert (blob.digest, blob.size) == (digest, LARGE)
    assert read(store, digest) == large(1)


@pytest.mark.parametrize("size", [0, 1, 1023, 16 << 10, (16 << 10) + 1, 1 << 20, (1 << 20) + 1, (9 << 20) + 3])
def test_every_size_comes_back(store, size):
    """A result of any size, at and about the limits where the way it is written changes, comes back."""
    put(store, 1, large(1, size), cost=1.0)
    assert get(store, 1, always=True) == (large(1, size), [])
    assert store.entry(key(1)).size == size
    assert_intact(store)


def test_parts_are_joined(store):
    """A result given in several buffers, of any item size, is stored as their bytes one after the other."""
    parts = (b"ab", bytearray(b"cd"), memoryview(b"efgh").cast("H"), b"")
    with store.deposit(call(1), 0.0) as deposit:
        child = deposit.write(parts)
        deposit.commit(cas.Result("tree/1", parts, "parts"))
    assert get(store, 1) == (b"abcdefgh", [b"abcdefgh"])
    assert child == blake3(b"abcdefgh").digest()
    assert store.entry(key(1)).size == 16


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda body: memoryview(body).cast("d")])
@pytest.mark.parametrize("size", [16, LARGE])
def test_any_buffer_is_its_bytes(store, kind, size):
    """A result given as one buffer of any type and item size is stored as its bytes, which come back as bytes."""
    with store.deposit(call(1), 0.0) as deposit:
        deposit.write((kind(large(2, size)),))
        deposit.commit(cas.Result("tree/1", (kind(large(1, size)),), "buffer"))
    assert get(store, 1) == (large(1, size), [large(2, size)])
    assert type(store.fetch(key(1))[2]) in (bytes, type(None))


def test_children_belong_to_the_entry(store):
    """The blobs written before the commit are the entry's own, each once, and count in its size."""
    put(store, 1, b"root", (large(1), large(2), large(1)))
    entry = store.entry(key(1))
    assert set(entry.blobs) == {blake3(large(1)).digest(), blake3(large(2)).digest()}
    assert len(entry.blobs) == 2
    assert entry.size == 4 + 2 * LARGE
    assert entry.inline


def test_shared_blob_is_stored_once(store):
    """Two entries with one blob in common share its file."""
    put(store, 1, b"one", (large(1),))
    put(store, 2, large(1))
    assert [blob.digest for blob in store.blobs()] == [blake3(large(1)).digest()]
    assert get(store, 1) == (b"one", [large(1)])
    assert get(store, 2) == (large(1), [])


def test_nothing_is_visible_before_commit(store):
    """A deposit shows no entry until its commit, while its blobs are in place before it (I3)."""
    with store.deposit(call(1), 0.0) as deposit:
        digest = deposit.write((large(1),))
        assert store.fetch(key(1)) is None
        assert read(store, digest) == large(1)
        deposit.commit(cas.Result("tree/1", (b"root",), ""))
        assert store.fetch(key(1)) is not None


def test_left_without_commit_stores_no_entry(store):
    """A deposit that is left by an error shows no entry, and its blobs are free to be swept."""
    with pytest.raises(ZeroDivisionError), store.deposit(call(1), 0.0) as deposit:  # noqa: PT012 - the block is left by the error
        digest = deposit.write((large(1),))
        raise ZeroDivisionError
    assert store.fetch(key(1)) is None
    assert store.sweep([digest]) == LARGE
    assert_intact(store)


def test_second_deposit_replaces_the_first(store):
    """A key stored again holds the newer result, and the older one's blobs are no longer needed."""
    put(store, 1, b"old", (large(1), large(2)))
    put(store, 1, b"new", (large(2), large(3)))
    assert get(store, 1) == (b"new", sorted([large(2), large(3)]))
    assert len(list(store.entries())) == 1
    assert store.sweep([blob.digest for blob in store.blobs()]) == LARGE
    assert_intact(store)


def test_entry_says_all_that_was_given(store):
    """An entry carries the call, the function, the result's description and its times."""
    before = time.time()
    put(store, 7, b"body", cost=1.5)
    entry = store.entry(key(7))
    assert (entry.key, entry.signature, entry.codec, entry.cost) == (key(7), call(7).signature, "tree/1", 1.5)
    assert (entry.digest, entry.inline, entry.size, entry.blobs) == (blake3(b"body").digest(), True, 4, ())
    assert (entry.summary, entry.provenance) == ("4 bytes", {"host": "here"})
    assert before - 1 <= entry.created <= time.time() + 1
    assert entry.used == entry.created
    assert (entry.function.fingerprint, entry.function.name) == (FUNCTION.fingerprint, "analysis.spectrum")
    assert (entry.function.parameters, entry.function.manifest) == (("number",), b"manifest 0")
    assert before - 1 <= entry.function.created <= time.time() + 1


def test_provenance_and_functions_are_each_call_s_own(store):
    """Entries of different functions and origins do not take on each other's."""
    other = function(1, "other", "f")
    put(store, 1)
    put(store, 2, record=other)
    with store.deposit(call(3, other), 0.0) as deposit:
        deposit.commit(cas.Result("tree/1", (b"",), "", {"numpy": "2.1"}))
    found = {entry.key: (entry.function.name, dict(entry.provenance)) for entry in store.entries()}
    assert found == {
        key(1): ("analysis.spectrum", {"host": "here"}),
        key(2): ("other.f", {"host": "here"}),
        key(3): ("other.f", {"numpy": "2.1"}),
    }


def test_missing_entry_and_blob_are_not_found(store):
    """What is not there raises NotFoundError, which is a KeyError, with a hint."""
    with pytest.raises(cas.NotFoundError) as missing:
        store.entry(key(1))
    assert missing.value.hint
    with pytest.raises(KeyError) as missing:
        store.open_blob(key(1))
    assert missing.value.hint


def test_damaged_blob_is_found_and_put_aside(store):
    """A blob whose bytes changed raises IntegrityError once, and is out of the way afterwards (I2)."""
    put(store, 1, large(1))
    digest = blake3(large(1)).digest()
    damage_blob(store, digest, flip)
    with pytest.raises(cas.IntegrityError) as damaged:
        store.open_blob(digest)
    assert damaged.value.hint
    with pytest.raises(cas.NotFoundError):
        store.open_blob(digest)
    put(store, 1, large(1))
    assert get(store, 1, always=True) == (large(1), [])
    assert_intact(store)


def test_deposit_mends_a_damaged_twin(store):
    """A blob that is deposited again where a damaged one stands is whole afterwards."""
    put(store, 1, large(1))
    damage_blob(store, blake3(large(1)).digest(), lambda body: flip(body, 8000))
    put(store, 2, b"root", (large(1),))
    assert get(store, 1, always=True) == (large(1), [])
    assert get(store, 2, always=True) == (b"root", [large(1)])
    assert_intact(store)


def test_reopened_store_holds_everything(store, factory, tmp_path):
    """What was stored is there after the store is closed, and served again by the same store."""
    put(store, 1, b"root", (large(1),))
    store.close()
    again = factory(tmp_path)
    assert get(again, 1) == (b"root", [large(1)])
    assert_intact(again)


def test_entry_of_another_store_keeps_its_age(store):
    """A deposit that names the time of its creation is an entry of that time, and one that was just used."""
    before = time.time()
    with store.deposit(call(1), 0.5) as deposit:
        deposit.commit(cas.Result("tree/1", (b"root",), ""), created=1e9)
    assert store.created(key(1)) == store.entry(key(1)).created == 1e9
    assert store.entry(key(1)).used >= before - 1


def test_deposit_that_is_not_to_replace(store):
    """With `replace=False`, what is stored already stays, and the commit says so."""
    put(store, 1, b"first")
    with store.deposit(call(1), 0.0) as deposit:
        assert not deposit.commit(cas.Result("tree/1", (b"second",), ""), replace=False)
    assert get(store, 1) == (b"first", [])
    with store.deposit(call(2), 0.0) as deposit:
        assert deposit.commit(cas.Result("tree/1", (b"second",), ""), replace=False)
    assert get(store, 2) == (b"second", [])
    assert_intact(store)


def test_deposit_of_bytes_that_are_not_what_was_expected(store):
    """With `expected`, a root of another digest is refused, and nothing is stored."""
    with store.deposit(call(1), 0.0) as deposit, pytest.raises(cas.IntegrityError):
        deposit.commit(cas.Result("tree/1", (b"other",), ""), expected=blake3(b"root").digest())
    assert store.fetch(key(1)) is None
    with store.deposit(call(1), 0.0) as deposit:
        deposit.commit(cas.Result("tree/1", (b"root",), ""), expected=blake3(b"root").digest())
    assert get(store, 1) == (b"root", [])
