"""An array as a result: hits whose cost does not grow with it, and storing it beside a raw write."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from . import peers
from .timing import Contestant, Goal, Measure, interleave, median_of, slower

LARGE = {"1 MB": 1 << 17, "100 MB": 100 << 17, "1 GB": 1 << 27}
NEAR, DURABLE = "store of a 100 MB array, not synced", "store of a 100 MB array, synced"


def work(count: int) -> np.ndarray:
    """Return an array of that many numbers."""
    return np.arange(float(count))


def small(count: int) -> float:
    """Return one number."""
    return float(count)


def _hits(folder: Path, quick: bool) -> tuple[list[Measure], list[Goal]]:
    """Measure hits on larger and larger results against a hit on one number."""
    measures, goals = [], []
    for size, count in LARGE.items():
        if quick and size == "1 GB":
            continue
        contestants = []
        for name in (peers.OURS, "joblib", "diskcache"):
            if name != peers.OURS and (name not in peers.installed() or size == "1 GB"):
                continue
            function = peers.decorate(name, folder)(work)
            function(count)
            value = function(count)
            if type(value) is not np.ndarray or value.shape != (count,) or value[-1] != count - 1:
                raise AssertionError(f"{name} is wrong for {size}")
            del value
            contestants.append(Contestant(name, lambda f=function, n=count: f(n)))
        one = peers.decorate(peers.OURS, folder)(small)
        one(count)
        path = folder / f"floor-{count}.npy"
        np.save(path, work(count))
        contestants += [
            Contestant("memo, one number", lambda one=one, n=count: one(n)),
            Contestant("floor: np.load, mapped", lambda path=path: np.load(path, mmap_mode="c")),
        ]
        if size != "1 GB":
            contestants.append(Contestant("floor: np.load", lambda path=path: np.load(path)))
        found = interleave(f"hit, {size} array result", contestants, 10 if quick else 40 if size == "1 MB" else 15)
        measures += found
        more = (median_of(found, peers.OURS) or 0) - (median_of(found, "memo, one number") or 0)
        said = f"+ {more * 1e6:.0f} µs"
        goals.append(Goal(f"hit, {size} array result", "<= own small hit + 200 µs", said, more <= 200e-6))
        path.unlink()
    return measures, goals


def _raw(folder: Path, array: np.ndarray, sync: bool) -> Contestant:
    """Return the plain writing of the same bytes, by temporary file and rename."""
    path = folder / "raw"

    def write() -> None:
        with open(f"{path}.new", "wb", buffering=0) as stream:
            view, done = memoryview(array).cast("B"), 0
            while done < len(view):
                done += stream.write(view[done:])
            if sync:
                os.fsync(stream.fileno())
        os.replace(f"{path}.new", path)

    return Contestant("raw write", write, _changing(array), lambda: path.unlink(missing_ok=True))


def _changing(array: np.ndarray) -> Callable[[], None]:
    """Return what makes the array's content new, so that nothing is found stored already."""
    fresh = itertools.count(1)

    def change() -> None:
        array[len(array) // 2] = next(fresh) + id(fresh) % 1000 / 1000

    return change


def _ours(folder: Path, array: np.ndarray, cost: float) -> Contestant:
    """Return our storing of the array, as the decorator does on a miss that cost so many seconds."""
    import cas
    from memo.codecs import choose

    store, fresh = cas.open(folder / "deposits"), itertools.count(1)
    record = cas.FunctionRecord(b"f" * 32, "benchmarks.results", "work", ("count",))

    def deposit() -> None:
        call = cas.Call(next(fresh).to_bytes(32, "big"), record, b"\x91\x01")
        codec = choose(array)
        with store.deposit(call, cost) as deposit:
            parts, summary = codec.encode(array, deposit.write)
            deposit.commit(cas.Result(codec.name, parts, summary))

    def clean() -> None:
        store.forget(entry.key for entry in list(store.entries()))
        store.sweep([blob.digest for blob in store.blobs()])

    return Contestant("memo", deposit, _changing(array), clean)


def _whole_calls(folder: Path, rounds: int) -> list[Measure]:
    """Measure calls that compute and store 100 MB, beside the plain call; each result has a size of its own."""
    fresh = itertools.count(100 << 17)
    contestants = [Contestant("floor: plain call", lambda: work(next(fresh)))]
    for name in (peers.OURS, "joblib", "diskcache"):
        if name == peers.OURS or name in peers.installed():
            function = peers.decorate(name, folder)(work)
            contestants.append(Contestant(name, lambda f=function: f(next(fresh))))
    return interleave("compute and store a 100 MB array", contestants, rounds, once=True)


def run(folder: Path, quick: bool) -> tuple[list[Measure], list[Goal]]:
    """Measure hits, then stores."""
    measures, goals = _hits(folder, quick)
    array = work(100 << 17)
    rounds = 5 if quick else 15
    near = interleave(NEAR, [_ours(folder, array, 0.0), _raw(folder, array, False)], rounds, once=True)
    durable = interleave(DURABLE, [_ours(folder, array, 10.0), _raw(folder, array, True)], rounds, once=True)
    goals += [*slower(near, "memo", "raw write", 1.5), *slower(durable, "memo", "raw write", 1.5)]
    whole = _whole_calls(folder, 3 if quick else 7)
    return [*measures, *near, *durable, *whole], goals
