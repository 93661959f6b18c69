"""A miss: the user's value comes back, and is stored, whatever classes, filters and stores do."""

from __future__ import annotations

import errno
import warnings

import pytest

import cas
import memo


class Weird(BaseException):
    """No Exception, and no wish to end the process either."""


class Unpicklable:
    """A result whose pickling fails in the way it was told to."""

    def __init__(self, error):
        self.error = error

    def __reduce__(self):
        raise self.error


class Unreadable:
    """An argument whose attributes cannot be read."""

    @property
    def __dict__(self):
        raise ValueError("not for you")


@pytest.mark.parametrize("error", [Weird("no"), RuntimeError("no"), RecursionError("no"), MemoryError("no")])
def test_result_that_fails_to_pickle_reaches_the_user(tmp_path, error):
    """Whatever a result's class raises while it is stored, its caller gets it, with a warning."""

    @memo.cached(store=tmp_path / "store")
    def f(error):
        return Unpicklable(getattr(Errors, error))

    Errors.no = error
    with pytest.warns(memo.CacheWarning, match="not stored.* no"):
        assert f("no").error is error
    assert list(f.cache.entries()) == []


class Errors:
    """Where the function under test finds what to raise."""

    no: BaseException


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_wish_to_stop_while_storing_is_heard(tmp_path, kind):
    """Ctrl-C in the middle of storing ends the call, and leaves no claim behind."""

    @memo.cached(store=tmp_path / "store")
    def f(name):
        return Unpicklable(getattr(Errors, name))

    Errors.no = kind()
    with pytest.raises(kind):
        f("no")
    Errors.no = RuntimeError("second")
    with pytest.warns(memo.CacheWarning, match="second"):
        f("no")


def test_argument_whose_class_raises_runs_without_the_cache(tmp_path):
    """An argument that raises when it is read costs the cache, not the call."""

    @memo.cached(store=tmp_path / "store")
    def f(value):
        return 7

    with pytest.warns(memo.CacheWarning, match="without its cache: value: .* got ValueError: not for you") as caught:
        assert f(Unreadable()) == 7
    assert caught[0].filename == __file__
    assert f.cache.stats().bypassed == 1


class Spoiled:
    """An argument that can be read until it is spoiled."""

    spoiled = False

    def __memo_key__(self):
        if self.spoiled:
            raise OSError("spoiled")
        return 1


def test_argument_that_cannot_be_read_after_the_call_was_changed(tmp_path):
    """An argument that is unreadable afterwards was changed: said aloud, the result stored and returned."""

    @memo.cached(store=tmp_path / "store")
    def spoil(value):
        value.spoiled = True
        return 7

    with pytest.warns(memo.CacheWarning, match="changed an argument"):
        assert spoil(Spoiled()) == 7
    assert spoil.cache.contains(Spoiled())


def test_warning_made_an_error_carries_the_value(tmp_path):
    """Where a filter turns the warning after a computation into an error, what was computed is on it."""

    @memo.cached(store=tmp_path / "store")
    def once(values):
        return iter(values)

    @memo.cached(store=tmp_path / "store")
    def grow(values):
        values.append(1)
        return len(values)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(memo.CacheWarning, match="not stored") as raised:
            once([1, 2])
        assert list(raised.value.value) == [1, 2]
        with pytest.raises(memo.CacheWarning, match="changed an argument") as raised:
            grow([0])
    assert raised.value.value == 2
    assert grow.cache.contains([0])
    assert grow([0]) == 2


def test_warning_made_an_error_before_the_call_computes_nothing(tmp_path):
    """Where a filter turns the warning about an argument into an error, the function does not run."""
    ran = []

    @memo.cached(store=tmp_path / "store", allow_mutable_bindings=True)
    def f(value):
        ran.append(1)

    with pytest.raises(memo.CacheWarning, match="ran without its cache") as raised:
        f(iter([]))
    assert ran == []
    assert raised.value.value is None


