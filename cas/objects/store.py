"""The shared store: the order in which its objects are written, read and removed.

Keeps I3: blobs, function record, entry, key are written in this order and removed in reverse. Keeps I4 by the grace
period (cas.objects.blobs). What a key or a codec means is the caller's business.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from blake3 import blake3

from cas.errors import IntegrityError, NotFoundError, ReadOnlyError
from cas.objects import layout
from cas.objects.blobs import Blobs
from cas.objects.care import Care
from cas.objects.catalogue import Catalogue
from cas.objects.claims import Claims
from cas.objects.deposit import ObjectDeposit
from cas.objects.figures import Figures
from cas.objects.holds import Holds
from cas.objects.records import read_remembered, write_remembered
from cas.objects.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from cas.blob import BlobFile
    from cas.entry import Call, Copied, Entry, FunctionRecord, FunctionSummary
    from cas.objects.bucket import Bucket
    from cas.objects.claims import Claim
    from cas.store import Fetched


class Shared:
    """What all stores of one process on one bucket have in common."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self.claims = Claims()
        self.blobs = Blobs(bucket, Holds())
        self.figures = Figures(bucket)
        # A copying and a forgetting of this process wait for each other.
        self.changing = threading.RLock()

    def forked(self) -> None:
        """Start anew in a child process."""
        self.changing = threading.RLock()
        for part in (self.bucket, self.claims, self.blobs.holds, self.figures):
            part.forked()


