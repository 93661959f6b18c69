"""A system call that fails is an error of the store with a mend, and loses nothing."""

from __future__ import annotations

import errno
import os
import shutil

import pytest

import cas
from tests.deposits import assert_intact
from tests.faults.saboteur import Saboteur, fail
from tests.faults.workload import STATES, STEPS, state_of


def _files() -> int:
    return len(os.listdir("/proc/self/fd"))


def _live(folder, saboteur: Saboteur) -> list[bool]:
    """Run the workload; return which steps were done, all others having raised an error that explains itself."""
    done = []
    with saboteur.at_work():
        for step in STEPS:
            try:
                step(cas.open(folder))
                done.append(True)
            except cas.CasError as error:
                assert error.hint, error  # noqa: PT017 - any step may raise, or none
                done.append(False)
    return done


def _check(folder, done: list[bool]) -> None:
    """Assert that the store holds what the steps that were done left, and works on."""
    store = cas.open(folder)
    store.close()
    found = state_of(store)
    if all(done):
        assert found == STATES[-1]
    # A step that failed did all of its work or none, so that each entry is as one of the states has it ...
    for number, value in found.items():
        assert value in [state[number] for state in STATES if number in state]
    # ... and what was done before the first failure is still there, unless a later step removed it.
    last = {step: number for step, number in ((2, 3), (6, 5)) if done[step]}
    assert set(last.values()) <= set(found)
    assert_intact(store)
    for step in STEPS:
        step(store)
    assert state_of(store) == STATES[-1]
    assert_intact(store)
    store.close()


KINDS = [(errno.ENOSPC, False), (errno.EIO, False), (errno.EACCES, False), (errno.ENOSPC, True), (errno.EIO, True)]


def _fail_at_every_step(folder, number: int, lasting: bool, first: int, stride: int) -> None:
    at, struck, before = first, True, _files()
    while struck:
        saboteur = Saboteur(at, fail(number), lasting)
        done = _live(folder / str(at), saboteur)
        struck = saboteur.struck
        _check(folder / str(at), done)
        shutil.rmtree(folder / str(at))
        at += stride
    assert all(done)
    assert at > 100
    assert _files() <= before + 1


@pytest.mark.parametrize(
    "kind", range(len(KINDS)), ids=["full", "broken", "refused", "full-for-good", "broken-for-good"]
)
def test_failing_at_every_step(memory_folder, kind):
    """Any call that fails, once or from then on, raises a CasError with a hint and loses no other result."""
    # Each kind of failure meets every fifth call here; all of them meet all calls in the long run below.
    _fail_at_every_step(memory_folder, *KINDS[kind], first=kind, stride=len(KINDS))


@pytest.mark.soak
@pytest.mark.parametrize("kind", range(len(KINDS)))
def test_failing_at_every_step_in_every_way(memory_folder, kind):
    """Any call that fails in any way raises a CasError with a hint and loses no other result."""
    _fail_at_every_step(memory_folder, *KINDS[kind], first=0, stride=1)
