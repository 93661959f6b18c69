"""What a store still has to pass on to further tiers, and what it knows to be outdated there: rows of its index.

A row is written with its entry, in one transaction, and goes when the tier has the entry, so that whoever opens the
chain after a crash knows what is left to do. Each deposit has a row of its own: what is deposited again while it is
copied is not lost. Knows nothing of chains.
"""

from __future__ import annotations

import os
import time

from cas.local.layout import writer_lives

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable

    from cas.local.index import Index

    Run = Callable[..., sqlite3.Cursor]

# Made when a store becomes a tier; a store without them has nothing to pass on.
_TABLES = (
    "CREATE TABLE IF NOT EXISTS tiers (id INTEGER PRIMARY KEY, location BLOB NOT NULL UNIQUE)",
    "CREATE TABLE IF NOT EXISTS unsent"
    " (id INTEGER PRIMARY KEY, tier INTEGER NOT NULL, key BLOB NOT NULL, owner INTEGER NOT NULL, since REAL NOT NULL)",
    "CREATE TABLE IF NOT EXISTS outdated"
    " (tier INTEGER NOT NULL, key BLOB NOT NULL, created REAL NOT NULL, PRIMARY KEY (tier, key)) WITHOUT ROWID",
)
_TIER = "SELECT id FROM tiers WHERE location = ?"
# For so many seconds the process that wrote a row is left to copy it, if one of its number lives: the system gives
# numbers again, and what is copied twice does no harm.
_PATIENCE = 600.0
_AT_ONCE = 500
# The owner of a row that is for whoever comes.
_NOBODY = 0


class Unsent:
    """The entries of one local store that further tiers do not have yet.

    A tier is named by its location, a row by a random number that its writer chose.
    """

    def __init__(self, index: Index) -> None:
        self._index = index

    def _exists(self) -> bool:
        """Return whether there are such rows; not if the store was deleted, which took what they speak of along."""
        return not self._index.moved() and bool(self._index.rows("SELECT 1 FROM sqlite_master WHERE name = 'outdated'"))

    def knows(self, tier: str) -> bool:
        """Return whether entries were ever to be passed on to a tier."""
        return self._exists() and bool(self._index.rows(_TIER, (os.fsencode(tier),)))

    def introduce(self, tier: str) -> None:
        """Remember that there is such a tier, so that it is not taken for a new one when it is gone."""
        if not self.knows(tier):
            with self._index.writing() as run:
                tier_id(run, tier)

    def waiting(self, tier: str) -> list[tuple[bytes, int]]:
        """Return key and row of what is to be passed on, without what other living processes are at."""
        if not self._exists():
            return []
        rows = self._index.rows(
            f"SELECT key, id, owner, since FROM unsent WHERE tier = ({_TIER}) ORDER BY since", (os.fsencode(tier),)
        )
        owners = {owner for _, _, owner, _ in rows} - {_NOBODY, os.getpid()}
        others = {owner for owner in owners if writer_lives(f"{owner}-")}
        now = time.time()
        return [(key, row) for key, row, owner, since in rows if owner not in others or abs(now - since) > _PATIENCE]

    @staticmethod
    def number(tiers: Iterable[str]) -> dict[str, int]:
        """Return a number for a new row of each tier, such as no other row ever has."""
        return {tier: int.from_bytes(os.urandom(8), "big") >> 1 for tier in tiers}

    def add(self, key: bytes, rows: dict[str, int]) -> None:
        """Write down that an entry is to be passed on, in the transaction that this thread is in."""
        write_down(self._index.run, {}, key, rows)

    def remove(self, rows: Iterable[int]) -> set[int]:
        """Write down that entries have been passed on; return those rows that were not there any more."""
        with self._index.writing() as run:
            return {row for row in rows if not run("DELETE FROM unsent WHERE id = ?", (row,)).rowcount}

    def forget(self, keys: Iterable[bytes]) -> None:
        """Pass none of these entries on to any tier."""
        waiting = list(keys)
        if not waiting or not self._exists():
            return
        with self._index.writing() as run:
            while waiting:
                batch, waiting = waiting[:_AT_ONCE], waiting[_AT_ONCE:]
                run(f"DELETE FROM unsent WHERE key IN ({', '.join('?' * len(batch))})", batch)

    def outdate(self, tier: str, entries: Iterable[tuple[bytes, float]]) -> None:
        """Remember that what a tier has for these calls, created then or before, is not to be served any more."""
        with self._index.writing() as run:
            number = tier_id(run, tier)
            for key, created in entries:
                run("INSERT OR REPLACE INTO outdated VALUES (?, ?, ?)", (number, key, created))

    def outdated(self, tier: str, key: bytes) -> float | None:
        """Return up to which time of creation the entry of a call in a tier is not to be served."""
        if not self._exists():
            return None
        query = f"SELECT created FROM outdated WHERE tier = ({_TIER}) AND key = ?"
        found = self._index.rows(query, (os.fsencode(tier), key))
        return float(found[0][0]) if found else None

    def all_outdated(self, tier: str) -> dict[bytes, float]:
        """Return by call up to which time of creation a tier's entries are not to be served."""
        if not self._exists():
            return {}
        query = f"SELECT key, created FROM outdated WHERE tier = ({_TIER})"
        return dict(self._index.rows(query, (os.fsencode(tier),)))


def tier_id(run: Run, tier: str) -> int:
    """Return the row number of a tier, in a transaction."""
    for table in _TABLES:
        run(table)
    location = os.fsencode(tier)
    run("INSERT OR IGNORE INTO tiers (location) VALUES (?)", (location,))
    return int(run(_TIER, (location,)).fetchone()[0])


def write_down_for_others(run: Run, key: bytes, tiers: Iterable[str]) -> None:
    """Write down that every tier but these is to have an entry that took the place of another: theirs is old now."""
    if run("SELECT 1 FROM sqlite_master WHERE name = 'outdated'").fetchone() is None:
        return
    there = {os.fsencode(tier) for tier in tiers}
    for number, location in run("SELECT id, location FROM tiers").fetchall():
        if location not in there:
            row = int.from_bytes(os.urandom(8), "big") >> 1
            run("INSERT INTO unsent VALUES (?, ?, ?, ?, ?)", (row, number, key, _NOBODY, time.time()))


def write_down(run: Run, known: dict[bytes, int], key: bytes, rows: dict[str, int]) -> dict[bytes, int]:
    """Write down that an entry is to be passed on, in the transaction in which it becomes visible.

    Args:
        run: Of the transaction.
        known: Row numbers of tiers, if known.
        key: Of the entry.
        rows: The numbers of the rows, by tier.

    Returns:
        Row numbers of tiers, to be known once the transaction is committed.
    """
    found: dict[bytes, int] = {}
    for tier, row in rows.items():
        name = b"tier " + os.fsencode(tier)
        found[name] = known.get(name) or tier_id(run, tier)
        run("INSERT INTO unsent VALUES (?, ?, ?, ?, ?)", (row, found[name], key, os.getpid(), time.time()))
    return found
