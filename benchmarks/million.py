"""A million small entries: puts, gets, the first page of a listing, bytes an entry, and gc of half."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from . import peers
from .timing import Contestant, Goal, Measure, interleave, median_of, summarise

FEW = 10_000


def work(count: int) -> tuple[int, float]:
    """Return a small result, as of one point of a sweep."""
    return count, count / 3


def _put(function: Callable[[int], object], numbers: range) -> float:
    """Return the seconds that storing these calls takes."""
    begin = time.perf_counter()
    for number in numbers:
        function(number)
    return time.perf_counter() - begin


def _get(function: Callable[[int], object], entries: int, rounds: int) -> list[Measure]:
    """Measure hits on random entries; a share of them would be enough to see a wrong one."""
    chance = random.Random(entries)
    for number in (0, entries // 2, entries - 1):
        if function(number) != work(number):
            raise AssertionError(f"wrong value for {number}")
    called = Contestant(peers.OURS, lambda: function(chance.randrange(entries)))
    floor = Contestant("floor: random number", lambda: chance.randrange(entries))
    return interleave(f"get, one of {entries:,} entries", [called, floor], rounds)


def _cas(store: Path, *words: str) -> tuple[float, str]:
    """Return the seconds that a whole `cas` command takes, and what it prints."""
    begin = time.perf_counter()
    environment = {**os.environ, "CAS_STORE": str(store)}
    command = [sys.executable, "-c", "import cas.cli; cas.cli.main()", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"cas {' '.join(words)}: {done.stderr}")
    return time.perf_counter() - begin, done.stdout


def _bytes(folder: Path) -> int:
    """Return the bytes that a folder takes on the disk."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def run(folder: Path, quick: bool) -> tuple[list[Measure], list[Goal]]:
    """Fill one store, with measures on the way, and empty half of it."""
    many = 50_000 if quick else 1_000_000
    function = peers.decorate(peers.OURS, folder)(work)
    store = folder / "memo-False"
    function(-1)
    first = _put(function, range(FEW))
    few = _get(function, FEW, 40)
    rest = _put(function, range(FEW, many))
    lots = _get(function, many, 40)
    rate = many / (first + rest)
    each = _bytes(store) / many
    listed = [_cas(store, "ls", f"{work.__module__}.work", "--limit", "50") for _ in range(3)]
    page = sorted(seconds for seconds, _ in listed)[1]
    if len(listed[0][1].splitlines()) < 50:
        raise AssertionError(f"cas ls printed {listed[0][1]!r}")
    half = json.loads(_cas(store, "gc", "--dry-run", "--json")[1])["size"] // 2
    collected, _ = _cas(store, "gc", "--max-size", str(half))
    left = sum(1 for _ in function.cache.entries())
    ratio = (median_of(lots, peers.OURS) or 0) / (median_of(few, peers.OURS) or 1)
    work_name = f"{many:,} small entries"
    measures = [
        *few,
        *lots,
        summarise(work_name, "put", [1 / rate]),
        summarise(work_name, "cas ls, first page of 50 (whole process)", [page]),
        summarise(work_name, "cas gc of half (whole process)", [collected]),
    ]
    goals = [
        Goal(work_name, "put >= 15,000/s", f"{rate:,.0f}/s", rate >= 15_000),
        Goal(work_name, "get within 2 x of that at 10,000", f"{ratio:.2f} x", ratio <= 2),
        Goal(work_name, "cas ls, first page <= 1 s", f"{page:.2f} s", page <= 1),
        Goal(work_name, "<= 500 bytes an entry", f"{each:.0f} bytes", each <= 500),
        Goal(work_name, "gc of half <= 10 s", f"{collected:.1f} s, {left:,} left", collected <= 10 and left < many),
    ]
    return measures, goals
