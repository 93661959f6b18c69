"""`min_cost=`: a result that took less is not stored."""

from __future__ import annotations

import os
import time
from datetime import timedelta

import numpy as np
import pytest

import cas
import memo
from memo.fetches import Fetches, size_of


@pytest.mark.parametrize("limit", [3600, timedelta(hours=1)])
def test_cheap_result_is_computed_each_time(tmp_path, limit):
    """Nothing is stored, and nothing is warned of: that is what was asked for."""

    @memo.cached(store=tmp_path / "store", min_cost=limit, memory=False)
    def draw(x):
        return os.urandom(8)

    assert draw(1) != draw(1)
    assert list(draw.cache.entries()) == []
    assert "its result was not stored: it took" in str(memo.last_misses()[0].explain())


def test_costly_result_is_stored(tmp_path):
    """What took long enough is a hit like any other."""

    @memo.cached(store=tmp_path / "store", min_cost=1e-9, memory=False)
    def draw(x):
        return os.urandom(8)

    assert draw(1) == draw(1)
    assert len(list(draw.cache.entries())) == 1


@pytest.mark.parametrize("make", [lambda: os.urandom(8), lambda: [os.urandom(8)], lambda: np.frombuffer(os.urandom(8))])
def test_cheap_small_result_stays_in_memory(tmp_path, make):
    """A second call is served from memory, with a value of its own."""

    @memo.cached(store=tmp_path / "store", min_cost=3600)
    def draw(x):
        return make()

    first, second, third = draw(1), draw(1), draw(1)
    assert repr(first) == repr(second) == repr(third)
    assert isinstance(first, bytes) or second is not third
    assert draw.cache.stats().hits == 2
    assert list(draw.cache.entries()) == []
    assert str(draw.cache.explain(1)).splitlines()[1] == "  it is not in the store"


def test_cheap_large_result_is_not_held(tmp_path):
    """Memory is for small results."""

    @memo.cached(store=tmp_path / "store", min_cost=3600)
    def draw(x):
        return np.full(1 << 20, float(os.urandom(1)[0])), os.urandom(8)

    assert draw(1)[1] != draw(1)[1]


def test_refresh_replaces_whatever_it_costs(tmp_path):
    """What is stored never outlives a refresh, since another process would still find it."""

    def make(**options):
        @memo.cached(store=tmp_path / "store", memory=False, **options)
        def draw(x):
            return os.urandom(8)

        return draw

    keeping, choosy = make(), make(min_cost=3600)
    first = keeping(1)
    assert choosy(1) == first
    second = choosy.cache.refresh(1)
    assert keeping(1) == second != first


@pytest.mark.parametrize("limit", [-1, None, "cheap", "1", "AUTO", float("nan")])
def test_min_cost_that_is_no_duration_is_refused(limit):
    """The mistake is named where the function is decorated, with what can be given."""
    with pytest.raises(cas.InvalidInputError, match="min_cost=") as caught:
        memo.cached(min_cost=limit)
    assert 'min_cost="auto"' in caught.value.hint


class Clock:
    """A clock that stands still but for what is said to take time."""

    now = 1000.0

    def __call__(self):
        """Return the time."""
        return self.now

    def advance(self, seconds):
        """Let so much time pass."""
        self.now += seconds


class Far:
    """A store whose look-ups take some seconds."""

    def __init__(self, store, seconds):
        self.store, self.seconds = store, seconds

    def fetch(self, key):
        """Look it up, which takes its time."""
        time.perf_counter.advance(self.seconds)
        return self.store.fetch(key)

    def __getattr__(self, name):
        return getattr(self.store, name)


@pytest.fixture
def clock(monkeypatch):
    """Return the clock by which what calls and fetches take is told."""
    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", clock)
    return clock


@pytest.fixture
def timed(tmp_path, clock):
    """Return a function that makes a cached function whose call takes some seconds, and whose store is far or near."""

    def make(cost, far=0.0, size=8, **options):
        chosen = {"store": Far(cas.open(tmp_path / "store"), far), "min_cost": "auto", "memory": False} | options

        @memo.cached(**chosen)
        def draw(x):
            time.perf_counter.advance(cost)
            return os.urandom(size)

        return draw

    return make


