"""What a type checker must see of `memo.cached`; checked by `make types`, never run."""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from typing import assert_type

import memo


@memo.cached
def scale(values: list[float], factor: float = 2.0, *, offset: int = 0) -> list[float]:
    """Return a scaled list."""
    return [factor * value + offset for value in values]


@memo.cached(store="./results", depends=[scale, "gains.csv", memo], version=("May", 2), pin={"numpy": "exact"})
def name(number: int) -> str:
    """Return a number's name."""
    return str(number)


class Model:
    """A class with a cached method."""

    @memo.cached
    def fit(self, steps: int) -> float:
        """Return a number."""
        return float(steps)


assert_type(scale([1.0], 3.0), list[float])
assert_type(scale([1.0], factor=3.0, offset=1), list[float])
assert_type(name(3), str)
assert_type(scale.cache.key([1.0], offset=1), str)
assert_type(scale.cache.contains([1.0]), bool)
assert_type(scale.__wrapped__([1.0]), list[float])
assert_type(Model().fit(3), float)
assert_type(scale.cache.explain([1.0], offset=1).outcome, str)
assert_type(scale.cache.manifest()[0].name, str)
assert_type(scale.cache.adopt("3f2a", calls=[([1.0], 2.0), {"values": [1.0]}]).verified, int)
assert_type(memo.audit(scale)([1.0]).clean, bool)
assert_type([miss.key for miss in memo.last_misses()], list[str])

# Each of these must be an error: the checkers complain of a comment that silences nothing.
scale("text")  # type: ignore[arg-type]
scale([1.0], offset="much")  # type: ignore[arg-type]
scale([1.0], unknown=1)  # type: ignore[call-arg]
scale()  # type: ignore[call-arg]
name(number=None)  # type: ignore[arg-type]
memo.cached(pin="major")  # type: ignore[call-overload]
scale.cache.explain(1)  # type: ignore[arg-type]
scale.cache.key(1)  # type: ignore[arg-type]
Model().fit("many")  # type: ignore[arg-type]
