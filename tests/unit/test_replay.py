"""From a stored signature back to arguments: exactly what they were, or not at all; and nothing runs on the way."""

from __future__ import annotations

import datetime
import enum
import math
import sys
import types
from collections import namedtuple
from dataclasses import dataclass

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cas
from cas import extension as ext
from cas.extension import head
from memo.adopting.comparison import difference
from memo.adopting.replay import find_named, replay, split
from memo.canonical import encode, encode_arguments

Point = namedtuple("Point", "x y")
ran: list[object] = []


class Colour(enum.Enum):
    RED = 1


@dataclass(frozen=True)
class Recording:
    rate: float
    colour: Colour

    def __post_init__(self) -> None:
        ran.append(self)


class Slotted:
    __slots__ = ("x",)


class Plain:
    def __init__(self, x: object) -> None:
        ran.append(x)
        self.x = x


class Guarded:
    def __init__(self, x: object) -> None:
        vars(self)["x"] = x

    @property
    def x(self) -> object:
        """What is set by code."""
        return None

    @x.setter
    def x(self, value: object) -> None:
        ran.append(value)


class Number(float):
    pass


class Loud(type):
    def __getattr__(cls, name: str) -> object:
        ran.append(name)
        raise AttributeError(name)


class Asked(metaclass=Loud):
    pass


@pytest.fixture(autouse=True)
def _module(monkeypatch):
    """Have this module under its name, as a project's module is."""
    monkeypatch.setitem(sys.modules, __name__, types.ModuleType(__name__))
    for value in (Point, Colour, Recording, Slotted, Plain, Guarded, Number, Asked):
        setattr(sys.modules[__name__], value.__qualname__, value)


def slotted(x: object) -> Slotted:
    """Return an instance with slots."""
    value = Slotted()
    value.x = x
    return value


WHOLE = [
    None, True, 1, 10**30, 1.5, float("nan"), -0.0, 2j, "text", "\udc80", b"bytes", [1, [2]], (1, (2,)), {"a": {1: 2}},
    {1, "a"}, frozenset([2.5]), range(3), slice(1, 2), ..., bytearray(b"x"), datetime.datetime(2020, 1, 1),
    np.float32(1.5), np.int8(-3), np.str_("a"), np.bytes_(b"a\0"), np.datetime64("2020"), np.complex128(1j),
    np.arange(6.0).reshape(2, 3), np.array([True, False]), np.array(3, "i2"), np.array(["a", "bc"]), np.zeros((0, 2)),
    np.array([1, 2], ">i4"), np.dtype("f4"), Colour.RED, [Colour.RED, {"k": Point(1, 2.0)}], float, int,
]  # fmt: skip


@pytest.mark.parametrize("value", WHOLE, ids=repr)
def test_arguments_come_back(value):
    """Values of built-in and numpy's types, small arrays, enums and namedtuples are what they were."""
    signature, _ = encode_arguments([value, 1], ("x", "n"))
    values, missing = replay(signature, ("x", "n"))
    assert missing == ""
    assert difference([value, 1], values) is None
    assert not isinstance(value, np.ndarray) or values[0].flags.writeable


@pytest.mark.parametrize(
    "make", [lambda: Recording(2.5, Colour.RED), lambda: slotted((1, 2)), lambda: Plain([Point(1, 2)])]
)
def test_instances_come_back_without_their_init(make):
    """Instances of the project's classes have the attributes they had, and no code of the class runs."""
    value = make()
    ran.clear()
    values, _ = replay(encode_arguments([value], ("x",))[0], ("x",))
    assert ran == []
    assert type(values[0]) is type(value)
    assert difference(value, values[0]) is None


LOST = [
    np.arange(1000.0), math.sin, np.sin, [len], Plain, lambda: 1, Number(1.0), "x" * 5000, list(range(5000)),
    np.array([1, "a"], object), np.zeros(1, [("a", "f4")]), np.random.default_rng(1), {"a": [np.arange(1000.0)]},
    np.ma.masked_array([1, 2], [0, 1]), Plain(np.arange(1000.0)), Plain(math.sin), Guarded(1),
]  # fmt: skip


@pytest.mark.parametrize("value", LOST, ids=lambda value: type(value).__name__)
def test_what_is_not_whole_is_named(value):
    """An argument that is stored by its digest, or that is code, is not rebuilt; the answer is its name."""
    signature, _ = encode_arguments([1, value], ("n", "*x"))
    ran.clear()
    assert replay(signature, ("n", "*x")) == (None, "x")
    assert ran == []


def test_nothing_is_imported(monkeypatch, tmp_path):
    """A class whose module is not loaded is not rebuilt, and its module stays unloaded."""
    (tmp_path / "unloaded.py").write_text("class Plain: ...")
    monkeypatch.syspath_prepend(str(tmp_path))
    name = msgpack.packb("unloaded") + msgpack.packb("Plain")
    assert replay(b"\x91" + head(ext.INSTANCE, 3) + name + b"\x80", ("x",)) == (None, "x")
    assert "unloaded" not in sys.modules


@pytest.mark.parametrize(
    ("module", "qualname"),
    [("subprocess", "Popen"), ("builtins", "Exception"), ("argparse", "Namespace"), ("os", "system")],
)
def test_classes_of_others_are_not_made(module, qualname):
    """Only the project's own classes are rebuilt, whatever a foreign store names."""
    __import__(module)
    for code in (ext.INSTANCE, ext.DATACLASS, ext.NAMEDTUPLE, ext.ENUM):
        name = msgpack.packb(module) + msgpack.packb(qualname)
        for parts in (2, 3, 4):
            body = head(code, parts) + name + b"\x80" * (parts - 2)
            assert replay(b"\x91" + body, ("x",))[0] is None


@pytest.mark.parametrize(
    "signature", [b"", b"\xc1", b"\x92\x01", b"\x92\x01\x02", b"\x01", b"\x91\xc7\x00\x50", b"\x91\x01\x01"]
)
def test_other_bytes_are_no_arguments(signature):
    """Bytes that are no signature, or one of other parameters, give nothing."""
    assert replay(signature, ("x",))[0] is None


LEAVES = st.none() | st.floats() | st.text(max_size=4)


@given(st.lists(st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3)), max_size=4))
def test_split_gives_the_form_of_each(values):
    """A signature is split into the canonical forms of its arguments."""
    names = tuple(f"p{place}" for place in range(len(values)))
    assert split(encode_arguments(values, names)[0]) == [encode(value) for value in values]


@pytest.mark.parametrize("signature", [b"", b"\x01", b"\x92\x01", b"\x91\xc1"])
def test_split_of_other_bytes(signature):
    """Bytes that are no signature raise IntegrityError."""
    with pytest.raises(cas.IntegrityError):
        split(signature)


def test_names_are_found_without_running_anything():
    """A class is found in dictionaries; no `__getattr__` is asked, and what is not there is None."""
    ran.clear()
    assert find_named("datetime.datetime") is datetime.datetime
    assert find_named(f"{__name__}.Plain") is Plain
    assert find_named(f"{__name__}.Asked.more") is None
    assert find_named("nowhere.at.all") is None
    assert find_named("nothing") is None
    assert ran == []
