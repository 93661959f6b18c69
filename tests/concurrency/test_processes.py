"""Many processes on one store: none is turned away, none loses a result, none sees half of one."""

from __future__ import annotations

import pytest

import cas
from tests.concurrency.crowd import Crowd, run_together
from tests.deposits import assert_intact, get, large

COLD = """
store = cas.open(folder)
put(store, me, b"root", (large(me % 3),), cost=me % 2)
assert get(store, me) == (b"root", [large(me % 3)])
"""


def test_cold_start_of_many(tmp_path):
    """Twenty processes that make the same new store at the same moment all store their result."""
    run_together(COLD, tmp_path / "store", 20)
    store = cas.open(tmp_path / "store")
    for number in range(20):
        assert get(store, number, always=True) == (b"root", [large(number % 3)])
    assert_intact(store)


HALF_PUTS = """
store = cas.open(folder)
for turn in range(150):
    number = turn * 8 + me
    put(store, number, b"%d" % number, cost=turn % 10)
    for other in range(8):
        found = get(store, turn // 2 * 8 + other)
        assert found in (None, (b"%d" % (turn // 2 * 8 + other), []))
"""


def test_half_puts(tmp_path):
    """Eight processes that write and read all the time are never told that the index is locked."""
    run_together(HALF_PUTS, tmp_path / "store", 8)
    store = cas.open(tmp_path / "store")
    assert [get(store, number) for number in range(1200)] == [(b"%d" % number, []) for number in range(1200)]
    assert_intact(store)


SAME = """
store = cas.open(folder)
for turn in range(40):
    put(store, turn, b"root", (large(turn), large(turn + 1)))
    assert get(store, turn) == (b"root", sorted([large(turn), large(turn + 1)]))
"""


def test_same_results_from_all(tmp_path):
    """Processes that store the same results at the same time all succeed, and each blob is stored once."""
    run_together(SAME, tmp_path / "store", 4)
    store = cas.open(tmp_path / "store")
    assert len(list(store.blobs())) == 41
    assert len(list(store.entries())) == 40
    assert_intact(store)


WRITE_AND_FORGET = """
import random
store = cas.open(folder)
chance = random.Random(me)
mine = {}
for turn in range(TURNS):
    number = 1000 * me + chance.randrange(10)
    shared = chance.randrange(6), chance.randrange(6)
    put(store, number, b"root", tuple(map(large, shared)), cost=turn % 9 == 0)
    mine[number] = (b"root", sorted(map(large, set(shared))))
    for known in list(mine):
        assert get(store, known) == mine[known], known
    if turn % 3 == 0:
        store.forget([key(number)])
        del mine[number]
print(sorted(mine))
"""
SWEEP = """
store = cas.open(folder)
while not os.path.exists(folder + "-done"):
    store.sweep([blob.digest for blob in store.blobs()])
"""


def _sweep_while_writing(folder, turns: int) -> None:
    sweeper = Crowd(SWEEP, folder, [0])
    writers = Crowd(WRITE_AND_FORGET.replace("TURNS", str(turns)), folder, range(1, 5))
    sweeper.start()
    writers.start()
    try:
        kept = [number for printed in writers.finish() for number in eval(printed)]
    finally:
        folder.with_name(folder.name + "-done").touch()
    sweeper.finish()
    store = cas.open(folder)
    assert all(get(store, number, always=True) is not None for number in kept)
    assert len(list(store.entries())) == len(kept)
    assert_intact(store)
    store.close()


def test_sweeps_while_writing(tmp_path):
    """No entry ever lacks a blob while others store, forget, and sweep all that is not needed (I4)."""
    _sweep_while_writing(tmp_path / "store", 40)


@pytest.mark.soak
def test_sweeps_while_writing_for_long(tmp_path):
    """No entry ever lacks a blob, however long others store, forget and sweep (I4)."""
    for turn in range(5):
        _sweep_while_writing(tmp_path / str(turn), 1500)


OPEN_AND_CLOSE = """
for turn in range(25):
    store = cas.open(folder)
    put(store, 100 * me + turn, b"%d" % turn)
    store.close()
"""


def test_opening_and_closing(tmp_path):
    """Processes that open and close the store all the time, the last one tidying up its log, lose nothing."""
    run_together(OPEN_AND_CLOSE, tmp_path / "store", 6)
    store = cas.open(tmp_path / "store")
    assert len(list(store.entries())) == 150
    assert all(get(store, 100 * me + turn) == (b"%d" % turn, []) for me in range(6) for turn in range(25))
    assert_intact(store)
