"""What makes the key of a call: what is ignored, what stands for an argument, and what replaces it."""

from __future__ import annotations

import pickle
import threading
import warnings

import numpy as np
import pytest

import cas
import memo
from memo.keys import Keys

# ignore=


def test_an_ignored_argument_is_not_in_the_key_and_reaches_the_function():
    """Calls that differ in it alone are one; the one that computes gets it."""

    @memo.cached(ignore=["verbose"])
    def scaled(x, verbose=False):
        return x * 2, verbose

    assert scaled(1, verbose=True) == (2, True)
    assert scaled(1) == (2, True)
    assert scaled(2, verbose=False) == (4, False)
    assert scaled.cache.key(1, verbose=True) == scaled.cache.key(1, False)
    assert scaled.cache.key(1) != scaled.cache.key(2)


def test_an_ignored_argument_need_have_no_form():
    """What could not be in a key, such as a lock, may be ignored; the call is stored."""
    import threading

    @memo.cached(ignore=["lock"])
    def guarded(x, lock):
        with lock:
            return x + 1

    assert guarded(1, threading.Lock()) == 2
    assert guarded.cache.contains(1, None)


def test_the_store_leaves_out_what_is_ignored():
    """An entry's parameters and arguments are those that are signed."""

    @memo.cached(ignore=["verbose", "*rest"])
    def f(x, verbose=0, *rest, y=3, **options):
        return x

    f(1, 2, 3, 4, z=5)
    (entry,) = f.cache.entries()
    assert entry.function.parameters == ("x", "y", "**options")
    assert cas.form.unpack(entry.signature) == [1, 3, {"z": 5}]


def test_what_is_ignored_is_in_the_fingerprint():
    """Two decorations of one function that leave out different parameters never serve each other."""

    def f(a, b):
        return a - b

    no_a, no_b, none = memo.cached(ignore=["a"])(f), memo.cached(ignore=["b"])(f), memo.cached(f)
    assert (no_a(7, 1), no_b(1, 7), none(1, 7)) == (6, -6, -6)
    assert no_a(9, 1) == 6
    assert no_b(1, 9) == -6
    assert len({function.cache.key(1, 1) for function in (no_a, no_b, none)}) == 3


def test_changing_an_ignored_argument_is_not_warned_of():
    """A function may write into what is ignored."""

    @memo.cached(ignore=["out"])
    def noted(x, out):
        out.append(x)
        return x

    out = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert noted(1, out) == noted(1, out) == 1
    assert out == [1]


class Base:
    def __init__(self, state):
        self.state = state

    def helper(self):
        """Return a number that a subclass may change."""
        return 10

    @memo.cached(ignore=["self"])
    def ignoring(self, x):
        """Return a sum that no state is part of."""
        return x + self.helper()

    @memo.cached
    def counting(self, x):
        """Return a sum with the state."""
        return x + self.state

    @memo.cached(key={"self": lambda self: self.state})
    def by_state(self, x):
        """Return a sum that the state stands for."""
        return x + self.helper()


class Other(Base):
    def helper(self):
        """Return a number that a subclass may change."""
        return 20


def test_of_an_ignored_self_the_class_counts():
    """Instances of one class are one, those of a subclass that overrides what the method uses are others."""
    assert (Base(1).ignoring(1), Other(1).ignoring(1)) == (11, 21)
    assert Base.ignoring.cache.key(Base(1), 1) == Base.ignoring.cache.key(Base(2), 1)
    assert Base.ignoring.cache.key(Base(1), 1) != Base.ignoring.cache.key(Other(1), 1)


def test_the_code_behind_an_ignored_self_counts(monkeypatch):
    """Another method of the class that the cached one uses is part of its code."""
    key = Base.ignoring.cache.key(Base(1), 1)
    monkeypatch.setattr(Base, "helper", lambda self: 30)
    assert Base.ignoring.cache.key(Base(1), 1) != key
    assert Base(1).ignoring(1) == 31


def test_the_state_of_self_is_in_the_key():
    """Unless it is ignored, each attribute counts."""
    assert [Base(n).counting(1) for n in (1, 2, 1)] == [2, 3, 2]
    assert Base.counting.cache.key(Base(1), 1) == Base.counting.cache.key(Base(1), 1)


