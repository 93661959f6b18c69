"""The short way for scalar arguments and the long way for any give the same key, and the same value."""

from __future__ import annotations

import struct
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memo
from memo.canonical import LONG, SCALARS, encode_arguments, pack_scalars


def bits(value: object) -> object:
    """Return something equal only for the same type and the same bits."""
    return (type(value), struct.pack(">d", value) if type(value) is float else value)


DOUBLES = st.integers(0, 2**64 - 1).map(lambda word: struct.unpack(">d", word.to_bytes(8, "big"))[0])
SURROGATES = st.text(st.characters(categories=["Cs", "Lu", "So"]), max_size=6)
EDGES = st.sampled_from([2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, -0.0, 0.0, -1, 127, 128, -32, -33])
SCALAR = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-(2**70), 2**70), EDGES, DOUBLES, st.text(), SURROGATES,
    st.binary(), st.sampled_from([float("nan"), float("inf"), "", b"", "x" * 300, b"y" * 70000]),
)  # fmt: skip
NAMES = tuple("abcdefgh")


@given(st.lists(SCALAR, max_size=8))
@settings(max_examples=400)
def test_signatures_are_the_same_bytes(values):
    """Wherever the packer takes a list of scalars, the walk writes the same bytes; what it refuses, the walk takes."""
    assert all(type(value) in SCALARS for value in values)
    walked, roots = encode_arguments(values, NAMES)
    assert roots == ()
    try:
        packed = pack_scalars(values)
    except (OverflowError, ValueError):
        assert any(type(value) is str or (type(value) is int and not -(2**63) <= value < 2**64) for value in values)
    else:
        # What is longer is left to the walk, which cuts it.
        assert packed == walked if len(packed) <= LONG else len(walked) <= LONG
    # A refusal leaves nothing behind in the packer, which is shared.
    assert pack_scalars([1, "a"]) == encode_arguments([1, "a"], NAMES)[0]


@pytest.fixture(scope="module")
def echo(tmp_path_factory):
    """Return a cached function that gives back its arguments."""

    @memo.cached(store=tmp_path_factory.mktemp("scalar") / "store")
    def echo(a, b):
        return a, b

    yield echo
    echo.cache._caller.open().close()


@given(SCALAR, SCALAR)
@settings(max_examples=200, deadline=None)
def test_both_ways_serve_each_other(echo, a, b):
    """What one way stored the other serves, bit for bit, from memory and from the store."""
    caller = echo.cache._caller
    computed = caller.serve([a, b])
    expected = [bits(a), bits(b)]
    misses = caller.misses
    from_memory = caller.serve_scalars([a, b])
    caller.current().memory.clear()
    caller.current()._occupied = 0
    from_store = caller.serve_scalars([a, b])
    again = echo(a, b)
    for result in (computed, from_memory, from_store, again):
        assert [bits(part) for part in result] == expected
    assert caller.misses == misses


@given(SCALAR, SCALAR)
@settings(max_examples=200, deadline=None)
def test_unequal_bits_are_unequal_keys(echo, a, b):
    """Two calls have one key exactly if type and bits of their arguments are the same."""
    assert (echo.cache.key(a, 0) == echo.cache.key(b, 0)) is (bits(a) == bits(b))


def test_shared_packer_under_threads():
    """Threads that pack at the same time, some of them refused, each get the bytes of their own values."""
    wrong = []

    def work(me: int) -> None:
        values = [me, "x" * me, 2**70 if me % 2 else 1.5 * me]
        expected, _ = encode_arguments(values, NAMES)
        for _ in range(2000):
            try:
                packed = pack_scalars(values)
            except OverflowError:
                packed = encode_arguments(values, NAMES)[0]
            if packed != expected:
                wrong.append((me, packed))

    threads = [threading.Thread(target=work, args=(me,)) for me in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
