"""The canonical form of Python's own values: injective, layout-blind, and refused where it cannot be stable."""

from __future__ import annotations

import array
import collections
import copy
import datetime as dt
import decimal
import fractions
import functools
import itertools
import math
import pathlib
import random
import re
import struct
import subprocess
import sys
import threading
import types
import uuid
import zoneinfo

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cas import form
from memo.canonical import LONG, SCALARS, encode, encode_arguments, pack_scalars

HOUR = dt.timedelta(hours=1)

DIFFERENT = [
    *(None, True, False, 0, 1, -1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 2**70, 2**7000),
    *(0.0, -0.0, 1.0, math.nan, -math.nan, math.inf, 5e-324, 1 + 0j, complex(0.0, -0.0), complex(-0.0, 0.0), 0j),
    *("", "1", "a", "\0", "\ud800", "\ufffd", b"", b"1", b"a", bytearray(b"a"), bytearray(), memoryview(b"a")),
    *([], (), {}, set(), frozenset(), collections.OrderedDict(), collections.Counter(), collections.deque()),
    *([1], (1,), {1}, frozenset({1}), {1: None}, [[1]], [(1,)], ([1],), [[1, 2]], [[1], [2]], [1, 2], (1, 2), [[]]),
    *({1: 2, 3: 4}, {3: 4, 1: 2}, {1.0: 2, 3: 4}, {"1": 2, 3: 4}, {(1, 2): 3}, [1, 2, 3, 4], [(1, 2), (3, 4)]),
    *(collections.defaultdict(None), collections.defaultdict(list), collections.defaultdict(dict)),
    *(collections.deque([1]), collections.deque([1], 1), collections.deque([1], 2), collections.Counter({1: 2})),
    *(range(0), range(1, 1), range(3), range(0, 3, 2), range(0, 4, 2), slice(3), slice(0, 3), slice(0, 3, 1), ...),
    *(NotImplemented, int, float, "int", len, str.upper, "a".upper, math, "math", math.sin),
    *(dt.date(2020, 1, 2), dt.datetime(2020, 1, 2), dt.datetime(2020, 1, 2, fold=1), dt.time(1), dt.time(1, fold=1)),
    *(dt.datetime(2020, 1, 2, tzinfo=dt.UTC), dt.datetime(2020, 1, 2, tzinfo=zoneinfo.ZoneInfo("UTC"))),
    *(dt.UTC, dt.timezone(HOUR), dt.timezone(HOUR, "A"), HOUR, -HOUR, zoneinfo.ZoneInfo("Europe/Paris")),
    *(decimal.Decimal(1), decimal.Decimal("1.0"), decimal.Decimal("-0"), decimal.Decimal("NaN"), fractions.Fraction(1)),
    *(pathlib.PurePosixPath("a"), pathlib.PureWindowsPath("a"), pathlib.Path("a"), pathlib.Path("b")),
    *(uuid.UUID(int=1), re.compile("a"), re.compile("a", re.IGNORECASE), re.compile(b"a"), array.array("b", [1])),
    *(array.array("h", [1]), types.MappingProxyType({}), types.SimpleNamespace(), types.SimpleNamespace(a=1)),
    *(msgpack.ExtType(1, b"a"), msgpack.ExtType(32, b""), msgpack.Timestamp(1, 0), (32, b""), functools.partial(len)),
    *(functools.partial(len, 1), functools.partial(len, k=1), random.Random(1), random.Random(2)),
]


def test_different_values_never_share_bytes():
    """No two values of the zoo have the same canonical form, alone or inside a list, a tuple or a dict."""
    seen: dict[bytes, object] = {}
    for value in DIFFERENT:
        for whole in (value, ["in", value], ("in", value), {"in": value}, ["in", 0, [value]]):
            form_of = encode(whole)
            assert form_of not in seen, (whole, seen[form_of])
            seen[form_of] = whole


def test_nan_by_bits():
    """Two NaN with different payloads differ, and each equals itself."""
    quiet, payload = (struct.unpack(">d", bytes.fromhex(bits))[0] for bits in ("7ff8000000000000", "7ff8000000000001"))
    assert encode(quiet) != encode(payload)
    assert encode([payload]) == encode([struct.unpack(">d", bytes.fromhex("7ff8000000000001"))[0]])


def test_sharing_does_not_show():
    """The same list twice and two equal lists have one form."""
    shared = [1, "a"]
    assert encode([shared, shared]) == encode([[1, "a"], [1, "a"]])


leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**80), 2**80),
    st.floats(),
    st.text(),
    st.binary(),
    st.complex_numbers(),
    st.decimals(),
    st.fractions(),
    st.datetimes(timezones=st.sampled_from([dt.UTC, dt.timezone(HOUR)]) | st.none()),
    st.dates(),
    st.timedeltas(),
    st.sampled_from(["\ud800", b"", "", 0, 0.0, -0.0, False, ()]),
)
keys = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.text(max_size=2), st.tuples(st.integers(0, 2)))
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(keys, inner, max_size=4),
        st.sets(keys, max_size=4),
        st.frozensets(keys, max_size=4),
        st.lists(inner, max_size=3).map(collections.deque),
        st.binary(max_size=3).map(bytearray),
    ),
    max_leaves=12,
)


