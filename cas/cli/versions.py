"""The versions of one function: what `cas ls FUNCTION --versions` and `cas show FUNCTION@CODE` print."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from cas.changes import names
from cas.cli.code import print_code, print_sources
from cas.cli.output import Column, count, note, print_facts, print_json, print_json_list, print_table, printable
from cas.errors import NotFoundError
from cas.listing import local_time, when
from cas.lookup import find_function, find_version
from cas.units import format_age, format_duration, format_size
from cas.versions import code_json, version_json, version_row, version_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cas.entry import FunctionRecord
    from cas.store import Store
    from cas.versions import VersionRow

CODE = 8
"""Characters of a version's code where people read it."""

_NAMED = 2
_COLUMNS = (
    Column("CODE"),
    Column("FIRST"),
    *(Column(name, amount=True) for name in ("ENTRIES", "SIZE", "COMPUTED", "HITS", "USED")),
    Column("CHANGED"),
)


def list_versions(store: Store, function: str, limit: int | None, code: bool, as_json: bool) -> None:
    """Print the versions of a function, newest first, with what changed from the one before."""
    records = find_function(store, function)
    rows = islice(version_rows(store, records[0].module, records[0].qualname), limit)
    if as_json:
        print_json_list(version_json(row) | (_ingredients(row) if code else {}) for row in rows)
        return
    if code:
        _print_with_code(rows)
    else:
        print_table(_COLUMNS, map(_cells, rows))
    if limit is not None and limit < len(records):
        note(f"{count(len(records) - limit, 'more version')}; --limit 0 shows all")


def _ingredients(row: VersionRow) -> dict[str, Any]:
    return {"ingredients": None if row.manifest is None else code_json(row.manifest)}


def _cells(row: VersionRow) -> Sequence[str]:
    summary = row.summary
    return (
        row.record.fingerprint.hex()[:CODE],
        local_time(row.record.created),
        f"{summary.entries:,}",
        format_size(summary.size),
        format_duration(summary.cost),
        f"{summary.hits:,}",
        format_age(time.time() - summary.used),
        changed(row),
    )


def changed(row: VersionRow, most: int = _NAMED) -> str:
    """Return the names of what changed from the version before, as far as they fit."""
    if row.older is None:
        return "first"
    if row.changes is None:
        return "?"
    found = names(row.changes)
    more = len(found) - most
    return ", ".join(found[:most]) + (f" (+{more} more)" if more > 0 else "")


def _print_with_code(rows: Iterable[VersionRow]) -> None:
    for row in rows:
        figures = f"{local_time(row.record.created)}, {count(row.summary.entries, 'entry', 'entries')}"
        click.secho(printable(f"{label(row.record)}  {figures}, changed: {changed(row)}"), bold=True)
        click.echo()
        if row.manifest is None:
            click.echo("its manifest cannot be read\n")
        else:
            print_sources(row.manifest)


def show_version(store: Store, text: str, as_json: bool) -> None:
    """Print everything about one version: its figures, and the code with all that it uses."""
    record = find_version(store, text)
    row = version_row(store, record)
    if row is None:
        raise NotFoundError(f"{label(record)} has just been removed", "`cas ls` lists what there is")
    if as_json:
        print_json(version_json(row) | _ingredients(row))
        return
    print_facts(_facts(row))
    if row.manifest is None:
        note("its manifest cannot be read: it is damaged, or another version of this package wrote it")
    else:
        click.echo()
        print_code(row.manifest)


def _facts(row: VersionRow) -> Iterator[tuple[str, str]]:
    """Yield what there is to say of a version, name and value."""
    summary, now = row.summary, time.time()
    yield "function", row.record.name
    yield "code", row.record.fingerprint.hex()
    yield "parameters", ", ".join(row.record.parameters)
    yield "first", when(row.record.created, now)
    yield "used", when(summary.used, now)
    yield "entries", f"{summary.entries:,}, {format_size(summary.size)}"
    yield "computed", format_duration(summary.cost)
    yield "hits", f"{summary.hits:,}, saved {format_duration(summary.saved)}"
    yield "changed", changed(row, most=8) + (f" (from {row.older.fingerprint.hex()[:CODE]})" if row.older else "")


def label(record: FunctionRecord) -> str:
    """Return how a person names a version: `module.qualname@3f9a12cd`."""
    return f"{record.name}@{record.fingerprint.hex()[:CODE]}"
