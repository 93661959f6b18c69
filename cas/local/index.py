"""The index of a local store: entries, function records, small blobs, stat stamps, in one SQLite file.

Every transaction that will write begins IMMEDIATE, behind one file lock: SQLite's own waiting starves writers.
Keeps I3 through the order of its callers, I8 for `stamps`, I9, I10.
"""

from __future__ import annotations

import os
import sqlite3

from cas.errors import BusyError, IntegrityError, InvalidInputError, StorageError
from cas.local.body import DIGEST_AT, INLINE_AT
from cas.local.connections import Connections
from cas.local.layout import FORMAT, cannot_write
from cas.local.locks import FileLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Any

    from cas.local.blobs import Stamp
    from cas.local.layout import Layout

_APPLICATION = 0x63617331
# What SQLite raises; the second where its message quotes damaged bytes.
FAULTS = (sqlite3.Error, UnicodeDecodeError)
# The index of keys carries the function too, which belongs to the key: it counts a function's entries by itself, and
# an index of its own for that would be a third tree to write at every put (20.7 µs instead of 16.5).
_SCHEMA = """
CREATE TABLE functions (
    id INTEGER PRIMARY KEY, fingerprint BLOB NOT NULL UNIQUE, module TEXT NOT NULL, qualname TEXT NOT NULL,
    parameters BLOB NOT NULL, manifest BLOB NOT NULL, created REAL NOT NULL,
    hits INTEGER NOT NULL DEFAULT 0, saved REAL NOT NULL DEFAULT 0, used REAL NOT NULL);
CREATE TABLE provenances (id INTEGER PRIMARY KEY, body BLOB NOT NULL UNIQUE);
CREATE TABLE entries (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL, function INTEGER NOT NULL, codec TEXT NOT NULL,
    cost REAL NOT NULL, created REAL NOT NULL, used REAL NOT NULL, size INTEGER NOT NULL,
    provenance INTEGER NOT NULL, summary TEXT NOT NULL, signature BLOB NOT NULL, body BLOB NOT NULL);
CREATE UNIQUE INDEX entries_by_key ON entries (key, function);
CREATE TABLE needs (entry INTEGER NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (entry, digest)) WITHOUT ROWID;
CREATE INDEX needs_of_digest ON needs (digest);
CREATE TABLE stamps (
    digest BLOB PRIMARY KEY, size INTEGER NOT NULL, changed INTEGER NOT NULL, inode INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE cache (name BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TRIGGER entry_removed AFTER DELETE ON entries BEGIN DELETE FROM needs WHERE entry = old.id; END;
"""
_FETCH = "SELECT body, used FROM entries WHERE key = ?"
_ENTRY = f"""
SELECT e.id, e.key, e.function, e.signature, e.codec, substr(CAST(e.body AS BLOB), {DIGEST_AT}, 32),
       substr(CAST(e.body AS BLOB), {INLINE_AT}, 1), e.size, e.summary, e.cost, e.created, e.used, e.provenance,
       (SELECT group_concat(hex(n.digest), ' ') FROM needs AS n WHERE n.entry = e.id)
FROM entries AS e
"""
_ORDERS = {
    "created": "e.id",
    "used": "e.used",
    "cost": "e.cost",
    "size": "e.size",
    "codec": "e.codec",
    "summary": "e.summary",
    "key": "e.key",
}


