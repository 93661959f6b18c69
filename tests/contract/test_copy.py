"""Results given to further calls: the same bytes under a new key, and nothing changed under the old one."""

from __future__ import annotations

import threading

import msgpack
import pytest
from blake3 import blake3

import cas
from tests.contract.damage import damage_blob, damage_entry, lose_blob
from tests.deposits import FUNCTION, assert_intact, call, function, get, key, large, put

RENEWED = function(1)
NOTE = {"adopted": "from an older version"}


def further(number: int, by: int = 100) -> tuple[bytes, cas.Call]:
    """Return an entry's key, and the call of another version that is to have its result."""
    return key(number), cas.Call(key(number + by), RENEWED, msgpack.packb([-number]))


def test_copy_serves_the_same_result(store):
    """A further call is served the bytes, codec and cost of the entry that it was copied from."""
    put(store, 1, b"small", cost=2.5)
    put(store, 2, large(2), (large(3), large(4)), cost=0.5)
    assert store.copy([further(1), further(2)], NOTE) == cas.Copied(2, 0, ())
    assert get(store, 101, always=True) == (b"small", [])
    assert get(store, 102, always=True) == (large(2), sorted([large(3), large(4)]))
    assert store.fetch(key(101))[:4] == store.fetch(key(1))[:4]
    assert_intact(store)


def test_copy_keeps_what_it_came_from(store):
    """The new entry has the arguments and version of its call, and all else of the old one, which stays."""
    put(store, 1, large(1), (large(2),), cost=2.5)
    old = store.entry(key(1))
    store.copy([further(1)], NOTE)
    new = store.entry(key(101))
    assert (new.function.fingerprint, new.signature) == (RENEWED.fingerprint, msgpack.packb([-1]))
    assert new.provenance == {"host": "here"} | NOTE
    for name in ("codec", "digest", "inline", "size", "blobs", "summary", "cost", "created"):
        assert getattr(new, name) == getattr(old, name)
    assert new.used >= old.used
    assert store.entry(key(1)) == old
    assert [record.fingerprint for record in store.records()] == [RENEWED.fingerprint, FUNCTION.fingerprint]


def test_copy_overwrites_nothing(store):
    """A call that has a result keeps it."""
    put(store, 1, b"old")
    put(store, 101, b"its own")
    assert store.copy([further(1)], NOTE) == cas.Copied(0, 1, ())
    assert get(store, 101) == (b"its own", [])
    assert store.entry(key(101)).provenance == {"host": "here"}


def test_copy_of_a_copy_adds_its_note(store):
    """A result that is copied again keeps the note of the first time."""
    put(store, 1)
    store.copy([further(1)], {"first": "a"})
    store.copy([(key(101), call(201))], {"second": "b"})
    assert store.entry(key(201)).provenance == {"host": "here", "first": "a", "second": "b"}


def test_copy_of_nothing(store):
    """Entries that are not there are passed over."""
    assert store.copy([], NOTE) == cas.Copied(0, 0, ())
    assert store.copy([further(7)], NOTE) == cas.Copied(0, 0, ())
    assert store.count() == 0


def test_copy_is_all_or_nothing(store):
    """Where the pairs end in an error, nothing was copied."""
    put(store, 1)

    def pairs():
        yield further(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.copy(pairs(), NOTE)
    assert store.count() == 1
    assert store.records() == [store.entry(key(1)).function]
    assert store.copy([further(1)], NOTE).made == 1


def test_copy_streams_from_the_store_itself(store):
    """The pairs may be read from the store that they are written to, which does not see its own copies meanwhile."""
    for number in range(300):
        put(store, number, b"%d" % number)
    pairs = ((entry.key, cas.Call(blake3(entry.key).digest(), RENEWED, entry.signature)) for entry in store.entries())
    assert store.copy(pairs, NOTE).made == 300
    assert store.count() == 600
    assert store.fetch(blake3(key(7)).digest())[2] == b"7"


def test_copy_leaves_out_what_is_damaged(store):
    """An entry whose body is damaged, or that lacks a blob, is named and not copied; the others are."""
    for number in range(3):
        put(store, number, large(number) if number == 1 else b"%d" % number)
    damage_entry(store, key(2), lambda body: body[:-1] + b"?")
    lose_blob(store, blake3(large(1)).digest())
    assert store.copy(map(further, range(3)), NOTE) == cas.Copied(1, 0, (key(1), key(2)))
    assert get(store, 100) == (b"0", [])
    assert (store.fetch(key(101)), store.fetch(key(102))) == (None, None)


@pytest.mark.parametrize("body", [b"", b"x" * 20, "text", 7, 0.5])
def test_copy_of_a_body_of_any_kind(store, body):
    """A body that damage made shorter, or another type, is left out."""
    put(store, 1)
    damage_entry(store, key(1), lambda _: body)
    assert store.copy([further(1)], NOTE).damaged == (key(1),)


def test_damaged_blob_shows_under_the_copy(store):
    """A blob that is damaged after copying is found under the new key as under the old one."""
    put(store, 1, large(1))
    store.copy([further(1)], NOTE)
    damage_blob(store, blake3(large(1)).digest(), bytearray.reverse)
    with pytest.raises(cas.IntegrityError):
        get(store, 101)


def test_sweep_waits_for_a_copy(store):
    """What goes while a copy is made takes no blob from the copied entries (I3, I4)."""
    put(store, 1, b"root", (large(1),))
    put(store, 2, large(2))
    blobs = [blob.digest for blob in store.blobs()]
    remover = threading.Thread(target=lambda: (store.forget([key(1), key(2)]), store.sweep(blobs)))

    def pairs():
        yield further(1)
        remover.start()
        yield further(2)

    assert store.copy(pairs(), NOTE).made == 2
    remover.join()
    assert store.count() == 2
    assert get(store, 101, always=True) == (b"root", [large(1)])
    assert get(store, 102, always=True) == (large(2), [])
    assert_intact(store)


def test_copies_beside_removal(store):
    """Threads that store, copy, forget and sweep at once leave entries that are whole (I4)."""
    failed = []

    def live(start: int) -> None:
        try:
            for number in range(start, start + 20):
                put(store, number, b"root", (large(number % 3),))
                store.copy([further(number, by=1000)], NOTE)
                store.forget([key(number)])
                store.sweep([blob.digest for blob in store.blobs()])
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=live, args=(start,)) for start in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert store.count() == 60
    for start in (1000, 1100, 1200):
        for number in range(start, start + 20):
            assert get(store, number, always=True) == (b"root", [large((number - 1000) % 3)])
    assert_intact(store)


def test_copy_needs_a_writable_store(store, factory, tmp_path):
    """A store opened for reading copies nothing."""
    put(store, 1)
    reader = factory(tmp_path, writable=False)
    with pytest.raises(cas.ReadOnlyError):
        reader.copy([further(1)], NOTE)
