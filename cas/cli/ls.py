"""`cas ls`: functions, the entries of one with every argument in a column of its own, or its versions."""

from __future__ import annotations

import sys
import time
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import click

from cas.cli.options import (
    compile_where,
    json_option,
    limit_of,
    open_for_listing,
    store_option,
    where_option,
)
from cas.cli.output import Column, count, note, print_json_list, print_plain, print_table, progress
from cas.cli.versions import list_versions
from cas.errors import InvalidInputError
from cas.form import show
from cas.listing import (
    columns,
    function_json,
    function_rows,
    list_entries,
    parse_order,
    row_json,
    sort_functions,
)
from cas.lookup import find_function
from cas.units import format_age, format_duration, format_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cas.listing import Row
    from cas.store import Store

_PAGE = 50
_KEY = 12
_CODE = 8
# Wider cells say little more and leave no room for the other columns.
_CELL = 28
_UNCUT = 1 << 30


@click.command("ls")
@click.argument("function", required=False)
@where_option
@click.option("--sort", "order", metavar="COLUMN", help="An entry field or an argument; -COLUMN for descending.")
@click.option("--limit", type=int, help=f"At most so many rows, 0 for all; {_PAGE} on a terminal, else all.")
@click.option("--alias", "with_alias", is_flag=True, help="Print keys and aliases, or add them to --json.")
@click.option("--versions", is_flag=True, help="List the versions of FUNCTION's code, newest first, and what changed.")
@click.option("--code", is_flag=True, help="With --versions: print the code of each as well.")
@json_option
@store_option
def ls_command(
    function: str | None,
    where: str | None,
    order: str | None,
    limit: int | None,
    with_alias: bool,
    versions: bool,
    code: bool,
    as_json: bool,
    location: str | None,
) -> None:
    """List functions, or the entries of FUNCTION with each argument in a column of its own.

    FUNCTION is module.qualname, or its end, such as multitaper. Without FUNCTION, --where and --alias list the
    entries of all functions.
    """
    _check(versions, code, function, (where, order, with_alias))
    store = open_for_listing(location)
    rows = limit_of(limit, _PAGE if sys.stdout.isatty() and not as_json else None)
    if store is None:
        if as_json:
            print_json_list([])
    elif versions and function is not None:
        list_versions(store, function, rows, code, as_json)
    elif function is None and where is None and not with_alias:
        _list_functions(store, order or "-used", rows, as_json)
    else:
        _list_entries(store, function, where, _Page(order or "-created", rows), as_json, with_alias)


def _check(versions: bool, code: bool, function: str | None, others: tuple[object, ...]) -> None:
    """Refuse options that do not go together."""
    if code and not versions:
        raise InvalidInputError("--code goes with --versions", "`cas ls FUNCTION --versions --code`")
    if versions and function is None:
        raise InvalidInputError("--versions goes with a function", "`cas ls FUNCTION --versions`")
    if versions and any(others):
        raise InvalidInputError(
            "--where, --sort and --alias are of entries, and do not go with --versions",
            "versions are listed newest first; --limit, --code and --json go with --versions",
        )


def _list_functions(store: Store, order: str, limit: int | None, as_json: bool) -> None:
    found = sort_functions(function_rows(store), order)
    shown = found[:limit]
    if as_json:
        print_json_list(function_json(row) for row in shown)
        return
    if not found:
        note(f"{store.location} holds no results yet")
        return
    now = time.time()
    print_table(
        [
            Column("FUNCTION"),
            *(
                Column(name, amount=True)
                for name in ("VERSIONS", "ENTRIES", "SIZE", "COMPUTED", "HITS", "SAVED", "USED")
            ),
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


def _list_entries(
    store: Store, function: str | None, where: str | None, page: _Page, as_json: bool, with_alias: bool
) -> None:
    versions = find_function(store, function) if function else store.records()
    name = (versions[0].module, versions[0].qualname) if function else None
    names = columns(versions)
    with progress() as tell:
        rows = list_entries(
            store,
            name,
            matches=None if where is None else compile_where(where, names),
            order=parse_order(page.order, names),
            # One more than is shown tells whether there are more.
            limit=None if page.limit is None else page.limit + 1,
            progress=tell,
        )
        if sys.stdout.isatty():
            rows = iter(list(rows))  # the bar has to go before the first row comes
    if as_json:
        print_json_list(row_json(row, with_alias) for row in islice(rows, page.limit))
        return
    shown = islice(rows, page.limit)
    if with_alias:
        print_plain([Column("KEY"), Column("ALIAS")], ((_key(row), row.alias) for row in shown))
    elif function:
        print_table(*_own_columns(shown, names, several=len(versions) > 1))
    else:
        print_table(*_common_columns(shown))
    if next(rows, None) is not None:
        note(_more(page, store.count(*name or ()) if where is None else None))


class _Page(NamedTuple):
    """In what order, and how many."""

    order: str
    limit: int | None


def _more(page: _Page, total: int | None) -> str:
    shown = page.limit or 0
    if total is None:
        return f"more entries match than these {shown:,}; --limit 0 shows all"
    return f"{count(total - shown, 'more entry', 'more entries')}; --limit 0 shows all"


def _own_columns(rows: Iterable[Row], names: list[str], several: bool) -> tuple[list[Column], Iterator[Sequence[str]]]:
    """Lay out the entries of one function: each argument in a column of its own."""
    width = _CELL if sys.stdout.isatty() else _UNCUT
    headings = [Column("KEY"), *([Column("CODE")] if several else []), *map(Column, names), *_RESULT]

    def cells() -> Iterator[Sequence[str]]:
        for row in rows:
            code = [row.entry.function.fingerprint.hex()[:_CODE]] if several else []
            arguments = (show(row.arguments[n], width) if n in row.arguments else "" for n in names)
            yield (_key(row), *code, *arguments, *_result(row))

    return headings, cells()


def _common_columns(rows: Iterable[Row]) -> tuple[list[Column], Iterator[Sequence[str]]]:
    """Lay out entries of several functions: the arguments in one column."""
    width = _CELL if sys.stdout.isatty() else _UNCUT

    def cells() -> Iterator[Sequence[str]]:
        for row in rows:
            arguments = ", ".join(f"{name}={show(value, width)}" for name, value in row.arguments.items())
            yield (_key(row), row.entry.function.name, arguments, *_result(row))

    return [Column("KEY"), Column("FUNCTION"), Column("ARGUMENTS"), *_RESULT], cells()


_RESULT = (Column("RESULT"), Column("SIZE", True), Column("COST", True), Column("AGE", True))


def _key(row: Row) -> str:
    return row.entry.key.hex()[:_KEY]


def _result(row: Row) -> tuple[str, ...]:
    entry = row.entry
    return (
        entry.summary,
        format_size(entry.size),
        format_duration(entry.cost),
        format_age(time.time() - entry.created),
    )
