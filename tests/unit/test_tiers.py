"""A chain of stores serves from the fastest tier, keeps what slow ones had, and passes on what is new."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import warnings

import pytest
from blake3 import blake3

import cas
from cas.errors import StoreWarning
from cas.tiers import tier as tiers_clock
from tests.deposits import FUNCTION, assert_intact, call, flip, forked, get, key, large, overwrite, put, unsent


@pytest.fixture
def fast(tmp_path):
    """Return an empty store of this machine."""
    return cas.open(tmp_path / "fast")


@pytest.fixture
def slow(tmp_path):
    """Return another one, to stand behind it."""
    return cas.open(tmp_path / "slow")


@pytest.fixture
def chain(fast, slow):
    """Return the chain of both."""
    return cas.open([fast, slow])


# Reading


@pytest.mark.parametrize(("body", "children"), [(b"small", ()), (large(1), ()), (b"root", (large(1), large(2)))])
def test_what_a_slow_tier_has_is_kept_in_the_fast_one(chain, fast, slow, body, children):
    """A result of the slow tier is served, and stands in the fast one with its cost, age and provenance (I2)."""
    with slow.deposit(call(1), 2.5) as deposit:
        for child in children:
            deposit.write((child,))
        deposit.commit(cas.Result("tree/1", (body,), "what", {"host": "there"}), created=1e9)
    assert chain.fetch(key(1))[:4] == slow.fetch(key(1))[:4]
    assert get(fast, 1, always=True) == get(slow, 1) == get(chain, 1) == (body, sorted(children))
    there, here = slow.entry(key(1)), fast.entry(key(1))
    for name in ("key", "function", "signature", "codec", "digest", "size", "blobs", "cost", "created", "provenance"):
        assert getattr(here, name) == getattr(there, name)
    assert_intact(chain)


def test_hit_in_the_fast_tier_asks_no_other(chain, fast, slow):
    """What the fast tier has is served from there, whatever the slow one says."""
    put(fast, 1, b"fast")
    put(slow, 1, b"slow")
    assert get(chain, 1) == (b"fast", [])


def test_call_that_no_tier_has_is_a_miss(chain):
    """Nothing is found where nothing is."""
    assert chain.fetch(key(1)) is None
    assert chain.created(key(1)) is None
    with pytest.raises(cas.NotFoundError):
        chain.entry(key(1))


def test_damaged_result_is_served_from_a_slower_tier(chain, fast, slow):
    """A blob that is damaged in the fast tier is put aside there, said aloud, and read from the slow one."""
    put(chain, 1, large(1))
    chain.flush()
    overwrite(fast.open_blob(blake3(large(1)).digest()).path, flip)
    with pytest.warns(StoreWarning, match="damaged blob"):
        assert get(chain, 1) == (large(1), [])
    with fast.index.writing() as run:
        run("UPDATE entries SET body = x'00'")
    with pytest.warns(StoreWarning, match="damaged result"):
        assert chain.fetch(key(1)) is not None
    assert get(fast, 1, always=True) == (large(1), [])


def test_damage_everywhere_is_an_error(chain, fast, slow):
    """A result that is damaged in every tier that has it is raised as such, and served by none."""
    put(slow, 1, large(1))
    overwrite(slow.open_blob(blake3(large(1)).digest()).path, flip)
    with pytest.raises(cas.IntegrityError):
        chain.fetch(key(1))
    assert fast.fetch(key(1)) is None


def test_listing_names_each_entry_once(chain, fast, slow):
    """What several tiers have is listed, counted and weighed once; what one has, too."""
    put(chain, 1, large(1), cost=1.0)
    chain.flush()
    put(fast, 2, cost=2.0)
    put(slow, 3, large(3), cost=4.0)
    assert [entry.key for entry in chain.entries(order="cost")] == [key(1), key(2), key(3)]
    assert [entry.key for entry in chain.entries(order="-used")] == [key(3), key(2), key(1)]
    assert chain.count() == chain.count("analysis", "spectrum") == len(list(chain.weights())) == 3
    assert chain.count("analysis", "other") == 0
    (summary,) = chain.functions()
    assert (summary.entries, summary.size, summary.cost) == (3, 200_005, 7.0)
    assert {blob.digest for blob in chain.blobs()} == {blake3(large(1)).digest(), blake3(large(3)).digest()}
    assert chain.find(key(3).hex()[:8]) == [key(3)]


# Writing


def test_result_is_passed_on_in_the_background(chain, fast, slow):
    """A result is in the fast tier at once, written down as unsent, and in the slow one after a flush."""
    with chain.writeback.copying:
        put(chain, 1, b"root", (large(1),), cost=1.0)
        assert get(fast, 1) == (b"root", [large(1)])
        assert slow.fetch(key(1)) is None
        assert unsent(fast) == [key(1).hex()]
    chain.flush()
    assert get(slow, 1, always=True) == (b"root", [large(1)])
    assert slow.entry(key(1)).created == fast.entry(key(1)).created
    assert unsent(fast) == []
    assert_intact(chain)


def test_thread_copies_by_itself(chain, slow):
    """Nobody has to flush: the background thread copies what is stored."""
    for number in range(20):
        put(chain, number)
    for _ in range(20_000):
        if slow.count() == 20:
            break
        threading.Event().wait(0.001)
    assert slow.count() == 20


def test_computed_anew_replaces_in_every_tier(chain, fast, slow):
    """A later result of a call is the one that every tier serves (refresh)."""
    put(chain, 1, b"old", (large(1),))
    chain.flush()
    put(chain, 1, b"new", (large(2),))
    chain.flush()
    assert get(fast, 1) == get(slow, 1) == (b"new", [large(2)])


def test_deposited_again_while_it_is_copied(chain, fast, slow):
    """What is stored again before its copy is made is written down twice, and the last one arrives."""
    with chain.writeback.copying:
        put(chain, 1, b"first")
        put(chain, 1, b"second")
        assert unsent(fast) == [key(1).hex()] * 2
    chain.flush()
    assert get(slow, 1) == (b"second", [])
    assert unsent(fast) == []


def test_without_a_local_tier_results_are_written_through(tmp_path):
    """A chain of shared stores has no place to write down what is unsent, and copies at once."""
    places = [f"{(tmp_path / name).as_uri()}" for name in ("one", "two")]
    chain = cas.open(places)
    with chain.writeback.copying:
        put(chain, 1, large(1))
    assert get(cas.open(places[0]), 1) == get(cas.open(places[1]), 1) == (large(1), [])


def test_failing_tier_hands_over_in_the_middle_of_a_deposit(chain, fast, slow):
    """A deposit whose tier fails after the first blob goes on in the next tier, and nothing is lost."""
    with chain.deposit(call(1), 0.0) as deposit:
        deposit.write((large(1),))
        os.rename(fast.layout.temporary, fast.layout.temporary + "-away")
        open(fast.layout.temporary, "w").close()  # as if the disk failed
        deposit.write((large(2),))
        with pytest.warns(StoreWarning, match="takes no results") as said:
            deposit.commit(cas.Result("tree/1", (b"root",), ""))
    assert len(said) == 1
    assert fast.fetch(key(1)) is None
    assert get(slow, 1, always=True) == get(chain, 1) == (b"root", sorted([large(1), large(2)]))
    os.unlink(fast.layout.temporary)
    os.rename(fast.layout.temporary + "-away", fast.layout.temporary)
    again = cas.open([fast, slow])
    again.flush()
    assert get(fast, 1) == (b"root", sorted([large(1), large(2)]))


def test_no_tier_takes_a_result(tmp_path, fast):
    """Where every tier fails, the deposit raises the error of the last."""
    chain = cas.open([fast, f"memory://{tmp_path}"], writable=True)
    chain.tiers[1].fail(OSError("gone"), writing=True)
    os.rename(fast.layout.temporary, fast.layout.temporary + "-away")
    open(fast.layout.temporary, "w").close()
    with pytest.raises(OSError, match="temporary"):
        put(chain, 1, large(1))
    with pytest.warns(StoreWarning, match="takes no results"):
        chain.speak()


# Tiers that take no writes, or are gone


def test_read_only_tier_serves_and_takes_nothing(fast, slow, tmp_path):
    """A tier opened for reading is read and never written, without a word about it."""
    put(slow, 1, large(1))
    chain = cas.open([fast, cas.open(tmp_path / "slow", writable=False)])
    assert chain.writable
    assert get(chain, 1) == get(fast, 1) == (large(1), [])
    put(chain, 2)
    chain.flush()
    assert slow.fetch(key(2)) is None
    assert unsent(fast) == []


def test_read_only_fast_tier_is_no_hindrance(fast, slow, tmp_path):
    """Behind a fast tier that takes no writes, the slow one stores and serves."""
    put(fast, 1)
    chain = cas.open([cas.open(tmp_path / "fast", writable=False), slow])
    put(chain, 2)
    assert (get(chain, 1), get(chain, 2)) == ((b"small", []), (b"small", []))
    assert (fast.fetch(key(2)), slow.fetch(key(1))) == (None, None)
    assert get(chain, 1) == (b"small", [])
    put(chain, 1, b"new")
    assert get(chain, 1) == (b"new", [])
    assert {entry.key: entry.size for entry in chain.entries()} == {key(1): 3, key(2): 5}


def test_older_result_that_nothing_can_hide_is_said(fast, tmp_path):
    """Where no tier can remember that another holds an older result, a warning says so."""
    put(fast, 1)
    chain = cas.open([cas.open(tmp_path / "fast", writable=False), f"memory://{tmp_path}"])
    with pytest.warns(StoreWarning, match="keeps an older result"):
        put(chain, 1, b"new")


def test_missing_tier_is_one_warning(fast):
    """A tier that cannot be made is said once, and the others serve and store."""
    with pytest.warns(StoreWarning, match="left out") as said:
        chain = cas.open([fast, "/proc/no-such-place/slow"])
    put(chain, 1)
    assert get(chain, 1) == (b"small", [])
    chain.flush()
    assert len(said) == 1
    assert unsent(fast) == [key(1).hex()]


def test_place_that_never_was_a_store_is_refused(tmp_path, fast):
    """A folder of other files is no tier that is gone, but one that is named wrongly."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.txt").write_text("mine")
    with pytest.raises(cas.InvalidInputError):
        cas.open([fast, tmp_path / "data"])


