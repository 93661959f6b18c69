"""The calls of one function that a cacher of neurotools decorated.

`memo.cached` keeps the results and says which one is whose; this makes sure that each entry has its file at the
location where neurotools had it, and brings in what the original left there. Whatever happens to such a file, the
caller gets the value, and it never comes from a view (promise 1).
"""

from __future__ import annotations

import os
import time
from collections import namedtuple
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import cas
from memo.decorator import cached
from memo.errors import CacheWarning, CodecError, UnstableFunction, hint_of, warn
from memo.neurotools.names import get_cache_path, locate_cached
from memo.neurotools.originals.inherited import Inherited, Signed
from memo.neurotools.skipping import Skipping
from memo.neurotools.views import METHODS, Preferred, stamp_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from memo.flight import Flight
    from memo.neurotools.tiers import Tiers
    from memo.neurotools.views import Views

# More seconds than anything takes: what took less is not stored.
_NEVER = 1e9
_KNOWN = 4096


class Options(namedtuple("Options", "method skip_fast verbose allow_mutable_bindings trust")):
    """How a cacher was asked to keep results; see `disk_cacher`."""

    __slots__ = ()


class _Known(namedtuple("_Known", "path key stamp")):
    """What this process last saw of a call: where its view stands, its call key, what the view looked like."""

    __slots__ = ()


