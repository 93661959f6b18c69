"""From several places to the chain of the stores that stand there: one chain in a process for the same tiers.

Owns which tiers may be missing, and what a fork and the end of the process do to chains. Does not know what stands at
a place: the caller opens it.
"""

from __future__ import annotations

import atexit
import os
import threading

from cas.errors import CasError, InvalidInputError
from cas.tiers.chain import Chain
from cas.tiers.tier import FAILURES, Tier, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cas.store import Store

    Opener = Callable[[str, bool], Store]
    """Opens what stands at a place, and makes it if the second argument is True."""

_chains: dict[tuple[tuple[str, ...], bool], Chain] = {}
_opening = threading.RLock()


def open_chain(places: Sequence[str | Store], opener: Opener, create: bool, writable: bool) -> Chain:
    """Return this process's one chain of these tiers.

    A tier that is missing is left out with a StoreWarning, and tried again later; it is made only if it never was part
    of this chain: else its disk is not mounted, and what is made there would hide what it holds.

    Args:
        places: Where the tiers are, fast to slow, or the open stores themselves.
        opener: Opens one.
        create: Make those that are not there.
        writable: Ask for writing.

    Raises:
        InvalidInputError: A place cannot be one, or one lies inside another.
        NotFoundError: No tier is there, or the error that kept the first from being opened.
    """
    places = [tier for place in places for tier in _flat(place)]
    names = tuple(name_of(place if isinstance(place, str) else place.location) for place in places)
    _check_places(names)
    with _opening:
        chain = _chains.get((names, writable))
        if chain is not None and _is_of(chain, places):
            for tier, place in zip(chain.tiers, places, strict=True):
                tier.retry()
                if isinstance(place, str):
                    _open(tier, chain.tiers, opener, create)
        else:
            chain = _chains[names, writable] = _assemble(places, opener, create, writable)
        if chain.writable:
            chain.writeback.resume()
    chain.speak()
    return chain


def _flat(place: str | Store) -> list[str | Store]:
    """Return the tiers of a place: those of a chain, or itself."""
    if isinstance(place, Chain):
        return [tier.location if tier.store is None else tier.store for tier in place.tiers]
    return [place]


def _is_of(chain: Chain, places: Sequence[str | Store]) -> bool:
    """Return whether a chain is of these open stores, and not of others at the same places."""
    pairs = zip(chain.tiers, places, strict=True)
    return all(isinstance(place, str) or tier.store is place for tier, place in pairs)


def _check_places(names: tuple[str, ...]) -> None:
    folders = [name.removeprefix("file://") for name in names if "://" not in name or name.startswith("file://")]
    for place, folder in enumerate(folders):
        for other in folders[place + 1 :]:
            if os.path.commonpath([folder, other]) in (folder, other):
                raise InvalidInputError(
                    f"expected tiers in folders of their own, found {other} and {folder}, which overlap",
                    "give each tier a folder beside the others",
                )
    if len(set(names)) < len(names):
        raise InvalidInputError(f"expected each tier once, found {', '.join(names)}", "name each tier once")


def _assemble(places: Sequence[str | Store], opener: Opener, create: bool, writable: bool) -> Chain:
    tiers: list[Tier] = []
    unsaid: list[str] = []
    troubles: list[Exception | None] = []
    for place in places:
        tier = _tier(place, opener, unsaid.append)
        if tier.store is None:
            troubles.append(_open(tier, tiers, opener, create))
        tiers.append(tier)
    opened = [tier for tier in tiers if tier.store is not None]
    if not opened:
        raise next(error for error in troubles if error is not None)
    writes = writable and any(tier.store.writable for tier in opened if tier.store is not None)
    if writes:
        _introduce(opened)
    return Chain(tiers, unsaid, writes)


def _open(tier: Tier, others: Sequence[Tier], opener: Opener, create: bool) -> Exception | None:
    """Open a tier, made if it never was part of the chain; return why it is left out, if it is."""
    known = any(_knows(other, tier) for other in others if other is not tier)
    try:
        tier.open(lambda: opener(tier.location, create and not known))
    except (CasError, OSError) as error:
        if isinstance(error, InvalidInputError) and not known:
            raise  # it never was a store, so that the place is named wrongly
        tier.fail(error)
        return error
    return None


def _knows(other: Tier, tier: Tier) -> bool:
    """Return whether a tier remembers another one; False if it is gone itself."""
    try:
        return other.journal is not None and other.reading() is not None and other.journal.knows(tier.name)
    except FAILURES as error:
        other.fail(error)
        return False


def _tier(place: str | Store, opener: Opener, say: Callable[[str], None]) -> Tier:
    if isinstance(place, str):
        return Tier(place, lambda: opener(place, False), say)
    return Tier(place.location, lambda: place, say, place)


def _introduce(tiers: list[Tier]) -> None:
    """Let every tier that keeps a journal know the others, so that one that is gone is missed."""
    for tier in tiers:
        journal = tier.journal
        for other in tiers:
            if journal is not None and other is not tier and not other.volatile:
                try:
                    journal.introduce(other.name)
                except FAILURES as error:
                    tier.fail(error, writing=True)


def _close_all() -> None:
    for chain in list(_chains.values()):
        chain.close()


def _forked() -> None:
    global _opening
    _opening = threading.RLock()
    for chain in list(_chains.values()):
        chain.writeback.forked()


os.register_at_fork(after_in_child=_forked)
atexit.register(_close_all)
