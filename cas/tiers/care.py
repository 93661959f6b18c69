"""What keeps every tier of a chain in order: removing, sweeping, counting."""

from __future__ import annotations

import time

from cas.errors import InvalidInputError
from cas.tiers.tier import FAILURES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeVar

    from cas.store import Store
    from cas.tiers.chain import Chain
    from cas.tiers.tier import Tier

    T = TypeVar("T")


def write(tiers: Iterable[Tier], change: Callable[[Store], T]) -> list[T]:
    """Change every tier that takes writes; one that fails is left out. Return what the others gave."""
    done = []
    for tier in tiers:
        store = tier.writing()
        if store is None:
            continue
        try:
            done.append(change(store))
        except FAILURES as error:
            tier.fail(error, writing=True)
    return done


def forget(chain: Chain, keys: Iterable[bytes]) -> int:
    """Remove entries from every tier that takes writes, and from what is to be copied; return how many there were.

    The slowest first: what is still in a slower tier would come back by promotion. Then the slower ones again: what
    another process was copying to them meanwhile is there now, or finds its source gone (`cas.tiers.travel`).
    """
    chosen = list(dict.fromkeys(keys))
    tiers = chain.tiers
    with chain.writeback.copying:
        there = _count(tiers, chosen)
        chain.writeback.drop(chosen)
        write((*reversed(tiers), *tiers[1:]), lambda store: store.forget(chosen))
        for tier in tiers:
            if tier.writing() is None:
                _outdate(chain, tier, chosen)
    return there


def _count(tiers: Sequence[Tier], keys: list[bytes]) -> int:
    left = keys
    for tier in tiers:
        store = tier.reading()
        if store is not None:
            left = [key for key in left if store.created(key) is None]
    return len(keys) - len(left)


def _outdate(chain: Chain, tier: Tier, keys: list[bytes]) -> None:
    """Let what a tier keeps not be served any more, and say so; what is in one that is gone, neither."""
    store = tier.reading()
    if store is None:
        if keys and not chain.outdated.add(tier, [(key, time.time()) for key in keys]):
            chain.say(f"the tier {tier.location} is gone at present: what was removed may come back with it")
        return
    left = [(key, created) for key in keys if (created := store.created(key)) is not None]
    if left:
        hidden = chain.outdated.add(tier, left)
        what = "are not served any more, except by the tier itself" if hidden else "are served again"
        chain.say(f"the tier {tier.location} takes no writes: {len(left)} of what was removed stay there, and {what}")


def record_hits(homes: Sequence[Tier], fingerprint: bytes, hits: int, saved: float, keys: list[bytes]) -> None:
    """Add served hits to the figures in the first tier that takes writes, and mark entries as used in every one."""
    given = [(hits, saved)]

    def record(store: Store) -> None:
        figures = given.pop() if given else (0, 0.0)
        if figures[0] or keys:
            store.record_hits(fingerprint, *figures, keys)

    write(homes, record)


def remove_stray(tiers: Sequence[Tier], path: str) -> None:
    """Remove a stray file of one of the tiers; InvalidInputError if it is none of any."""
    refused: list[InvalidInputError] = []

    def remove(store: Store) -> bool:
        try:
            store.remove_stray(path)
        except InvalidInputError as error:
            refused.append(error)
            return False
        return True

    if not any(write(tiers, remove)) and refused:
        raise refused[0]
