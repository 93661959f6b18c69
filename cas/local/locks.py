"""Locks of the operating system that processes and threads share, released when their holder dies.

Owns the difference between locks of a process and of a thread, and what a fork does to them.
Knows nothing of what is locked.
"""

from __future__ import annotations

import fcntl
import os
import threading

from cas.local.layout import cannot_write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType


# Seconds that a fork or a close waits for a thread that writes; a write takes milliseconds.
_PATIENCE = 5.0
# Shared locks of this process, which a forked child lets go of: it would hold them on behalf of its parent.
_held: set[SharedLock] = set()


class FileLock:
    """An exclusive lock that excludes threads and processes alike.

    A thread lock comes first, since the file lock belongs to the open file that all threads of a process share.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._thread = threading.Lock()
        self._file = -1

    def __enter__(self) -> None:
        self._thread.acquire()
        try:
            if self._file < 0:
                self._file = open_lock(self._path)
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except BaseException:
            self._thread.release()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)
        self._thread.release()

    def close(self) -> None:
        """Let go of the file, unless a thread holds the lock for long."""
        if self.hold_threads():
            self._let_go()
            self.release_threads()

    def hold_threads(self) -> bool:
        """Keep the other threads of this process out; False if one stays in for long."""
        return self._thread.acquire(timeout=_PATIENCE)

    def release_threads(self) -> None:
        """Let the other threads in again after `hold_threads` said True."""
        self._thread.release()

    def forked(self) -> None:
        """Start anew in a child, whose copy of the file is its parent's hold on the lock."""
        self._thread = threading.Lock()
        self._let_go()

    def _let_go(self) -> None:
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)


class SharedLock:
    """A lock that many hold together, or one alone; who wants it alone does not starve.

    Every acquisition opens the file anew, so threads count as processes do. The gate is passed through by
    sharers and held by the one who wants to be alone: while that one waits, no new sharer comes in.
    """

    def __init__(self, path: str, gate: str, alone: bool) -> None:
        self._path = path
        self._gate = gate
        self._kind = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
        self._alone = alone
        self._files: list[int] = []

    def __enter__(self) -> None:
        self.acquire()

    def acquire(self) -> None:
        """Wait for the lock, unless it is held already.

        Raises:
            StorageError: The file beneath it cannot be made, or ReadOnlyError likewise.
        """
        if self in _held:
            return
        _held.add(self)
        try:
            gate = self._take(self._gate)
            self._take(self._path)
            if not self._alone:
                fcntl.flock(gate, fcntl.LOCK_UN)
                self._files.remove(gate)
                os.close(gate)
        except OSError as error:
            self.release()
            raise cannot_write(error, self._path) from error
        except BaseException:
            self.release()
            raise

    def _take(self, path: str) -> int:
        file = open_lock(path)
        self._files.append(file)
        fcntl.flock(file, self._kind)
        return file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def release(self) -> None:
        """Let go; unlocked before it is closed, since a forked child may have the file open as well."""
        while self._files:
            file = self._files.pop()
            try:
                fcntl.flock(file, fcntl.LOCK_UN)
            finally:
                os.close(file)
        _held.discard(self)

    def forked(self) -> None:
        """Let go in a child, and leave the parent its lock."""
        while self._files:
            os.close(self._files.pop())


def open_lock(path: str) -> int:
    """Open the file beneath a lock, made if need be; it holds no bytes."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        # Archives, git and hasty hands lose folders that are empty.
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _forked() -> None:
    while _held:
        _held.pop().forked()


os.register_at_fork(after_in_child=_forked)
