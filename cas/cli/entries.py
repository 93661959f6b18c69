"""`cas show` and `cas rm`: everything about one entry or one version, and the removal of entries."""

from __future__ import annotations

import math
import sys
import time
from typing import TYPE_CHECKING

import click

from cas.cli.options import compile_where, json_option, open_store, store_option, where_option
from cas.cli.output import count, note, print_facts, print_json
from cas.cli.versions import show_version
from cas.errors import IntegrityError, InvalidInputError
from cas.form import show
from cas.listing import columns, decode, list_entries, row_json, when
from cas.lookup import find_entry, find_function, names_version
from cas.manifest import Manifest
from cas.units import format_duration, format_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cas.entry import Entry
    from cas.listing import Row
    from cas.store import Store

_UNCUT = 1 << 30


@click.command("show")
@click.argument("entry")
@json_option
@store_option
def show_command(entry: str, as_json: bool, location: str | None) -> None:
    """Show everything about ENTRY: the first characters of its key (four or more), or its alias.

    FUNCTION@CODE in its place, such as multitaper@3f9a, shows the code of a version, with all that it uses.
    """
    store = open_store(location)
    if names_version(entry):
        show_version(store, entry, as_json)
        return
    row = decode(find_entry(store, entry))
    if as_json:
        details = {
            "blobs": [digest.hex() for digest in row.entry.blobs],
            "digest": row.entry.digest.hex(),
            "inline": row.entry.inline,
            "provenance": dict(row.entry.provenance),
            "manifest": _ingredients(row.entry.function.manifest),
        }
        print_json(row_json(row, with_alias=True) | details)
    else:
        print_facts(_facts(row))


def _facts(row: Row) -> Iterator[tuple[str, str]]:
    """Yield what there is to say of an entry, name and value."""
    entry = row.entry
    now = time.time()
    yield "key", entry.key.hex()
    yield "alias", row.alias
    yield "function", entry.function.name
    yield "code", entry.function.fingerprint.hex()
    for name, value in row.arguments.items():
        yield f"  {name}", show(value, _UNCUT)
    yield "result", entry.summary
    yield "codec", entry.codec
    yield "size", f"{format_size(entry.size)} ({entry.size:,} bytes)"
    yield "digest", f"{entry.digest.hex()} ({'in the index' if entry.inline else 'in a file'})"
    for digest in entry.blobs:
        yield "blob", digest.hex()
    yield "cost", format_duration(entry.cost)
    yield "created", when(entry.created, now)
    yield "used", when(entry.used, now)
    for name, value in entry.provenance.items():
        yield f"  {name}", value
    names = _ingredients(entry.function.manifest)
    if names:
        yield "manifest", count(len(names), "ingredient")
        for name in names:
            yield "", name


def _ingredients(manifest: bytes) -> list[str]:
    """Return kind and name of each ingredient in a manifest; none if its bytes cannot be read."""
    try:
        return [f"{found.kind} {found.name}" for found in Manifest.unpack(manifest)]
    except IntegrityError:
        return []


@click.command("rm")
@click.argument("entries", metavar="[ENTRY]...", nargs=-1)
@click.option("--function", metavar="FUNCTION", help="Remove the entries of this function.")
@where_option
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@json_option
@store_option
def rm_command(
    entries: tuple[str, ...],
    function: str | None,
    where: str | None,
    yes: bool,
    as_json: bool,
    location: str | None,
) -> None:
    """Remove each ENTRY, or the entries of a function; their calls are computed again when next made.

    Blobs stay until `cas gc`, since other entries may need them.
    """
    if bool(entries) == (function is not None):
        raise InvalidInputError("expected either entries or --function", "`cas rm ENTRY` or `cas rm --function F`")
    if where is not None and function is None:
        raise InvalidInputError("--where goes with --function", "`cas rm --function F --where EXPRESSION`")
    store = open_store(location, writable=True)
    chosen = _chosen(store, function, where) if function else _named(store, entries)
    if chosen:
        _confirm(chosen, yes)
    removed = store.forget(chosen)
    cost = math.fsum(chosen.values())
    if as_json:
        print_json({"removed": removed, "lost": cost, "keys": [key.hex() for key in chosen]})
    else:
        click.echo(f"removed {_entries(removed)}")
        if removed:
            note("their blobs stay until `cas gc`")


def _named(store: Store, entries: tuple[str, ...]) -> dict[bytes, float]:
    """Return keys and costs of the entries that the user named; all must be there before any goes."""
    found: list[Entry] = [find_entry(store, text) for text in entries]
    return {entry.key: entry.cost for entry in found}


def _chosen(store: Store, function: str, where: str | None) -> dict[bytes, float]:
    """Return keys and costs of the entries of a function for which `where` holds."""
    versions = find_function(store, function)
    record = versions[0]
    matches = None if where is None else compile_where(where, columns(versions))
    rows = list_entries(store, (record.module, record.qualname), matches=matches)
    return {row.entry.key: row.entry.cost for row in rows}


def _confirm(chosen: dict[bytes, float], yes: bool) -> None:
    """Ask the person at the terminal; nobody else can answer."""
    if yes:
        return
    loss = f"{_entries(len(chosen))}, {format_duration(math.fsum(chosen.values()))} of computing"
    if not sys.stdin.isatty():
        raise InvalidInputError(f"nobody to ask before removing {loss}", "add --yes to remove without asking")
    if not click.confirm(f"Remove {loss}?", err=True):
        raise click.Abort


def _entries(number: int) -> str:
    return count(number, "entry", "entries")
