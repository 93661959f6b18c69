"""The shared store in a folder, when a process dies or a system call fails at any step."""

from __future__ import annotations

import errno
import shutil
import signal

import pytest

import cas
from tests.deposits import assert_intact
from tests.faults.saboteur import Saboteur, fail
from tests.faults.workload import NUMBERS, STATES, STEPS, killed, state_of


def url(folder) -> str:
    """Return the location of a shared store there, whose sweeps wait for nothing."""
    return f"file://{folder}?grace=0s"


def works_on(place: str) -> None:
    """Assert that nothing is damaged, and that a store goes on as if nothing had happened."""
    store = cas.open(place)
    assert_intact(store)
    for step in STEPS:
        step(store)
    assert state_of(store) == STATES[-1]
    assert_intact(store)


# Each third step here, and every one in `make soak`: a process for each, which takes half a minute.
STRIDES = [3, pytest.param(1, marks=pytest.mark.soak)]


@pytest.mark.parametrize("stride", STRIDES)
def test_killed_at_every_step(memory_folder, stride):
    """Every entry is as it was before or after the step that died, and none is half there."""
    at, status = 0, -signal.SIGKILL
    while status == -signal.SIGKILL:
        place = url(memory_folder / str(at))
        status, steps = killed(place, at)
        found = state_of(cas.open(place))
        for number in NUMBERS:
            assert found.get(number) in [state.get(number) for state in STATES[steps : steps + 2]], (at, number)
        works_on(place)
        shutil.rmtree(memory_folder / str(at))
        at += stride
    assert (status, steps) == (0, len(STEPS))
    assert at > 50


KINDS = [(number, lasting) for number in (errno.ENOSPC, errno.EIO, errno.EACCES) for lasting in (False, True)]


def fail_at_every_step(folder, kind: int, first: int, stride: int) -> None:
    """Let calls fail in one way, each in a store of its own, and assert what must be true after."""
    number, lasting = KINDS[kind]
    at, struck = first, True
    while struck:
        place = url(folder / str(at))
        saboteur = Saboteur(at, fail(number), lasting)
        done = []
        with saboteur.at_work():
            for step in STEPS:
                try:
                    step(cas.open(place))
                    done.append(True)
                except cas.CasError as error:
                    assert error.hint, error  # noqa: PT017 - any step may raise, or none
                    done.append(False)
        struck = saboteur.struck
        found = state_of(cas.open(place))
        for name, value in found.items():
            assert value in [state[name] for state in STATES if name in state]
        assert {name for step, name in ((2, 3), (6, 5)) if done[step]} <= set(found)
        works_on(place)
        shutil.rmtree(folder / str(at))
        at += stride
    assert all(done)


@pytest.mark.parametrize("kind", range(len(KINDS)))
def test_failing_at_every_step(memory_folder, kind):
    """A call that fails is an error of the store with a hint; other results stay, and what was done is served."""
    # Each kind of failure meets every sixth call here; all of them meet all calls in the long run below.
    fail_at_every_step(memory_folder, kind, first=kind, stride=len(KINDS))


@pytest.mark.soak
@pytest.mark.parametrize("kind", range(len(KINDS)))
def test_failing_at_every_step_in_every_way(memory_folder, kind):
    """A call that fails in any way is an error of the store with a hint, and loses no other result."""
    fail_at_every_step(memory_folder, kind, first=0, stride=1)
