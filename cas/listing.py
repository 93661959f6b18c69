"""Entries as rows: every argument decoded into a column of its own, selected, sorted, and cut to a page.

Shared by the command line and by `f.cache.entries()`. Decodes without numpy and executes nothing that is stored.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from cas.alias import alias
from cas.errors import CasError, InvalidInputError
from cas.form import Shown, show, to_json, unpack
from cas.progress import told
from cas.units import format_age

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from cas.entry import Entry, FunctionRecord, FunctionSummary
    from cas.progress import Progress
    from cas.store import Store

UNREADABLE = Shown("unreadable", "?", {})
"""Stands for an argument that cannot be decoded; `cas fsck` says more."""

_STORE_ORDERS = {
    "created": "created",
    "used": "used",
    "cost": "cost",
    "size": "size",
    "codec": "codec",
    "result": "summary",
    "key": "key",
    "age": "-created",
    "idle": "-used",
}
"""What entries can be sorted by besides their arguments, by the names of `cas.fields`, as the store calls it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One entry with its arguments decoded, by parameter name without stars."""

    entry: Entry
    arguments: dict[str, object]

    @property
    def alias(self) -> str:
        """The decodable file name of the entry."""
        function = self.entry.function
        return alias(
            function.module,
            function.qualname,
            function.fingerprint,
            self.entry.key,
            function.parameters,
            list(self.arguments.values()),
        )


@dataclass(frozen=True, slots=True)
class FunctionRow:
    """One function, its versions taken together.

    Attributes:
        name: `module.qualname`.
        versions: How many states of its code have results.
        entries: How many results are stored.
        size: Their bytes.
        cost: Seconds of computing that they stand for.
        hits: How often a stored result was served.
        saved: Seconds of computing that those hits saved.
        used: When one was last stored or served, seconds since the epoch.
    """

    name: str
    versions: int
    entries: int
    size: int
    cost: float
    hits: int
    saved: float
    used: float


def decode(entry: Entry) -> Row:
    """Return an entry with its arguments decoded; what cannot be stands as `UNREADABLE`."""
    names = [parameter.lstrip("*") for parameter in entry.function.parameters]
    try:
        values = unpack(entry.signature)
    except (CasError, ValueError):
        values = None
    if not isinstance(values, list) or len(values) != len(names):
        values = [UNREADABLE] * len(names)
    return Row(entry, dict(zip(names, values, strict=True)))


def columns(functions: Iterable[FunctionRecord]) -> list[str]:
    """Return the argument columns for versions of a function: the first one's parameters, then others."""
    return list(dict.fromkeys(p.lstrip("*") for function in functions for p in function.parameters))


def function_rows(store: Store) -> list[FunctionRow]:
    """Return the functions that have results, the last used first."""
    groups: dict[tuple[str, str], list[FunctionSummary]] = {}
    for summary in store.functions():
        groups.setdefault((summary.function.module, summary.function.qualname), []).append(summary)
    rows = [
        FunctionRow(
            name=group[0].function.name,
            versions=len(group),
            entries=sum(summary.entries for summary in group),
            size=sum(summary.size for summary in group),
            cost=math.fsum(summary.cost for summary in group),
            hits=sum(summary.hits for summary in group),
            saved=math.fsum(summary.saved for summary in group),
            used=max(summary.used for summary in group),
        )
        for group in groups.values()
    ]
    return sorted(rows, key=lambda row: row.used, reverse=True)


def sort_functions(rows: Sequence[FunctionRow], order: str) -> list[FunctionRow]:
    """Sort functions by one of their fields, a leading `-` meaning descending."""
    name = order.removeprefix("-")
    fields = FunctionRow.__slots__
    if name not in fields:
        raise InvalidInputError(
            f"expected a field of functions to sort by, found {name!r}", f"choose one of {', '.join(fields)}"
        )
    return sorted(rows, key=lambda row: getattr(row, name), reverse=order.startswith("-"))


def function_json(row: FunctionRow) -> dict[str, Any]:
    """Return a function for machines."""
    return {name: getattr(row, name) for name in FunctionRow.__slots__} | {"used": iso(row.used)}


class Order(NamedTuple):
    """What rows are sorted by: a field of entries, as the store calls it, or an argument."""

    field: str | None
    argument: str = ""
    descending: bool = False


NEWEST = Order("-created")


