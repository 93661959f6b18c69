"""Values that contain themselves: a form of finite length, told apart by value, and shown as `<...>`."""

from __future__ import annotations

import collections
import copy
import pickle
import subprocess
import sys
import types

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import memo
from cas import form
from memo.canonical import encode
from memo.errors import UnstableArgument

# A graph: of each node its label and its children by number. Node 0 is the value.
GRAPHS = st.integers(1, 4).flatmap(
    lambda count: st.lists(
        st.tuples(st.sampled_from("ab"), st.lists(st.integers(0, count - 1), max_size=2)),
        min_size=count,
        max_size=count,
    )
)


class Node:
    def __init__(self, **links):
        self.__dict__.update(links)


class Slotted:
    __slots__ = ("kids", "parent")


class Names(list):
    pass


class Reduced:
    def __init__(self, *parts):
        self.parts = parts

    def __reduce__(self):
        return Reduced, self.parts, {"me": self, "parts": self.parts}


class Stated:
    def __reduce__(self):
        return Stated, (), self.__dict__.get("state", self.__dict__)


class Named:
    def __memo_key__(self):
        return ["a", self]


def closed(value, add):
    """Return a value to which itself was added."""
    add(value, value)
    return value


def ring(*labels):
    """Return the first of lists that hold a label each and lead to the next, the last one to the first."""
    nodes = [[label] for label in labels]
    for node, following in zip(nodes, [*nodes[1:], nodes[0]], strict=True):
        node.append(following)
    return nodes[0]


def _set_item(value, item):
    value["k"] = item


def _set_attribute(value, item):
    value.me = item


