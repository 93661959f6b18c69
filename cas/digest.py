"""Bytes → digest: BLAKE3-256, one-shot, streaming, keyed.

Owns the hash of the project and when it uses threads. Keeps I2 (a blob's name is the digest of its bytes).
"""

from __future__ import annotations

import os

from blake3 import blake3

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Buffer

SIZE = 32
# Below this, starting threads costs more than it saves (64 KB: 4.6 GB/s on one thread, 2.6 on two).
THREADED_FROM = 8 << 20


# A child of fork has none of the threads that its parent's hashing waits for, and would wait for ever.
_threads = blake3.AUTO


def _forked() -> None:
    global _threads
    _threads = 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def parallel_hasher() -> blake3:
    """Return a streaming hasher for large input, on several threads where that is safe."""
    return blake3(max_threads=_threads)


def hasher_for(size: int) -> blake3:
    """Return a streaming hasher for so many bytes, on several threads where that pays."""
    return parallel_hasher() if size >= THREADED_FROM else blake3()


def digest(data: Buffer) -> bytes:
    """Return the BLAKE3-256 digest of contiguous bytes."""
    view = memoryview(data).cast("B")
    if len(view) >= THREADED_FROM:
        return blake3(view, max_threads=_threads).digest()
    return blake3(view).digest()


def digest_parts(parts: Iterable[Buffer]) -> bytes:
    """Return the digest of several buffers as if they were joined, without joining them."""
    hasher = blake3()
    for part in parts:
        hasher.update(part)
    return hasher.digest()


def mac(key: bytes, data: Buffer) -> bytes:
    """Return the keyed BLAKE3 of `data`: only a holder of the 32-byte `key` can make it."""
    return blake3(data, key=key).digest()
