"""How time is taken: contestants alternate in short rounds of one process; medians and quartiles are reported.

What disturbs one (another program, a slower clock) disturbs all, so ratios hold where absolute figures wander.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ROUND_SECONDS = 0.004


def nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to do the work.

    Attributes:
        name: Who.
        run: The work, once.
        prepare: Called untimed before each round.
        clean: Called untimed after each round.
    """

    name: str
    run: Callable[[], object]
    prepare: Callable[[], object] = nothing
    clean: Callable[[], object] = nothing


@dataclass(frozen=True, slots=True)
class Measure:
    """What one contestant took for one piece of work, in seconds."""

    work: str
    who: str
    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio to be reached.

    Attributes:
        work: The piece of work.
        asked: The goal as people say it.
        measured: What was measured, as people say it.
        reached: Whether it was reached.
    """

    work: str
    asked: str
    measured: str
    reached: bool


def interleave(work: str, contestants: Sequence[Contestant], rounds: int, once: bool = False) -> list[Measure]:
    """Return the time of one run for each contestant, over rounds in which all take their turn.

    A round repeats the work until it takes some milliseconds, or runs it once where it is large or changes
    what comes after (`once`). The order turns with the rounds.
    """
    numbers = [1 if once else _calibrate(contestant) for contestant in contestants]
    samples: list[list[float]] = [[] for _ in contestants]
    for turn in range(rounds):
        for step in range(len(contestants)):
            i = (turn + step) % len(contestants)
            samples[i].append(_round(contestants[i], numbers[i]))
    return [summarise(work, c.name, taken) for c, taken in zip(contestants, samples, strict=True)]


def summarise(work: str, who: str, taken: Sequence[float]) -> Measure:
    """Return median and quartiles of samples."""
    low, median, high = statistics.quantiles(taken, n=4, method="inclusive") if len(taken) > 1 else [taken[0]] * 3
    return Measure(work, who, median, low, high)


def _calibrate(contestant: Contestant) -> int:
    """Return how often the work fits into one round, after a warm-up."""
    contestant.prepare()
    contestant.run()
    contestant.clean()
    return max(1, min(20_000, int(ROUND_SECONDS / max(_round(contestant, 1), 1e-7))))


def _round(contestant: Contestant, number: int) -> float:
    """Return the seconds that one run took on average in one round, the collector resting."""
    contestant.prepare()
    run, repeats = contestant.run, range(number)
    gc.collect() if number == 1 else None
    gc.disable()
    try:
        begin = time.perf_counter()
        for _ in repeats:
            run()
        taken = time.perf_counter() - begin
    finally:
        gc.enable()
    contestant.clean()
    return taken / number


def median_of(measures: Sequence[Measure], who: str) -> float | None:
    """Return one contestant's median, None if it did not take part."""
    return next((measure.median for measure in measures if measure.who == who), None)


def faster(measures: Sequence[Measure], ours: str, other: str, least: float) -> list[Goal]:
    """Return the goal of being `least` times as fast as another; none if the other did not take part."""
    mine, theirs = median_of(measures, ours), median_of(measures, other)
    if mine is None or theirs is None:
        return []
    ratio = theirs / mine
    return [Goal(measures[0].work, f">= {least:g} x as fast as {other}", f"{ratio:.1f} x", ratio >= least)]


def slower(measures: Sequence[Measure], ours: str, other: str, most: float) -> list[Goal]:
    """Return the goal of taking at most `most` times as long as another; none if that did not take part."""
    mine, theirs = median_of(measures, ours), median_of(measures, other)
    if mine is None or theirs is None:
        return []
    ratio = mine / theirs
    return [Goal(measures[0].work, f"<= {most:g} x the time of {other}", f"{ratio:.2f} x", ratio <= most)]
