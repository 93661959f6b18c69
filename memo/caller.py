"""The life of a call: bind → signature → call key → fetch → decode, or over to `memo.flight` on a miss.

A failure of the store never reaches the caller: they get their value, and a CacheWarning says what to mend.
Keeps promises 1 and 2 of the design, I5 (through Version.key) and I9.
"""

from __future__ import annotations

import atexit
import os
import sys
import time
from threading import RLock
from weakref import WeakSet

import cas
from memo.canonical import LONG, encode_arguments, pack_scalars
from memo.codecs import by_name
from memo.errors import CacheWarning, UnstableFunction, warn
from memo.forks import wait_for_imports
from memo.signature import Parameters, compile_forward, sort_options
from memo.version import MEMORY_BYTES, Version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from cas import Store
    from cas.store import Fetched
    from memo.version import Remembered

# `used` of an entry is kept to the day, so that a hit seldom has anything to write (as `relatime` does).
_DAY = 86400.0
# A process that ends without running its exit handlers loses at most so many of its counted hits.
_RECORD_EVERY = 1024
_ROOTED_AT_ONCE = 256
_callers: WeakSet[Caller] = WeakSet()
_renewing = RLock()


class Caller:
    """Serves the calls of one cached function: from memory, from the store, or by computing.

    Args:
        function: The user's function.
        store: Where results are kept: an open store, or a location for `cas.open`.
        memory: Keep small results in memory as well.
        verify: `stamp` trusts a large blob whose file has not been touched, `always` hashes it at each hit.
        code: Options of `memo.fingerprint.fingerprint`.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        store: str | os.PathLike[str] | Store | None,
        memory: bool,
        verify: str,
        code: dict[str, Any],
    ) -> None:
        self.function = function
        self.parameters = Parameters(function)
        self.name = describe(function)
        self.forward = compile_forward(self.parameters)
        self.code = code
        self.misses = 0
        self.bypassed = 0
        self._past_hits = 0
        self._past_saved = 0.0
        # Made absolute at once: functions that first run before and after an os.chdir share one store.
        relative = isinstance(store, str | os.PathLike) and str(store).strip()
        self._given = os.path.abspath(os.path.expanduser(store)) if relative else store  # type: ignore[arg-type]
        self._store: Store | None = None
        self._always = verify == "always"
        self._capacity = MEMORY_BYTES if memory else 0
        self._version: Version | None = None
        self._rooted: dict[tuple[int, ...], tuple[Version, tuple[type, ...]]] = {}
        self._touch_before = 0.0

    # Two ways in: the second for any values, the first for those that pack natively

    def serve_scalars(self, values: list[Any]) -> Any:
        """Serve a call whose values are all of types in `memo.canonical.SCALARS`."""
        try:
            signature = pack_scalars(values)
        except (OverflowError, ValueError):  # an integer of more than 64 bits, a lone surrogate
            return self.serve(values)
        version = self._version
        if version is None or len(signature) > LONG or not version.fingerprint.is_current():
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
        signature, roots = encode_arguments(sort_options(values, self.parameters), self.parameters.names)
        version = self.current()
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
                version = self._version = Version(fingerprint(self.function, **self.code), self._capacity)
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
            if found is not None:
                value = found[1] if found[0] else found[1](found[2], store.open_blob)
                version.hits += 1
                version.saved += found[3]
                return value
            key = version.key(signature)
            row = store.fetch(key)
            if row is not None:
                return self.decode(version, signature, key, row)
        except CacheWarning:
            raise
        except Exception as error:  # noqa: BLE001 - whatever fails, the store or a file that goes meanwhile: compute
            from memo.explain import trouble_of  # noqa: PLC0415 - only when something went wrong

            version.forget(signature)
            trouble = f"could not use what is stored: {trouble_of(error)}"
            warn(f"{self.name} {trouble}")
        from memo.flight import compute  # noqa: PLC0415 - a process that only hits never needs it

        return compute(self, version, signature, key or version.key(signature), values, trouble)

    def decode(self, version: Version, signature: bytes, key: bytes, row: Fetched) -> Any:
        """Return the value of a fetched entry, as fresh as if computed, and count the hit."""
        codec, digest, data, cost, used = row
        store = self._store or self.open()
        decode = by_name(codec).decode
        if data is None:
            value = decode(store.open_blob(digest, self._always), store.open_blob)
        else:
            value = decode(data, store.open_blob)
            if self._capacity:
                version.remember(signature, value, data, decode, cost)
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
            is_place = given is None or isinstance(given, str) or hasattr(given, "__fspath__")
            self._store = cas.open(given) if is_place else given
            self._touch_before = time.time() - _DAY
            # Registered anew, and so after the store's own, to run before the store closes.
            atexit.unregister(_record_all)
            atexit.register(_record_all)
            _record_at_end_of_worker()
            _callers.add(self)
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
        return Caller, (self.function, self._given, bool(self._capacity), verify, self.code)


def describe(function: Callable[..., Any]) -> str:
    """Return `module.qualname` for messages."""
    qualname = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{getattr(function, '__module__', type(function).__module__)}.{qualname}"


def _record_all() -> None:
    for caller in list(_callers):
        caller.record_hits()


def _record_at_end_of_worker() -> None:
    """Have a worker of `multiprocessing` record its hits: it ends without running the handlers of `atexit`."""
    process, util = sys.modules.get("multiprocessing.process"), sys.modules.get("multiprocessing.util")
    if process is not None and util is not None and process.parent_process() is not None:
        util.Finalize(None, _record_all, exitpriority=0)


def _become_worker(_: object) -> None:
    _record_at_end_of_worker()


def _forked() -> None:
    """Leave what the parent counted to the parent."""
    global _renewing
    _renewing = RLock()
    for caller in list(_callers):
        caller.drop_counts()
    util = sys.modules.get("multiprocessing.util")
    if util is not None and _callers:
        # It forgets all that is to be done at the end before it does what is registered here.
        util.register_after_fork(_become_worker, _become_worker)


os.register_at_fork(before=wait_for_imports, after_in_child=_forked)
