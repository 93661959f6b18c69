"""What keeps every tier of a chain in order: removing, sweeping, counting."""

from __future__ import annotations

from cas.errors import InvalidInputError
from cas.tiers.tier import FAILURES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeVar

    from cas.store import Store
    from cas.tiers.tier import Tier
    from cas.tiers.writeback import WriteBack

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


def forget(tiers: Sequence[Tier], writeback: WriteBack, keys: Iterable[bytes], say: Callable[[str], None]) -> int:
    """Remove entries from every tier that takes writes, and from what is to be copied; return how many there were."""
    chosen = list(dict.fromkeys(keys))
    with writeback.copying:
        there = _count(tiers, chosen)
        writeback.drop(chosen)
        # The slowest first: what is still in a slower tier would come back by promotion.
        write(reversed(tiers), lambda store: store.forget(chosen))
        for tier in tiers:
            if tier.writing() is None:
                _say_what_stays(tier, chosen, say)
    return there


def _count(tiers: Sequence[Tier], keys: list[bytes]) -> int:
    left = keys
    for tier in tiers:
        store = tier.reading()
        if store is not None:
            left = [key for key in left if store.created(key) is None]
    return len(keys) - len(left)


def _say_what_stays(tier: Tier, keys: list[bytes], say: Callable[[str], None]) -> None:
    store = tier.reading()
    if store is None:
        if keys:
            say(f"the tier {tier.location} is gone at present: what was removed may come back with it")
        return
    left = sum(store.created(key) is not None for key in keys)
    if left:
        say(f"the tier {tier.location} takes no writes: {left} of what was removed stay there, and are served again")


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