@pytest.mark.parametrize(
    ("cost", "size", "stored"), [(5e-6, 8, False), (20e-6, 8, True), (20e-6, 1 << 20, False), (1e-4, 1 << 20, True)]
)
def test_before_anything_is_measured_an_estimate_by_size_decides(timed, cost, size, stored):
    """A fetch is taken to last 10 µs, and 20 ms for each further gigabyte."""
    draw = timed(cost, size=size)
    draw(1)
    assert len(list(draw.cache.entries())) == stored


@pytest.mark.parametrize(("cost", "stored"), [(0.04, False), (0.06, True)])
def test_a_store_that_is_far_is_worth_less(timed, cost, stored):
    """Also look-ups that find nothing tell how far it is."""
    draw = timed(cost, far=0.05)
    for x in range(3):
        draw(x)
    before = len(list(draw.cache.entries()))
    draw(10)
    assert len(list(draw.cache.entries())) - before == stored


def test_one_slow_look_up_is_no_evidence(timed):
    """What happened once, as when a disk wakes up, does not keep a result from being stored."""
    draw = timed(0.01)
    for x in range(3):
        draw(x)
    draw.cache._caller.open().seconds = 5.0
    draw.cache.contains(99)
    draw.cache._caller.open().seconds = 0.0
    draw(10)
    assert draw.cache.contains(10)


def test_opening_results_of_about_the_same_size_is_measured(clock):
    """Three of them outweigh the estimate; results of another size are not theirs to tell."""
    fetches = Fetches()

    def open_root():
        clock.advance(2.0)
        return bytes(2000)

    for number in range(4):
        assert fetches.expected(2000) > 1.9 if number >= 3 else fetches.expected(2000) < 0.001
        assert fetches.decode(lambda root, open_blob: len(root), None, open_root, bytes) == 2000
    assert fetches.expected(6000) > 1.9
    assert fetches.expected(10) < 0.001
    assert fetches.expected(1 << 20) < 0.001


def test_the_size_of_a_result_counts_all_its_blobs(tmp_path):
    """It is told without a store, and is what the store then says."""

    @memo.cached(store=tmp_path / "store")
    def make(x):
        return {"a": np.zeros(100_000), "b": [np.ones(3), "text"]}

    (entry,) = [make(1), *make.cache.entries()][1:]
    assert size_of(make(1)) == entry.size > 800_000


def test_a_fetch_counts_all_blobs_of_a_result(tmp_path, clock):
    """Results of about one size are told by what was opened for them."""

    @memo.cached(store=tmp_path / "store", memory=False, min_cost="auto")
    def make(x):
        time.perf_counter.advance(1.0)
        return {"a": np.zeros(100_000), "b": [np.ones(3), "text"]}

    for _ in range(4):
        make(1)
    assert make.cache.stats().hits == 3
    assert make.cache._caller.fetches.expected(size_of(make(1))) == 0.0


def test_not_worth_storing_is_explained(timed):
    """Both figures are told."""
    draw = timed(0.04, far=0.05)
    draw(1), draw(2)
    told = str(memo.last_misses()[0].explain())
    assert 'it took 40 ms, fetching it takes 50 ms, and min_cost="auto"' in told


def test_cheaper_than_a_fetch_stays_in_memory(timed):
    """As with a number of seconds, a second call is served, but not from the store."""
    draw = timed(1e-6, memory=True)
    assert draw(1) == draw(1)
    assert draw.cache.stats().hits == 1
    assert list(draw.cache.entries()) == []


def test_what_cannot_be_stored_is_still_said(tmp_path):
    """That a value has no size yet is not taken for a reason not to store it."""

    @memo.cached(store=tmp_path / "store", min_cost="auto")
    def make(x):
        return (item for item in range(x))

    with pytest.warns(memo.CacheWarning, match="is not stored"):
        assert list(make(3)) == [0, 1, 2]


@pytest.mark.parametrize("options", [{"cache_exceptions": ValueError}, {"ttl": 3600}, {"readonly": True}])
def test_auto_goes_with_other_options(tmp_path, options):
    """Exceptions, and results with a limit of age, are weighed likewise."""

    @memo.cached(store=tmp_path / "store", min_cost="auto", memory=False, **options)
    def draw(x):
        sum(range(20_000))
        if x < 0:
            raise ValueError(os.urandom(8))
        return os.urandom(8)

    def outcome(x):
        try:
            return draw(x)
        except ValueError as error:
            return error.args

    assert outcome(1) == outcome(1)
    assert (outcome(-1) == outcome(-1)) is ("cache_exceptions" in options)
