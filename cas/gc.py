"""What may go from a store: a pure plan first, then one execution of it.

Owns the reasons for dropping an entry and the worth by which entries are compared; knows nothing of disks.
Keeps I4: an index that cannot be read ends the plan with its error, and what a plan names is looked at again
by `Store.sweep`, under the store's lock, at the moment of removal. Keeps I3: entries go first, blobs last.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from cas.errors import IntegrityError
from cas.manifest import Manifest, agree
from cas.progress import batches, told

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cas.entry import FunctionRecord, FunctionSummary
    from cas.progress import Progress
    from cas.store import Store

    # Not a class of its own: a million plain tuples of plain values cost Python's collector nothing.
    Candidate = tuple[bytes, float, float, int, tuple[bytes, ...]]
    """An entry that may go: key, used, cost, bytes of its own, blobs."""

STALE = "stale"
UNUSED = "unused"
SIZE = "size"

# What an entry takes in the index beside its result: row, key, arguments. Counted, so that a million results
# of eight bytes each do not pass for eight megabytes.
ROW = 200
# A result that was not used for this long is worth half.
HALF_LIFE = 30 * 86400.0


class Drop(NamedTuple):
    """One entry that is to go.

    Attributes:
        key: Its call key.
        reason: `stale`, `unused` or `size`.
        used: When it was last used as the plan saw it; if that is different later, the entry is saved.
        cost: Seconds of computing that go with it.
        size: Bytes that it alone takes, its row included; its blobs may be shared and count in the plan.
    """

    key: bytes
    reason: str
    used: float
    cost: float
    size: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be removed, and what that gains and loses.

    Attributes:
        drops: The entries to go.
        blobs: The blobs that no entry needs once `drops` are gone.
        rows_size: Bytes that `drops` take in the index.
        blobs_size: Bytes of `blobs`.
        entries: How many entries the store held.
        size: Bytes that the store held.
    """

    drops: tuple[Drop, ...]
    blobs: tuple[bytes, ...]
    rows_size: int
    blobs_size: int
    entries: int
    size: int

    @property
    def freed(self) -> int:
        """Bytes that would be free again."""
        return self.rows_size + self.blobs_size

    @property
    def lost(self) -> float:
        """Seconds of computing whose results would be gone."""
        return math.fsum(drop.cost for drop in self.drops)

    def reasons(self) -> dict[str, tuple[int, float]]:
        """Return (entries, seconds of computing) by reason."""
        counted: dict[str, tuple[int, float]] = {}
        for drop in self.drops:
            entries, cost = counted.get(drop.reason, (0, 0.0))
            counted[drop.reason] = entries + 1, cost + drop.cost
        return counted


@dataclass(frozen=True, slots=True)
class Removed:
    """What an execution did: entries removed, entries kept because they were used meanwhile, bytes freed."""

    entries: int
    kept: int
    size: int


