"""What commands print: tables, JSON, notes, and progress.

A table on a terminal fits its width; in a pipe no column is cut, and rows stream.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import contextmanager
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import click

from cas.shown import printable as printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cas.progress import Progress

# Work that is done sooner shows no bar.
PATIENCE = 0.3
# Column widths in a pipe are taken from so many rows, so that the first ones print before the last are read.
_SAMPLE = 1000


# Letters that a text keeps however narrow the terminal is.
_NARROWEST = 4


class Column(NamedTuple):
    """One column of a table: its heading, and whether it holds amounts, which align to the right."""

    heading: str
    amount: bool = False


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print rows of cells below headings."""
    if sys.stdout.isatty():
        _print_fitted(columns, rows)
    else:
        print_plain(columns, rows)


def _print_fitted(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    # Slow to import, and only a terminal needs it.
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(highlight=False)
    cells = [[printable(cell) for cell in row] for row in rows]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column, width in zip(columns, _fitted(columns, cells, console.width), strict=True):
        justify: Literal["right", "left"] = "right" if column.amount else "left"
        table.add_column(Text(column.heading), justify=justify, no_wrap=True, overflow="ellipsis", max_width=width)
    for row in cells:
        table.add_row(*map(Text, row))
    console.print(table)


def _fitted(columns: Sequence[Column], cells: list[list[str]], room: int) -> list[int]:
    """Return widths that fit into the room, taken from the widest texts: an amount that is cut says something else."""
    from rich.cells import cell_len  # noqa: PLC0415 - as above

    widths = [
        max([cell_len(column.heading), *(cell_len(row[place]) for row in cells)])
        for place, column in enumerate(columns)
    ]
    room -= 2 * (len(columns) - 1)
    while sum(widths) > room:
        texts = ((width, place) for place, width in enumerate(widths) if not columns[place].amount)
        width, place = max(texts, default=(0, 0))
        if width <= _NARROWEST:
            break
        widths[place] -= 1
    return widths


def print_plain(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print rows in full, aligned as far as the first ones tell."""
    rest = iter(rows)
    sample = [[column.heading for column in columns], *islice(rest, _SAMPLE)]
    widths = [max(len(printable(row[place])) for row in sample) for place in range(len(columns))]
    for row in chain(sample, rest):
        cells = (
            printable(cell).rjust(width) if column.amount else printable(cell).ljust(width)
            for cell, width, column in zip(row, widths, columns, strict=True)
        )
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def print_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Print names and values, one a line."""
    facts = list(facts)
    width = max((len(name) for name, _ in facts), default=0)
    for name, value in facts:
        click.echo(f"{name.ljust(width)}  {printable(value)}".rstrip())


def print_json(value: object) -> None:
    """Print one JSON value."""
    click.echo(json_text(value, indent=2))


def json_text(value: object, indent: int | None = None) -> str:
    """Return JSON that stdout can hold: letters as they are in UTF-8, escaped in any other encoding."""
    escaped = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    return json.dumps(value, indent=indent, ensure_ascii=escaped, allow_nan=False)


def print_json_list(values: Iterable[object]) -> None:
    """Print a JSON list as its values come, one a line."""
    before = "["
    for value in values:
        sys.stdout.write(f"{before}\n{json_text(value)}")
        before = ","
    sys.stdout.write("[]\n" if before == "[" else "\n]\n")


def note(text: str) -> None:
    """Say something to the person at the terminal, apart from the data."""
    click.echo(text, err=True)


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, such as `1 entry` or `2,000 entries`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


@contextmanager
def progress() -> Iterator[Progress | None]:
    """Give a callback that draws a progress bar on stderr; None where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    bar = _Bar()
    try:
        yield bar.tell
    finally:
        bar.close()


class _Bar:
    """A progress bar that appears once the work has lasted for `PATIENCE`."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}

    def tell(self, text: str, done: int, total: int | None) -> None:
        """Show how far the work is."""
        if self._bar is None:
            if time.monotonic() - self._started < PATIENCE:
                return
            self._open()
        if text not in self._tasks:
            self._tasks[text] = self._bar.add_task(text, total=total)
        self._bar.update(self._tasks[text], completed=done, total=total)

    def _open(self) -> None:
        # Slow to import, and only long work on a terminal needs it.
        from rich import progress  # noqa: PLC0415
        from rich.console import Console  # noqa: PLC0415

        self._bar = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._bar.start()

    def close(self) -> None:
        """Take the bar off the screen."""
        if self._bar is not None:
            self._bar.stop()
