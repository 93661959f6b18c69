"""The writing of one result: blobs first, entry last, in one transaction.

Keeps I3 by its order, I4 by holding sweeps off from the first blob to the entry, I10 by what the result cost.
"""

from __future__ import annotations

import time

import msgpack
from blake3 import blake3

from cas.errors import IntegrityError
from cas.local.body import seal, unseal
from cas.local.locks import SharedLock
from cas.local.unsent import write_down, write_down_for_others

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from cas.entry import Call, FunctionRecord, Parts, Result
    from cas.local.blobs import Stamp
    from cas.local.store import LocalStore

# Root blobs up to this size stand in the index, larger ones in a file: both put and get are faster up to
# there (82 against 173 µs, 31 against 53 at 16 KB), and gain little beyond; `python -m benchmarks.inline`.
INLINE_LIMIT = 32 << 10
# About what an fsync of a small file takes on a common disk, in seconds (0.4 to 1 ms measured, more under load).
FSYNC_COST = 0.005


class LocalDeposit:
    """One result on its way into a local store.

    Attributes:
        owed: Tiers that the entry is to be passed on to, with the number of the row that says so; see `Unsent`.
    """

    def __init__(self, store: LocalStore, call: Call, cost: float) -> None:
        self.owed: dict[str, int] = {}
        self._store = store
        self._call = call
        self._cost = cost
        self._durable = cost > FSYNC_COST
        self._hold: SharedLock | None = None
        self._in_room = False
        self._stamps: dict[bytes, Stamp] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._hold is not None:
            self._hold.release()
        if self._in_room and self._store.room is not None:
            self._in_room = False
            self._store.room.leave()

    def _make_room(self, size: int, index: bool = False) -> None:
        """Let what is least worth go from a bounded store, in which one deposit is made at a time."""
        room = self._store.room
        if room is not None:
            if not self._in_room:
                room.enter(self._stamps)
                self._in_room = True
            room.make(size, index)

    def write(self, parts: Parts) -> bytes:
        """Store one blob as a file of its own, or find it already there, and return its digest."""
        if self._store.room is not None:
            self._make_room(sum([memoryview(part).nbytes for part in parts]))
        if self._hold is None:
            self._hold = SharedLock(self._store.layout.sweeping, self._store.layout.gate, alone=False)
        self._hold.acquire()
        digest, stamp = self._store.blob_files.write(parts, self._durable)
        self._stamps[digest] = stamp
        return digest

    def commit(
        self, result: Result, created: float | None = None, *, expected: bytes | None = None, replace: bool = True
    ) -> bool:
        """Make the entry visible, with every blob written so far as its own (I3)."""
        parts, data = result.parts, None
        size = sum([memoryview(part).nbytes for part in parts])
        children = sum([stamp[0] for stamp in self._stamps.values()])
        if self._store.room is not None:  # twice, in the log and in the index
            inline = size if size <= INLINE_LIMIT else 0
            self._make_room(2 * (inline + len(self._call.signature)), index=True)
        if size <= INLINE_LIMIT:
            data = parts[0] if len(parts) == 1 and type(parts[0]) is bytes else b"".join(parts)
            digest = blake3(data).digest()
        else:
            digest = self.write(parts)
        if expected is not None and digest != expected:
            raise IntegrityError(
                f"a result was to have the digest {expected.hex()}, and holds other bytes",
                "run `cas fsck` on the store it was read from",
            )
        key = self._call.key
        body = seal(key, result.codec, digest, self._cost, data)
        known = self._store.index.known
        record = self._call.function
        origin = msgpack.packb(sorted(result.provenance.items()))
        with self._store.index.writing(self._durable) as run:
            function = known.get(record.fingerprint) or function_id(run, record)
            provenance = known.get(origin) or provenance_id(run, origin)
            now = time.time()
            row = (
                key, function, result.codec, self._cost, now if created is None else created, now, size + children,
                provenance, result.summary, self._call.signature, body,
            )  # fmt: skip
            entry, replaced = insert(run, row, replace)
            for needed, stamp in self._stamps.items():
                if entry:
                    run("INSERT OR IGNORE INTO needs VALUES (?, ?)", (entry, needed))
                run("INSERT OR REPLACE INTO stamps VALUES (?, ?, ?, ?)", (needed, *stamp))
            tiers = write_down(run, known, key, self.owed) if entry and self.owed else {}
            if replaced and created is None:
                write_down_for_others(run, key, self.owed)
        known[record.fingerprint], known[origin] = function, provenance
        known.update(tiers)
        if self._hold is not None:
            self._hold.release()
        return bool(entry)


_INSERT = """
INSERT INTO entries (key, function, codec, cost, created, used, size, provenance, summary, signature, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""


def insert(run: Callable[..., sqlite3.Cursor], row: tuple[object, ...], replace: bool) -> tuple[int, bool]:
    """Insert an entry, and return its row number, and whether it took the place of another of that key.

    The number is 0 if there is a whole one that is not to be replaced.
    """
    cursor = run(_INSERT, row)
    replaced = not cursor.rowcount
    if replaced:
        if not replace and _is_whole(run, row[0]):
            return 0, False
        run("DELETE FROM entries WHERE key = ?", row[:1])
        cursor = run(_INSERT, row)
    return cursor.lastrowid or 0, replaced


def _is_whole(run: Callable[..., sqlite3.Cursor], key: object) -> bool:
    ((body,),) = run("SELECT CAST(body AS BLOB) FROM entries WHERE key = ?", (key,))
    return isinstance(key, bytes) and unseal(key, body) is not None


def function_id(run: Callable[..., sqlite3.Cursor], function: FunctionRecord) -> int:
    """Return the row number of a function record, inserted at the first result of that version."""
    found = run("SELECT id FROM functions WHERE fingerprint = ?", (function.fingerprint,)).fetchone()
    if found is not None:
        return int(found[0])
    now = time.time()
    names = msgpack.packb(function.parameters)
    # One that comes from another store keeps its age there: gc asks which version is the newest.
    created = min(function.created or now, now)
    row = function.fingerprint, function.module, function.qualname, names, function.manifest, created, now
    return run(_INSERT_FUNCTION, row).lastrowid or 0


_INSERT_FUNCTION = """
INSERT INTO functions (fingerprint, module, qualname, parameters, manifest, created, used)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""


def provenance_id(run: Callable[..., sqlite3.Cursor], body: bytes) -> int:
    """Return the row number of a provenance; the many entries of one session share one."""
    found = run("SELECT id FROM provenances WHERE body = ?", (body,)).fetchone()
    if found is not None:
        return int(found[0])
    return run("INSERT INTO provenances (body) VALUES (?)", (body,)).lastrowid or 0
