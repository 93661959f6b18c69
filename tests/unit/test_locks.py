"""Locks that threads and processes share."""

from __future__ import annotations

import os
import threading

import pytest

import cas
from cas.local.locks import FileLock, SharedLock
from tests.deposits import forked


def _taken_elsewhere(enter) -> bool:
    """Return whether a lock is held so that another process does not get it."""
    return forked(enter, seconds=1) != 0


def test_file_lock_excludes_processes(tmp_path):
    """While it is held, another process waits; afterwards it does not."""
    path = str(tmp_path / "lock")
    lock = FileLock(path)
    with lock:
        assert _taken_elsewhere(FileLock(path).__enter__)
    assert not _taken_elsewhere(FileLock(path).__enter__)
    lock.close()


def test_file_lock_excludes_threads(tmp_path):
    """Threads that count under one lock lose no count, though they share one open file."""
    lock, count = FileLock(str(tmp_path / "lock")), [0]

    def work() -> None:
        for _ in range(200):
            with lock:
                seen = count[0]
                os.stat(tmp_path)
                count[0] = seen + 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count == [800]
    lock.close()


def test_closed_lock_works_again(tmp_path):
    """A lock whose file was closed opens it again."""
    lock = FileLock(str(tmp_path / "lock"))
    for _ in range(2):
        with lock:
            pass
        lock.close()
    lock.close()


def test_forked_child_lets_go_without_unlocking(tmp_path):
    """A child that starts anew leaves its parent the lock, and waits for it like anybody else."""
    lock = FileLock(str(tmp_path / "lock"))

    def child() -> None:
        lock.forked()

    with lock:
        assert forked(child) == 0
        assert _taken_elsewhere(FileLock(str(tmp_path / "lock")).__enter__)
    lock.close()


def _shared(folder, alone: bool) -> SharedLock:
    return SharedLock(str(folder / "path"), str(folder / "gate"), alone)


def test_sharers_share(tmp_path):
    """Those who share hold the lock together, and keep out the one who wants it alone."""
    with _shared(tmp_path, alone=False), _shared(tmp_path, alone=False):
        assert not _taken_elsewhere(_shared(tmp_path, alone=False).acquire)
        assert _taken_elsewhere(_shared(tmp_path, alone=True).acquire)
    assert not _taken_elsewhere(_shared(tmp_path, alone=True).acquire)


def test_the_lonely_keeps_all_others_out(tmp_path):
    """Who holds the lock alone keeps out sharers and others who want it alone."""
    with _shared(tmp_path, alone=True):
        assert _taken_elsewhere(_shared(tmp_path, alone=False).acquire)
        assert _taken_elsewhere(_shared(tmp_path, alone=True).acquire)


def test_waiting_alone_holds_off_new_sharers(tmp_path):
    """While somebody waits to be alone, no new sharer comes in, so that the wait ends."""
    order = []
    at_gate = _shared(tmp_path, alone=True)

    def alone() -> None:
        with at_gate:
            order.append("alone")

    def late() -> None:
        with _shared(tmp_path, alone=False):
            order.append("late")

    first, second = threading.Thread(target=alone), threading.Thread(target=late)
    with _shared(tmp_path, alone=False):
        first.start()
        while len(at_gate._files) < 2:  # it has the gate, and asks for the lock
            first.join(0.001)
        second.start()
        second.join(0.05)
        assert order == []
    first.join()
    second.join()
    assert order == ["alone", "late"]


def test_acquiring_twice_is_once(tmp_path):
    """A lock that is held is not waited for again, and one release frees it."""
    lock = _shared(tmp_path, alone=False)
    lock.acquire()
    lock.acquire()
    lock.release()
    lock.release()
    assert not _taken_elsewhere(_shared(tmp_path, alone=True).acquire)


def test_lock_that_cannot_be_made_is_explained(tmp_path):
    """A lock that has a file where its folder should be is an error of the store, and nothing stays held."""
    (tmp_path / "file").touch()
    lock = _shared(tmp_path / "file", alone=False)
    for _ in range(2):
        with pytest.raises(cas.StorageError):
            lock.acquire()
