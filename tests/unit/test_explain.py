"""What a call does and why: hits, misses and bypasses, before the call and after the fact."""

from __future__ import annotations

import gc
import os
import sqlite3
import threading
import time
import weakref

import numpy as np
import pytest

import cas
import memo
from memo import explain as module
from memo.explain import Explanation, explain, last_misses, note_bypass, note_miss, trouble_of
from tests.deposits import call, forked, put


def double(x, gain=2):
    """Return a number that memory keeps as it is."""
    return x * gain


def samples(n):
    """Return an array that stands in a file of its own."""
    return np.arange(n)


def explained(cached, *values) -> Explanation:
    """Return the explanation of a call of a cached function."""
    return explain(cached.cache._caller, list(values))


@pytest.fixture
def doubled(store):
    """Return a cached function that keeps nothing in memory."""
    return memo.cached(double, store=store, memory=False)


def entries(store) -> list[bytes]:
    """Return the keys of all entries."""
    return [entry.key for entry in store.entries()]


def test_a_hit_says_where_from(store, doubled):
    """A hit names its entry, and says when, in what time, by which version and where it was computed."""
    assert doubled(3) == 6
    found = explained(doubled, 3, 2)
    entry = store.entry(bytes.fromhex(doubled.cache.key(3)))
    assert (found.outcome, found.source, found.entry, found.reason) == ("hit", "store", entry, None)
    assert found.key == doubled.cache.key(3)
    first, computed, place, named = str(found).splitlines()
    assert first == f"hit: {__name__}.double, from the store"
    assert computed.startswith("  computed just now in ")
    assert computed.endswith(f" by version {entry.function.fingerprint.hex()[:8]}")
    assert place.startswith(f"  on host {entry.provenance['host']}, ")
    assert f"python {entry.provenance['python']}" in place
    assert named == f"  entry {found.key[:12]}: 6"


def test_a_hit_on_an_adopted_result_says_so(store, doubled):
    """A result that was taken over from another version is not said to be computed by this one."""
    doubled(3)
    version, signature = doubled.cache._caller.sign([4, 2])
    adopted = cas.Call(version.key(signature), version.record(("x", "gain")), signature)
    store.copy([(bytes.fromhex(doubled.cache.key(3)), adopted)], {"adopted from old.double@3f2a": "5 calls, all equal"})
    lines = str(explained(doubled, 4, 2)).splitlines()
    assert lines[0].startswith("hit: ")
    assert "version" not in lines[1]
    assert lines[2] == "  adopted from old.double@3f2a (5 calls, all equal)"
    assert "adopted" not in lines[3]


def test_a_hit_in_memory_says_so(store):
    """A result that this process keeps is served from memory, even after its entry is gone."""
    cached = memo.cached(double, store=store)
    assert [cached(3), cached(3)] == [6, 6]
    assert explained(cached, 3, 2).source == "memory"
    store.forget([bytes.fromhex(cached.cache.key(3))])
    found = explained(cached, 3, 2)
    assert (found.outcome, found.source, found.entry) == ("hit", "memory", None)
    assert str(found).splitlines()[1] == "  it is not in the store"
    assert cached(3) == 6
    assert cached.cache._caller.misses == 1


def test_a_miss_has_a_reason(doubled):
    """A call that is not stored misses because of the nearest that is."""
    assert explained(doubled, 3, 2).reason.kind == "first"
    doubled(3)
    found = explained(doubled, 3, 4)
    assert (found.outcome, found.entry, found.key) == ("miss", None, doubled.cache.key(3, 4))
    assert (
        str(found).splitlines()[0] == "miss: no earlier call had these arguments; the nearest differs in gain: 2 -> 4"
    )


def test_explaining_changes_nothing(store, doubled):
    """Explaining computes nothing, stores nothing and counts nothing."""
    calls = []

    def watched(x):
        calls.append(x)
        return x

    watching = memo.cached(watched, store=store, allow_mutable_bindings=True)
    explained(watching, 1)
    doubled(3)
    before = entries(store), store.functions(), doubled.cache._caller.counts(), len(last_misses())
    for values in ((3, 2), (3, 4), (open(os.devnull), 2)):  # noqa: SIM115 - closed below
        explained(doubled, *values)
    values[0].close()
    doubled.cache._caller.record_hits()
    assert (entries(store), store.functions(), doubled.cache._caller.counts(), len(last_misses())) == before
    assert calls == []


def test_a_bypass_says_which_argument(doubled):
    """A call whose argument has no canonical form runs without its cache; the path and the mend are told."""
    with open(os.devnull) as file:
        found = explained(doubled, {"log": file}, 2)
    assert (found.outcome, found.key, found.reason) == ("bypass", "", None)
    line, hint = str(found).splitlines()
    assert line.startswith(f'bypass: {__name__}.double runs without its cache: x["log"]: expected a value')
    assert hint.startswith("  hint: pass its path")


