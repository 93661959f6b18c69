"""`cas gc`, `cas fsck`, `cas stats`: what a store takes, what may go, and whether it is intact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from cas import fsck, gc
from cas.cli import exits
from cas.cli.options import (
    duration_of,
    each_store,
    json_option,
    open_for_listing,
    open_store,
    size_of,
    store_option,
)
from cas.cli.output import Column, count, note, print_facts, print_json, print_json_list, print_table, progress
from cas.errors import ReadOnlyError
from cas.listing import function_rows
from cas.units import format_duration, format_size

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from cas.fsck import Finding
    from cas.gc import Plan, Removed
    from cas.store import Store

_REASONS = {
    "stale": "of code that was superseded",
    "unused": "unused for longer than asked",
    "size": "least worth keeping",
}


@click.command("gc")
@click.option("--max-size", metavar="SIZE", help="Drop the least worth keeping until the store fits, e.g. 10GB.")
@click.option("--older-than", metavar="TIME", help="Drop results that were not used for so long, e.g. 30d.")
@click.option("--stale", is_flag=True, help="Drop results of code that was superseded by newer code.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would go, and remove nothing.")
@json_option
@store_option
def gc_command(
    max_size: str | None,
    older_than: str | None,
    stale: bool,
    dry_run: bool,
    as_json: bool,
    location: str | None,
) -> None:
    """Remove blobs that no entry needs, and entries that the options name.

    Without options no result is lost. What an option drops is computed again when it is next called for. In a chain,
    each tier is looked at by itself, with the same options: --max-size is the size of each.
    """
    limit, age = size_of(max_size), duration_of(older_than)
    store = _open_to_change(location, dry_run)
    if store is None:
        if as_json:
            print_json({})
        return
    done: list[tuple[Store, Plan, Removed | None]] = []
    with progress() as tell:
        for tier in _to_change(store, dry_run):
            plan = gc.plan(tier, max_size=limit, older_than=age, stale=stale, progress=tell)
            done.append((tier, plan, None if dry_run else gc.execute(tier, plan, tell)))
    if as_json:
        print_json(_joined(store, [(tier, _gc_json(plan, removed)) for tier, plan, removed in done]))
        return
    for tier, plan, removed in done:
        _print_tier(store, tier)
        _print_gc(plan, removed)


def _to_change(store: Store, dry_run: bool) -> list[Store]:
    """Return the tiers that are to be changed, after what waits to be copied from one to another has been."""
    flush = getattr(store, "flush", None)
    if flush is None:
        return [store]
    if not dry_run:
        flush()
    for tier in each_store(store):
        if not (dry_run or tier.writable):
            note(f"{tier.location} takes no writes, and stays as it is")
    return [tier for tier in each_store(store) if dry_run or tier.writable]


def _print_tier(store: Store, tier: Store) -> None:
    """Say which tier of a chain the next lines are about."""
    if tier is not store:
        click.echo(f"{tier.location}:")


def _joined(store: Store, figures: list[tuple[Store, dict[str, Any]]]) -> dict[str, Any]:
    """Return the figures of a store; those of a chain by tier."""
    if [tier for tier, _ in figures] == [store]:
        return figures[0][1]
    return {"tiers": [{"store": tier.location, **found} for tier, found in figures]}


def _open_to_change(location: str | None, dry_run: bool) -> Store | None:
    """Open a store for care; None, with a note, if the configured one does not exist yet."""
    store = open_for_listing(location)
    if store is None or dry_run:
        return store
    store = open_store(location, writable=True)
    if not store.writable:
        raise ReadOnlyError(
            f"the store {store.location} does not take writes", "make the folder writable; --dry-run needs no writing"
        )
    return store


def _gc_json(plan: Plan, removed: Removed | None) -> dict[str, Any]:
    return {
        "entries": plan.entries,
        "size": plan.size,
        "drop": [
            {"key": drop.key.hex(), "reason": drop.reason, "cost": drop.cost, "size": drop.size} for drop in plan.drops
        ],
        "blobs": [digest.hex() for digest in plan.blobs],
        "freed": plan.freed,
        "lost": plan.lost,
        "removed": None
        if removed is None
        else {"entries": removed.entries, "kept": removed.kept, "size": removed.size},
    }


def _print_gc(plan: Plan, removed: Removed | None) -> None:
    facts = [("store", f"{_entries(plan.entries)}, {format_size(plan.size)}")]
    for reason, (entries, cost) in plan.reasons().items():
        facts.append((reason, f"{_entries(entries)} {_REASONS[reason]}, {format_duration(cost)} of computing"))
    facts.append(("blobs", f"{count(len(plan.blobs), 'blob')} that nothing needs then, {format_size(plan.blobs_size)}"))
    print_facts(facts)
    if removed is None:
        loss = f"results of {_lost(plan.lost)} of computing would be lost" if plan.drops else "no result would be lost"
        click.echo(f"would free {format_size(plan.freed)}; {loss}")
        return
    click.echo(f"freed {format_size(removed.size)}; {_entries(removed.entries)} removed")
    if removed.kept:
        note(f"{_entries(removed.kept)} stayed: used since the plan was made")


def _entries(number: int) -> str:
    return count(number, "entry", "entries")


def _lost(seconds: float) -> str:
    """Return computing time in CPU hours, once it is enough to count in them."""
    return f"{seconds / 3600:,.1f} CPU-hours" if seconds >= 360 else format_duration(seconds)


@click.command("fsck")
@click.option("--repair", is_flag=True, help="Drop damaged entries, quarantine damaged blobs, remove leftovers.")
@json_option
@store_option
def fsck_command(repair: bool, as_json: bool, location: str | None) -> None:
    """Read every result in the store and verify it against its digest; in a chain, in every tier.

    Ends with 0 if everything is intact, with 1 if there is damage, with --repair if some of it is left.
    """
    store = open_for_listing(location)
    if store is None:
        if as_json:
            print_json_list([])
        return
    checked: list[_Checked] = []
    with progress() as tell:
        for tier in each_store(store):
            findings, left = list(fsck.check(tier, tell)), None
            if repair and findings:
                writable = _open_to_change(location if tier is store else tier.location, dry_run=False)
                if writable is not None:
                    left = set(fsck.repair(writable, findings, tell).left)
            checked.append(_Checked(tier, findings, left))
    if as_json:
        print_json_list(_finding_json(found, finding) for found in checked for finding in found.findings)
    else:
        for found in checked:
            _print_tier(store, found.store)
            _print_findings(found.findings, found.left)
    if any(finding.damage for found in checked for finding in found.remaining):
        click.get_current_context().exit(exits.FAILED)


class _Checked(NamedTuple):
    """What a check found in one store, and what a repair left of it."""

    store: Store
    findings: list[Finding]
    left: set[Finding] | None

    @property
    def remaining(self) -> Collection[Finding]:
        """What is still there."""
        return self.findings if self.left is None else self.left


def _finding_json(found: _Checked, finding: Finding) -> dict[str, Any]:
    left = found.left
    return {
        "store": found.store.location,
        "kind": finding.kind,
        "subject": finding.subject,
        "detail": finding.detail,
        "damage": finding.damage,
        "mend": finding.mend,
        "mended": left is not None and finding not in left,
    }


def _print_findings(findings: list[Finding], left: set[Finding] | None) -> None:
    if not findings:
        click.echo("everything is intact")
        return

    def rows() -> Iterator[tuple[str, ...]]:
        for finding in findings:
            mended = left is not None and finding not in left
            yield finding.kind, finding.subject, finding.detail, "mended" if mended else finding.mend

    print_table([Column("FINDING"), Column("SUBJECT"), Column("SEEN"), Column("MEND")], rows())
    damage = sum(finding.damage for finding in findings)
    click.echo(f"{count(len(findings), 'finding')}, {damage:,} of damage")
    if left is None and any(finding.mendable for finding in findings):
        note("`cas fsck --repair` mends what can be mended")


@click.command("stats")
@json_option
@store_option
def stats_command(as_json: bool, location: str | None) -> None:
    """Show what the store holds, what computing it took, and what its hits saved."""
    store = open_for_listing(location)
    if store is None:
        if as_json:
            print_json({})
        return
    figures = _figures(store)
    if as_json:
        print_json(figures)
        return
    print_facts(
        [
            ("store", figures["location"]),
            ("functions", f"{figures['functions']:,} in {count(figures['versions'], 'version')}"),
            ("entries", f"{figures['entries']:,}, {format_size(figures['size'])}"),
            ("blobs", f"{figures['blobs']:,} in files, {format_size(figures['blobs_size'])}"),
            ("computed", format_duration(figures["cost"])),
            ("saved", f"{format_duration(figures['saved'])} by {count(figures['hits'], 'hit')}"),
        ]
    )


def _figures(store: Store) -> dict[str, Any]:
    rows = function_rows(store)
    sizes = [blob.size for blob in store.blobs()]
    return {
        "location": store.location,
        "functions": len(rows),
        "versions": sum(row.versions for row in rows),
        "entries": sum(row.entries for row in rows),
        "size": sum(row.size for row in rows),
        "blobs": len(sizes),
        "blobs_size": sum(sizes),
        "cost": sum(row.cost for row in rows),
        "hits": sum(row.hits for row in rows),
        "saved": sum(row.saved for row in rows),
    }