def test_unmounted_tier_is_missed_and_not_made_anew(tmp_path):
    """A tier that was part of the chain and is gone is not made again in its place; what it lacks waits for it."""
    places = [tmp_path / "fast", tmp_path / "slow"]
    chain = cas.open(places)
    put(chain, 1)
    chain.close()
    cas.open(tmp_path / "slow").close()
    os.rename(tmp_path / "slow", tmp_path / "unplugged")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for number in (2, 3):
            put(chain, number)
            chain.flush()
    assert ["is left out at present" in str(warning.message) for warning in said] == [True]
    assert not (tmp_path / "slow").exists()
    assert unsent(chain.tiers[0].store) == sorted([key(2).hex(), key(3).hex()])
    os.rename(tmp_path / "unplugged", tmp_path / "slow")
    assert cas.open(places) is chain
    chain.flush()
    assert {entry.key for entry in chain.tiers[1].store.entries()} == {key(1), key(2), key(3)}
    assert unsent(chain.tiers[0].store) == []
    assert_intact(chain)


def test_shared_folder_that_is_unmounted(tmp_path, monkeypatch):
    """A shared folder, given by its path, is kept behind a store of this host, and missed when it is gone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    place = tmp_path / "shared"
    put(cas.open(place.as_uri()), 1)
    chain = cas.open(place)
    assert get(chain, 1) == (b"small", [])
    os.rename(place, tmp_path / "unplugged")
    place.mkdir()  # as a mount point that is empty
    put(chain, 2)
    with pytest.warns(StoreWarning, match="left out"):
        chain.close()
    assert cas.open(place) is chain
    assert get(chain, 1) == get(chain, 2) == (b"small", [])
    assert os.listdir(place) == []
    place.rmdir()
    os.rename(tmp_path / "unplugged", place)
    cas.open(place).flush()
    assert get(cas.open(place.as_uri()), 2) == (b"small", [])


def test_looking_into_a_shared_folder_leaves_no_trace(tmp_path, monkeypatch):
    """A shared folder that is only to be read is read without a store of this host before it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    put(cas.open((tmp_path / "shared").as_uri()), 1)
    assert get(cas.open(tmp_path / "shared", create=False, writable=False), 1) == (b"small", [])
    assert not (tmp_path / "cache").exists()


