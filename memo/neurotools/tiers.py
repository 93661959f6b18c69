"""The locations of a cacher, each a folder that neurotools would have used, with a store in it."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import cas
from cas.location import is_url
from memo.errors import warn
from memo.neurotools.views import Views

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cas import Store

STORE = ".store"


def open_store(root: str, writable: bool) -> Store:
    """Return the store in a root, made if there is none and it is to be written.

    Raises:
        cas.errors.NotFoundError: There is none, and it is only to be read.
    """
    # In a list, since a text with commas in it would name several.
    return cas.open([os.path.join(root, STORE)], create=writable, writable=writable)


def _is_possible(root: str, place: str | Store) -> bool:
    """Return whether a store can stand at a place by itself; say so if it cannot."""
    try:
        cas.open([place])
    except cas.InvalidInputError as error:
        _leave_out(root, error)
        return False
    return True


def _leave_out(root: str, error: cas.CasError) -> None:
    warn(f"the cache goes without {root}: {error}", error.hint)


class Tiers:
    """The locations of a cacher, fast to slow.

    Attributes:
        roots: The folders below which the files of its functions stand.
        writable: Whether anything new is put below each of them.

    Args:
        locations: As the user gave them.
        identifier: The name of the folder in each.
        writable: See above.
    """

    def __init__(
        self, locations: Sequence[str | os.PathLike[str]], identifier: str, writable: tuple[bool, ...]
    ) -> None:
        self.roots = tuple(os.path.abspath(os.path.join(_folder(place), identifier)) for place in locations)
        self.writable = writable
        self._store: Any = None
        self._kept: tuple[str, ...] = ()

    def open(self) -> Store:
        """Return the store of the cacher, a chain if there are several locations.

        One that cannot be a store is left out, and said aloud. One that is gone for a while is the chain's business.

        Raises:
            cas.errors.CasError: None of them opens.
        """
        if self._store is None:
            self._store, self._kept = self._open()
        store: Store = self._store
        return store

    def _open(self) -> tuple[Store, tuple[str, ...]]:
        """Return the store, and the roots that its tiers are in."""
        places: dict[str, str | Store] = {}
        for root, writable in zip(self.roots, self.writable, strict=True):
            try:
                places[root] = open_store(root, False) if not writable else os.path.join(root, STORE)
            except cas.NotFoundError as error:
                if len(self.roots) == 1:
                    raise
                _leave_out(root, error)
        try:
            return cas.open(list(places.values())), tuple(places)
        except cas.InvalidInputError:
            possible = {root: place for root, place in places.items() if _is_possible(root, place)}
            if not possible or len(possible) == len(places):
                raise
        return cas.open(list(possible.values())), tuple(possible)

    def views(self) -> list[Views]:
        """Return the views that are to be kept, fast to slow; those of a location that is gone are left out."""
        store = self.open()
        links = getattr(store, "tiers", ()) if len(self.roots) > 1 else ()
        stores = [link.writing() for link in links] or [store if store.writable else None]
        pairs = zip(self._kept, stores, strict=True)
        # Where the store went, as with a disk that is not mounted, no folders are made in its place.
        return [Views(root, found) for root, found in pairs if found and os.path.isdir(os.path.join(root, STORE))]

    def views_to_purge(self) -> list[Views]:
        """Return the views of every location, also of those that are only read otherwise."""
        found = []
        for root, writable in zip(self.roots, self.writable, strict=True):
            if not writable:
                with suppress(cas.NotFoundError):
                    open_store(root, False)
                    found.append(Views(root, open_store(root, True)))
        return found + (self.views() if any(self.writable) else [])

    def __reduce__(self) -> tuple[object, ...]:
        return Tiers, (self.roots, "", self.writable)


def _folder(location: str | os.PathLike[str]) -> str:
    """Return the folder that a user names."""
    place = os.fsdecode(location)
    if is_url(place):
        raise cas.InvalidInputError(
            f"expected a folder, found the URL {place}: results are shown by files",
            "@memo.cached(store=...) takes URLs",
        )
    # The original took `~` for a folder of this name: where there is one, it is meant.
    return place if os.path.exists(place) else os.path.expanduser(place)
