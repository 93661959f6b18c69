"""Stored calls of an earlier version, chosen to be computed again: by the user, or by lot."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import cas
from cas.form import unpack
from cas.shown import show
from memo.adopting.replay import replay, split
from memo.arguments import NOTE, read_arguments
from memo.signature import compile_wrapper
from memo.version import call_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cas import Entry, FunctionRecord, Store
    from memo.adopting.translation import Translation
    from memo.caller import Caller

# Calls are drawn from so many that can be recomputed, and so many are looked at to find those.
_POOL = 1000
_LOOKED_AT = 20_000
# Arguments stored beside a result are read of so many calls for each to choose: each is hashed, and may be large.
_READ = 4
# Codecs of what is not compared: an exception, and a stream, which is consumed once.
_NO_VALUES = frozenset({"raised", "stream"})


class Trial(NamedTuple):
    """One call to recompute: its entry, and its arguments as the present function takes them."""

    entry: Entry
    values: list[Any]

    def __str__(self) -> str:
        return call_text(self.entry.function, self.entry.signature)


class Earlier:
    """An earlier version of a function, where its results are, and how its arguments become the present ones."""

    def __init__(self, store: Store, record: FunctionRecord, translation: Translation) -> None:
        self.store = store
        self.record = record
        self.translation = translation

    def __str__(self) -> str:
        return f"{self.record.name}@{self.record.fingerprint.hex()[:12]}"

    def entries(self, order: str = "created", signature: bytes | None = None) -> Iterator[Entry]:
        """Yield the entries of this version, those with one signature if named.

        Those whose key is of an earlier key version are left out: what it was for is not certain.
        """
        fingerprint = self.record.fingerprint
        found = self.store.entries(order=order, fingerprint=fingerprint, signature=signature)
        return (entry for entry in found if entry.key == call_key(fingerprint, entry.signature))

    def given(self, caller: Caller, call: object) -> Trial:
        """Return the trial of a call that the user named.

        Raises:
            NotFoundError: This version has no result for it.
            TypeError: The present function does not take such arguments.
        """
        bind = compile_wrapper(caller.function, caller.parameters, list, list)
        if not isinstance(call, tuple | list | Mapping):
            raise cas.InvalidInputError(
                f"calls: expected tuples of arguments or dicts of them by name, found {show(call)}",
                "write calls=[(x, 3), {'x': x, 'n': 3}]; one argument is (x,)",
            )
        values = bind(**call) if isinstance(call, Mapping) else bind(*call)
        signature = self.translation.old_signature(values)
        for entry in self.entries(signature=signature):
            return Trial(entry, values)
        raise cas.NotFoundError(
            f"calls: {self} has no result for {call_text(self.record, signature)}",
            "name calls that were made with that version; a new parameter is to be left at its default",
        )

    def draw(self, count: int, taken: set[bytes]) -> tuple[list[Trial], str]:
        """Return so many calls whose arguments are stored whole, and the first argument met that is not.

        Large ones are stored whole only by `store_args=True`. Up to a thousand are drawn in the order of their keys,
        which is as by lot but the same each time. Those that took more than twice the median are set aside; of the
        others, each next one is the one with the most values that no argument has had so far.
        """
        pool: list[Trial] = []
        read = 0
        missing = self.translation.unknown
        if missing:
            return pool, missing
        for entry in islice(self.entries("key"), _LOOKED_AT if count else 0):
            if entry.key not in taken and entry.codec.partition("/")[0] not in _NO_VALUES:
                values, lacking = replay(entry.signature, self.record.parameters)
                if values is None and read < _READ * count and NOTE in entry.provenance:
                    read += 1
                    values = self._stored_arguments(entry)
                missing = missing or (lacking if values is None else "")
                if values is not None:
                    pool.append(Trial(entry, self.translation.values(values)))
                    if len(pool) == _POOL:
                        break
        pool.sort(key=lambda trial: trial.entry.cost)
        limit = 2 * pool[len(pool) // 2].entry.cost if pool else 0.0
        cheap = pool[:count] + [trial for trial in pool[count:] if trial.entry.cost <= limit]
        return _most_varied(sorted(cheap, key=lambda trial: trial.entry.key), count), missing

    def _stored_arguments(self, entry: Entry) -> list[Any] | None:
        """Return the arguments that `store_args=` stored beside a result; None if they are not those of the call."""
        try:
            given = read_arguments(self.store, entry)
            values = [given[name] for name in self.record.parameters]
            same = self.translation.old_signature(self.translation.values(values)) == entry.signature
        except Exception:  # noqa: BLE001 - whatever is the matter with them: this call is not the one to compute again
            return None
        return values if same else None


def _most_varied(pool: list[Trial], count: int) -> list[Trial]:
    forms = {trial.entry.key: set(enumerate(split(trial.entry.signature))) for trial in pool}
    chosen: list[Trial] = []
    seen: set[tuple[int, bytes]] = set()
    while pool and len(chosen) < count:
        best = max(pool, key=lambda trial: len(forms[trial.entry.key] - seen))
        seen |= forms[best.entry.key]
        chosen.append(best)
        pool.remove(best)
    return chosen


def call_text(record: FunctionRecord, signature: bytes) -> str:
    """Return a stored call as people write it."""
    pairs = zip(record.parameters, unpack(signature), strict=True)
    return f"{record.qualname}({', '.join(name.lstrip('*') + '=' + show(value) for name, value in pairs)})"