def test_tier_comes_back_after_a_while(tmp_path, monkeypatch):
    """A tier that failed is tried again by itself, after `RETRY` seconds."""
    places = [tmp_path / "fast", tmp_path / "slow"]
    chain = cas.open(places)
    os.rename(tmp_path / "slow", tmp_path / "unplugged")
    monkeypatch.setattr(tiers_clock, "RETRY", 0.0)
    with chain.writeback.copying:
        put(chain, 1)
    with pytest.warns(StoreWarning, match="left out"):
        chain.close()
    os.rename(tmp_path / "unplugged", tmp_path / "slow")
    put(chain, 2)
    chain.flush()
    assert chain.tiers[1].store.count() == 2


def test_chain_without_any_tier_is_an_error(tmp_path):
    """Where no tier is there and none is to be made, nothing opens."""
    with pytest.raises(cas.NotFoundError):
        cas.open([tmp_path / "a", tmp_path / "b"], create=False)
    cas.open(tmp_path / "b")
    with pytest.warns(StoreWarning, match="left out"):
        chain = cas.open([tmp_path / "a", tmp_path / "b"], create=False)
    assert not (tmp_path / "a").exists()
    assert chain.count() == 0


# Care


def test_forgotten_in_every_tier(chain, fast, slow):
    """What is removed is gone from all tiers and from what was to be copied, and does not come back."""
    put(chain, 1)
    chain.flush()
    put(slow, 2)
    with chain.writeback.copying:
        put(chain, 3)
        assert chain.forget([key(1), key(2), key(3), key(1), key(9)]) == 3
        assert unsent(fast) == []
    chain.flush()
    assert (fast.count(), slow.count(), chain.count()) == (0, 0, 0)


