"""`disk_cacher` and `hierarchical_cacher`: decorators with neurotools' parameters, over `memo.cached`."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import cas
from memo.errors import UnstableFunction
from memo.handle import Cache
from memo.neurotools.names import locate_cached
from memo.neurotools.served import Options, Served
from memo.neurotools.tiers import Tiers
from memo.neurotools.views import METHODS
from memo.signature import compile_wrapper

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Location = str | os.PathLike[str]


def disk_cacher(
    cache_location: Location,
    method: str = "npy",
    write_back: bool = True,
    skip_fast: bool = False,
    verbose: bool = False,
    allow_mutable_bindings: bool = False,
    cache_identifier: str = "__neurotools_cache__",
    *,
    trust: bool = False,
) -> Cacher:
    """Return a decorator that keeps a function's results in a folder.

    A result comes back only for the same code, down to every subroutine, and equal arguments. Each is shown by a file
    at `f.locate(...)[-1]`, for people and other programs. Who removes that file has the call computed again.

    Args:
        cache_location: The folder; the results stand in `cache_identifier` below it.
        method: What those files are: "npy", "mat", "pickle" or "hdf5". What a call returns does not depend on it.
        write_back: Store new results; else only what is stored is used.
        skip_fast: Compute what is stored where that is expected to be faster than to fetch it.
        verbose: Print what is found and what is computed.
        allow_mutable_bindings: Accept a function that closes over mutable values.
        cache_identifier: See `cache_location`.
        trust: Use the files that the original neurotools left there, which are unpickled, and unpickling runs the code
            that their writer chose. It names their folder by the lines of a function with its decorators: where these
            are to stay as they are, write `disk_cacher = functools.partial(disk_cacher, trust=True)`.

    Returns:
        A decorator with `cache_root`. What it decorates has `purge(*args, **kwargs)`, `locate(*args, **kwargs)`,
        `lscache(verbose=False)`, `cache_root`, `cache` (see `memo.Cache`) and `__wrapped__`.
    """
    options = Options(_checked(method), skip_fast, verbose, allow_mutable_bindings, trust)
    return Cacher(Tiers([cache_location], cache_identifier, (write_back,)), options)


def hierarchical_cacher(
    fast_to_slow: Sequence[Location],
    method: str = "npy",
    write_back: bool = True,
    verbose: bool = False,
    allow_mutable_bindings: bool = False,
    cache_identifier: str = "neurotools_cache",
    *,
    trust: bool = False,
) -> Cacher:
    """Return a decorator that keeps a function's results in several folders, the fastest asked first.

    What comes from a slower one is put into the faster ones as well. One that is missing is left out with a warning.

    Args:
        fast_to_slow: The folders.
        method: As of `disk_cacher`, and so are the others.
        write_back: Put new results into the slower ones as well; else these stay as they are.
        verbose: As of `disk_cacher`.
        allow_mutable_bindings: As of `disk_cacher`.
        cache_identifier: As of `disk_cacher`.
        trust: As of `disk_cacher`.
    """
    if isinstance(fast_to_slow, str | os.PathLike) or not fast_to_slow:
        raise cas.InvalidInputError(
            f"expected folders in fast_to_slow, found {fast_to_slow!r}", 'write ("/fast/folder", "/slow/folder")'
        )
    options = Options(_checked(method), False, verbose, allow_mutable_bindings, trust)
    places = tuple(fast_to_slow)
    writable = (True, *(write_back for _ in places[1:]))
    return Cacher(Tiers(places, cache_identifier, writable), options)


class Cacher:
    """A decorator that keeps results at one or several locations.

    Attributes:
        cache_root: The folder below which files stand; that of the fastest location.
    """

    def __init__(self, tiers: Tiers, options: Options) -> None:
        self.cache_root = tiers.roots[0]
        self._tiers = tiers
        self._options = options

    def __call__(self, function: Callable[..., Any], /) -> Any:
        """Return the function with its results kept.

        Raises:
            UnstableFunction: It returns no result of its own, as a generator function or an `async def`.
        """
        served = Served(function, self._tiers, self._options)
        parameters = served.caller.parameters
        if parameters.kind:
            raise UnstableFunction(
                f"expected a function that returns its result, found an `async def`: {served.caller.name}",
                "use @memo.cached, which takes it",
            )
        wrapper: Any = compile_wrapper(function, parameters, served.serve, served.serve)
        wrapper.cache = _Handle(served)
        wrapper.cache_root = self.cache_root
        wrapper.purge = compile_wrapper(function, parameters, served.purge, served.purge)
        wrapper.locate = partial(locate_cached, self.cache_root, function, self._options.method)
        wrapper.lscache = served.list_files
        return wrapper

    def __repr__(self) -> str:
        return f"<cacher of {', '.join(self._tiers.roots)}>"


class _Handle(Cache):
    """The handle of a function whose results have files."""

    def __init__(self, served: Served) -> None:
        super().__init__(served.caller)
        self._refresh = compile_wrapper(served.function, served.caller.parameters, served.refresh, served.refresh)

    def refresh(self, /, *args: Any, **kwargs: Any) -> Any:
        """Compute this call anew, and store and show its result in place of what is there; see `Cache.refresh`."""
        return self._refresh(*args, **kwargs)


def _checked(method: str) -> str:
    """Return a method by its full name."""
    method = {"p": "pickle"}.get(method, method)
    if method not in METHODS:
        raise cas.InvalidInputError(f"expected method= one of {', '.join(METHODS)}, found {method!r}")
    return method
