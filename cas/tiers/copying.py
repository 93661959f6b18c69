"""Results of stored calls given to further calls, in every tier of a chain.

The first durable tier does it in one go, with what it holds; what only slower tiers hold is fetched, then copied as
well. The others copy what they have, which moves no bytes, and are sent the rest. Keeps the journal before the entry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cas.entry import Copied
from cas.errors import ConflictError, IntegrityError, NotFoundError
from cas.tiers.deposit import owed, spread
from cas.tiers.tier import refuse_writes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cas.entry import Call
    from cas.store import Store
    from cas.tiers.chain import Chain
    from cas.tiers.tier import Tier

    Pair = tuple[bytes, Call]


def copy(chain: Chain, pairs: Iterable[Pair], note: Mapping[str, str]) -> Copied:
    """Give stored results to further calls; see `Store.copy`."""
    found = [(tier, store) for tier in chain.homes() if (store := tier.writing()) is not None]
    if not found:
        raise refuse_writes(chain.location)
    copying = _Copying(chain, *found[0])
    first = copying.run(pairs, note, may_fetch=True)
    if not copying.elsewhere:
        return first
    whole = [pair for pair in copying.elsewhere if _promoted(chain, pair[0])]
    damaged = {key for key, _ in copying.elsewhere} - {key for key, _ in whole}
    second = copying.run(whole, note, may_fetch=False)
    return Copied(first.made + second.made, first.kept + second.kept, (*first.damaged, *second.damaged, *damaged))


def _promoted(chain: Chain, key: bytes) -> bool:
    """Bring an entry of a slow tier into the faster ones; False if it is damaged."""
    try:
        chain.fetch(key)
    except (IntegrityError, NotFoundError, ConflictError):
        return False
    return True


class _Copying:
    """One copying, and what it came upon."""

    def __init__(self, chain: Chain, home: Tier, store: Store) -> None:
        self._chain = chain
        self._home = home
        self._store = store
        self.elsewhere: list[Pair] = []

    def run(self, pairs: Iterable[Pair], note: Mapping[str, str], may_fetch: bool) -> Copied:
        """Copy in the first durable tier, then in the others."""
        written: dict[bytes, dict[str, int]] = {}
        journal = self._home.journal
        given: list[Pair] = []

        def watched() -> Iterator[Pair]:
            for pair in pairs:
                key, call = pair
                if may_fetch and self._store.created(key) is None:
                    self.elsewhere.append(pair)
                    continue
                given.append(pair)
                rows = written[call.key] = owed(self._chain.tiers, self._home)
                if journal is not None and rows:
                    journal.add(call.key, rows)  # in the transaction of the copying
                yield pair

        done = self._store.copy(watched(), note)
        damaged = set(done.damaged)
        whole = [(key, call) for key, call in given if key not in damaged]
        for tier in self._chain.tiers:
            store = tier.writing()
            if store is None or tier is self._home or tier.volatile:
                continue
            try:
                tier.require_present()
                store.copy(whole, note)
            except OSError as error:
                tier.fail(error, writing=True)
        for key, rows in written.items():
            spread(self._chain, self._home, key, rows)
        return done
