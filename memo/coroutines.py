"""Calls of coroutine functions: one computation of a call key in one event loop, and no waiting that blocks the loop.

A hit is served as it is for any function. On a miss, the first to await computes in its own task, so that it is
cancelled like any other; the others of its loop wait, and look again. If it was cancelled, one of them takes its place;
if nothing could be stored, each computes by itself, as without a cache. Other threads and processes are kept out by the
claim of the store, which is only ever tried: whoever finds it taken sleeps, and tries again.
"""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager, nullcontext
from types import CoroutineType
from weakref import WeakKeyDictionary

import cas
from memo.errors import CacheWarning, MemoError, Raised, hint_of, warn
from memo.flight import AUDIT, land, look_again

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future, Task
    from collections.abc import Callable
    from typing import Any

    from cas import Store
    from memo.flight import Flight

    Flights = dict[tuple[str, bytes], tuple[Task[Any] | None, Future[bool]]]
    """By store and call key: who computes it, and what is done when that ends; False if it was cancelled."""

# A claim that another thread or process holds is tried again after so many seconds, then after longer.
_SHORTEST, _LONGEST = 0.002, 0.25
_flights: WeakKeyDictionary[AbstractEventLoop, Flights] = WeakKeyDictionary()


async def conduct(serve: Callable[[list[Any]], Any], values: list[Any]) -> Any:
    """Return the value of a call, awaited if it has to be computed."""
    served = serve(values)
    return await served if type(served) is CoroutineType else served


async def compute(flight: Flight) -> Any:
    """Compute a call that missed, unless another coroutine, thread or process does so first; see `memo.flight`."""
    asyncio = sys.modules.get("asyncio")
    try:
        loop = asyncio.get_running_loop() if asyncio is not None else None
    except RuntimeError:
        loop = None
    if asyncio is None or loop is None:
        return await _run(flight)  # another library's loop, whose tasks have no way to wait for each other here
    store = flight.caller._store  # noqa: SLF001 - same package
    place = store.location if store else "", flight.key
    flights, me = _flights.setdefault(loop, {}), asyncio.current_task()
    while place in flights:
        task, done = flights[place]
        ended = task is me or await asyncio.shield(done)
        found, value = (False, None) if task is me else look_again(flight)
        if found or ended:  # a call inside itself does not wait for itself
            return value if found else await _run(flight)
    ended, done = False, loop.create_future()
    flights[place] = me, done
    try:
        claim = await _claimed(flight, asyncio.sleep)
        try:
            found, value = look_again(flight)
            value = value if found else await _run(flight)
        finally:
            _release(flight, claim)
        ended = True
    except Exception:
        ended = True
        raise
    finally:
        del flights[place]
        done.set_result(ended)
    return value


async def _claimed(flight: Flight, sleep: Callable[[float], Any]) -> AbstractContextManager[None]:
    """Return the claim on the call, once it is free; nothing if the store gives none."""
    pause = _SHORTEST
    try:
        store: Store = flight.caller.open()
        while (claim := store.try_claim(flight.key)) is None:
            await sleep(pause)
            pause = min(2 * pause, _LONGEST)
    except Exception:  # noqa: BLE001 - a store that takes no result says so when it is given one
        return nullcontext()
    return claim


def _release(flight: Flight, claim: AbstractContextManager[None]) -> None:
    try:
        claim.__exit__(None, None, None)
    except Exception as error:  # noqa: BLE001 - promise 2: what was computed is not lost to it
        warn(f"{flight.caller.name} could not end its claim: {error}", hint_of(error))


async def _run(flight: Flight) -> Any:
    caller = flight.caller
    when, start = time.time(), time.perf_counter()
    try:
        if AUDIT:
            from memo.auditing import await_audited  # noqa: PLC0415 - only where the environment asks for it

            value = await await_audited(caller, flight.version, flight.values)
        else:
            value = await caller.forward(caller.function, flight.values)
    except caller.policy.exceptions as error:
        if not isinstance(error, CacheWarning | cas.CasError | MemoError):
            land(flight, Raised(error), when, time.perf_counter() - start)
        raise
    return land(flight, value, when, time.perf_counter() - start)
