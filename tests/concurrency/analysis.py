"""Cached functions that real processes call; each computation leaves a line in the ledger."""

from __future__ import annotations

import os
import signal
import time

import memo


def note(text: object) -> None:
    """Write one line into the ledger."""
    with open(os.environ["LEDGER"], "a") as ledger:
        ledger.write(f"{text}\n")


@memo.cached
def slow(x):
    """Take long enough for others to come and wait."""
    note(x)
    time.sleep(0.3)
    return {"x": x, "square": [x * x]}


@memo.cached
def fatal(x):
    """Kill the process that computes first, as the system does when memory is short."""
    note(x)
    if os.environ.get("DIES"):
        os.kill(os.getpid(), signal.SIGKILL)
    return [x]


@memo.cached
def even(n):
    """Call `odd`, which calls `even`."""
    return True if n == 0 else odd(n - 1)


@memo.cached
def odd(n):
    """Call `even`, which calls `odd`."""
    return False if n == 0 else even(n - 1)


@memo.cached
def outer(x):
    """Call another cached function twice."""
    note(f"outer {x}")
    return slow(x)["x"] + slow(x + 1)["x"]


def square(x):
    """Be called by a worker."""
    return slow(x)["square"]
