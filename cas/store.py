"""The Store protocol: what every store promises.

A store holds entries and blobs. It knows keys, digests and bytes; what they mean is the caller's business.
Every implementation passes tests/contract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from cas.blob import BlobFile
    from cas.entry import Call, Copied, Entry, FunctionRecord, FunctionSummary, Parts, Result

    Fetched = tuple[str, bytes, bytes | None, float, float]
    """What a hit needs: codec, root digest, root bytes if inline, cost in seconds, time of last use."""


class Deposit(Protocol):
    """The writing of one result: blobs first, entry last (I3); nothing is visible before `commit`."""

    def write(self, parts: Parts) -> bytes:
        """Store one blob as a file of its own, or find it already there, and return its digest."""

    def commit(
        self, result: Result, created: float | None = None, *, expected: bytes | None = None, replace: bool = True
    ) -> bool:
        """Make the entry visible, with every blob written so far as its own.

        Args:
            result: The result in stored form.
            created: When it was first stored, if that was in another store; else now.
            expected: The digest that its root has, if that is known; other bytes raise IntegrityError.
            replace: Put it in place of an entry that the call has.

        Returns:
            Whether it became visible; False if the call has an entry, which stays.
        """


class Store(Protocol):
    """Entries and blobs behind one small interface.

    Durability: an entry whose cost exceeds that of an fsync is on the disk when `commit` returns (I10).
    Concurrency: every method may be called from any thread of any process at once.
    """

    location: str
    writable: bool

    def fetch(self, key: bytes) -> Fetched | None:
        """Return what a hit needs, inline bytes checked against their digest; None if there is no entry.

        A damaged entry is quarantined and raises IntegrityError.
        """

    def created(self, key: bytes) -> float | None:
        """Return when a call's entry was stored, seconds since the epoch; None if there is none."""

    def open_blob(self, digest: bytes, always: bool = False) -> BlobFile:
        """Return a blob's file, verified: re-hashed if its stat stamp changed, or if `always`.

        Raises:
            NotFoundError: There is no such blob.
            IntegrityError: Its bytes are not what its name says; it has been moved to quarantine.
        """

    def deposit(self, call: Call, cost: float) -> AbstractContextManager[Deposit]:
        """Open the writing of one call's result; leaving without `commit` stores nothing.

        Args:
            call: The call whose result it is.
            cost: Seconds that the computation took; decides whether the bytes are fsynced (I10).
        """

    def copy(self, pairs: Iterable[tuple[bytes, Call]], note: Mapping[str, str]) -> Copied:
        """Give stored results to further calls as well, all of them or none; blobs are shared, not written again.

        Cost, time of creation and provenance stay, `note` joins the provenance. A call that has a result keeps it;
        an entry that is not there is passed over.

        Args:
            pairs: The key of an entry, and the call that is to have its result. Read while this store is being
                written, so reading it must not write there.
            note: What the provenance says of the copying, as text by name.
        """

    def claim(self, key: bytes) -> AbstractContextManager[None]:
        """Wait for the right to compute `key`, and hold it; a dead holder's claim is free at once."""

    def try_claim(self, key: bytes) -> AbstractContextManager[None] | None:
        """Take the right to compute `key` at once, to be ended by a `with` block; None if another holds it."""

    def record_hits(self, fingerprint: bytes, hits: int, saved: float, keys: Iterable[bytes]) -> None:
        """Add served hits to a function's figures, and mark `keys` as used now."""

    def entry(self, key: bytes) -> Entry:
        """Return one entry; NotFoundError if there is none."""

    def find(self, prefix: str) -> list[bytes]:
        """Return up to a few keys whose hexadecimal form starts with `prefix`."""

    def entries(
        self,
        module: str | None = None,
        qualname: str | None = None,
        order: str = "-created",
        *,
        fingerprint: bytes | None = None,
        signature: bytes | None = None,
    ) -> Iterator[Entry]:
        """Yield entries, of one function if named, ordered by an entry field (a leading `-`: descending).

        With `fingerprint`, only those of that version; with `signature`, only those whose arguments are stored as
        exactly these bytes.
        """

    def records(self) -> list[FunctionRecord]:
        """Return every version of every function that ever stored a result, newest first."""

    def count(self, module: str | None = None, qualname: str | None = None) -> int:
        """Return how many entries there are, of one function if named."""

    def functions(self) -> list[FunctionSummary]:
        """Return every version of every function with its figures, newest first."""

    def weights(self) -> Iterator[tuple[bytes, bytes, int, float, float, float, tuple[bytes, ...]]]:
        """Yield what gc weighs, for every entry: key, fingerprint, size, cost, created, used, blobs in files."""

    def forget(self, keys: Iterable[bytes]) -> int:
        """Remove entries (their blobs stay until gc); return how many there were."""

    def blobs(self) -> Iterator[BlobFile]:
        """Yield every blob that stands as a file, unverified, referenced or not."""

    def strays(self) -> Iterator[str]:
        """Yield paths inside the store that are no part of it: leftovers of killed writers, foreign files."""

    def remove_stray(self, path: str) -> None:
        """Remove one of `strays`."""

    def quarantine(self, digest: bytes) -> None:
        """Move a blob's file out of the way, for a person to look at; no error if it is not there."""

    def check_index(self) -> list[str]:
        """Return what is wrong with the index itself, one sentence each; empty if nothing."""

    def close(self) -> None:
        """Release connections and file handles; the store may be opened again."""

    def recall(self, name: bytes) -> bytes | None:
        """Return what was remembered under `name`, if it still is (I8)."""

    def remember(self, name: bytes, body: bytes) -> None:
        """Keep a few bytes that save time next time; they may vanish at any moment (I8)."""

    def sweep(self, digests: Iterable[bytes]) -> int:
        """Remove those of `digests` that no entry needs at the moment of removal (I4); return bytes freed."""
