"""`cas ls`: functions, or the entries of one with every argument in a column of its own."""

from __future__ import annotations

import dataclasses
import sys
import time
from typing import TYPE_CHECKING

import click

from cas.cli.options import json_option, limit_of, open_for_listing, store_option, where_option
from cas.cli.output import Column, count, note, print_json_list, print_plain, print_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cas.listing import Row
    from cas.store import Store

_PAGE = 50
_KEY = 12
_CODE = 8
# Wider cells say little more and leave no room for the other columns.
_CELL = 28
_UNCUT = 1 << 30


@click.command("ls", short_help="List functions, or one function's entries.")
@click.argument("function", required=False)
@where_option
@click.option("--sort", "order", metavar="COLUMN", help="An entry field or an argument; -COLUMN for descending.")
@click.option("--limit", type=int, help=f"At most so many rows, 0 for all; {_PAGE} on a terminal, else all.")
@click.option("--alias", "with_alias", is_flag=True, help="Print keys and aliases, or add them to --json.")
@json_option
@store_option
def ls_command(
    function: str | None,
    where: str | None,
    order: str | None,
    limit: int | None,
    with_alias: bool,
    as_json: bool,
    location: str | None,
) -> None:
    """List functions, or the entries of FUNCTION with each argument in a column of its own.

    FUNCTION is module.qualname, or its end, such as multitaper. Without FUNCTION, --where and --alias list the
    entries of all functions.
    """
    store = open_for_listing(location)
    rows = limit_of(limit, _PAGE if sys.stdout.isatty() and not as_json else None)
    if store is None:
        if as_json:
            print_json_list([])
    elif function is None and where is None and not with_alias:
        _list_functions(store, order or "-used", rows, as_json)
    else:
        _list_entries(_Listing(store, function, where, order or "-created", rows), as_json, with_alias)


def _list_functions(store: Store, order: str, limit: int | None, as_json: bool) -> None:
    from cas.listing import function_json, function_rows, sort_functions  # only this command needs it

    found = sort_functions(function_rows(store), order)
    shown = found[:limit]
    if as_json:
        print_json_list(function_json(row) for row in shown)
        return
    if not found:
        note(f"{store.location} holds no results yet")
        return
    from cas.units import format_age, format_duration, format_size

    now = time.time()
    print_table(
        [
            Column("FUNCTION"),
            *(Column(name, amount=True) for name in ("VERSIONS", "ENTRIES", "SIZE", "COMPUTED", "HITS", "SAVED", "USED")),
        ],
        (
            (
                row.name,
                f"{row.versions:,}",
                f"{row.entries:,}",
                format_size(row.size),
                format_duration(row.cost),
                f"{row.hits:,}",
                format_duration(row.saved),
                format_age(now - row.used),
            )
            for row in shown
        ),
    )
    if len(shown) < len(found):
        note(f"{count(len(found) - len(shown), 'more function')}; --limit 0 shows all")


class _Listing:
    """What `cas ls` is to show of entries: which, in what order, how many, under which columns."""

    def __init__(self, store: Store, function: str | None, where: str | None, order: str, limit: int | None) -> None:
        from cas.lookup import find_function

        self.versions = find_function(store, function) if function else store.functions()
        self.one_function = function is not None
        self.store = store
        self.order = order
        self.limit = limit
        self.where = where
        self.matches: Callable[[Row], bool] | None = None
        if where is not None:
            self.matches = _matcher(where, self.names())

    def names(self) -> list[str]:
        """Return the arguments that entries may have."""
        from cas.listing import columns

        return columns(summary.function for summary in self.versions)
