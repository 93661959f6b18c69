"""Every option with every kind of callable, and with every tier: what comes back is as if it had been computed."""

from __future__ import annotations

import copy
import functools

import numpy as np
import pytest

import memo

OPTIONS = {
    "none": {},
    "ttl": {"ttl": 3600},
    "exceptions": {"cache_exceptions": (ValueError,)},
    "pickle": {"codec": "pickle"},
    "zstd": {"compress": "zstd"},
    "min_cost": {"min_cost": 3600},
    "readonly": {"readonly": True},
    "store_args": {"store_args": True},
    "all": {"ttl": 3600, "cache_exceptions": ValueError, "compress": "auto", "readonly": True, "store_args": True},
}


@pytest.fixture(params=OPTIONS.values(), ids=OPTIONS.keys())
def options(request):
    """Return the options of a cached function."""
    return request.param


@pytest.fixture(params=[True, False], ids=["memory", "store"])
def cached(request, options, tmp_path):
    """Return the decorator with these options, with and without memory."""
    decorate = memo.cached(store=tmp_path / "store", memory=request.param, **options)
    decorate.never_stores = "min_cost" in options and not request.param
    return decorate


VALUES = [
    np.arange(5.0),
    np.arange(300_000.0),
    [1, [2.5, {"a": (None, [3])}]],
    {"small": np.arange(3.0), "large": [np.arange(200_000.0)]},
    bytearray(b"abc"),
]


def change(value):
    """Change everything in a value that can be changed."""
    if isinstance(value, np.ndarray):
        if value.flags.writeable:
            value[...] = -1
    elif isinstance(value, bytearray):
        value[:] = b"changed"
    elif isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            change(part)
        if isinstance(value, list):
            value.append("changed")
        elif isinstance(value, dict):
            value["changed"] = True


@pytest.mark.parametrize("which", range(len(VALUES)))
def test_changing_a_result_changes_no_later_one(cached, which):
    """Whoever gets a value can do to it what it allows, and the next one is as it was."""

    @cached
    def make(which, value):
        return value

    given, expected = copy.deepcopy(VALUES[which]), VALUES[which]
    for _ in range(4):
        value = make(which, copy.deepcopy(given))
        assert type(value) is type(expected)
        np.testing.assert_equal(value, expected)
        change(value)


@pytest.mark.filterwarnings("ignore:.*without its arguments.*Can't (pickle|get) local:memo.CacheWarning")
def test_every_kind_of_callable(cached):
    """Methods, class methods, static methods, properties and partials return what they return uncached."""

    class Scaler:
        def __init__(self, factor):
            self.factor = factor

        @cached
        def scale(self, x, *more, by=1, **named):
            return [self.factor * x * by, more, named]

        @classmethod
        @cached
        def make(cls, factor):
            return [cls.__name__, factor]

        @staticmethod
        @cached
        def double(x, /):
            return [2 * x]

        @property
        @cached
        def twice(self):
            return [2 * self.factor]

    two, three = Scaler(2), Scaler(3)
    whole = cached(functools.partial(Scaler.double.__wrapped__, 7))
    part = functools.partial(cached(Scaler.scale.__wrapped__), two, 5)
    for _ in range(3):
        assert two.scale(5) == [10, (), {}]
        assert three.scale(5, 6, by=2, z=1) == [30, (6,), {"z": 1}]
        assert Scaler.make(4) == two.make(4) == ["Scaler", 4]
        assert Scaler.double(4) == [8]
        assert (two.twice, three.twice) == ([4], [6])
        assert whole() == [14]
        assert part(by=3) == [30, (), {}]
    assert Scaler.scale.cache.stats().misses == (6 if cached.never_stores else 2)


def test_exception_that_is_not_asked_for_passes_through(cached):
    """No option keeps an exception of another class."""

    @cached
    def fail(x):
        raise KeyError(x)

    for _ in range(2):
        with pytest.raises(KeyError, match="7"):
            fail(7)
    assert list(fail.cache.entries()) == []


@pytest.mark.parametrize("value", [None, 0, float("nan"), "", (), [], np.empty((0, 3)), np.float32(1.5), 1 << 70])
def test_value_returns_as_it_left(cached, value):
    """Empty and falsy results are results like others."""

    @cached
    def make(value):
        return value

    for _ in range(3):
        again = make(value)
        assert type(again) is type(value)
        np.testing.assert_equal(again, value)
