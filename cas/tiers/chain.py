"""A chain of stores, fast to slow, that is used as one.

Reads come from the first tier that answers, and what came from a slow one is kept in the faster ones; results go to
the first durable tier at once, and to the others in the background. Keeps I2 (what travels is verified), I3 (each tier
by its own deposit) and I9: a hit in the first tier costs one call more than without a chain.
"""

from __future__ import annotations

import warnings

from cas.errors import NotFoundError, StoreWarning
from cas.tiers import care
from cas.tiers.deposit import ChainDeposit
from cas.tiers.outdated import Outdated
from cas.tiers.serving import Serving
from cas.tiers.tier import refuse_writes
from cas.tiers.writeback import WriteBack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import Any

    from cas.entry import BlobFile, Call, Copied, Entry, FunctionRecord, FunctionSummary
    from cas.store import Fetched, Store
    from cas.tiers.tier import Tier


class Chain:
    """Several stores, fast to slow, behind the interface of one.

    Durability: a result is in the first durable tier when `commit` returns, as durable as that tier makes it; that the
    other tiers lack it is then written down in that tier, if it is a local store. Without a local store, it is in
    every tier that answers.
    Concurrency: any thread of any process, forked ones included.

    Attributes:
        tiers: The tiers, some of which may be gone at the moment.
        writeback: Copies results from tier to tier.
        say: Takes what is to be said of the tiers, from any thread; `speak` says it.
    """

    def __init__(self, tiers: Sequence[Tier], unsaid: list[str], writable: bool) -> None:
        self.tiers = tuple(tiers)
        self.location = ",".join(tier.location for tier in tiers)
        self.writable = writable
        self.say = unsaid.append
        self._unsaid = unsaid
        self.writeback = WriteBack(self.tiers, unsaid.append)
        self.outdated = Outdated(self.tiers)
        self._serving = Serving(self.tiers, self.outdated, self.writeback, unsaid.append)

    def speak(self) -> None:
        """Say what is to be said of the tiers; here, and not in the thread in which it happened."""
        while self._unsaid:
            warnings.warn(self._unsaid.pop(0), StoreWarning, stacklevel=3)

    # Reading one entry

    def fetch(self, key: bytes) -> Fetched | None:
        """Return what a hit needs, from the first tier that has it; see `Store.fetch`."""
        found = self._serving.fetch(key)
        if self._unsaid:
            self.speak()
        return found

    def created(self, key: bytes) -> float | None:
        """Return when a call's entry was stored, as the first tier that has it says; None if none has."""
        return self._serving.created(key)

    def open_blob(self, digest: bytes, always: bool = False) -> BlobFile:
        """Return a blob's file from the first tier that has it intact; see `Store.open_blob`."""
        blob = self._serving.open_blob(digest, always)
        if self._unsaid:
            self.speak()
        return blob

    def entry(self, key: bytes) -> Entry:
        """Return one entry from the first tier that has it; NotFoundError if none has."""
        found = self._serving.entry(key)
        if found is not None:
            return found
        raise NotFoundError(f"there is no entry {key.hex()[:12]} in {self.location}", "`cas ls` lists what there is")

    # Writing

    def homes(self) -> list[Tier]:
        """Return the tiers that may take a result first: durable ones before those in memory."""
        self.require_writable()
        return sorted(self.tiers, key=lambda tier: tier.volatile)

    def require_writable(self) -> None:
        """Raise ReadOnlyError if no tier takes writes."""
        if not self.writable:
            raise refuse_writes(self.location)

    def deposit(self, call: Call, cost: float) -> ChainDeposit:
        """Open the writing of one call's result; see `Store.deposit`."""
        self.require_writable()
        return ChainDeposit(self, call, cost)

    def copy(self, pairs: Iterable[tuple[bytes, Call]], note: Mapping[str, str]) -> Copied:
        """Give stored results to further calls as well; see `Store.copy`.

        All or none of what the first durable tier holds; then what only slower tiers held.
        """
        from cas.tiers.copying import copy  # noqa: PLC0415 - the path of a hit copies nothing

        self.require_writable()
        return copy(self, pairs, note)

    def forget(self, keys: Iterable[bytes]) -> int:
        """Remove entries from every tier that takes writes; return how many there were.

        A StoreWarning says what stays in a tier that takes none, or is gone at the moment.
        """
        self.require_writable()
        there = care.forget(self, keys)
        self._serving.use_first()
        self.speak()
        return there

    def record_hits(self, fingerprint: bytes, hits: int, saved: float, keys: Iterable[bytes]) -> None:
        """Add served hits to a function's figures in one tier, and mark `keys` as used now in every one."""
        care.record_hits(self.homes(), fingerprint, hits, saved, list(keys))

    def claim(self, key: bytes) -> AbstractContextManager[None]:
        """Return the right to compute `key`, as the first durable tier gives it."""
        return self._judge().claim(key)

    def try_claim(self, key: bytes) -> AbstractContextManager[None] | None:
        """Return the right to compute `key`, to be ended by a `with` block; None if another holds it."""
        return self._judge().try_claim(key)

    def _judge(self) -> Store:
        """Return the tier that gives claims: a local one if there is one, since its claims hold among processes."""
        self.require_writable()
        ready = [(tier, store) for tier in self.tiers if (store := tier.writing()) is not None]
        for tier, store in ready:
            if tier.journal is not None:
                return store
        if not ready:
            raise refuse_writes(self.location)
        return ready[0][1]

    def sweep(self, digests: Iterable[bytes]) -> int:
        """Remove blobs that no entry of the same tier needs; return the bytes freed where most were."""
        self.require_writable()
        chosen = list(digests)
        return max(care.write(self.tiers, lambda store: store.sweep(chosen)), default=0)

    def quarantine(self, digest: bytes) -> None:
        """Move a blob out of the way in every tier that takes writes."""
        self.require_writable()
        care.write(self.tiers, lambda store: store.quarantine(digest))

    def remove_stray(self, path: str) -> None:
        """Remove one of `strays`."""
        self.require_writable()
        care.remove_stray(self.tiers, path)

    def recall(self, name: bytes) -> bytes | None:
        """Return what the first durable tier remembers under `name`, if it does (I8)."""
        for tier in sorted(self.tiers, key=lambda tier: tier.volatile):
            store = tier.reading()
            if store is not None:
                return store.recall(name)
        return None

    def remember(self, name: bytes, body: bytes) -> None:
        """Keep a few bytes that save time next time in the first durable tier (I8)."""
        for tier in self.homes():
            store = tier.writing()
            if store is not None:
                store.remember(name, body)
                return

    # Reading

    def present(self) -> list[Store]:
        """Return the tiers that can be read at the moment, fast to slow."""
        return [store for tier in self.tiers if (store := tier.reading()) is not None]

    def find(self, prefix: str) -> list[bytes]:
        """Return up to ten keys whose hexadecimal form starts with `prefix`."""
        from cas.tiers import union  # noqa: PLC0415 - the path of a hit lists nothing

        found = union.each(self.tiers, lambda store: store.find(prefix))
        return list(dict.fromkeys(key for keys in found for key in keys))[:10]

    def entries(
        self,
        module: str | None = None,
        qualname: str | None = None,
        order: str = "-created",
        *,
        fingerprint: bytes | None = None,
        signature: bytes | None = None,
    ) -> Iterator[Entry]:
        """Yield entries, each once; see `Store.entries`."""
        from cas.tiers import union  # noqa: PLC0415

        def read(store: Store) -> Iterator[Entry]:
            return store.entries(module, qualname, order, fingerprint=fingerprint, signature=signature)

        return union.entries(self.tiers, self.outdated, read, order)

    def records(self) -> list[FunctionRecord]:
        """Return every version of every function that ever stored a result, newest first."""
        from cas.tiers import union  # noqa: PLC0415

        return union.records(self.tiers)

    def count(self, module: str | None = None, qualname: str | None = None) -> int:
        """Return how many entries there are, of one function if named."""
        from cas.tiers import union  # noqa: PLC0415

        return union.count(self.tiers, self.outdated, module, qualname)

    def functions(self) -> list[FunctionSummary]:
        """Return every version of every function with its figures, newest first."""
        from cas.tiers import union  # noqa: PLC0415

        return union.summaries(self.tiers, self.outdated)

    def weights(self) -> Iterator[tuple[bytes, bytes, int, float, float, float, tuple[bytes, ...]]]:
        """Yield what gc weighs, for every entry once."""
        from cas.tiers import union  # noqa: PLC0415

        return union.weights(self.tiers, self.outdated)

    def blobs(self) -> Iterator[BlobFile]:
        """Yield every blob that stands as a file, once, unverified, referenced or not."""
        from cas.tiers import union  # noqa: PLC0415

        return union.blobs(self.tiers)

    def strays(self) -> Iterator[str]:
        """Yield files inside the tiers that are no part of them."""
        return (path for store in self.present() for path in store.strays())

    def check_index(self) -> list[str]:
        """Return what is wrong with the index of each tier; empty if nothing."""
        return [f"{store.location}: {text}" for store in self.present() for text in store.check_index()]

    # The end of it

    def flush(self) -> None:
        """Copy at once what waits to be copied, as far as the tiers answer; the rest is left for later."""
        self.writeback.flush()
        self.speak()

    def close(self) -> None:
        """Copy what waits to be copied, and close the tiers; the chain may be used again."""
        self.writeback.stop()
        for tier in self.tiers:
            if tier.store is not None:
                tier.store.close()
        self.speak()

    def __reduce__(self) -> tuple[Any, ...]:
        import cas  # noqa: PLC0415 - only to be sent to another process, which opens the same tiers

        return cas.open, ([tier.location if tier.store is None else tier.store for tier in self.tiers],)