class Served:
    """Serves the calls of one function, and keeps the files of its entries.

    Args:
        function: The user's function.
        tiers: Where its results are, fast to slow.
        options: How they are kept.
        clock: Seconds, from any start.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        tiers: Tiers,
        options: Options,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.tiers = tiers
        self.options = options
        self._clock = clock
        self._reads_only = not tiers.writable[0]
        handle = cached(
            store=tiers.open,
            memory=not self._reads_only,
            allow_mutable_bindings=options.allow_mutable_bindings,
            min_cost=_NEVER if self._reads_only else 0.0,
        )(function)
        self.caller = handle.cache._caller  # noqa: SLF001 - same package
        self.function = self.caller.function
        if options.method in ("mat", "hdf5"):
            self.caller.policy = self.caller.policy._replace(codec=partial(Preferred, options.method, self._say_misfit))
        self.caller.policy = self.caller.policy._replace(store_args=self._loses_arguments)
        self.inherited = Inherited(self.caller, tiers.roots, options.method, options.trust)
        self._skipping = Skipping() if options.skip_fast else None
        self._known: dict[bytes, _Known] = {}
        self._said: set[str] = set()

    # A call

    def serve(self, values: list[Any]) -> Any:
        """Return the value of a call, from a store or by computing."""
        caller = self.caller
        if self._reads_only and not self._stands():
            return self._told(values, *self._without_store(values))
        try:
            version, signature = caller.sign(values)
        except (UnstableFunction, CacheWarning):
            raise
        except Exception:  # noqa: BLE001 - the user's classes have their say here; it is said aloud one line on
            return caller.serve(values)
        call = Signed(version, signature, version.key(signature), values)
        known = self._known.get(signature)
        if known is not None and known.key == call.key and known.stamp == stamp_of(known.path):
            how, value = self._obtain(call)
        else:
            if known is not None:
                version.forget(signature)  # another process may have computed it anew
            known, path = None, self.path(values)
            self._know(call, _Known(path, b"", None))
            how, value = self._prepare(call, path) or self._obtain(call)
        if known is None or how == "computed":
            self._show(call, value, anew=how == "computed")
        return self._told(values, how, value)

    def refresh(self, values: list[Any]) -> Any:
        """Compute a call anew, and store and show its value in place of what is there; see `memo.Cache.refresh`."""
        value = self.caller.refresh(values)
        version, signature = self.caller.sign(values)
        self._show(Signed(version, signature, version.key(signature), values), value, anew=True)
        return value

    def list_files(self, verbose: bool = False) -> tuple[str, list[str]]:
        """Return the folder of the function's files, and their names, after removing those whose entries are gone."""
        path = get_cache_path(self.tiers.roots[0], self.function)
        with suppress(cas.CasError, OSError):
            for views in self._views():  # below the folder of the function is one of each state of its code
                views.sweep(os.path.dirname(self.at(views.root, path).rstrip("/")), self.caller.open())
        try:
            files = sorted(name for name in os.listdir(path) if not name.startswith("."))
        except (FileNotFoundError, NotADirectoryError):
            files = []
        if verbose:
            print(path, *files, sep="\n")  # noqa: T201 - asked for
        return path, files

    def _told(self, values: list[Any], how: str, value: Any) -> Any:
        """Return the value of a call, and say how it came about if that is asked for."""
        if self.options.verbose:
            print(f"{self.caller.name}: {how}, {self.path(values)}")  # noqa: T201 - asked for
        return value

    def _obtain(self, call: Signed) -> tuple[str, Any]:
        """Return how a call came to its value, and it: fetched, or computed since it is not stored, or is so sooner."""
        caller, (version, signature, key, values) = self.caller, call
        remembered = version.memory.get(signature)
        skipping = self._skipping if remembered is None else None
        cost = 0.0 if skipping is None else self._cost(key)
        start, misses = self._clock(), caller.misses
        if skipping is not None and skipping.skips(cost):
            value = caller.forward(self.function, values)
            skipping.computed(cost, self._clock() - start)
            return "computed sooner than fetched", value
        value = caller._serve(version, signature, values, remembered)  # noqa: SLF001 - same package
        if caller.misses != misses:
            return "computed", value
        if skipping is not None:
            skipping.fetched(self._clock() - start)
        return "found", value

    def _cost(self, key: bytes) -> float:
        """Return the seconds that a stored result took; 0 if there is none."""
        try:
            fetched = self.caller.open().fetch(key)
        except cas.CasError:
            return 0.0  # it is said aloud when the result is wanted
        return 0.0 if fetched is None else float(fetched[3])

    def _stands(self) -> bool:
        """Return whether there is a store to read from."""
        try:
            self.caller.open()
        except cas.NotFoundError:
            return False
        except cas.CasError:
            return True  # it is said aloud by the call
        return True

    def purge(self, values: list[Any]) -> None:
        """Remove the entry of a call, and its files of every method, at every location; the next call computes.

        Those of the original go as well, as it would have it.

        Raises:
            cas.errors.CasError: A location does not take it.
            OSError: A file cannot be removed.
        """
        version, signature = self.caller.sign(values)
        call = Signed(version, signature, version.key(signature), values)
        path = self.path(values)
        stem = path.removesuffix(self.options.method)
        kept = self.tiers.views_to_purge()
        whole = [] if self._reads_only else [self.caller.open()]
        for store in (*(views.store for views in kept), *whole):
            store.forget([call.key])
        for views in kept:
            for method in METHODS if path else ():
                views.forget(self.at(views.root, stem + method))
        self.inherited.remove(call, path)
        version.forget(signature)
        self._known.pop(signature, None)

    def _without_store(self, values: list[Any]) -> tuple[str, Any]:
        """Return how a call came to its value, and it, where nothing is stored and nothing is to be."""
        try:
            version, signature = self.caller.sign(values)
            call = Signed(version, signature, version.key(signature), values)
            found = self.inherited.find(call, self.path(values))
        except (UnstableFunction, CacheWarning):
            raise
        except Exception:  # noqa: BLE001 - there is nothing to be said of a cache that is not there
            found = None
        return ("computed", self.caller.forward(self.function, values)) if found is None else ("found", found.result)

    # Its file

    def path(self, values: list[Any]) -> str:
        """Return where the view of a call stands at the first location; empty if its arguments name no file."""
        try:
            location = partial(locate_cached, self.tiers.roots[0], self.function, self.options.method)
            return str(self.caller.forward(location, values)[-1])
        except Exception as error:  # noqa: BLE001 - the classes of the arguments have their say here
            self._say("name", f"{self.caller.name}: an entry has no file of its own: {error}", hint_of(error))
            return ""

    def at(self, root: str, path: str) -> str:
        """Return where the view that stands at `path` below the first root stands below another."""
        return path and root + path.removeprefix(self.tiers.roots[0])

    def _prepare(self, call: Signed, path: str) -> tuple[str, Any] | None:
        """Purge what somebody removed the view of, and store what the original left; return what cannot be stored."""
        try:
            for views in self.tiers.views():
                here = self.at(views.root, path)
                if views.was_removed(here, call.key):
                    views.forget(here)
                    views.store.forget([call.key])
                    call.version.forget(call.signature)
            store = self.caller.open()
            found = self.inherited.find(call, path) if store.fetch(call.key) is None else None
        except cas.CasError:
            return None  # a store that fails says so when it is asked for the result
        if found is None:
            return None
        try:
            self.inherited.deposit(call, store, found)
        except (CodecError, cas.CasError) as error:
            self._say("deposit", f"{self.caller.name}: could not store a result of neurotools: {error}", hint_of(error))
            return "found", found.result
        return None

    def _show(self, call: Signed, value: Any, anew: bool) -> None:
        """Make sure that the files at all locations show the entry of a call."""
        known = self._known.get(call.signature)
        path = self.path(call.values) if known is None else known.path
        stamp = None
        for views in reversed(self._views()):
            here = self.at(views.root, path)
            try:
                shown = views.show(here, call.key, value, self.caller.open(), anew)
                stamp = shown if here == path else stamp
            except CacheWarning:
                raise
            except Exception as error:  # noqa: BLE001 - the disk, or the classes of the result: the call has its value
                told = f"{self.caller.name}: could not show the result at {here}: {error}"
                self._say(type(error).__name__, told, hint_of(error), value)
        self._know(call, _Known(path, call.key, stamp or stamp_of(path)))

    def _views(self) -> list[Views]:
        try:
            return self.tiers.views()
        except cas.CasError:
            return []  # a store that fails says so when it is asked for the result

    def _know(self, call: Signed, known: _Known) -> None:
        if len(self._known) >= _KNOWN:
            self._known.clear()
        self._known[call.signature] = known

    def _loses_arguments(self, flight: Flight) -> bool:
        """Return whether the name of a call's file is too long to say its arguments, so that the entry has to."""
        known = self._known.get(flight.signature)
        path = self.path(flight.values) if known is None else known.path
        key = os.path.basename(path).split(".")[1:2]
        return bool(key and len(key[0]) % 4)  # base64 has a multiple of four letters, the hash in place of it has 38

    # What is said

    def _say_misfit(self, error: CodecError) -> None:
        told = f"{self.caller.name}: a result has no {self.options.method} file, and is stored exactly all the same"
        self._say("CodecError", f"{told}: {error}", hint_of(error))

    def _say(self, topic: str, message: str, hint: str, value: object = None) -> None:
        """Warn once of each topic."""
        if topic in self._said:
            return
        self._said.add(topic)
        try:
            warn(message, hint)
        except CacheWarning as error:  # the user's filter makes it an error: the value goes with it
            error.value = value
            raise
