"""The conversation of `cas adopt`: find the present function, show what will be computed again, ask, adopt."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from cas.cli.options import open_store
from cas.cli.output import Column, note, print_table
from cas.errors import CasError, InvalidInputError, NotFoundError
from cas.lookup import find_version
from cas.units import format_duration
from memo.adopting import carry_out, prepare
from memo.errors import MemoError
from memo.handle import Cache

if TYPE_CHECKING:
    from cas import FunctionRecord, Store
    from memo.adopting import Plan
    from memo.adopting.difference import Tolerance
    from memo.caller import Caller


def converse(version: str, verify: int, tolerance: Tolerance, yes: bool, location: str | None) -> None:
    """Adopt the version that a person names, and say what was done.

    Raises:
        CasError: It was refused, or there is no such version or function.
    """
    tolerance = tolerance.checked()
    store = open_store(location, writable=True)
    record = find_version(store, version)
    try:
        caller = _find(record)
        _note_other_store(store, caller)
        source = f"{record.module}:{record.qualname}@{record.fingerprint.hex()}"
        plan = prepare(caller, store, source, verify)
        _confirm(plan, yes)
        click.echo(str(carry_out(caller, plan, tolerance)))
    except MemoError as error:
        raise CasError(error.message, error.hint) from error


def _find(record: FunctionRecord) -> Caller:
    """Import the present function of a record's name from the current folder."""
    if record.module == "__main__":
        raise NotFoundError(
            f"{record.qualname} was defined in a notebook or a console, where this command cannot look",
            f"adopt there: f.cache.adopt('{record.fingerprint.hex()[:8]}')",
        )
    sys.path.insert(0, os.getcwd())
    try:
        found: Any = import_module(record.module)
    except ModuleNotFoundError as error:
        raise NotFoundError(
            f"cannot import {record.module}, the module of {record.qualname}: {error}",
            "run this in the folder that it is imported from; if it was renamed, adopt in Python: "
            f"f.cache.adopt('{record.name}@{record.fingerprint.hex()[:8]}')",
        ) from error
    except (Exception, SystemExit) as error:
        raise CasError(
            f"importing {record.module} raised {type(error).__name__}: {error}", "mend the module, then adopt"
        ) from error
    for name in record.qualname.split("."):
        found = getattr(found, name, None)
    found = getattr(found, "fget", found)  # a property
    handle = getattr(found, "cache", None)
    if not isinstance(handle, Cache):
        raise NotFoundError(
            f"expected a function with @memo.cached at {record.module}.{record.qualname}, found {_what(found, record)}",
            "if it was renamed, or stands inside another function, adopt in Python: "
            f"f.cache.adopt('{record.name}@{record.fingerprint.hex()[:8]}')",
        )
    return handle._caller  # noqa: SLF001 - this command is another face of the handle


def _what(found: object, record: FunctionRecord) -> str:
    if "<locals>" in record.qualname:
        return "the inside of a function, which no name leads to"
    return "nothing of that name" if found is None else f"a {type(found).__name__} without it"


def _note_other_store(store: Store, caller: Caller) -> None:
    own = caller.open().location
    if own != store.location:
        note(f"note: {caller.name} keeps its results in {own}, and is not served from {store.location}")


def _confirm(plan: Plan, yes: bool) -> None:
    """Show what will be computed again, and ask the person at the terminal; nobody else can answer."""
    rows = [(str(trial), trial.entry.summary, format_duration(trial.entry.cost)) for trial in plan.trials]
    print_table([Column("CALL"), Column("RESULT"), Column("COST", amount=True)], rows)
    work = f"computing {len(plan.trials)} of {plan.entries:,} results again, which took {format_duration(plan.cost)}"
    if yes:
        note(work)
        return
    if not sys.stdin.isatty():
        raise InvalidInputError(f"nobody to ask before {work}", "add --yes to adopt without asking")
    if not click.confirm(f"Adopt after {work}?", err=True):
        raise click.Abort
