"""Cached functions that real processes call; each computation leaves a line in the ledger."""

from __future__ import annotations

import builtins
import os
import sys
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
    """Compute until killed, where the test says so."""
    note(x)
    if os.environ.get("DIES"):
        print("computes", flush=True)
        sys.stdin.readline()
    return [x]


@memo.cached
def second_try(go, error="ZeroDivisionError"):
    """Raise at the first computation of all, once a byte comes through the pipe `go`."""
    note("second_try")
    with open(os.environ["LEDGER"]) as ledger:
        first = ledger.read() == "second_try\n"
    if first:
        os.read(go, 1)
        raise getattr(builtins, error)
    return "second"


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
