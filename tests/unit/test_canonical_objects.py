"""The canonical form of classes, functions, enums and instances of the user's classes."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import functools
import math
import sqlite3
import threading
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from typing import NamedTuple

import pytest

from cas import form
from memo.canonical import encode
from memo.errors import UnstableArgument


class Color(enum.Enum):
    RED = 1
    GREEN = 2
    ALIAS = 1  # noqa: PIE796 - what is tested


class Shade(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    LOW = 1


class Mode(enum.Flag):
    A = 1
    B = 2


class Point(NamedTuple):
    x: float
    y: float


@dataclasses.dataclass
class Config:
    rate: float
    tapers: int = 7
    scratch: list = dataclasses.field(default_factory=list, compare=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    rate: float


class Plain:
    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)

    def method(self) -> None:
        """Do nothing."""


class Other(Plain):
    pass


class Slots:
    __slots__ = ("__hidden", "left", "right")

    def __init__(self, left: object, hidden: object = 0) -> None:
        self.left = left
        self.__hidden = hidden


class Mixed(Slots):
    __slots__ = ("__dict__", "__weakref__", "left")


class Keyed:
    def __init__(self, key: object, noise: object = None) -> None:
        self.key, self.noise = key, noise

    def __memo_key__(self) -> object:
        return self.key


class MyInt(int): ...


class MyFloat(float): ...


class MyStr(str):
    __slots__ = ()


class MyBytes(bytes): ...


class MyList(list): ...


class MyTuple(tuple):
    __slots__ = ()


class MyDict(dict):
    def items(self):
        """Lie."""
        return [("not", "this")]


class MySet(set): ...


class MyFrozen(frozenset): ...


class MyOrdered(OrderedDict): ...


class MyDefault(defaultdict): ...


class MyCounter(Counter): ...


class MyDeque(deque): ...


class MyComplex(complex): ...


class MyBytearray(bytearray): ...


def helper() -> None:
    """Do nothing."""


def test_different_objects_never_share_bytes():
    """Members, instances, subclasses and their plain counterparts all differ."""
    mixed = Mixed(1)
    mixed.extra = 2
    filled = MyList([1])
    filled.name = "x"
    values = [
        *(Color.RED, Color.GREEN, Shade.RED, Level.LOW, 1, Mode.A, Mode.B, Mode.A | Mode.B, Mode(0), Color, Shade),
        *(Point(1, 2), (1, 2), MyTuple((1, 2)), namedtuple("Point", "x y")(1, 2), {"x": 1, "y": 2}),
        *(Config(1.0), Config(1.0, 8), Config(1, 7), Config(1.0, scratch=[1]), Slotted(1.0), Config),
        *(Plain(), Plain(a=1), Plain(a=2), Plain(b=1), Other(a=1), Plain(a=Plain()), Plain(a=Other())),
        *(Slots(1), Slots(2), Slots(1, 2), Mixed(1), mixed, Keyed(1), Keyed(2), Keyed("1")),
        *(MyInt(1), MyFloat(1.0), 1.0, MyStr("1"), "1", MyBytes(b"1"), b"1", MyList([1]), [1], filled, MyDict({1: 1})),
        *({1: 1}, MySet({1}), {1}, MyFrozen({1}), frozenset({1}), MyOrdered({1: 1}), OrderedDict({1: 1})),
        *(
            MyDefault(list, {1: 1}),
            MyDefault(None, {1: 1}),
            defaultdict(list, {1: 1}),
            MyCounter({1: 1}),
            Counter({1: 1}),
        ),
        *(MyDeque([1]), MyDeque([1], 2), MyComplex(1), 1 + 0j, MyBytearray(b"1"), bytearray(b"1")),
        *(
            helper,
            test_depth_of_objects,
            math.sin,
            math.cos,
            len,
            Plain().method,
            Plain(a=1).method,
            Plain.method,
            Other().method,
        ),
        *(
            functools.partial(helper),
            functools.partial(helper, 1),
            functools.partial(helper, a=1),
            [].append,
            [1].append,
        ),
        *(math, dt, functools.lru_cache(helper), str.upper, str.lower, "a".upper, "b".upper),
    ]
    seen: dict[bytes, object] = {}
    for value in values:
        form_of = encode(value)
        assert form_of not in seen, (value, seen[form_of])
        seen[form_of] = value
        form.unpack(form_of)


def test_equal_objects_share_bytes():
    """Attributes count by value, in whatever order they were set; an alias is the member it stands for."""
    assert encode(Plain(a=1, b=[2])) == encode(Plain(b=[2], a=1))
    assert encode(Color.RED) == encode(Color.ALIAS)
    assert encode(Keyed(1, "x")) == encode(Keyed(1, "y"))
    assert encode(Config(2.0)) == encode(dataclasses.replace(Config(1.0), rate=2.0))
    assert encode(functools.partial(helper, a=1, b=2)) == encode(functools.partial(helper, b=2, a=1))


def test_subclass_is_seen_as_its_content_not_as_it_presents_itself():
    """A dict subclass that lies about its items is written by what it holds."""
    assert encode(MyDict({1: 1})) != encode(MyDict({1: 2}))


def test_unassigned_slots_and_fields():
    """A slot never assigned is absent, not None."""
    empty = Slots.__new__(Slots)
    none = Slots(None, None)
    none.right = None
    assert len({encode(empty), encode(none), encode(Slots(None, None))}) == 3


def test_refusal_inside_an_instance_names_the_attribute():
    """The path goes through attributes, keys and positions."""
    for value, path in (
        (Plain(lock=[threading.Lock()]), r"value\.lock\[0\]"),
        (Config(1.0, scratch=[iter("")]), r"value\.scratch\[0\]"),
        (Keyed(object()), r"value\.__memo_key__\(\)"),
        (Point(1, threading.Lock()), r"value\.y"),
        (functools.partial(helper, rng=object()), r'value\["rng"\]'),
        (Plain(lock=threading.Lock()).method, r"value\.__self__\.lock"),
        (MyList([object()]), r"value\[0\]"),
    ):
        with pytest.raises(UnstableArgument, match=f"^{path}: "):
            encode(value)


def test_memo_key_that_raises():
    """An error in `__memo_key__` becomes a refusal that shows it."""

    class Broken:
        def __memo_key__(self):
            raise RuntimeError("no key")

    with pytest.raises(UnstableArgument, match="no key"):
        encode(Broken())


def test_state_out_of_sight_is_refused():
    """Instances with C fields that pickle does not take have no form."""

    class Moment(sqlite3.Row):
        pass

    connection = sqlite3.connect(":memory:")
    cursor = connection.execute("select 1")
    for value in (connection, Moment(cursor, (1,)), object()):
        with pytest.raises(UnstableArgument):
            encode(value)
    connection.close()


def test_depth_of_objects():
    """A chain of a hundred instances has a form."""
    value = Plain(a=1)
    for _ in range(100):
        value = Plain(a=value)
    assert encode(value)
