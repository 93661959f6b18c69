"""The options that commands share, and the store they name."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

import click

import cas
from cas.cli.output import note
from cas.errors import InvalidInputError, NotFoundError
from cas.units import parse_duration, parse_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from cas.listing import Row
    from cas.store import Store

Command = TypeVar("Command", bound="Callable[..., Any]")


def store_option(command: Command) -> Command:
    """Add `--store`."""
    text = "The store to use, in place of the configured one: a folder, a URL, or FAST,SLOW for a chain of them."
    return click.option("--store", "location", metavar="STORE", help=text)(command)


def json_option(command: Command) -> Command:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON: plain bytes, seconds, ISO times.")(command)


def where_option(command: Command) -> Command:
    """Add `--where`."""
    return click.option(
        "--where",
        metavar="EXPRESSION",
        help="Only entries for which it holds, such as 'tapers >= 5 and rate == 250'.",
    )(command)


def open_store(location: str | None, writable: bool = False) -> Store:
    """Open the store that is there; never make one, since looking must leave no trace."""
    try:
        return cas.open(location, create=False, writable=writable)
    except NotFoundError as error:
        raise NotFoundError(error.message, f"{error.hint}; or name another with --store STORE") from None


def each_store(store: Store) -> list[Store]:
    """Return the stores that are looked after one by one: the tiers of a chain that are there, or the store itself."""
    present = getattr(store, "present", None)
    return [store] if present is None else present()


def open_for_listing(location: str | None) -> Store | None:
    """Open the store to look around in; None, with a note, if the configured one does not exist yet."""
    try:
        return open_store(location)
    except NotFoundError as error:
        if location is not None:
            raise
        note(f"{error.message}: {error.hint}")
        return None


def compile_where(text: str, names: list[str]) -> Callable[[Row], bool]:
    """Return the test that `--where` asks for, given the arguments that there are.

    Raises:
        InvalidInputError: It does not parse, or names no argument and no field.
    """
    # Only where it is asked for: Python's parser takes a quarter of the start of `cas ls`.
    from cas.fields import lookup  # noqa: PLC0415
    from cas.query import compile_query  # noqa: PLC0415

    query = compile_query(text)
    query.check_names(names)
    now = time.time()
    return lambda row: query.matches(lookup(row.entry, row.arguments, now))


def size_of(text: str | None) -> int | None:
    """Return the bytes of an option such as `10GB`."""
    return None if text is None else parse_size(text)


def duration_of(text: str | None) -> float | None:
    """Return the seconds of an option such as `30d`."""
    return None if text is None else parse_duration(text)


def limit_of(limit: int | None, default: int | None) -> int | None:
    """Return how many rows to show, None meaning all of them.

    Raises:
        InvalidInputError: The limit is negative.
    """
    if limit is None:
        return default
    if limit < 0:
        raise InvalidInputError(f"expected a limit of 0 or more, found {limit}", "0 shows everything")
    return limit or None
