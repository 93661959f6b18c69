"""`store_args=True`: any call can be made again, with the arguments stored beside its result."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

import cas
import memo
from cas.gc import execute, plan

LARGE = np.arange(300_000.0)


def make(tmp_path, **options):
    """Return a cached function of every kind of parameter, with its arguments stored."""

    @memo.cached(store=tmp_path / "store", store_args=True, **options)
    def add(x, /, y=2, *rest, scale=1.0, **others):
        return (np.sum(x) + y + sum(rest) + sum(others.values())) * scale

    return add


def only(function):
    """Return the one entry of a function."""
    (entry,) = function.cache.entries()
    return entry


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((1,), {}), ((LARGE, 3, 4, 5), {"scale": 0.5, "b": 1, "a": 2}), (((1, 2.5, True),), {"y": 2**70})],
)
def test_call_is_made_again(tmp_path, args, kwargs):
    """The arguments come back as they were given, and the function makes the same of them."""
    add = make(tmp_path)
    expected = add(*args, **kwargs)
    entry = only(add)
    assert add.cache.replay(entry) == add.cache.replay(entry.key.hex()) == add.cache.replay(entry.key.hex()[:8])
    assert add.cache.replay(entry) == expected
    given = add.cache.arguments(entry)
    assert list(given) == ["x", "y", "*rest", "scale", "**others"]
    assert type(given["x"]) is type(args[0])
    assert np.array_equal(given["x"], args[0])
    assert given["*rest"] == args[2:]
    assert add.cache.stats().misses == 1


def test_ignored_arguments_are_stored_too(tmp_path):
    """What is no part of the key is part of the call."""

    @memo.cached(store=tmp_path / "store", store_args=True, ignore=["verbose"])
    def double(x, verbose):
        return 2 * x

    assert double(4, verbose=True) == 8
    assert double.cache.arguments(only(double)) == {"x": 4, "verbose": True}
    assert double.cache.replay(only(double)) == 8


def test_gc_keeps_the_arguments(tmp_path):
    """The entry needs them (I4), and lets go of them when it goes."""
    add = make(tmp_path)
    add(LARGE)
    store = cas.open(tmp_path / "store")
    before = {blob.digest for blob in store.blobs()}
    execute(store, plan(store))
    assert {blob.digest for blob in store.blobs()} == before
    assert np.array_equal(add.cache.arguments(only(add))["x"], LARGE)
    add.cache.forget(LARGE)
    execute(store, plan(store))
    assert list(store.blobs()) == []


def test_changed_arguments_are_not_stored(tmp_path):
    """A function that changes what it is given stores nothing that it was not given."""

    @memo.cached(store=tmp_path / "store", store_args=True)
    def drain(numbers):
        return [numbers.pop() for _ in range(len(numbers))]

    with pytest.warns(memo.CacheWarning, match="changed an argument"):
        assert drain([1, 2]) == [2, 1]
    with pytest.raises(cas.NotFoundError, match="without its arguments"):
        drain.cache.replay(only(drain))


def test_argument_that_cannot_be_stored_leaves_the_result(tmp_path):
    """The result is stored, and a warning says what is lacking."""

    class Local:
        """A class that pickle cannot find."""

        def __memo_key__(self):
            return 1

    @memo.cached(store=tmp_path / "store", store_args=True)
    def answer(thing):
        return 42

    with pytest.warns(memo.CacheWarning, match="stored its result without its arguments: pickle"):
        assert answer(Local()) == 42
    assert answer(Local()) == 42
    assert answer.cache.stats().misses == 1


def test_result_without_arguments_says_so(tmp_path):
    """Results of before the option was given have none."""

    @memo.cached(store=tmp_path / "store")
    def double(x):
        return 2 * x

    double(4)
    with pytest.raises(cas.NotFoundError) as error:
        double.cache.replay(only(double))
    assert "store_args=True" in error.value.hint


@pytest.mark.parametrize("which", ["", "12", "f" * 64, "0123456"])
def test_entry_that_is_not_there(tmp_path, which):
    """A key that names nothing is said to."""
    with pytest.raises(cas.NotFoundError, match="no entry"):
        make(tmp_path).cache.replay(which)


def test_what_names_no_entry_is_refused(tmp_path):
    """The message says what can be given."""
    with pytest.raises(cas.InvalidInputError, match="found 3") as caught:
        make(tmp_path).cache.arguments(3)
    assert "f.cache.entries()" in caught.value.hint


def test_call_of_other_parameters_is_not_made(tmp_path):
    """The arguments can still be had."""
    add = make(tmp_path)
    add(1)

    @memo.cached(store=tmp_path / "store")
    def other(a):
        return a

    with pytest.raises(cas.InvalidInputError, match=r"expected a call of .*other\(a\), found one with x, y"):
        other.cache.replay(only(add))
    assert other.cache.arguments(only(add))["y"] == 2


def test_coroutine_and_stream_are_made_again(tmp_path):
    """What is returned is what the function returns: to be awaited, or consumed."""

    @memo.cached(store=tmp_path / "store", store_args=True)
    async def double(x):
        return 2 * x

    @memo.cached(store=tmp_path / "store", store_args=True, codec="stream")
    def count(x):
        yield from range(x)

    assert asyncio.run(double(4)) == 8
    assert list(count(3)) == [0, 1, 2]
    assert asyncio.run(double.cache.replay(only(double))) == 8
    assert list(count.cache.replay(only(count))) == [0, 1, 2]


def test_explanation_of_a_hit_leaves_the_blob_out(tmp_path):
    """A person is not shown where the arguments are."""
    add = make(tmp_path)
    add(1)
    assert "arguments" not in str(add.cache.explain(1))


def test_arguments_that_are_not_signed_are_stored_as_they_were_given(tmp_path):
    """A function may write into them; what they were is not there any more, so that the call is stored without."""

    @memo.cached(store=tmp_path / "store", store_args=True, ignore=["log"], key={"first": len})
    def note(x, log, first=(), **options):
        log.extend([x] * bool(x))
        first and first.reverse()
        return x

    note(0, ["given"])
    assert note.cache.arguments(only(note)) == {"x": 0, "log": ["given"], "first": (), "**options": {}}
    assert note.cache.forget(0, [])
    for log, first in (([], ()), ([], [1, 2])):
        x = 0 if first else 1
        note(x, log, first)
        with pytest.raises(cas.NotFoundError, match="without its arguments"):
            note.cache.arguments(only(note))
        assert note.cache.forget(x, log, first)
