"""Forks in the middle of things: neither side loses what it writes, and neither hangs."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

import cas
from tests.concurrency.crowd import ROOT
from tests.deposits import assert_intact, call, forked, get, key, large, put

# Python 3.12 warns of any fork while threads run; that they meet no lock of ours is what is shown here.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


def test_both_sides_go_on_writing(store):
    """After a fork, parent and child write to the same store and see each other's results."""
    put(store, 1, b"root", (large(1),))

    def child() -> None:
        for number in range(100, 140):
            put(store, number, b"child", (large(2),))
        assert get(store, 1) == (b"root", [large(1)])

    pid_done = threading.Thread(target=lambda: [put(store, number) for number in range(200, 240)])
    pid_done.start()
    assert forked(child) == 0
    pid_done.join()
    put(store, 2)
    assert get(store, 139) == (b"child", [large(2)])
    assert len(list(store.entries())) == 82
    assert_intact(store)


def test_child_outlives_its_parent_s_store(store):
    """What a child stores after its parent closed the store is there for others."""
    put(store, 1)
    go, ready = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        put(store, 2)
        os.write(ready[1], b".")
        os.read(go[0], 1)
        put(store, 3)
        os._exit(0)
    os.read(ready[0], 1)
    store.close()
    os.write(go[1], b".")
    assert os.waitpid(child, 0)[1] == 0
    for end in (*go, *ready):
        os.close(end)
    code = "import sys, cas; print(len(list(cas.open(sys.argv[1]).entries())))"
    fresh = subprocess.run([sys.executable, "-c", code, store.location], capture_output=True, text=True, check=True)
    assert fresh.stdout == "3\n"
    assert_intact(store)


def test_fork_while_others_write_and_read(store):
    """Children forked while other threads are inside the store work at once and hold nobody up."""
    stop = threading.Event()
    errors = []

    def work(me: int) -> None:
        number = 1000 * me
        try:
            while not stop.is_set():
                number += 1
                put(store, number % 50 + 1000 * me, b"root", (large(number % 3),))
                get(store, number % 50 + 1000 * me)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(me,), daemon=True) for me in (1, 2, 3)]
    for thread in threads:
        thread.start()
    try:
        statuses = [forked(lambda n=n: put(store, n, b"child", (large(4),)), seconds=20) for n in range(25)]
    finally:
        stop.set()
    for thread in threads:
        thread.join(30)
    assert errors == []
    assert statuses == [0] * 25
    assert all(get(store, number) == (b"child", [large(4)]) for number in range(25))
    assert_intact(store)


def test_child_does_not_hold_its_parent_s_deposit(store):
    """A child forked in the middle of a deposit keeps no sweep waiting once the parent is done."""
    go = os.pipe()
    with store.deposit(call(1), 0.0) as deposit:
        deposit.write((large(1),))
        child = os.fork()
        if not child:
            os.read(go[0], 1)
            os._exit(0)
    assert store.sweep([blob.digest for blob in store.blobs()]) == len(large(1))
    os.write(go[1], b".")
    assert os.waitpid(child, 0)[1] == 0
    for end in go:
        os.close(end)
    assert_intact(store)


def test_child_of_a_claim_holder_leaves_its_block(store):
    """A child that leaves the block of a claim its parent holds takes nothing from the parent."""
    order = []

    with store.claim(key(1)):
        pid = os.fork()
        if pid:
            assert os.waitpid(pid, 0)[1] == 0
            waiter = threading.Thread(target=lambda: _claim(store, order))
            waiter.start()
            order.append("parent")
    if not pid:
        os._exit(0)
    waiter.join()
    assert order == ["parent", "waiter"]


def _claim(store: cas.Store, order: list[str]) -> None:
    with store.claim(key(1)):
        order.append("waiter")


def test_child_that_ends_in_the_ordinary_way(tmp_path):
    """A forked child that runs its exit handlers disturbs neither the store nor its parent."""
    code = """
import os, sys, cas
from tests.deposits import *
store = cas.open(sys.argv[1])
put(store, 1)
if os.fork() == 0:
    put(store, 2)
    sys.exit()
os.wait()
put(store, 3)
"""
    command = [sys.executable, "-W", "error", "-X", "dev", "-c", code, str(tmp_path / "store")]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
    store = cas.open(tmp_path / "store")
    assert len(list(store.entries())) == 3
    assert_intact(store)
