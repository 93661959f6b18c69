"""Two hosts that share nothing but a folder: processes with homes, temporary folders and caches of their own."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import cas
from tests.deposits import assert_intact, get

ROOT = Path(__file__).resolve().parents[2]
WORDS = 6

# What every host does, over and over: each result is made of its key alone, so that a value of another key, a half
# one and one of two mixed is seen at once. What was just stored may be forgotten by the other host, and only then.
LIVE = """
import random, sys, warnings
import cas
from cas import gc
from tests.deposits import *
place, me, turns = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
store = cas.open(place.split(",") if "," in place else place)
chance = random.Random(me)
print("ready", flush=True)
sys.stdin.readline()

def expected(number):
    return b"root %d" % number, sorted([large(number), large(number % 2 + 10)])

def look(number):
    try:
        found = get(store, number, always=chance.random() < 0.3)
    except (cas.NotFoundError, FileNotFoundError):
        found = None  # forgotten between two reads
    assert found in (None, expected(number)), number
    return found

served = 0
for turn in range(turns):
    number = chance.randrange(6)
    deed = chance.random()
    if deed < 0.4:
        put(store, number, b"root %d" % number, (large(number), large(number % 2 + 10)), cost=chance.choice([0, 1]))
    elif deed < 0.8:
        served += look(number) is not None
    elif deed < 0.9:
        store.forget([key(number)])
    elif deed < 0.95:
        store.record_hits(FUNCTION.fingerprint, 1, 1.0, [key(number)])
    else:
        gc.execute(store, gc.plan(store))
    # Nobody else touches this one: it must never be lost.
    own = 100 + me
    if turn == 0:
        put(store, own, b"own", (large(own), large(number % 2 + 10)))
    assert get(store, own, always=turn % 10 == 0) is not None
store.close()
print(served)
"""


class Host:
    """A process as on a host of its own: it shares with others only what its arguments name."""

    def __init__(self, folder: Path, place: str, me: int, turns: int) -> None:
        mine = folder / f"host{me}"
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("XDG", "CAS", "TMP"))}
        for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "CAS_CONFIG_DIR"):
            environment[name] = str(mine / name.lower())
            os.makedirs(environment[name], exist_ok=True)
        command = [sys.executable, "-W", "error", "-c", LIVE, place.format(mine=mine), str(me), str(turns)]
        self.process = subprocess.Popen(
            command, env=environment, cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def start(self) -> None:
        """Let it go, once it is ready."""
        assert self.process.stdout.readline() == "ready\n", self.process.communicate()[1]
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def finish(self) -> int:
        """Wait for its end, assert that nothing was wrong, and return how often it was served."""
        printed, complaints = self.process.communicate(timeout=100)
        assert (self.process.returncode, complaints) == (0, "")
        return int(printed)

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self.process.send_signal(signal.SIGKILL)
        _, complaints = self.process.communicate(timeout=100)
        assert complaints == ""


def expected(number: int) -> tuple[bytes, list[bytes]]:
    """Return what is stored under a number, if anything is."""
    from tests.deposits import large

    return b"root %d" % number, sorted([large(number), large(number % 2 + 10)])


def assert_right(folder: Path) -> None:
    """Assert that the shared store holds right results only, and that a check finds nothing."""
    store = cas.open(f"file://{folder}/shared?grace=0s")
    assert_intact(store)
    for number in range(WORDS):
        assert get(store, number, always=True) in (None, expected(number))


@pytest.mark.parametrize(
    "place",
    ["file://{mine}/../shared?grace=10min", "{mine}/near,file://{mine}/../shared?grace=10min"],
    ids=["shared", "chain"],
)
def test_two_hosts(tmp_path, place):
    """Hosts that store, read, forget and collect the same keys at once serve each other, and never a wrong value."""
    hosts = [Host(tmp_path, place, me, 250) for me in (1, 2)]
    for host in hosts:
        host.start()
    served = [host.finish() for host in hosts]
    assert min(served) > 0
    assert_right(tmp_path)
    store = cas.open(f"file://{tmp_path}/shared?grace=0s")
    for me in (1, 2):
        assert get(store, 100 + me, always=True)[0] == b"own"


def test_result_of_one_host_is_a_hit_of_the_other(tmp_path):
    """What one host stored in the shared folder, another is served, with the same bytes and provenance."""
    program = (
        "import cas, sys; from tests.deposits import *\nput(cas.open(sys.argv[1]), 1, b'root', (large(1),), cost=2.5)"
    )
    url = f"file://{tmp_path}/shared"
    subprocess.run([sys.executable, "-c", program, url], check=True, cwd=ROOT, env=os.environ | {"HOME": str(tmp_path)})
    from tests.deposits import key, large

    store = cas.open(url)
    assert get(store, 1, always=True) == (b"root", [large(1)])
    assert store.fetch(key(1))[3] == 2.5
    assert store.entry(key(1)).provenance == {"host": "here"}


@pytest.mark.soak
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "place",
    ["file://{mine}/../shared?grace=10min", "{mine}/near,file://{mine}/../shared?grace=10min"],
    ids=["shared", "chain"],
)
def test_hosts_that_die(tmp_path, place):
    """Hosts killed at any moment leave right results to others, and nothing that a repair cannot clear."""
    chance = random.Random(7)
    ends = time.monotonic() + 60
    me = 1
    while time.monotonic() < ends:
        hosts = [Host(tmp_path, place, me + number, 100_000) for number in range(3)]
        for host in hosts:
            host.start()
        time.sleep(chance.uniform(0.05, 1.5))
        for host in hosts:
            host.kill()
        me += len(hosts)
        assert_right(tmp_path)
