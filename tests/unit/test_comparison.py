"""How two values differ: equal ones do not, and every change is found where it is, with its size."""

from __future__ import annotations

import datetime
import decimal
import enum
import math
import pickle
import struct
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from memo.adopting.comparison import difference
from memo.adopting.difference import EXACT, Tolerance

NAN = float("nan")
INF = float("inf")
TINY = 5e-324
OTHER_NAN = struct.unpack("d", struct.pack("Q", 0x7FF8000000000001))[0]

Pair = namedtuple("Pair", "left right")


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


@dataclass
class Recording:
    name: str
    rate: float
    samples: Any
    notes: dict[str, Any] = field(default_factory=dict)


class Slotted:
    __slots__ = ("x",)

    def __init__(self, x: float) -> None:
        self.x = x


class Tagged(np.ndarray):
    """An array with an attribute."""


class Stubborn:
    """Cannot be taken apart."""

    def __reduce_ex__(self, protocol: int) -> Any:
        raise RuntimeError("no")


def recording(**changed: Any) -> Recording:
    """Return a recording, some of whose fields are others."""
    fields = {"name": "a", "rate": 250.0, "samples": np.arange(6.0).reshape(2, 3), "notes": {"k": [1]}}
    return Recording(**fields | changed)


def tagged(tag: str) -> Tagged:
    """Return an array with that attribute."""
    value = np.arange(3.0).view(Tagged)
    value.tag = tag
    return value


MAKERS = [
    lambda: None,
    lambda: [True, 1, 1.5, 1j, "text", b"bytes", bytearray(b"x"), ..., range(3), slice(1, None)],
    lambda: (NAN, INF, -0.0, 10**30, complex(NAN, -0.0)),
    lambda: {"a": {"b": [np.arange(3), np.float32(1.5)]}, 2: (), (1, 2): {3, "x"}, NAN: frozenset([NAN])},
    lambda: OrderedDict(a=1), lambda: Counter("hello"), lambda: defaultdict(list, a=[1]), lambda: deque([1.0], 3),
    lambda: [decimal.Decimal("1.10"), datetime.date(2020, 1, 2), PurePosixPath("a/b"), datetime.timedelta(1)],
    lambda: np.array([NAN, 1.0, -0.0]), lambda: np.array([], "f4"), lambda: np.array(3j), lambda: np.array(["a", "bc"]),
    lambda: np.array([("x", 1.0)], [("name", "U3"), ("value", ">f4")]), lambda: np.zeros(2, "M8[s]"),
    lambda: np.array([1, "a", None, [2.5]], object), lambda: np.longdouble(1) / 3, lambda: np.void(b"abc"),
    lambda: np.ma.masked_array([1.0, 2.0], [True, False]), lambda: np.asfortranarray(np.arange(6).reshape(2, 3)),
    recording, lambda: Pair(1, [2.0]), lambda: Colour.RED, lambda: [Colour, len, math], lambda: Slotted(1.5),
    lambda: tagged("a"), lambda: np.random.default_rng(3), lambda: np.dtype([("x", "f4")]), lambda: ValueError("x", 1),
]  # fmt: skip


@pytest.mark.parametrize("make", MAKERS)
def test_equal_values_do_not_differ(make):
    """A value does not differ from one made in the same way, whatever the tolerance."""
    assert difference(make(), make()) is None
    assert difference(make(), make(), Tolerance(0.1, 0.1, 10)) is None


def test_layout_is_no_difference():
    """Strides and order of an array, what lies under a mask, and the order of attributes are no part of a value."""
    a = np.arange(12.0).reshape(3, 4)
    assert difference(a, np.asfortranarray(a)) is None
    assert difference(a[::2, ::-1], a[::2, ::-1].copy()) is None
    hidden = [np.ma.masked_array([1.0, under], [False, True]) for under in (2.0, 9.0)]
    assert difference(*hidden) is None
    first, second = recording(), recording()
    first.__dict__ = dict(reversed(list(second.__dict__.items())))
    assert difference(first, second) is None


