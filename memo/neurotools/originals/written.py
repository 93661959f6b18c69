"""How the original wrote arguments down: lossy, and needed to the letter, to find the files that it left.

Facts of neurotools under Python 3.9 and numpy 1.23; nothing of ours is named by this.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator

from memo.neurotools.text import Verbatim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(...))


def sanitize(value: Any) -> Any:
    """Return a value as the original signed it: sequences and arrays are tuples, and one of one element is the element.

    Iterators, which the original emptied, are left as they are.
    """
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray):
        return sanitize(tuple(value) if value.ndim else value[()])
    if isinstance(value, list | tuple):
        return sanitize(value[0]) if len(value) == 1 else tuple(sanitize(part) for part in value)
    if isinstance(value, dict):
        return tuple((_inner(key), _inner(part)) for key, part in _sorted(value.items()))
    if isinstance(value, set):
        return tuple(_inner(part) for part in _sorted(value))
    if isinstance(value, frozenset) and any(isinstance(part, str | bytes) for part in value):
        value = sorted(value, key=repr)  # the original's order was another in each process
    if isinstance(value, Iterable) and not isinstance(value, str | Iterator | type):
        return tuple(sanitize(part) for part in value)
    return as_written(value)


def _sorted(parts: Iterable[Any]) -> list[Any]:
    try:
        return sorted(parts)
    except TypeError:  # where the original failed
        return sorted(parts, key=repr)


def _inner(value: Any) -> Any:
    """Return what is inside a dict or a set, where the original kept the containers."""
    if type(value) in (list, tuple):
        return type(value)(_inner(part) for part in value)
    if type(value) is dict:
        return {_inner(key): _inner(part) for key, part in value.items()}
    return as_written(value)


def as_written(value: Any) -> Any:
    """Return one value, or what stands for the text that `repr` gave for it under numpy 1.23, without addresses."""
    if type(value) in _PLAIN:
        return value
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, numpy.generic):
        return Verbatim(_ADDRESS.sub("", repr(value)))
    if isinstance(value, numpy.bool_ | numpy.str_ | numpy.bytes_):
        return value.item()
    text = repr(value)  # numpy 2 writes `np.float64(1.5)` and `np.datetime64('2020')`, numpy 1 `1.5` and `numpy....`
    if isinstance(value, numpy.number) and not isinstance(value, numpy.timedelta64):
        text = re.sub(r"^np\.\w+\(('?)(.*)\1\)$", r"\2", text)
    return Verbatim(re.sub(r"^np\.", "numpy.", text))
