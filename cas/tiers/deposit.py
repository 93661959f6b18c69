"""The writing of one result into a chain: into the first durable tier at once, into the others as soon as may be.

Keeps I3 in each tier by its own deposit, and promise 2: what is to be copied is written down before the entry can be
seen, and a tier that fails in the middle hands over to the next.
"""

from __future__ import annotations

from cas.tiers.tier import FAILURES, refuse_writes
from cas.tiers.writeback import copy_entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Self

    from cas.entry import Call, Parts, Result
    from cas.store import Deposit, Store
    from cas.tiers.chain import Chain
    from cas.tiers.tier import Tier

# About what an fsync takes, in seconds: what took longer to compute is worth one (I10).
_FSYNC_COST = 0.005


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

    def commit(self, result: Result, created: float | None = None) -> None:
        """Make the entry visible, with every blob written so far as its own (I3)."""
        chain, key = self._chain, self._call.key
        while True:
            names: dict[str, str] = {}
            try:
                names = write_down(chain.tiers, self._tier, key, self._cost > _FSYNC_COST)
                self._deposit.commit(result, created)
            except OSError as error:
                self._take_back(names)
                self._fall_back(error)
            else:
                break
        self._tier.works()
        pass_on(chain, self._tier, key, names)

    def _take_back(self, names: dict[str, str]) -> None:
        journal = self._tier.journal
        for tier, name in names.items():
            try:
                if journal is not None:
                    journal.remove(tier, name)
            except OSError:
                return  # what is written down of an entry that is not there does no harm


def write_down(tiers: Sequence[Tier], home: Tier, key: bytes, durable: bool) -> dict[str, str]:
    """Write down, before an entry is there, which tiers are to have it; return names in the journal by tier.

    Tiers that are gone at the moment are among them.
    """
    journal = home.journal
    if journal is None:
        return {}
    owed = [tier for tier in tiers if not tier.volatile and (tier.store is None or tier.store.writable)]
    return {tier.name: journal.add(tier.name, key, durable) for tier in owed if tier is not home}


def pass_on(chain: Chain, home: Tier, key: bytes, names: dict[str, str]) -> None:
    """Have a result that one tier has copied to the others, in place of what they have for the call.

    Args:
        chain: The chain.
        home: The tier that has it.
        key: Its key.
        names: What is written down of that in `home`, by tier.
    """
    place = chain.tiers.index(home)
    for tier in chain.tiers[:place]:
        _drop_old(tier, key, chain.say)
    for tier in chain.tiers:
        name = names.get(tier.name, "")
        if tier is home:
            continue
        if name or tier.volatile:
            chain.writeback.add(home, tier, key, name, replace=True)
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
            copy_entry(source, target, key, replace=True)
            tier.works()
    except FAILURES as error:
        tier.fail(error, writing=True)


def _drop_old(tier: Tier, key: bytes, say: Callable[[str], None]) -> None:
    """Drop what a tier has that comes before the one with the new result: it would be served in its place."""
    store = tier.reading()
    try:
        if store is None or store.created(key) is None:
            return
        if store.writable:
            store.forget([key])
        else:
            say(f"the tier {tier.location} takes no writes, and keeps an older result of a call")
    except FAILURES as error:
        tier.fail(error)
