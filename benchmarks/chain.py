"""What a large array costs that one cached function hands to the next, with and without `readonly=True`.

Run by hand: `python -m benchmarks.chain [GIGABYTES]`.
"""

from __future__ import annotations

import sys
import tempfile
import time

import numpy as np

import memo
from benchmarks.report import duration


def chain(folder: str, readonly: bool, size: int) -> list[float]:
    """Return the seconds that the chain takes: computed, then found three times."""

    @memo.cached(store=folder, readonly=readonly, memory=False)
    def samples(count: int) -> np.ndarray:
        return np.arange(float(count))

    @memo.cached(store=folder, memory=False)
    def last(values: np.ndarray) -> float:
        return float(values[-1])

    times = []
    for _ in range(4):
        start = time.perf_counter()
        assert last(samples(size)) == size - 1
        times.append(time.perf_counter() - start)
    return times


def main() -> None:
    """Print both chains."""
    size = int(float(sys.argv[1] if len(sys.argv) > 1 else 1) * 1e9 / 8)
    for readonly in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            first, *found = chain(folder, readonly, size)
        shown = ", ".join(map(duration, found))
        print(f"readonly={readonly}: computed in {duration(first)}, found in {shown}")


if __name__ == "__main__":
    main()
