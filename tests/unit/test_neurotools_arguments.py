"""The argument signature of a call, and the lossy one that the original gave it."""

from __future__ import annotations

import datetime
import functools

import numpy as np
import pandas as pd
import pytest

from cas.shown import Shown
from memo.neurotools import argument_signature, exists, get_cache_path, locate_cached, signature_to_file_string
from memo.neurotools.originals.names import original_signature


def f(n, exponent=2, *rest, flag=True, **options):
    """Have parameters of all kinds."""
    return n


def one(x):
    """Return the argument."""
    return x


def sign(value):
    """Return how a value stands in the signature of a call with it alone."""
    (((name, signed),), varargs) = argument_signature(one, value)
    assert (name, varargs) == ("x", None)
    return signed


def test_every_spelling_of_a_call_has_one_signature():
    """Positional, by name and by default are the same call; varargs stand apart, keywords among the names."""
    plain = ((("exponent", 2), ("flag", True), ("n", 1)), None)
    assert argument_signature(f, 1) == argument_signature(f, n=1) == argument_signature(f, 1, 2, flag=True) == plain
    given = argument_signature(f, 1, 3, 4, 5, zoom=6, flag=False)
    assert given == ((("exponent", 3), ("flag", False), ("n", 1), ("zoom", 6)), (4, 5))
    assert argument_signature(f, 1, 3, (4,))[1] == ((4,),)
    assert argument_signature(lambda: 1) == ((), None)


def test_decorated_functions_methods_and_partials_are_bound_as_they_are_called():
    """A wrapper has the parameters of what it wraps, and a method its object among the arguments."""

    class Cell:
        def __init__(self, rate):
            self.rate = rate

        def fire(self, times=1):
            return times

    wrapped = functools.wraps(f)(lambda *args, **kwargs: f(*args, **kwargs))
    assert argument_signature(wrapped, 1) == argument_signature(f, 1)
    (_, first), (_, times) = argument_signature(Cell(1.5).fire)[0]
    assert times == 1
    assert isinstance(first, Shown)
    assert argument_signature(Cell(1.5).fire) == argument_signature(Cell.fire, Cell(1.5))
    assert argument_signature(Cell(1.5).fire) != argument_signature(Cell(2.5).fire)
    assert argument_signature(functools.partial(f, 1), exponent=3) == argument_signature(functools.partial(f, 1), 3)


def test_parameters_of_any_name_can_be_given_by_name():
    """A parameter may be called like one of ours."""

    def named(f, args, kwargs):
        return f

    assert argument_signature(named, f=1, args=2, kwargs=3) == ((("args", 2), ("f", 1), ("kwargs", 3)), None)


def test_a_keyword_may_have_the_name_of_a_positional_parameter():
    """`f(1, a=2)` of `f(a, /, **options)` is another call than `f(2, a=1)`."""

    def positional(a, /, **options):
        return a

    assert argument_signature(positional, 1, a=2) != argument_signature(positional, 2, a=1)


@pytest.mark.parametrize(("args", "kwargs"), [((), {}), ((1,), {"n": 2}), ((), {"exponent": 2})])
def test_arguments_that_do_not_fit_are_refused_by_name(args, kwargs):
    """A call that Python would refuse is a TypeError that names the function and the parameter."""
    with pytest.raises(TypeError, match=r"f\(n, exponent=2.*'n'"):
        argument_signature(f, *args, **kwargs)
    with pytest.raises(TypeError, match="parameters are known"):
        argument_signature(1)


def test_nothing_that_was_given_is_changed_or_shared():
    """Arguments stay as they are, and changing them afterwards does not change the signature."""
    options, inner = {"b": [1], "a": {2}}, [1, (2,)]
    signature = argument_signature(f, inner, **options)
    assert (options, inner) == ({"b": [1], "a": {2}}, [1, (2,)])
    inner.append(3)
    options["b"].append(3)
    assert signature == ((("a", {2}), ("b", [1]), ("exponent", 2), ("flag", True), ("n", [1, (2,)])), None)


@pytest.mark.parametrize(
    "value",
    [
        (1,), [1], [1, 2], (1, 2), (), [], {"b": 1, "a": (2,)}, {1, 2}, frozenset({1}), "text", b"ab", None, True, 1.5,
        2j, datetime.date(2020, 1, 1), np.float64(1.5), np.int8(3), np.datetime64("2020-01-01"), range(3),
        np.dtype("f4"),
    ],
    ids=repr,
)  # fmt: skip
def test_plain_values_stay_what_they_are(value):
    """Types are kept: a tuple of one, a list, a set, a numpy scalar."""
    assert sign(value) == value
    assert type(sign(value)) is type(value)


