"""Sizes and durations as people write and read them: `10GB`, `30d`, `1.5 h`.

Sizes are whole bytes, durations are seconds; a day is 24 hours, a year 365 days. Pure functions.
"""

from __future__ import annotations

import re
from itertools import pairwise

from cas.errors import InvalidInputError

SIZES: dict[str, int] = {"B": 1} | {
    letter + suffix: base**power
    for power, letter in enumerate("KMGTPE", start=1)
    for suffix, base in (("B", 1000), ("", 1000), ("iB", 1024), ("i", 1024))
}
"""Bytes by unit; `K` alone means what it means in `KB`, a thousand."""

_SECOND: int = 10**9
DURATIONS: dict[str, int] = {
    name: factor
    for names, factor in (
        ("ns nanosecond nanoseconds", 1),
        # Both the micro sign and the Greek letter: keyboards and fonts do not tell them apart.
        ("us µs \N{GREEK SMALL LETTER MU}s microsecond microseconds", 10**3),
        ("ms millisecond milliseconds", 10**6),
        ("s sec second seconds", _SECOND),
        ("m min minute minutes", 60 * _SECOND),
        ("h hour hours", 3600 * _SECOND),
        ("d day days", 86400 * _SECOND),
        ("w week weeks", 7 * 86400 * _SECOND),
        ("y year years", 365 * 86400 * _SECOND),
    )
    for name in names.split()
}
"""Nanoseconds by unit; there is no unit for months, whose length varies."""

_FOLDED_SIZES = {name.lower(): size for name, size in SIZES.items()}
_PLACES = 18
_SCALE: int = 10**_PLACES
_NUMBER = r"[0-9]{1,18}(?:_[0-9]{3}){0,6}(?:\.[0-9]{1,18})?"
_SIZE = re.compile(rf"({_NUMBER})\s*([A-Za-z]*)")
_DURATION = re.compile(rf"({_NUMBER})\s*([^\W\d_]+)\s*")
_SIZE_HINT = "write a number and a unit, such as 500MB, 10GB or 1.5GiB"
_DURATION_HINT = "write a number and a unit, such as 90s, 30min, 12h, 30d or 2w"


def parse_size(text: str) -> int:
    """Return the bytes that a size such as `10GB` or `1.5 GiB` stands for; a bare number is bytes.

    Raises:
        InvalidInputError: The text is not a size.
    """
    match = _SIZE.fullmatch(text.strip())
    factor = _FOLDED_SIZES.get(match[2].lower() or "b") if match else None
    if match is None or factor is None:
        raise InvalidInputError(f"expected a size, got {_quote(text)}", _SIZE_HINT)
    return _scaled(match[1]) * factor // _SCALE


def parse_duration(text: str) -> float:
    """Return the seconds that a duration such as `30d`, `1.5h` or `1h 30min` stands for.

    Raises:
        InvalidInputError: The text is not a duration, or has no unit.
    """
    rest = text.strip()
    total = 0
    position = 0
    while match := _DURATION.match(rest, position):
        factor = DURATIONS.get(match[2]) or DURATIONS.get(match[2].lower())
        if factor is None:
            break
        total += _scaled(match[1]) * factor
        position = match.end()
    if not rest or position < len(rest):
        raise InvalidInputError(f"expected a duration, got {_quote(text)}", _DURATION_HINT)
    return total / (_SECOND * _SCALE)


def format_size(size: int) -> str:
    """Return bytes as a person reads them, such as `1.2 GB`."""
    names = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
    return _format(size, [(1000**power, name) for power, name in enumerate(names)])


def format_duration(seconds: float) -> str:
    """Return seconds as a person reads them, such as `310 µs`, `3.1 s` or `2.4 h`."""
    scale = [(1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"), (1, "s"), (60, "min"), (3600, "h")]
    if seconds == 0:
        return "0 s"
    return _format(seconds, [*scale, (86400, "d"), (365 * 86400, "y")])


def format_age(seconds: float) -> str:
    """Return an age in whole units, such as `12 d`; `now` below one second, also if a clock was set back."""
    if seconds < 1:
        return "now"
    for factor, name in ((365 * 86400, "y"), (86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= factor:
            return f"{int(seconds // factor)} {name}"
    return f"{int(seconds)} s"


def _format(amount: float, scale: list[tuple[float, str]]) -> str:
    """Return `amount` in the first unit of `scale` in which it rounds to less than one of the next."""
    for (factor, name), (following, _) in pairwise(scale):
        text = _digits(amount / factor)
        if abs(float(text)) * factor < following:
            return f"{text} {name}"
    factor, name = scale[-1]
    return f"{_digits(amount / factor)} {name}"


def _digits(number: float) -> str:
    """Return one decimal below a hundred, none above, and none where it would be zero."""
    text = f"{number:.1f}" if abs(number) < 99.95 else f"{number:.0f}"
    return text.removesuffix(".0")


def _scaled(number: str) -> int:
    """Return a decimal number times `_SCALE`, exactly; `fractions` would take longer to import than to use."""
    whole, _, decimals = number.partition(".")
    return int(whole) * _SCALE + int(decimals.ljust(_PLACES, "0"))


def _quote(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