def test_what_stays_in_a_read_only_tier_is_said(fast, slow, tmp_path):
    """Removing says what a tier that takes no writes still has; the chain serves it no more (never a stale result)."""
    put(slow, 1)
    put(slow, 2)
    chain = cas.open([fast, cas.open(tmp_path / "slow", writable=False)])
    with pytest.warns(StoreWarning, match="1 of what was removed stay"):
        assert chain.forget([key(1)]) == 1
    assert chain.fetch(key(1)) is None
    assert chain.created(key(1)) is None
    assert [entry.key for entry in chain.entries()] == [entry.key for entry in chain.entries(order="used")] == [key(2)]
    assert (chain.count(), fast.count(), slow.count()) == (1, 0, 2)
    with pytest.raises(cas.NotFoundError):
        chain.entry(key(1))
    put(slow, 1, b"later")
    assert get(chain, 1) == (b"later", [])


def test_older_result_of_a_read_only_tier_never_comes_back(fast, slow, tmp_path):
    """A result that was computed anew, and dropped from the fast tier, is not served in its older form."""
    put(slow, 1, b"old")
    chain = cas.open([fast, cas.open(tmp_path / "slow", writable=False)])
    put(chain, 1, b"new")
    assert get(chain, 1) == (b"new", [])
    fast.forget([key(1)])
    assert chain.fetch(key(1)) is None


