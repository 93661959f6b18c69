"""`codec="stream"`: a generator's items are stored as they are consumed, and replayed lazily."""

from __future__ import annotations

import inspect
import os
import sys
from itertools import islice

import numpy as np
import pytest

import cas
import memo
from tests.deposits import assert_intact, forked


def make(tmp_path, **options):
    """Return a cached generator function whose items differ with each computation."""

    @memo.cached(store=tmp_path / "store", codec="stream", **options)
    def draw(count, size=0):
        for number in range(count):
            yield [number, os.urandom(8), np.full(size, float(number))]
        return f"{count} drawn"

    return draw


def whole(generator):
    """Return the items of a generator, and what it returns."""
    items = []
    while True:
        try:
            items.append(next(generator))
        except StopIteration as end:
            return items, end.value


@pytest.mark.parametrize("memory", [True, False])
@pytest.mark.parametrize(("count", "size"), [(0, 0), (1, 0), (3, 0), (5000, 0), (5, 3000), (3, 200_000)])
@pytest.mark.parametrize("compress", [None, "zstd"])
def test_items_and_return_value_come_back(tmp_path, memory, count, size, compress):
    """The second time, everything is as it was the first time, and fresh."""
    draw = make(tmp_path, memory=memory, compress=compress)
    first, second, third = (whole(draw(count, size)) for _ in range(3))
    assert repr(first) == repr(second) == repr(third)
    assert first[1] == f"{count} drawn"
    assert len(first[0]) == count
    for one, other in zip(second[0], third[0], strict=True):
        assert np.array_equal(one[2], other[2])
        assert one is not other
        assert one[2] is not other[2]
    assert draw.cache.stats().misses == 1
    assert next(draw.cache.entries()).summary == f"stream of {count:,} items"


def test_wrapper_is_a_generator_function(tmp_path):
    """Nothing runs before the first item is asked for."""
    draw = make(tmp_path)
    assert inspect.isgeneratorfunction(draw)
    draw(3)
    assert draw.cache.stats().misses == 0


def test_items_are_read_as_they_are_asked_for(tmp_path, monkeypatch):
    """Replaying some items reads the chunks of those alone."""
    draw = make(tmp_path)
    expected = list(draw(8192))
    opened = []
    store = draw.cache._caller.open()
    opening = store.open_blob
    monkeypatch.setattr(store, "open_blob", lambda *given: opened.append(given) or opening(*given))
    assert repr(list(islice(draw(8192), 10))) == repr(expected[:10])
    assert len(opened) == 1
    assert repr(list(draw(8192))) == repr(expected)
    assert len(opened) == 3


@pytest.mark.parametrize("leave", [lambda items: items.close(), lambda items: None])
def test_stream_that_is_left_stores_nothing(tmp_path, leave):
    """A part of a stream is no result, and nothing is said about it."""
    draw = make(tmp_path)
    items = draw(10)
    first = [next(items), next(items)]
    leave(items)
    del items
    assert list(draw.cache.entries()) == []
    assert list(islice(draw(10), 2)) != first


def test_item_is_stored_as_it_was_when_it_came(tmp_path):
    """Neither the consumer nor the generator changes what is stored."""

    @memo.cached(store=tmp_path / "store", codec="stream")
    def grow(count):
        items = []
        for number in range(count):
            items.append(number)
            yield items

    for items in grow(3):
        items.append("seen")
    assert list(grow(3)) == [[0], [0, "seen", 1], [0, "seen", 1, "seen", 2]]
    assert [list(items) for items in grow(3)] == [[0], [0, "seen", 1], [0, "seen", 1, "seen", 2]]


def test_two_at_once_in_one_thread(tmp_path):
    """Streams of one call that are consumed side by side do not wait for each other."""
    draw = make(tmp_path)
    pairs = list(zip(draw(5), draw(5), strict=True))
    assert [one[0] for one, _ in pairs] == [other[0] for _, other in pairs] == list(range(5))
    assert len(list(draw.cache.entries())) == 1


def echoes(tmp_path):
    """Return a cached generator function that yields what it is sent, and what is thrown into it."""

    @memo.cached(store=tmp_path / "store", codec="stream")
    def echo(count):
        given = None
        for number in range(count):
            try:
                given = yield (number, given)
            except ValueError as error:
                given = str(error)
        return given

    return echo


@pytest.mark.parametrize("stored", [True, False])
def test_send_and_throw_reach_the_generator(tmp_path, stored):
    """As without a cache, whether or not the stream is stored; such a stream is not."""
    echo = echoes(tmp_path)
    if stored:
        assert list(echo(5)) == [(number, None) for number in range(5)]

    def played(items):
        heard = [next(items), next(items), items.send("a"), items.throw(ValueError("b")), next(items)]
        with pytest.raises(StopIteration) as end:
            items.send("c")
        return heard, end.value.value

    assert played(echo(5)) == played(echo.__wrapped__(5))
    assert len(list(echo.cache.entries())) == stored
    thrown = echo(5)
    next(thrown)
    with pytest.raises(KeyError):
        thrown.throw(KeyError("out"))


