"""How code is printed: the ingredients of a version with their lines, and what changed in them.

Names and lines come from a store that anyone may have written: whatever is no letter is written out.
"""

from __future__ import annotations

import os
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import click

from cas.changes import describe, function_place, last_name
from cas.cli.output import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cas.changes import Change
    from cas.manifest import Ingredient, Manifest

_INDENT = "    "
# Wider ones stand below their name.
_WIDE = 70
_KINDS = {"initial": "initial value of", "root": ""}
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def print_code(manifest: Manifest) -> None:
    """Print every ingredient of a version: the user's own with their lines, then what others made, notes last."""
    _print_all(
        [found for found in _function_first(manifest) if found.kind not in ("root", "package", "python", "note")]
    )
    foreign: dict[str, list[str]] = {}
    for found in manifest:
        if found.kind in ("package", "python"):
            foreign.setdefault(found.origin.replace("==", " "), []).append(found.name)
    for origin in sorted(foreign):
        click.echo(f"{_bold(printable(origin))}: {printable(', '.join(foreign[origin]))}")
    for found in manifest:
        if found.kind == "note":
            click.echo(f"{_bold('note')}: {printable(found.name)}")


def print_sources(manifest: Manifest) -> None:
    """Print the lines of the function itself, and of the functions of the user's own that it reaches."""
    functions = [one for one in _function_first(manifest) if one.kind == "function" and one.source is not None]
    # Two lambdas on one line have their lines in common.
    _print_all({(found.name, found.source): found for found in functions}.values())


def _function_first(manifest: Manifest) -> list[Ingredient]:
    first = function_place(manifest)
    return [*manifest[first : first + 1], *manifest[:first], *manifest[first + 1 :]]


def _print_all(ingredients: Iterable[Ingredient]) -> None:
    """Print ingredients: short values in a line of their own, lines below their name, and a blank line after them."""
    blank = True
    for ingredient in ingredients:
        title = _title(ingredient)
        lines = dedent((ingredient.source or "").expandtabs(4)).splitlines()
        if ingredient.kind == "value" and len(lines) == 1 and len(lines[0]) <= _WIDE:
            title, lines = f"{title} = {printable(lines[0])}", []
        if lines and not blank:
            click.echo()
        click.echo(title)
        for line in lines:
            click.echo(_INDENT + printable(line))
        blank = bool(lines)
        if blank:
            click.echo()
    if not blank:
        click.echo()


def print_change(change: Change) -> None:
    """Print a change: what it is, where it stands, and a diff of its lines."""
    click.echo(f"{_title(change.ingredient)} {change.how}")
    if len(change.path) > 1:
        click.echo(printable(" -> ".join(map(last_name, change.path))))
    lines = describe(change)
    is_diff = change.how in ("added", "removed") or any(line.startswith("@@") for line in lines)
    for line in lines:
        print_line(line, is_diff)
    click.echo()


def print_line(line: str, is_diff: bool = True) -> None:
    """Print a line, one of a diff in the colour of its sign if this is a terminal."""
    text = printable(line.expandtabs(4))
    colour = _COLOURS.get(text[:1]) if is_diff else None
    click.echo(click.style(text, fg=colour) if colour and _styles() else text)


def _title(ingredient: Ingredient) -> str:
    name = ingredient.name.replace(" d:", " default ").replace(" c:", " captured ")
    return _bold(printable(f"{_KINDS.get(ingredient.kind, ingredient.kind)} {name}".lstrip()))


def _bold(text: str) -> str:
    return click.style(text, bold=True) if _styles() else text


def _styles() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
