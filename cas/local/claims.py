"""Claims: who computes a call key while others wait.

One byte range of one file for each key: nothing to clean up, no names to collide, and the operating system frees
what a killed process held, so a waiter never waits for the dead.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading

from cas.local.layout import cannot_write
from cas.local.locks import open_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType


class Claims:
    """The claims of one store, as one process sees them.

    POSIX record locks belong to a process and are lost when it closes any handle on the file, so the process
    keeps one handle for good, and sorts out its own threads with a thread lock for each key.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._turns: dict[int, _Turn] = {}
        self._file = -1

    def claim(self, key: bytes) -> Claim:
        """Return the claim on `key`, to be held in a `with` block."""
        return Claim(self, int.from_bytes(key[:8], "big") >> 2)

    def attempt(self, key: bytes) -> Claim | None:
        """Return the claim on `key`, taken and to be ended by a `with` block; None if another holds it."""
        claim = self.claim(key)
        return claim if claim.attempt() else None

    def attempt_to_enter(self, offset: int) -> bool | None:
        """Take the claim if it is free; None if it is not, False if this very thread holds it already."""
        me = threading.get_ident()
        with self._guard:
            turn = self._turns.setdefault(offset, _Turn())
            if turn.owner == me:
                return False
            if not turn.lock.acquire(blocking=False):
                return None
            turn.owner = me
            turn.waiting += 1
        try:
            if self._lock_range(offset, fcntl.LOCK_EX | fcntl.LOCK_NB):
                return True
        except BaseException:
            self._leave(offset, turn)
            raise
        self._leave(offset, turn)
        return None

    def enter(self, offset: int) -> bool:
        """Wait for the claim; False if this very thread holds it already (a call inside itself)."""
        me = threading.get_ident()
        with self._guard:
            turn = self._turns.setdefault(offset, _Turn())
            if turn.owner == me:
                return False
            turn.waiting += 1
        try:
            turn.lock.acquire()
            turn.owner = me
            self._lock_range(offset)
        except BaseException:
            self._leave(offset, turn)
            raise
        return True

    def _lock_range(self, offset: int, how: int = fcntl.LOCK_EX) -> bool:
        try:
            with self._guard:
                if self._file < 0:
                    self._file = open_lock(self._path)
            fcntl.lockf(self._file, how, 1, offset, os.SEEK_SET)
        except OSError as error:
            if how & fcntl.LOCK_NB and error.errno in (errno.EACCES, errno.EAGAIN):
                return False
            # The kernel sees processes, not threads, and may take two pairs of waiting threads for a deadlock.
            # Going on without the claim costs at most a second computation, never a wrong value.
            if error.errno != errno.EDEADLK:
                raise cannot_write(error, self._path) from error
        return True

    def exit(self, offset: int) -> None:
        """Release the claim."""
        turn = self._turns.get(offset)
        if turn is None:
            return  # a child, which forked while its parent held the claim
        try:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, offset, os.SEEK_SET)
        finally:
            self._leave(offset, turn)

    def _leave(self, offset: int, turn: _Turn) -> None:
        with self._guard:
            turn.waiting -= 1
            if not turn.waiting:
                self._turns.pop(offset, None)
        if turn.owner == threading.get_ident():
            turn.owner = 0
            turn.lock.release()

    def close(self) -> None:
        """Let go of the file unless a thread holds or awaits a claim, which closing would lose."""
        with self._guard:
            if not self._turns and self._file >= 0:
                os.close(self._file)
                self._file = -1

    def forked(self) -> None:
        """Start anew in a child: it holds none of its parent's claims, and none of its parent's threads."""
        self._guard = threading.Lock()
        self._turns = {}


class Claim:
    """The right to compute one key, from `__enter__` to `__exit__`."""

    def __init__(self, claims: Claims, offset: int) -> None:
        self._claims = claims
        self._offset = offset
        self._held = False
        self._taken = False

    def attempt(self) -> bool:
        """Take the claim before the `with` block, if it is free."""
        held = self._claims.attempt_to_enter(self._offset)
        self._taken, self._held = held is not None, bool(held)
        return self._taken

    def __enter__(self) -> None:
        if not self._taken:
            self._held = self._claims.enter(self._offset)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._held:
            self._claims.exit(self._offset)


class _Turn:
    """Whose turn it is among the threads of this process."""

    __slots__ = ("lock", "owner", "waiting")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.owner = 0
        self.waiting = 0
