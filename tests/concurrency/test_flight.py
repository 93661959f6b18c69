"""One computation a call key: across threads, processes, pools and forks; and nobody waits for the dead."""

from __future__ import annotations

import concurrent.futures
import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections import Counter

import pytest

import cas
import memo
from tests.concurrency import analysis
from tests.concurrency.crowd import Crowd, run_together
from tests.concurrency.test_threads import run_threads
from tests.deposits import assert_intact, forked

# Python 3.12 warns of any fork while threads run; that they meet no lock of ours is what is shown here.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


@pytest.fixture
def ledger(tmp_path, monkeypatch):
    """Return a function that counts the computations so far."""
    path = tmp_path / "ledger"
    path.touch()
    monkeypatch.setenv("LEDGER", str(path))
    # The functions are a module's, so they open the store of the first test that uses them, unless told.
    for function in (analysis.slow, analysis.fatal, analysis.even, analysis.odd, analysis.outer, analysis.second_try):
        caller = function.cache._caller
        monkeypatch.setattr(caller, "_store", None)
        monkeypatch.setattr(caller, "_version", None)
        monkeypatch.setattr(caller, "_rooted", {})
        for count in ("misses", "bypassed", "_past_hits", "_past_saved"):
            monkeypatch.setattr(caller, count, 0)
    return lambda: Counter(path.read_text().split("\n")[:-1])


def intact() -> None:
    """Assert that fsck finds nothing in the store of this test."""
    assert_intact(cas.open())


CALL = """
from tests.concurrency import analysis
print(analysis.slow(7))
"""


def test_processes_that_ask_together_compute_once(tmp_path, ledger):
    """Eight processes that ask for the same result at the same moment compute it once, and all have it."""
    assert run_together(CALL, tmp_path, 8) == ["{'x': 7, 'square': [49]}\n"] * 8
    assert ledger() == {"7": 1}
    intact()


FATAL = """
from tests.concurrency import analysis
print("asks", flush=True)
print(analysis.fatal(3))
"""


def test_death_of_the_process_that_computes(tmp_path, ledger, monkeypatch):
    """When the process that computes is killed, one of those that wait computes instead."""
    monkeypatch.setenv("DIES", "yes")
    doomed = Crowd(FATAL, tmp_path, [0])
    monkeypatch.delenv("DIES")
    others = Crowd(FATAL, tmp_path, range(1, 5))
    doomed.start()
    [leader] = doomed.members
    assert [leader.stdout.readline(), leader.stdout.readline()] == ["asks\n", "computes\n"]
    others.start()
    assert [member.stdout.readline() for member in others.members] == ["asks\n"] * 4
    leader.kill()
    leader.communicate(timeout=60)
    assert others.finish() == ["[3]\n"] * 4
    assert leader.returncode == -signal.SIGKILL
    assert ledger() == {"3": 2}
    intact()


SWAY = """
from tests.concurrency import analysis
for n in range(12):
    first, second = (analysis.even, analysis.odd) if me % 2 else (analysis.odd, analysis.even)
    assert {first(n), second(n)} == {True, False}
    assert analysis.even(n) is (n % 2 == 0)
"""


def test_functions_that_call_each_other_from_processes(tmp_path):
    """Processes that go into two mutually recursive functions from both ends all come out."""
    run_together(SWAY, tmp_path, 4)
    intact()


def test_functions_that_call_each_other_from_threads(ledger):
    """Threads that go into two mutually recursive functions from both ends all come out."""

    def work(me: int) -> None:
        for n in range(30):
            first, second = (analysis.even, analysis.odd) if me % 2 else (analysis.odd, analysis.even)
            assert {first(n), second(n)} == {True, False}
            assert analysis.even(n) is (n % 2 == 0)

    run_threads(6, work)
    intact()


def test_threads_that_ask_together_compute_once(ledger):
    """Threads that ask for the same results at the same moment compute each once, and all hits are counted."""
    results: list[object] = []
    run_threads(12, lambda me: results.append(analysis.slow(me % 3)))
    assert sorted(result["x"] for result in results) == sorted([0, 1, 2] * 4)
    assert ledger() == {"0": 1, "1": 1, "2": 1}
    stats = analysis.slow.cache.stats()
    assert (stats.hits, stats.misses) == (9, 3)
    intact()


