"""What a chain serves: from the first tier that has it, and kept in the faster ones from then on.

Keeps I2 (what is kept is verified) and I9: a hit in the first tier costs one call more than without a chain.
"""

from __future__ import annotations

from cas.errors import CasError, ConflictError, IntegrityError, NotFoundError
from cas.tiers.tier import FAILURES
from cas.tiers.travel import mend, promote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cas.entry import BlobFile, Entry
    from cas.store import Fetched, Store
    from cas.tiers.outdated import Outdated
    from cas.tiers.tier import Tier
    from cas.tiers.writeback import WriteBack


class Serving:
    """The reading of single entries and blobs from the tiers of one chain.

    Args:
        tiers: The tiers, fast to slow.
        outdated: What they have and is not to be served.
        writeback: Takes what is to be kept in memory.
        say: Told what went wrong in tiers while others served.
    """

    def __init__(
        self, tiers: Sequence[Tier], outdated: Outdated, writeback: WriteBack, say: Callable[[str], None]
    ) -> None:
        self._tiers = tiers
        self._outdated = outdated
        self._writeback = writeback
        self._say = say
        self.use_first()

    def use_first(self) -> None:
        """Let hits go straight to the first tier, if it is there, and nothing in it is outdated."""
        first = self._tiers[0].reading()
        straight = first is not None and first.writable and not self._outdated.all(self._tiers[0])
        self._fetch_first: Callable[[bytes], Fetched | None] = first.fetch if first and straight else _nothing
        self._open_first: Callable[[bytes, bool], BlobFile] = first.open_blob if first else _no_blob

    def fetch(self, key: bytes) -> Fetched | None:
        """Return what a hit needs, from the first tier that has it; None if none has."""
        try:
            found = self._fetch_first(key)
        except OSError as error:
            self._tiers[0].fail(error)
            self._fetch_first = _nothing
            return self._fetch_further(key)
        except IntegrityError as error:
            return self._fetch_further(key, None if self._tiers[0].is_gone() else error)
        return self._fetch_further(key) if found is None else found

    def _fetch_further(self, key: bytes, damage: CasError | None = None) -> Fetched | None:
        start = 1
        if self._fetch_first is _nothing:
            self.use_first()
            start = 0
        trouble: OSError | None = None
        for place, tier in enumerate(self._tiers[start:], start):
            try:
                found = self._fetch_from(tier, place, key)
            except OSError as error:
                tier.fail(error)
                trouble = trouble or error
            except (IntegrityError, NotFoundError, ConflictError) as error:  # its bytes or blobs are not all there
                damage = damage or (None if tier.is_gone() else error)
            else:
                if found is not None:
                    if damage is not None:
                        self._say(f"a damaged result was served from a slower tier: {damage}")
                    return found
        if damage is not None:
            raise damage
        if trouble is not None and not any(tier.reading() for tier in self._tiers):
            raise trouble
        return None

    def _fetch_from(self, tier: Tier, place: int, key: bytes) -> Fetched | None:
        store = tier.reading()
        found = None if store is None else store.fetch(key)
        if store is None or found is None or self._is_outdated(tier, store, key):
            return None
        if place:
            self._promote(key, place, tier)
        return found

    def _is_outdated(self, tier: Tier, store: Store, key: bytes) -> bool:
        if not self._outdated.holds(tier, store, key):
            return False
        try:
            if tier.writing() is not None:  # it was gone, or full, when the result was removed
                store.forget([key])
        except FAILURES as error:
            tier.fail(error, writing=True)
        return True

    def _promote(self, key: bytes, place: int, tier: Tier) -> None:
        """Keep what a slow tier had in the faster ones: in memory soon, elsewhere before it is used."""
        faster: list[Store] = []
        for target in self._tiers[:place]:
            store = target.writing()
            if store is None:
                continue
            if target.volatile:
                self._writeback.add(tier, target, key)
                continue
            try:
                promote(tier, target, key, faster)
                target.works()
            except OSError as error:
                target.fail(error, writing=True)
            faster.append(store)

    def created(self, key: bytes) -> float | None:
        """Return when a call's entry was stored, as the first tier that has it says; None if none has."""
        for tier in self._tiers:
            try:
                store = tier.reading()
                found = None if store is None else store.created(key)
                if store is not None and found is not None and not self._is_outdated(tier, store, key):
                    return found
            except FAILURES as error:
                tier.fail(error)
        return None

    def entry(self, key: bytes) -> Entry | None:
        """Return one entry from the first tier that has it; None if none has."""
        for tier in self._tiers:
            try:
                store = tier.reading()
                if store is not None and not self._is_outdated(tier, store, key):
                    return store.entry(key)
            except NotFoundError:
                continue
            except FAILURES as error:
                tier.fail(error)
        return None

    def open_blob(self, digest: bytes, always: bool = False) -> BlobFile:
        """Return a blob's file from the first tier that has it intact; one that has it damaged gets it anew."""
        try:
            return self._open_first(digest, always)
        except (OSError, IntegrityError, NotFoundError) as error:
            trouble: Exception = error
        damage = trouble if isinstance(trouble, IntegrityError) else None
        lacking = [self._tiers[0]] if damage is not None else []
        for tier in self._tiers[1:]:
            store = tier.reading()
            if store is None:
                continue
            try:
                blob = store.open_blob(digest, always)
            except OSError as error:
                tier.fail(error)
            except (IntegrityError, NotFoundError) as error:
                if isinstance(error, IntegrityError):
                    damage = damage or error
                    lacking.append(tier)
            else:
                if damage is not None:
                    self._say(f"a damaged blob was served from a slower tier: {damage}")
                for faster in lacking:
                    mend(faster, blob)
                return blob
        raise damage or trouble


def _nothing(_: bytes) -> None:
    """Stand in for the `fetch` of a tier that is gone."""


def _no_blob(digest: bytes, _: bool = False) -> BlobFile:
    """Stand in for the `open_blob` of a tier that is gone."""
    raise NotFoundError(f"blob {digest.hex()} is in no tier that answers", "the call is computed again")