class ObjectStore:
    """Entries and blobs as plain objects in one bucket, which hosts may share.

    Durability: in a folder, entries whose cost exceeds that of an fsync are on the disk when `commit` returns, as far
    as its file system keeps its word; elsewhere as durable as the bucket makes what is put there.
    Concurrency: any thread, process or host. A claim holds off threads of this process only. Forgetting a key while
    another host deposits it may undo either; a sweep leaves what is younger than `grace` by the bucket's clock.
    """

    def __init__(self, shared: Shared, location: str, writable: bool, grace: float) -> None:
        self.location = location
        self.writable = writable
        self.grace = grace
        self.bucket = shared.bucket
        self.blob_files = shared.blobs
        self.holds = shared.blobs.holds
        self._shared = shared
        self.catalogue = Catalogue(shared.bucket, shared.figures)
        self.writer = Writer(shared.bucket, self.catalogue)
        self._care = Care(shared.bucket, self.catalogue, self._grace_begins)

    # The path of a hit

    def fetch(self, key: bytes) -> Fetched | None:
        """Return what a hit needs; see `Store.fetch`."""
        try:
            kept = self.catalogue.kept(key)
        except IntegrityError:
            # Of a file that was just replaced, some network file systems show bytes of both: what is read aside counts.
            kept = self.writer.put_aside(key) if self.writable else None
            if kept is None:
                raise
        if kept is None:
            return None
        entry = kept.entry
        used = max(entry.used, self._shared.figures.used(key))
        return entry.codec, entry.digest, kept.inline, entry.cost, used

    def created(self, key: bytes) -> float | None:
        """Return when a call's entry was stored; None if there is none, or a damaged one."""
        try:
            kept = self.catalogue.kept(key)
        except IntegrityError:
            return None
        return kept and kept.entry.created

    def open_blob(self, digest: bytes, always: bool = False) -> BlobFile:
        """Return a blob's file, verified; see `Store.open_blob`."""
        try:
            try:
                return self.blob_files.open(digest, always)
            except NotFoundError:
                if not (self.writable and self.blob_files.rescue(digest)):
                    raise
                return self.blob_files.open(digest, always)
        except IntegrityError:
            if self.writable:
                self.blob_files.quarantine(digest, unless_whole=True)
            raise

    def claim(self, key: bytes) -> Claim:
        """Return the right to compute `key` among the threads of this process, to be waited for in a `with` block."""
        self.require_writable()
        return self._shared.claims.claim(key)

    def try_claim(self, key: bytes) -> Claim | None:
        """Return the right to compute `key`, to be ended by a `with` block; None if another thread holds it."""
        self.require_writable()
        return self._shared.claims.attempt(key)

    # Writing

    def deposit(self, call: Call, cost: float) -> ObjectDeposit:
        """Open the writing of one call's result; see `Store.deposit`."""
        self.require_writable()
        self.create()
        return ObjectDeposit(self, call, cost)

    def create(self) -> None:
        """Say that a store stands here, if that is not said yet or somebody removed it."""
        if self.bucket.look(layout.FORMAT) is None:
            self.writer.text(layout.FORMAT, layout.FORMAT_TEXT.encode(), durable=True)

    def require_present(self) -> None:
        """Raise NotFoundError if the store was deleted, or its disk unmounted, since it was opened."""
        if self.bucket.look(layout.FORMAT) is None and next(self.bucket.names(layout.KEYS), None) is None:
            raise NotFoundError(f"there is no store at {self.location}", "mount its disk, or restore it from a copy")

    def copy(self, pairs: Iterable[tuple[bytes, Call]], note: Mapping[str, str]) -> Copied:
        """Give stored results to further calls as well; see `Store.copy` and `cas.objects.copying`."""
        from cas.objects.copying import copy  # noqa: PLC0415 - the path of a hit copies nothing

        self.require_writable()
        with self._shared.changing:
            return copy(self, pairs, note)

    def record_hits(self, fingerprint: bytes, hits: int, saved: float, keys: Iterable[bytes]) -> None:
        """Add served hits to a function's figures, and mark `keys` as used now."""
        self.require_writable()
        self._shared.figures.record(fingerprint, hits, saved, keys)

    def forget(self, keys: Iterable[bytes]) -> int:
        """Remove entries (their blobs stay until gc); return how many there were."""
        self.require_writable()
        with self._shared.changing:
            return sum(self.writer.remove(key) for key in keys)

    def sweep(self, digests: Iterable[bytes]) -> int:
        """Remove those blobs that no entry needs and that are older than the grace period (I4)."""
        self.require_writable()
        with self.holds.sweeping() as remove:
            # The time before the entries: what a deposit finds needed after they are read is younger than that.
            before = self._grace_begins()
            old = self.blob_files.old(digests, before)
            needed = self.catalogue.needed() if old else set()
            return sum(
                remove(digest, lambda digest=digest: self.blob_files.remove(digest, before))  # type: ignore[misc]
                for digest in old
                if digest not in needed
            )

    def _grace_begins(self) -> float:
        """Return the time from which on things are too young to be removed."""
        # The bucket's clock is read off something just written there; who may not write may not remove either.
        return (self.bucket.now() if self.writable else time.time()) - self.grace

    def quarantine(self, digest: bytes) -> None:
        """Move a blob's file out of the way, for a person to look at."""
        self.require_writable()
        self.blob_files.quarantine(digest)

    def require_writable(self) -> None:
        """Raise ReadOnlyError unless this store takes writes."""
        if not self.writable:
            raise ReadOnlyError(
                f"the store {self.location} is open for reading only",
                "make the folder writable, or name another store with store= or CAS_STORE",
            )

    # Reading

    def entry(self, key: bytes) -> Entry:
        """Return one entry; NotFoundError if there is none."""
        found = self.catalogue.entry(key)
        if found is None:
            raise NotFoundError(
                f"there is no entry {key.hex()[:12]} in {self.location}", "`cas ls` lists what there is"
            )
        return found

    def find(self, prefix: str) -> list[bytes]:
        """Return up to ten keys whose hexadecimal form starts with `prefix`."""
        return self.catalogue.find(prefix)

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
        return self.catalogue.entries(module, qualname, order, fingerprint, signature)

    def count(self, module: str | None = None, qualname: str | None = None) -> int:
        """Return how many entries there are, of one function if named."""
        return self.catalogue.count(module, qualname)

    def records(self) -> list[FunctionRecord]:
        """Return every version of every function that ever stored a result, newest first."""
        return self.catalogue.records()

    def functions(self) -> list[FunctionSummary]:
        """Return every version of every function with its figures, newest first."""
        return self.catalogue.functions()

    def weights(self) -> Iterator[tuple[bytes, bytes, int, float, float, float, tuple[bytes, ...]]]:
        """Yield what gc weighs, for every entry."""
        return self.catalogue.weights()

    def blobs(self) -> Iterator[BlobFile]:
        """Yield every blob, unverified, referenced or not; its path is a file only in a folder."""
        return self.blob_files.all()

    # Care

    def strays(self) -> Iterator[str]:
        """Yield what is no part of the store, as far as it is older than the grace period."""
        return self._care.strays()

    def remove_stray(self, path: str) -> None:
        """Remove one of `strays`."""
        self.require_writable()
        self._care.remove(path)

    def check_index(self) -> list[str]:
        """Return nothing: there is no index, and each object is checked by itself."""
        return []

    def recall(self, name: bytes) -> bytes | None:
        """Return what was remembered under `name`, if it still is (I8)."""
        data = self.bucket.get(layout.remembered(blake3(name).digest()))
        return None if data is None else read_remembered(name, data)

    def remember(self, name: bytes, body: bytes) -> None:
        """Keep a few bytes that save time next time; they may vanish at any moment (I8)."""
        self.require_writable()
        self.writer.text(layout.remembered(blake3(name).digest()), write_remembered(name, body))

    def close(self) -> None:
        """Let go of copies and of what was verified; the store may be used again."""
        self.blob_files.forget_copies()
        self.bucket.close()

    def __reduce__(self) -> tuple[Any, ...]:
        import cas  # noqa: PLC0415 - only to be sent to another process, which opens the same location

        return cas.open, (self.location,)
