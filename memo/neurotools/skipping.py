"""Whether a result is sooner computed than fetched, as one function's calls have shown so far.

Owns the figures; whichever way it is, the call returns its value.
"""

from __future__ import annotations

from collections import deque

# Nothing is skipped before so many fetches were measured: the first one also loads what reads the result.
_ENOUGH = 3
# How many of the latest measurements count, and how often one is made anew of what would be skipped.
_LATEST = 15
_AGAIN = 16


class Skipping:
    """Learns what fetching and computing take, and says when to compute what is stored."""

    def __init__(self) -> None:
        self._fetches: deque[float] = deque(maxlen=_LATEST)
        self._paces: deque[float] = deque(maxlen=_LATEST)
        self._asked = 0

    def skips(self, cost: float) -> bool:
        """Return whether a result is to be computed although it is stored.

        Args:
            cost: Seconds that it took when it was stored; 0 if that is not known.
        """
        if len(self._fetches) < _ENOUGH or cost <= 0:
            return False
        pace = _median(self._paces) if self._paces else 1.0
        if cost * pace >= _median(self._fetches):
            return False
        self._asked += 1
        return self._asked % _AGAIN != 0

    def fetched(self, seconds: float) -> None:
        """Note how long a fetch took."""
        self._fetches.append(seconds)

    def computed(self, cost: float, seconds: float) -> None:
        """Note how long computing took what once took `cost`: this machine may be another."""
        self._paces.append(seconds / cost)


def _median(figures: deque[float]) -> float:
    return sorted(figures)[len(figures) // 2]
