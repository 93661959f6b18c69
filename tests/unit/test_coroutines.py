"""`async def` functions: one computation for concurrent calls of one loop, and a loop that never stands still."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import os
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

import memo


class Gate:
    """What the functions under test wait for, and tell; found by a name that their code does not show."""

    def __init__(self):
        self.started = 0
        self.cancelled = 0
        self.open = asyncio.Event()
        self.failure = None


gates: dict[str, Gate] = {}
variable = contextvars.ContextVar("variable", default=0)


def make(tmp_path, **options):
    """Return a cached coroutine function that waits for the gate of its name, and the way to a gate."""

    @memo.cached(store=tmp_path / "store", **options)
    async def fetch(module, name):
        gate = sys.modules[module].gates[name]
        gate.started += 1
        try:
            await gate.open.wait()
        except asyncio.CancelledError:
            gate.cancelled += 1
            raise
        if gate.failure:
            raise gate.failure
        return [name, os.urandom(8)]

    return fetch


async def gather(fetch, name, count, before=0):
    """Return the outcomes of concurrent calls, whose gate opens once all have started or wait."""
    gate = gates[name] = Gate()
    tasks = [asyncio.create_task(fetch(__name__, name)) for _ in range(count)]
    for _ in range(20):
        await asyncio.sleep(0)
    gate.open.set()
    return gate, await asyncio.gather(*tasks, return_exceptions=True)


def test_wrapper_is_a_coroutine_function(tmp_path):
    """Tools that ask see what they saw before."""
    fetch = make(tmp_path)
    assert inspect.iscoroutinefunction(fetch)
    assert asyncio.iscoroutinefunction(fetch)
    assert fetch.__name__ == "fetch"


@pytest.mark.parametrize("value", [3, None, [1, {"a": (2.5,)}], np.arange(10.0), np.zeros(300_000)])
def test_second_call_is_a_hit_and_equal(tmp_path, value):
    """A coroutine's value comes back as it left, fresh each time."""

    @memo.cached(store=tmp_path / "store")
    async def echo(value):
        await asyncio.sleep(0)
        return value

    async def main():
        return [await echo(value) for _ in range(3)]

    results = asyncio.run(main())
    for result in results:
        assert type(result) is type(value)
        assert np.array_equal(result, value) if isinstance(value, np.ndarray) else result == value
    assert (echo.cache.stats().misses, echo.cache.stats().hits) == (1, 2)
    assert len({id(result) for result in results}) == 3 or isinstance(value, int | None)


def test_concurrent_calls_of_one_loop_compute_once(tmp_path):
    """All get equal values, each its own."""
    fetch = make(tmp_path)
    gate, values = asyncio.run(gather(fetch, "one", 20))
    assert gate.started == 1
    assert all(value == values[0] for value in values)
    values[0].append("changed")
    assert values[1] == values[2] != values[0]


def test_concurrent_calls_that_are_not_worth_storing_compute_once(tmp_path):
    """What `min_cost=` keeps in memory alone is found there by who waits for it."""
    fetch = make(tmp_path, min_cost=3600)
    gate, values = asyncio.run(gather(fetch, "cheap", 20))
    assert gate.started == 1
    assert all(value == values[0] for value in values)
    assert list(fetch.cache.entries()) == []


def test_loop_goes_on_while_a_call_is_awaited(tmp_path):
    """Other calls start and end while one waits."""
    fetch = make(tmp_path)

    async def main():
        slow, quick = gates.setdefault("slow", Gate()), gates.setdefault("quick", Gate())
        quick.open.set()
        waiting = [asyncio.create_task(fetch(__name__, "slow")) for _ in range(2)]
        await asyncio.sleep(0)
        assert (await fetch(__name__, "quick"))[0] == "quick"
        assert not any(task.done() for task in waiting)
        slow.open.set()
        first, second = await asyncio.gather(*waiting)
        assert first == second

    gates.clear()
    asyncio.run(main())


