"""The bound of a store in memory: how much it takes, and what goes to make room.

Deposits into a bounded store are made one at a time, so that what goes can go in the middle of one. Keeps I4: nothing
goes that an entry needs, or the deposit under way. What is worth least is told by whoever opens the store.
"""

from __future__ import annotations

import errno
import os
import threading
from collections import namedtuple

from cas.errors import StorageError
from cas.local.layout import cannot_write
from cas.local.locks import FileLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from cas.local.store import LocalStore
    from cas.store import Store

    Choose = Callable[[Store, int], tuple[list[bytes], list[bytes]]]
    """Chooses the keys and the blobs that are to go so that a store holds so many bytes at most."""


# What a file takes is a multiple of this.
_BLOCK = 4096
# Bytes that an entry may add to index and log beside its own: kept free, for the entry after its blobs.
_ROW = 16 * _BLOCK


class Bound(namedtuple("Bound", "location size choose")):
    """How much a store may take.

    Attributes:
        location: What people call the store.
        size: Bytes.
        choose: Says what is to go.
    """

    __slots__ = ()
    location: str
    size: int
    choose: Choose


class Room:
    """The room of one bounded store, shared by all processes that have it open.

    Attributes:
        size: Bytes that its files may take.
    """

    def __init__(self, store: LocalStore, bound: Bound) -> None:
        self.size: int = bound.size
        self._choose: Choose = bound.choose
        self._store = store
        self._layout = store.layout
        self._start_anew()

    def _start_anew(self) -> None:
        self._lock = FileLock(self._layout.room)
        self._owner = 0
        self._kept: list[Collection[bytes]] = []

    def enter(self, kept: Collection[bytes]) -> None:
        """Wait until no other deposit is under way; one inside another goes on.

        Args:
            kept: Digests of blobs that are not to go, which may grow.
        """
        if self._owner != threading.get_ident():
            try:
                self._lock.__enter__()
            except OSError as error:
                raise cannot_write(error, self._layout.room) from error
            self._owner = threading.get_ident()
        self._kept.append(kept)

    def leave(self) -> None:
        """Let the next deposit begin."""
        if self._owner != threading.get_ident():
            return  # a child, which forked in the middle of its parent's deposit
        self._kept.pop()
        if not self._kept:
            self._owner = 0
            self._lock.__exit__(None, None, None)

    def close(self) -> None:
        """Let go of the lock's file, unless a deposit is under way."""
        self._lock.close()

    def forked(self) -> None:
        """Start anew in a child, which has none of its parent's deposits."""
        self._lock.forked()
        self._start_anew()

    def make(self, size: int, index: bool = False) -> None:
        """Let entries go until so many bytes fit in, and count them as taken.

        Args:
            size: How many.
            index: Whether they go into the index, whose size is known at all times.

        Raises:
            StorageError: They do not fit in even if everything goes.
        """
        size = -(-size // _BLOCK) * _BLOCK
        blobs = known = self._read()
        if blobs is None or blobs + self._index_size() + size + _ROW > self.size:
            blobs = self._clear(size + _ROW)
        if not index or blobs != known:
            self._write(blobs if index else blobs + size)

    def _clear(self, size: int) -> int:
        """Let entries go, those of least worth first; return bytes that stay in files."""
        target = max(self.size * 3 // 4 - size, 0)
        used = self._measure()
        while used + self._index_size() + size > self.size:
            if size > self.size or target < 0:
                raise StorageError(
                    f"{size - _ROW} bytes do not fit into {self._store.location}, which holds {self.size}",
                    "open it with a larger ?size=, or put another store behind it", errno.ENOSPC, self._layout.root,
                )  # fmt: skip
            keys, blobs = self._choose(self._store, target)
            self._store.forget(keys)
            kept = {digest for digests in self._kept for digest in digests}
            self._store.verified.remove_unneeded([digest for digest in blobs if digest not in kept])
            self._store.index.rows("PRAGMA wal_checkpoint(TRUNCATE)")
            used = self._measure()
            target = target // 2 if target > self.size // 16 else 0 if target else -1
        return used

    def _index_size(self) -> int:
        return sum(_size(self._layout.index + end) for end in ("", "-wal", "-shm"))

    def _measure(self) -> int:
        """Return what all files but those of the index take."""
        used = 0
        for folder, _, names in os.walk(self._layout.root):
            used += sum(_size(os.path.join(folder, name)) for name in names if not name.startswith("index.sqlite"))
        return used

    def _read(self) -> int | None:
        """Return what the blobs take at most, as counted since they were last measured."""
        try:
            with open(self._layout.occupied, encoding="ascii") as file:
                return int(file.read())
        except (OSError, ValueError):
            return None

    def _write(self, size: int) -> None:
        try:
            with open(self._layout.occupied, "w", encoding="ascii") as file:
                file.write(str(size))
        except OSError as error:
            raise cannot_write(error, self._layout.occupied) from error


def _size(path: str) -> int:
    """Return what a file takes, in whole blocks; 0 if it is gone."""
    try:
        return os.stat(path).st_blocks * 512
    except FileNotFoundError:
        return 0
