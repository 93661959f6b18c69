"""A hit and a miss of a function of three scalars with a small result, beside the floors beneath them."""

from __future__ import annotations

import itertools
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from . import peers
from .timing import Contestant, Goal, Measure, faster, interleave

ARGUMENTS = [(i, i / 7, f"name-{i % 9}") for i in range(64)]
HIT, STORE = "hit, three scalar arguments", "store of a small result"


def work(count: int, rate: float, name: str) -> float:
    """Return something small that depends on all three."""
    return count * rate + len(name)


def _tools(folder: Path) -> dict[str, Callable[..., float]]:
    """Return the work under every tool that is installed."""
    names = [peers.OURS, peers.OURS_IN_MEMORY, "lru_cache", *peers.installed()]
    return {name: peers.decorate(name, folder)(work) for name in names}


def _calls(function: Callable[..., float]) -> Callable[[], None]:
    """Return what makes the next of the calls, over and over."""
    arguments = itertools.cycle(ARGUMENTS)
    return lambda: function(*next(arguments))


def _floors(folder: Path) -> list[Contestant]:
    """Return what no cache can do without."""
    import blake3
    import msgpack

    pack, hasher, data = msgpack.Packer(strict_types=True).pack, blake3.blake3, b"x" * 48
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE floor (key BLOB PRIMARY KEY, data BLOB) WITHOUT ROWID")
    keys = [hasher(str(i).encode()).digest() for i in range(1000)]
    connection.executemany("INSERT INTO floor VALUES (?, ?)", [(key, data) for key in keys])
    turn, cursor, row = itertools.cycle(keys), connection.cursor(), list(ARGUMENTS[5])
    return [
        Contestant("floor: plain call", _calls(work)),
        Contestant("floor: msgpack pack", lambda: pack(row)),
        Contestant("floor: BLAKE3 of 48 bytes", lambda: hasher(data).digest()),
        Contestant(
            "floor: SQLite point read",
            lambda: cursor.execute("SELECT data FROM floor WHERE key = ?", (next(turn),)).fetchone(),
        ),
    ]


def _puts(function: Callable[..., float]) -> Callable[[], None]:
    """Return what makes a call that was never made before, over and over."""
    fresh = itertools.count(1_000_000)
    return lambda: function(next(fresh), 0.5, "fresh")


def _file_floor(folder: Path) -> list[Contestant]:
    """Return one small file written by temporary file and rename, and one row put into SQLite."""
    connection = sqlite3.connect(folder / "put.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("CREATE TABLE floor (key BLOB PRIMARY KEY, data BLOB) WITHOUT ROWID")
    fresh = itertools.count()

    def put_file() -> None:
        path = folder / f"file-{next(fresh)}"
        with open(f"{path}.new", "wb") as stream:
            stream.write(b"x" * 200)
        os.replace(f"{path}.new", path)

    def put_row() -> None:
        connection.execute("INSERT INTO floor VALUES (?, ?)", (os.urandom(32), b"x" * 200))

    return [Contestant("floor: SQLite row", put_row), Contestant("floor: file and rename", put_file)]


def run(folder: Path, quick: bool) -> tuple[list[Measure], list[Goal]]:
    """Measure hits, then stores."""
    tools = _tools(folder)
    for function in tools.values():
        for arguments in ARGUMENTS:
            if function(*arguments) != work(*arguments) or function(*arguments) != work(*arguments):
                raise AssertionError(f"{function} is wrong for {arguments}")
    rounds = 15 if quick else 80
    hits = interleave(HIT, [*(Contestant(n, _calls(f)) for n, f in tools.items()), *_floors(folder)], rounds)
    stored = {name: f for name, f in tools.items() if name not in (peers.OURS_IN_MEMORY, "lru_cache")}
    puts = [Contestant(name, _puts(function)) for name, function in stored.items()]
    stores = interleave(STORE, [*puts, *_file_floor(folder)], rounds)
    goals = [
        *faster(hits, peers.OURS, "diskcache", 4),
        *faster(hits, peers.OURS, "joblib", 15),
        *faster(hits, peers.OURS_IN_MEMORY, "diskcache", 20),
        *faster(stores, peers.OURS, "diskcache", 3),
        *faster(stores, peers.OURS, "joblib", 10),
    ]
    return [*hits, *stores], goals