DIFFERENT = [
    (1, 1.0, "result"), (1, True, "result"), (1.0, np.float64(1), "result"), ("a", b"a", "result"), (0, None, "result"),
    ([1], (1,), "result"), ([1, 2], [1, 3], "result[1]"), ([1], [1, 2], "result"), ((), (0,), "result"),
    ([[1], [2, [3]]], [[1], [2, [4]]], "result[1][1][0]"),
    ({"a": 1}, {"a": 2}, 'result["a"]'), ({1: 1}, {1: 2}, "result[1]"), ({"a b": 1}, {"a b": 2}, "result['a b']"),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}, "result.keys()"), ({"a": 1}, {"b": 1}, "result.keys()"),
    ({1: 0}, {1.0: 0}, "result.keys()"), ({1, 2}, {1, 3}, "result"), ({1}, {1.0}, "result"),
    (Counter("aab"), Counter("aabb"), 'result["b"]'), (deque([1], 2), deque([1], 3), "result.maxlen"),
    (defaultdict(int), defaultdict(list), "result.default_factory"), (range(0, 4, 3), range(0, 5, 3), "result"),
    (decimal.Decimal("1.0"), decimal.Decimal("1.00"), "result"), (bytearray(b"a"), bytearray(b"b"), "result"),
    (Pair(1, 2), Pair(1, 3), "result.right"), (Colour.RED, Colour.BLUE, "result"), (int, bool, "result"),
    (recording(), recording(name="b"), "result.name"),
    (recording(), recording(notes={"k": [2]}), 'result.notes["k"][0]'),
    (recording(), recording(samples=np.arange(1, 7.0).reshape(2, 3)), "result.samples[0, 0]"),
    (Slotted(1.0), Slotted(2.0), "result.x"), (tagged("a"), tagged("b"), 'result.__dict__["tag"]'),
    (len, max, "result"), (np.sin, np.cos, "result"), (ValueError(1), ValueError(2), "result.<0>"),
    (np.zeros(2), np.zeros(3), "result"), (np.zeros(2), np.zeros((2, 1)), "result"),
    (np.zeros(2), [0.0, 0.0], "result"),
    (np.zeros(2, "f4"), np.zeros(2, "f8"), "result"), (np.zeros(2, ">f8"), np.zeros(2, "<f8"), "result"),
    (np.zeros(1, [("x", "f4")]), np.zeros(1, [("y", "f4")]), "result"),
    (np.array([1, None], object), np.array([1, 2], object), "result[1]"),
    (np.array([[0, [1]]], object), np.array([[0, [2]]], object), "result[0, 1][0]"),
    (np.array(["a", "b"]), np.array(["a", "c"]), "result[1]"), (np.void(b"ab"), np.void(b"ac"), "result"),
    (np.array(["NaT", "2020"], "M8[Y]"), np.array(["NaT", "NaT"], "M8[Y]"), "result[1]"),
    (np.ma.masked_array([1, 2], [0, 1]), np.ma.masked_array([1, 2], [0, 0]), "result.mask[1]"),
    (np.ma.masked_array([1, 2], [0, 1]), np.ma.masked_array([3, 2], [0, 1]), "result[0]"),
    (np.random.default_rng(1), np.random.default_rng(2), 'result.<0>.<state>[0]["state"]["inc"]'),
]  # fmt: skip


@pytest.mark.parametrize(("stored", "computed", "path"), DIFFERENT)
def test_difference_names_the_place(stored, computed, path):
    """What differs is named by the path to it, the other way round as well, and no tolerance forgives it."""
    assert difference(stored, computed).path == path
    assert difference(computed, stored).path == path
    if not (isinstance(stored, Slotted | Recording) or path.startswith("result.samples")):
        assert difference(stored, computed, Tolerance(1e-9, 1e-9, 1)) is not None


def test_difference_tells_both_values_and_sizes():
    """A difference names the element that differs most, how many differ, and the largest distances of all."""
    stored = {"power": np.ones((20, 20)), "rate": 250.0}
    computed = {"power": np.ones((20, 20)), "rate": 250.0}
    computed["power"][3, 17] += 1e-12
    computed["power"][4, 0] = np.nextafter(1.0, 2.0)
    found = difference(stored, computed)
    assert (found.path, found.stored, found.computed) == ('result["power"][3, 17]', "1.0", "1.000000000001")
    assert (found.differing, found.elements) == (2, 401)
    assert found.max_abs == pytest.approx(1e-12, rel=1e-3)
    assert found.max_ulp == 4504
    assert str(found) == (
        'result["power"][3, 17]: stored 1.0, computed 1.000000000001; '
        "2 of 401 elements differ; max abs 1e-12, 4,504 ULP"
    )


def test_what_has_no_distance_stands_first():
    """A text that differs is named before a number that differs, and the sizes are still told."""
    found = difference([1.0, "a"], [2.0, "b"])
    assert (found.path, found.max_abs, found.differing, found.elements) == ("result[1]", 1.0, 2, 2)


