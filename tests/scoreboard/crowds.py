"""X3 and X15: several processes at once, and one of them dies."""

from __future__ import annotations

from .scenario import Phase, Scenario, program

SLOW = program("""
    import time

    @cached
    def f(x):
        ran()
        time.sleep(0.4)
        return x + 1
    """)

QUICK = program("""
    import numpy as np

    @cached
    def f(x):
        ran()
        return np.full(20_000, float(x))
    """)

STALLING = program("""
    from witness import stall

    @cached
    def f(x):
        ran()
        stall()
        return x + 1
    """)

ONE = (("f(1)", "2"),)
MANY = tuple((f"f({i})", f"np.full(20_000, {i}.0)") for i in range(8))

SCENARIOS = [
    Scenario("X3.single-flight", "Let six processes make one call at once.",
             (Phase(SLOW.files(), ONE, 1, processes=6),)),
    Scenario("X3.leader-killed", "Let three processes make one call, and kill the one that computes.", (
        Phase(STALLING.files(), ONE, 2, processes=3, kill_leader=True), Phase(STALLING.files(), ONE, 0))),
    Scenario("X15.cold-start", "Let twenty processes begin on a store that is not there yet.", (
        Phase(QUICK.files(), MANY, 8, processes=20), Phase(QUICK.files(), MANY, 0))),
]  # fmt: skip