def same(one: object, other: object) -> bool:
    """Return whether two values are equal in type and bits, all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return struct.pack("d", one) == struct.pack("d", other)
    if isinstance(one, complex):
        return same(one.real, other.real) and same(one.imag, other.imag)
    if isinstance(one, (list, tuple, collections.deque)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items()))
    if isinstance(one, (set, frozenset)):
        return len(one) == len(other) and all(any(same(a, b) for b in other) for a in one)
    if isinstance(one, decimal.Decimal):
        return str(one) == str(other)
    if isinstance(one, dt.datetime):
        return repr(one) == repr(other)
    return one == other


@settings(max_examples=300, deadline=None)
@given(trees, trees)
def test_forms_are_equal_exactly_where_values_are(one, other):
    """Two values share bytes if and only if they are equal in type and bits, and a copy always does."""
    assert (encode(one) == encode(other)) == same(one, other)
    assert encode(copy.deepcopy(one)) == encode(one)


@settings(max_examples=300, deadline=None)
@given(trees)
def test_builtin_values_come_back(value):
    """A value of built-in types is read back from its form, equal in type and bits."""
    assert same(form.unpack(encode(value)), value)


@settings(max_examples=300, deadline=None)
@given(st.lists(leaves, max_size=6))
def test_fast_path_writes_the_same_bytes(values):
    """Where the packer takes the arguments, its bytes are those of the walk."""
    names = tuple(f"p{index}" for index in range(len(values)))
    slow, roots = encode_arguments(values, names)
    assert roots == ()
    assert slow[1:] == b"".join(map(encode, values))
    if SCALARS.issuperset(map(type, values)):
        try:
            assert pack_scalars(values) == slow
        except (OverflowError, ValueError):
            assert any((type(value) is int and not -(2**63) <= value < 2**64) or value == "\ud800" for value in values)


def test_packer_recovers_from_a_refusal():
    """After a value that the packer refuses, its next bytes hold nothing of the refused ones."""
    with pytest.raises(OverflowError):
        pack_scalars(["x" * 100, 2**64])
    with pytest.raises(UnicodeEncodeError):
        pack_scalars(["x" * 100, "\ud800"])
    assert pack_scalars([1]) == b"\x91\x01"


def test_sets_do_not_depend_on_insertion():
    """Sets filled in different orders have one form, nested ones too."""
    for order in itertools.permutations(["b", (1, 2), 3.5, frozenset({1, "x"})]):
        grown = set()
        for element in order:
            grown.add(element)
        assert encode(grown) == encode(set(order))


def test_threads_share_the_packer():
    """Eight threads that encode different values at once each get their own bytes."""
    values = [[index, f"thread {index}" * index, float(index), (index,), {"k": index}] for index in range(8)]
    expected = [encode(value) for value in values]
    wrong: list[int] = []

    def run(index: int) -> None:
        for _ in range(300):
            if encode(values[index]) != expected[index]:
                wrong.append(index)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_numpy_stays_unloaded():
    """Encoding values that are not numpy's, instances included, does not load numpy or dataclasses."""
    program = (
        "import sys, blake3, msgpack, decimal\n"
        "before = set(sys.modules)\n"
        "import memo.canonical as c\n"
        "class A:\n    def __init__(self): self.x = 1\n"
        "c.encode([1, {'a': (2.5, {3})}, decimal.Decimal(1), A()])\n"
        "slow = {'numpy', 'dataclasses', 'inspect', 'logging', 'json', 'typing', 're', 'pathlib', 'tempfile', 'ast'}\n"
        "print(sorted(slow & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_abridged_signature():
    """A long signature keeps its short values and gives kind, length and digest of the long ones."""
    values = [1.5, list(range(5000)), tuple(range(5000)), "é" * 5000, dict.fromkeys(range(5000), 0), b"x" * 9000]
    short, _ = encode_arguments(values, tuple("abcdef"))
    first, *others = form.unpack(short)
    assert first == 1.5
    assert len(short) < LONG
    assert [other.text.partition("~")[0] for other in others] == [
        "list(5000)",
        "tuple(5000)",
        "str(10003)",
        "dict(5000)",
        "bytes(9003)",
    ]
    for place in range(6):
        changed = [*values[:place], 2.5, *values[place + 1 :]]
        assert encode_arguments(changed, tuple("abcdef"))[0] != short
    changed = [1.5, [*range(4999), 0], *values[2:]]
    assert encode_arguments(changed, tuple("abcdef"))[0] != short


def test_only_the_longest_arguments_are_abridged():
    """Arguments give way from the longest on, as many as must, and one of `LONG` bytes in all stays whole."""
    texts = ["a" * 3000, "b" * 2000, "c" * 1000]
    shown = form.unpack(encode_arguments(texts, tuple("abc"))[0])
    assert [shown[0].text.partition("~")[0], *shown[1:]] == ["str(3003)", *texts[1:]]
    whole = ["x" * (LONG - 4)]
    assert encode_arguments(whole, ("a",))[0] == pack_scalars(whole)
    assert len(pack_scalars(whole)) == LONG


@given(st.lists(st.text("ab", max_size=3), min_size=1, max_size=4), st.data())
def test_abridged_signatures_of_unequal_arguments_differ(words, data):
    """Whatever gives way to its digest, unequal arguments have unequal signatures (I6)."""
    texts = [word * 1500 for word in words]
    others = data.draw(
        st.permutations(texts) | st.lists(st.sampled_from(texts), min_size=len(texts), max_size=len(texts))
    )
    names = tuple("abcd"[: len(texts)])
    assert (encode_arguments(texts, names)[0] == encode_arguments(others, names)[0]) is (texts == others)
