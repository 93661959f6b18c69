"""A wrapped call equals a raw call: the same result, or the same TypeError, for every signature and every call."""

from __future__ import annotations

import functools
import inspect
import itertools
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memo
from memo.signature import Parameters, compile_forward, compile_wrapper

# Names that the wrapper, its namespace or its helpers use themselves, or might.
NAMES = [
    "a", "b", "self", "cls", "values", "function", "wrapper", "serve", "_serve", "__serve", "_type", "_scalars", "type",
    "key", "args", "kwargs", "print", "match", "é",
]  # fmt: skip
FRESH = itertools.count()
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.text("xy", max_size=2), st.just((1, "z")))


@st.composite
def signatures(draw):
    """Return the text of a parameter list, and the names in it."""
    names = draw(st.lists(st.sampled_from(NAMES), max_size=6, unique=True))
    kinds = sorted(draw(st.lists(st.sampled_from("prk"), min_size=len(names), max_size=len(names))), key="prk".index)
    first_default = draw(st.integers(0, len(names)))
    parts = {kind: [] for kind in "prk"}
    for place, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        has_default = draw(st.booleans()) if kind == "k" else place >= first_default
        parts[kind].append(f"{name}={draw(VALUES)!r}" if has_default else name)
    text = [*parts["p"], *(["/"] if parts["p"] else []), *parts["r"]]
    if draw(st.booleans()):
        text.append("*rest")
    elif parts["k"]:
        text.append("*")
    text += parts["k"]
    if draw(st.booleans()):
        text.append("**options")
    return ", ".join(text), names


@st.composite
def calls(draw):
    """Return a function's parameter list, and arguments that may or may not suit it."""
    text, names = draw(signatures())
    positional = draw(st.lists(VALUES, max_size=len(names) + 1))
    rest = names[len(positional) :] if draw(st.booleans()) else names
    given = {name: draw(VALUES) for name in rest if draw(st.booleans())}
    if draw(st.integers(0, 4)) == 0:
        given["other"] = draw(VALUES)
    return text, positional, given


def make(parameters: str):
    """Return a function of those parameters that returns what it was given."""
    space = {"__name__": __name__}
    exec(f"def f({parameters}):\n    return list(locals().items())", space)
    space["f"].__qualname__ = "Some.f"
    return space["f"]


def outcome(function, positional, given):
    """Return what a call returns, or the text of its TypeError."""
    try:
        return function(*positional, **given)
    except TypeError as error:
        return str(error)


@given(calls())
@settings(max_examples=500, deadline=None)
def test_wrapper_takes_and_refuses_what_the_function_does(call):
    """Results are the same, and so are the words of a TypeError."""
    text, positional, given = call
    function = make(text)
    forward = compile_forward(Parameters(function))

    def serve(values):
        return forward(function, values)

    wrapper = compile_wrapper(function, Parameters(function), serve, serve)
    assert outcome(wrapper, positional, given) == outcome(function, positional, given)
    assert inspect.signature(wrapper, follow_wrapped=False) == inspect.signature(function)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return the folder of one store for many functions."""
    return tmp_path_factory.mktemp("wrapping") / "store"


@given(calls())
@settings(max_examples=60, deadline=None)
def test_cached_call_equals_raw_call(place, call):
    """Computed, and then found, a call gives what the raw function gives, of the same type; or the same TypeError."""
    text, positional, given = call
    function = make(text)
    cached = memo.cached(store=place)(function)
    expected = outcome(function, positional, given)
    for _ in range(2):
        assert repr(outcome(cached, positional, given)) == repr(expected)
    if not isinstance(expected, str):
        assert cached.cache.contains(*positional, **given)


@given(calls())
@settings(max_examples=60, deadline=None)
def test_options_of_keys_change_no_call(place, call):
    """Whatever is ignored or stood for in the key, the function gets what it was given."""
    text, positional, given = call
    function = make(text)
    names = Parameters(function).names
    key = dict.fromkeys(names[1::2], repr)
    # A version of its own, so that no other call stands for it.
    options = {"store": place, "version": next(FRESH), "ignore": names[::2], "key": key, "normalize": lambda part: part}
    cached = memo.cached(**options)(function)
    assert repr(outcome(cached, positional, given)) == repr(outcome(function, positional, given))


class Model:
    """A class with every kind of cached method."""

    def __init__(self, factor: int) -> None:
        self.factor = factor

    @memo.cached
    def times(self, x: int, /, *, plus: int = 0) -> int:
        """Return a multiple."""
        return self.factor * x + plus

    @classmethod
    @memo.cached
    def named(cls, x: int) -> str:
        """Return the class's name."""
        return f"{cls.__name__} {x}"

    @staticmethod
    @memo.cached
    def double(x: int) -> int:
        """Return a double."""
        return 2 * x

    @property
    @memo.cached
    def square(self) -> int:
        """Return a square."""
        return self.factor**2

    @functools.singledispatchmethod
    @memo.cached
    def show(self, value: object) -> str:
        """Return a text."""
        return f"{self.factor} object"

    @show.register
    @memo.cached
    def _(self, value: int) -> str:
        return f"{self.factor} int {value}"