class Claims:
    """A store's claims that fail when entered or when left."""

    def __init__(self, enter=None, leave=None):
        self.enter, self.leave = enter, leave

    def __enter__(self):
        if self.enter:
            raise self.enter

    def __exit__(self, *error):
        if self.leave:
            raise self.leave


class Failing:
    """A store that hands on all calls but those it was told to answer otherwise."""

    def __init__(self, inner, **answers):
        self.inner, self.answers = inner, answers

    def __getattr__(self, name):
        return self.answers.get(name) or getattr(self.inner, name)


def fail(error):
    """Return a function that raises."""

    def failing(*args, **kwargs):
        raise error

    return failing


@pytest.mark.parametrize("error", [cas.BusyError("b", "h"), OSError(errno.EIO, "b"), ZeroDivisionError("b")])
@pytest.mark.parametrize("broken", ["claim", "enter", "fetch", "deposit"])
def test_store_that_raises_anything(store, broken, error):
    """Whatever a method of a store raises, the caller gets the value of one computation."""
    answers = {"claim": fail(error), "fetch": fail(error), "deposit": fail(error)}
    answer = (lambda key: Claims(enter=error)) if broken == "enter" else answers[broken]
    name = "claim" if broken == "enter" else broken
    f = memo.cached(store=Failing(store, **{name: answer}))(lambda x: [x])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert f(1) == [1]
    assert f.cache._caller.misses == 1
    assert [str(each.message).partition(" ")[2][:20] for each in caught] == {
        "claim": [], "enter": [], "fetch": ["could not use what i"], "deposit": ["computed its result,"]
    }[broken]  # fmt: skip


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_claim_that_cannot_be_left_hides_no_exception(store, kind):
    """The function's own exception reaches the caller as it was raised, not that of the claim."""
    own = kind("mine")

    def function(x):
        raise own

    f = memo.cached(store=Failing(store, claim=lambda key: Claims(leave=OSError("stuck"))))(function)
    with pytest.warns(memo.CacheWarning, match="could not end its claim: stuck"), pytest.raises(kind) as caught:
        f(1)
    assert caught.value is own
    assert own.__context__ is None


def test_claim_that_cannot_be_left_costs_a_warning(store):
    """A claim that fails when it is given back is said aloud; the value is there, and stored."""
    f = memo.cached(store=Failing(store, claim=lambda key: Claims(leave=OSError("stuck"))))(lambda x: [x])
    with pytest.warns(memo.CacheWarning, match="could not end its claim: stuck"):
        assert f(1) == [1]
    assert f(1) == [1]
    assert f.cache._caller.misses == 1


def test_error_of_the_user_that_looks_like_the_store_s(store):
    """An error of the store's own kind, raised by the user's function, passes through after one computation."""
    runs = []

    @memo.cached(store=store, allow_mutable_bindings=True)
    def f(x):
        runs.append(x)
        raise cas.NotFoundError("mine", "hint")

    with pytest.raises(cas.NotFoundError, match="mine"):
        f(1)
    assert runs == [1]


def test_result_stored_while_waiting_is_served(store):
    """What another stored between the first look and the claim is served, and not computed."""
    other = memo.cached(store=store)(shared)
    f = memo.cached(store=Failing(store, claim=lambda key: other(5) and Claims()))(shared)
    assert f(5) == [5]
    assert (f.cache._caller.misses, f.cache.stats().hits) == (0, 1)


def shared(x):
    """Be cached twice."""
    return [x]


def test_damage_met_while_waiting_computes(store):
    """A second look that fails computes, without a second warning."""
    looks = []

    def fetch(key):
        looks.append(key)
        if len(looks) == 2:
            raise cas.IntegrityError("damaged", "hint")
        return store.fetch(key)

    f = memo.cached(store=Failing(store, fetch=fetch))(shared)
    assert f(1) == [1]
    assert len(looks) == 2
    assert f.cache._caller.misses == 1
