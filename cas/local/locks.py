"""Locks of the operating system that processes and threads share, released when their holder dies.

Owns the difference between locks of a process and of a thread, and what a fork does to them.
Knows nothing of what is locked.
"""

from __future__ import annotations

import fcntl
import os
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType


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
        """Let go of the file. After a fork a child must, since it shares the parent's hold on the lock."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1
        self._thread = threading.Lock()


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
        try:
            gate = self._take(self._gate)
            self._take(self._path)
            if not self._alone:
                self._files.remove(gate)
                os.close(gate)
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
        """Let go; closing the file releases its lock."""
        while self._files:
            os.close(self._files.pop())


def open_lock(path: str) -> int:
    """Open the file beneath a lock, made if need be; it holds no bytes."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
