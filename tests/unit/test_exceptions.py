"""`cache_exceptions=`: an exception of a class that is asked for is stored, and raised again."""

from __future__ import annotations

import errno
import os
import sys
import traceback

import numpy as np
import pytest

import cas
import memo
from memo.codecs import by_name
from memo.errors import Raised, RaisedEarlier


class Singular(ValueError):
    """A class of the user's, with arguments and attributes of its own."""

    def __init__(self, size, *, rank):
        super().__init__(f"rank {rank} of {size}")
        self.rank = rank


class Slotted(ValueError):
    """A class that keeps something where it cannot be found by name."""

    __slots__ = ("rank",)


class Loud(ValueError):
    """A class whose own code must not run when it comes back."""

    made = 0

    @property
    def rank(self):
        """Return nothing."""

    @rank.setter
    def rank(self, rank):
        raise AssertionError("not when it is read")

    def __init__(self, *args):
        super().__init__(*args)
        Loud.made += 1

    def __setattr__(self, name, value):
        raise AssertionError("not when it is read")


class Errors:
    """Where the function under test finds what to raise, by a name that its code does not show."""

    error: Exception | None


def failing(tmp_path, kinds, **options):
    """Return a cached function that raises, whenever it computes, what `Errors` has."""

    @memo.cached(store=tmp_path / "store", cache_exceptions=kinds, **options)
    def fail(name):
        raise sys.modules[name].Errors.error

    return fail


def caught(function, *args):
    """Return what a call raises."""
    with pytest.raises(Exception) as info:  # noqa: PT011 - whatever it is, the caller looks at it
        function(*args)
    return info.value


NATIVE = ("filename", "reason", "name", "path", "errno")


def noted():
    """Return an exception with a note."""
    error = ValueError("odd")
    error.add_note("seen at sample 7")
    return error