class Index:
    """The SQLite file of one store.

    Concurrency: any thread of any process. Durability: WAL with synchronous=NORMAL, FULL where asked (I10).
    """

    def __init__(self, layout: Layout, writable: bool, log_pages: int = 0) -> None:
        self._layout = layout
        self._log_pages = log_pages
        self._writable = writable
        self._lock = FileLock(layout.writing)
        self._connections = Connections(layout.index, writable, self._prepare)
        self._still = False

    def fetch(self, key: bytes) -> tuple[bytes, float] | None:
        """Return the body of an entry and when it was last used: the one statement of a hit."""
        try:
            run = self._connections.own.run
        except AttributeError:
            run = self.run
        return run(_FETCH, (key,)).fetchone()  # type: ignore[no-any-return]

    @property
    def own(self) -> threading.local:
        """This thread's connection with what belongs to it; see `Connections`."""
        try:
            return self._connections.connect()
        except FAULTS as error:
            if not os.path.exists(self._layout.index):
                raise _lost(self._layout.index) from error
            raise explain(error, self._layout.index) from error
        except OSError as error:
            raise cannot_write(error, self._layout.index) from error

    @property
    def run(self) -> Callable[..., sqlite3.Cursor]:
        """The `execute` of this thread's cursor."""
        return self.own.run  # type: ignore[no-any-return]

    @property
    def known(self) -> dict[bytes, int]:
        """Row numbers of function records and provenances, which are never removed: known once committed."""
        return self.own.known  # type: ignore[no-any-return]

    def moved(self) -> bool:
        """Return whether the file on disk is no longer the one this thread has open (the store was deleted)."""
        try:
            return self._connections.moved()
        except FAULTS as error:
            raise explain(error, self._layout.index) from error
        except OSError as error:
            raise cannot_write(error, self._layout.index) from error

    def connect(self) -> None:
        """Connect this thread, which makes the tables of a new store."""
        self.own  # noqa: B018 - connects

    def renew(self) -> None:
        """Let every thread connect anew, since the file was deleted."""
        self._connections.renew()
        self._lock.close()

    def close(self) -> None:
        """Close every connection of this process."""
        self._connections.close()
        self._lock.close()

    def before_fork(self) -> bool:
        """Wait until no thread of this process writes or is inside SQLite; False if that takes too long."""
        self._still = self._lock.hold_threads()
        return self._connections.quiet() and self._still

    def after_fork(self) -> None:
        """Go on in the parent."""
        if self._still:
            self._lock.release_threads()

    def forked(self, quiet: bool) -> None:
        """Start anew in a child, which uses no connection of its parent's."""
        self._lock.forked()
        self._connections.forked(quiet)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if self._log_pages and self._writable:  # a bounded store gives back what it does not use
            connection.execute(f"PRAGMA wal_autocheckpoint={max(16, self._log_pages)}")
            connection.execute("PRAGMA auto_vacuum=FULL")
        if version == 0 and self._writable:
            with self._lock:
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                # Where blobs stand, an index without tables has lost them: it must not read as "none is needed" (I4).
                if version == 0 and not self._layout.holds_results():
                    connection.execute("PRAGMA journal_mode=WAL")
                    connection.executescript(
                        f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA application_id={_APPLICATION};"
                        f"PRAGMA user_version={FORMAT}; COMMIT;"
                        # On the disk before any blob is: a power failure leaves no store without tables.
                        "PRAGMA wal_checkpoint(TRUNCATE);"
                    )
                    version = FORMAT
        if version > FORMAT:
            raise InvalidInputError(
                f"expected an index of format {FORMAT}, found {version} in {self._layout.index}",
                "it was made by a newer cas: update this one (pip install -U cas-memo), or name another store",
            )
        if version == 0:
            raise _lost(self._layout.index)

    def writing(self, durable: bool = False) -> _Transaction:
        """Return a write transaction, to be held in a `with` block; yields this thread's `execute`."""
        return _Transaction(self, self._lock, durable)

    # Reading

    def entry_rows(self, where: str, values: tuple[object, ...], order: str = "") -> Iterator[tuple[Any, ...]]:
        """Yield rows of entries."""
        return self.stream(f"{_ENTRY} {where} {order}", values)

    def entry_row(self, key: bytes) -> tuple[Any, ...] | None:
        """Return the row of one entry."""
        rows = self.rows(f"{_ENTRY} WHERE e.key = ?", (key,))
        return rows[0] if rows else None

    def stream(self, statement: str, values: tuple[object, ...] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield rows as they were when the first was asked for, on a connection of their own."""
        connection: sqlite3.Connection | None = None
        try:
            connection = self._connections.separate()
            yield from connection.execute(statement, values)
        except FAULTS as error:
            raise explain(error, self._layout.index) from error
        finally:
            if connection is not None:
                self._connections.release(connection)

    @staticmethod
    def order(field: str) -> str:
        """Return the clause for an entry field, a leading `-` meaning descending."""
        name = field.removeprefix("-")
        if name not in _ORDERS:
            raise InvalidInputError(
                f"expected an entry field to sort by, found {name!r}", f"choose one of {', '.join(_ORDERS)}"
            )
        return f"ORDER BY {_ORDERS[name]} {'DESC' if field.startswith('-') else 'ASC'}"

    def rows(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a reading statement."""
        try:
            return self.run(statement, values).fetchall()
        except FAULTS as error:
            raise explain(error, self._layout.index) from error

    def stamp(self, digest: bytes) -> Stamp | None:
        """Return what a blob's file looked like when last verified."""
        rows = self.rows("SELECT size, changed, inode FROM stamps WHERE digest = ?", (digest,))
        return rows[0] if rows else None


class _Transaction:
    """`BEGIN IMMEDIATE … COMMIT` behind the file lock; ROLLBACK if the block raises."""

    def __init__(self, index: Index, lock: FileLock, durable: bool) -> None:
        self._index = index
        self._lock = lock
        self._durable = durable

    def __enter__(self) -> Callable[..., sqlite3.Cursor]:
        own = self._index.own
        self._connection = own.connection
        run = self._run = own.run
        try:
            self._lock.__enter__()
        except OSError as error:
            raise cannot_write(error, self._index._layout.writing) from error  # noqa: SLF001 - same module
        try:
            if self._durable:
                run("PRAGMA synchronous=FULL")
            run("BEGIN IMMEDIATE")
        except BaseException as error:
            self._lock.__exit__(None, None, None)
            self._reraise(error)
            raise
        return run  # type: ignore[no-any-return]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._run("COMMIT")
        except FAULTS as failure:
            raise explain(failure, self._index._layout.index) from failure  # noqa: SLF001 - same module
        finally:
            self._end()
        self._reraise(error)

    def _end(self) -> None:
        """Undo what was not committed, and let others write."""
        try:
            if self._connection.in_transaction:
                self._run("ROLLBACK")
            if self._durable:
                self._run("PRAGMA synchronous=NORMAL")
        except FAULTS:
            self._index._connections.drop()  # noqa: SLF001 - same module; a new connection is in no doubtful state
        finally:
            self._lock.__exit__(None, None, None)

    def _reraise(self, error: BaseException | None) -> None:
        if isinstance(error, FAULTS):
            raise explain(error, self._index._layout.index) from error  # noqa: SLF001 - same module


def _lost(path: str) -> IntegrityError:
    return IntegrityError(
        f"the index {path} is gone, or has lost its tables",
        "restore it from a copy, or move the store away and start a new one; its blobs stay readable as files",
    )


def explain(error: Exception, path: str) -> Exception:
    """Return the error that tells a person what SQLite's means, and the mend."""
    name = getattr(error, "sqlite_errorname", None) or type(error).__name__
    text = f"{path}: {error}"
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return BusyError(text, "another process is writing for very long; try again when it is done")
    damaged = name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or "decode" in str(error)
    if damaged:
        return IntegrityError(text, "move the store away and start a new one; its blobs stay readable as files")
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return cannot_write(PermissionError(13, str(error), path), path)
    if name.startswith("SQLITE_FULL"):
        return cannot_write(OSError(28, str(error), path), path)
    return StorageError(text, "check the disk and its file system", None, path)