class Raising:
    """A class whose objects cannot be looked at."""

    def __memo_key__(self):
        raise LookupError("no key today")


def test_a_class_that_raises_is_a_bypass(doubled):
    """An error of the user's own class, met in an argument, is why the call runs without its cache."""
    found = explained(doubled, Raising(), 2)
    assert found.outcome == "bypass"
    assert "no key today" in str(found)


def test_a_function_that_is_refused_is_refused_here(store):
    """A function without a fingerprint is refused as a call would refuse it."""
    weights = [1, 2]
    with pytest.raises(memo.UnstableFunction, match="weights"):
        explained(memo.cached(lambda x: [x * w for w in weights], store=store), 1)


def test_a_damaged_entry_is_a_miss_and_stays(store, doubled):
    """An entry whose bytes are damaged is told as such, and left for the call to put into quarantine."""
    doubled(3)
    key = bytes.fromhex(doubled.cache.key(3))
    with sqlite3.connect(os.path.join(store.location, "index.sqlite")) as index:
        index.execute("UPDATE entries SET body = zeroblob(length(body)) WHERE key = ?", (key,))
    index.close()
    for _ in range(2):
        found = explained(doubled, 3, 2)
        assert (found.outcome, found.reason) == ("miss", None)
        assert str(found).startswith("miss: what is stored for this call cannot be used: the result stored under")
        assert str(found).endswith("\n  hint: the call computes it again")
    assert entries(store) == [key]
    assert not os.path.exists(os.path.join(store.location, "quarantine"))


@pytest.mark.parametrize("lost", [True, False])
def test_a_damaged_blob_is_a_miss_and_stays(store, lost):
    """A result whose file is damaged or gone is a miss, and nothing is moved."""
    cached = memo.cached(samples, store=store, memory=False)
    cached(10_000)
    (blob,) = store.blobs()
    if lost:
        os.unlink(blob.path)
    else:
        os.chmod(blob.path, 0o600)
        with open(blob.path, "r+b") as file:
            file.write(b"damage")
    found = explained(cached, 10_000)
    assert (found.outcome, found.entry.summary) == ("miss", "int64[10000]")
    assert "cannot be used" in str(found)
    assert os.path.exists(blob.path) is not lost
    assert len(entries(store)) == 1


def test_what_memory_keeps_may_need_a_file(store):
    """A result in memory that lacks the file of one of its arrays is no hit."""
    cached = memo.cached(lambda n: [np.arange(n)], store=store)
    cached(10_000)
    cached(10_000)
    assert explained(cached, 10_000).source == "memory"
    (blob,) = store.blobs()
    os.unlink(blob.path)
    assert explained(cached, 10_000).outcome == "miss"


def test_a_store_that_does_not_open(tmp_path):
    """Where the store does not open, the call misses for that reason."""
    (tmp_path / "file").write_text("no store")
    found = explained(memo.cached(double, store=tmp_path / "file"), 3, 2)
    assert (found.outcome, found.reason) == ("miss", None)
    assert str(found).startswith("miss: the store does not open: expected a store")
    assert "\n  hint: " in str(found)


def test_a_store_that_was_deleted_and_made_again(tmp_path):
    """An explanation sees the store that stands there now, not one that stood in its place."""
    import shutil

    cached = memo.cached(double, store=tmp_path / "store", memory=False)
    cached(3)
    assert explained(cached, 3, 2).outcome == "hit"
    shutil.rmtree(tmp_path / "store")
    cached(4)
    assert explained(cached, 3, 2).outcome == "miss"
    assert explained(cached, 4, 2).outcome == "hit"


# After the fact


@pytest.fixture(autouse=True)
def _none_noted():
    """Forget the calls of other tests."""
    module._noted.clear()


def test_the_last_misses_come_newest_first(store):
    """Computed calls are remembered with name, key, time and cost, the newest first, a hundred of them."""
    for number in range(103):
        note_miss(store, call(number), 1000.0 + number, 0.5)
    found = last_misses()
    assert len(found) == 100
    assert [miss.when for miss in found[:3]] == [1102.0, 1101.0, 1100.0]
    assert [miss.when for miss in last_misses(2)] == [1102.0, 1101.0]
    miss = found[0]
    assert (miss.function, miss.key, miss.cost, miss.outcome) == (
        "analysis.spectrum", call(102).key.hex(), 0.5, "miss",
    )  # fmt: skip
    clock = time.strftime("%H:%M:%S", time.localtime(1102.0))
    assert repr(miss) == f"<miss of analysis.spectrum at {clock}, 500 ms, {miss.key[:12]}>"


