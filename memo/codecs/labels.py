"""Scalars of pandas as their class and the plain values they are made of.

Owns moments, durations, periods, intervals, and what pandas has for missing. One that does not come back exactly (a
time zone of dateutil's, a frequency of somebody's own) is left to pickle. Loaded only once a value is pandas'.
"""

from __future__ import annotations

import sys

import numpy as np

from cas import extension as ext
from memo.canonical import encode
from memo.canonical.walk import Refused
from memo.errors import CodecError, UnstableArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from memo.codecs.composites import Apart


def take_apart(value: Any) -> Apart | None:
    """Return the parts of a scalar of pandas'; None if it is none, or would not come back exactly."""
    pd: Any = sys.modules["pandas"]
    for name in ("NaT", "NA"):
        if value is getattr(pd, name, None):
            return ext.PANDAS, [name]
    cls = type(value)
    find = _PARTS.get(cls.__name__)
    if find is None or getattr(pd, cls.__name__, None) is not cls:
        return None
    parts = [cls.__name__, *find(value)]
    try:
        back = _made(pd, *parts)
        same = type(back) is cls and encode(back) == encode(value)
    except (UnstableArgument, Refused, CodecError, ValueError, TypeError, LookupError, AttributeError, OverflowError):
        return None
    return (ext.PANDAS, parts) if same else None


def put_together(parts: list[Any]) -> Any:
    """Return the scalar of these parts.

    Raises:
        CodecError: They are not the parts of one, or pandas is not installed.
    """
    try:
        import pandas as pd  # noqa: PLC0415 - only where a value needs it
    except ImportError as error:
        raise CodecError("tree: expected the package pandas, which is not installed", "pip install pandas") from error
    try:
        return _made(pd, *parts)
    except CodecError:
        raise
    except Exception as error:  # pandas has errors of many kinds for what makes no sense
        raise CodecError(f"tree: expected the parts of a value of pandas', got {error}", "run `cas fsck`") from error


def _made(pd: Any, name: str, *parts: Any) -> Any:
    if name in ("NaT", "NA"):
        return getattr(pd, name)
    return _MAKERS[name](pd, *parts)


def zone_note(zone: Any) -> Any:
    """Return a time zone as a form has it; of pytz by its name, None of which has none.

    Raises:
        ValueError: It is pytz's, without a name.
    """
    if str(type(zone).__module__).partition(".")[0] == "pytz":
        if zone.zone is None:
            raise ValueError(f"the time zone {zone!r}")
        return ["pytz", zone.zone]
    return zone


def zone_of(note: Any) -> Any:
    """Return the time zone of a note.

    Raises:
        ValueError: It is a text, for which pandas would look among the packages that are installed.
    """
    if isinstance(note, str):
        raise ValueError(f"the time zone {note!r:.60}")
    if not isinstance(note, list):
        return note
    import pytz  # noqa: PLC0415 - only for whoever used it; a name that it does not know is its LookupError

    return pytz.timezone(note[1])


def _ticks(value: Any) -> int:
    return int(value.asm8.view("i8"))


def _moment(pd: Any, ticks: int, unit: Any, zone: Any, fold: int) -> Any:
    value = pd.Timestamp(np.datetime64(ticks, unit))
    if zone is not None:
        value = value.tz_localize("UTC").tz_convert(zone_of(zone))
    return value if value.fold == fold else value.replace(fold=fold)


def _interval(pd: Any, left: Any, right: Any, closed: str) -> Any:
    return pd.Interval(left, right, closed)


_PARTS: dict[str, Callable[[Any], list[Any]]] = {
    "Timestamp": lambda value: [_ticks(value), value.unit, zone_note(value.tz), value.fold],
    "Timedelta": lambda value: [_ticks(value), value.unit],
    "Period": lambda value: [value.ordinal, value.freqstr],
    "Interval": lambda value: [value.left, value.right, value.closed],
}

_MAKERS: dict[str, Callable[..., Any]] = {
    "Timestamp": _moment,
    "Timedelta": lambda pd, ticks, unit: pd.Timedelta(np.timedelta64(ticks, unit)),
    "Period": lambda pd, ordinal, freq: pd.Period(ordinal=ordinal, freq=freq),
    "Interval": _interval,
}
