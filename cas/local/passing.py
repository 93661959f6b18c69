"""Small entries that go from store to store, many at once: read one after the other, written in one transaction.

Of entries whose result stands in the index alone; those with blobs in files travel by a deposit each. Each is checked
as a hit is, and sealed anew. Keeps I10: the transaction is fsynced if one of its entries is worth it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgpack

from cas.errors import IntegrityError
from cas.local.body import seal
from cas.local.deposit import FSYNC_COST, INLINE_LIMIT, function_id, insert, provenance_id
from cas.local.rows import EntryReader

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator

    from cas.entry import Entry
    from cas.local.store import LocalStore

    Run = Callable[..., sqlite3.Cursor]


def small(store: LocalStore, keys: Iterable[bytes]) -> Iterator[tuple[Entry, bytes]]:
    """Yield the entries of these keys whose result stands in the index alone, as far as they are there and whole."""
    reader = EntryReader(store.index)
    for key in keys:
        try:
            row = store.index.entry_row(key)
            found = None if row is None else store.fetch(key)
        except IntegrityError:
            continue
        if row is None or found is None:
            continue
        entry, data = reader.entry(row), found[2]
        if data is not None and entry.digest == found[1] and not entry.blobs:
            yield entry, data


def take(store: LocalStore, entries: Iterable[tuple[Entry, bytes]], replace: bool) -> None:
    """Store entries that came from another store, all of them or none.

    Args:
        store: Where they go.
        entries: Each with its result, of 32 KB at most.
        replace: Put them in place of what the calls have, unless that is the same result.
    """
    store.require_writable()
    if store.index.moved():
        store.create()
    chosen = [(entry, data) for entry, data in entries if len(data) <= INLINE_LIMIT]
    if store.room is not None:
        store.room.enter(())
    try:
        if store.room is not None:
            store.room.make(sum(2 * (len(data) + len(entry.signature)) for entry, data in chosen), index=True)
        with store.index.writing(any(entry.cost > FSYNC_COST for entry, _ in chosen)) as run:
            taking = _Taking(run)
            for entry, data in chosen:
                taking.add(entry, data, replace)
    finally:
        if store.room is not None:
            store.room.leave()


class _Taking:
    """One transaction, and the row numbers that it has come upon."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._now = time.time()
        self._functions: dict[bytes, int] = {}
        self._provenances: dict[bytes, int] = {}

    def add(self, entry: Entry, data: bytes, replace: bool) -> None:
        """Store one entry."""
        run, record = self._run, entry.function
        function = self._functions.get(record.fingerprint)
        if function is None:
            function = self._functions[record.fingerprint] = function_id(run, record)
        origin = msgpack.packb(sorted(entry.provenance.items()))
        provenance = self._provenances.get(origin)
        if provenance is None:
            provenance = self._provenances[origin] = provenance_id(run, origin)
        body = seal(entry.key, entry.codec, entry.digest, entry.cost, data)
        row = (
            entry.key, function, entry.codec, entry.cost, entry.created, self._now, entry.size,
            provenance, entry.summary, entry.signature, body,
        )  # fmt: skip
        if replace:
            found = run("SELECT created, CAST(body AS BLOB) FROM entries WHERE key = ?", row[:1]).fetchone()
            if found == (entry.created, body):
                return
        insert(run, row, replace)