def test_exception_passes_through_and_stores_nothing(tmp_path):
    """The items before it have been handed out, and that is all."""

    @memo.cached(store=tmp_path / "store", codec="stream")
    def fail(x):
        yield 1
        raise ValueError("odd")

    items = fail(1)
    assert next(items) == 1
    with pytest.raises(ValueError, match="odd"):
        next(items)
    assert list(fail.cache.entries()) == []


def test_item_that_no_codec_takes_is_said_aloud_and_handed_out(tmp_path):
    """The stream goes on, unstored."""

    @memo.cached(store=tmp_path / "store", codec="stream")
    def odd(x):
        yield 1
        yield (number for number in range(3))
        yield 3

    with pytest.warns(memo.CacheWarning, match="not stored: item 1: pickle: expected a value, got a"):
        items = list(odd(1))
    assert items[::2] == [1, 3]
    assert list(items[1]) == [0, 1, 2]
    assert list(odd.cache.entries()) == []


def test_argument_changed_by_the_consumer_stores_nothing(tmp_path):
    """What came of another argument is not stored under the first."""

    @memo.cached(store=tmp_path / "store", codec="stream")
    def double(numbers):
        for number in numbers:
            yield 2 * number

    numbers = [1, 2]
    items = double(numbers)
    assert next(items) == 2
    numbers[1] = 7
    with pytest.warns(memo.CacheWarning, match="an argument changed meanwhile"):
        assert list(items) == [14]
    assert list(double.cache.entries()) == []


def test_damaged_chunk_is_computed_again_from_there(tmp_path):
    """What is lost on the way is made by the generator, after the items that were handed out."""

    @memo.cached(store=tmp_path / "store", codec="stream")
    def spans(count):
        for number in range(count):
            yield np.full(300_000, float(number))
        return "end"

    list(spans(4))
    store = spans.cache._caller.open()
    items = spans(4)
    assert next(items)[0] == 0.0
    for blob in list(store.blobs()):
        os.chmod(blob.path, 0o600)
        with open(blob.path, "r+b") as file:
            file.truncate(100)
    with pytest.warns(memo.CacheWarning, match="could not use what is stored"):
        rest, returned = whole(items)
    assert [item[0] for item in rest] == [1.0, 2.0, 3.0]
    assert returned == "end"


def test_refresh_computes_a_new_stream(tmp_path):
    """The handle's method is consumed like the function itself."""
    draw = make(tmp_path)
    first = list(draw(3))
    second = list(draw.cache.refresh(3))
    assert repr(first) != repr(second) == repr(list(draw(3)))


def test_generator_function_without_the_codec_is_refused():
    """The hint names the way."""

    def generator():
        yield 1

    with pytest.raises(memo.UnstableFunction) as refusal:
        memo.cached(generator)
    assert 'codec="stream"' in refusal.value.hint


def test_stream_of_a_plain_function_is_refused():
    """There are no items to store."""

    def plain():
        return [1]

    with pytest.raises(memo.UnstableFunction, match='a generator function for codec="stream"'):
        memo.cached(codec="stream")(plain)


def test_whole_streams_survive_gc(tmp_path):
    """The blobs of items and chunks are needed by the entry (I4)."""
    import cas
    from cas.gc import execute, plan

    draw = make(tmp_path)
    expected = repr(list(draw(5000, 10)))
    store = cas.open(tmp_path / "store")
    execute(store, plan(store))
    assert repr(list(draw(5000, 10))) == expected
    assert draw.cache.stats().misses == 1


def test_the_generator_handles_nothing_but_its_own_exceptions():
    """What was thrown in and handled is over, whether the items before were computed or replayed."""
    seen = []

    @memo.cached(codec="stream", ignore=["seen"])
    def numbers(seen):
        try:
            yield 0
        except KeyError:
            yield 1
        seen.append(sys.exc_info()[1])
        raise ValueError("other")

    @memo.cached(codec="stream", ignore=["seen"])
    def ended(seen):
        try:
            yield 0
        except KeyError:
            yield 1
            seen.append(sys.exc_info()[1])
            raise

    assert list(ended(seen)) == [0]
    for function, kind in ((numbers, ValueError), (ended, KeyError), (ended.__wrapped__, KeyError)):
        items = function(seen)
        assert next(items) == 0
        assert items.throw(KeyError("over")) == 1
        with pytest.raises(kind) as caught:
            next(items)
        assert caught.value.__context__ is None
    assert [type(error) for error in seen] == [type(None), KeyError, KeyError]


def test_stream_that_a_forked_child_consumes_on_is_not_stored_wrong(tmp_path):
    """A child writes into the same temporary file: what its parent then has is said aloud, and not stored."""

    @memo.cached(store=tmp_path / "store", codec="stream")
    def rows(count):
        for number in range(count):
            yield np.full(2000, float(number))

    running = rows(300)
    seen = [next(running)[0] for _ in range(200)]
    assert forked(lambda: [next(running) for _ in range(7)]) == 0
    with pytest.warns(memo.CacheWarning, match="items as they were taken"):
        seen += [row[0] for row in running]
    assert seen == list(range(300))
    assert [row[0] for row in rows(300)] == seen
    assert_intact(cas.open(tmp_path / "store"))
