"""Writers of the standard library's value types, found by name so that nothing is imported for them.

Owns dates, decimals, fractions, paths, the containers of `collections`, and their like. A type is found by its exact
class; a subclass is another type (I6).
"""

from __future__ import annotations

import gc
import struct
import sys

from cas import extension as ext
from cas.extension import head, leaf
from memo.canonical.containers import write_dict, write_elements
from memo.canonical.scalars import write_str
from memo.canonical.walk import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memo.canonical.walk import Walk, Writer


def find(cls: type) -> Writer | None:
    """Return the writer of exactly this class, or None."""
    module: object = cls.__module__
    if not isinstance(module, str):  # a class may define the attribute as it likes
        return None
    writer = _WRITERS.get((module.partition(".")[0], cls.__qualname__))
    if writer is not None and getattr(sys.modules.get(module), cls.__qualname__, None) is cls:
        return writer
    return None


def write_date(walk: Walk, value: Any) -> None:
    """Write a date."""
    walk.out.append(leaf(ext.DATE, struct.pack(">HBB", value.year, value.month, value.day)))


def write_time(walk: Walk, value: Any) -> None:
    """Write a time of day."""
    walk.out.append(head(ext.TIME, 6))
    clock = (value.hour, value.minute, value.second, value.microsecond, value.fold)
    write_elements(walk, clock)
    _write_zone(walk, value)


def write_datetime(walk: Walk, value: Any) -> None:
    """Write a moment, with its fold and its time zone as they are."""
    walk.out.append(head(ext.DATETIME, 9))
    day = (value.year, value.month, value.day)
    write_elements(walk, (*day, value.hour, value.minute, value.second, value.microsecond, value.fold))
    _write_zone(walk, value)


def _write_zone(walk: Walk, value: Any) -> None:
    try:
        walk.write(value.tzinfo)
    except Refused as refusal:
        refusal.steps.append(".tzinfo")
        raise


def write_timedelta(walk: Walk, value: Any) -> None:
    """Write a duration."""
    walk.out.append(leaf(ext.TIMEDELTA, struct.pack(">iii", value.days, value.seconds, value.microseconds)))


def write_timezone(walk: Walk, value: Any) -> None:
    """Write a fixed offset, and its name if it was given one."""
    parts = value.__getinitargs__()
    walk.out.append(head(ext.TIMEZONE, len(parts)))
    write_elements(walk, parts)


def write_zone(walk: Walk, value: Any) -> None:
    """Write a time zone by its key in the time zone database."""
    if value.key is None:
        raise Refused("a ZoneInfo without a key", "make it with ZoneInfo(key)")
    walk.out.append(leaf(ext.ZONE, value.key.encode()))


def write_decimal(walk: Walk, value: Any) -> None:
    """Write a decimal with its sign, digits and exponent."""
    # Upper case: whether `str` writes "e" or "E" depends on the decimal context of the moment.
    walk.out.append(leaf(ext.DECIMAL, str(value).upper().encode()))


def write_fraction(walk: Walk, value: Any) -> None:
    """Write a fraction."""
    walk.out.append(head(ext.FRACTION, 2))
    write_elements(walk, (value.numerator, value.denominator))


def write_path(walk: Walk, value: Any) -> None:
    """Write a path as its text; the file it names is not looked at."""
    walk.out.append(head(ext.PATH, 2))
    write_str(walk, type(value).__name__)
    write_str(walk, str(value))


def write_uuid(walk: Walk, value: Any) -> None:
    """Write a UUID."""
    walk.out.append(leaf(ext.UUID, value.bytes))


def write_pattern(walk: Walk, value: Any) -> None:
    """Write a compiled pattern by its source and flags."""
    walk.out.append(head(ext.PATTERN, 2))
    write_elements(walk, (value.pattern, value.flags))


def write_ordered_dict(walk: Walk, value: Any) -> None:
    """Write an OrderedDict."""
    _write_wrapped(walk, ext.ORDERED_DICT, value)


def write_counter(walk: Walk, value: Any) -> None:
    """Write a Counter, in its order."""
    _write_wrapped(walk, ext.COUNTER, value)


def write_mapping_proxy(walk: Walk, value: Any) -> None:
    """Write the view of a mapping as the mapping: what a defaultdict gives for a missing key, its view gives too."""
    (mapping,) = gc.get_referents(value)
    if not walk.enter(value):
        return
    walk.out.append(head(ext.MAPPING_PROXY, 1))
    walk.write(mapping)
    walk.leave(value)


def write_dict_view(walk: Walk, value: Any) -> None:
    """Write a view of a dict as the dict, which it shows as its `mapping`: keys alone would conflate two of them."""
    (mapping,) = gc.get_referents(value)
    if not walk.enter(value):
        return
    walk.out.append(head(ext.DICT_VIEW, 2))
    write_str(walk, type(value).__name__)
    walk.write(mapping)
    walk.leave(value)


def _write_wrapped(walk: Walk, code: int, value: Any) -> None:
    if not walk.enter(value):
        return
    walk.out.append(head(code, 1))
    write_dict(walk, dict(value.items()))
    walk.leave(value)


def write_default_dict(walk: Walk, value: Any) -> None:
    """Write a defaultdict with its factory."""
    if not walk.enter(value):
        return
    walk.out.append(head(ext.DEFAULT_DICT, 2))
    try:
        walk.write(value.default_factory)
    except Refused as refusal:
        refusal.steps.append(".default_factory")
        raise
    write_dict(walk, dict(value.items()))
    walk.leave(value)


def write_deque(walk: Walk, value: Any) -> None:
    """Write a deque with its limit."""
    if not walk.enter(value):
        return
    walk.out.append(head(ext.DEQUE, 1 + len(value)))
    walk.write(value.maxlen)
    write_elements(walk, value)
    walk.leave(value)


def write_builtin_array(walk: Walk, value: Any) -> None:
    """Write an `array.array` by its type code and its bytes, little end first."""
    if sys.byteorder == "big":
        value = value[:]
        value.byteswap()
    walk.out.append(head(ext.BUILTIN_ARRAY, 2))
    write_elements(walk, (value.typecode, value.tobytes()))


_WRITERS: dict[tuple[str, str], Writer] = {
    ("datetime", "date"): write_date,
    ("datetime", "time"): write_time,
    ("datetime", "datetime"): write_datetime,
    ("datetime", "timedelta"): write_timedelta,
    ("datetime", "timezone"): write_timezone,
    ("zoneinfo", "ZoneInfo"): write_zone,
    ("decimal", "Decimal"): write_decimal,
    ("fractions", "Fraction"): write_fraction,
    ("pathlib", "PosixPath"): write_path,
    ("pathlib", "WindowsPath"): write_path,
    ("pathlib", "PurePosixPath"): write_path,
    ("pathlib", "PureWindowsPath"): write_path,
    ("uuid", "UUID"): write_uuid,
    ("re", "Pattern"): write_pattern,
    ("collections", "OrderedDict"): write_ordered_dict,
    ("collections", "defaultdict"): write_default_dict,
    ("collections", "Counter"): write_counter,
    ("collections", "deque"): write_deque,
    ("array", "array"): write_builtin_array,
}
