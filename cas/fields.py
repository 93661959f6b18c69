"""The fields of an entry that a query may ask for, and the quantities that they are compared with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING

from cas.errors import InvalidInputError
from cas.operations import is_number, plain
from cas.units import DURATIONS, parse_duration, parse_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cas.entry import Entry

FIELDS = {
    "size": "size",
    "cost": "duration",
    "age": "duration",
    "idle": "duration",
    "created": "moment",
    "used": "moment",
    "codec": "",
    "result": "",
    "function": "",
    "module": "",
    "qualname": "",
    "version": "",
    "key": "",
    "digest": "",
    "provenance": "",
}
"""What a query may ask of an entry, and what its numbers measure: bytes, seconds, seconds since the epoch."""

_ADVICE = {
    "size": "write a size, such as size > '10MB'",
    "duration": "write a duration, such as cost > '2h' or age > '30d'",
    "moment": "write a date, such as created >= '2025-01-31'; for a time span ask for age or idle (since last used)",
}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A text that measures something: a number where it meets a number, else the text."""

    text: str
    number: float
    measures: str

    def against(self, other: object) -> float | str:
        """Return what to compare with `other`."""
        return self.number if is_number(plain(other)) else self.text


def lookup(entry: Entry, arguments: Mapping[str, object], now: float) -> dict[str, object]:
    """Return an entry's values by the names that a query may use.

    Arguments hide fields of the same name, which stay in reach as `entry.<field>`.

    Args:
        entry: The entry.
        arguments: Its decoded arguments by name, without the stars of `*rest` and `**options`.
        now: Seconds since the epoch, for `age` and `idle`.
    """
    function = entry.function
    fields: dict[str, object] = {
        "size": entry.size,
        "cost": entry.cost,
        "age": now - entry.created,
        "idle": now - entry.used,
        "created": entry.created,
        "used": entry.used,
        "codec": entry.codec,
        "result": entry.summary,
        "function": function.name,
        "module": function.module,
        "qualname": function.qualname,
        "version": function.fingerprint.hex()[:16],
        "key": entry.key.hex(),
        "digest": entry.digest.hex(),
        "provenance": dict(entry.provenance),
    }
    return fields | {f"entry.{name}": value for name, value in fields.items()} | dict(arguments)


def quantity_of(text: str, measures: str = "") -> Quantity | None:
    """Return the quantity that a text stands for, None if it stands for none.

    Args:
        text: Such as `10MB`, `30d`, or a date for a moment.
        measures: What is asked for; if empty, whether it is a size or a duration is up to the unit.
    """
    unit = re.sub(r"^[\d_. ]+", "", text.strip())
    found = measures or ("duration" if unit in DURATIONS else "size")
    try:
        if found == "moment":
            return Quantity(text, datetime.fromisoformat(text.strip()).timestamp(), found)
        number = parse_size(text) if found == "size" else parse_duration(text)
    except (ValueError, OverflowError, OSError):
        return None
    return Quantity(text, number, found)


def unit_fault(field: str, text: str) -> InvalidInputError:
    """Return the error that a text is not what a field is measured in."""
    return InvalidInputError(f"{field} cannot be compared with {text!r}", _ADVICE[FIELDS[field]])


def similar(name: str, names: Iterable[str]) -> str:
    """Return a hint with the known name that is closest to a mistyped one."""
    known = [*names, *FIELDS, *(f"entry.{field}" for field in FIELDS), "True", "False", "None"]
    folded = {word.lower(): word for word in reversed(known)}
    close = get_close_matches(name.lower(), folded, 1)
    return f"did you mean {folded[close[0]]}?" if close else "a text is written in quotes, such as method == 'welch'"
