"""What a store says of itself: entries in order, functions and their figures, keys by prefix, weights."""

from __future__ import annotations

import pytest
from blake3 import blake3

import cas
from tests.deposits import FUNCTION, LARGE, call, function, key, large, put

ORDERS = ("created", "used", "cost", "size", "codec", "summary", "key")


@pytest.fixture
def filled(store):
    """Return a store of six entries whose fields rise and fall differently."""
    for number, (size, cost) in enumerate([(3, 0.5), (1, 0.9), (2, 0.1), (6, 0.4), (5, 0.2), (4, 0.7)]):
        put(store, number, bytes(size), cost=cost)
    return store


@pytest.mark.parametrize("field", ORDERS)
def test_entries_are_ordered_by_a_field(filled, field):
    """Entries rise by any field, and fall with a leading minus."""
    rising = [getattr(entry, field) for entry in filled.entries(order=field)]
    falling = [getattr(entry, field) for entry in filled.entries(order=f"-{field}")]
    assert len(rising) == 6
    assert rising == sorted(rising)
    assert falling == sorted(rising, reverse=True)


def test_newest_entry_comes_first(filled):
    """Without an order, entries come newest first, the last stored being the newest."""
    put(filled, 2, b"again")
    assert [entry.key for entry in filled.entries()] == [key(number) for number in (2, 5, 4, 3, 1, 0)]


def test_unknown_order_is_refused(filled):
    """A field that entries do not have raises InvalidInputError, which names those they have."""
    with pytest.raises(cas.InvalidInputError, match="colour") as refused:
        list(filled.entries(order="colour"))
    assert "created" in refused.value.hint


def test_entries_of_one_function(store):
    """Entries of one function leave others out, and join all its versions."""
    put(store, 1)
    put(store, 2, record=function(1))
    put(store, 3, record=function(0, "analysis", "other"))
    assert [entry.key for entry in store.entries("analysis", "spectrum", "created")] == [key(1), key(2)]
    assert list(store.entries("analysis", "missing")) == []


def test_entries_with_exactly_these_arguments(store):
    """Entries can be asked for by their stored arguments, of one function or of all, in order."""
    put(store, 1)
    put(store, 2)
    with store.deposit(cas.Call(key(3), function(1), call(1).signature), 0.0) as deposit:
        deposit.commit(cas.Result("tree/1", (b"body",), "body", {}))
    with store.deposit(cas.Call(key(4), function(0, "analysis", "other"), call(1).signature), 0.0) as deposit:
        deposit.commit(cas.Result("tree/1", (b"body",), "body", {}))
    ones = call(1).signature
    assert [entry.key for entry in store.entries("analysis", "spectrum", signature=ones)] == [key(3), key(1)]
    assert [entry.key for entry in store.entries(order="created", signature=ones)] == [key(1), key(3), key(4)]
    assert list(store.entries("analysis", "spectrum", signature=ones[:-1])) == []
    assert list(store.entries("analysis", "missing", signature=ones)) == []


def test_entries_of_one_version(store):
    """Entries are found by the version that computed them, alone and with a signature."""
    for number in (1, 2):
        put(store, number)
        with store.deposit(cas.Call(key(number + 10), function(1), call(number).signature), 0.0) as deposit:
            deposit.commit(cas.Result("tree/1", (b"new",), ""))
    of_old, of_new = function(0).fingerprint, function(1).fingerprint
    assert [entry.key for entry in store.entries(order="created", fingerprint=of_old)] == [key(1), key(2)]
    assert [entry.key for entry in store.entries("analysis", "spectrum", fingerprint=of_new)] == [key(12), key(11)]
    twos = call(2).signature
    assert [entry.key for entry in store.entries(fingerprint=of_new, signature=twos)] == [key(12)]
    assert list(store.entries("analysis", "other", fingerprint=of_new)) == []
    assert list(store.entries(fingerprint=b"none")) == []


def test_store_takes_writes_while_entries_are_read(store, factory, tmp_path):
    """A listing that is half read neither hinders writing nor changes under it, whoever writes meanwhile."""
    for number in range(4):
        put(store, number)
    listing = store.entries(order="created")
    seen = [next(listing).key]
    _in_thread(lambda: put(factory(tmp_path), 9))
    assert store.forget([key(3)]) == 1
    put(store, 5, large(5))
    seen += [entry.key for entry in listing]
    assert seen == [key(number) for number in range(4)]
    assert {entry.key for entry in store.entries()} == {key(number) for number in (0, 1, 2, 5, 9)}


