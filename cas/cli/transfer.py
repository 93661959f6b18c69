"""`cas export`, `cas import`, `cas merge`: results that travel from store to store, in bundles or directly."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import click

import cas
from cas import bundle, importing
from cas.cli import exits
from cas.cli.options import compile_where, json_option, open_store, store_option, where_option
from cas.cli.output import Column, count, note, print_json, print_table, progress
from cas.errors import InvalidInputError, NotFoundError, ReadOnlyError
from cas.listing import Order, columns, list_entries
from cas.lookup import find_function
from cas.units import format_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cas.bundle import Plan
    from cas.entry import Entry
    from cas.importing import Report
    from cas.store import Store
    from cas.transfer import Sent

_OLDEST = Order("created")
_dry_run_option = click.option("-n", "--dry-run", is_flag=True, help="Show what would be copied, and copy nothing.")


class _Trip(NamedTuple):
    """What was to travel from one store to another, and what became of it; `sent` is None in a dry run."""

    location: str
    plan: Plan
    sent: Sent | None

    def json(self) -> dict[str, Any]:
        """Return it for machines."""
        plan, sent = self.plan, self.sent
        return {
            "location": self.location,
            "entries": len(plan.keys),
            "size": plan.size,
            "kept": plan.kept + (sent.kept if sent else 0),
            "closed": dict(plan.closed),
            "copied": None if sent is None else sent.sent,
            "left_out": None if sent is None else [{"key": k.hex(), "reason": reason} for k, reason in sent.failed],
        }

    def tell(self, verb: str, way: str) -> None:
        """Print it for a person."""
        plan, sent = self.plan, self.sent
        number = len(plan.keys) if sent is None else sent.sent
        kept = plan.kept + (sent.kept if sent else 0)
        there = f"; {_entries(kept)} stood there already" if kept else ""
        done = f"would {verb}" if sent is None else _past(verb)
        size = f", {format_size(plan.size)}," if sent is None or not sent.failed else ""
        click.echo(f"{done} {_entries(number)}{size} {way} {self.location}{there}")
        if sent is not None and sent.failed:
            rows = ((key.hex()[:12], reason) for key, reason in sent.failed)
            print_table([Column("LEFT OUT"), Column("REASON")], rows)
            note(f"{_entries(len(sent.failed))} of {self.location} left out; `cas fsck` there says more")


@click.command("export")
@click.argument("folder", metavar="DIR")
@click.option("--function", metavar="FUNCTION", help="Only the entries of this function.")
@where_option
@_dry_run_option
@json_option
@store_option
def export_command(
    folder: str, function: str | None, where: str | None, dry_run: bool, as_json: bool, location: str | None
) -> None:
    """Copy entries into a bundle: the folder DIR, with plain files that need no software of ours.

    DIR is new or empty, or an earlier bundle, to which is added what it has not. Its README.txt says how to read it;
    `cas import` takes it back. Ends with 1 if an entry was left out as damaged.
    """
    source = open_store(location)
    chosen = _chosen(source, function, where)
    bundle.require_free(folder)
    target = bundle.open_bundle(folder, create=not dry_run) if bundle.is_bundle(folder) or not dry_run else None
    with progress() as tell:
        plan = bundle.plan(source, target, chosen, tell)
        sent = None if dry_run or target is None else bundle.execute(plan, source, target, tell)
    if sent is not None and target is not None:
        bundle.write_readme(folder, plan)
        bundle.tidy(folder, target)
    for codec, number in plan.closed.items():
        note(_closed(codec, number))
    _finish([_Trip(folder, plan, sent)], "export", as_json)


def _chosen(store: Store, function: str | None, where: str | None) -> Iterator[Entry]:
    """Yield the entries that the options name, oldest first."""
    versions = store.records() if function is None else find_function(store, function)
    name = None if function is None else (versions[0].module, versions[0].qualname)
    matches = None if where is None else compile_where(where, columns(versions))
    return (row.entry for row in list_entries(store, name, matches=matches, order=_OLDEST))


def _closed(codec: str, number: int) -> str:
    """Return what to say of results that others cannot read."""
    one = number == 1
    results = f"of these, {count(number, 'result')} {'is' if one else 'are'}"
    those = "that" if one else "those"
    if codec.startswith("pickle/"):
        pickles = "is or holds a pickle" if one else "are or hold pickles"
        return f"of these, {count(number, 'result')} {pickles} signed with your key: nobody else can read {those}"
    return f"{results} stored as {codec}: only who has that codec can read {those}"


@click.command("import")
@click.argument("source", metavar="DIR")
@click.option("--from", "software", metavar="NAME", help="DIR is the cache of other software, such as neurotools.")
@click.option("--trust", is_flag=True, help="With --from: unpickle what is in DIR, which runs code that is in it.")
@_dry_run_option
@json_option
@store_option
def import_command(
    source: str, software: str | None, trust: bool, dry_run: bool, as_json: bool, location: str | None
) -> None:
    """Copy the entries of DIR, a bundle or another store, into the store; what is there stays.

    Everything is verified on the way. Ends with 1 if something was left out as damaged or not read.

    With --from, DIR is a cache that other software wrote, such as `--from neurotools`. Of pickles in it nothing is
    read without --trust.
    """
    if software is not None:
        _import_from(software, source, trust, dry_run, as_json, location)
    elif trust:
        raise InvalidInputError(
            "--trust goes with --from", "a bundle needs no trust: its pickles are read only if you signed them"
        )
    else:
        _bring((source,), dry_run, as_json, location, "import")


@click.command("merge")
@click.argument("others", metavar="OTHER...", nargs=-1, required=True)
@_dry_run_option
@json_option
@store_option
def merge_command(others: tuple[str, ...], dry_run: bool, as_json: bool, location: str | None) -> None:
    """Copy the entries of each OTHER store or bundle into the store, as `cas import` does of one.

    A call that has a result in the store keeps it; the other stores stay as they are.
    """
    _bring(others, dry_run, as_json, location, "merge")


def _bring(others: tuple[str, ...], dry_run: bool, as_json: bool, location: str | None, verb: str) -> None:
    sources = [_open_source(other) for other in others]  # all of them, before anything is copied
    target = _open_target(location, dry_run)
    trips = []
    for other, source in zip(others, sources, strict=True):
        if target is not None and source.location == target.location:
            raise InvalidInputError(f"{source.location} is the store itself", "name another store")
        with progress() as tell:
            plan = bundle.plan(source, target, progress=tell)
            sent = None if dry_run or target is None else bundle.execute(plan, source, target, tell)
        trips.append(_Trip(other, plan, sent))
    _finish(trips, verb, as_json)


def _open_source(location: str) -> Store:
    try:
        return bundle.open_source(location)
    except (NotFoundError, InvalidInputError) as error:
        raise type(error)(
            error.message, "name a bundle or a store; the cache of other software goes by `cas import --from NAME`"
        ) from None


def _open_target(location: str | None, dry_run: bool) -> Store | None:
    """Open the store, made if there is none; in a dry run, None instead."""
    try:
        store = cas.open(location, create=not dry_run, writable=not dry_run)
    except NotFoundError:
        return None
    if not (dry_run or store.writable):
        raise ReadOnlyError(
            f"the store {store.location} does not take writes", "make the folder writable; --dry-run needs no writing"
        )
    return store


def _finish(trips: list[_Trip], verb: str, as_json: bool) -> None:
    """Print what was done, and end with 1 if anything stayed behind."""
    if as_json:
        print_json([trip.json() for trip in trips] if verb == "merge" else trips[0].json())
    else:
        for trip in trips:
            trip.tell(verb, "to" if verb == "export" else "from")
    if any(trip.sent and trip.sent.failed for trip in trips):
        click.get_current_context().exit(exits.FAILED)


def _import_from(software: str, folder: str, trust: bool, dry_run: bool, as_json: bool, location: str | None) -> None:
    importer = importing.find_importer(software)
    target = _open_target(location, dry_run)
    with progress() as tell:
        report = importer(folder, target, trust=trust, dry_run=dry_run, progress=tell)
    if as_json:
        print_json(_report_json(report))
    else:
        _print_report(report, folder, "would import" if dry_run else "imported")
    if report.unread:
        click.get_current_context().exit(exits.FAILED)


def _report_json(report: Report) -> dict[str, Any]:
    return {
        "imported": [found._asdict() | {"aside": found.aside or None} for found in report.brought],
        "unread": [found._asdict() | {"files": list(found.files)} for found in report.unread],
    }


def _print_report(report: Report, folder: str, done: str) -> None:
    if report.brought:
        print_table(
            [
                Column("FUNCTION"),
                Column("CODE"),
                Column("NEW", amount=True),
                Column("THERE", amount=True),
                Column("SERVED"),
            ],
            ((b.function, b.code, f"{b.made:,}", f"{b.kept:,}", b.aside or "yes") for b in report.brought),
        )
    if report.unread:
        print_table(
            [Column("FUNCTION"), Column("NOT READ", amount=True), Column("REASON"), Column("SUCH AS")],
            (
                (u.function, f"{len(u.files):,}", u.reason, os.path.relpath(u.files[0], os.path.expanduser(folder)))
                for u in report.unread
            ),
        )
    made, kept = sum(b.made for b in report.brought), sum(b.kept for b in report.brought)
    click.echo(f"{done} {_entries(made)}" + (f"; {_entries(kept)} stood there already" if kept else ""))
    if report.unread:
        note(f"{count(sum(len(found.files) for found in report.unread), 'file')} not read")
    for hint in dict.fromkeys(found.hint for found in report.unread):
        note(f"hint: {hint}")


def _entries(number: int) -> str:
    return count(number, "entry", "entries")


def _past(verb: str) -> str:
    return f"{verb.removesuffix('e')}ed"
