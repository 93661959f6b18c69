"""`min_cost=`: a result that took less is not stored."""

from __future__ import annotations

import os
from datetime import timedelta

import numpy as np
import pytest

import cas
import memo


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


@pytest.mark.parametrize("limit", [-1, None, "auto", float("nan")])
def test_min_cost_that_is_no_duration_is_refused(limit):
    """The mistake is named where the function is decorated."""
    with pytest.raises(cas.InvalidInputError, match="min_cost="):
        memo.cached(min_cost=limit)
