"""What a chain said is stored reaches every tier, whenever the process that stored it dies."""

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
from tests.deposits import assert_intact, forked, get, large, put, unsent
from tests.faults.saboteur import Saboteur, kill

STORE_AND_DIE = """
import os, signal, sys
import cas
from tests.deposits import large, put
chain = cas.open(sys.argv[1:3])
with chain.writeback.copying:  # the thread gets to nothing
    for number in range(5):
        put(chain, number, large(number), (large(number + 10),), cost=number % 2)
    print("stored", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""

OPEN_AND_END = """
import sys
import cas
cas.open(sys.argv[1:3])
"""


def test_next_process_copies_what_a_killed_one_left(tmp_path):
    """A process killed between deposit and copy leaves the copying to the next one, which only opens the chain."""
    places = [str(tmp_path / "fast"), str(tmp_path / "slow")]
    died = subprocess.run([sys.executable, "-c", STORE_AND_DIE, *places], capture_output=True, text=True)
    assert (died.returncode, died.stdout) == (-signal.SIGKILL, "stored\n"), died.stderr
    fast, slow = map(cas.open, places)
    assert (fast.count(), slow.count(), len(unsent(fast))) == (5, 0, 5)
    subprocess.run([sys.executable, "-c", OPEN_AND_END, *places], check=True)
    assert [get(slow, number, always=True) for number in range(5)] == [
        (large(number), [large(number + 10)]) for number in range(5)
    ]
    assert unsent(fast) == []
    assert_intact(slow)
    assert_intact(fast)


def test_end_of_a_process_waits_for_the_copying(tmp_path):
    """A process that ends by itself has copied everything, though nothing flushed or closed its chain."""
    places = [str(tmp_path / "fast"), str(tmp_path / "slow")]
    script = STORE_AND_DIE.replace("os.kill(os.getpid(), signal.SIGKILL)", "pass")
    subprocess.run([sys.executable, "-c", script, *places], check=True, capture_output=True)
    assert cas.open(places[1]).count() == 5
    assert unsent(cas.open(places[0])) == []


def _live(folder, at: int) -> tuple[int, int]:
    """Store in a chain in a child that dies at call `at`; return how it ended and how many results were stored."""
    reader, writer = os.pipe()
    say = os.write

    def run() -> None:
        with Saboteur(at, kill).at_work():
            chain = cas.open([folder / "fast", folder / "slow"])
            for number in range(3):
                put(chain, number, large(number), (large(7),), cost=number % 2)
                say(writer, b".")
            put(chain, 0, b"anew")
            say(writer, b".")
            chain.close()
            say(writer, b".")

    status = forked(run)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        return status, len(file.read())


def _check(folder, steps: int) -> None:
    chain = cas.open([folder / "fast", folder / "slow"])
    chain.flush()
    fast, slow = chain.present()
    for number in range(1 if steps > 3 else 0, min(steps, 3)):
        assert get(slow, number, always=True) == get(fast, number) == (large(number), [large(7)])
    if steps > 3:
        assert get(slow, 0) == get(fast, 0) == (b"anew", [])
    assert {entry.key: entry.digest for entry in fast.entries()} == {e.key: e.digest for e in slow.entries()}
    assert unsent(fast) == []
    assert_intact(fast)
    assert_intact(slow)
    chain.close()


# Each third step here, and every one in `make soak`: a process for each, which takes half a minute.
STRIDES = [3, pytest.param(1, marks=pytest.mark.soak)]


@pytest.mark.parametrize("stride", STRIDES)
def test_killed_at_every_step(memory_folder, stride):
    """A process killed at any system call or statement leaves all that it said was stored, and no tier half done."""
    at, status, steps = 0, -signal.SIGKILL, 0
    while status == -signal.SIGKILL:
        folder = memory_folder / str(at)
        status, steps = _live(folder, at)
        _check(folder, steps)
        shutil.rmtree(folder)
        at += stride if steps else 7  # making the stores is the business of other tests
    assert (status, steps) == (0, 5)
    assert at > 100


ENDLESS = """
import sys
import cas
from tests.deposits import large, put
chain = cas.open(sys.argv[1:3])
number = int(sys.argv[3])
while True:
    put(chain, number, large(number), cost=number % 2)
    print(number, flush=True)
    number += 1
"""


def test_killed_at_any_time(tmp_path):
    """Processes killed while they store and copy, one after the other, leave all that they stored in every tier."""
    chance, number, stored = random.Random(5), 0, set()
    places = [str(tmp_path / "fast"), str(tmp_path / "slow")]
    for _ in range(5):
        command = [sys.executable, "-c", ENDLESS, *places, str(number)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            last = int(child.stdout.readline())
            time.sleep(chance.random() * 0.2)  # not to order anything: the moment of death is what varies
            child.kill()
            last = max([last, *map(int, child.stdout.read().split("\n")[:-1])])
        stored |= set(range(number, last + 1))
        number = last + 2
    chain = cas.open(places)
    chain.flush()
    fast, slow = chain.present()
    assert all(get(slow, done) == get(fast, done) == (large(done), []) for done in stored)
    assert unsent(fast) == []
    assert_intact(slow)
