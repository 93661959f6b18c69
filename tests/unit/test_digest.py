"""Digests: BLAKE3 as published, whatever way the bytes come in."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from cas.digest import SIZE, THREADED_FROM, digest, digest_parts, mac

# From the authors' test vectors: input bytes count up from 0 to 250 and begin anew; the key is the ASCII text below.
# https://github.com/BLAKE3-team/BLAKE3/blob/master/test_vectors/test_vectors.json
KEY = b"whats the Elvish word for friend"
HASHES = {
    0: "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    1: "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
    1024: "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7",
}
KEYED = {0: "92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26"}


def published(size: int) -> bytes:
    """Return the input of that length of the published vectors."""
    return bytes(number % 251 for number in range(size))


@pytest.mark.parametrize("size", HASHES)
def test_published_vectors(size):
    """The digest of the published inputs is the published one."""
    assert digest(published(size)).hex() == HASHES[size]
    assert len(digest(published(size))) == SIZE


def test_abc():
    """The digest of `abc` is the one that other implementations give."""
    assert digest(b"abc").hex() == "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"


@pytest.mark.parametrize("size", KEYED)
def test_published_keyed_vectors(size):
    """The keyed digest of the published inputs is the published one."""
    assert mac(KEY, published(size)).hex() == KEYED[size]


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_parts_are_hashed_as_if_joined(parts):
    """Where bytes are cut does not change their digest."""
    assert digest_parts(parts) == digest(b"".join(parts))


@given(st.binary(), st.binary())
def test_another_key_gives_another_mac(data, other):
    """A keyed digest depends on its key and differs from the plain one."""
    assert mac(KEY, data) != mac(bytes(32), data) != digest(data)
    assert (mac(KEY, data) == mac(KEY, other)) == (data == other)


def test_threads_give_the_same_digest():
    """Above the size from which threads hash, the digest is what one thread gives."""
    data = published(1000) * (THREADED_FROM // 1000 + 1)
    assert len(data) >= THREADED_FROM
    assert digest(data) == digest_parts([data[:999], data[999:]])


def test_any_buffer_is_its_bytes():
    """Bytes, byte arrays and views have the digest of their bytes."""
    data = published(64)
    assert digest(bytearray(data)) == digest(memoryview(data)) == digest(data)