MADE = [
    ValueError("no", 3, (1.5, None)),
    ValueError(),
    KeyError("missing"),
    FileNotFoundError(errno.ENOENT, "No such file", "gains.csv"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    Singular(3, rank=2),
    ValueError(np.arange(4.0)),
    noted(),
    ModuleNotFoundError("no", name="gains", path="/data"),
    OSError(errno.EIO, "Input/output error"),
]


@pytest.mark.parametrize("error", MADE, ids=lambda error: type(error).__name__)
def test_exception_comes_back_as_it_was(tmp_path, error):
    """Class, text, arguments, attributes and notes of the second are those of the first, which alone was computed."""
    fail = failing(tmp_path, [type(error)])
    Errors.error = error
    first, second, third = caught(fail, __name__), caught(fail, __name__), caught(fail, __name__)
    assert first is error
    assert second is not error
    assert third is not second
    for again in (second, third):
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert repr(again.args) == repr(error.args)
        assert repr(vars(again)) == repr(vars(error))
        assert [getattr(again, name, None) for name in NATIVE] == [getattr(error, name, None) for name in NATIVE]
    assert (fail.cache.stats().misses, fail.cache.stats().hits) == (1, 2)


def test_what_is_raised_again_tells_where_it_was_raised(tmp_path):
    """Its cause is the text of the first traceback, and what is raised can be changed without harm."""
    fail = failing(tmp_path, ValueError)
    Errors.error = ValueError("odd")
    caught(fail, __name__)
    again = caught(fail, __name__)
    assert type(again.__cause__) is RaisedEarlier
    assert "raise sys.modules[name].Errors.error" in str(again.__cause__)
    assert "stored, and raised again" in "".join(traceback.format_exception(again))
    again.args = ("changed",)
    assert caught(fail, __name__).args == ("odd",)


def test_other_exceptions_pass_through(tmp_path):
    """What is not of these classes is stored no more than before."""
    fail = failing(tmp_path, (ValueError,))
    Errors.error = TypeError("odd")
    assert caught(fail, __name__) is caught(fail, __name__) is Errors.error
    assert list(fail.cache.entries()) == []


def test_stored_exception_is_not_raised_where_it_is_not_asked_for(tmp_path):
    """The same function without the option computes, and its value replaces the exception."""
    Errors.error = ValueError("odd")

    def make(**options):
        @memo.cached(store=tmp_path / "store", **options)
        def fail(name):
            raise sys.modules[name].Errors.error

        return fail

    keeping, plain = make(cache_exceptions=ValueError), make()
    caught(keeping, __name__)
    assert caught(plain, __name__) is Errors.error
    assert "cache_exceptions" in str(plain.cache.explain(__name__))
    assert keeping.cache.explain(__name__).outcome == "hit"
    assert keeping.cache.explain(__name__).entry.summary == "raised ValueError: odd"


def test_refresh_replaces_a_stored_exception(tmp_path):
    """A failure that has passed gives way to a value."""

    @memo.cached(store=tmp_path / "store", cache_exceptions=(OSError,))
    def fetch(name):
        if sys.modules[name].Errors.error is None:
            return 1
        raise sys.modules[name].Errors.error

    Errors.error = OSError("no network")
    assert str(caught(fetch, __name__)) == str(caught(fetch, __name__)) == "no network"
    Errors.error = None
    assert str(caught(fetch, __name__)) == "no network"
    assert fetch.cache.refresh(__name__) == 1
    assert fetch(__name__) == 1


@pytest.mark.parametrize("error", [Slotted("odd"), type("Nameless", (ValueError,), {})("odd")])
def test_exception_that_would_not_come_back_is_raised_and_not_stored(tmp_path, error):
    """The user gets it, with a warning that says why it is not stored."""
    fail = failing(tmp_path, ValueError)
    Errors.error = error
    with pytest.warns(memo.CacheWarning, match="not stored: raised: expected an exception whose class"):
        assert caught(fail, __name__) is error
    assert list(fail.cache.entries()) == []


def test_no_code_of_the_class_runs_when_it_comes_back(tmp_path):
    """Reading an exception makes it without its `__init__` and `__setattr__` (I7)."""
    fail = failing(tmp_path, ValueError)
    Errors.error = Loud("odd")
    caught(fail, __name__)
    made = Loud.made
    assert caught(fail, __name__).args == ("odd",)
    assert Loud.made == made
    content = (__name__, "Loud", ("odd",), {"rank": 3, "args": ("even",)}, "")
    parts, _ = by_name("tree/1").encode(content, None)
    with pytest.raises(Raised) as again:
        by_name("raised/1").decode(b"\x06tree/1" + b"".join(parts), None)
    assert again.value.error.args == ("even",)
    assert vars(again.value.error) == {"rank": 3}


def test_class_that_is_no_exception_is_not_made():
    """Bytes that name another class are refused, and nothing is called."""
    tree = by_name("tree/1")
    content = ("subprocess", "Popen", ("true",), {}, "")
    parts, _ = tree.encode(content, None)
    with pytest.raises(memo.CodecError, match="expected the exception subprocess"):
        by_name("raised/1").decode(b"\x06tree/1" + b"".join(parts), None)


@pytest.mark.parametrize("body", [b"", b"\x06tree/1", b"\x06tree/1\x01", b"\xff", b"\x03abc"])
def test_bytes_that_are_no_exception_are_refused(body):
    """Damage is said to be damage."""
    with pytest.raises((memo.CodecError, cas.IntegrityError)):
        by_name("raised/1").decode(body, None)


@pytest.mark.parametrize("given", [KeyboardInterrupt, BaseException, "ValueError", ValueError("no"), (int,), None])
def test_what_is_no_class_of_exceptions_is_refused(given):
    """What ends a process is never kept; anything else is a mistake, named where the function is decorated."""
    with pytest.raises(cas.InvalidInputError, match="cache_exceptions="):
        memo.cached(cache_exceptions=given)


def test_warning_of_an_inner_function_is_not_stored(tmp_path):
    """What caching itself has to say, made an error by a filter, is no result."""
    fail = failing(tmp_path, Exception)
    Errors.error = memo.CacheWarning("the inner function's")
    assert caught(fail, __name__) is Errors.error
    assert list(fail.cache.entries()) == []


def test_exception_expires_like_a_value(tmp_path, monkeypatch):
    """With `ttl=`, a failure is tried again after that time."""
    import time

    from memo import policy

    @memo.cached(store=tmp_path / "store", cache_exceptions=OSError, ttl=60)
    def fetch(x):
        raise OSError(os.urandom(4).hex())

    first = str(caught(fetch, 1))
    assert str(caught(fetch, 1)) == first
    monkeypatch.setattr(policy, "time", lambda: time.time() + 100)
    assert str(caught(fetch, 1)) != first


def test_raised_carries_the_exception_to_another_process():
    """What is neither stored nor returned still pickles."""
    import pickle

    again = pickle.loads(pickle.dumps(Raised(ValueError("odd"))))
    assert type(again.error) is ValueError
    assert again.error.args == ("odd",)
