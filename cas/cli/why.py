"""`cas why`: why a call was computed, and not served."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from cas.cli.code import print_line
from cas.cli.options import json_option, limit_of, open_store, store_option
from cas.cli.output import Column, note, print_json, print_json_list, print_table, progress
from cas.entry import Call
from cas.errors import InvalidInputError, NotFoundError
from cas.form import show
from cas.listing import decode, iso
from cas.lookup import find_entry, find_function
from cas.reason import why
from cas.units import format_age, format_duration
from cas.versions import change_json

if TYPE_CHECKING:
    from cas.entry import Entry
    from cas.reason import Reason
    from cas.store import Store

_LATEST = 5
_KEY = 12


@click.command("why")
@click.argument("target", metavar="ENTRY|FUNCTION")
@click.option("--limit", type=int, help=f"Of a function, at most so many entries, 0 for all; {_LATEST} if not said.")
@json_option
@store_option
def why_command(target: str, limit: int | None, as_json: bool, location: str | None) -> None:
    """Tell why ENTRY was computed, or why the latest entries of FUNCTION were.

    ENTRY is the first characters of its key (four or more), or its alias. It is compared with what was stored before
    it and still is: an entry that was removed leaves no trace.
    """
    store = open_store(location)
    entry = _entry(store, target)
    if entry is None:
        record = find_function(store, target)[0]
        _explain_latest(store, (record.module, record.qualname), limit_of(limit, _LATEST), as_json)
    elif as_json:
        print_json(_json(entry, reason_of(store, entry)))
    else:
        _print(entry, reason_of(store, entry))


def _entry(store: Store, text: str) -> Entry | None:
    """Return the entry that `text` names; None if it can only name a function, or names one and no entry."""
    try:
        return find_entry(store, text)
    except InvalidInputError:
        return None
    except NotFoundError:
        try:
            find_function(store, text)
        except NotFoundError:
            pass
        else:
            return None
        raise


def reason_of(store: Store, entry: Entry) -> Reason:
    """Return why an entry was computed, as what was stored before it tells."""
    return why(store, Call(entry.key, entry.function, entry.signature), entry.created)


def _explain_latest(store: Store, name: tuple[str, str], limit: int | None, as_json: bool) -> None:
    """Print why the latest entries of a function were computed, and of the newest all there is to say."""
    latest = ((entry, reason_of(store, entry)) for entry in islice(store.entries(*name), limit))
    if as_json:
        print_json_list(_json(entry, reason) for entry, reason in latest)
        return
    with progress() as tell:
        found = []
        for pair in latest:
            found.append(pair)
            if tell is not None:
                tell("comparing entries", len(found), limit)
    if not found:
        note(f"{'.'.join(name)} has no entries any more")
        return
    now = time.time()
    print_table(
        [Column("KEY"), Column("AGE", amount=True), Column("COST", amount=True), Column("COMPUTED BECAUSE")],
        (
            (
                entry.key.hex()[:_KEY],
                format_age(now - entry.created),
                format_duration(entry.cost),
                _verdict(entry, reason),
            )
            for entry, reason in found
        ),
    )
    click.echo()
    _print(*found[0])


def _adopted(entry: Entry) -> list[tuple[str, str]]:
    """Return from which versions an entry was taken over, the last first, and on what evidence; none if computed."""
    found = [(name, evidence) for name, evidence in entry.provenance.items() if name.startswith("adopted from ")]
    return sorted(found, key=lambda one: one[1], reverse=True)  # the evidence begins with the time


def _verdict(entry: Entry, reason: Reason) -> str:
    adopted = _adopted(entry)
    return f"not computed, but {adopted[0][0]}" if adopted else reason.verdict


def _lines(entry: Entry, reason: Reason) -> list[str]:
    adopted = _adopted(entry)
    if not adopted:
        return reason.lines("computed because", mend=False)
    return [_verdict(entry, reason), *(f"  {name} ({evidence})" for name, evidence in adopted)]


def _print(entry: Entry, reason: Reason) -> None:
    arguments = ", ".join(f"{name}={show(value)}" for name, value in decode(entry).arguments.items())
    print_line(f"{entry.key.hex()[:_KEY]}  {entry.function.name}({arguments})")
    for line in _lines(entry, reason):
        print_line(line)


def _json(entry: Entry, reason: Reason) -> dict[str, Any]:
    nearest = reason.nearest
    return {
        "key": entry.key.hex(),
        "function": entry.function.name,
        "code": entry.function.fingerprint.hex(),
        "created": iso(entry.created),
        "cost": entry.cost,
        "kind": reason.kind,
        "verdict": _verdict(entry, reason),
        "nearest": nearest and {"key": nearest.key.hex(), "code": nearest.function.fingerprint.hex()},
        "arguments": [argument._asdict() for argument in reason.arguments],
        "changes": [change_json(change) for change in reason.changes],
        "lines": _lines(entry, reason),
    }
