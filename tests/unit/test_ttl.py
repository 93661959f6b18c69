"""`ttl=` and `f.cache.refresh`: a result is served until it is too old, or somebody asks for a new one."""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import cas
import memo
from memo import policy


@pytest.fixture
def shift(monkeypatch):
    """Return a function that shifts the clock by which ages are told."""

    def shift_clock(seconds):
        monkeypatch.setattr(policy, "time", lambda: time.time() + seconds)

    return shift_clock


def fresh(tmp_path, **options):
    """Return a cached function whose value differs with each computation."""

    @memo.cached(store=tmp_path / "store", **options)
    def draw(x):
        return [x, os.urandom(8)]

    return draw


class Switch:
    """What the functions under test ask whether to fail, by a name that their code does not show."""

    failing = False


@pytest.mark.parametrize("memory", [True, False])
@pytest.mark.parametrize("ttl", [3600, timedelta(hours=1)])
def test_result_is_served_until_it_expires(tmp_path, shift, memory, ttl):
    """Young enough is a hit; too old is computed anew, replaced, and then young again."""
    draw = fresh(tmp_path, ttl=ttl, memory=memory)
    first = draw(1)
    shift(3500)
    assert draw(1) == draw(1) == first
    shift(3700)
    assert not draw.cache.contains(1)
    assert "expired" in str(draw.cache.explain(1))
    second = draw(1)
    assert second != first
    shift(0)
    assert draw(1) == draw(1) == second
    assert draw.cache.stats().misses == 2
    assert len(list(draw.cache.entries())) == 1


def test_result_in_memory_expires(tmp_path, shift):
    """A scalar that nothing can change is looked at with the clock in hand as well."""

    @memo.cached(store=tmp_path / "store", ttl=10)
    def draw(x):
        return os.urandom(8)

    first = draw(1)
    assert draw(1) == draw(1) == first
    shift(11)
    second = draw(1)
    assert second != first
    shift(0)
    assert draw(1) == draw(1) == second


@pytest.mark.parametrize("memory", [True, False])
def test_result_from_the_future_is_computed_anew(tmp_path, shift, memory):
    """Clocks may differ by a minute; what is younger than that by more has no known age."""
    draw = fresh(tmp_path, ttl=3600, memory=memory)
    first = draw(1)
    shift(-30)
    assert draw(1) == draw(1) == first
    shift(-90)
    assert "in the future" in str(draw.cache.explain(1))
    assert draw(1) != first


def test_expired_result_stays_where_computing_fails(tmp_path, shift):
    """An exception leaves what was stored, for whoever takes it without a limit."""

    @memo.cached(store=tmp_path / "store", ttl=60)
    def draw(name):
        if sys.modules[name].Switch.failing:
            raise OSError("no network")
        return os.urandom(8)

    first = draw(__name__)
    shift(100)
    Switch.failing = True
    try:
        with pytest.raises(OSError, match="no network"):
            draw(__name__)
    finally:
        Switch.failing = False
    shift(0)
    assert draw(__name__) == first


def test_why_an_expired_result_was_computed_is_remembered(tmp_path, shift):
    """`memo.last_misses` tells that it had expired."""
    draw = fresh(tmp_path, ttl=60)
    draw(1)
    shift(7200)
    draw(1)
    assert "what is stored has expired: it was stored 2 h ago, ttl=1 min" in str(memo.last_misses()[0].explain())


@pytest.mark.parametrize("ttl", [0, -1, float("nan"), "1h", True, timedelta(0)])
def test_ttl_that_is_no_duration_is_refused(ttl):
    """The mistake is named where the function is decorated."""
    with pytest.raises(cas.InvalidInputError, match="ttl="):
        memo.cached(ttl=ttl)


@pytest.mark.parametrize("given", [np.int64(2), np.float32(2), Fraction(2), pd.Timedelta("2s")])
def test_a_duration_is_any_number(given):
    """One that numpy or pandas made is the same number of seconds."""
    assert memo.cached(ttl=given)(len).cache._caller.policy.ttl == 2.0
    assert memo.cached(min_cost=given)(len).cache._caller.policy.min_cost == 2.0


@pytest.mark.parametrize("memory", [True, False])
def test_refresh_computes_and_replaces(tmp_path, memory):
    """What is stored gives way to the new value, here and in what other functions of this store find."""
    draw = fresh(tmp_path, memory=memory)
    first = draw(1)
    assert draw(1) == first
    second = draw.cache.refresh(1)
    assert second != first
    assert draw(1) == draw(x=1) == second
    assert len(list(draw.cache.entries())) == 1
    assert draw.cache.stats().misses == 2


def test_refresh_that_fails_leaves_what_is_stored(tmp_path):
    """The exception reaches the user, and the old value is still a hit."""

    @memo.cached(store=tmp_path / "store")
    def draw(name):
        if sys.modules[name].Switch.failing:
            raise OSError("no network")
        return os.urandom(8)

    first = draw(__name__)
    Switch.failing = True
    try:
        with pytest.raises(OSError, match="no network"):
            draw.cache.refresh(__name__)
    finally:
        Switch.failing = False
    assert draw(__name__) == first


def test_refresh_of_a_method_takes_self(tmp_path):
    """A method's handle takes the instance first, as its other methods do."""

    class Source:
        @memo.cached(store=tmp_path / "store")
        def draw(self):
            return os.urandom(8)

    source = Source()
    first = source.draw()
    assert Source.draw.cache.refresh(source) != first
    assert source.draw() == source.draw() != first


def test_refresh_refuses_what_has_no_form(tmp_path):
    """A call without a key cannot be replaced."""
    draw = fresh(tmp_path)
    with pytest.raises(memo.UnstableArgument, match="x"):
        draw.cache.refresh(iter([1]))