def test_a_function_that_stands_for_self_leaves_its_class_in_the_key(monkeypatch):
    """A subclass with the same state is another, and so is the class with other code."""
    assert (Base(1).by_state(1), Other(1).by_state(1), Base(1).by_state(1)) == (11, 21, 11)
    signed = {cas.form.unpack(entry.signature)[0][0].text for entry in Base.by_state.cache.entries()}
    assert signed == {f"{__name__}.Base", f"{__name__}.Other"}
    key = Base.by_state.cache.key(Base(1), 1)
    monkeypatch.setattr(Base, "helper", lambda self: 30)
    assert Base.by_state.cache.key(Base(1), 1) != key


# key=


def test_what_stands_for_an_argument_is_the_key():
    """Arguments that the function rounds alike are one call; the first one's result is served."""

    @memo.cached(key={"x": lambda x: round(x, 2)})
    def root(x):
        return x**0.5

    assert root(4.001) == root(4.002) == 4.001**0.5
    assert root(4.01) == 4.01**0.5
    (first, _) = sorted(root.cache.entries(), key=lambda entry: entry.created)
    assert cas.form.unpack(first.signature) == [4.0]


def test_the_function_that_stands_for_an_argument_is_in_the_fingerprint():
    """Decorations with different `key=` functions share nothing, nor one with none; equal ones share."""

    def f(x):
        return x

    up, down = memo.cached(key={"x": lambda x: x // 2})(f), memo.cached(key={"x": lambda x: x // 3})(f)
    plain, again = memo.cached(f), memo.cached(key={"x": lambda x: x // 2})(f)
    assert (up(6), down(9), plain(3)) == (6, 9, 3)
    assert (up(7), down(10)) == (6, 9)
    assert again.cache.contains(6)


def steps(x):
    """Return what stands for a number."""
    return int(x / WIDTH)


WIDTH = 2


def test_what_a_key_function_reaches_is_in_the_fingerprint(monkeypatch):
    """A constant that it reads counts as one that the function reads."""

    @memo.cached(key={"x": steps})
    def f(x):
        return x

    assert f(4) == f(5) == 4
    monkeypatch.setattr(f"{__name__}.WIDTH", 1)
    assert (f(5), f(4)) == (5, 4)


def test_which_parameter_it_stands_for_counts():
    """The same function for another parameter is another key."""

    def f(x, y):
        return x, y

    for_x, for_y = memo.cached(key={"x": abs})(f), memo.cached(key={"y": abs})(f)
    assert for_x(-1, 2) == (-1, 2)
    assert for_y(1, 2) == (1, 2)
    assert for_x(1, 2) == (-1, 2)


class Thing:
    def __init__(self, name):
        self.name = name

    def shout(self):
        """Return the name, loud."""
        return self.name.upper()


def test_the_class_of_an_argument_counts_although_a_function_stands_for_it(monkeypatch):
    """`key=` is about values: other code of the argument's class is other code of the call."""

    @memo.cached(key={"thing": lambda thing: thing.name})
    def said(thing):
        return thing.shout()

    assert said(Thing("a")) == "A"
    monkeypatch.setattr(Thing, "shout", lambda self: self.name + "!")
    assert said(Thing("a")) == "a!"


def test_stars_stand_for_each_argument():
    """Under a name with stars, the function is asked about each of the arguments that it takes."""

    @memo.cached(key={"*rest": round, "**options": abs})
    def f(*rest, **options):
        return rest, options

    assert f(1.2, 2.2, a=-1) == ((1.2, 2.2), {"a": -1})
    assert f(1.4, 1.8, a=1) == ((1.2, 2.2), {"a": -1})
    assert f.cache.key(1.4, a=1) == f.cache.key(1.0, a=-1) != f.cache.key(2.0, a=-1)


def test_a_key_function_that_fails_leaves_the_call_uncached_and_says_so():
    """The call runs; the warning names the parameter and what was raised; the handle raises."""

    @memo.cached(key={"x": lambda x: x["id"]})
    def f(x):
        return len(x)

    with pytest.warns(memo.CacheWarning, match=r"x: expected .* raised KeyError: 'id'"):
        assert f({"name": "a"}) == 1
    assert f.cache.stats().bypassed == 1
    with pytest.raises(memo.UnstableArgument):
        f.cache.key({})
    assert f({"id": 1, "name": "a"}) == f({"id": 1}) == 2


def test_what_stands_for_an_argument_needs_a_form():
    """A function that returns something without a form leaves the call uncached."""

    @memo.cached(key={"x": iter})
    def f(x):
        return x

    with pytest.warns(memo.CacheWarning, match="list_iterator"):
        assert f([1]) == [1]


# normalize=


def test_the_function_gets_what_replaces_its_argument():
    """Arguments that are normalized alike are one call, and the function sees them alike."""

    @memo.cached(normalize={"values": np.asarray})
    def mean(values, weight=1):
        return type(values).__name__, float(values.mean() * weight)

    assert mean([1.0, 2.0]) == mean(np.array([1.0, 2.0])) == ("ndarray", 1.5)
    assert mean.cache.key([1.0, 2.0]) == mean.cache.key(np.array([1.0, 2.0]))
    assert mean.cache.explain([1.0, 2.0]).outcome == "hit"
    assert mean.cache.forget((1.0, 2.0))
    assert not mean.cache.contains([1.0, 2.0])


def test_one_function_normalizes_every_argument_but_self():
    """A bare function is for each argument, those under stars and defaults included, and not for `self`."""

    class Speaker:
        @memo.cached(normalize=str.lower, ignore=["self"])
        def f(self, a, b="B", *rest, **options):
            return a, b, rest, options

    assert Speaker().f("A", "X", "Y", c="C") == ("a", "x", ("y",), {"c": "c"})
    assert Speaker().f("A") == ("a", "b", (), {})


def test_one_function_normalizes_every_argument_of_a_static_method():
    """It is bound to nothing, so its first argument is one like the others; a class method is bound to its class."""

    class Speaker:
        @staticmethod
        @memo.cached(normalize=str.lower)
        def static(a, b):
            return a, b

        @classmethod
        @memo.cached(normalize=str.lower)
        def of_class(cls, a):
            return cls.__name__, a

    class Other(Speaker):
        pass

    assert Speaker.static("A", "B") == Speaker().static("A", b="B") == ("a", "b")
    assert Other.of_class("A") == ("Other", "a")


def test_results_are_shared_with_plain_calls():
    """What was computed for a normalized argument is the result for it, however it came to be."""

    def f(text):
        return text * 2

    lower, plain = memo.cached(normalize=str.lower)(f), memo.cached(f)
    assert lower("AB") == "abab"
    assert plain.cache.contains("ab")
    assert not plain.cache.contains("AB")


def test_an_exception_of_normalize_is_the_caller_s():
    """There is nothing to call the function with: the exception passes through."""

    @memo.cached(normalize={"x": int})
    def f(x):
        return x

    with pytest.raises(ValueError, match="invalid literal"):
        f("one")
    assert f("1") == f(1) == 1


def test_normalize_comes_before_key():
    """A function of `key=` is asked about what the function gets."""

    @memo.cached(normalize={"x": abs}, key={"x": lambda x: x // 10})
    def f(x):
        return x

    assert f(-12) == f(15) == 12


# What is refused


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ({"ignore": "verbose"}, "list of names", 'ignore=["verbose"]'),
        ({"ignore": ["verbos"]}, "ignore= names 'verbos'", "'x', 'verbose', '*rest'"),
        ({"ignore": ["rest"]}, "ignore= names 'rest'", "'*rest'"),
        ({"key": round}, "dict of functions", 'key={"x": function}'),
        ({"key": {"y": round}}, "key= names 'y'", "'x', 'verbose', '*rest'"),
        ({"key": {"x": 2}}, "dict of functions", 'key={"x": function}'),
        ({"normalize": {"y": round}}, "normalize= names 'y'", "'x', 'verbose', '*rest'"),
        ({"normalize": 3}, "dict of functions", 'normalize={"x": function}'),
        ({"ignore": ["x"], "key": {"x": round}}, "both in ignore= and in key=", "one of them"),
    ],
)
def test_options_are_checked_at_decoration(options, message, hint):
    """A name that is no parameter, or an option of another form, is refused with the mend."""

    def f(x, verbose=False, *rest):
        return x

    with pytest.raises(cas.InvalidInputError, match=message.replace("*", r"\*")) as caught:
        memo.cached(**options)(f)
    assert hint in caught.value.hint


def test_of_what_has_no_parameters_of_its_own_the_stars_can_be_named():
    """A built-in function is bound by position and by name."""
    cached = memo.cached(ignore=["**kwargs"], key={"*args": abs})(max)
    assert cached(-3, 2) == 2
    assert cached(3, -2, key=None) == 2


# Together with the rest


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"key": {"x": round}}, {"key": {"x": abs}}),
        ({"normalize": {"x": round}}, {"normalize": {"x": abs}}),
        ({"normalize": round}, {"normalize": {"x": round}}),
        ({"ignore": ["verbose"]}, {}),
    ],
)
def test_what_a_cached_helper_makes_of_its_arguments_counts_for_its_callers(one, two):
    """The key of a function that calls it is another where its options are."""

    def calling(options):
        @memo.cached(**options)
        def helper(x, verbose=False):
            return x

        @memo.cached
        def caller(x):
            return helper(x)

        return caller.cache.key(1.5)

    assert calling(one) == calling(one) != calling(two)