MAKERS = {
    "list": lambda: closed([1], list.append),
    "dict": lambda: closed({}, _set_item),
    "OrderedDict": lambda: closed(collections.OrderedDict(a=1), _set_item),
    "defaultdict": lambda: closed(collections.defaultdict(list), _set_item),
    "deque": lambda: closed(collections.deque([1]), collections.deque.append),
    "tuple": lambda: closed(([],), lambda value, item: value[0].append(item)),
    "set": lambda: closed(Node(), lambda value, item: setattr(value, "all", {item, 1})),
    "frozenset": lambda: closed(Node(), lambda value, item: setattr(value, "all", frozenset([(item, 1)]))),
    "instance": lambda: closed(Node(a=1), _set_attribute),
    "slots": lambda: closed(Slotted(), lambda value, item: setattr(value, "parent", [item])),
    "namespace": lambda: closed(types.SimpleNamespace(a=1), _set_attribute),
    "subclass": lambda: closed(closed(Names(), list.append), _set_attribute),
    "reduced": lambda: Reduced(1),
    "exception": lambda: closed(ValueError(1), _set_attribute),
    "object array": lambda: closed(np.zeros(2, object), lambda value, item: value.__setitem__(0, item)),
    "record": lambda: closed(np.zeros(2, [("a", object)]), lambda value, item: value["a"].__setitem__(1, item)),
    "masked array": lambda: closed(np.ma.array([1, 2], mask=[0, 1]), _set_attribute),
    "frame": lambda: closed(pd.DataFrame({"a": [{}]}), lambda value, item: _set_item(value.at[0, "a"], item)),
    "attribute": lambda: closed(pd.Series([1.0]), lambda value, item: object.__setattr__(value, "me", item)),
    "bound": lambda: closed(Node(), lambda value, item: setattr(value, "call", item.__init__)),
    "family": lambda: closed(Node(), lambda value, item: setattr(value, "kids", [Node(parent=item), Node(up=[item])])),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_what_contains_itself_has_one_form(make):
    """One made twice has the same form twice, which can be read and shown, and another label makes another one."""
    value = make()
    assert encode(value) == encode(make())
    assert encode([value, 1]) == encode([make(), 1])
    assert len(form.show(form.unpack(encode(value)))) <= 60
    if not isinstance(value, np.ndarray | pd.DataFrame | pd.Series):
        assert encode(copy.deepcopy(value)) == encode(value) == encode(pickle.loads(pickle.dumps(value)))


def test_no_two_share_a_form():
    """All of them differ from each other, and rings of lists do by their labels and their length."""
    values = [make() for make in MAKERS.values()]
    values += [ring("a"), ring("b"), ring("a", "b"), ring("b", "a"), ring("a", "a", "b"), ring("a", "b", "b")]
    values += [["a", ["a"]], ["a", ring("a", "b")], [ring("a"), ["a"]]]
    assert len({encode(value) for value in values}) == len(values)


def test_where_it_leads_back_to_counts():
    """Two values that differ only in which of the containers around stands again have two forms."""

    def nested(depth):
        inner: list[object] = []
        chain = [inner]
        for _ in range(3):
            chain.append([chain[-1]])
        inner.append(chain[depth])
        return chain[-1]

    assert len({encode(nested(depth)) for depth in range(4)}) == 4


def test_state_of_a_reduction_is_one_container():
    """What leads to the attributes of an object, and what leads to it, differ; whose dict it is does not show."""
    one, two, three = Stated(), Stated(), Stated()
    one.me, two.me, three.state = one.__dict__, two, {"me": three}
    assert len({encode(one), encode(two)}) == 2
    assert encode(three) == encode(two)


def _build(graph):
    nodes = [[label] for label, _ in graph]
    for node, (_, children) in zip(nodes, graph, strict=True):
        node.extend(nodes[child] for child in children)
    return nodes[0]


def _looks(graph, other):
    """Return whether two graphs look the same to whoever walks from node 0 for ever."""
    todo, seen = [(0, 0)], set()
    while todo:
        here, there = todo.pop()
        if (here, there) in seen:
            continue
        seen.add((here, there))
        (label, children), (other_label, other_children) = graph[here], other[there]
        if label != other_label or len(children) != len(other_children):
            return False
        todo.extend(zip(children, other_children, strict=True))
    return True


@given(GRAPHS, GRAPHS)
def test_graphs(graph, other):
    """Equal graphs have equal forms, and graphs in which somebody sees a difference have different ones."""
    assert encode(_build(graph)) == encode(_build(graph))
    if not _looks(graph, other):
        assert encode(_build(graph)) != encode(_build(other))


@given(GRAPHS, st.data())
def test_one_change_makes_another_form(graph, data):
    """A label that is changed where it can be seen changes the form."""
    place = data.draw(st.integers(0, len(graph) - 1))
    other = [*graph]
    other[place] = ("c", graph[place][1])
    assert (encode(_build(graph)) == encode(_build(other))) == _looks(graph, other)


def test_every_process_agrees():
    """A set of objects that lead back to it has one form under every hash seed."""
    script = (
        "from types import SimpleNamespace as S\nfrom memo.canonical import encode\n"
        "class N:\n    pass\n"
        "top = N()\ntop.all = {(name, size) for name in 'abc' for size in (1, 2)}\n"
        "kids = [N() for _ in range(3)]\n"
        "for n, kid in enumerate(kids):\n    kid.n, kid.up = n, top\n"
        "top.kids = set(kids)\nprint(encode([top, kids]).hex())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(found) == 1


@pytest.mark.parametrize(
    "make", [Named, lambda: closed(ValueError(), lambda value, item: setattr(value, "args", (item,)))]
)
def test_what_is_identified_by_itself_is_refused(make):
    """An object whose key, or what it is made from, holds the object has nothing to be told from others by."""
    with pytest.raises(UnstableArgument, match="contains itself"):
        encode(make())


def test_a_web_is_refused_in_bounded_time():
    """Many containers that all hold each other would be written for ever: refused with the path."""
    web: list[list[object]] = [[] for _ in range(12)]
    for node in web:
        node.extend(web)
    with pytest.raises(UnstableArgument, match="met again and again"):
        encode(web)


def test_a_call_is_cached_and_listed(tmp_path):
    """A function of a value that contains itself is computed once, and its entry shows where the value does."""

    @memo.cached(store=tmp_path / "store")
    def count(tree):
        return len(tree)

    assert [count(ring("a", "b")), count(ring("a", "b")), count(ring("a", "c"))] == [2, 2, 2]
    assert count.cache.stats().hits == 1
    shown = {form.show(form.unpack(entry.signature)) for entry in count.cache.entries()}
    assert shown == {"[['a', ['b', <...>]]]", "[['a', ['c', <...>]]]"}
