"""What user classes and shared parts can do to a walk: nothing that hangs, and no error but a refusal."""

from __future__ import annotations

import fractions
import functools
import os
import subprocess
import sys
import types

import numpy as np
import pytest

from memo.canonical import encode, encode_arguments
from memo.errors import UnstableArgument


def doubled(leaf, times):
    """Return pairs of pairs of one and the same part."""
    for _ in range(times):
        leaf = [leaf, leaf]
    return leaf


class Node:
    """A node of a graph, whose next nodes are shared with others."""

    def __init__(self, *following):
        self.following = following


def lattice(size):
    """Return the corner of a grid whose nodes know the next ones: as many paths as stars."""
    rows = [[Node() for _ in range(size)] for _ in range(size)]
    for y in reversed(range(size)):
        for x in reversed(range(size)):
            right = [rows[y][x + 1]] if x + 1 < size else []
            rows[y][x].following = (*right, *([rows[y + 1][x]] if y + 1 < size else []))
    return rows[0][0]


@pytest.mark.parametrize("make", [lambda: doubled([1, int], 60), lambda: lattice(40)], ids=["pairs", "lattice"])
def test_parts_met_over_and_over_are_refused(make):
    """A value whose shared parts would be written billions of times is refused within seconds."""
    with pytest.raises(UnstableArgument, match="met again and again"):
        encode(make())


def test_small_parts_may_be_met_any_number_of_times():
    """A list of one and the same small object is no trouble, however long; and sharing does not show."""
    once = Node(1, [2, Node()])
    assert encode([once] * 2000) == encode([Node(1, [2, Node()]) for _ in range(2000)])
    assert encode(doubled([1, int], 8)) == encode([doubled([1, int], 7), doubled([1, int], 7)])


class Text(str):
    """A str of another class."""

    __slots__ = ()


def odd_attributes(name):
    """Return an object with an attribute of a name that is no str."""
    value = Node()
    value.__dict__[name] = 1
    return value


class Hidden:
    """An object that lets nobody look."""

    def __getattribute__(self, name):
        raise RuntimeError(name)


class Unready:
    """An object whose reduction fails on the way."""

    def __init__(self, elements):
        self.elements = elements

    def __reduce__(self):
        return Node, (), None, self.elements


def failing():
    """Yield once, then fail."""
    yield 1
    raise ValueError("boom")


@pytest.mark.parametrize(
    "make",
    [
        lambda: odd_attributes(1),
        lambda: odd_attributes(Text("a")),
        lambda: functools.partial(dict, **{Text("a"): 1}),
        Hidden,
        lambda: Unready(5),
        lambda: Unready(failing()),
    ],
    ids=["int", "text", "partial", "hidden", "number", "failing"],
)
def test_whatever_a_class_raises_is_a_refusal(make):
    """A class that cannot be looked at, or whose attributes have no plain names, is refused by the argument's name."""
    with pytest.raises(UnstableArgument, match="config") as caught:
        encode_arguments([make()], ("config",))
    assert caught.value.hint


def test_namespace_of_odd_names_is_refused():
    """A namespace that was given names of several types is refused, and not sorted."""
    value = types.SimpleNamespace(a=1)
    vars(value)[1] = 2
    with pytest.raises(UnstableArgument):
        encode(value)


class Ratio(fractions.Fraction):
    """A fraction that lies about its numerator."""

    numerator = property(lambda self: 1)


class Lying(np.ndarray):
    """An array that shows other arrays."""

    def view(self, *_):
        """Return something else."""
        return np.zeros(1)


def test_overridden_views_do_not_show():
    """What an override says of the content does not count, of fractions and arrays neither."""
    assert encode(Ratio(1, 3)) != encode(Ratio(2, 3))
    assert encode(np.ndarray.view(np.ones(1), Lying)) != encode(np.ndarray.view(np.zeros(1), Lying))


class Singleton:
    """An object that is pickled by its name."""

    def __reduce__(self):
        return "THE_ONE"


THE_ONE = Singleton()


def test_class_of_a_named_object_is_a_root():
    """The code of an object that goes by its name joins the fingerprint."""
    assert Singleton in encode_arguments([THE_ONE], ("one",))[1]


ROOTS = """
from memo.canonical import encode_arguments
class A: pass
class B: pass
class C: pass
def f(): pass
print([root.__name__ for root in encode_arguments([{A, B, C, f, (A, B)}, C, {C}], "xyz")[1]])
"""


def test_roots_met_in_a_set_are_in_one_order():
    """The classes in a set join the fingerprint in an order that no process and no hash seed shows."""
    seen = {
        subprocess.run(
            [sys.executable, "-c", ROOTS], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1", "2", "3")
    }
    assert seen == {b"['A', 'B', 'C', 'f']\n"}
