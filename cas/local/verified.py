"""The blobs of one store as its readers get them: verified, and no more often than need be; and how they go.

Keeps I2 by stamps (what a file looked like when it was last hashed) and I4: what an entry needs is never removed.
"""

from __future__ import annotations

import os

from cas.blob import BlobFile
from cas.errors import CasError, IntegrityError
from cas.local.layout import cannot_write
from cas.local.locks import SharedLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cas.local.blobs import Blobs, Stamp
    from cas.local.index import Index
    from cas.local.layout import Layout

_KNOWN_STAMPS = 100_000
_SWEEP_AT_ONCE = 500


class Verified:
    """Blob files with their stamps, in the index and in this process.

    Attributes:
        stamps: Of the blobs that this process has found intact.
    """

    def __init__(self, layout: Layout, index: Index, files: Blobs, writable: bool) -> None:
        self.stamps: dict[bytes, Stamp] = {}
        self._layout = layout
        self._index = index
        self._files = files
        self._writable = writable

    def open(self, digest: bytes, always: bool) -> BlobFile:
        """Return a blob's file, hashed if its stamp changed, or if `always`; see `Store.open_blob`."""
        stamp = self._files.stamp(digest)
        if not always and (self.stamps.get(digest) == stamp or self._index.stamp(digest) == stamp):
            self._remember(digest, stamp)
            return BlobFile(digest, self._layout.blob(digest), stamp[0])
        try:
            blob = self._files.verify(digest)
        except IntegrityError:
            if self._writable:
                self.quarantine(digest)
            raise
        self._remember(digest, stamp)
        if self._writable:
            self._record(digest, stamp)
        return blob

    def _record(self, digest: bytes, stamp: Stamp) -> None:
        try:
            with self._index.writing() as run:
                run("INSERT OR REPLACE INTO stamps VALUES (?, ?, ?, ?)", (digest, *stamp))
        except CasError:
            return  # a stamp only saves time (I8), and a full disk must not keep a verified result from its reader

    def _remember(self, digest: bytes, stamp: Stamp) -> None:
        if len(self.stamps) >= _KNOWN_STAMPS:
            self.stamps.clear()
        self.stamps[digest] = stamp

    def quarantine(self, digest: bytes) -> None:
        """Move a blob's file out of the way, for a person to look at."""
        self.stamps.pop(digest, None)
        self._files.quarantine(digest)

    def put_aside(self, name: str, data: bytes) -> None:
        """Keep damaged bytes in quarantine."""
        path = os.path.join(self._layout.quarantine, name)
        try:
            os.makedirs(self._layout.quarantine, mode=0o700, exist_ok=True)
            with open(path, "wb") as file:
                file.write(data)
        except OSError as error:
            raise cannot_write(error, path) from error

    def sweep(self, digests: list[bytes]) -> int:
        """Remove those blobs that no entry needs; alone, so that no deposit is half done (I4)."""
        freed, waiting = 0, digests
        while waiting:
            batch, waiting = waiting[:_SWEEP_AT_ONCE], waiting[_SWEEP_AT_ONCE:]
            with SharedLock(self._layout.sweeping, self._layout.gate, alone=True):
                freed += self.remove_unneeded(batch)
        return freed

    def remove_unneeded(self, digests: list[bytes]) -> int:
        """Remove those blobs that no entry needs, while no deposit is half done; return bytes freed."""
        freed = 0
        query = "SELECT 1 FROM needs WHERE digest = ? LIMIT 1"
        needed = {digest for digest in digests if self._index.rows(query, (digest,))}
        with self._index.writing() as run:
            for digest in digests:
                if digest not in needed:
                    run("DELETE FROM stamps WHERE digest = ?", (digest,))
                    self.stamps.pop(digest, None)
                    freed += self._files.remove(digest)
        return freed
