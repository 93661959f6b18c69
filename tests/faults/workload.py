"""A short life of a store, step by step, and what must be in it after each step."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import cas
from tests.deposits import FUNCTION, call, forked, get, key, large, put
from tests.faults.saboteur import Saboteur, kill

if TYPE_CHECKING:
    from collections.abc import Callable

    State = dict[int, tuple[bytes, list[bytes]]]

HUGE = large(9, (1 << 20) + 5)
"""A blob that is hashed in a thread of its own and has its space reserved."""

_STEPS: list[tuple[Callable[[cas.Store], object], Callable[[State], State]]] = [
    (lambda store: put(store, 1, b"first"), lambda state: {**state, 1: (b"first", [])}),
    (lambda store: put(store, 2, large(2), cost=1.0), lambda state: {**state, 2: (large(2), [])}),
    (
        lambda store: put(store, 3, b"root", (large(2), large(3), HUGE), cost=1.0),
        lambda state: {**state, 3: (b"root", sorted([large(2), large(3), HUGE]))},
    ),
    (lambda store: put(store, 1, b"again", (large(4),)), lambda state: {**state, 1: (b"again", [large(4)])}),
    (lambda store: store.forget([key(2), key(1)]), lambda state: {3: state[3]}),
    (lambda store: store.sweep([blob.digest for blob in store.blobs()]), lambda state: state),
    (lambda store: _claimed(store), lambda state: {**state, 5: (large(4), [])}),
    (lambda store: store.record_hits(FUNCTION.fingerprint, 1, 1.0, [key(3)]), lambda state: state),
    (lambda store: store.remember(b"name", b"body"), lambda state: state),
    (
        lambda store: store.copy([(key(3), call(13)), (key(5), call(15))], {"copied": "yes"}),
        lambda state: {**state, 13: state[3], 15: state[5]},
    ),
]


def _claimed(store: cas.Store) -> None:
    with store.claim(key(5)):
        put(store, 5, large(4), cost=1.0)


NUMBERS = (1, 2, 3, 5, 13, 15)
STEPS = [step for step, _ in _STEPS]
STATES: list[State] = [{}]
for _, _after in _STEPS:
    STATES.append(_after(STATES[-1]))


def state_of(store: cas.Store) -> State:
    """Return what the store holds, every blob hashed."""
    found = {number: get(store, number, always=True) for number in NUMBERS}
    return {number: value for number, value in found.items() if value is not None}


def killed(place: str | os.PathLike[str], at: int) -> tuple[int, int]:
    """Run the workload in a child that dies at call `at`; return how it ended and how many steps it had done."""
    reader, writer = os.pipe()
    done = os.write

    def run() -> None:
        with Saboteur(at, kill).at_work():
            store = cas.open(place)
            for step in STEPS:
                step(store)
                done(writer, b".")

    status = forked(run)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        return status, len(file.read())
