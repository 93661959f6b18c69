"""What the operators and functions of a query do to decoded values.

Python's own meaning, with four differences, each because the reader of a store compares what calls were given:
a bool is not a number (`True` and `1` are different calls), NaN equals NaN, arrays, paths and dates compare as
their text and numpy's scalars as their value, and what would have no meaning raises `NoMeaning` for this row.
Everything is bounded: no operation here costs more than the size of its arguments.
"""

from __future__ import annotations

import math
import operator
from collections import deque
from datetime import date, time
from pathlib import PurePath
from typing import TYPE_CHECKING

from cas.form import Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_BITS = 20_000
"""An integer larger than this is not computed: a short expression could otherwise ask for a huge one."""

_LENGTH = 1_000_000
"""The same for what `+` joins."""


class NoMeaning(Exception):  # noqa: N818 - an answer to one row, not a fault
    """An operation that these values have no answer to; the row neither matches nor fails."""


def text_of(value: object) -> str | None:
    """Return the text that a value compares as, None if it has none."""
    if isinstance(value, str):
        return value
    if isinstance(value, Shown):
        return value.text
    if isinstance(value, PurePath):
        return str(value)
    return value.isoformat() if isinstance(value, date | time) else None


def is_number(value: object) -> bool:
    """Return whether a value is a real number, which a bool is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def plain(value: object, other: object = None) -> object:
    """Return what a value counts as: a numpy scalar its number, an enum its value unless `other` is a text."""
    if isinstance(value, Shown) and (value.kind == "scalar" or (value.kind == "enum" and not isinstance(other, str))):
        return value if value.details is None else value.details
    return value


def truth(value: object) -> bool:
    """Return whether a value is true; arrays and other values that are only shown are neither true nor false."""
    value = plain(value)
    if isinstance(value, Shown):
        raise NoMeaning
    return bool(value)


def equal(left: object, right: object) -> bool:
    """Return whether two values are equal, in sequences and dicts too; an enum equals its name and its value."""
    left, right = plain(left, right), plain(right, left)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, float) and isinstance(right, float):
        return left == right or (left != left and right != right)
    if isinstance(left, str) != isinstance(right, str):
        texts, values = (text_of(left), text_of(right)), (plain(left), plain(right))
        return texts[0] == texts[1] is not None or (values != (left, right) and equal(*values))
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        same = type(left) is type(right) and len(left) == len(right)
        return same and all(map(equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(part, right[key]) for key, part in left.items())
    return bool(left == right)


def compare(name: str, left: object, right: object) -> bool:
    """Return whether the ordering `name`, such as `<=`, holds."""
    left, right = plain(left, right), plain(right, left)
    if isinstance(left, bool) or isinstance(right, bool):
        raise NoMeaning
    if isinstance(left, str) != isinstance(right, str):
        left, right = text_of(left), text_of(right)
    if left is None or right is None:
        raise NoMeaning
    return bool(_ORDERINGS[name](left, right))


def contains(right: object, left: object) -> bool:
    """Return whether `left in right`: in a text, among values, or among the keys of a dict."""
    left, right = plain(left), plain(right, "")
    if isinstance(right, list | tuple | set | frozenset | deque | dict):
        return any(equal(left, part) for part in right)
    if isinstance(right, range):
        return type(left) is int and left in right
    if isinstance(right, bytes):
        return isinstance(left, bytes) and left in right
    text = text_of(right)
    if text is None or not isinstance(left, str):
        raise NoMeaning
    return left in text


def arithmetic(name: str, left: object, right: object) -> object:
    """Return `left name right` for numbers, or the joined texts or sequences for `+`."""
    left, right = plain(left), plain(right)
    if name == "+" and type(left) is type(right) and isinstance(left, str | list | tuple):
        if len(left) + len(right) > _LENGTH:  # type: ignore[arg-type]
            raise NoMeaning
        return left + right  # type: ignore[operator]
    if not (_is_countable(left) and _is_countable(right)):
        raise NoMeaning
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > _BITS:
        raise NoMeaning
    return _ARITHMETIC[name](left, right)


def negate(value: object) -> object:
    """Return `-value`."""
    value = plain(value)
    if not _is_countable(value):
        raise NoMeaning
    return -value  # type: ignore[operator]


def pick(container: object, index: object) -> object:
    """Return `container[index]`; a value that is only shown gives its details."""
    if isinstance(container, Shown):
        container = container.details
    index = plain(index)
    if isinstance(container, dict):
        found = [part for key, part in container.items() if equal(key, index)]
        if not found:
            raise NoMeaning
        return found[0]
    if not isinstance(container, list | tuple | str | bytes | range | deque) or type(index) is not int:
        raise NoMeaning
    return container[index]


def _is_countable(value: object) -> bool:
    return is_number(value) or isinstance(value, complex)


def _length(value: object) -> int:
    value = plain(value)
    if isinstance(value, Shown) or not hasattr(value, "__len__"):
        raise NoMeaning
    return len(value)


def _absolute(value: object) -> object:
    value = plain(value)
    if not _is_countable(value):
        raise NoMeaning
    return abs(value)  # type: ignore[arg-type]


def _extreme(choose: Callable[[Iterable[object]], object], values: tuple[object, ...]) -> object:
    found = values[0] if len(values) == 1 else values
    if not isinstance(found, list | tuple | set | frozenset) or not found:
        raise NoMeaning
    parts = [plain(part) for part in found]
    if not (all(is_number(part) for part in parts) or all(isinstance(part, str) for part in parts)):
        raise NoMeaning
    return choose(parts)


def _need_text(value: object) -> str:
    text = text_of(plain(value, ""))
    if text is None:
        raise NoMeaning
    return text


_ORDERINGS: dict[str, Callable[..., object]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ARITHMETIC: dict[str, Callable[..., object]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}
FUNCTIONS: dict[str, tuple[int, int, Callable[..., object]]] = {
    "abs": (1, 1, _absolute),
    "len": (1, 1, _length),
    "max": (1, 99, lambda *values: _extreme(max, values)),  # type: ignore[arg-type]
    "min": (1, 99, lambda *values: _extreme(min, values)),  # type: ignore[arg-type]
    "lower": (1, 1, lambda value: _need_text(value).lower()),
    "startswith": (2, 2, lambda value, start: _need_text(value).startswith(_need_text(start))),
    "endswith": (2, 2, lambda value, end: _need_text(value).endswith(_need_text(end))),
    "isnan": (1, 1, lambda value: isinstance(value := plain(value), float) and math.isnan(value)),
}
"""The functions by name, with the fewest and the most values they take."""
