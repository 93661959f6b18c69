"""Counts the system calls and SQL statements of the code under test, and strikes at the n-th.

A strike kills the process as `kill -9` does, or makes the call fail; a write has then written half of its bytes.
"""

from __future__ import annotations

import builtins
import errno
import fcntl
import os
import signal
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CALLS = [
    (os, "open"), (os, "write"), (os, "rename"), (os, "replace"), (os, "fsync"), (os, "posix_fallocate"),
    (os, "mkdir"), (os, "unlink"), (fcntl, "flock"), (fcntl, "lockf"), (builtins, "open"),
]  # fmt: skip


class Saboteur:
    """Strikes at call number `at`, counted from 0, and at all later ones if `lasting`.

    Attributes:
        calls: The names of the calls seen so far.
    """

    def __init__(self, at: int, strike: Callable[[str], None], lasting: bool = False) -> None:
        self.calls: list[str] = []
        self._at = at
        self._strike = strike
        self._lasting = lasting

    @property
    def struck(self) -> bool:
        """Whether the call to strike at was reached."""
        return len(self.calls) > self._at

    def due(self, name: str) -> bool:
        """Count a call, and return whether it is to be struck."""
        self.calls.append(name)
        return len(self.calls) - 1 == self._at or (self._lasting and self.struck)

    def call(self, name: str, real: Callable[..., object], *args: object, **options: object) -> object:
        """Make a call, or strike at it."""
        if not _harmless(name, args) and self.due(name):
            if name == "write":
                real(args[0], memoryview(args[1])[: len(args[1]) // 2])
            self._strike(name)
        return real(*args, **options)

    @contextmanager
    def at_work(self) -> Iterator[Saboteur]:
        """Stand between the code and the system while the block runs."""
        real = {(home, name): getattr(home, name) for home, name in _CALLS if hasattr(home, name)}
        connect = sqlite3.connect
        try:
            for (home, name), function in real.items():
                setattr(home, name, self._between(name, function))
            sqlite3.connect = lambda *args, **options: connect(*args, factory=_connections(self), **options)
            yield self
        finally:
            sqlite3.connect = connect
            for (home, name), function in real.items():
                setattr(home, name, function)

    def _between(self, name: str, real: Callable[..., object]) -> Callable[..., object]:
        return lambda *args, **options: self.call(name, real, *args, **options)


def _harmless(name: str, args: tuple[object, ...]) -> bool:
    """Return whether a call cannot fail in earnest: the release of a lock."""
    return (name == "flock" and args[1] == fcntl.LOCK_UN) or (name == "lockf" and args[1] == fcntl.LOCK_UN)


def _connections(saboteur: Saboteur) -> type[sqlite3.Connection]:
    class Cursor(sqlite3.Cursor):
        def execute(self, *args):
            return saboteur.call("sql", super().execute, *args)

    class Connection(sqlite3.Connection):
        def cursor(self):
            return super().cursor(Cursor)

        def execute(self, *args):
            return saboteur.call("sql", super().execute, *args)

        def executescript(self, *args):
            return saboteur.call("sql", super().executescript, *args)

    return Connection


def kill(name: str) -> None:
    """Die at once, as by `kill -9`."""
    os.kill(os.getpid(), signal.SIGKILL)


def fail(number: int) -> Callable[[str], None]:
    """Return a strike that lets calls fail with that errno."""

    def strike(name: str) -> None:
        if name == "sql":
            raise sqlite3.OperationalError("database or disk is full" if number == errno.ENOSPC else "disk I/O error")
        raise OSError(number, os.strerror(number), f"<{name}>")

    return strike
