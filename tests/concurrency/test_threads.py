"""Threads of one process on one store."""

from __future__ import annotations

import subprocess
import sys
import threading

import cas
from tests.concurrency.crowd import ROOT
from tests.deposits import assert_intact, get, key, large, put


def run_threads(count: int, work) -> None:
    """Run `work(number)` in so many threads behind a barrier, and raise what any of them raised."""
    barrier, errors = threading.Barrier(count), []

    def run(number: int) -> None:
        try:
            barrier.wait(30)
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert errors == []


def test_threads_write_and_read(store):
    """Threads that store and read at the same time get their own results and lose none."""

    def work(me: int) -> None:
        for turn in range(30):
            number = 100 * me + turn
            put(store, number, b"%d" % number, (large(turn % 4),))
            assert get(store, number) == (b"%d" % number, [large(turn % 4)])

    run_threads(8, work)
    assert len(list(store.entries())) == 240
    assert_intact(store)


def test_many_short_threads(store):
    """Threads that come and go by the hundred leave no connection behind and disturb no other."""
    put(store, 1)
    for _ in range(20):
        run_threads(20, lambda me: [get(store, 1) for _ in range(3)])
    get(store, 1)
    assert len(store.index._connections._opened) <= 25


def test_threads_sweep_and_write(store):
    """Threads that sweep all that is not needed never take a blob from under another's entry (I4)."""
    done = threading.Event()

    def work(me: int) -> None:
        if me == 0:
            while not done.is_set():
                store.sweep([blob.digest for blob in store.blobs()])
            return
        try:
            for turn in range(40):
                put(store, me, b"root", (large(turn % 3), large(3 + turn % 2)))
                assert get(store, me) == (b"root", sorted([large(turn % 3), large(3 + turn % 2)]))
        finally:
            if me == 1:
                done.set()

    run_threads(4, work)
    assert_intact(store)


def test_claims_exclude_threads(store):
    """Threads that count under one claim lose no count."""
    count = [0]

    def work(me: int) -> None:
        for _ in range(100):
            with store.claim(key(1)):
                seen = count[0]
                store.recall(b"gives up the interpreter's lock")
                count[0] = seen + 1

    run_threads(8, work)
    assert count == [800]


def test_exit_with_a_busy_daemon_thread(tmp_path):
    """A process that ends while a daemon thread reads and writes ends well, and leaves an intact store."""
    code = """
import sys, threading, cas
from tests.deposits import *
store = cas.open(sys.argv[1])
put(store, 0)
started = threading.Event()
def work():
    for number in range(10**9):
        try:
            put(store, number % 50); get(store, number % 50)
        except cas.CasError:
            return
        started.set()
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
started.wait()
"""
    for _ in range(5):
        command = [sys.executable, "-c", code, str(tmp_path / "store")]
        ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60)
        assert ended.returncode == 0, ended.stderr
    assert_intact(cas.open(tmp_path / "store"))
