"""Versions: keys, counts, and a memory tier that keeps to its size."""

from __future__ import annotations

import pytest
from blake3 import blake3

from memo.version import Version


class Code:
    """What a version needs of a fingerprint."""

    digest = b"d" * 32


@pytest.fixture
def version():
    """Return a version whose memory holds about three small results."""
    return Version(Code(), 1000)


def test_key_is_the_digest_of_prefix_fingerprint_and_signature(version):
    """The bytes that a call key is the digest of are those of the format."""
    assert version.key(b"signature") == blake3(b"memo call 3\0" + b"d" * 32 + b"signature").digest()


def test_counts_are_taken_once(version):
    """Counts are handed over once, and go on from there."""
    version.hits, version.saved = 3, 1.5
    version.touched.add(b"key")
    assert version.take_counts() == (3, 1.5, {b"key"})
    assert version.take_counts() == (0, 0.0, set())
    version.hits += 1
    assert version.take_counts() == (1, 0.0, set())


def occupied(version) -> int:
    """Return what the results in memory take."""
    return sum(len(kept[2]) + len(signature) + 300 for signature, kept in version.memory.items())


def test_memory_forgets_the_oldest_first(version):
    """A result that does not fit beside the others takes the place of the oldest."""
    for name in (b"a", b"b", b"c", b"d"):
        version.remember(name, 1, b"x" * 20, bytes, 0.5)
    assert list(version.memory) == [b"b", b"c", b"d"]
    assert version._occupied == occupied(version) == 963


def test_memory_keeps_the_first_of_two_equal_results(version):
    """A result remembered twice is counted once."""
    version.remember(b"a", 1, b"first", bytes, 0.5)
    version.remember(b"a", 1, b"second", bytes, 0.5)
    assert version.memory[b"a"] == (True, 1, b"first", 0.5, 0.0)
    assert version._occupied == occupied(version)
    version.forget(b"a")
    version.forget(b"a")
    assert (version.memory, version._occupied) == ({}, 0)


def test_memory_refuses_what_would_fill_it(version):
    """A result larger than all of the memory pushes nothing out."""
    version.remember(b"a", 1, b"x", bytes, 0.5)
    version.remember(b"b", 1, b"x" * 1000, bytes, 0.5)
    assert list(version.memory) == [b"a"]


def test_memory_that_others_empty_meanwhile(version):
    """Counted bytes that another thread is about to give back raise nothing."""
    version._occupied = 5000
    version.remember(b"a", 1, b"x", bytes, 0.5)
    assert version.memory == {}
    version.remember(b"b", [1], b"x", bytes, 0.5)
    assert version.memory == {}


def test_value_that_can_change_is_kept_as_bytes(version):
    """Only what nothing can change is kept as itself."""
    version.remember(b"a", [1], b"data", bytes, 0.5)
    assert version.memory[b"a"] == (False, bytes, b"data", 0.5, 0.0)
