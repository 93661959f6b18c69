"""How the results of one function are kept: the options of `memo.cached` that concern what a call returns.

Owns their checks. No part of a call key: every option returns the values that the function computes.
"""

from __future__ import annotations

import math
from collections import namedtuple
from time import time

import cas

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# An entry may be so much younger than now, since clocks differ and are set; one that is more has no known age.
_SKEW = 60.0


class Policy(namedtuple("Policy", "ttl exceptions codec compress min_cost readonly store_args")):
    """What is kept of a call, how, and for how long.

    Attributes:
        ttl: Seconds after which a result is computed again; None for never.
        exceptions: Classes of exceptions that are kept as results are.
        codec: "auto", or the name of a codec.
        compress: None, "zstd" or "auto".
        min_cost: Seconds; what took less is not stored. "auto" for what fetching it takes.
        readonly: Return large arrays as read-only maps.
        store_args: Keep the arguments beside the result.
    """

    __slots__ = ()

    def lasts(self, created: float) -> bool:
        """Return whether what was stored at that time may still be served."""
        if self.ttl is None:
            return True
        age = time() - created
        return bool(-min(self.ttl, _SKEW) <= age <= self.ttl)

    def expiry(self, created: float) -> str:
        """Return why what was stored at that time is not served."""
        from cas.units import format_age, format_duration  # noqa: PLC0415 - only to be read

        age = time() - created
        limit = f"ttl={format_duration(self.ttl)}"
        if age < 0:
            return f"what is stored has expired: by this clock it was stored in the future, {limit}"
        return f"what is stored has expired: it was stored {format_age(age)} ago, {limit}"


KEEP = Policy(None, (), "auto", None, 0.0, False, False)


def checked(given: Policy) -> Policy:
    """Return a policy of options as the user gave them, durations in seconds.

    Raises:
        cas.errors.InvalidInputError: An option has none of its values.
        CodecError: There is no such codec, or it lacks a package.
    """
    for option in ("readonly", "store_args"):
        if type(getattr(given, option)) is not bool:
            raise cas.InvalidInputError(f"expected {option}=True or False, found {getattr(given, option)!r}")
    _check_codec(given.codec, given.compress)
    return given._replace(
        ttl=_seconds("ttl", given.ttl),
        exceptions=_checked_exceptions(given.exceptions),
        min_cost="auto" if given.min_cost == "auto" else _seconds("min_cost", given.min_cost),
    )


def _seconds(option: str, given: Any) -> float | None:
    """Return a duration in seconds; None stays."""
    if given is None and option == "ttl":
        return None
    if type(given) is float and given == 0.0 and option != "ttl":
        return given
    from numbers import Real  # noqa: PLC0415 - few give a duration; a number of numpy's is one too

    measure = getattr(given, "total_seconds", None)
    value = measure() if callable(measure) else given
    if isinstance(value, bool) or not isinstance(value, Real) or math.isnan(value):
        value = -1.0
    if value < 0 or (option == "ttl" and value == 0):
        raise cas.InvalidInputError(
            f"expected a number of seconds or a datetime.timedelta in {option}=, found {given!r}",
            f"write {option}=3600 or {option}=datetime.timedelta(hours=1)"
            if option == "ttl"
            else f'write {option}=0.01 for a hundredth of a second, or {option}="auto" for what fetching takes',
        )
    return float(value)


def _checked_exceptions(given: Any) -> tuple[type[Exception], ...]:
    kinds = given if isinstance(given, tuple | list) else (given,)
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, Exception)):
            raise cas.InvalidInputError(
                f"expected classes of exceptions in cache_exceptions=, found {kind!r}",
                "write cache_exceptions=(ValueError,); what ends a process, such as KeyboardInterrupt, is never kept",
            )
    return tuple(kinds)


def _check_codec(codec: Any, compress: Any) -> None:
    if not isinstance(codec, str):
        raise cas.InvalidInputError(
            f"expected the name of a codec in codec=, found {codec!r}", 'write codec="npy", or register one'
        )
    if compress not in (None, "zstd", "auto"):
        raise cas.InvalidInputError(f"expected compress=None, 'zstd' or 'auto', found {compress!r}")
    if codec not in ("auto", "stream"):
        from memo.codecs import named  # noqa: PLC0415 - few ask for a codec

        named(codec)