def test_threads_do_not_share_a_result(ledger):
    """What one thread does to its result never shows in another's, even where they waited for the same flight."""
    results: list[dict] = []

    def work(me: int) -> None:
        result = analysis.slow(5)
        result["square"].append(me)
        results.append(result)

    run_threads(6, work)
    assert sorted(result["square"] for result in results) == [[25, me] for me in range(6)]
    assert analysis.slow(5) == {"x": 5, "square": [25]}


def test_different_keys_do_not_wait_for_each_other(ledger, tmp_path):
    """A thread computes while another is in the middle of computing the same function for another argument."""
    inside, done = threading.Event(), threading.Event()

    @memo.cached
    def f(first):
        if first:
            inside.set()
            assert done.wait(30)
        return first

    thread = threading.Thread(target=f, args=(True,), daemon=True)
    thread.start()
    assert inside.wait(30)
    assert f(False) is False
    done.set()
    thread.join(30)
    assert f.cache.stats().misses == 2


def test_nested_cached_functions(ledger):
    """A cached function that calls another computes each once, and threads at both depths come out."""
    run_threads(6, lambda me: analysis.outer(1) if me % 2 else analysis.slow(1 + me // 4))
    assert analysis.outer(1) == 3
    assert ledger() == {"outer 1": 1, "1": 1, "2": 1}
    intact()


def test_error_in_the_leader_lets_the_next_compute(ledger):
    """When the thread that computes raises, only its caller sees the error, and one that waits computes."""
    outcomes: list[object] = []
    go = os.pipe()

    def work() -> None:
        try:
            outcomes.append(analysis.second_try(go[0]))
        except ZeroDivisionError:
            outcomes.append("raised")

    threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    os.write(go[1], b"go")
    for thread in threads:
        thread.join(30)
    for end in go:
        os.close(end)
    assert sorted(outcomes) == ["raised", "second", "second", "second"]
    assert ledger() == {"second_try": 2}
    intact()


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, ValueError])
def test_interrupted_computation_leaves_no_claim(ledger, kind):
    """After an interrupt in the middle of a computation, another thread computes the same call at once."""
    ready = os.pipe()
    os.write(ready[1], b"go")
    with pytest.raises(kind):
        analysis.second_try(ready[0], kind.__name__)
    results: list[str] = []
    run_threads(2, lambda _: results.append(analysis.second_try(ready[0], kind.__name__)))
    for end in ready:
        os.close(end)
    assert results == ["second", "second"]
    assert ledger() == {"second_try": 2}


# What ends a claim, a lock, a transaction: an interrupt at the first instruction of these cannot be caught by anyone.
_ENDS = {"__exit__", "exit", "_leave", "_end", "release"}


def _interrupt_at(number: int, folder: str) -> tuple[bool, bool]:
    """Call a function, interrupted as the n-th function of ours is entered; was it, and is the call free then?"""

    @memo.cached(store=folder)
    def f(x):
        return [x]

    seen = [0]

    def trace(frame, event, argument):
        code = frame.f_code
        if code.co_name not in _ENDS and ("/memo/" in code.co_filename or "/cas/" in code.co_filename):
            seen[0] += 1
            if seen[0] == number:
                raise KeyboardInterrupt

    interrupted = False
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        f(number)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        sys.settrace(before)
    results: list[object] = []
    thread = threading.Thread(target=lambda: results.append(f(number)), daemon=True)
    thread.start()
    thread.join(20)
    return interrupted, results == [[number]]


# An interrupt between the opening of a connection and its keeping leaves it to the collector, which says so in 3.13.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_interrupt_at_every_step_leaves_no_claim(tmp_path):
    """Wherever in the life of a miss the user interrupts, the next caller in another thread gets the value."""
    _interrupt_at(10**9, str(tmp_path / "store"))  # so that all modules are loaded and files parsed
    number, interrupted = -2, True
    # Every third step: all of them take four times as long as the rest of this file.
    while interrupted:
        number += 3
        interrupted, free = _interrupt_at(number, str(tmp_path / "store"))
        assert free, number
    assert number > 100
    assert_intact(cas.open(tmp_path / "store"))
    gc.collect()


