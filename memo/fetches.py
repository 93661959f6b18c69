"""What fetching takes: the results of one function, from its store, as this process has found it.

Owns what `min_cost="auto"` compares with the cost of a call. Figures only: whatever they are, a call returns its value,
and what is not stored for them is computed again (I8).
"""

from __future__ import annotations

import time
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from cas.entry import Parts
    from memo.codecs import OpenBlob

# Before anything is measured: a hit from a store on a local disk takes 9 to 13 µs, and reading the pages of a mapped
# array 0.02 ns a byte if they are in memory. From a disk it is more; but what is never stored is never measured either.
START = 10e-6
PER_BYTE = 0.02e-9
# How many of the latest measurements count, and how many of results of about one size make an estimate.
_LATEST = 30
_ENOUGH = 3
# Results of about one size: up to so many times as large or as small. Below the least size, size does not matter.
_ALIKE = 4
_LEAST = 256


class Fetches:
    """Measures the fetches of one function, and estimates further ones."""

    def __init__(self) -> None:
        self._lookups: deque[float] = deque(maxlen=_LATEST)
        self._openings: deque[tuple[int, float]] = deque(maxlen=_LATEST)

    def look_up(self, fetch: Callable[[bytes], Any], key: bytes) -> Any:
        """Return what `fetch` finds, which may be nothing: also that takes as long as the store is far."""
        start = time.perf_counter()
        found = fetch(key)
        self._lookups.append(time.perf_counter() - start)
        return found

    def decode(
        self, decode: Callable[..., Any], data: bytes | None, open_root: Callable[[], Any], open_blob: OpenBlob
    ) -> Any:
        """Return a decoded value, and note how long its bytes took to become it.

        Args:
            decode: Makes the value of its root and of what opens its blobs.
            data: The root if it came with the entry.
            open_root: Opens the root otherwise.
            open_blob: Opens the other blobs.
        """
        sizes: list[int] = []

        def counted(digest: bytes) -> Any:
            opened = open_blob(digest)
            sizes.append(_length(opened))
            return opened

        start = time.perf_counter()
        root = open_root() if data is None else data
        value = decode(root, counted)
        self._openings.append((_length(root) + sum(sizes), time.perf_counter() - start))
        return value

    def expected(self, size: int) -> float:
        """Return the seconds that fetching a result of so many bytes takes.

        The median look-up, and the median opening of results of about that size, where three were measured.
        """
        least, most = max(size, _LEAST) / _ALIKE, max(size, _LEAST) * _ALIKE
        alike = [seconds for known, seconds in self._openings.copy() if least <= max(known, _LEAST) <= most]
        opening = _median(alike) if len(alike) >= _ENOUGH else size * PER_BYTE
        lookups = list(self._lookups.copy())
        return (_median(lookups) if len(lookups) >= _ENOUGH else START) + opening


def size_of(value: Any) -> int:
    """Return how many bytes storing a value writes, before any are compressed; nothing is written.

    Raises:
        CodecError: It cannot be stored.
    """
    from memo.codecs import choose  # noqa: PLC0415 - a hit never asks

    sizes: list[int] = []

    def count(parts: Parts) -> bytes:
        sizes.append(sum(memoryview(part).nbytes for part in parts))
        return bytes(32)

    parts, _ = choose(value).encode(value, count)
    return sum(sizes) + sum(memoryview(part).nbytes for part in parts)


def _length(body: Any) -> int:
    return len(body) if isinstance(body, bytes) else int(body.size)


def _median(figures: list[float]) -> float:
    # Of two in the middle the smaller: in doubt a result is stored.
    return sorted(figures)[(len(figures) - 1) // 2]