def parse_order(text: str, names: Sequence[str]) -> Order:
    """Return the order that a text such as `-cost` asks for.

    Args:
        text: An argument or a field of entries, a leading `-` meaning descending. An argument hides a field of
            the same name, which stays in reach as `entry.<field>`.
        names: The arguments that there are.

    Raises:
        InvalidInputError: It is neither.
    """
    name = text.removeprefix("-")
    descending = text.startswith("-")
    if name in names:
        return Order(None, name, descending)
    field = _STORE_ORDERS.get(name.removeprefix("entry."))
    if field is None:
        raise InvalidInputError(
            f"expected a column to sort by, found {name!r}",
            f"choose one of {', '.join([*names, *_STORE_ORDERS])}; a leading - is for descending",
        )
    backwards = descending != field.startswith("-")
    return Order(("-" if backwards else "") + field.removeprefix("-"))


def list_entries(
    store: Store,
    function: tuple[str, str] | None = None,
    *,
    matches: Callable[[Row], bool] | None = None,
    order: Order = NEWEST,
    limit: int | None = None,
    progress: Progress | None = None,
) -> Iterator[Row]:
    """Yield rows of one function, or of all, in order, as far as the limit goes.

    Ordered by a field of entries, rows come as the store's index yields them; ordered by an argument, everything
    is read, and no more than `limit` rows are held.

    Args:
        store: The store to list.
        function: Module and qualified name.
        matches: Which rows to keep.
        order: What to sort by.
        limit: At most so many rows; None for all.
        progress: Told how many entries were read.
    """
    module, qualname = function or (None, None)
    entries = store.entries(module, qualname, order.field or "-created")
    rows: Iterable[Row] = map(decode, told(entries, "reading entries", progress))
    if matches is not None:
        rows = filter(matches, rows)
    if order.field is None:
        rows = _sorted(rows, order, limit)
    return islice(rows, limit)


def _sorted(rows: Iterable[Row], order: Order, limit: int | None) -> Iterator[Row]:
    """Yield rows by an argument; those of versions without it come last."""
    lacking: list[Row] = []

    def having() -> Iterator[Row]:
        for row in rows:
            if order.argument in row.arguments:
                yield row
            elif limit is None or len(lacking) < limit:
                lacking.append(row)

    def rank(row: Row) -> tuple[Any, ...]:
        return _rank(row.arguments[order.argument])

    if limit is None:
        yield from sorted(having(), key=rank, reverse=order.descending)
    else:
        yield from (heapq.nlargest if order.descending else heapq.nsmallest)(limit, having(), key=rank)
    yield from lacking


def _rank(value: object) -> tuple[Any, ...]:
    """Return what puts values of any types in one order: None, numbers, NaN, text, the rest by its looks."""
    if value is None:
        return (0,)
    if isinstance(value, (int, float)):
        # NaN differs from itself; `isnan` fails on huge integers.
        return (2,) if value != value else (1, value)
    if isinstance(value, str):
        return (3, value)
    if isinstance(value, (list, tuple)):
        return (4, *map(_rank, value))
    return (5, show(value))


def row_json(row: Row, with_alias: bool = False) -> dict[str, Any]:
    """Return a row for machines: plain bytes, seconds and ISO times."""
    entry = row.entry
    return {
        "key": entry.key.hex(),
        "function": entry.function.name,
        "code": entry.function.fingerprint.hex(),
        "arguments": {name: to_json(value) for name, value in row.arguments.items()},
        "summary": entry.summary,
        "codec": entry.codec,
        "size": entry.size,
        "cost": entry.cost,
        "created": iso(entry.created),
        "used": iso(entry.used),
    } | ({"alias": row.alias} if with_alias else {})


def iso(seconds: float) -> str:
    """Return a time since the epoch as ISO 8601, in UTC; `?` for what is no time, as a foreign store may hold."""
    moment = _moment(seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else "?"


def local_time(seconds: float) -> str:
    """Return a time since the epoch as the clock on the wall shows it, to the minute; `?` for what is no time."""
    moment = _moment(seconds)
    return moment.astimezone().strftime("%Y-%m-%d %H:%M") if moment else "?"


def when(seconds: float, now: float) -> str:
    """Return a time since the epoch for a person: ISO 8601, and how long ago it was."""
    age = format_age(now - seconds)
    return f"{iso(seconds)} ({age if age == 'now' else age + ' ago'})"


def _moment(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