def test_a_miss_is_explained_from_what_was_there_before(store):
    """After the fact, neither the result of the call itself nor what came later counts."""
    put(store, 1)
    when = time.time()
    put(store, 2)
    put(store, 3)
    note_miss(store, call(2), when, 0.1)
    found = last_misses()[0].explain()
    assert (found.outcome, found.key, found.reason.nearest.key) == ("miss", call(2).key.hex(), call(1).key)
    assert str(found).startswith("miss: no earlier call had these arguments; the nearest differs in number: 1 -> 2\n")


def test_trouble_is_why(store):
    """A call that was computed because of damage says so, and looks for no other reason."""
    put(store, 1)
    note_miss(store, call(2), time.time(), 0.1, trouble_of(cas.IntegrityError("the blob is damaged", "check the disk")))
    found = last_misses()[0].explain()
    assert found.reason is None
    assert str(found) == "miss: the blob is damaged\n  hint: check the disk"


def test_a_result_that_was_not_stored(store):
    """A call whose result could not be stored has its reason, and why the next one will miss too."""
    unstored = trouble_of(memo.CodecError("no codec takes it", "return a list"))
    note_miss(store, call(2), time.time(), 0.1, "", unstored)
    assert str(last_misses()[0].explain()).splitlines() == [
        "miss: it is the first call of analysis.spectrum that this store knows of",
        "  its result was not stored: no codec takes it",
        "  hint: return a list",
    ]
    note_miss(None, call(2), time.time(), 0.1, f"the store does not open: {unstored}", unstored)
    assert str(last_misses()[0].explain()).count("no codec takes it") == 1


def test_a_bypass_is_remembered():
    """A call that ran without its cache is remembered with the reason, without a key or a cost."""
    note_bypass("study.analyse", memo.UnstableArgument("x: expected a value", "pass its path"))
    (miss,) = last_misses()
    assert (miss.outcome, miss.function, miss.key, miss.cost) == ("bypass", "study.analyse", "", None)
    assert repr(miss).startswith("<bypass of study.analyse at ")
    assert str(miss.explain()) == (
        "bypass: study.analyse runs without its cache: x: expected a value\n  hint: pass its path"
    )


def test_a_store_that_cannot_tell(store, tmp_path):
    """A store whose index fails is said to be unable to tell why."""
    note_miss(store, call(1), time.time(), 0.1)
    store.close()
    with open(os.path.join(store.location, "index.sqlite"), "r+b") as file:
        file.write(b"x" * 4096)
    assert str(last_misses()[0].explain()).startswith("miss: the store cannot tell why: ")


def test_what_is_noted_keeps_no_argument_and_no_function(store):
    """Neither the function nor a large argument of a remembered call is kept alive."""

    class Large:
        def __memo_key__(self):
            return 1

    def local(x):
        return 1

    cached = memo.cached(local, store=store)
    value = Large()
    watched = weakref.ref(local), weakref.ref(value)
    caller = cached.cache._caller
    version, signature = caller.sign([value])
    record = version.record(caller.parameters.names)
    note_miss(store, cas.Call(version.key(signature), record, signature), time.time(), 0.1)
    note_bypass("f", _raised(value))
    cached(value)
    del cached, caller, version, local, value
    gc.collect()
    assert [reference() for reference in watched] == [None, None]
    assert all(miss.explain().outcome == miss.outcome for miss in last_misses())


def _raised(value) -> BaseException:
    try:
        raise ValueError("a frame holds the value")
    except ValueError as error:
        return error


def test_threads_may_note_while_others_read(store):
    """Misses are noted and read by several threads at once."""
    stop = threading.Event()
    noted = call(1)

    def note():
        while not stop.is_set():
            note_miss(store, noted, 1.0, 0.1)

    threads = [threading.Thread(target=note) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        lengths = [len(last_misses()) for _ in range(500)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert lengths == sorted(lengths)
    assert len(last_misses()) == 100


def test_a_child_starts_with_none(store):
    """A forked child remembers its own misses alone, and its parent keeps those of its own."""
    note_miss(store, call(1), 1.0, 0.1)

    def child():
        assert last_misses() == []
        note_miss(store, call(2), 2.0, 0.1)
        assert [miss.when for miss in last_misses()] == [2.0]

    assert forked(child) == 0
    assert [miss.when for miss in last_misses()] == [1.0]


def test_errors_are_told_with_their_class_if_they_are_foreign():
    """Errors of this package speak for themselves, others are named; both come with a mend."""
    assert trouble_of(cas.BusyError("busy", "wait")) == "busy\nhint: wait"
    assert trouble_of(memo.CodecError("no codec", "try")) == "no codec\nhint: try"
    assert trouble_of(KeyError("x")) == "KeyError: 'x'\nhint: please report this"
