"""The writing of one result into a chain: into the first durable tier at once, into the others as soon as may be.

Keeps I3 in each tier by its own deposit, and promise 2: what is to be copied is written down before the entry can be
seen, and a tier that fails in the middle hands over to the next.
"""

from __future__ import annotations

from cas.tiers.tier import FAILURES, refuse_writes
from cas.tiers.travel import pass_on

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Self

    from cas.entry import Call, Parts, Result
    from cas.store import Deposit, Store
    from cas.tiers.chain import Chain
    from cas.tiers.tier import Tier


class ChainDeposit:
    """One result on its way into a chain."""

    def __init__(self, chain: Chain, call: Call, cost: float) -> None:
        self._chain = chain
        self._call = call
        self._cost = cost
        self._written: list[bytes] = []
        self._homes = chain.homes()
        self._tier: Tier
        self._store: Store
        self._context: AbstractContextManager[Deposit]
        self._deposit: Deposit
        self._begin(refuse_writes(chain.location))

    def _begin(self, trouble: Exception) -> None:
        """Open a deposit in the next tier that takes it; if there is none, raise the last that went wrong."""
        while self._homes:
            self._tier = self._homes.pop(0)
            store = self._tier.writing()
            if store is None:
                continue
            try:
                self._store, self._context = store, store.deposit(self._call, self._cost)
                self._deposit = self._context.__enter__()
            except OSError as error:
                self._tier.fail(error, writing=True)
                trouble = error
            else:
                return
        raise trouble

    def _fall_back(self, error: OSError) -> None:
        """Go on in the next tier, with all that was written so far; raise the error if there is none."""
        from cas.transfer import bytes_of  # noqa: PLC0415 - only when a disk is full or failed

        self._tier.fail(error, writing=True)
        store, context = self._store, self._context
        try:
            self._begin(error)
            for digest in self._written:
                self._deposit.write((bytes_of(store.open_blob(digest)),))
        finally:
            context.__exit__(None, None, None)  # may be done twice, as ends of deposits may

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.__exit__(kind, error, trace)

    def write(self, parts: Parts) -> bytes:
        """Store one blob as a file of its own, or find it already there, and return its digest."""
        while True:
            try:
                digest = self._deposit.write(parts)
            except OSError as error:
                self._fall_back(error)
            else:
                self._written.append(digest)
                return digest

    def commit(
        self, result: Result, created: float | None = None, *, expected: bytes | None = None, replace: bool = True
    ) -> bool:
        """Make the entry visible, with every blob written so far as its own (I3)."""
        chain, key = self._chain, self._call.key
        while True:
            rows = owed(chain.tiers, self._tier)
            if rows:
                self._deposit.owed = rows  # type: ignore[attr-defined]  # a store that keeps a journal takes it
            try:
                stored = self._deposit.commit(result, created, expected=expected, replace=replace)
            except OSError as error:
                self._fall_back(error)
            else:
                break
        self._tier.works()
        if stored:
            spread(chain, self._tier, key, rows)
        return stored


def owed(tiers: Sequence[Tier], home: Tier) -> dict[str, int]:
    """Return which tiers are to have what `home` gets, each with a new row for its journal.

    Tiers that are gone at the moment are among them.
    """
    journal = home.journal
    if journal is None:
        return {}
    others = [tier for tier in tiers if not tier.volatile and (tier.store is None or tier.store.writable)]
    return journal.number(tier.name for tier in others if tier is not home)


def spread(chain: Chain, home: Tier, key: bytes, rows: dict[str, int]) -> None:
    """Have a result that one tier has copied to the others, in place of what they have for the call.

    Args:
        chain: The chain.
        home: The tier that has it.
        key: Its key.
        rows: Where the journal of `home` says so, by tier.
    """
    before = True
    for tier in chain.tiers:
        if tier is home:
            before = False
        elif before or (tier.store is not None and not tier.store.writable):
            _drop_old(chain, tier, key)
    for tier in chain.tiers:
        row = rows.get(tier.name, 0)
        if tier is home:
            continue
        if row or tier.volatile:
            chain.writeback.add(home, tier, key, row, replace=True)
        else:
            _write_through(home, tier, key)
    chain.speak()


def _write_through(home: Tier, tier: Tier, key: bytes) -> None:
    """Copy a result at once, where nothing would remember over a crash that it is to be copied."""
    target = tier.writing()
    if target is None or tier.is_gone():
        return
    source = home.reading()
    try:
        if source is not None:
            pass_on(home, tier, key, 0)
            tier.works()
    except FAILURES as error:
        tier.fail(error, writing=True)


def _drop_old(chain: Chain, tier: Tier, key: bytes) -> None:
    """Drop what a tier has that would be served in place of the new result, now or once that is gone."""
    store = tier.reading()
    try:
        created = None if store is None else store.created(key)
        if store is None or created is None:
            return
        if store.writable:
            store.forget([key])
        elif not chain.outdated.add(tier, [(key, created)]):
            chain.say(f"the tier {tier.location} takes no writes, and keeps an older result of a call")
    except FAILURES as error:
        tier.fail(error)
