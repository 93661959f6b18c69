"""A chain of two local stores beside one of them alone: hits, misses, puts in a loop, the copying, promotion."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from pathlib import Path

import cas
from cas.tiers import Chain

from .timing import Contestant as Who
from .timing import Goal, Measure, interleave, slower, summarise

ALONE, CHAIN = "floor: the local store alone", "memo chain [local, local]"
FUNCTION = cas.FunctionRecord(b"f" * 32, "benchmark", "f", ("number",), b"")
PUTS = 1000
# An entry, copied in the background: a tenth of a millisecond.
FLUSH = 1e-4


def open_chain(*places: Path | cas.Store) -> Chain:
    """Return a chain of these tiers."""
    chain = cas.open(places)
    assert isinstance(chain, Chain)
    return chain


def _key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _put(store: cas.Store, number: int, body: bytes) -> None:
    with store.deposit(cas.Call(_key(number), FUNCTION, b"\x91\xc4\x08" + number.to_bytes(8, "big")), 0.0) as deposit:
        deposit.commit(cas.Result("tree/1", (body,), f"{len(body)} bytes"))


def _loop(store: cas.Store) -> float:
    """Return the seconds that each of many puts takes."""
    begin = time.perf_counter()
    for number in range(PUTS):
        _put(store, number, b"small")
    return (time.perf_counter() - begin) / PUTS


def _flush(chain: Chain) -> float:
    """Return the seconds that copying takes, for each of them."""
    begin = time.perf_counter()
    chain.flush()
    return (time.perf_counter() - begin) / PUTS


def _fetch(store: cas.Store, number: int) -> Callable[[], object]:
    key = _key(number)
    return lambda: store.fetch(key)


def _hits(folder: Path, rounds: int) -> tuple[list[Measure], list[Goal]]:
    """Measure look-ups of what is there, and of what no tier has."""
    alone, chain = cas.open(folder / "hit"), open_chain(folder / "near", folder / "far")
    for store in (alone, chain):
        _put(store, 1, b"small")
    chain.flush()
    measures, goals = [], []
    for work, key, most in (("hit of a small result", 1, 1.5), ("miss, before it is computed", 2, 4.0)):
        found = interleave(work, [Who(ALONE, _fetch(alone, key)), Who(CHAIN, _fetch(chain, key))], rounds)
        measures += found
        goals += slower(found, CHAIN, ALONE, most)
    return measures, goals


def _puts(folder: Path, rounds: int) -> tuple[list[Measure], list[Goal]]:
    """Measure a tight loop of small puts, and what is then left to copy."""
    taken: dict[str, list[float]] = {ALONE: [], CHAIN: [], "flush": []}
    for turn in range(rounds):
        alone, chain = cas.open(folder / f"alone{turn}"), open_chain(folder / f"fast{turn}", folder / f"slow{turn}")
        for who, store in ((ALONE, alone), (CHAIN, chain))[:: 1 if turn % 2 else -1]:
            taken[who].append(_loop(store))
        # What the loop left; the thread may have begun.
        taken["flush"].append(_flush(chain))
        chain.close()
        alone.close()
    work = f"put, each of {PUTS} in a loop"
    puts = [summarise(work, who, taken[who]) for who in (ALONE, CHAIN)]
    flush = summarise(f"flush, for each of {PUTS} small results", CHAIN, taken["flush"])
    asked = Goal(flush.work, "<= 100 µs", f"{flush.median * 1e6:.0f} µs", flush.median <= FLUSH)
    return [*puts, flush], [*slower(puts, CHAIN, ALONE, 2.0), asked]


def _promotions(folder: Path, size: int, rounds: int) -> tuple[list[Measure], list[Goal]]:
    """Measure the first fetch of what only the slow tier has, beside storing the same bytes in the fast one alone."""
    alone, slow = cas.open(folder / f"alone-{size}"), cas.open(folder / f"behind-{size}")
    chain = open_chain(folder / f"before-{size}", slow)
    body, numbers = os.urandom(size), itertools.count()
    _put(slow, 0, body)
    named = f"{size >> 20} MB" if size >> 20 else f"{size} bytes"
    fast = chain.present()[0]

    def empty(store: cas.Store) -> None:
        store.forget([entry.key for entry in store.entries()])
        store.sweep([blob.digest for blob in store.blobs()])

    contestants = [
        Who("floor: put into the local store alone", lambda: _put(alone, next(numbers), body), lambda: empty(alone)),
        Who("memo chain", lambda: chain.fetch(_key(0)), lambda: empty(fast)),
    ]
    found = interleave(f"promotion of {named}", contestants, rounds, once=True)
    most = 2.0 if size >> 20 else 4.0
    return found, slower(found, "memo chain", "floor: put into the local store alone", most)


def run(folder: Path, quick: bool) -> tuple[list[Measure], list[Goal]]:
    """Measure a chain against its fast tier alone."""
    rounds = 4 if quick else 12
    parts = [
        _hits(folder, 10 if quick else 40),
        _puts(folder, rounds),
        _promotions(folder, 5, rounds * 4),
        _promotions(folder, (10 if quick else 100) << 20, rounds),
    ]
    return [m for measures, _ in parts for m in measures], [g for _, goals in parts for g in goals]
