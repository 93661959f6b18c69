"""What befalls a store between two runs; each blow is named in a phase's `before`.

A blow returns how many files it hit, so that one that missed is not taken for one that was withstood.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

_LARGE = 64 << 10
_LEAST = 256


def _payloads(root: Path) -> Iterator[Path]:
    """Yield the stored files that hold results: large ones, or if there is none all that could hold one."""
    files = [p for p in sorted(root.rglob("*")) if p.is_file() and p.stat().st_size >= _LEAST]
    files = [p for p in files if p.suffix not in {".py", ".json"}]
    large = [p for p in files if p.stat().st_size >= _LARGE and p.suffix not in {".sqlite", ".db"}]
    yield from large or files


def _flip(path: Path, marker: bytes) -> int:
    """Flip one bit in each place where the marker stands; return whether it stands anywhere."""
    data = bytearray(path.read_bytes())
    at = data.find(marker)
    if at < 0:
        return 0
    while at >= 0:
        data[at + len(marker) // 2] ^= 1
        at = data.find(marker, at + max(len(marker), 16384))
    path.write_bytes(data)
    return 1


def flip(root: Path, marker: bytes) -> int:
    """Flip bits of the stored payload."""
    return sum(_flip(p, marker) for p in sorted(root.rglob("*")) if p.is_file())


def flip_quietly(root: Path, marker: bytes) -> int:
    """Flip bits of the stored payload, and put the files' times back."""
    hit = 0
    for path in sorted(root.rglob("*")):
        if path.is_file():
            before = path.stat()
            hit += _flip(path, marker)
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return hit


def zero(root: Path, _: bytes) -> int:
    """Turn the second half of every payload file into zeros."""
    return _overwrite(root, lambda data: data[: len(data) // 2] + bytes(len(data) - len(data) // 2))


def truncate(root: Path, _: bytes) -> int:
    """Cut every payload file in half."""
    return _overwrite(root, lambda data: data[: len(data) // 2])


def empty(root: Path, _: bytes) -> int:
    """Empty every payload file."""
    return _overwrite(root, lambda data: b"")


def noise(root: Path, _: bytes) -> int:
    """Overwrite every payload file with noise of the same length."""
    return _overwrite(root, lambda data: random.Random(11).randbytes(len(data)))


def _overwrite(root: Path, change: Callable[[bytes], bytes]) -> int:
    """Rewrite every payload file in place; return how many there were."""
    paths = list(_payloads(root))
    for path in paths:
        path.write_bytes(change(path.read_bytes()))
    return len(paths)


BLOWS = {blow.__name__: blow for blow in (flip, flip_quietly, zero, truncate, empty, noise)}