def test_arrays_stay_arrays_and_compare_as_a_whole():
    """An array stands as a read-only array that equals another only if dtype, shape and bits agree."""
    array = np.array([1.0, np.nan])
    signed = sign(array)
    assert isinstance(signed, np.ndarray)
    assert not signed.flags.writeable
    assert array.flags.writeable
    assert type(signed * 2) is np.ndarray
    assert argument_signature(one, array) == argument_signature(one, array.copy())
    assert hash(signed) == hash(sign(array.copy()))
    for other in (array[:1], array.astype("f4"), array.view("i8"), array.reshape(2, 1), (1.0, 2.0), array + 1):
        assert argument_signature(one, array) != argument_signature(one, other)


def test_what_has_no_text_stands_as_the_digest_of_its_content():
    """Frames with equal columns, masked arrays with equal data, and functions are told apart by what is in them."""
    frames = [pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 3]})]
    masked = [np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[1, 0])]
    functions = [lambda x: x + 1, lambda x: x + 2]
    for first, second in (frames, masked, functions):
        assert isinstance(sign(first), Shown)
        assert sign(first) != sign(second)
        assert signature_to_file_string(one, argument_signature(one, [first])) != signature_to_file_string(
            one, argument_signature(one, [second])
        )
    assert sign(frames[0]) == sign(frames[0].copy())
    assert repr(sign(frames[0])).startswith("Shown('DataFrame', '")


def test_what_has_no_stable_form_is_refused_by_its_path():
    """An object that has nothing but its identity is refused, and the message says where it is."""
    with pytest.raises(TypeError, match=r"x\['a'\]\[1\]: expected a value with a stable form"):
        argument_signature(one, {"a": [1, object()]})
    with pytest.raises(TypeError, match=r"varargs\[0\]: "):
        argument_signature(f, 1, 2, object())


def test_a_list_that_contains_itself_stands_as_a_digest():
    """It has no text that ends, and a signature all the same."""
    loops = [[1], [1], [2]]
    for loop in loops:
        loop.append(loop)
    first, second, other = (argument_signature(one, loop) for loop in loops)
    assert first == second != other


def test_the_parameters_of_the_page_can_be_given_by_name():
    """As the original has it; what is called likewise among the arguments of the call is one of them."""
    assert argument_signature(f=one, x=3) == argument_signature(one, 3)
    assert argument_signature(one, x=3) == ((("x", 3),), None)
    assert locate_cached(cache_root="r", f=one, method="npy", x=3) == locate_cached("r", one, "npy", 3)
    assert get_cache_path(cache_root="r", f=one, x=3) == get_cache_path("r", one)
    assert not exists(cache_root="r", f=one, method="npy", x=3)

    def clash(f, method, cache_root):
        return f, method, cache_root

    found = locate_cached("r", clash, "npy", f=1, method=2, cache_root=3)
    assert found == locate_cached("r", clash, "npy", 1, 2, 3)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'method'"):
        locate_cached("r", f=one)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1,), "1"), ([1, 2], "(1, 2)"), ([], "()"), ([[[1]], 2], "(1, 2)"), ({2, 1}, "(1, 2)"), (b"ab", "(97, 98)"),
        ({"b": 1, "a": [2]}, "(('a', [2]), ('b', 1))"), (np.array([[1, 2], [3, 4]]), "((1, 2), (3, 4))"),
        (np.array(1.5), "1.5"), (np.array([7]), "7"), (np.float32(0.1), "0.1"), (range(3), "(0, 1, 2)"), ("ab", "'ab'"),
        (pd.DataFrame({"a": [1], "b": [2]}), "('a', 'b')"), (np.float64("nan"), "nan"), (np.str_("a"), "'a'"),
        (np.datetime64("2020"), "numpy.datetime64('2020')"), (np.timedelta64(3, "D"), "numpy.timedelta64(3,'D')"),
        ({"a": np.float64(1)}, "(('a', 1.0),)"), (np.True_, "True"), ({1, "a"}, "('a', 1)"),
        (np.longdouble(0.5), "0.5"), (datetime.date(2020, 1, 1), "datetime.date(2020, 1, 1)"),
    ],
)  # fmt: skip
def test_the_lossy_signature_is_written_as_under_numpy_1(value, expected):
    """The original's signature of a call has the text that it had there, whatever numpy writes now."""
    assert repr(original_signature(one, value)) == f"((('x', {expected}),), None)"


def test_the_lossy_signature_leaves_iterators_unread():
    """What can be read only once is not read."""
    numbers = iter([1, 2])
    original_signature(one, numbers)
    assert list(numbers) == [1, 2]
    assert repr(original_signature(f, 1, 2, 5, 6)) == "((('exponent', 2), ('flag', True), ('n', 1)), (5, 6))"
