"""What keeps a store in order: forget, sweep, quarantine, claims, small memories, reading only."""

from __future__ import annotations

import os
import pickle
import threading

import pytest
from blake3 import blake3

import cas
from tests.contract.damage import leave
from tests.deposits import FUNCTION, LARGE, assert_intact, call, get, key, large, put


def digest(number: int) -> bytes:
    """Return the digest of a large blob."""
    return blake3(large(number)).digest()


def test_forget_counts_what_was_there(store):
    """Forgetting returns how many entries there were, and what is forgotten is a miss."""
    put(store, 1)
    put(store, 2)
    assert store.forget([key(1), key(1), key(9)]) == 1
    assert store.fetch(key(1)) is None
    assert get(store, 2) == (b"small", [])
    assert store.forget([]) == 0


def test_forgotten_entry_leaves_its_blobs(store):
    """Blobs of a forgotten entry stay until they are swept."""
    put(store, 1, large(1))
    store.forget([key(1)])
    assert [blob.digest for blob in store.blobs()] == [digest(1)]
    assert store.sweep([digest(1)]) == LARGE
    assert list(store.blobs()) == []


def test_sweep_spares_what_is_needed(store):
    """A sweep of everything removes only what no entry needs (I4)."""
    put(store, 1, b"root", (large(1), large(2)))
    put(store, 2, large(2))
    put(store, 3, large(3))
    store.forget([key(1), key(3)])
    freed = store.sweep([blob.digest for blob in store.blobs()])
    assert freed == 2 * LARGE
    assert get(store, 2, always=True) == (large(2), [])
    assert_intact(store)


def test_sweep_of_what_is_not_there(store):
    """Sweeping digests that have no blob frees nothing."""
    assert store.sweep([digest(1)] * 3) == 0


def test_swept_blob_may_come_back(store):
    """A blob that was swept is written anew by the next deposit of it."""
    put(store, 1, large(1))
    store.forget([key(1)])
    store.sweep([digest(1)])
    put(store, 1, large(1))
    assert get(store, 1, always=True) == (large(1), [])


def test_many_blobs_are_swept_in_batches(store):
    """A sweep longer than a batch removes every blob."""
    with store.deposit(call(1), 0.0) as deposit:
        for number in range(1100):
            deposit.write((b"%d" % number,))
    assert store.sweep([blob.digest for blob in store.blobs()]) == sum(len(str(n)) for n in range(1100))
    assert list(store.blobs()) == []


def test_sweep_waits_for_a_running_deposit(store):
    """A sweep that starts between a deposit's blob and its entry removes nothing of it (I4)."""
    sweeper = threading.Thread(target=lambda: store.sweep([digest(1)]))
    with store.deposit(call(1), 0.0) as deposit:
        deposit.write((large(1),))
        sweeper.start()
        deposit.write((large(2),))
        deposit.commit(cas.Result("tree/1", (b"root",), ""))
    sweeper.join()
    assert get(store, 1, always=True) == (b"root", sorted([large(1), large(2)]))


def test_quarantine_moves_a_blob_away(store):
    """A blob in quarantine is no blob of the store; one that is not there makes no error."""
    put(store, 1, large(1))
    store.quarantine(digest(1))
    store.quarantine(digest(1))
    assert list(store.blobs()) == []
    with pytest.raises(cas.NotFoundError):
        store.open_blob(digest(1))


def test_claim_holds_off_another_thread(store):
    """While one thread holds a claim, another waits for it, and for no other key."""
    order = []

    def second() -> None:
        with store.claim(key(2)):
            order.append("other key")
        with store.claim(key(1)):
            order.append("second")

    thread = threading.Thread(target=second)
    with store.claim(key(1)):
        thread.start()
        while not order:
            thread.join(0.001)
        order.append("first")
    thread.join()
    assert order == ["other key", "first", "second"]


def test_claim_is_taken_again_inside_itself(store):
    """A call inside itself passes, and the claim is held until the outermost is left."""
    held = []

    def other() -> None:
        with store.claim(key(1)):
            held.append("other")

    thread = threading.Thread(target=other)
    with store.claim(key(1)):
        with store.claim(key(1)), store.claim(key(2)):
            thread.start()
        held.append("outer")
    thread.join()
    assert held == ["outer", "other"]


def test_claim_is_free_after_an_error(store):
    """A claim that is left by an error is free."""
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), store.claim(key(1)):
            raise ZeroDivisionError
    thread = threading.Thread(target=lambda: store.claim(key(1)).__enter__())
    thread.start()
    thread.join()


def test_memory_is_kept_and_replaced(store):
    """What is remembered is recalled, the newest under each name; other names are None."""
    assert store.recall(b"a") is None
    store.remember(b"a", b"1")
    store.remember(b"b", b"")
    store.remember(b"a", b"2")
    assert (store.recall(b"a"), store.recall(b"b"), store.recall(b"c")) == (b"2", b"", None)


def test_reading_only(store, factory, tmp_path):
    """A store opened for reading serves and lists all, and refuses each write with ReadOnlyError."""
    put(store, 1, b"root", (large(1),))
    store.remember(b"a", b"1")
    store.close()
    reader = factory(tmp_path, writable=False)
    assert not reader.writable
    assert get(reader, 1, always=True) == (b"root", [large(1)])
    assert [entry.key for entry in reader.entries()] == [key(1)]
    assert reader.find(key(1).hex()[:8]) == [key(1)]
    assert reader.recall(b"a") == b"1"
    assert len(reader.functions()) == len(list(reader.weights())) == len(list(reader.blobs())) == 1
    for write in (
        lambda: reader.deposit(call(2), 0.0),
        lambda: reader.claim(key(2)),
        lambda: reader.record_hits(FUNCTION.fingerprint, 1, 1.0, []),
        lambda: reader.forget([key(1)]),
        lambda: reader.sweep([digest(1)]),
        lambda: reader.quarantine(digest(1)),
        lambda: reader.remember(b"a", b"2"),
        lambda: reader.remove_stray("x"),
    ):
        with pytest.raises(cas.ReadOnlyError) as refused:
            write()
        assert isinstance(refused.value, PermissionError)
        assert refused.value.hint
    assert_intact(reader)


def test_reader_sees_what_is_written_later(store, factory, tmp_path):
    """A store opened for reading sees what is stored while it is open."""
    put(store, 1)
    reader = factory(tmp_path, writable=False)
    assert get(reader, 1) == (b"small", [])
    put(store, 2, large(2))
    assert get(reader, 2) == (large(2), [])


def test_strays_are_listed_and_removed(store):
    """Files that are no part of a store are strays; what is a part of it cannot be removed as one."""
    put(store, 1, large(1))
    foreign = leave(store, "notes.txt")
    assert list(store.strays()) == [foreign]
    for path in (store.open_blob(digest(1)).path, __file__, os.path.join(store.location, "..", "notes.txt")):
        with pytest.raises(cas.InvalidInputError):
            store.remove_stray(path)
    store.remove_stray(foreign)
    store.remove_stray(foreign)
    assert list(store.strays()) == []
    assert_intact(store)


def test_store_travels_by_its_location(store):
    """A pickled store is the store of the process that unpickles it, at the same location."""
    travelled = pickle.loads(pickle.dumps(store))
    assert travelled.location == store.location
    put(travelled, 1)
    assert store.fetch(key(1)) is not None
