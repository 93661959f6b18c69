"""`memo.cached`, the decorator, and the handle that a decorated function carries as `.cache`."""

from __future__ import annotations

import os
from collections import namedtuple
from types import FunctionType, ModuleType

import cas
from memo.caller import Caller, describe
from memo.errors import UnstableFunction
from memo.signature import compile_wrapper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from cas import Entry
    from cas.manifest import Manifest
    from memo.adopting import Adoption, Calls
    from memo.explain import Explanation

# Generators and coroutines of every kind: their result is not a value, but something that makes values.
_RESUMABLE = 0x20 | 0x80 | 0x100 | 0x200


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
) -> Any:
    """Keep a function's results in a store, and return them whenever it is called again with equal arguments.

    A result is returned only for the same code, down to every subroutine of the user's own, and equal arguments.
    Anything else computes. The store's failures never reach the caller: they get the value, and a CacheWarning.

    Args:
        function: What to decorate; its arguments and its result may be numpy arrays of any shape and dtype, and
            containers of them.
        store: A folder, or an open `cas.Store`. Default: `CAS_STORE`, else `[tool.cas] store` in the nearest
            pyproject.toml, else the user's cache folder.
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

    Returns:
        A function with the same parameters, and the handle `.cache` (see `Cache`); `__wrapped__` is the original.

    Raises:
        UnstableFunction: The function is a generator or a coroutine, or, at its first call, closes over mutable
            values.
        cas.InvalidInputError: An option has none of its values.
    """
    if verify not in ("stamp", "always"):
        raise cas.InvalidInputError(f"expected verify='stamp' or 'always', found {verify!r}")
    code = {
        "depends": _declared(depends),
        "version": version,
        "pin": _checked_pin(pin),
        "allow_mutable_bindings": allow_mutable_bindings,
    }

    def decorate(function: Any) -> Any:
        _check_function(function)
        caller = Caller(function, store, memory, verify, code)
        wrapper = compile_wrapper(function, caller.parameters, caller.serve, caller.serve_scalars)
        wrapper.cache = Cache(caller)  # type: ignore[attr-defined]
        return wrapper

    return decorate if function is None else decorate(function)


def _check_function(function: Any) -> None:
    if not callable(function) or isinstance(function, classmethod | staticmethod | type):
        raise UnstableFunction(
            f"expected a function to cache, found {function!r}",
            "write @memo.cached below @classmethod, @staticmethod or @property; to cache what a class makes, "
            "cache a function that makes it",
        )
    flags = function.__code__.co_flags if type(function) is FunctionType else 0
    if flags & _RESUMABLE:
        raise UnstableFunction(
            f"expected a function that returns its result, found a generator or coroutine: {describe(function)}",
            "return a list or an array, or cache the plain function that does the work",
        )


def _declared(depends: Any) -> tuple[Any, ...]:
    """Return what `depends=` names, paths made absolute: they name the same files after an `os.chdir`."""
    if not isinstance(depends, list | tuple | set | frozenset):
        raise cas.InvalidInputError(
            f"expected a list for depends=, found {depends!r}", "write depends=[...], also for one of them"
        )
    return tuple(map(_declared_one, depends))


def _declared_one(given: Any) -> Any:
    if isinstance(given, str | os.PathLike):
        path = os.path.abspath(os.path.expanduser(given))
        if not os.path.isfile(path):
            raise cas.InvalidInputError(
                f"depends= names {os.fspath(given)!r}, and there is no such file: {path}",
                "give the path of a file, absolute or from the current folder (of a folder, each file in it); "
                "functions and modules are given as themselves, not by name",
            )
        return path
    if callable(given) or isinstance(given, ModuleType):
        return given
    raise cas.InvalidInputError(
        f"expected functions, classes, modules or paths of files in depends=, found {given!r}",
        "for a value of your own, use version=",
    )


def _checked_pin(pin: Any) -> Any:
    """Return `pin=` if it is one of its values."""
    rules = pin.values() if isinstance(pin, dict) else (pin,)
    for rule in rules:
        if rule not in ("minor", "exact", "none"):
            raise cas.InvalidInputError(
                f"expected pin='minor', 'exact' or 'none', found {rule!r}",
                'of single packages, give a dict such as {"numpy": "exact", "*": "minor"}',
            )
    return pin


class Stats(namedtuple("Stats", "hits misses bypassed saved entries size cost stored_hits stored_saved")):
    """What a cached function did in this process, and what its store holds for it.

    Attributes:
        hits: Calls of this process that were served.
        misses: Calls of this process that were computed.
        bypassed: Calls of this process whose arguments have no canonical form.
        saved: Seconds of computing that the hits saved.
        entries: Results stored, of all versions of the function.
        size: Their bytes.
        cost: Seconds of computing that they stand for.
        stored_hits: Calls served so far, in all processes.
        stored_saved: Seconds that those saved.
    """

    __slots__ = ()


