"""Calls of generator functions: their items are stored as they are consumed, and replayed lazily.

A stream is stored once it has ended. One that is left before, or that is given anything by `send` or `throw`, is
computed as without a cache, and nothing is said. Streams hold no claim: whoever consumes one may take all day, and two
that are computed at once are equal.
"""

from __future__ import annotations

import time

from memo.codecs.stream import Recording, Stored
from memo.errors import CacheWarning, warn
from memo.explain import trouble_of
from memo.flight import AUDIT, land

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from memo.caller import Caller
    from memo.flight import Flight

    Items = Generator[Any, Any, Any]


def replay(caller: Caller, serve: Callable[[list[Any]], Any], values: list[Any]) -> Items:
    """Yield the items of a call, and return what its generator returned."""
    served = serve(values)
    if type(served) is Stored:
        return (yield from _replayed(caller, values, served))
    return (yield from served)


def _replayed(caller: Caller, values: list[Any], stored: Stored) -> Items:
    items, count, sent, thrown = stored.items(), 0, None, None
    while sent is thrown is None:
        try:
            if count == stored.count:
                return stored.returned()
            item = next(items)
        except Exception as error:  # noqa: BLE001 - whatever fails, the store or a file that goes meanwhile: compute
            warn(f"{caller.name} could not use what is stored: {trouble_of(error)}")
            break
        count += 1
        try:
            sent = yield item
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001 - it is the generator's to handle
            thrown = error
    # Out of every `except`, here and below, or the generator would run as if it handled that exception.
    live = _advanced(caller, values, count)
    step, given = (live.send, sent) if thrown is None else (live.throw, thrown)
    return (yield from _conduct(live, step, given))


def _advanced(caller: Caller, values: list[Any], count: int) -> Items:
    """Return the function's own generator after so many items."""
    live: Items = caller.forward(caller.function, values)
    for _ in range(count):
        next(live)
    return live


def _conduct(live: Items, step: Callable[[Any], Any], given: Any) -> Items:
    """Go on with a generator, from a step that gives it something."""
    while True:
        try:
            item = step(given)
        except StopIteration as end:
            return end.value
        try:
            step, given = live.send, (yield item)
        except GeneratorExit:
            live.close()
            raise
        except BaseException as thrown:  # noqa: BLE001 - it is the generator's to handle
            step, given = live.throw, thrown


def compute(flight: Flight) -> Items:
    """Yield the items as the function makes them, and store them when it has ended."""
    caller = flight.caller
    live = _made(flight)
    recording, when, cost = Recording(caller.policy.compress), time.time(), 0.0
    try:
        while True:
            start = time.perf_counter()
            try:
                item = next(live)
            except StopIteration as end:
                _end(flight, recording, end.value, when, cost + time.perf_counter() - start)
                return end.value
            cost += time.perf_counter() - start
            if not _record(flight, recording, item):
                return (yield from _from(live, item))
            thrown: BaseException | None = None
            try:
                given = yield item
            except GeneratorExit:
                live.close()
                raise
            except BaseException as error:  # noqa: BLE001 - it is the generator's to handle
                thrown = error
            if thrown is not None:
                return (yield from _conduct(live, live.throw, thrown))
            if given is not None:
                return (yield from _conduct(live, live.send, given))
    finally:
        recording.close()


def _made(flight: Flight) -> Items:
    """Return the function's own generator."""
    caller = flight.caller
    if AUDIT:
        from memo.auditing import stream_audited  # noqa: PLC0415 - only where the environment asks for it

        made: Items = stream_audited(caller, flight.version, flight.values)
    else:
        made = caller.forward(caller.function, flight.values)
    return made


def _from(live: Items, item: Any) -> Items:
    """Go on with a generator from an item that it has made."""
    return (yield from _conduct(live, lambda _: item, None))


def _record(flight: Flight, recording: Recording, item: Any) -> bool:
    """Take an item into the recording; False, said aloud, if it cannot be stored."""
    try:
        recording.add(item)
    except Exception as error:  # noqa: BLE001 - promise 2: whatever a codec does, the caller gets the item
        _say(flight, f"item {recording.count}: {trouble_of(error)}", item)
        return False
    return True


def _end(flight: Flight, recording: Recording, returned: Any, when: float, cost: float) -> None:
    """Store what is recorded, unless the arguments are others now: who consumes a stream can change them meanwhile."""
    try:
        recording.finish(returned)
        same = flight.caller.keys.encode(flight.values)[0] == flight.signature
    except Exception as error:  # noqa: BLE001 - as above
        _say(flight, trouble_of(error), returned)
        return
    if same:
        land(flight, recording, when, cost)
    else:
        _say(flight, "an argument changed meanwhile\nhint: change copies, or consume the stream first", returned)


def _say(flight: Flight, why: str, value: Any) -> None:
    try:
        warn(f"{flight.caller.name} computes its items, which are not stored: {why}")
    except CacheWarning as error:  # the user's filter makes it an error: the value goes with it
        error.value = value
        raise