def test_removed_while_a_tier_was_gone(tmp_path):
    """What was removed while a tier was gone does not come back with it, and goes there too."""
    places = [tmp_path / "fast", tmp_path / "slow"]
    chain = cas.open(places)
    put(chain, 1)
    chain.close()
    os.rename(tmp_path / "slow", tmp_path / "away")
    chain.tiers[1].fail(OSError("gone"))
    with pytest.warns(StoreWarning, match="left out"):
        assert chain.forget([key(1)]) == 1
    os.rename(tmp_path / "away", tmp_path / "slow")
    assert cas.open(places) is chain
    assert chain.fetch(key(1)) is None
    assert cas.open(tmp_path / "slow").count() == 0


def test_hits_count_once_and_mark_every_tier(chain, fast, slow):
    """Figures go to one tier, so that their sum is right; that an entry is in use is known to each."""
    put(chain, 1)
    chain.flush()
    for store in (fast, slow):
        with store.index.writing() as run:
            run("UPDATE entries SET used = 5")
    chain.record_hits(FUNCTION.fingerprint, 3, 6.0, [key(1)])
    assert (chain.functions()[0].hits, chain.functions()[0].saved) == (3, 6.0)
    assert min(fast.entry(key(1)).used, slow.entry(key(1)).used) > 5


def test_copy_reaches_what_only_a_slow_tier_has(chain, fast, slow):
    """Results given to further calls are given in all tiers, wherever they stood."""
    put(slow, 1, large(1))
    put(fast, 2)
    done = chain.copy([(key(1), call(101)), (key(2), call(102)), (key(3), call(103))], {"note": "x"})
    assert done == cas.Copied(2, 0, ())
    chain.flush()
    for store in (fast, slow):
        assert get(store, 101) == (large(1), [])
        assert get(store, 102) == (b"small", [])
        assert store.entry(key(101)).provenance == {"host": "here", "note": "x"}
    assert unsent(fast) == []
    assert_intact(chain)


def test_claim_is_that_of_the_local_tier(chain, fast):
    """Who claims in the chain holds off who claims in its local tier."""
    with chain.claim(key(1)):
        found = []
        thread = threading.Thread(target=lambda: found.append(fast.try_claim(key(1))))
        thread.start()
        thread.join()
    assert found == [None]


def test_damaged_blob_is_written_anew(chain, fast, slow):
    """A blob that is damaged in the fast tier is whole there again once it was read from the slow one."""
    put(chain, 1, large(1), (large(2),))
    chain.flush()
    overwrite(fast.open_blob(blake3(large(2)).digest()).path, flip)
    with pytest.warns(StoreWarning, match="damaged blob"):
        assert get(chain, 1) == (large(1), [large(2)])
    assert get(fast, 1, always=True) == (large(1), [large(2)])
    assert_intact(fast)


# Changes by others while an entry is copied


def between(monkeypatch, store, name: str, change) -> None:
    """Let something happen once, as another process would, just before a method of a store is called."""
    real, left = getattr(store, name), [change]

    def do(*args, **options):
        while left:
            left.pop()()
        return real(*args, **options)

    monkeypatch.setattr(store, name, do)


@pytest.mark.parametrize("body", [b"old", large(1)], ids=["small", "large"])
@pytest.mark.parametrize("others", [0, 3], ids=["alone", "of-many"])
def test_computed_anew_while_it_is_copied(chain, fast, slow, monkeypatch, body, others):
    """A result that another process stores anew while the old one is copied is what every tier has in the end."""
    with chain.writeback.copying:
        for number in range(others + 1):
            put(chain, number, body)
        for name in ("take", "deposit"):
            between(monkeypatch, slow, name, lambda: put(fast, 0, b"new"))
        chain.flush()
    assert (get(fast, 0), get(slow, 0)) == ((b"new", []), (b"new", []))
    chain.flush()
    assert unsent(fast) == []


@pytest.mark.parametrize("body", [b"old", large(1)], ids=["small", "large"])
@pytest.mark.parametrize("others", [0, 3], ids=["alone", "of-many"])
def test_removed_while_it_is_copied(chain, fast, slow, monkeypatch, body, others):
    """A result that another process removes while it is copied is in no tier in the end, and the others are."""

    def remove() -> None:
        fast.unsent.forget([key(0)])
        slow.forget([key(0)])
        fast.forget([key(0)])

    with chain.writeback.copying:
        for number in range(others + 1):
            put(chain, number, body)
        for name in ("take", "deposit"):
            between(monkeypatch, slow, name, remove)
        chain.flush()
    assert {entry.key for entry in slow.entries()} == {key(number) for number in range(1, others + 1)}
    assert unsent(fast) == []