def _in_thread(run):
    import threading

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def test_forgetting_what_a_listing_yields(filled):
    """Entries may be forgotten straight from the listing that yields them."""
    assert filled.forget(entry.key for entry in filled.entries() if entry.cost < 0.45) == 3
    assert [entry.cost for entry in filled.entries(order="cost")] == [0.5, 0.7, 0.9]


def test_find_by_prefix(filled):
    """A prefix of a key's hexadecimal form, of odd length too, finds the keys that start so, in either case."""
    whole = key(3).hex()
    assert filled.find(whole) == [key(3)]
    assert filled.find(whole[:15]) == [key(3)]
    assert filled.find(whole[:15].upper()) == [key(3)]
    assert sorted(filled.find("")) == sorted(key(number) for number in range(6))
    first = sorted(key(number) for number in range(6) if key(number).hex().startswith(whole[0]))
    assert sorted(filled.find(whole[0])) == first
    assert filled.find(key(99).hex()) == []


def test_find_returns_only_a_few(store):
    """A prefix that many keys start with finds a handful, enough to say that it is ambiguous."""
    for number in range(30):
        put(store, number)
    assert 2 <= len(store.find("")) <= 10


@pytest.mark.parametrize("prefix", ["xyz", "12 4", "0x12", "é"])
def test_find_refuses_what_is_not_hexadecimal(filled, prefix):
    """A prefix that no key can have raises InvalidInputError."""
    with pytest.raises(cas.InvalidInputError):
        filled.find(prefix)


def test_find_takes_no_more_than_a_key(filled):
    """Text that is longer than a key finds nothing, even if it starts with one."""
    assert filled.find(key(3).hex() + "00") == []


def test_functions_sum_up_their_entries(store):
    """A function's figures are those of its entries; versions stand apart, the newest first."""
    put(store, 1, b"abc", cost=1.0)
    put(store, 2, b"root", (large(1),), cost=2.0)
    put(store, 3, b"x", record=function(1), cost=4.0)
    newest, oldest = store.functions()
    assert (newest.function.fingerprint, newest.entries, newest.size, newest.cost) == (
        function(1).fingerprint, 1, 1, 4.0,
    )  # fmt: skip
    assert (oldest.function.fingerprint, oldest.entries, oldest.size, oldest.cost) == (
        FUNCTION.fingerprint, 2, 3 + 4 + LARGE, 3.0,
    )  # fmt: skip
    assert (oldest.hits, oldest.saved) == (0, 0.0)
    assert oldest.used >= oldest.function.created


def test_hits_add_up(store):
    """Recorded hits add to a function's figures and mark its entries as used; unknown keys do no harm."""
    put(store, 1, cost=2.0)
    created = store.entry(key(1)).created
    store.record_hits(FUNCTION.fingerprint, 3, 6.0, [key(1), key(99)])
    store.record_hits(FUNCTION.fingerprint, 1, 2.0, [])
    (summary,) = store.functions()
    assert (summary.hits, summary.saved) == (4, 8.0)
    assert store.entry(key(1)).created == created
    assert abs(store.entry(key(1)).used - created) < 5
    assert store.fetch(key(1))[4] == store.entry(key(1)).used


def test_weights_are_those_of_the_entries(store):
    """What gc weighs is what the entries say: key, fingerprint, size, cost, times, blobs."""
    put(store, 1, b"abc", cost=1.0)
    put(store, 2, b"root", (large(1), large(2)), cost=2.0)
    put(store, 3, large(3), record=function(1))
    weighed = {row[0]: (*row[1:6], set(row[6])) for row in store.weights()}
    expected = {
        entry.key: (entry.function.fingerprint, entry.size, entry.cost, entry.created, entry.used, set(entry.blobs))
        for entry in store.entries()
    }
    assert weighed == expected
    assert weighed[key(3)][5] == {blake3(large(3)).digest()}


def test_function_stays_when_its_entries_go(store):
    """A function whose entries are all forgotten keeps its record and its hits."""
    put(store, 1)
    store.record_hits(FUNCTION.fingerprint, 2, 1.0, [])
    store.forget([key(1)])
    (summary,) = store.functions()
    assert (summary.entries, summary.size, summary.cost, summary.hits) == (0, 0, 0, 2)
