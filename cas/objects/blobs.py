"""The blobs of a shared store: written once, verified, kept young while somebody needs them, swept when old.

Keeps I2, and I4 without locks. A deposit makes every blob that it finds young again, and a sweep removes no blob that
is younger than the grace period; so a blob stays from the moment a deposit needs it until its entry can be read.
"""

from __future__ import annotations

import errno
import time
from typing import TYPE_CHECKING

from cas.blob import BlobFile
from cas.digest import digest as digest_of
from cas.digest import digest_parts, parallel_hasher
from cas.errors import IntegrityError, NotFoundError, StorageError
from cas.objects import layout
from cas.plain import NotPlainError, open_plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cas.entry import Parts
    from cas.objects.bucket import Bucket, Seen
    from cas.objects.holds import Holds

GRACE = 86400.0
"""Seconds for which a blob that no entry needs is safe from a sweep: longer than any deposit takes."""

_KNOWN = 100_000
_CHUNK = 4 << 20


class Blobs:
    """The blobs in one bucket, and which of them this process has verified or made young."""

    def __init__(self, bucket: Bucket, holds: Holds) -> None:
        self.holds = holds
        self._bucket = bucket
        self._verified: dict[bytes, Seen] = {}
        self._renewed: dict[bytes, float] = {}

    def write(self, parts: Parts, durable: bool, grace: float) -> tuple[bytes, int]:
        """Store the joined parts as a blob, unless it stands there whole; return digest and size.

        The blob is to be held by the caller's `holds` from before this call; see `hold`.
        """
        views = tuple(memoryview(part).cast("B") for part in parts)
        digest = digest_of(views[0]) if len(views) == 1 else digest_parts(views)
        self.holds.take(digest)
        try:
            if not self.keep(digest, grace):
                name = layout.blob(digest)
                self._bucket.put(name, views, durable)
                self._note(digest, self._bucket.look(name))
        except BaseException:
            self.holds.release(digest)
            raise
        return digest, sum(len(view) for view in views)

    def keep(self, digest: bytes, grace: float) -> bool:
        """Make a whole blob safe from sweeps for another grace period; False if it has to be written."""
        name = layout.blob(digest)
        seen = self._bucket.look(name)
        if seen is None:
            return False
        if seen != self._verified.get(digest) and not self._is_whole(digest, seen):
            return False
        # By the clock of this process, which nobody sets: what it wrote or renewed lately is young on any clock.
        if time.monotonic() - self._renewed.get(digest, -grace) < grace / 2:
            return True
        return self._renew(digest)

    def _renew(self, digest: bytes) -> bool:
        """Make a blob young, by putting it again where nothing else does; False if it is gone or damaged."""
        name = layout.blob(digest)
        renewed = self._bucket.renew(name)
        if renewed is None:
            data = self._bucket.get(name)
            if data is None or digest_of(data) != digest:
                return False
            self._bucket.put(name, (memoryview(data),))
            renewed = self._bucket.look(name)
        self._note(digest, renewed)
        return True

    def refresh(self, digests: Iterable[bytes], grace: float) -> None:
        """Make the blobs of a deposit young that has been under way for long."""
        for digest in digests:
            if time.monotonic() - self._renewed.get(digest, -grace) >= grace / 2:
                self._renew(digest)

    def _note(self, digest: bytes, seen: Seen | None) -> None:
        if len(self._verified) >= _KNOWN:
            self._verified.clear()
            self._renewed.clear()
        if seen is not None:
            self._verified[digest] = seen
            self._renewed[digest] = time.monotonic()

    def _is_whole(self, digest: bytes, seen: Seen) -> bool:
        """Return whether a blob's bytes are what its name says."""
        return self._digest_at(layout.blob(digest), seen) == digest

    def _digest_at(self, name: str, seen: Seen) -> bytes | None:
        """Return the digest of an object's bytes; None if it is gone."""
        try:
            return _hash(self._bucket.file(name, seen, again=True))
        except FileNotFoundError:
            return None

    def open(self, digest: bytes, always: bool) -> BlobFile:
        """Return a blob's file, verified; NotFoundError or IntegrityError if that cannot be."""
        name = layout.blob(digest)
        seen = self._bucket.look(name)
        if seen is None:
            raise self._missing(digest)
        doubtful = always or seen != self._verified.get(digest)
        try:
            path = self._bucket.file(name, seen, again=doubtful)
            if doubtful and _hash(path) != digest:
                raise IntegrityError(
                    f"blob {digest.hex()} holds other bytes than its name says",
                    "it is in quarantine and will be computed again; check the disk if this happens more than once",
                )
        except FileNotFoundError:
            raise self._missing(digest) from None
        self._verified[digest] = seen
        return BlobFile(digest, path, seen.size)

    def _missing(self, digest: bytes) -> NotFoundError:
        return NotFoundError(
            f"blob {digest.hex()} is not in {self._bucket.location}",
            "`cas fsck --repair` drops the entries that need it; they are computed again when next called",
        )

    def all(self) -> Iterator[BlobFile]:
        """Yield every blob, unverified, with the path at which it stands."""
        for name in self._bucket.names(layout.BLOBS):
            digest = layout.digest_of(name, layout.BLOBS)
            seen = None if digest is None else self._bucket.look(name)
            if digest is not None and seen is not None:
                yield BlobFile(digest, self._bucket.path(name), seen.size)

    def old(self, digests: Iterable[bytes], before: float) -> list[bytes]:
        """Return those of `digests` that are there and not younger than `before`."""
        found = []
        for digest in dict.fromkeys(digests):
            seen = self._bucket.look(layout.blob(digest))
            if seen is not None and seen.changed <= before:
                found.append(digest)
        return found

    def remove(self, digest: bytes, before: float) -> int:
        """Remove a blob unless it is younger than `before`; return its size."""
        size = self._bucket.delete_old(layout.blob(digest), before)
        if size:
            self._verified.pop(digest, None)
            self._renewed.pop(digest, None)
        return size

    def quarantine(self, digest: bytes, unless_whole: bool = False) -> None:
        """Move a blob out of the way; no error if it is not there.

        With `unless_whole` it goes back if it is whole: another host has put it again since it was found damaged.
        """
        self._verified.pop(digest, None)
        self._renewed.pop(digest, None)
        name, quarantine = layout.blob(digest), f"{layout.QUARANTINE}{digest.hex()}"
        if not unless_whole:
            self._bucket.move(name, quarantine)
            return
        aside = self._bucket.aside(name)
        if self._bucket.move(name, aside):
            seen = self._bucket.look(aside)
            whole = seen is not None and self._digest_at(aside, seen) == digest
            self._bucket.move(aside, name if whole else quarantine)

    def rescue(self, digest: bytes) -> bool:
        """Take a missing blob back from where a process left it that died in the middle of a sweep or of a check."""
        for name in list(self._bucket.names(layout.TEMPORARY)):
            if layout.taken_aside(name) == digest:
                return self._bucket.move(name, layout.blob(digest))
        return False

    def forget_copies(self) -> None:
        """Verify each blob anew from now on."""
        self._verified.clear()


def _hash(path: str) -> bytes:
    """Return the digest of a file, empty if it is no plain one; FileNotFoundError if it is gone.

    Read, not mapped: of a file that another host removes under a map, the rest is a signal that ends the process.
    """
    hasher = parallel_hasher()
    try:
        with open(open_plain(path)[0], "rb", buffering=0) as file:
            while chunk := file.read(_CHUNK):
                hasher.update(chunk)
    except NotPlainError:
        return b""
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ESTALE):
            raise FileNotFoundError(path) from error
        raise StorageError(
            f"cannot read {path}: {error.strerror}", "check who owns it, and the file system", error.errno, path
        ) from error
    return hasher.digest()