@pytest.mark.parametrize(
    ("stored", "computed", "max_abs", "max_ulp"),
    [
        (0.0, -0.0, 0.0, 0),
        (0.0, TINY, TINY, 1),
        (-TINY, TINY, 2 * TINY, 2),
        (1.0, 1.0 + 2**-52, 2**-52, 1),
        (1.7976931348623157e308, INF, INF, None),
        (INF, -INF, INF, None),
        (NAN, 1.0, INF, None),
        (NAN, OTHER_NAN, 0.0, None),
        (1e308, -1e308, INF, 18428729675200069634 - 18428729675200069634 % 2048),
        (1 + 2j, 4 - 2j, 5.0, 9223372036854775808),
        (complex(INF, 1), complex(INF, 2), 1.0, 4503599627370496),
        (complex(NAN, 1), complex(1, 1), INF, None),
        (np.float16(1), np.float16(1.001), 2**-10, 1),
        (np.float32(TINY), np.float32(1e-45), float(np.float32(1e-45)), 1),
        (np.longdouble(1), 1 + np.finfo(np.longdouble).eps, float(np.finfo(np.longdouble).eps), 1),
        (np.int8(-128), np.int8(127), 255.0, None),
        (np.uint64(0), np.uint64(2**64 - 1), 2.0**64, None),
        (np.int64(-(2**63)), np.int64(2**63 - 1), 2.0**64, None),
        (10**400, 0, INF, None),
        (5, 7, 2.0, None),
    ],
)
def test_distances(stored, computed, max_abs, max_ulp):
    """Numbers tell how far they lie apart, in their own unit and in steps from one number to the next."""
    found = difference(stored, computed)
    assert found.max_abs == max_abs
    if max_ulp is None or max_ulp < 2**53:
        assert found.max_ulp == max_ulp
    else:
        assert found.max_ulp == pytest.approx(max_ulp, rel=1e-3)
    assert found.stored != found.computed


@pytest.mark.parametrize(
    ("stored", "computed", "tolerance", "near"),
    [
        (1.0, 1.0 + 2**-51, Tolerance(ulp=2), True),
        (1.0, 1.0 + 2**-51, Tolerance(ulp=1), False),
        (100.0, 101.0, Tolerance(rtol=0.01), True),
        (100.0, 101.1, Tolerance(rtol=0.01), False),
        (0.0, 1e-9, Tolerance(rtol=1.0), False),
        (0.0, 1e-9, Tolerance(atol=1e-9), True),
        (0.0, -0.0, Tolerance(ulp=1), True),
        (NAN, OTHER_NAN, Tolerance(ulp=1), True),
        (NAN, 1.0, Tolerance(rtol=INF, atol=INF), False),
        (INF, 1.0, Tolerance(atol=INF), False),
        (INF, 1e308, Tolerance(1.0, 1e308, 10), False),
        (INF, -INF, Tolerance(rtol=1.0), False),
        (100 + 1j, 100 + 1.5j, Tolerance(rtol=0.01), True),
        (complex(INF, 1), complex(INF, 1.5), Tolerance(rtol=0.01), False),
        (complex(INF, 1), complex(INF, 1.001), Tolerance(rtol=0.01), True),
        (np.float32(1), np.float32(1.0001), Tolerance(atol=0.001), True),
        (np.array([1.0, 2.0]), np.array([1.001, 2.1]), Tolerance(atol=0.01), False),
        ([{"a": (1.0, np.ones(3))}], [{"a": (1.001, np.ones(3) * 1.001)}], Tolerance(rtol=0.01), True),
        (recording(), recording(rate=250.0001), Tolerance(atol=0.001), True),
        (5, 6, Tolerance(rtol=1.0, atol=10.0), False),
        (np.array([5]), np.array([6]), Tolerance(rtol=1.0, atol=10.0), False),
        (np.float32(1), np.float64(1), Tolerance(rtol=1.0), False),
        ({1.0}, {1.0 + 2**-52}, Tolerance(rtol=1.0), False),
    ],
)
def test_tolerance(stored, computed, tolerance, near):
    """Floating numbers alone may lie apart, by any of the three measures, anywhere inside a value."""
    assert (difference(stored, computed, tolerance) is None) is near
    assert difference(stored, computed, EXACT) is not None


def test_within_a_tolerance_is_not_counted():
    """Of several elements that differ, only those beyond the tolerance count and are named."""
    found = difference(np.zeros(4), np.array([1e-9, 0.5, 1e-9, 0.25]), Tolerance(atol=1e-6))
    assert (found.path, found.differing, found.max_abs) == ("result[1]", 2, 0.5)


def test_masks_that_differ_are_all_that_is_told():
    """Where masks differ, what shows in place of masked values is no difference of numbers."""
    found = difference(np.ma.masked_array([1.0, 2.0], [0, 1]), np.ma.masked_array([1.0, 2.0], [0, 0]))
    assert (found.differing, found.max_abs) == (1, None)


def test_cycles_end():
    """Values that contain themselves are compared once around."""
    cycles = []
    for number in (1, 1, 2):
        cycle: list[Any] = [number]
        cycle.append(cycle)
        cycles.append(cycle)
    assert difference(cycles[0], cycles[1]) is None
    assert difference(cycles[0], cycles[2]).path == "result[0]"


