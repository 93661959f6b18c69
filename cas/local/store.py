"""The default store: SQLite index, blob files, and the order in which both are written and removed.

Keeps I3 (blobs before entry, entry before blobs on removal), I4 (a sweep runs alone) and I10 (what cost more than
an fsync is fsynced). What a key or a codec means is the caller's business.
"""

from __future__ import annotations

import math
import threading
import time

from cas.errors import IntegrityError, NotFoundError, ReadOnlyError
from cas.local.blobs import Blobs
from cas.local.body import unseal
from cas.local.claims import Claim, Claims
from cas.local.deposit import LocalDeposit
from cas.local.index import FAULTS, Index, explain
from cas.local.remembered import MOST, Remembered
from cas.local.unsent import Unsent
from cas.local.verified import Verified

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, NoReturn

    from cas.blob import BlobFile
    from cas.entry import Call, Copied, Entry, FunctionRecord, FunctionSummary
    from cas.local.layout import Layout
    from cas.local.room import Bound, Room
    from cas.store import Fetched


class LocalStore:
    """Entries and blobs in one directory on a local disk.

    Durability: entries whose cost exceeds that of an fsync are on the disk when `commit` returns; the others
    survive the death of the process at once, and the loss of power once the system has written them back.
    Concurrency: any thread of any process, forked ones included.
    """

    def __init__(self, layout: Layout, writable: bool, bound: Bound | None = None) -> None:
        self.location = layout.root if bound is None else bound.location
        self.writable = writable
        self.layout = layout
        self.room: Room | None = None
        if bound is not None:
            from cas.local.room import Room  # noqa: PLC0415 - few stores are bounded

            self.room = Room(self, bound)
        self.index = Index(layout, writable, 0 if bound is None else bound.size // (16 * 4096))
        self.blob_files = Blobs(layout, self.index.stamp)
        self.verified = Verified(layout, self.index, self.blob_files, writable)
        self.unsent = Unsent(self.index)
        self._remembered = Remembered(self.index, MOST if bound is None else min(MOST, bound.size // 16))
        self._claims = Claims(layout.claims)
        self._renewing = threading.Lock()

    # The path of a hit

    def fetch(self, key: bytes) -> Fetched | None:
        """Return what a hit needs; see `Store.fetch`."""
        try:
            row = self.index.fetch(key)
        except FAULTS as error:
            if "decode to UTF-8 column" in str(error):
                self._drop_damaged(key, str(error))  # this row alone is damaged
            raise explain(error, self.layout.index) from error
        if row is None:
            return None
        body, used = row
        try:
            result = unseal(key, body)
        except TypeError:
            result = None  # one bit in the header of a row turns bytes into text or a number
        if result is None:
            self._drop_damaged(key, body)
        return (*result, used)

    def created(self, key: bytes) -> float | None:
        """Return when a call's entry was stored; None if there is none."""
        rows: list[Any] = self.index.rows("SELECT created FROM entries WHERE key = ?", (key,))
        return rows[0][0] if rows else None

    def _drop_damaged(self, key: bytes, data: object) -> NoReturn:
        if self.writable:
            self.verified.put_aside(f"entry-{key.hex()}", data if isinstance(data, bytes) else repr(data).encode())
            self.forget([key])
        raise IntegrityError(
            f"the result stored under {key.hex()[:12]} in {self.layout.index} is damaged",
            "it is in quarantine and will be computed again; check the disk if this happens more than once",
        )

    def open_blob(self, digest: bytes, always: bool = False) -> BlobFile:
        """Return a blob's file, verified; see `Store.open_blob`."""
        return self.verified.open(digest, always)

    def claim(self, key: bytes) -> Claim:
        """Return the right to compute `key`, to be waited for in a `with` block."""
        self.require_writable()
        return self._claims.claim(key)

    def try_claim(self, key: bytes) -> Claim | None:
        """Return the right to compute `key`, to be ended by a `with` block; None if another holds it."""
        self.require_writable()
        return self._claims.attempt(key)

    # Writing

    def deposit(self, call: Call, cost: float) -> LocalDeposit:
        """Open the writing of one call's result; see `Store.deposit`."""
        self.require_writable()
        if self.index.moved():
            self.create()
        return LocalDeposit(self, call, cost)

    def copy(self, pairs: Iterable[tuple[bytes, Call]], note: Mapping[str, str]) -> Copied:
        """Give stored results to further calls as well, all of them or none; see `Store.copy`."""
        from cas.local.copying import copy  # noqa: PLC0415 - the path of a hit copies nothing

        self.require_writable()
        return copy(self, pairs, note)

    def small(self, keys: Iterable[bytes]) -> Iterator[tuple[Entry, bytes]]:
        """Yield the entries of these keys whose result stands in the index alone, each with its bytes."""
        from cas.local.passing import small  # noqa: PLC0415 - the path of a hit passes nothing on

        return small(self, keys)

    def take(self, entries: Iterable[tuple[Entry, bytes]], replace: bool) -> None:
        """Store small entries of another store in one transaction; see `cas.local.passing`."""
        from cas.local.passing import take  # noqa: PLC0415

        take(self, entries, replace)

    def create(self) -> None:
        """Make the store, or make it again after somebody deleted its folder under a running process."""
        with self._renewing:
            self.layout.create()
            if self.index.moved():
                self.index.renew()
                # The old claims keep their file: a thread may hold one, and their end frees them.
                self._claims = Claims(self.layout.claims)
                self.verified.stamps.clear()
            self.index.connect()
            self.layout.complete()

    @property
    def largest(self) -> float:
        """The size of the largest result that it is worth to store here."""
        return math.inf if self.room is None else self.room.size / 2

    def require_present(self) -> None:
        """Raise NotFoundError if the store was deleted, or its disk unmounted, since it was opened."""
        self.layout.check()

    def require_writable(self) -> None:
        """Raise ReadOnlyError unless this store takes writes."""
        if not self.writable:
            raise ReadOnlyError(
                f"the store {self.location} is open for reading only",
                "make the folder writable, or name another store with store= or CAS_STORE",
            )

    def record_hits(self, fingerprint: bytes, hits: int, saved: float, keys: Iterable[bytes]) -> None:
        """Add served hits to a function's figures, and mark `keys` as used now."""
        self.require_writable()
        if self.index.moved():
            return  # somebody deleted the store, and its figures with it
        now = int(time.time())
        with self.index.writing() as run:
            run(
                "UPDATE functions SET hits = hits + ?, saved = saved + ?, used = ? WHERE fingerprint = ?",
                (hits, saved, now, fingerprint),
            )
            for key in keys:
                run("UPDATE entries SET used = ? WHERE key = ?", (now, key))

    def forget(self, keys: Iterable[bytes]) -> int:
        """Remove entries (their blobs stay until gc); return how many there were."""
        self.require_writable()
        with self.index.writing() as run:
            return sum(run("DELETE FROM entries WHERE key = ?", (key,)).rowcount for key in keys)

    def sweep(self, digests: Iterable[bytes]) -> int:
        """Remove those blobs that no entry needs (I4)."""
        self.require_writable()
        return self.verified.sweep(list(digests))

    def quarantine(self, digest: bytes) -> None:
        """Move a blob's file out of the way, for a person to look at."""
        self.require_writable()
        self.verified.quarantine(digest)

    # Reading

    def entry(self, key: bytes) -> Entry:
        """Return one entry; NotFoundError if there is none."""
        from cas.local.rows import EntryReader  # noqa: PLC0415 - the path of a hit reads no Entry

        row = self.index.entry_row(key)
        if row is not None:
            return EntryReader(self.index).entry(row)
        raise NotFoundError(f"there is no entry {key.hex()[:12]} in {self.location}", "`cas ls` lists what there is")

    def find(self, prefix: str) -> list[bytes]:
        """Return up to ten keys whose hexadecimal form starts with `prefix`."""
        from cas.local.rows import find  # noqa: PLC0415 - the path of a hit reads no Entry

        return find(self.index, prefix)

    def entries(
        self,
        module: str | None = None,
        qualname: str | None = None,
        order: str = "-created",
        *,
        fingerprint: bytes | None = None,
        signature: bytes | None = None,
    ) -> Iterator[Entry]:
        """Yield entries, of one function, of one version or with one signature if named, in order."""
        from cas.local.rows import Choice, entries  # noqa: PLC0415

        return entries(self.index, Choice(module, qualname, fingerprint, signature), order)

    def count(self, module: str | None = None, qualname: str | None = None) -> int:
        """Return how many entries there are, of one function if named."""
        from cas.local.rows import Choice, count  # noqa: PLC0415

        return count(self.index, Choice(module, qualname))

    def records(self) -> list[FunctionRecord]:
        """Return every version of every function that ever stored a result, newest first."""
        from cas.local.rows import records  # noqa: PLC0415

        return records(self.index)

    def functions(self) -> list[FunctionSummary]:
        """Return every version of every function with its figures, newest first."""
        from cas.local.rows import summaries  # noqa: PLC0415

        return summaries(self.index)

    def weights(self) -> Iterator[tuple[bytes, bytes, int, float, float, float, tuple[bytes, ...]]]:
        """Yield what gc weighs, for every entry."""
        from cas.local.rows import weights  # noqa: PLC0415

        return weights(self.index)

    def blobs(self) -> Iterator[BlobFile]:
        """Yield every blob that stands as a file, unverified, referenced or not."""
        return self.blob_files.list()

    # Care

    def strays(self) -> Iterator[str]:
        """Yield files inside the store that are no part of it, temporary files of living writers left out."""
        return self.layout.strays()

    def remove_stray(self, path: str) -> None:
        """Remove one of `strays`."""
        self.require_writable()
        self.layout.remove_stray(path)

    def check_index(self) -> list[str]:
        """Return what SQLite finds wrong with the index; empty if nothing."""
        try:
            return [row[0] for row in self.index.rows("PRAGMA integrity_check") if row[0] != "ok"]
        except IntegrityError as error:
            return [error.message]

    def recall(self, name: bytes) -> bytes | None:
        """Return what was remembered under `name`, if it still is (I8)."""
        return self._remembered.recall(name)

    def remember(self, name: bytes, body: bytes) -> None:
        """Keep a few bytes that save time next time; they may vanish at any moment (I8)."""
        self.require_writable()
        self._remembered.remember(name, body)

    def close(self) -> None:
        """Release connections and file handles; the store may be used again."""
        self.index.close()
        self._claims.close()
        if self.room is not None:
            self.room.close()

    def __reduce__(self) -> tuple[Any, ...]:
        import cas  # noqa: PLC0415 - only to be sent to another process, which opens the same folder

        return cas.open, ([self.location],)  # as a list, since a path may hold a comma

    def forked(self, quiet: bool) -> None:
        """Start anew in a child process."""
        self._renewing = threading.Lock()
        self.index.forked(quiet)
        if self.room is not None:
            self.room.forked()
        self._claims.forked()
