"""What several stores hold together: each entry, blob and version once, from the fastest store that has it.

Only listings and care come here, never a hit.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from cas.entry import FunctionSummary
from cas.tiers.tier import FAILURES

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

    from cas.blob import BlobFile
    from cas.entry import Entry, FunctionRecord
    from cas.store import Store
    from cas.tiers.outdated import Outdated
    from cas.tiers.tier import Tier

    Weight = tuple[bytes, bytes, int, float, float, float, tuple[bytes, ...]]

T = TypeVar("T")
U = TypeVar("U")


def each(tiers: Iterable[Tier], read: Callable[[Store], U]) -> list[U]:
    """Return what is read from every tier that answers; the first error if none does."""
    found: list[U] = []
    trouble: Exception | None = None
    for tier in tiers:
        store = tier.reading()
        if store is None:
            continue
        try:
            found.append(read(store))
        except FAILURES as error:
            tier.fail(error)
            trouble = trouble or error
    if trouble is not None and not found:
        raise trouble
    return found


def streams(tiers: Iterable[Tier], read: Callable[[Store], Iterator[T]]) -> list[tuple[Tier, Iterator[T]]]:
    """Return every tier with an iterator; one that fails ends early, and its tier is left out."""
    return [(tier, _guarded(tier, store, read)) for tier in tiers if (store := tier.reading()) is not None]


def _guarded(tier: Tier, store: Store, read: Callable[[Store], Iterator[T]]) -> Iterator[T]:
    try:
        yield from read(store)
    except FAILURES as error:
        tier.fail(error)


def distinct(values: Iterable[T], name: Callable[[T], Hashable]) -> Iterator[T]:
    """Yield the first of those that have a name in common."""
    seen = set()
    for value in values:
        which = name(value)
        if which not in seen:
            seen.add(which)
            yield value


def entries(
    tiers: Sequence[Tier], outdated: Outdated, read: Callable[[Store], Iterator[Entry]], order: str
) -> Iterator[Entry]:
    """Yield the entries of the tiers' listings, each in this order, in that order, and each entry once."""
    field = order.removeprefix("-")
    found = streams(tiers, read)
    listings = [served(listing, outdated.all(tier)) for tier, listing in found]
    if field == "used":  # the one field in which an entry differs from tier to tier
        listings = [
            _further(listing, [tier for tier, _ in found[:place]], outdated) for place, listing in enumerate(listings)
        ]
    merged = heapq.merge(*listings, key=lambda entry: getattr(entry, field), reverse=order.startswith("-"))
    return distinct(merged, lambda entry: entry.key)


def served(listing: Iterator[Entry], outdated: dict[bytes, float]) -> Iterator[Entry]:
    """Yield the entries that are not outdated."""
    if not outdated:
        return listing
    return (entry for entry in listing if entry.created > outdated.get(entry.key, -math.inf))


def _further(listing: Iterator[Entry], faster: Sequence[Tier], outdated: Outdated) -> Iterator[Entry]:
    """Yield the entries that no faster tier has."""
    keys = {weight[0] for weight in weights(faster, outdated)}
    return (entry for entry in listing if entry.key not in keys)


def blobs(tiers: Sequence[Tier]) -> Iterator[BlobFile]:
    """Yield every blob once."""
    listings = streams(tiers, lambda store: store.blobs())
    yield from distinct((blob for _, listing in listings for blob in listing), lambda blob: blob.digest)


def weights(tiers: Sequence[Tier], outdated: Outdated) -> Iterator[Weight]:
    """Yield what gc weighs, for every entry that is served, once."""
    listings = [(listing, outdated.all(tier)) for tier, listing in streams(tiers, lambda store: store.weights())]
    found = (w for listing, gone in listings for w in listing if not gone or w[4] > gone.get(w[0], -math.inf))
    yield from distinct(found, lambda weight: weight[0])


def records(tiers: Sequence[Tier]) -> list[FunctionRecord]:
    """Return every version once, as old as any store knows it, newest first."""
    found: dict[bytes, FunctionRecord] = {}
    for records in each(tiers, lambda store: store.records()):
        for record in records:
            known = found.setdefault(record.fingerprint, record)
            if record.created < known.created:
                found[record.fingerprint] = replace(known, created=record.created)
    return sorted(found.values(), key=lambda record: record.created, reverse=True)


def summaries(tiers: Sequence[Tier], outdated: Outdated) -> list[FunctionSummary]:
    """Return every version with the figures of all stores, each entry counted once, newest first."""
    hits: defaultdict[bytes, tuple[int, float, float]] = defaultdict(lambda: (0, 0.0, 0.0))
    for found in each(tiers, lambda store: store.functions()):
        for summary in found:
            name = summary.function.fingerprint
            served, saved, used = hits[name]
            hits[name] = served + summary.hits, saved + summary.saved, max(used, summary.used)
    totals: defaultdict[bytes, tuple[int, int, float]] = defaultdict(lambda: (0, 0, 0.0))
    for _, name, size, cost, *_ in weights(tiers, outdated):
        entries, size_before, cost_before = totals[name]
        totals[name] = entries + 1, size_before + size, cost_before + cost
    return [
        FunctionSummary(record, *totals[record.fingerprint], *hits[record.fingerprint]) for record in records(tiers)
    ]


def count(tiers: Sequence[Tier], outdated: Outdated, module: str | None, qualname: str | None) -> int:
    """Return how many entries there are, of one function if named."""
    if (module, qualname) == (None, None):
        return sum(1 for _ in weights(tiers, outdated))
    mine = {r.fingerprint for r in records(tiers) if (r.module, r.qualname) == (module, qualname)}
    return sum(weight[1] in mine for weight in weights(tiers, outdated))
