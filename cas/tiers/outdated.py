"""What tiers hold that is not to be served any more.

That is older results of calls, and removed ones, that stay where nobody may write or where a tier is gone. It is
written down in the local tiers, and holds in the chains that have one of them.
"""

from __future__ import annotations

from cas.tiers.tier import FAILURES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeVar

    from cas.store import Store
    from cas.tiers.tier import Journal, Tier

    T = TypeVar("T")


class Outdated:
    """The outdated entries of the tiers of one chain."""

    def __init__(self, tiers: Sequence[Tier]) -> None:
        self._tiers = tiers

    def _ask(self, tier: Tier, ask: Callable[[Journal], T]) -> list[T]:
        """Return what the journals of the other tiers say of one, as far as they are there."""
        answers = []
        for other in self._tiers:
            journal = other.journal if other is not tier and other.reading() is not None else None
            try:
                if journal is not None:
                    answers.append(ask(journal))
            except FAILURES as error:
                other.fail(error)
        return answers

    def add(self, tier: Tier, entries: Iterable[tuple[bytes, float]]) -> bool:
        """Let the entries of these calls, created then or before, not be served; False if nothing can remember it."""
        chosen = [] if tier.volatile else list(entries)
        return bool(chosen and self._ask(tier, lambda journal: journal.outdate(tier.name, chosen)))

    def holds(self, tier: Tier, store: Store, key: bytes) -> bool:
        """Return whether what a tier has for a call is not to be served."""
        until = [time for time in self._ask(tier, lambda journal: journal.outdated(tier.name, key)) if time is not None]
        created = store.created(key) if until else None
        return created is not None and created <= max(until)

    def all(self, tier: Tier) -> dict[bytes, float]:
        """Return by call up to which time of creation what a tier has is not to be served."""
        found: dict[bytes, float] = {}
        for times in self._ask(tier, lambda journal: journal.all_outdated(tier.name)):
            found |= {key: max(until, found.get(key, until)) for key, until in times.items()}
        return found