class Larger(Model):
    """A subclass that overrides a cached method, and calls it."""

    @memo.cached
    def times(self, x: int, /, *, plus: int = 0) -> int:
        """Return one more."""
        return super().times(x, plus=plus) + 1


def test_methods_of_every_kind():
    """Methods, class methods, static methods, properties and dispatched ones return what they would uncached, twice."""
    for _ in range(2):
        assert Model(3).times(2, plus=1) == 7
        assert Larger(3).times(2) == 7
        assert (Model.named(1), Larger.named(1)) == ("Model 1", "Larger 1")
        assert (Model.double(4), Model(1).double(4)) == (8, 8)
        assert (Model(3).square, Model(4).square) == (9, 16)
        assert (Model(1).show(5), Model(1).show("x"), Model(2).show(5)) == ("1 int 5", "1 object", "2 int 5")
    assert Model.times.cache.stats().misses == 2


def test_a_bound_method_refuses_as_the_raw_one_does():
    """The TypeError of a cached method is the raw one's, with the class in the name."""
    raw = Model.times.__wrapped__
    expected = outcome(raw, [Model(1)], {"x": 2})
    assert outcome(Model(1).times, [], {"x": 2}) == expected
    assert "Model.times()" in expected


def add(x, y=1):
    """Return a sum."""
    return x + y


class Adder:
    """An instance that can be called."""

    def __init__(self, y):
        self.y = y

    def __call__(self, x):
        """Return a sum."""
        return x + self.y


def test_partials_and_callable_instances():
    """A partial and an instance count by what they hold, and take and refuse what they do uncached."""
    for make_one in (lambda y: functools.partial(add, y=y), Adder):
        one, two = memo.cached(make_one(1)), memo.cached(make_one(2))
        assert (one(1), two(1), one(1)) == (2, 3, 2)
        assert outcome(one, [1, 2, 3], {}) == outcome(make_one(1), [1, 2, 3], {})


def test_nested_functions_with_what_they_capture():
    """Two functions of one definition are told apart by what they captured."""

    def make_one(offset):
        @memo.cached
        def shifted(x):
            return x + offset

        return shifted

    assert [make_one(n)(1) for n in (1, 2, 1)] == [2, 3, 2]


@memo.cached
def documented(x: int, y: str = "y", *rest: float, z: bool, **options: str) -> list[object]:
    """Return everything."""
    return [x, y, rest, z, options]


def test_what_tools_see():
    """Signature, docstring, names, annotations and `__wrapped__` are the function's; the function pickles by name."""
    raw = documented.__wrapped__
    assert inspect.signature(documented, follow_wrapped=False) == inspect.signature(raw)
    assert inspect.getdoc(documented) == "Return everything."
    assert (documented.__name__, documented.__module__) == ("documented", raw.__module__)
    assert documented.__annotations__ == raw.__annotations__
    assert inspect.unwrap(documented) is raw
    assert inspect.isfunction(documented)


def test_a_cached_function_pickles_by_name(monkeypatch):
    """What pickle brings back is the cached function itself."""
    import sys
    import types

    module = types.ModuleType("module_of_pickled")
    monkeypatch.setitem(sys.modules, "module_of_pickled", module)
    exec("import memo\n@memo.cached\ndef f(x):\n    return x", vars(module))
    assert pickle.loads(pickle.dumps(module.f)) is module.f