def test_the_classes_of_what_a_function_stands_for_count_under_stars(monkeypatch):
    """Each argument's class counts, not that of the tuple they come in."""

    @memo.cached(key={"*things": lambda thing: thing.name})
    def said(*things):
        return [thing.shout() for thing in things]

    key = said.cache.key(Thing("a"))
    monkeypatch.setattr(Thing, "shout", lambda self: self.name + "?")
    assert said.cache.key(Thing("a")) != key


def test_keys_travel():
    """What makes a key comes back from a pickle as it was."""
    keys = pickle.loads(pickle.dumps(Keys(steps, ignore=(), key={"x": abs}, normalize=int)))
    assert keys.encode([-3])[0] == Keys(steps, key={"x": abs}).encode([3])[0]
    assert keys.parameters.normalize([2.7]) == [2]


def make(code, **options):
    """Return a cached function of some text, as if its file had been edited."""
    space = {"__name__": "edited"}
    exec(f"def f(x, verbose=False):\n    return {code}", space)
    return memo.cached(**options)(space["f"])


def test_results_are_adopted_where_an_argument_is_ignored():
    """Calls are computed again with the default of what is not in their key."""
    old = make("x + 1", ignore=["verbose"])
    for x in range(5):
        old(x, verbose=True)
    version = next(old.cache.entries()).function.fingerprint.hex()[:12]
    new = make("1 + x", ignore=["verbose"])
    assert new.cache.adopt(version).made == 5
    assert new.cache.contains(3, verbose=True)