@pytest.mark.parametrize("body", [b"old", large(1)], ids=["small", "large"])
def test_computed_anew_while_it_is_promoted(chain, fast, slow, monkeypatch, body):
    """A result that another process stores in the fast tier while an old one is promoted stays there."""
    put(slow, 1, body)
    between(monkeypatch, fast, "deposit", lambda: put(fast, 1, b"new"))
    assert chain.fetch(key(1)) is not None
    assert get(fast, 1) == (b"new", [])


@pytest.mark.parametrize("body", [b"old", large(1)], ids=["small", "large"])
def test_removed_while_it_is_promoted(chain, fast, slow, monkeypatch, body):
    """A result that another process removes while it is promoted does not stay in the fast tier."""
    put(slow, 1, body)
    between(monkeypatch, fast, "deposit", lambda: slow.forget([key(1)]))
    assert chain.fetch(key(1)) is not None
    assert (fast.count(), slow.count()) == (0, 0)


def test_computed_anew_in_one_tier_by_itself(chain, fast, slow):
    """What a program that knows one tier alone stores anew replaces the old result in the others, both ways."""
    for number in (1, 2):
        put(chain, number, b"old")
    chain.flush()
    put(fast, 1, b"new")
    put(slow, 2, b"new")
    assert cas.open([fast, slow]) is chain
    chain.flush()
    for store in (fast, slow):
        assert (get(store, 1), get(store, 2)) == ((b"new", []), (b"new", []))
    assert (unsent(fast), unsent(slow)) == ([], [])


def test_note_of_another_process_is_taken_up_when_it_is_old(chain, fast, slow):
    """What a living process of the same number would never copy is copied after a while: numbers are given again."""
    for number in (1, 2):
        with fast.deposit(call(number), 0.0) as deposit:
            deposit.owed = fast.unsent.number([slow.location])
            deposit.commit(cas.Result("tree/1", (b"small",), ""))
    with fast.index.writing() as run:
        run("UPDATE unsent SET owner = ?", (os.getppid(),))
        run("UPDATE unsent SET since = since - 1e4 WHERE key = ?", (key(1),))
    chain.flush()
    assert (get(slow, 1), slow.fetch(key(2))) == ((b"small", []), None)


def test_note_of_a_dead_process_that_nobody_waited_for(chain, fast, slow):
    """A killed process is dead although its parent never asks for its end, as in a container without an init."""
    child = os.fork()
    if not child:
        put(chain, 1)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    chain.flush()
    assert get(slow, 1) == (b"small", [])
    os.waitpid(child, 0)


def test_tier_whose_folder_was_exchanged(tmp_path):
    """What is copied goes to the store that stands there now, not to the one that was moved away."""
    chain = cas.open([tmp_path / "fast", tmp_path / "slow"])
    for number in (1, 2):
        put(chain, number)
    chain.flush()
    os.rename(tmp_path / "slow", tmp_path / "away")
    cas.open(tmp_path / "other")
    cas.open(tmp_path / "other").close()
    os.rename(tmp_path / "other", tmp_path / "slow")
    with chain.writeback.copying:
        for number in (3, 4):
            put(chain, number)
    chain.flush()
    assert {entry.key for entry in cas.open(tmp_path / "slow").entries()} == {key(3), key(4)}
    assert cas.open(tmp_path / "away").count() == 2


def test_removed_from_a_tier_that_is_full(chain, fast, slow):
    """What cannot be removed, because a disk is full, is not served any more either."""
    put(chain, 1)
    chain.flush()
    chain.tiers[0].fail(OSError("full"), writing=True)
    with pytest.warns(StoreWarning, match="takes no"):
        assert chain.forget([key(1)]) == 1
    assert chain.fetch(key(1)) is None
    assert (fast.count(), slow.count(), chain.count()) == (1, 0, 0)
    chain.tiers[0].retry()
    assert chain.fetch(key(1)) is None
    assert fast.count() == 0


