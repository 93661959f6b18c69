"""gc: what a plan names, what it costs, and that its execution removes no more than still holds (I4)."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cas
from cas import gc
from tests.deposits import LARGE, assert_intact, call, flip, function, get, key, large, overwrite, put

DAY = 86400.0


def keys(plan: gc.Plan) -> set[bytes]:
    """Return the call keys that a plan drops."""
    return {drop.key for drop in plan.drops}


def tree(location: str) -> dict[str, bytes]:
    """Return every blob file under a store and its bytes."""
    return {str(path): path.read_bytes() for path in Path(location, "blobs").rglob("*") if path.is_file()}


def test_empty_store_has_nothing_to_drop(store):
    """A plan for an empty store is empty, and its execution does nothing."""
    plan = gc.plan(store, max_size=0, older_than=0.0, stale=True)
    assert (plan.drops, plan.blobs, plan.freed, plan.lost, plan.entries, plan.size) == ((), (), 0, 0.0, 0, 0)
    assert gc.execute(store, plan) == gc.Removed(entries=0, kept=0, size=0)


def test_without_options_only_unneeded_blobs_go(store):
    """Without options a plan names blobs that no entry needs, and no entry."""
    put(store, 1, large(1))
    put(store, 2, large(2))
    store.forget([key(1)])
    plan = gc.plan(store)
    assert (plan.drops, plan.blobs_size, plan.freed, plan.entries) == ((), LARGE, LARGE, 1)
    assert gc.execute(store, plan) == gc.Removed(entries=0, kept=0, size=LARGE)
    assert get(store, 2, always=True) == (large(2), [])
    assert_intact(store)


def test_plan_changes_nothing(store):
    """Planning leaves entries and blobs as they were."""
    put(store, 1, large(1))
    put(store, 2, b"root", (large(2),))
    before = tree(store.location)
    plan = gc.plan(store, max_size=0, now=time.time() + 1000 * DAY, older_than=1.0, stale=True)
    assert len(plan.drops) == 2
    assert tree(store.location) == before
    assert get(store, 2) == (b"root", [large(2)])


def test_older_than_drops_what_was_not_used(store):
    """Entries unused for longer than the limit go; the plan says what computing is lost."""
    put(store, 1, cost=2.0)
    put(store, 2, cost=3.0)
    now = time.time()
    assert keys(gc.plan(store, older_than=30 * DAY, now=now + 29 * DAY)) == set()
    plan = gc.plan(store, older_than=30 * DAY, now=now + 31 * DAY)
    assert keys(plan) == {key(1), key(2)}
    assert plan.lost == 5.0
    assert plan.reasons() == {"unused": (2, 5.0)}


def test_stale_drops_superseded_code(store):
    """Entries of a version that is neither the newest nor the last used go."""
    old, middle, new = (function(number) for number in range(3))
    for number, record in enumerate((old, middle, new)):
        put(store, number, cost=1.0, record=record)
    put(store, 9, record=function(0, "analysis", "other"))
    plan = gc.plan(store, stale=True)
    assert keys(plan) == {key(0), key(1)}
    assert plan.reasons() == {"stale": (2, 2.0)}


def summary(number: int, created: float, used: float) -> cas.FunctionSummary:
    """Return a version of a function that was made and used at given times."""
    record = dataclasses.replace(function(number), created=created)
    return cas.FunctionSummary(record, entries=1, size=1, cost=1.0, hits=0, saved=0.0, used=used)


def test_version_in_use_again_is_not_superseded():
    """Code that was taken back to an older state is in use, so both it and the newest stay."""
    versions = [summary(3, 30.0, 30.0), summary(2, 20.0, 25.0), summary(1, 10.0, 99.0)]
    assert gc.superseded(versions) == {function(2).fingerprint}
    assert gc.superseded([]) == frozenset()


def test_max_size_keeps_what_is_worth_most(store):
    """The results that cost least for their bytes go first."""
    for number, cost in enumerate((5.0, 0.5, 50.0, 0.05)):
        put(store, number, large(number), cost=cost)
    plan = gc.plan(store, max_size=2 * (LARGE + gc.ROW))
    assert keys(plan) == {key(1), key(3)}
    assert plan.reasons() == {"size": (2, 0.55)}
    gc.execute(store, plan)
    assert get(store, 0, always=True) == (large(0), [])
    assert get(store, 2, always=True) == (large(2), [])
    assert_intact(store)


def test_max_size_that_is_met_drops_nothing(store):
    """A store within the limit loses nothing."""
    put(store, 1, large(1))
    assert gc.plan(store, max_size=LARGE + gc.ROW).drops == ()
    assert keys(gc.plan(store, max_size=LARGE + gc.ROW - 1)) == {key(1)}


def test_shared_blob_goes_with_the_last_that_needs_it(store):
    """Bytes of a shared blob are freed only when its last entry goes, and each entry is charged its part."""
    put(store, 1, b"one", (large(7),), cost=1.0)
    put(store, 2, b"two", (large(7),), cost=10.0)
    put(store, 3, large(3), cost=1.5)
    plan = gc.plan(store, max_size=LARGE + 10 * gc.ROW)
    assert keys(plan) == {key(3)}, "1 s for half of the shared blob beats 1.5 s for a whole one"
    assert plan.freed == LARGE + gc.ROW
    everything = gc.plan(store, max_size=0)
    assert everything.freed == everything.size == 2 * LARGE + 3 * gc.ROW + len(b"onetwo")


def test_small_entries_are_given_back(store):
    """Small cheap entries that went before a large one stay after all, once the large one made room."""
    for number in range(10):
        put(store, number, b"tiny", cost=1e-9)
    put(store, 10, large(10), cost=1.0)
    plan = gc.plan(store, max_size=LARGE // 2)
    assert keys(plan) == {key(10)}


def test_entry_used_since_the_plan_stays(store):
    """An entry that was used after the plan was made is kept, and counted as kept."""
    put(store, 1, large(1))
    put(store, 2, large(2))
    plan = gc.plan(store, older_than=1.0, now=time.time() + DAY)
    assert len(plan.drops) == 2
    store.record_hits(function().fingerprint, 1, 1.0, [key(1)])
    assert gc.execute(store, plan) == gc.Removed(entries=1, kept=1, size=LARGE + gc.ROW)
    assert get(store, 1, always=True) == (large(1), [])
    assert store.fetch(key(2)) is None
    assert_intact(store)


def test_blob_needed_since_the_plan_stays(store):
    """A blob that nothing needed when the plan was made, and an entry needs now, stays (I4)."""
    put(store, 1, large(1))
    store.forget([key(1)])
    plan = gc.plan(store)
    assert len(plan.blobs) == 1
    put(store, 2, b"root", (large(1),))
    assert gc.execute(store, plan).size == 0
    assert get(store, 2, always=True) == (b"root", [large(1)])


def test_executing_a_plan_twice_is_harmless(store):
    """A plan whose work was done already removes nothing and raises nothing."""
    put(store, 1, large(1))
    plan = gc.plan(store, max_size=0)
    assert gc.execute(store, plan).entries == 1
    assert gc.execute(store, plan) == gc.Removed(entries=0, kept=1, size=0)


def test_missing_blob_does_not_stop_a_plan(store):
    """An entry whose blob was lost is weighed like any other."""
    put(store, 1, b"root", (large(1),))
    (blob,) = store.blobs()
    os.unlink(blob.path)
    assert keys(gc.plan(store, max_size=0)) == {key(1)}
    assert gc.plan(store).blobs == ()


def test_unreadable_index_ends_the_plan(store):
    """An index that cannot be read is an error, never a store in which nothing is needed (I4)."""
    for number in range(200):
        put(store, number, large(number, 300))
    put(store, 999, large(999))
    store.close()

    def scramble(body: bytearray) -> None:
        body[4096:] = bytes(len(body) - 4096)

    overwrite(os.path.join(store.location, "index.sqlite"), scramble)
    before = tree(store.location)
    with pytest.raises((cas.IntegrityError, cas.StorageError)):
        gc.plan(store)
    assert len(before) == 1
    assert tree(store.location) == before


def test_damaged_blob_is_kept_for_its_entry(store):
    """Gc looks at names, not at bytes: damage is for fsck to find."""
    put(store, 1, large(1))
    (blob,) = store.blobs()
    overwrite(blob.path, flip)
    assert gc.plan(store).blobs == ()


def test_running_deposit_keeps_its_blobs(store):
    """The blobs of a deposit that has not committed yet survive a plan that saw them, once it has (I4)."""
    with store.deposit(call(1), 0.0) as deposit:
        deposit.write((large(1),))
        plan = gc.plan(store)
        deposit.commit(cas.Result("tree/1", (b"root",), "", {}))
    assert len(plan.blobs) == 1
    gc.execute(store, plan)
    assert get(store, 1, always=True) == (b"root", [large(1)])


def test_progress_is_told(store):
    """Plan and execution tell what they do, and end with all of it done."""
    for number in range(3):
        put(store, number, large(number))
    said = []
    plan = gc.plan(store, max_size=0, progress=lambda *what: said.append(what))
    gc.execute(store, plan, lambda *what: said.append(what))
    assert said == [
        ("reading blobs", 3, 3),
        ("weighing entries", 3, 3),
        ("checking entries", 3, 3),
        ("removing entries", 3, 3),
        ("removing blobs", 3, 3),
    ]


amounts = st.floats(0, 1e12, allow_subnormal=False)


@given(amounts, amounts, amounts, st.floats(1, 1e6))
def test_worth_grows_with_cost_and_falls_with_size_and_age(cost, size, idle, more):
    """Worth never falls as cost grows, and never grows with bytes or with time unused."""
    here = gc.worth(cost, size, idle)
    assert gc.worth(cost + more, size, idle) >= here
    assert gc.worth(cost, size + more, idle) <= here
    assert gc.worth(cost, size, idle + more) <= here
    assert here >= 0.0


def test_worth_is_seconds_for_bytes_halved_by_disuse():
    """The formula, by figures: an hour for a megabyte, and half of it after thirty days."""
    assert gc.worth(3600.0, 1e6 - gc.ROW, 0.0) == pytest.approx(0.0036)
    assert gc.worth(3600.0, 1e6 - gc.ROW, 30 * DAY) == pytest.approx(0.0018)
    assert gc.worth(3600.0, 1e6 - gc.ROW, -DAY) == gc.worth(3600.0, 1e6 - gc.ROW, 0.0)


class Ledger:
    """A store on paper: all that a plan reads of one, so that it can be tried on anything."""

    location = "nowhere"

    def __init__(self, sizes: dict[bytes, int], weights: list[tuple]) -> None:
        self.sizes, self.entries_weights = sizes, weights

    def blobs(self):
        """Yield the blobs."""
        return (cas.BlobFile(digest, "", size) for digest, size in self.sizes.items())

    def weights(self):
        """Yield the weights."""
        return iter(self.entries_weights)


blob_names = st.sampled_from([b"a", b"b", b"c", b"d"])


@given(
    st.dictionaries(blob_names, st.integers(0, 5000)),
    st.lists(st.tuples(st.integers(0, 500), st.floats(0, 100), st.floats(0, 1e6), st.frozensets(blob_names))),
    st.integers(0, 12_000),
)
def test_what_stays_fits_and_nothing_needed_goes(sizes, rows, max_size):
    """Whatever the entries share, what stays fits, no blob of a kept entry goes, and the sums are right."""
    weights = [
        (
            b"%d" % number,
            b"",
            inline + sum(sizes.get(name, 0) for name in blobs),
            cost,
            0.0,
            used,
            tuple(sorted(blobs)),
        )
        for number, (inline, cost, used, blobs) in enumerate(rows)
    ]
    plan = gc.plan(Ledger(sizes, weights), max_size=max_size, now=1e6)
    kept = [weight for weight in weights if weight[0] not in keys(plan)]
    needed = {name for weight in kept for name in weight[6]} & set(sizes)
    inline = sum(row[2] - sum(sizes.get(name, 0) for name in row[6]) + gc.ROW for row in kept)
    assert inline + sum(sizes[name] for name in needed) == plan.size - plan.freed
    assert plan.size - plan.freed <= max_size
    assert set(plan.blobs) == set(sizes) - needed
    assert plan.entries == len(weights)
    for drop in plan.drops:
        blobs = {name for name in weights[int(drop.key)][6] if name in sizes} - needed
        assert plan.size - plan.freed + drop.size + sum(sizes[name] for name in blobs) > max_size, "it would have fit"