def test_results_are_not_adopted_where_functions_stand_for_arguments():
    """What a call with such a key was, the store does not know."""
    old = make("x + 1", key={"x": abs})
    old(1)
    version = next(old.cache.entries()).function.fingerprint.hex()[:12]
    for new in (make("1 + x", key={"x": abs}), make("1 + x")):
        with pytest.raises(memo.AdoptionRefused, match="key="):
            new.cache.adopt(version)


def test_an_audit_sees_the_call_that_is_made():
    """The function is traced with normalized arguments."""

    @memo.cached(normalize={"x": abs}, ignore=["verbose"])
    def f(x, verbose=False):
        return x

    assert memo.audit(f)(-1, verbose=object()).value == 1


# Single options of **options


def test_a_single_option_is_ignored_by_its_name():
    """Of what `**options` takes, one is left out and reaches the function; the others count."""

    @memo.cached(ignore=["verbose", "workers"])
    def plot(x, **options):
        return x, options

    assert plot(1, verbose=True, width=2) == (1, {"verbose": True, "width": 2})
    assert plot(1, width=2, workers=threading.Lock()) == plot(1, width=2) == (1, {"verbose": True, "width": 2})
    assert plot(1, width=3) == (1, {"width": 3})
    (*_, entry) = plot.cache.entries()
    assert cas.form.unpack(entry.signature) == [1, {"width": 2}]


