"""A hit whose argument is an array: the whole of it is hashed, at 1 KB, 1 MB, 100 MB and 1 GB."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from . import peers
from .timing import Contestant, Goal, Measure, faster, interleave

SIZES = {"1 KB": 1 << 7, "1 MB": 1 << 17, "100 MB": 100 << 17, "1 GB": 1 << 27}
LEAST = {"1 KB": 20.0, "100 MB": 7.0, "1 GB": 7.0}


def work(signal: np.ndarray) -> float:
    """Return something small that depends on the array."""
    return float(signal[-1]) + signal.shape[0]


def _call(function: Callable[[np.ndarray], float], signal: np.ndarray) -> Callable[[], float]:
    return lambda: function(signal)


def _measure(folder: Path, size: str, rounds: int) -> list[Measure]:
    """Measure one size under ours, the peers that take arrays, and the floors."""
    import blake3

    signal = np.random.default_rng(1).standard_normal(SIZES[size])
    here = peers.installed()
    names = [peers.OURS, *(n for n in ("joblib", "diskcache", "cachier") if n in here)]
    if size in ("100 MB", "1 GB"):  # diskcache keeps the whole pickled argument as its key
        names = [name for name in names if name not in ("diskcache", "cachier")]
    contestants = []
    for name in names:
        function = peers.decorate(name, folder)(work)
        if function(signal) != work(signal) or function(signal) != work(signal):
            raise AssertionError(f"{name} is wrong for {size}")
        contestants.append(Contestant(name, _call(function, signal)))
    target, data = np.empty_like(signal), memoryview(signal).cast("B")
    threads = blake3.blake3.AUTO if signal.nbytes >= 8 << 20 else 1
    contestants += [
        Contestant("floor: BLAKE3", lambda: blake3.blake3(data, max_threads=threads).digest()),
        Contestant("floor: memcpy", lambda: np.copyto(target, signal)),
    ]
    return interleave(f"hit, {size} array argument", contestants, rounds)


def run(folder: Path, quick: bool) -> tuple[list[Measure], list[Goal]]:
    """Measure every size; quick runs leave the largest out."""
    rounds = {"1 KB": 60, "1 MB": 40, "100 MB": 11, "1 GB": 3}
    measures, goals = [], []
    for size in SIZES:
        if quick and size == "1 GB":
            continue
        found = _measure(folder, size, max(3, rounds[size] // 4) if quick else rounds[size])
        measures += found
        goals += faster(found, peers.OURS, "joblib", LEAST[size]) if size in LEAST else []
    return measures, goals