def test_cancelled_leader_does_not_lose_the_others(tmp_path):
    """The first is cancelled as if it were alone, another computes in its place, and the rest get that value."""
    fetch = make(tmp_path)

    async def main():
        gate = gates["leader"] = Gate()
        tasks = [asyncio.create_task(fetch(__name__, "leader")) for _ in range(5)]
        for _ in range(10):
            await asyncio.sleep(0)
        assert gate.started == 1
        tasks[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        assert gate.cancelled == 1
        for _ in range(10):
            await asyncio.sleep(0)
        gate.open.set()
        values = await asyncio.gather(*tasks[1:])
        assert gate.started == 2
        assert all(value == values[0] for value in values)

    asyncio.run(main())


def test_cancelled_follower_leaves_the_leader_alone(tmp_path):
    """Who only waits can stop waiting."""
    fetch = make(tmp_path)

    async def main():
        gate = gates["follower"] = Gate()
        tasks = [asyncio.create_task(fetch(__name__, "follower")) for _ in range(3)]
        for _ in range(10):
            await asyncio.sleep(0)
        tasks[1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[1]
        gate.open.set()
        first, third = await asyncio.gather(tasks[0], tasks[2])
        assert first == third
        assert (gate.started, gate.cancelled) == (1, 0)

    asyncio.run(main())


def test_cancelled_call_stores_nothing(tmp_path):
    """What was never returned is not there."""
    fetch = make(tmp_path)

    async def main():
        gates["alone"] = Gate()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(fetch(__name__, "alone"), 0.01)

    asyncio.run(main())
    assert list(fetch.cache.entries()) == []


def test_exception_passes_through_and_stores_nothing(tmp_path):
    """Each caller gets an exception of its own computation, side by side, as without a cache."""
    fetch = make(tmp_path)

    async def main():
        gate = gates["failing"] = Gate()
        gate.failure = OSError("no network")
        tasks = [asyncio.create_task(fetch(__name__, "failing")) for _ in range(4)]
        for _ in range(10):
            await asyncio.sleep(0)
        gate.open.set()
        return gate, await asyncio.gather(*tasks, return_exceptions=True)

    gate, errors = asyncio.run(main())
    assert all(error is gate.failure for error in errors)
    assert gate.started == 4
    assert list(fetch.cache.entries()) == []


def test_exception_that_is_asked_for_is_raised_again(tmp_path):
    """`cache_exceptions=` holds for coroutines; cancellation is no result."""
    fetch = make(tmp_path, cache_exceptions=OSError)

    async def main():
        gate = gates["failing"] = Gate()
        gate.failure = OSError("no network")
        gate.open.set()
        for _ in range(2):
            with pytest.raises(OSError, match="no network"):
                await fetch(__name__, "failing")
        return gate

    assert asyncio.run(main()).started == 1


def test_context_of_the_caller_is_that_of_the_function(tmp_path):
    """A context variable set inside is seen outside, as without a cache."""

    @memo.cached(store=tmp_path / "store")
    async def remember(module, x):
        sys.modules[module].variable.set(x)
        return x

    async def main():
        assert await remember(__name__, 7) == 7
        return variable.get()

    assert asyncio.run(main()) == 7


def test_call_inside_itself_does_not_wait_for_itself(tmp_path):
    """It goes on, as it would without a cache."""

    @memo.cached(store=tmp_path / "store")
    async def nested(module, x):
        if not sys.modules[module].variable.get():
            sys.modules[module].variable.set(1)
            return await nested(module, x) + 1
        return x

    async def main():
        variable.set(0)
        return await nested(__name__, 3)

    assert asyncio.run(asyncio.wait_for(main(), 20)) == 4


def test_two_loops_in_two_threads_compute_once(tmp_path):
    """The loop of the second goes on while it waits for the first."""
    fetch = make(tmp_path)
    first_runs, first_may_end, values, ticks = threading.Event(), threading.Event(), [], []

    @memo.cached(store=tmp_path / "store")
    async def slow(x, events):
        sys.modules[events].held[0].set()
        await asyncio.get_running_loop().run_in_executor(None, sys.modules[events].held[1].wait)
        return [x, os.urandom(8)]

    sys.modules[__name__].held = first_runs, first_may_end

    def lead():
        values.append(asyncio.run(slow(1, __name__)))

    async def follow():
        task = asyncio.create_task(slow(1, __name__))
        for _ in range(50):
            await asyncio.sleep(0)
            ticks.append(task.done())
        first_may_end.set()
        return await task

    thread = threading.Thread(target=lead)
    thread.start()
    assert first_runs.wait(20)
    values.append(asyncio.run(follow()))
    thread.join()
    assert values[0] == values[1]
    assert ticks == [False] * 50
    assert slow.cache.stats().misses == 1
    assert fetch.cache.stats().misses == 0


SCRIPT = """
import asyncio, os, sys
import memo

@memo.cached(store=sys.argv[1])
async def draw(x):
    print("started", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    return os.urandom(8).hex()

async def main():
    task = asyncio.create_task(draw(1))
    for _ in range(100):
        await asyncio.sleep(0)
    print("waiting", flush=True)
    print(await task, flush=True)

asyncio.run(main())
"""


def test_two_processes_compute_once(tmp_path):
    """The second waits for the first without standing still, and gets its value."""
    script = tmp_path / "drawing.py"
    script.write_text(textwrap.dedent(SCRIPT))
    command = [sys.executable, str(script), str(tmp_path / "store")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as first:
        assert first.stdout.readline() == "started\n"
        with subprocess.Popen(command, **pipes) as second:
            assert second.stdout.readline() == "waiting\n"
            value = first.communicate("\n")[0].split()[-1]
            assert second.communicate()[0].split() == [value]


def test_refresh_is_awaited_and_replaces(tmp_path):
    """The handle's methods that compute are coroutine functions as well."""
    fetch = make(tmp_path)

    async def main():
        gates["again"] = gate = Gate()
        gate.open.set()
        first = await fetch(__name__, "again")
        second = await fetch.cache.refresh(__name__, "again")
        assert first != second == await fetch(__name__, "again")

    asyncio.run(main())


def test_argument_without_a_form_is_awaited_as_well(tmp_path):
    """A bypass runs, and says so."""

    @memo.cached(store=tmp_path / "store")
    async def first(numbers):
        return next(numbers)

    with pytest.warns(memo.CacheWarning, match="ran without its cache"):
        assert asyncio.run(first(iter([5]))) == 5


def test_method_that_is_a_coroutine(tmp_path):
    """The state of `self` is in the key."""

    class Scaler:
        def __init__(self, factor):
            self.factor = factor

        @memo.cached(store=tmp_path / "store")
        async def scale(self, x):
            return self.factor * x

    async def main():
        return [await Scaler(2).scale(5), await Scaler(3).scale(5), await Scaler(2).scale(5)]

    assert asyncio.run(main()) == [10, 15, 10]
    assert Scaler.scale.cache.stats().misses == 2


def test_store_that_cannot_be_used_costs_a_warning_never_the_value(tmp_path):
    """Promise 2 holds in a loop."""
    (tmp_path / "store").write_text("a file")

    @memo.cached(store=tmp_path / "store")
    async def double(x):
        return 2 * x

    with pytest.warns(memo.CacheWarning):
        assert asyncio.run(double(4)) == 8


def test_unawaited_loop_of_another_kind(tmp_path):
    """A coroutine that no loop of asyncio drives computes and stores all the same."""

    @memo.cached(store=tmp_path / "store")
    async def double(x):
        return 2 * x

    for _ in range(2):
        with pytest.raises(StopIteration) as ended:
            double(4).send(None)
        assert ended.value.value == 8
    assert double.cache.stats().misses == 1
