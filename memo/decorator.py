"""`memo.cached`, the decorator, and the checks of its options."""

from __future__ import annotations

import os
from types import FunctionType

import cas
from memo.caller import Caller, describe
from memo.declarations import checked_code
from memo.errors import UnstableFunction
from memo.handle import Cache, serve_by
from memo.keys import Keys
from memo.policy import Policy, checked
from memo.signature import compile_wrapper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_GENERATOR, _ITERABLE_COROUTINE, _ASYNC_GENERATOR = 0x20, 0x100, 0x200


def cached(
    function: Any = None,
    /,
    *,
    store: Any = None,
    memory: bool = True,
    verify: str = "stamp",
    depends: Sequence[Any] = (),
    version: Any = None,
    pin: Any = "minor",
    allow_mutable_bindings: bool = False,
    ignore: Any = (),
    key: Any = None,
    normalize: Any = None,
    ttl: Any = None,
    cache_exceptions: Any = (),
    codec: str = "auto",
    compress: str | None = None,
    min_cost: Any = 0.0,
    readonly: bool = False,
    store_args: bool = False,
) -> Any:
    """Keep a function's results in a store, and return them whenever it is called again with equal arguments.

    A result is returned only for the same code, down to every subroutine of the user's own, and equal arguments.
    Anything else computes. The store's failures never reach the caller: they get the value, and a CacheWarning.

    Args:
        function: What to decorate; its arguments and its result may be numpy arrays of any shape and dtype, and
            containers of them.
        store: A folder, a URL, or an open `cas.Store`; a list of them, fast to slow, makes a chain. Default:
            `CAS_STORE`, else `[tool.cas] store` in the nearest pyproject.toml, else the user's cache folder.
        memory: Also keep small results in this process's memory.
        verify: "stamp" hashes a large stored array again only if its file was touched since it was last verified,
            "always" at every hit. Small results are always hashed.
        depends: Functions, classes, modules and paths of files that count although the code does not name them;
            `memo.audit` finds them.
        version: A plain value of your own; another value computes anew.
        pin: How much of the version of a package that the code uses counts: "minor" (2.3 and 2.4 differ), "exact",
            "none", or a dict of these by package, "*" for the others.
        allow_mutable_bindings: Accept a function that closes over mutable values; they are part of its key, as they
            are at each call.
        ignore: Names of parameters, or of options that `**options` takes, that are not part of the key, such as
            `["verbose"]`. Of `self`, only the state is left out: its class counts.
        key: Functions by parameter; what one returns stands for the argument in the key: `{"x": round}`.
        normalize: Functions by parameter, or one for every argument; what one returns replaces the argument, in the
            call and in the key.
        ttl: Seconds, or a `datetime.timedelta`, after which a stored result is computed again.
        cache_exceptions: Classes of exceptions that are stored, and raised again, as results are returned.
        codec: In which form results are stored: "auto" for the safest that is exact, "npy", "tree", "mat", "hdf5",
            "arrow", "sparse", "text", "json", "pickle", or one of your own; "stream" for the items of a generator.
        compress: "zstd" compresses what is stored, "auto" only where a sample of it shrinks.
        min_cost: Seconds; a result that took less is not stored. "auto": one that took less than fetching it takes.
        readonly: Return large arrays as read-only maps of what is stored, which the next cached function does not
            hash again.
        store_args: Store the arguments as well, for `f.cache.replay`.

    Returns:
        A function with the same parameters, and the handle `.cache` (see `Cache`); `__wrapped__` is the original.

    Raises:
        UnstableFunction: The function is a generator function without `codec="stream"`, or an asynchronous one; or,
            at its first call, closes over mutable values.
        cas.errors.InvalidInputError: An option has none of its values.
        CodecError: There is no such codec, or it lacks a package.
    """
    if verify not in ("stamp", "always"):
        raise cas.InvalidInputError(f"expected verify='stamp' or 'always', found {verify!r}")
    for option, said in (("memory", memory), ("allow_mutable_bindings", allow_mutable_bindings)):
        if type(said) is not bool:
            raise cas.InvalidInputError(f"expected {option}=True or False, found {said!r}")
    _check_store(store)
    code = checked_code(depends, version, pin, allow_mutable_bindings)

    given = Policy(ttl, cache_exceptions, codec, compress, min_cost, readonly, store_args)
    policy = checked(given)

    def decorate(function: Any) -> Any:
        _check_function(function, policy)
        caller = Caller(Keys(function, ignore, key, normalize), store, memory, verify, code, policy)
        serve = serve_by(caller, caller.serve)
        scalars = caller.serve_scalars if caller.keys.plain else serve
        wrapper = compile_wrapper(function, caller.parameters, serve, scalars, caller.parameters.kind)
        wrapper.cache = Cache(caller)  # type: ignore[attr-defined]
        return wrapper

    return decorate if function is None else decorate(function)


def _check_store(store: Any) -> None:
    is_place = store is None or isinstance(store, str | os.PathLike | list | tuple)
    if not (is_place or callable(store) or hasattr(store, "fetch")):
        raise cas.InvalidInputError(
            f"expected a folder, a URL, an open cas.Store or a list of these in store=, found {store!r}",
            'write store="./results"',
        )


def _check_function(function: Any, policy: Policy) -> None:
    if not callable(function) or isinstance(function, classmethod | staticmethod | type):
        raise UnstableFunction(
            f"expected a function to cache, found {function!r}",
            "write @memo.cached below @classmethod, @staticmethod or @property; to cache what a class makes, "
            "cache a function that makes it",
        )
    flags = function.__code__.co_flags if type(function) is FunctionType else 0
    if flags & (_ASYNC_GENERATOR | _ITERABLE_COROUTINE):
        raise UnstableFunction(
            f"expected a function that returns its result, found an asynchronous generator: {describe(function)}",
            "return a list of its items from an `async def`, or cache what makes one item",
        )
    streams = policy.codec == "stream"
    if bool(flags & _GENERATOR) != streams:
        found, mend = ("no generator function", 'leave out codec="stream"') if streams else (
            "a generator function", 'store its items as they are consumed, with @memo.cached(codec="stream"), '
            "or return a list or an array",
        )  # fmt: skip
        wanted = 'a generator function for codec="stream"' if streams else "a function that returns its result"
        raise UnstableFunction(f"expected {wanted}, found {found}: {describe(function)}", mend)
