"""Results of stored calls given to further calls: new entries that share the blobs of old ones.

Keeps I3 by looking that each blob is in place, and I4 without holding sweeps off: the old entry stands while the new
one is written, and a sweep takes no blob that an entry needed when it began. Whether a further call has the same
result is the caller's business.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import msgpack

from cas.entry import Copied
from cas.local.body import reseal
from cas.local.deposit import function_id, provenance_id

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping

    from cas.entry import Call
    from cas.local.layout import Layout
    from cas.local.store import LocalStore

    Run = Callable[..., sqlite3.Cursor]

# As bytes, since one flipped bit in the header of a row makes a text of them.
_FIND = "SELECT id, provenance, CAST(body AS BLOB) FROM entries WHERE key = ?"
_INSERT = """
INSERT INTO entries (key, function, codec, cost, created, used, size, provenance, summary, signature, body)
SELECT ?, ?, codec, cost, created, ?, size, ?, summary, ?, ? FROM entries
WHERE id = ? AND NOT EXISTS (SELECT 1 FROM entries WHERE key = ?)
"""
_NEEDS = "SELECT digest FROM needs WHERE entry = ?"
_SHARE = "INSERT INTO needs SELECT ?, digest FROM needs WHERE entry = ?"


def copy(store: LocalStore, pairs: Iterable[tuple[bytes, Call]], note: Mapping[str, str]) -> Copied:
    """Copy entries in one transaction, which other writers wait for (some 30 µs an entry); see `Store.copy`."""
    with store.index.writing(durable=True) as run:  # since results of any cost are among them (I10)
        copying = _Copying(run, store.layout, note)
        for key, call in pairs:
            copying.add(key, call)
    return Copied(copying.made, copying.kept, tuple(copying.damaged))


class _Copying:
    """One copying, inside its transaction, and what it did so far."""

    def __init__(self, run: Run, layout: Layout, note: Mapping[str, str]) -> None:
        self.made = 0
        self.kept = 0
        self.damaged: list[bytes] = []
        self._run = run
        self._layout = layout
        self._note = note
        self._now = time.time()
        # Not `Index.known`: what this transaction inserts is not committed yet.
        self._functions: dict[bytes, int] = {}
        self._provenances: dict[int, int] = {}
        self._present: set[bytes] = set()

    def add(self, key: bytes, call: Call) -> None:
        """Give the result of the entry `key` to `call`."""
        run = self._run
        row = run(_FIND, (key,)).fetchone()
        if row is None:
            return
        entry, origin, body = row
        body = reseal(key, call.key, body)
        blobs = [digest for (digest,) in run(_NEEDS, (entry,))]
        if body is None or not all(map(self._is_present, blobs)):
            self.damaged.append(key)
            return
        values = self._function(call), self._now, self._provenance(origin), call.signature, body
        cursor = run(_INSERT, (call.key, *values, entry, call.key))
        if not cursor.rowcount:
            self.kept += 1
            return
        self.made += 1
        if blobs:
            run(_SHARE, (cursor.lastrowid, entry))

    def _is_present(self, digest: bytes) -> bool:
        if digest not in self._present:
            if not os.path.exists(self._layout.blob(digest)):
                return False
            self._present.add(digest)
        return True

    def _function(self, call: Call) -> int:
        fingerprint = call.function.fingerprint
        number = self._functions.get(fingerprint)
        if number is None:
            number = self._functions[fingerprint] = function_id(self._run, call.function)
        return number

    def _provenance(self, origin: int) -> int:
        """Return the row number of a provenance with the note added."""
        number = self._provenances.get(origin)
        if number is None:
            row = self._run("SELECT body FROM provenances WHERE id = ?", (origin,)).fetchone()
            noted = {**dict(msgpack.unpackb(row[0]) if row else ()), **self._note}
            number = provenance_id(self._run, msgpack.packb(sorted(noted.items())))
            self._provenances[origin] = number
        return number
