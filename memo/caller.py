"""The life of a call: bind → signature → call key → fetch → decode, or over to `memo.flight` on a miss.

A failure of the store never reaches the caller: they get their value, and a CacheWarning says what to mend.
Keeps promises 1 and 2 of the design, I5 (through Version.key) and I9.
"""

from __future__ import annotations

import os
import time
from functools import partial
from threading import RLock

import cas
from cas.location import absolute
from memo.canonical import LONG, pack_scalars
from memo.codecs import by_name
from memo.counts import record_at_end
from memo.errors import CacheWarning, Raised, UnstableFunction, warn
from memo.forks import wait_for_imports
from memo.policy import KEEP, Policy
from memo.signature import compile_forward
from memo.version import MEMORY_BYTES, Version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from cas import Store
    from cas.store import Fetched
    from memo.canonical.frozen import FrozenFile
    from memo.fetches import Fetches
    from memo.keys import Keys
    from memo.version import Remembered

# `used` of an entry is kept to the day, so that a hit seldom has anything to write (as `relatime` does).
_DAY = 86400.0
# A process that ends without running its exit handlers loses at most so many of its counted hits.
_RECORD_EVERY = 1024
_ROOTED_AT_ONCE = 256
_renewing = RLock()


class Caller:
    """Serves the calls of one cached function: from memory, from the store, or by computing.

    Args:
        keys: The user's function, and what of a call makes its key.
        store: Where results are kept: an open store, a location for `cas.open`, a list of these, or what opens one.
        memory: Keep small results in memory as well.
        verify: `stamp` trusts a large blob whose file has not been touched, `always` hashes it at each hit.
        code: Options of `memo.fingerprint.fingerprint`.
        policy: What is kept of a call, how, and for how long.
    """

    def __init__(
        self,
        keys: Keys,
        store: str | os.PathLike[str] | Store | list[str | Store] | None,
        memory: bool,
        verify: str,
        code: dict[str, Any],
        policy: Policy = KEEP,
    ) -> None:
        self.keys = keys
        self.function = keys.function
        self.parameters = keys.parameters
        self.name = describe(keys.function)
        self.forward = compile_forward(self.parameters)
        self.code = code
        self.policy = policy
        self.misses = 0
        self.bypassed = 0
        self._past_hits = 0
        self._past_saved = 0.0
        # Made absolute at once: functions that first run before and after an os.chdir share one store.
        self._given = absolute(store) if isinstance(store, str | os.PathLike | list | tuple) else store
        self._store: Store | None = None
        self._always = verify == "always"
        self.fetches: Fetches | None = None
        if policy.min_cost == "auto":
            from memo.fetches import Fetches  # noqa: PLC0415 - few ask for it

            self.fetches = Fetches()
        self._simply = policy.ttl is None and self.fetches is None
        self._open_frozen: Callable[..., FrozenFile] | None = None
        self._capacity = MEMORY_BYTES if memory else 0
        self._version: Version | None = None
        self._rooted: dict[tuple[int, ...], tuple[Version, tuple[type, ...]]] = {}
        self._touch_before = 0.0
        self._longest = LONG  # of the signatures that `serve_scalars` takes

    @property
    def remembers(self) -> bool:
        """Whether small results are kept in memory."""
        return self._capacity > 0

    # Two ways in: the second for any values, the first for those that pack natively

    def serve_scalars(self, values: list[Any]) -> Any:
        """Serve a call whose values are all of types in `memo.canonical.SCALARS`."""
        try:
            signature = pack_scalars(values)
        except (OverflowError, ValueError):  # an integer of more than 64 bits, a lone surrogate
            return self.serve(values)
        version = self._version
        if version is None or len(signature) > self._longest or not version.fingerprint.is_current():
            return self.serve(values)
        found = version.memory.get(signature)
        if found is not None and found[0]:  # the shortest way, for results that nothing can change
            version.hits += 1
            version.saved += found[3]
            return found[1]
        return self._serve(version, signature, values, found)

    def serve(self, values: list[Any]) -> Any:
        """Serve any call; one whose arguments have no canonical form is computed, and said aloud."""
        try:
            version, signature = self.sign(values)
        except (UnstableFunction, CacheWarning):
            raise
        except Exception as error:  # noqa: BLE001 - the user's classes have their say here, and may raise anything
            self._bypass(error)
        else:
            return self._serve(version, signature, values, version.memory.get(signature))
        return self.forward(self.function, values)

    def _bypass(self, error: Exception) -> None:
        """Say aloud, and remember, that a call runs without its cache."""
        from memo.explain import note_bypass, trouble_of  # noqa: PLC0415 - only when something went wrong

        self.bypassed += 1
        note_bypass(self.name, error)
        warn(f"{self.name} ran without its cache: {trouble_of(error)}")

    def sign(self, values: list[Any]) -> tuple[Version, bytes]:
        """Return the version that answers for the code and for these values' classes, and their signature."""
        version = self.current()  # first, since it opens the store, where digests of files are remembered
        signature, roots = self.keys.encode(values)
        return (self._with_roots(version, roots) if roots else version), signature

    def current(self) -> Version:
        """Return the version of the code as it is at this moment."""
        version = self._version
        return version if version is not None and version.fingerprint.is_current() else self._renew()

    def _renew(self) -> Version:
        """Fingerprint the function, at its first call and when something that it depends on has changed."""
        from memo.fingerprint import fingerprint  # noqa: PLC0415 - decorating alone should not cost its import

        with _renewing:  # one thread does the work, and all count their hits on the one version
            version = self._version
            if version is None or not version.fingerprint.is_current():
                self._retire()
                self._keep_tables()
                self.keys.settle()
                self._longest = LONG if self.keys.plain else -1
                code = {**self.code, "depends": (*self.code.get("depends", ()), *self.keys.depends)}
                version = self._version = Version(fingerprint(self.function, **code), self._capacity)
            return version

    def _keep_tables(self) -> None:
        from memo.tables import keep_tables  # noqa: PLC0415 - decorating alone should not cost its import

        try:
            keep_tables(self.open())
        except cas.CasError:
            return  # `_serve` comes to the same store next, and says why it does not open

    def _retire(self) -> None:
        """Keep the counts of all versions, and nothing else of them."""
        self.record_hits()
        self._past_hits, self._past_saved = self.counts()
        self._rooted.clear()
        self._version = None

    def _with_roots(self, base: Version, roots: tuple[type, ...]) -> Version:
        """Return the version in which the code of the arguments' classes has its part."""
        # By identity, since a metaclass may call two classes equal; the roots are kept, or theirs would be reused.
        which = tuple(map(id, roots))
        version, _ = self._rooted.get(which, (None, ()))
        if version is None or not version.fingerprint.is_current():
            if len(self._rooted) >= _ROOTED_AT_ONCE:  # a fresh lambda at each call would fill the memory
                self._retire()
                self._version = base = Version(base.fingerprint, self._capacity)
            joined = base.fingerprint.with_roots(roots)
            version = base if joined is base.fingerprint else Version(joined, self._capacity)
            self._rooted[which] = version, roots
        return version

    # Fetch and decode

    def _serve(self, version: Version, signature: bytes, values: list[Any], found: Remembered | None) -> Any:
        key, trouble = None, ""
        try:
            store = self._store or self.open()
            if found is not None and (found[4] == 0.0 or self.policy.lasts(found[4])):
                value = found[1] if found[0] else found[1](found[2], self._open_frozen or store.open_blob)
                version.hits += 1
                version.saved += found[3]
                return value
            key = version.key(signature)
            if found is not None:
                version.forget(signature)
            if self._simply:
                row, created = store.fetch(key), 0.0
            else:
                row, created = self.find(key)
                trouble = self.policy.expiry(created) if row is None and created else ""
            if row is not None:
                return self.decode(version, signature, key, row, created)
        except CacheWarning:
            raise
        except Raised as raised:
            trouble = self.raise_again(version, key, raised)
        except Exception as error:  # noqa: BLE001 - whatever fails, the store or a file that goes meanwhile: compute
            from memo.explain import trouble_of  # noqa: PLC0415 - only when something went wrong

            version.forget(signature)
            trouble = f"could not use what is stored: {trouble_of(error)}"
            warn(f"{self.name} {trouble}")
        return self._compute(version, signature, key or version.key(signature), values, trouble)

    def _compute(
        self, version: Version, signature: bytes, key: bytes, values: list[Any], trouble: str, fresh: bool = False
    ) -> Any:
        from memo.flight import Flight, compute  # noqa: PLC0415 - a process that only hits never needs it

        kind: str = self.parameters.kind
        if kind == "coroutine":
            from memo.coroutines import compute  # noqa: PLC0415 - only for whoever has coroutines
        elif kind == "stream":
            from memo.streams import compute  # noqa: PLC0415 - only for whoever has streams
        unsigned = self.keys.unsigned(values) if self.policy.store_args else ()
        return compute(Flight(self, version, signature, key, values, trouble, fresh, time.perf_counter(), unsigned))

    def refresh(self, values: list[Any]) -> Any:
        """Compute a call whether or not it is stored, and store its value in place of what is."""
        version, signature = self.sign(values)
        return self._compute(version, signature, version.key(signature), values, "it was asked to compute anew", True)

    def find(self, key: bytes) -> tuple[Fetched | None, float]:
        """Return what is stored for a call and lasts; and when anything was stored, if that matters."""
        store = self._store or self.open()
        fetch = store.fetch if self.fetches is None else partial(self.fetches.look_up, store.fetch)
        if self.policy.ttl is None:
            return fetch(key), 0.0
        # Asked before what it is the age of: what another process puts in its place meanwhile is younger, not older.
        created = store.created(key) or 0.0
        return (fetch(key) if self.policy.lasts(created) else None), created

    def read(self, key: bytes) -> Any:
        """Return the value that is stored for a call; NotFoundError if there is none."""
        store = self._store or self.open()
        row = store.fetch(key)
        if row is None:
            raise cas.NotFoundError(f"there is no entry {key.hex()[:12]}", "it has just been removed")
        codec, digest, data, _, _ = row
        open_blob = self._open_frozen or store.open_blob
        return by_name(codec).decode(open_blob(digest, self._always) if data is None else data, open_blob)

    def raise_again(self, version: Version, key: bytes | None, raised: Raised) -> str:
        """Raise a stored exception, if this function keeps those of its class; else return why it is not."""
        if not isinstance(raised.error, self.policy.exceptions):
            return f"what is stored is an exception, and not among cache_exceptions=: {raised.message}"
        version.hits += 1
        version.saved += raised.cost
        if key is not None:
            version.touched.add(key)
        raise raised.error

    def decode(self, version: Version, signature: bytes, key: bytes, row: Fetched, created: float = 0.0) -> Any:
        """Return the value of a fetched entry, as fresh as if computed, and count the hit.

        Raises:
            Raised: The call raised an exception, and that is stored.
        """
        codec, digest, data, cost, used = row
        store = self._store or self.open()
        decode = by_name(codec).decode
        open_blob = self._open_frozen or store.open_blob
        try:
            if self.fetches is None:
                value = decode(open_blob(digest, self._always) if data is None else data, open_blob)
            else:
                value = self.fetches.decode(decode, data, partial(open_blob, digest, self._always), open_blob)
        except Raised as raised:
            raised.cost = cost
            raise
        if data is not None and self._capacity:
            version.remember(signature, value, data, decode, cost, created)
        version.hits += 1
        version.saved += cost
        if used < self._touch_before:
            version.touched.add(key)
        if not version.hits % _RECORD_EVERY:
            self.record_hits()
        return value

    def open(self) -> Store:
        """Return the store, opened at the first need."""
        if self._store is None:
            given: Any = self._given
            is_place = given is None or isinstance(given, list)
            store: Store = cas.open(given) if is_place else given() if callable(given) else given
            if self.policy.readonly:
                from memo.canonical.frozen import open_frozen  # noqa: PLC0415 - few ask for it

                self._open_frozen = partial(open_frozen, store)
            self._store = store  # only now, since other threads take it from here
            self._touch_before = time.time() - _DAY
            record_at_end(self)
        return self._store

    def _versions(self) -> set[Version]:
        rooted = [version for version, _ in list(self._rooted.values())]
        return {version for version in (self._version, *rooted) if version is not None}

    def counts(self) -> tuple[int, float]:
        """Return the calls of this process that were served, and the seconds that they saved."""
        hits = self._past_hits + sum(version.hits for version in self._versions())
        return hits, self._past_saved + sum(version.saved for version in self._versions())

    def record_hits(self) -> None:
        """Hand the counted hits to the store; they are figures only, so a store that fails loses just them (I8)."""
        store = self._store
        if store is None or not store.writable:
            return
        for version in self._versions():
            hits, saved, touched = version.take_counts()
            if not hits:
                continue
            try:
                store.record_hits(version.fingerprint.digest, hits, saved, touched)
            except cas.CasError as error:
                warn(f"{self.name} could not record its hits: {error}", error.hint)

    def drop_counts(self) -> None:
        """Forget the hits that are not yet recorded."""
        for version in self._versions():
            version.take_counts()

    def __reduce__(self) -> tuple[Any, ...]:
        verify = "always" if self._always else "stamp"
        return Caller, (self.keys, self._given, bool(self._capacity), verify, self.code, self.policy)


def describe(function: Callable[..., Any]) -> str:
    """Return `module.qualname` for messages."""
    qualname = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{getattr(function, '__module__', type(function).__module__)}.{qualname}"


def _forked() -> None:
    """Let go of a lock that a thread of the parent may hold."""
    global _renewing
    _renewing = RLock()


os.register_at_fork(before=wait_for_imports, after_in_child=_forked)
