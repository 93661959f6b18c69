"""The SQLite connections of one process to one index: one for each thread, none of them carried through a fork.

Shared connections crash or return other threads' rows. SQLite also keeps the locks of a file once for a process:
a child that inherits an open connection counts locks as its own that the system gave to its parent only, and loses
what it writes when the parent closes (https://www.sqlite.org/howtocorrupt.html, section 2.6). So a fork waits until
no thread is inside SQLite, and the child closes what it inherited before it opens its own.
Knows nothing of tables.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_BUSY_SECONDS = 60.0
# Pages (4 KB) in the log before it is folded into the index: a tenth of the folding of the default 1000, 40 MB of log.
_CHECKPOINT_PAGES = 10_000
# How long a fork waits for threads inside SQLite: a read takes microseconds, only a check of the index takes long.
_FORK_PATIENCE = 2.0


class Connections:
    """The open connections of one process to one SQLite file.

    Attributes:
        own: This thread's connection, the `execute` of its cursor, the file's inode, and row numbers known to it;
            without attributes until the thread connects.
    """

    def __init__(self, path: str, writable: bool, prepare: Callable[[sqlite3.Connection], None]) -> None:
        self.own = threading.local()
        self._path = path
        self._writable = writable
        self._prepare = prepare
        self._opened: list[tuple[threading.Thread, sqlite3.Connection]] = []
        self._guard = threading.Lock()

    def connect(self) -> threading.local:
        """Return `own`, connected."""
        if not hasattr(self.own, "run"):
            connection = _open(self._path, self._writable)
            try:
                self._prepare(connection)
                inode = os.stat(self._path).st_ino
            except BaseException:
                connection.close()
                raise
            with self._guard:
                self._retire_dead_threads()
                self._opened.append((threading.current_thread(), connection))
            self.own.connection, self.own.inode, self.own.known = connection, inode, {}
            self.own.run = connection.cursor().execute
        return self.own

    def drop(self) -> None:
        """Close this thread's connection, so that it connects anew."""
        self.release(self.own.connection)
        self.own.__dict__.clear()

    def separate(self) -> sqlite3.Connection:
        """Return a connection of its own for a listing: a read under way on the thread's would hinder its writes."""
        self.connect()
        connection = _open(self._path, self._writable)
        with self._guard:
            self._retire_dead_threads()
            self._opened.append((threading.current_thread(), connection))
        return connection

    def release(self, connection: sqlite3.Connection) -> None:
        """Close one connection."""
        with self._guard:
            self._opened = [pair for pair in self._opened if pair[1] is not connection]
        connection.close()

    def _retire_dead_threads(self) -> None:
        dead = [pair for pair in self._opened if not _lives(pair[0])]
        self._opened = [pair for pair in self._opened if _lives(pair[0])]
        for _, connection in dead:
            connection.close()

    def moved(self) -> bool:
        """Return whether the file on disk is no longer the one this thread has open (the store was deleted)."""
        try:
            inode = os.stat(self._path).st_ino
        except FileNotFoundError:
            return True
        return bool(inode != self.connect().inode)

    def renew(self) -> None:
        """Let every thread connect anew; connections that others may be using close when their threads end."""
        self.own = threading.local()

    def close(self) -> None:
        """Close the connections of this thread and of dead ones.

        One that another living thread may be inside of crashes if it is closed; it is, once that thread has ended.
        """
        mine = threading.current_thread()
        with self._guard:
            closing = [pair for pair in self._opened if pair[0] is mine or not _lives(pair[0])]
            self._opened = [pair for pair in self._opened if pair not in closing]
            self.own = threading.local()
        for _, connection in closing:
            connection.close()

    def quiet(self) -> bool:
        """Wait until no thread is inside SQLite, before a fork; False if one stays there for long.

        The interpreter's lock is ours while we look, and a thread inside SQLite shows a frame of these modules.
        """
        give_up = time.monotonic() + _FORK_PATIENCE
        while any(frame.f_code.co_filename in _CALLERS for frame in _other_frames()):
            if time.monotonic() > give_up:
                return False
            time.sleep(0.0001)
        return True

    def forked(self, quiet: bool) -> None:
        """Start anew in a child: close what was inherited, or leave it open for good where a thread was using it."""
        self._guard = threading.Lock()
        self.own, own = threading.local(), self.own
        opened, self._opened = self._opened, []
        if quiet:
            for _, connection in opened:
                connection.close()
        else:
            _abandoned.append((own, opened))


def _lives(thread: threading.Thread) -> bool:
    """Return whether a thread may still use its connection: the main one may until the very end of the process.

    It counts as dead to `threading` as soon as the interpreter begins to end, when exit handlers are still to run.
    """
    return thread.is_alive() or thread is threading.main_thread()


_abandoned: list[object] = []
_CALLERS = frozenset({__file__, os.path.join(os.path.dirname(__file__), "index.py")})


def _other_frames() -> list[FrameType]:
    me = threading.get_ident()
    return [frame for thread, frame in sys._current_frames().items() if thread != me]  # noqa: SLF001 - documented


def _open(path: str, writable: bool) -> sqlite3.Connection:
    if writable:
        connection = _connect(path)
        try:
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        except BaseException:
            connection.close()
            raise
        return connection
    from urllib.parse import quote  # noqa: PLC0415 - costs milliseconds, and only read-only stores need it

    connection = _connect(f"file:{quote(path)}?mode=ro")
    try:
        connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError:
        # Nobody writes in a folder that takes no writes, so its index may be read without the files that
        # coordinate writers: https://www.sqlite.org/wal.html#read_only_databases
        connection.close()
        connection = _connect(f"file:{quote(path)}?immutable=1")
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(name: str) -> sqlite3.Connection:
    return sqlite3.connect(
        name,
        uri=name.startswith("file:"),
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
