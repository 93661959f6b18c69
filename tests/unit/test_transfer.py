"""Entries that travel from store to store arrive whole, or not at all."""

from __future__ import annotations

import os

import pytest
from blake3 import blake3

import cas
from cas.transfer import Sent, send, send_all
from tests.deposits import FUNCTION, assert_intact, call, flip, function, get, key, large, overwrite, put


@pytest.fixture
def target(tmp_path):
    """Return a second store, empty."""
    return cas.open(tmp_path / "target")


def put_aged(store, number, body=b"small", children=(), created=1e9):
    """Deposit a result that was first stored long ago, and return its entry."""
    with store.deposit(call(number), 2.5) as deposit:
        for child in children:
            deposit.write((child,))
        deposit.commit(cas.Result("npy/1", (body,), f"{len(body)} bytes", {"host": "there"}), created)
    return store.entry(key(number))


@pytest.mark.parametrize(
    ("body", "children"),
    [
        (b"small", ()),
        (b"", ()),
        (large(1), ()),
        (b"root", (large(2), large(3), b"short", b"")),
        (large(1), (large(2),)),
        (large(1), (large(1), large(2))),
        (b"same", (b"same",)),
    ],
    ids=["small", "empty", "large", "tree", "large-tree", "large-twice", "small-twice"],
)
def test_entry_arrives_as_it_was(store, target, body, children):
    """A sent entry has the bytes, codec, cost, time of creation and provenance that it had; only its use is new."""
    sent = put_aged(store, 1, body, children)
    assert send(sent, store, target) is True
    assert get(target, 1, always=True) == get(store, 1)
    arrived = target.entry(key(1))
    for name in ("key", "signature", "codec", "digest", "inline", "size", "blobs", "summary", "cost", "created"):
        assert getattr(arrived, name) == getattr(sent, name)
    assert arrived.provenance == {"host": "there"}
    assert arrived.function == sent.function
    assert_intact(target)


def test_version_keeps_its_age(store, target):
    """A version that arrives later is not taken for newer than it is, which gc would go by."""
    put(store, 1)
    put(target, 2, record=function(1))
    send(store.entry(key(1)), store, target)
    assert [record.fingerprint for record in target.records()] == [function(1).fingerprint, FUNCTION.fingerprint]
    assert target.records()[1].created == store.records()[0].created


def test_what_the_target_has_stays(store, target):
    """A call that has a result in the target keeps it, unless it is to be replaced by another."""
    entry = put_aged(store, 1, b"new", (large(1),))
    put(target, 1, b"old")
    assert send(entry, store, target) is False
    assert get(target, 1) == (b"old", [])
    assert send(entry, store, target, replace=True) is True
    assert get(target, 1) == (b"new", [large(1)])
    assert send(entry, store, target, replace=True) is False


def test_replacing_tells_two_of_the_same_bytes_by_their_age(store, target):
    """A result that was computed anew replaces an older one of the same bytes, whose age would be wrong."""
    put_aged(target, 1, created=1e9)
    assert send(put_aged(store, 1, created=2e9), store, target, replace=True) is True
    assert target.created(key(1)) == 2e9


@pytest.mark.parametrize("damaged", [large(1), large(2)], ids=["root", "child"])
def test_damaged_blob_does_not_travel(store, target, damaged):
    """An entry of which a blob is damaged is not sent, and the blob is put aside where it was read."""
    entry = put_aged(store, 1, large(1), (large(2),))
    path = store.open_blob(blake3(damaged).digest()).path
    status = os.stat(path)
    overwrite(path, flip)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(cas.IntegrityError):
        send(entry, store, target)
    assert target.fetch(key(1)) is None
    assert blake3(damaged).digest() not in {blob.digest for blob in store.blobs()}
    assert_intact(target)


def test_damage_that_no_stamp_shows_does_not_travel(store, target, monkeypatch):
    """Bytes are hashed on their way, whatever the source believes of them."""
    entry = put_aged(store, 1, b"root", (large(2),))
    blob = store.open_blob(blake3(large(2)).digest())
    overwrite(blob.path, flip)
    stamp = store.blob_files.stamp(blob.digest)
    store.verified.stamps[blob.digest] = stamp  # as a failing disk leaves it
    with pytest.raises(cas.IntegrityError):
        send(entry, store, target)
    assert target.fetch(key(1)) is None


def test_damaged_twin_in_the_target_is_mended(store, target):
    """An entry that the target has with damaged bytes counts as absent."""
    entry = put_aged(store, 1)
    send(entry, store, target)
    with target.index.writing() as run:
        run("UPDATE entries SET body = x'00'")
    assert send(entry, store, target) is True
    assert get(target, 1) == (b"small", [])


def test_entry_that_went_or_changed_does_not_travel(store, target):
    """An entry that was forgotten or replaced since it was listed is not sent under false colours."""
    entry = put_aged(store, 1)
    put(store, 1, b"other")
    with pytest.raises(cas.ConflictError):
        send(entry, store, target)
    store.forget([key(1)])
    with pytest.raises(cas.NotFoundError):
        send(entry, store, target)
    assert target.count() == 0


def test_all_that_is_whole_travels(store, target):
    """Of many entries those that are damaged stay behind and are named; the rest arrive in order of age."""
    for number in range(6):
        put(store, number, large(number) if number % 2 else b"%d" % number)
    put(target, 4, b"4")
    overwrite(store.open_blob(blake3(large(3)).digest()).path, flip)
    told = []
    found = send_all(store, target, progress=lambda *how_far: told.append(how_far))
    assert found[:2] == (4, 1)
    ((failed, reason),) = found.failed
    assert failed == key(3)
    assert "other bytes" in reason
    assert [entry.key for entry in target.entries(order="created")] == [key(number) for number in (4, 0, 1, 2, 5)]
    assert told == [("copying entries", 6, 6)]
    assert_intact(target)
    assert send_all(store, target, entries=[store.entry(key(0))]) == Sent(0, 1, ())


def test_failing_target_ends_the_copying(store, tmp_path):
    """A target that takes no writes is no fault of the entries: its error is raised."""
    put(store, 1)
    cas.open(tmp_path / "target")
    with pytest.raises(cas.ReadOnlyError):
        send_all(store, cas.open(tmp_path / "target", writable=False))