def test_what_cannot_be_compared_differs():
    """In doubt, values differ: one that cannot be taken apart, or whose parts have no form."""
    assert "cannot be compared (RuntimeError: no)" in difference(Stubborn(), Stubborn()).computed
    assert difference((n for n in ()), (n for n in ())).path == "result"


BITS = {"f2": "i2", "f4": "i4", "f8": "i8", ">f8": ">i8", "c8": "i4", "c16": "i8"}
INFINITY = {2: 0x7C00, 4: 0x7F800000, 8: 0x7FF0000000000000}


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_one_element_that_moves_is_found(data):
    """Of a floating array with one element moved by some steps, that element is named, with steps and distance."""
    dtype = data.draw(st.sampled_from(sorted(BITS)))
    shape = data.draw(st.sampled_from([(1,), (7,), (2, 3), (3, 1, 4)]))
    size = np.dtype(dtype).itemsize * math.prod(shape)
    old = np.frombuffer(data.draw(st.binary(min_size=size, max_size=size)), dtype).reshape(shape)
    new = old.copy()
    bits = new.reshape(-1).view(BITS[dtype])
    place = data.draw(st.integers(0, len(bits) - 1))
    steps = data.draw(st.integers(1, 100))
    magnitude = int(bits[place]) & int(np.iinfo(bits.dtype).max)
    assume(magnitude + steps < INFINITY[bits.dtype.itemsize])
    bits[place] += steps
    found = difference(old, new)
    part = 2 if dtype.startswith("c") else 1
    where = ", ".join(map(str, np.unravel_index(place // part, shape)))
    assert found.path == f"result[{where}]"
    assert (found.differing, found.elements) == (1, math.prod(shape))
    other = old.reshape(-1)[place // part]
    if np.isfinite(other):
        assert found.max_ulp == steps
    with np.errstate(all="ignore"):
        distance = np.abs(new.reshape(-1)[place // part].astype("c16") - other.astype("c16"))
    if np.isfinite(distance):
        assert found.max_abs == pytest.approx(distance, rel=1e-9, abs=0)
    assert difference(old, old.copy()) is None
    assert difference(old, new, Tolerance(ulp=steps)) is None
    if np.isfinite(other) and steps > 1:
        assert difference(old, new, Tolerance(ulp=steps - 1)).path == found.path


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.binary(max_size=3)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
)


@settings(max_examples=300, deadline=None)
@given(TREES, LEAVES, st.data())
def test_any_one_leaf_that_changes_is_found(tree, leaf, data):
    """Of a tree with one leaf replaced, the path leads to that leaf; without a replacement, nothing differs."""
    found_path = []

    def replaced(value: Any, path: str) -> Any:
        if isinstance(value, list | tuple) and value:
            at = data.draw(st.integers(0, len(value) - 1))
            parts = [replaced(part, f"{path}[{index}]") if index == at else part for index, part in enumerate(value)]
            return type(value)(parts)
        if isinstance(value, dict) and value:
            at = data.draw(st.sampled_from(sorted(value)))
            step = f'"{at}"' if at.isidentifier() else repr(at)
            return {key: replaced(part, f"{path}[{step}]") if key == at else part for key, part in value.items()}
        found_path.append((path, value))
        return leaf

    changed = replaced(tree, "result")
    ((path, was),) = found_path
    found = difference(tree, changed)
    if pickle.dumps(was) == pickle.dumps(leaf):
        assert found is None
    else:
        assert (found.path, found.differing) == (path, 1)
    assert difference(tree, pickle.loads(pickle.dumps(tree))) is None


if find_spec("torch") is not None:  # no wheel without a GPU's libraries everywhere

    @pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "int16", "bool", "bfloat16", "float8_e5m2"])
    @pytest.mark.parametrize("shape", [(), (0, 2), (2, 3)])
    def test_tensors_are_compared_by_their_numbers(dtype, shape):
        """Equal tensors of torch's do not differ, and others do, by numbers, shape, dtype or recorded gradients."""
        torch = import_module("torch")
        value = torch.ones(shape).to(getattr(torch, dtype))
        assert difference(value, value.clone()) is None
        assert difference(value, value.reshape(*shape, 1)) is not None
        assert difference(value, torch.ones(shape).to(torch.float16)).path == "result.dtype"
        assert (difference(value, torch.zeros(shape).to(value.dtype)) is None) is (value.numel() == 0)

    def test_tensors_have_a_tolerance():
        """Within a tolerance tensors of floating numbers pass, and beyond it the place is told."""
        torch = import_module("torch")
        value = torch.tensor([1.0, 2.0])
        assert difference({"w": value}, {"w": value * 1.00001}, Tolerance(rtol=1e-3)) is None
        assert difference({"w": value}, {"w": value + 1}, Tolerance(rtol=1e-3)).path == 'result["w"][0]'
        assert difference(value.clone().requires_grad_(), value).path == "result.requires_grad"
