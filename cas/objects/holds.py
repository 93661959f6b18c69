"""Which blobs the running deposits of this process need, so that a sweep of the same process leaves them alone.

Between processes the grace period does this (I4). Inside one it is exact, and holds without any grace.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Holds:
    """The blobs that are held, and the sweeps that must spare them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[bytes, int] = {}
        self._sparing: list[set[bytes]] = []

    def take(self, digest: bytes) -> None:
        """Hold a blob, from before it is looked for until after its entry is visible."""
        with self._lock:
            self._held[digest] = self._held.get(digest, 0) + 1
            for spared in self._sparing:
                spared.add(digest)

    def release(self, digest: bytes) -> None:
        """End one hold."""
        with self._lock:
            self._held[digest] -= 1
            if not self._held[digest]:
                del self._held[digest]

    @contextmanager
    def sweeping(self) -> Iterator[Callable[[bytes, Callable[[], int]], int]]:
        """Give what removes a blob unless it was held at any time since this block was entered.

        Entered before the entries are read: a deposit that ended before is seen there, any other is seen here.
        """
        with self._lock:
            spared = set(self._held)
            self._sparing.append(spared)

        def remove(digest: bytes, removal: Callable[[], int]) -> int:
            with self._lock:
                return 0 if digest in spared else removal()

        try:
            yield remove
        finally:
            with self._lock:
                self._sparing = [other for other in self._sparing if other is not spared]

    def forked(self) -> None:
        """Start anew in a child, which runs none of its parent's deposits."""
        self._lock = threading.Lock()
        self._held, self._sparing = {}, []
