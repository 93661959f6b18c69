"""`cas diff`: what changed from one version of a function to another, helper by helper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cas.changes import compare, packages
from cas.cli.code import print_change, print_line
from cas.cli.options import json_option, open_store, store_option
from cas.cli.output import print_json
from cas.cli.versions import label
from cas.errors import IntegrityError, InvalidInputError
from cas.listing import iso, local_time
from cas.lookup import find_function, find_version
from cas.manifest import Manifest
from cas.versions import change_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cas.changes import Change
    from cas.entry import FunctionRecord
    from cas.store import Store


@click.command("diff")
@click.argument("old", metavar="FUNCTION[@CODE]")
@click.argument("new", metavar="[FUNCTION[@CODE]]", required=False)
@json_option
@store_option
def diff_command(old: str, new: str | None, as_json: bool, location: str | None) -> None:
    """Show what changed from one version of a function to another, each part of its code by itself.

    CODE is the start of a version's code, four characters or more, as `cas ls FUNCTION --versions` shows it. With
    one version, it is compared with the newest; with a function alone, the two newest are compared.

    The exit code is 0 whether there are differences or not.
    """
    store = open_store(location)
    before, after = _sides(store, old, new)
    manifests = _manifest(before), _manifest(after)
    changes = compare(*manifests)
    moved = _moved(*manifests, changes)
    if as_json:
        sides = [
            {"function": side.name, "code": side.fingerprint.hex(), "created": iso(side.created)}
            for side in (before, after)
        ]
        details = {"changes": [change_json(change) for change in changes], "packages": moved}
        print_json({"old": sides[0], "new": sides[1]} | details)
    else:
        _print(before, after, changes, moved)


def _sides(store: Store, old: str, new: str | None) -> tuple[FunctionRecord, FunctionRecord]:
    """Return the two versions that are meant, the one to start from first."""
    if new is not None:
        return _side(store, old), _side(store, new)
    versions = find_function(store, old.rpartition("@")[0] or old)
    before = find_version(store, old) if "@" in old else versions[min(1, len(versions) - 1)]
    if before == versions[0]:
        raise InvalidInputError(
            f"{label(before)} is the {'newest' if len(versions) > 1 else 'only'} version, and there is nothing to "
            "compare it with",
            f"name two; `cas ls {before.name} --versions` shows what there is",
        )
    return before, versions[0]


def _side(store: Store, text: str) -> FunctionRecord:
    return find_version(store, text) if "@" in text else find_function(store, text)[0]


def _manifest(record: FunctionRecord) -> Manifest:
    try:
        return Manifest.unpack(record.manifest)
    except IntegrityError as damage:
        raise IntegrityError(f"the manifest of {label(record)}: {damage.message}", damage.hint) from damage


def _moved(old: Manifest, new: Manifest, changes: list[Change]) -> list[dict[str, Any]]:
    """Return the distributions that are not what they were, or of which other things are used."""
    versions = packages(old), packages(new)
    told: dict[str, dict[str, Any]] = {}
    for name in sorted({**versions[0], **versions[1]}):
        was, now = (side.get(name) for side in versions)
        told[name] = {"name": name, "old": was, "new": now, "counts": False, "added": [], "removed": []}
    for change in changes:
        if change.ingredient.kind == "package":
            row = told[change.ingredient.origin.partition("==")[0]]
            row["counts"] = True
            if change.how in ("added", "removed"):
                row[change.how].append(change.ingredient.name)
    return [row for row in told.values() if row["counts"] or row["old"] != row["new"]]


def _print(before: FunctionRecord, after: FunctionRecord, changes: list[Change], moved: list[dict[str, Any]]) -> None:
    for sign, side in (("---", before), ("+++", after)):
        print_line(f"{sign} {label(side)}  {local_time(side.created)}")
    click.echo()
    if before == after:
        click.echo("the same version")
    elif not changes:
        click.echo("nothing that has a name is different: another version of the package made one of the two")
    for change in changes:
        if change.ingredient.kind != "package":
            print_change(change)
    for row in moved:
        for line in _package_lines(row):
            print_line(line)


def _package_lines(row: dict[str, Any]) -> Iterator[str]:
    """Yield what is to be said of a distribution."""
    name, old, new = row["name"], row["old"], row["new"]
    if old is not None and new is not None and old != new:
        yield f"package {name} {old} -> {new} ({'counts' if row['counts'] else 'does not count'})"
    if row["added"]:
        yield f"+package {name} {new}: {', '.join(row['added'])}"
    if row["removed"]:
        yield f"-package {name} {old}: {', '.join(row['removed'])}"