def test_a_function_stands_for_a_single_option():
    """`key=` is asked about that option alone, and only where it is given; the class of what is given counts."""

    @memo.cached(key={"tolerance": lambda value: round(value, 1), "**options": str})
    def fit(x, **options):
        return options

    assert fit(1, tolerance=0.11, mode="fast") == fit(1, mode="fast", tolerance=0.12)
    assert fit.cache.key(1, tolerance=0.11) != fit.cache.key(1, tolerance=0.21)
    assert fit.cache.key(1, mode=1, tolerance=0.1) == fit.cache.key(1, mode="1", tolerance=0.1)
    assert fit.cache.key(1) != fit.cache.key(1, tolerance=0.1)
    with pytest.warns(memo.CacheWarning, match="tolerance: expected what stands for it"):
        assert fit(1, tolerance="none") == {"tolerance": "none"}


def test_a_single_option_is_normalized():
    """The function gets what it becomes, in the order in which the options were given."""

    @memo.cached(normalize={"mode": str.lower})
    def fit(x, **options):
        return list(options.items())

    assert fit(1, width=2, mode="FAST", depth=3) == [("width", 2), ("mode", "fast"), ("depth", 3)]
    assert fit.cache.contains(1, mode="fast", depth=3, width=2)
    assert fit(1) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"ignore": ["verbose"]}),
        ({"ignore": ["verbose"]}, {"ignore": ["width"]}),
        ({"ignore": ["verbose"]}, {"ignore": ["verbose", "width"]}),
        ({"ignore": ["verbose"]}, {"ignore": ["**options"]}),
        ({"key": {"verbose": bool}}, {"ignore": ["verbose"]}),
        ({"key": {"verbose": bool}}, {"key": {"width": bool}}),
    ],
)
def test_decorations_that_treat_options_otherwise_never_share(one, other):
    """What is done to single options is in the fingerprint, whether or not the option is given."""

    def plot(x, **options):
        return x

    assert memo.cached(**one)(plot).cache.key(1) != memo.cached(**other)(plot).cache.key(1)
    again = {"ignore": list(reversed(other["ignore"]))} if "ignore" in other else other
    assert memo.cached(**again)(plot).cache.key(1) == memo.cached(**other)(plot).cache.key(1)


def test_options_join_the_fingerprint_in_one_order():
    """It is that of their names, whatever the hash seed of the process."""

    def plot(x, **options):
        return x

    names = ["verbose", "workers", "delta", "alpha", "echo", "bravo", "x"]
    assert Keys(plot, ignore=names).depends == (
        ("ignore=", "x", "alpha", "bravo", "delta", "echo", "verbose", "workers"),
    )


def test_a_parameter_comes_before_an_option_of_its_name():
    """Where both can be meant, the name is the parameter's."""

    @memo.cached(ignore=["x"])
    def f(x, /, **options):
        return x, options

    assert f(1) == f(2) == (1, {})
    assert f(1, x=3) != f(1, x=4)


@pytest.mark.parametrize("option", ["ignore", "key", "normalize"])
@pytest.mark.parametrize(
    ("name", "seen"), [("options", "with the stars"), ("*verbose", "parameters are"), ("rest", "stars")]
)
def test_names_with_stars_are_not_taken_for_options(option, name, seen):
    """A slip about the stars is an error still, and says what to write."""

    def f(x, *rest, **options):
        return x

    with pytest.raises(cas.InvalidInputError, match="has no such parameter") as caught:
        memo.cached(**{option: [name] if option == "ignore" else {name: str}})(f)
    assert seen in caught.value.hint


def test_all_and_one_of_the_options_are_not_both_ignored_and_asked():
    """What is left out altogether cannot be in the key as something else."""

    def f(**options):
        return options

    with pytest.raises(cas.InvalidInputError, match="'a' stands both"):
        memo.cached(ignore=["**options"], key={"a": str})(f)
    assert (
        memo.cached(ignore=["**options", "a"])(f).cache.key(a=1)
        == memo.cached(ignore=["a", "**options"])(f).cache.key()
    )


def test_a_partial_takes_single_options():
    """What has no parameters of its own takes them by keyword."""
    import functools

    def f(x, scale=1, verbose=False):
        return x * scale

    g = memo.cached(ignore=["verbose"])(functools.partial(f, scale=3))
    assert g(2, verbose=True) == g(2) == 6
    assert g.cache.stats().misses == 1
