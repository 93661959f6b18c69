"""One store of a chain, which may be gone, fail, or come back.

Owns when a tier counts as gone and when it is tried again: after `RETRY` seconds, and whenever the chain is opened.
"""

from __future__ import annotations

import os
import time

from cas.errors import CasError, IntegrityError, ReadOnlyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Protocol

    from cas.store import Store

    class Journal(Protocol):
        """What a local store writes down of entries of its chain; see `cas.local.unsent`."""

        def knows(self, tier: str) -> bool:
            """Return whether entries were ever to be passed on to a tier."""

        def introduce(self, tier: str) -> None:
            """Remember that there is such a tier."""

        def number(self, tiers: Iterable[str]) -> dict[str, int]:
            """Return a number for a new row of each tier."""

        def add(self, key: bytes, rows: dict[str, int]) -> None:
            """Write down that an entry is to be passed on, in the transaction that this thread is in."""

        def waiting(self, tier: str) -> list[tuple[bytes, int]]:
            """Return key and row of what is to be passed on."""

        def remove(self, rows: Iterable[int]) -> set[int]:
            """Write down that entries have been passed on; return those rows that were not there any more."""

        def forget(self, keys: Iterable[bytes]) -> None:
            """Pass none of these entries on."""

        def outdate(self, tier: str, entries: Iterable[tuple[bytes, float]]) -> None:
            """Remember that what a tier has for these calls is not to be served any more."""

        def outdated(self, tier: str, key: bytes) -> float | None:
            """Return up to which time of creation the entry of a call in a tier is not to be served."""

        def all_outdated(self, tier: str) -> dict[bytes, float]:
            """Return that for every call."""


# How a store fails as a whole: its disk, its rights, or an index that is lost. Of single entries and blobs, an
# IntegrityError speaks of these alone.
FAILURES = (OSError, IntegrityError)
# Seconds for which a tier that failed is left alone.
RETRY = 60.0
# Stores that end with the process or with the machine: what they lack is no loss.
_VOLATILE = ("mem", "memory")


class Tier:
    """A store at a location, if it is there.

    Attributes:
        location: Where it is, as people say it.
        name: What names it in journals, for good.
        store: The store, None as long as it could not be opened.
        volatile: Whether it ends with the process or the machine.

    Args:
        location: A folder or a URL; names the tier, also while it is gone.
        reopen: Opens the store without making it; an error says why that cannot be done.
        say: Told, once, that the tier is left out, and why.
        store: The store, if it is open.
    """

    def __init__(
        self, location: str, reopen: Callable[[], Store], say: Callable[[str], None], store: Store | None = None
    ) -> None:
        self.location = location if store is None else store.location
        self.name = name_of(location)
        self.volatile = location.partition("://")[0] in _VOLATILE
        self.store = store
        self._reopen = reopen
        self._say = say
        self._no_reading_until = 0.0
        self._no_writing_until = 0.0
        self._said: set[str] = set()

    @property
    def journal(self) -> Journal | None:
        """Where this store writes down what it is to pass on; None unless it is a writable local one."""
        store = self.store
        if store is None or self.volatile or not store.writable:
            return None
        return getattr(store, "unsent", None)

    def open(self, opener: Callable[[], Store]) -> None:
        """Open the store."""
        self.store = opener()
        self.location = self.store.location

    def reading(self) -> Store | None:
        """Return the store if it can be read, as far as one knows."""
        return self.store if not self._no_reading_until or self._is_back(self._no_reading_until) else None

    def writing(self) -> Store | None:
        """Return the store if it takes writes, as far as one knows; None for a read-only one."""
        until = max(self._no_reading_until, self._no_writing_until)
        store = self.store if not until or self._is_back(until) else None
        return store if store is not None and store.writable else None

    def _is_back(self, until: float) -> bool:
        """Look whether a tier that failed is there again, if it is time to."""
        if time.monotonic() < until:
            return False
        try:
            self.open(self._reopen)
            self.require_present()
        except (CasError, OSError) as error:
            self.fail(error)
            return False
        self._no_reading_until = self._no_writing_until = 0.0
        return True

    def require_present(self) -> None:
        """Raise an error if the store was deleted or unmounted: writing would make another in its place."""
        require = getattr(self.store, "require_present", None)
        if require is not None:
            require()

    def is_gone(self) -> bool:
        """Return whether the store was deleted or unmounted; it is left out then."""
        try:
            self.require_present()
        except (CasError, OSError) as error:
            self.fail(error)
            return True
        return False

    def fail(self, error: Exception, writing: bool = False) -> None:
        """Leave the tier out for a while, and say so if it worked until now.

        Args:
            error: Why.
            writing: Whether it is left out of writing only: a full disk still serves what it has.
        """
        until = time.monotonic() + RETRY
        if writing:
            self._no_writing_until = until
        else:
            self._no_reading_until = until
        text = "takes no results at present" if writing else "is left out at present"
        if text not in self._said:
            self._said.add(text)
            self._say(f"the tier {self.location} {text}: {error}")

    def works(self) -> None:
        """Note that a write went well: the next failure is news."""
        if self._said:
            self._said.clear()

    def retry(self) -> None:
        """Try the tier again at its next use, however lately it failed."""
        now = time.monotonic()
        self._no_reading_until = min(self._no_reading_until, now)
        self._no_writing_until = min(self._no_writing_until, now)


def name_of(location: str) -> str:
    """Return what names a tier for good, however it is spelled and whatever options it is opened with."""
    scheme, there, rest = location.partition("?")[0].partition("://")
    if not there:
        return os.path.realpath(location)
    if scheme.lower() != "file":
        return scheme + there + rest
    from urllib.parse import unquote  # noqa: PLC0415 - only for URLs

    return "file://" + os.path.realpath(unquote(rest).removeprefix("localhost"))


def refuse_writes(location: str) -> ReadOnlyError:
    """Return the error for a chain none of whose tiers takes writes."""
    return ReadOnlyError(
        f"no tier of {location} takes writes", "make one of the folders writable, or name another store"
    )