# Forks and pools


def test_fork_inside_a_computation(ledger):
    """A child forked inside a computation calls cached functions of its own, and takes nothing from its parent."""

    @memo.cached
    def forks(x):
        assert forked(lambda: analysis.slow(x) == {"x": x, "square": [x * x]} or os._exit(1), 30) == 0
        return analysis.slow(x)["square"]

    assert forks(4) == [16]
    assert ledger() == {"4": 1}
    intact()


def test_child_forked_inside_a_computation_may_finish_it(ledger):
    """A child that carries the computation to its end returns and stores the value, as its parent does."""
    main = os.getpid()

    @memo.cached
    def both(x):
        child = os.fork()
        if child:
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        return [x]

    value = both(1)
    if os.getpid() != main:
        os._exit(0 if value == [1] and both(1) == [1] else 1)
    assert value == both(1) == [1]
    intact()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_pool_of_processes(ledger, method):
    """Workers of a process pool compute each result once, and every hit of theirs is counted once."""
    context = multiprocessing.get_context(method)
    analysis.slow(0)
    with concurrent.futures.ProcessPoolExecutor(3, mp_context=context) as pool:
        assert list(pool.map(analysis.square, [0, 1, 2] * 4)) == [[0], [1], [4]] * 4
    assert ledger() == {"0": 1, "1": 1, "2": 1}
    stats = analysis.slow.cache.stats()
    assert (stats.hits, stats.misses, stats.stored_hits) == (0, 1, 10)
    intact()


def test_pool_inside_a_computation(ledger):
    """A cached function may hand its work to a pool of processes that call other cached functions."""

    @memo.cached
    def total(n):
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
            return sum(square for [square] in pool.map(analysis.square, range(n)))

    assert total(3) == total(3) == 5
    assert ledger() == {"0": 1, "1": 1, "2": 1}
    intact()


def test_pool_of_threads(ledger):
    """Workers of a thread pool compute each result once."""
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        assert list(pool.map(analysis.square, [0, 1, 2] * 6)) == [[0], [1], [4]] * 6
    assert ledger() == {"0": 1, "1": 1, "2": 1}


def test_hits_before_a_fork_are_counted_once(ledger):
    """What the parent counted before a fork is recorded by the parent alone; the child records its own."""
    for _ in range(4):
        analysis.slow(9)

    def child() -> None:
        analysis.slow(9)
        analysis.slow.cache._caller.record_hits()

    assert forked(child) == 0
    assert analysis.slow.cache.stats().stored_hits == 4


def test_fork_while_threads_compute(ledger):
    """Children forked while other threads are in the middle of a first call finish theirs."""
    started = threading.Event()

    def work() -> None:
        for number in range(10, 14):
            started.set()
            analysis.slow(number)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert started.wait(30)
    statuses = [forked(lambda n=n: analysis.slow(20 + n % 2), 30) for n in range(4)]
    thread.join(30)
    assert statuses == [0] * 4
    assert ledger() == dict.fromkeys(("10", "11", "12", "13", "20", "21"), 1)
    intact()


def test_memory_tier_under_threads(tmp_path, monkeypatch):
    """Threads that fill a small memory tier at the same time get right values, and it keeps within its bounds."""
    monkeypatch.setattr("memo.caller.MEMORY_BYTES", 3000)

    @memo.cached(store=tmp_path / "store")
    def text(n):
        return [str(n)] * 10

    for n in range(30):
        text(n)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:

        def work(me: int) -> None:
            for turn in range(300):
                n = (turn * 7 + me % 2) % 30
                assert text(n) == [str(n)] * 10

        run_threads(8, work)
    finally:
        sys.setswitchinterval(before)
    version = text.cache._caller.current()
    assert text.cache.stats().misses == 30
    assert 0 < len(version.memory) < 10
    held = sum(len(kept[2]) + len(signature) + 300 for signature, kept in version.memory.items())
    assert version._occupied == held
