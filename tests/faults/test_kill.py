"""Nothing that was stored is lost, and nothing is half stored, when a process dies at any step."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

import cas
from tests.deposits import assert_intact, forked, get, large, put
from tests.faults.workload import STATES, STEPS, killed, state_of


def _check(folder, steps: int) -> None:
    """Assert that the store holds what it held after so many steps, or after one more, and works on."""
    store = cas.open(folder)
    assert state_of(store) in STATES[steps : steps + 2]
    assert_intact(store)
    for step in STEPS:
        step(store)
    assert state_of(store) == STATES[-1]
    assert_intact(store)
    store.close()


# Each third step here, and every one in `make soak`: a process for each, which takes half a minute.
STRIDES = [3, pytest.param(1, marks=pytest.mark.soak)]


@pytest.mark.parametrize("stride", STRIDES)
def test_killed_at_every_step(memory_folder, stride):
    """A process killed at any system call or statement leaves every finished deposit, and none half done."""
    at, status = 0, -signal.SIGKILL
    while status == -signal.SIGKILL:
        status, steps = killed(memory_folder / str(at), at)
        _check(memory_folder / str(at), steps)
        shutil.rmtree(memory_folder / str(at))
        at += stride
    assert status == 0
    assert steps == len(STEPS)
    assert at > 100


def test_killed_at_every_byte_of_the_log(tmp_path):
    """Whatever part of SQLite's log had reached the disk, the index opens with a prefix of what was stored."""
    whole = tmp_path / "whole"

    def run() -> None:
        store = cas.open(whole)
        for number in range(12):
            put(store, number, b"%d" % number)
        os.kill(os.getpid(), signal.SIGKILL)  # so that the log stays

    assert forked(run) == -signal.SIGKILL
    size = os.path.getsize(whole / "index.sqlite-wal")
    counts = set()
    for length in range(0, size + 1, 1789):
        folder = tmp_path / "cut"
        shutil.copytree(whole, folder)
        os.truncate(folder / "index.sqlite-wal", length)
        store = cas.open(folder)
        found = [get(store, number) for number in range(12)]
        count = sum(value is not None for value in found)
        assert found == [(b"%d" % number, []) for number in range(count)] + [None] * (12 - count)
        assert_intact(store)
        store.close()
        shutil.rmtree(folder)
        counts.add(count)
    assert len(counts) > 5


ENDLESS = """
import sys
import cas
from tests.deposits import put, large, key
store = cas.open(sys.argv[1])
number = int(sys.argv[2])
while True:
    put(store, number, large(number), (large(number % 7),), cost=number % 2)
    if number % 3 == 0:
        store.forget([key(number)])
        store.sweep([blob.digest for blob in store.blobs()][:50])
    print(number, flush=True)
    number += 1
"""


def _killed_at_any_time(folder, rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    number, alive = 0, set()
    for _ in range(rounds):
        command = [sys.executable, "-c", ENDLESS, str(folder), str(number)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            last = int(child.stdout.readline())
            time.sleep(chance.random() * 0.2)  # not to order anything: the moment of death is what varies
            child.kill()
            printed = child.stdout.read().split("\n")[:-1]
        last = max([last, *map(int, printed)])
        alive |= {done for done in range(number, last + 1) if done % 3}
        number = last + 2
        store = cas.open(folder)
        assert all(get(store, done) == (large(done), _other(done)) for done in alive)
        assert_intact(store)
        store.close()


def _other(number: int) -> list[bytes]:
    return [] if number % 7 == number else [large(number % 7)]


def test_killed_at_any_time(tmp_path):
    """A process killed while it stores, forgets and sweeps leaves all that it said was stored."""
    _killed_at_any_time(tmp_path / "store", rounds=4, seed=0)


@pytest.mark.soak
def test_killed_at_any_time_for_long(tmp_path):
    """Hundreds of processes killed one after the other leave all that they said was stored."""
    for seed in range(20):
        _killed_at_any_time(tmp_path / str(seed), rounds=25, seed=seed)