class Cache:
    """The handle on what is stored for one function: `f.cache`.

    `key`, `contains` and `forget` take the arguments of a call of the function. Unlike the function itself, they
    raise the errors of the store and of the arguments.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._bind = compile_wrapper(caller.function, caller.parameters, caller.sign, caller.sign)

    @property
    def declared(self) -> dict[str, Any]:
        """What was given to the decorator about the code: `depends`, `version`, `pin`, `allow_mutable_bindings`."""
        return self._caller.code

    def key(self, *args: Any, **kwargs: Any) -> str:
        """Return the call key as hexadecimal text: an ENTRY for the `cas` command.

        Raises:
            UnstableArgument: An argument has no canonical form.
        """
        version, signature = self._bind(*args, **kwargs)
        return str(version.key(signature).hex())

    def contains(self, *args: Any, **kwargs: Any) -> bool:
        """Return whether the store has a result for this call under the code as it is now."""
        return self._caller.open().fetch(bytes.fromhex(self.key(*args, **kwargs))) is not None

    def forget(self, *args: Any, **kwargs: Any) -> bool:
        """Remove this call's entry, so that it computes next time; return whether there was one."""
        version, signature = self._bind(*args, **kwargs)
        version.forget(signature)
        return bool(self._caller.open().forget([version.key(signature)]))

    def explain(self, *args: Any, **kwargs: Any) -> Explanation:
        """Return whether this call would hit or miss, and why; printed, it is for reading. Computes nothing."""
        from memo.explain import explain  # noqa: PLC0415 - only to explain

        def explained(values: list[Any]) -> Explanation:
            return explain(self._caller, values)

        caller = self._caller
        bind: Any = compile_wrapper(caller.function, caller.parameters, explained, explained)
        return bind(*args, **kwargs)  # type: ignore[no-any-return]

    def adopt(
        self,
        from_version: str,
        verify: int = 5,
        *,
        calls: Calls = (),
        rtol: float = 0.0,
        atol: float = 0.0,
        ulp: int = 0,
    ) -> Adoption:
        """Take over the results of an earlier version, after computing some of its calls again with the present code.

        For a change that should not change results. Unless every result that is computed again equals the stored one,
        nothing is changed. Printed, what is returned says what was taken over and on what evidence.

        Args:
            from_version: The start of the earlier version's fingerprint, as `cas ls FUNCTION --versions` shows it;
                with a name before it, `old.module.name@3f2a`, if the function was called otherwise then.
            verify: How many calls to compute again.
            calls: Calls that are among these, each a tuple of arguments, or a dict of them by name. Of large arrays
                the store keeps digests only, so that calls with such arguments must be given.
            rtol: Numbers may differ by this times the size of the stored one.
            atol: Numbers may differ by this.
            ulp: Numbers may differ by so many units in the last place.

        Raises:
            AdoptionRefused: A result differs, and the message says where and by how much; too few calls can be
                computed again; or the parameters do not match.
            cas.NotFoundError: There is no such version, or it has no result for one of `calls`.
        """
        from memo.adopting import adopt  # noqa: PLC0415 - only to adopt
        from memo.adopting.difference import Tolerance  # noqa: PLC0415 - likewise

        return adopt(self._caller, from_version, verify, calls=calls, tolerance=Tolerance(rtol, atol, ulp))

    def entries(self) -> Iterator[Entry]:
        """Yield what is stored for the function, of all its versions, newest first."""
        record = self._caller.current().fingerprint
        return self._caller.open().entries(record.module, record.qualname)

    def manifest(self) -> Manifest:
        """Return what the function depends on: every ingredient of its fingerprint, with origin and source.

        Printed, it is a table. The classes of a call's arguments join with the call, and are not in it.
        """
        return self._caller.current().fingerprint.manifest

    def stats(self) -> Stats:
        """Return what the function did in this process, and what its store holds for it."""
        caller = self._caller
        store = caller.open()
        caller.record_hits()
        fingerprint = caller.current().fingerprint
        mine = [
            summary
            for summary in store.functions()
            if (summary.function.module, summary.function.qualname) == (fingerprint.module, fingerprint.qualname)
        ]
        hits, saved = caller.counts()
        return Stats(
            hits,
            caller.misses,
            caller.bypassed,
            saved,
            sum(summary.entries for summary in mine),
            sum(summary.size for summary in mine),
            sum(summary.cost for summary in mine),
            sum(summary.hits for summary in mine),
            sum(summary.saved for summary in mine),
        )

    def __repr__(self) -> str:
        return f"<cache of {self._caller.name}>"