# Opening, forking, closing


def test_one_chain_for_the_same_tiers(tmp_path, chain, fast, slow):
    """A process has one chain for the same tiers, whether they are given open, as paths, or as text."""
    assert cas.open([tmp_path / "fast", str(tmp_path / "slow")]) is chain
    assert cas.open(f"{tmp_path}/fast,{tmp_path}/slow") is cas.open(chain.location) is chain
    assert cas.open([fast, cas.open([slow])]) is chain
    assert cas.open([slow, fast]) is not chain
    assert pickle.loads(pickle.dumps(chain)) is chain
    third = cas.open([chain, tmp_path / "third"])
    assert [tier.location for tier in third.tiers] == [str(tmp_path / name) for name in ("fast", "slow", "third")]


def test_tier_behind_a_link_is_the_same(tmp_path):
    """A folder and a link to it are one tier, however they are spelled."""
    (tmp_path / "a b").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a b")
    for first, second in (("link", "a b"), (f"file://{tmp_path}/link", f"file://{tmp_path}/a%20b")):
        with pytest.raises(cas.InvalidInputError):
            cas.open([tmp_path / first if first == "link" else first, second if "://" in second else tmp_path / second])


@pytest.mark.parametrize("places", [["a", "a"], ["a", "a/b"], ["a/b", "a"], []])
def test_tiers_stand_apart(tmp_path, monkeypatch, places):
    """Tiers that are one, or one inside the other, are refused: fsck would take the one for strays of the other."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(cas.InvalidInputError) as refused:
        cas.open(places)
    assert refused.value.hint


def test_chain_works_on_after_it_was_closed(chain, slow):
    """Closing copies what waits; the chain may be used again."""
    put(chain, 1)
    chain.close()
    assert get(slow, 1) == (b"small", [])
    put(chain, 2)
    chain.close()
    assert get(slow, 2) == (b"small", [])


def test_child_leaves_its_parent_its_work(chain, fast, slow):
    """A forked child neither copies what its parent has to copy, nor loses what it stores itself."""

    def live() -> None:
        assert not chain.writeback._waiting
        assert len(unsent(fast)) == 1
        put(chain, 2)
        chain.flush()
        assert get(slow, 2) == (b"small", [])
        assert slow.fetch(key(1)) is None

    with chain.writeback.copying:
        put(chain, 1)
        assert forked(live) == 0
    chain.flush()
    assert get(slow, 1) == (b"small", [])
    assert unsent(fast) == []


def test_fork_while_the_thread_copies(chain, fast, slow):
    """Children forked at any moment of the copying store, copy and end, and their parent loses nothing."""
    for number in range(0, 60, 2):
        put(chain, number, large(number))
        if number % 10 == 0:
            assert forked(lambda number=number: (put(chain, number + 1), chain.close())) == 0
    chain.flush()
    assert slow.count() == 36
    assert unsent(fast) == []
    assert_intact(chain)


def test_what_a_child_left_is_copied_by_its_parent(chain, fast, slow):
    """A child that ends without its exit handlers leaves what it did not copy to whoever flushes next."""

    def live() -> None:
        with chain.writeback.copying:
            put(chain, 1)
            os._exit(0)

    assert forked(live) == 0
    assert unsent(fast) == [key(1).hex()]
    chain.flush()
    assert get(slow, 1) == (b"small", [])
    assert unsent(fast) == []


def test_warnings_do_not_stop_the_thread(chain, fast, slow):
    """What the thread cannot copy is said by the next call that may warn, and the others are copied."""
    with chain.writeback.copying:
        put(chain, 1, large(1))
        put(chain, 2)
        overwrite(fast.open_blob(blake3(large(1)).digest()).path, flip)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        chain.flush()
    assert ["could not be copied" in str(warning.message) for warning in said] == [True]
    assert (slow.fetch(key(1)), get(slow, 2)) == (None, (b"small", []))
