"""Compiled functions that an audit watches: clocks, the machine's entropy, and Python's global random generator."""

from __future__ import annotations

import datetime
import os
import random
import sys
import time
from typing import TYPE_CHECKING

from memo.auditing.functions import RANDOM
from memo.auditing.places import Policy
from memo.auditing.randomness import makes_seeded_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from memo.auditing.witnesses import Moment

# Clocks read by the user's own functions only: libraries time and date what they do all the time.
_OWN_CODE = Policy(only=frozenset(), packages=False)
_CLOCKS = frozenset({"time", "time_ns", "ctime", "localtime", "gmtime", "strftime", "now", "utcnow", "today"})
_SEEDING = frozenset({"seed", "setstate"})


def _clock(owner: str) -> Callable[[Moment, str], None]:
    def see(moment: Moment, name: str) -> None:
        if name in _CLOCKS:
            moment.see("clock", f"{owner}.{name}", _OWN_CODE)

    return see


def _system(moment: Moment, name: str) -> None:
    if name in ("urandom", "getrandom") and not makes_seeded_state(moment.frame):
        moment.see("entropy", "fresh random numbers of the machine", RANDOM)


def _draw(moment: Moment, name: str) -> None:
    """Tell a draw from a seed: what is drawn after one is the same each time."""
    if name in _SEEDING:
        for trace in moment.traces:
            trace.made.add(("random", "random"))
    elif name != "getstate":
        moment.see("random", "random", RANDOM)


_GENERATOR = random.random.__self__  # type: ignore[attr-defined]  # the one generator behind the module's functions
# By the identity of what they belong to: each lives as long as the process.
WATCHED: dict[int, Callable[[Moment, str], None]] = {
    id(time): _clock("time"),
    id(datetime.datetime): _clock("datetime"),
    id(datetime.date): _clock("date"),
    id(sys.modules[os.urandom.__module__]): _system,
    id(_GENERATOR): _draw,
}