def plan(
    store: Store,
    *,
    max_size: int | None = None,
    older_than: float | None = None,
    stale: bool = False,
    now: float | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Decide what may go, and change nothing; without options, only blobs that no entry needs.

    Args:
        store: The store to look at.
        max_size: Drop the entries of least `worth` until the store takes at most so many bytes.
        older_than: Drop entries that were not used for so many seconds.
        stale: Drop entries of code of a function that is neither its newest nor its last used.
        now: The time to measure ages against, seconds since the epoch.
        progress: Told how far the plan is.
    """
    now = time.time() if now is None else now
    # Blobs before entries: a blob that arrives in between is then not taken for one that nothing needs.
    sizes = {blob.digest: blob.size for blob in told(store.blobs(), "reading blobs", progress)}
    outdated = superseded(store.functions()) if stale else frozenset()
    cutoff = -math.inf if older_than is None else now - older_than
    holdings = _Holdings(sizes)
    drops: list[Drop] = []
    candidates: list[Candidate] = []
    for key, fingerprint, whole, cost, _, used, blobs in told(store.weights(), "weighing entries", progress):
        own = holdings.own_size(whole, blobs)
        if fingerprint in outdated or used < cutoff:
            drops.append(Drop(key, STALE if fingerprint in outdated else UNUSED, used, cost, own))
            continue
        holdings.add(own, blobs)
        if max_size is not None:
            candidates.append((key, used, cost, own, blobs))
    if max_size is not None and holdings.size > max_size:
        drops += _shrink(holdings, candidates, max_size, now)
    return _plan(drops, holdings)


def execute(store: Store, plan: Plan, progress: Progress | None = None) -> Removed:
    """Remove what a plan names, as far as the plan still holds.

    Concurrency: an entry used since the plan was made stays, and so does each blob that an entry needs.
    """
    planned = {drop.key: drop for drop in plan.drops}
    idle = []
    if planned:
        for key, _, _, _, _, used, _ in told(store.weights(), "checking entries", progress):
            drop = planned.get(key)
            # Different, not later: clocks are set back, and stores may keep whole seconds.
            if drop is not None and used == drop.used:
                idle.append(drop)
    entries = 0
    for batch in batches([drop.key for drop in idle], "removing entries", progress):
        entries += store.forget(batch)
    size = sum(drop.size for drop in idle)
    for batch in batches(plan.blobs, "removing blobs", progress):
        size += store.sweep(batch)
    return Removed(entries=entries, kept=len(planned) - len(idle), size=size)


def worth(cost: float, size: float, idle: float) -> float:
    """Return what an entry is worth keeping for: seconds saved per byte, halved for each `HALF_LIFE` unused.

    worth = cost / (size + ROW) · 2^(-idle / HALF_LIFE)

    Args:
        cost: Seconds that the computation took.
        size: Bytes of the result, with its part of the blobs that it shares.
        idle: Seconds since it was last used; a time in the future counts as none.
    """
    return max(cost, 0.0) / (size + ROW) * math.exp2(-max(idle, 0.0) / HALF_LIFE)


def superseded(summaries: Iterable[FunctionSummary]) -> frozenset[bytes]:
    """Return the fingerprints of versions whose code is neither the newest of their function nor the last used.

    Both stay, because code that was taken back to an older state is in use again without being newer; and with each
    the versions that differ from it only by the classes of the arguments.
    """
    versions: dict[str, list[FunctionSummary]] = {}
    for summary in summaries:
        versions.setdefault(summary.function.name, []).append(summary)
    outdated: set[bytes] = set()
    for group in versions.values():
        if len(group) > 1:
            outdated |= _outdated(group)
    return frozenset(outdated)


def _outdated(group: list[FunctionSummary]) -> set[bytes]:
    newest = max(group, key=lambda summary: summary.function.created).function
    last = max(group, key=lambda summary: summary.used).function
    return {summary.function.fingerprint for summary in group if not _is_code_of(summary.function, (newest, last))}


def _is_code_of(record: FunctionRecord, others: tuple[FunctionRecord, ...]) -> bool:
    if any(record.fingerprint == other.fingerprint for other in others):
        return True
    try:
        own = Manifest.unpack(record.manifest)
        return any(agree(own, Manifest.unpack(other.manifest)) for other in others)
    except IntegrityError:
        return False


class _Holdings:
    """What the entries that stay hold together: their bytes, and how many of them need each blob."""

    def __init__(self, sizes: dict[bytes, int]) -> None:
        self.sizes = sizes
        self.needs: dict[bytes, int] = {}
        self.size = 0
        self.entries = 0

    def own_size(self, whole: int, blobs: tuple[bytes, ...]) -> int:
        """Return what an entry takes in the index: its row, and its result as far as that is in no blob."""
        if not blobs:  # by far the most entries: half the time of a plan
            return ROW + whole
        return ROW + max(0, whole - sum(self.sizes.get(digest, 0) for digest in blobs))

    def added_size(self, own: int, blobs: tuple[bytes, ...]) -> int:
        """Return by how much the holdings would grow with an entry."""
        if not blobs:
            return own
        return own + sum(self.sizes.get(digest, 0) for digest in blobs if digest not in self.needs)

    def add(self, own: int, blobs: tuple[bytes, ...]) -> None:
        """Let an entry stay."""
        self.entries += 1
        self.size += self.added_size(own, blobs)
        for digest in blobs:
            self.needs[digest] = self.needs.get(digest, 0) + 1

    def remove(self, own: int, blobs: tuple[bytes, ...]) -> None:
        """Let an entry go; a blob's bytes go with the last entry that needs it."""
        self.entries -= 1
        for digest in blobs:
            self.needs[digest] -= 1
            if not self.needs[digest]:
                del self.needs[digest]
        self.size -= self.added_size(own, blobs)

    def share(self, own: int, blobs: tuple[bytes, ...]) -> float:
        """Return an entry's bytes with its part of each blob that it shares."""
        if not blobs:
            return own
        return own + sum(self.sizes.get(digest, 0) / self.needs[digest] for digest in blobs)


def _plan(drops: list[Drop], holdings: _Holdings) -> Plan:
    """Put a plan together from what goes and what stays."""
    blobs = tuple(digest for digest in holdings.sizes if digest not in holdings.needs)
    rows_size = sum(drop.size for drop in drops)
    blobs_size = sum(holdings.sizes[digest] for digest in blobs)
    return Plan(
        drops=tuple(drops),
        blobs=blobs,
        rows_size=rows_size,
        blobs_size=blobs_size,
        entries=holdings.entries + len(drops),
        size=holdings.size + rows_size + blobs_size,
    )


def _shrink(holdings: _Holdings, candidates: list[Candidate], max_size: int, now: float) -> list[Drop]:
    """Drop candidates, least worth first, until the holdings fit; then give back what fits after all.

    Giving back, dearest first, saves small entries that stood before the one whose going freed gigabytes.
    """

    def value(candidate: Candidate) -> tuple[float, float, bytes]:
        key, used, cost, own, blobs = candidate
        # The row is in `worth` already; the key makes the order the same in every run.
        return worth(cost, holdings.share(own - ROW, blobs), now - used), used, key

    gone = []
    for candidate in sorted(candidates, key=value):
        if holdings.size <= max_size:
            break
        holdings.remove(*candidate[3:])
        gone.append(candidate)
    dropped = []
    for key, used, cost, own, blobs in reversed(gone):
        if holdings.size + holdings.added_size(own, blobs) <= max_size:
            holdings.add(own, blobs)
        else:
            dropped.append(Drop(key, SIZE, used, cost, own))
    return dropped[::-1]
