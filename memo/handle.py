"""The handle that a cached function carries as `.cache`: what is stored for it, looked at and changed call by call."""

from __future__ import annotations

from collections import namedtuple
from functools import partial

import cas
from memo.signature import compile_wrapper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from cas import Entry
    from cas.manifest import Manifest
    from memo.adopting import Adoption, Calls
    from memo.caller import Caller
    from memo.explain import Explanation


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
        """What was given to the decorator about the code: `depends`, `version`, `pin`, `allow_mutable_bindings`.

        What `ignore=`, `key=` and `normalize=` make of a call is among `depends`: it counts for whoever calls.
        """
        caller = self._caller
        return {**caller.code, "depends": (*caller.code["depends"], *caller.keys.declared)}

    def key(self, /, *args: Any, **kwargs: Any) -> str:
        """Return the call key as hexadecimal text: an ENTRY for the `cas` command.

        Raises:
            UnstableArgument: An argument has no canonical form.
        """
        version, signature = self._bind(*args, **kwargs)
        return str(version.key(signature).hex())

    def contains(self, /, *args: Any, **kwargs: Any) -> bool:
        """Return whether the store has a result for this call under the code as it is now."""
        return self._caller.find(bytes.fromhex(self.key(*args, **kwargs)))[0] is not None

    def forget(self, /, *args: Any, **kwargs: Any) -> bool:
        """Remove this call's entry, so that it computes next time; return whether there was one."""
        version, signature = self._bind(*args, **kwargs)
        version.forget(signature)
        return bool(self._caller.open().forget([version.key(signature)]))

    def refresh(self, /, *args: Any, **kwargs: Any) -> Any:
        """Compute this call anew, store its result in place of what is stored, and return it.

        If it raises, what is stored stays. Other processes that have it in their memory keep it there.

        Raises:
            UnstableArgument: An argument has no canonical form.
        """
        caller = self._caller
        serve = serve_by(caller, caller.refresh)
        kind = caller.parameters.kind
        return compile_wrapper(caller.function, caller.parameters, serve, serve, kind)(*args, **kwargs)

    def arguments(self, entry: Entry | str) -> dict[str, Any]:
        """Return the arguments with which a result was computed, by parameter, if `store_args=True` stored them.

        Args:
            entry: One of `entries()`, or the start of its key in hexadecimal; `*rest` and `**options` keep their stars.

        Raises:
            cas.errors.NotFoundError: There is no such entry, or it was stored without its arguments.
        """
        from memo.arguments import find_entry, read_arguments  # noqa: PLC0415 - only to look at them

        store = self._caller.open()
        return read_arguments(store, find_entry(store, entry))

    def replay(self, entry: Entry | str) -> Any:
        """Make a stored call again, with the arguments stored beside its result and the code as it is now.

        Nothing is looked up or stored: what is returned is what the undecorated function returns.

        Args:
            entry: As of `arguments`.

        Raises:
            cas.errors.NotFoundError: There is no such entry, or it was stored without its arguments.
            cas.errors.InvalidInputError: The function has other parameters now.
        """
        given, caller = self.arguments(entry), self._caller
        if given.keys() != set(caller.parameters.names):
            raise cas.InvalidInputError(
                f"expected a call of {caller.name}({', '.join(caller.parameters.names)}), "
                f"found one with {', '.join(given) or 'no arguments'}",
                "f.cache.arguments(...) returns them, to be given as you see fit",
            )
        return caller.forward(caller.function, [given[name] for name in caller.parameters.names])

    def explain(self, /, *args: Any, **kwargs: Any) -> Explanation:
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
                the store keeps digests only, so that calls with such arguments must be given, unless
                `store_args=True` stored them.
            rtol: Numbers may differ by this times the size of the stored one.
            atol: Numbers may differ by this.
            ulp: Numbers may differ by so many units in the last place.

        Raises:
            AdoptionRefused: A result differs, and the message says where and by how much; too few calls can be
                computed again; or the parameters do not match.
            cas.errors.NotFoundError: There is no such version, or it has no result for one of `calls`.
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


def serve_by(caller: Caller, serve: Any) -> Any:
    """Return a way to serve calls with which a coroutine or a stream is told from its result."""
    kind = caller.parameters.kind
    if kind == "coroutine":
        from memo.coroutines import conduct  # noqa: PLC0415 - only for whoever has coroutines

        return partial(conduct, serve)
    if kind == "stream":
        from memo.streams import replay  # noqa: PLC0415 - only for whoever has streams

        return partial(replay, caller, serve)
    return serve
