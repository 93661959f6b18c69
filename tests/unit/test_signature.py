"""Binding: the compiled wrapper takes exactly what the function takes, and hands on exactly what it was given."""

from __future__ import annotations

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memo.signature import Parameters, compile_forward, compile_wrapper, sort_options


def wrap(function):
    """Return the function behind a wrapper that forwards at once, and the list of values it saw."""
    seen = []
    forward = compile_forward(Parameters(function))

    def serve(values):
        seen.append(values)
        return forward(function, values)

    return compile_wrapper(function, Parameters(function), serve, serve), seen


SIGNATURES = [
    "",
    "a",
    "a, b=2",
    "a, /",
    "a, b=2, /",
    "a, /, b",
    "a, /, b=3, *, c",
    "*rest",
    "a, *rest",
    "a, *rest, c=4",
    "*, c",
    "*, c=5, d",
    "**options",
    "a, **options",
    "a, /, b, *rest, c, d=6, **options",
    "a, /, **options",
    "_serve, _type=1, *_scalars",
    "self, values, function",
]


def make(parameters):
    """Return a function of those parameters that returns what it was given."""
    space = {}
    exec(f"def f({parameters}):\n    'told'\n    return dict(locals())", space)
    return space["f"]


@pytest.mark.parametrize("parameters", SIGNATURES)
@given(args=st.lists(st.integers(), max_size=4), names=st.sets(st.sampled_from("abcdxyz")))
def test_wrapped_call_equals_raw_call(parameters, args, names):
    """Whatever a function takes, refuses or receives, its wrapper takes, refuses and hands on."""
    function = make(parameters)
    wrapper, _ = wrap(function)
    options = {name: name.upper() for name in sorted(names)}
    try:
        expected = function(*args, **options)
    except TypeError:
        with pytest.raises(TypeError):
            wrapper(*args, **options)
    else:
        assert wrapper(*args, **options) == expected


@pytest.mark.parametrize("parameters", SIGNATURES)
def test_wrapper_looks_like_the_function(parameters):
    """Name, docstring and signature are the function's own."""
    function = make(parameters)
    wrapper, _ = wrap(function)
    assert inspect.signature(wrapper, follow_wrapped=False) == inspect.signature(function)
    assert (wrapper.__name__, wrapper.__doc__, wrapper.__wrapped__) == ("f", "told", function)


def test_spellings_of_one_call_bind_alike():
    """Positions, names and defaults are three spellings of the same values."""
    wrapper, seen = wrap(make("a, b=2, *, c=3"))
    wrapper(1)
    wrapper(a=1)
    wrapper(1, 2)
    wrapper(b=2, a=1, c=3)
    assert seen == [[1, 2, 3]] * 4


def test_order_of_options_is_not_signed_but_handed_on():
    """`**options` are signed by name, and reach the function in the caller's order."""
    function = make("**options")
    wrapper, seen = wrap(function)
    assert list(wrapper(z=1, a=2)["options"]) == ["z", "a"]
    assert list(sort_options(seen[0], Parameters(function))[0]) == ["a", "z"]


def test_callable_without_code_binds_as_args_and_kwargs():
    """A built-in or a callable instance is bound by position and name."""
    assert Parameters(len).names == ("*args", "**kwargs")
    wrapper, _ = wrap(divmod)
    assert wrapper(7, 2) == (3, 1)
