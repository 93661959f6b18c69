"""Hit, miss or bypass, and why: of a call that could be made, and of the last calls that were computed.

Explaining computes nothing, stores nothing and counts nothing. What is noted of a computed call holds its signature,
never its arguments. Keeps promise 4 of the design.
"""

from __future__ import annotations

import os
import time
from collections import deque
from dataclasses import dataclass, field

import cas
from memo.codecs import by_name
from memo.errors import CacheWarning, MemoError, Raised, UnstableFunction, hint_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cas import Entry, Store
    from cas.reason import Reason
    from cas.store import Fetched
    from memo.caller import Caller
    from memo.version import Version

    Noted = tuple[Store | None, cas.Call | str, float, float | None, str, str]
    """Store, call (of a bypass: the function's name), time, cost in seconds, and what went wrong before and after."""

# Computed calls that a process remembers.
_REMEMBERED = 100
_NOT_SHOWN = frozenset({"user", "arguments"})
_KEY = 12
_CODE = 8
_noted: deque[Noted] = deque(maxlen=_REMEMBERED)


@dataclass(frozen=True)
class Explanation:
    """What a call does, and why; `str()` is for reading.

    Attributes:
        function: The function's name.
        outcome: `hit`, `miss`, or `bypass` (an argument has no canonical form, so the call has no key).
        key: The call key in hexadecimal; empty for a bypass.
        reason: Why it misses, as far as the store can tell; None if it does not, or if `trouble` says why.
        entry: What is stored for the call, served or damaged.
        source: Where it comes from: `memory` or `store`; empty if nothing is served.
        trouble: What is wrong with the arguments, the store, or what is stored, with its hint; that is why, then.
        unstored: Why a computed result was not stored, with its hint.
    """

    function: str
    outcome: str
    key: str = ""
    reason: Reason | None = None
    entry: Entry | None = None
    source: str = ""
    trouble: str = ""
    unstored: str = ""

    def __str__(self) -> str:
        """Return one line, and below it what there is to see."""
        if self.outcome == "hit":
            return "\n  ".join(_hit_lines(self))
        if self.outcome == "bypass":
            return _indented(f"bypass: {self.function} runs without its cache: {self.trouble}")
        lines = [f"miss: {self.trouble}"] if self.trouble or self.reason is None else self.reason.lines()
        if self.unstored and self.unstored not in self.trouble:  # a store that does not open fails twice
            lines.append(f"  its result was not stored: {self.unstored}")
        return "\n".join(map(_indented, lines))


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")


def _hit_lines(hit: Explanation) -> list[str]:
    from cas.units import format_age, format_duration  # noqa: PLC0415 - only to be read
    from cas.verdict import plain  # noqa: PLC0415 - likewise

    place = "this process's memory" if hit.source == "memory" else "the store"
    lines, entry = [f"hit: {hit.function}, from {place}"], hit.entry
    if entry is None:
        return [*lines, "it is not in the store"]
    age = format_age(time.time() - entry.created)
    when = "just now" if age == "now" else f"{age} ago"
    code = entry.function.fingerprint.hex()[:_CODE]
    told = {"host": "", "platform": ""} | dict(entry.provenance)
    adopted = [name for name in told if name.startswith("adopted from ")]
    lines.append(f"computed {when} in {format_duration(entry.cost)}" + ("" if adopted else f" by version {code}"))
    lines += [f"{name} ({told.pop(name)})" for name in adopted]
    shown = (f"{name} {value}" for name, value in told.items() if value and name not in _NOT_SHOWN)
    lines.append("on " + ", ".join(shown))
    return list(map(plain, [*lines, f"entry {entry.key.hex()[:_KEY]}: {entry.summary}"]))


def explain(caller: Caller, values: list[Any]) -> Explanation:
    """Return what a call with these values would do, and why.

    Raises:
        UnstableFunction: The function cannot be fingerprinted, and a call would say the same.
    """
    try:
        version, signature = caller.sign(values)
    except (UnstableFunction, CacheWarning):
        raise
    except Exception as error:  # noqa: BLE001 - the user's classes have their say here, and may raise anything
        return Explanation(caller.name, "bypass", trouble=trouble_of(error))
    key = version.key(signature)
    try:
        store = caller.open()
    except Exception as error:  # noqa: BLE001 - whatever it is, the call would compute
        return Explanation(caller.name, "miss", key.hex(), trouble=f"the store does not open: {trouble_of(error)}")
    call = cas.Call(key, version.record(caller.keys.names), signature)
    return _look(caller, version, call, store) or _explain_miss(store, call, None)


def _look(caller: Caller, version: Version, call: cas.Call, store: Store) -> Explanation | None:
    """Return what would be served, or why what is stored cannot be; None if nothing is."""
    key, name = call.key, call.function.name
    kept = version.memory.get(call.signature)
    if kept is not None and kept[4] and not caller.policy.lasts(kept[4]):
        kept = None
    entry: Entry | None = None
    try:
        try:
            entry = store.entry(key)
        except cas.NotFoundError:
            if kept is None:
                return None
        if kept is None and entry is not None and not caller.policy.lasts(entry.created):
            return Explanation(name, "miss", key.hex(), entry=entry, trouble=caller.policy.expiry(entry.created))
        reader = _reader(store)
        if kept is None:
            codec, digest, data, _, _ = _fetch(key, entry, reader, store)
            always = caller._always  # noqa: SLF001 - same package
            by_name(codec).decode(reader.open_blob(digest, always) if data is None else data, reader.open_blob)
        elif not kept[0]:
            kept[1](kept[2], reader.open_blob)
    except Raised as raised:
        if not isinstance(raised.error, caller.policy.exceptions):
            trouble = f"what is stored is an exception, and not among cache_exceptions=: {raised.message}"
            return Explanation(name, "miss", key.hex(), entry=entry, trouble=trouble)
    except Exception as error:  # noqa: BLE001 - whatever fails: the call computes
        hint = "the call computes it again" if isinstance(error, cas.IntegrityError) else hint_of(error)
        trouble = f"what is stored for this call cannot be used: {error}\nhint: {hint}"
        return Explanation(name, "miss", key.hex(), entry=entry, trouble=trouble)
    return Explanation(name, "hit", key.hex(), entry=entry, source="store" if kept is None else "memory")


def _reader(store: Store) -> Store:
    """Return the store opened for reading, which leaves damage where it is instead of moving it to quarantine."""
    try:
        return cas.open(store.location, create=False, writable=False)
    except cas.CasError:
        return store


def _fetch(key: bytes, entry: Entry | None, reader: Store, store: Store) -> Fetched:
    """Return what a hit needs; from the store itself if the reader's folder was replaced under it."""
    row = reader.fetch(key)
    if row is None or entry is None or row[1] != entry.digest:
        row = store.fetch(key)
    if row is None:
        raise cas.NotFoundError("the entry has just been removed")
    return row


def _explain_miss(
    store: Store | None, call: cas.Call, before: float | None, trouble: str = "", unstored: str = ""
) -> Explanation:
    """Return why a call was not in the store before a time, unless `trouble` says it."""
    from cas.reason import why  # noqa: PLC0415 - only to explain

    reason = None
    if store is not None and not trouble:
        try:
            reason = why(store, call, before)
        except Exception as error:  # noqa: BLE001 - an explanation that cannot be had is said to be so
            trouble = f"the store cannot tell why: {trouble_of(error)}"
    return Explanation(call.function.name, "miss", call.key.hex(), reason, trouble=trouble, unstored=unstored)


def trouble_of(error: BaseException) -> str:
    """Return an error and its mend as text, which keeps no frame of it alive."""
    name = "" if isinstance(error, cas.CasError | MemoError) else f"{type(error).__name__}: "
    return f"{name}{error}\nhint: {hint_of(error)}"


# After the fact


@dataclass(frozen=True, repr=False)
class Miss:
    """One call that was computed.

    Attributes:
        function: The function's name.
        key: The call key in hexadecimal; empty for a bypass.
        when: When it was asked for, seconds since the epoch.
        cost: Seconds that it took; None if it was not measured.
        outcome: `miss` or `bypass`.
    """

    function: str
    key: str
    when: float
    cost: float | None
    outcome: str
    _noted: Noted = field(compare=False)

    def explain(self) -> Explanation:
        """Return why the call was computed, told from what was stored before it and still is."""
        store, call, when, _, trouble, unstored = self._noted
        if isinstance(call, str):
            return Explanation(call, "bypass", trouble=trouble)
        return _explain_miss(store, call, when, trouble, unstored)

    def __repr__(self) -> str:
        from cas.units import format_duration  # noqa: PLC0415 - only to be read

        clock = time.strftime("%H:%M:%S", time.localtime(self.when))
        cost = "" if self.cost is None else f", {format_duration(self.cost)}"
        return f"<{self.outcome} of {self.function} at {clock}{cost}{', ' * bool(self.key)}{self.key[:_KEY]}>"


def note_miss(
    store: Store | None, call: cas.Call, when: float, cost: float, trouble: str = "", unstored: str = ""
) -> None:
    """Remember a computed call.

    Args:
        store: Where it was looked up; None if it did not open.
        call: The call.
        when: When it was asked for, before it was computed: what is stored since then is no part of the reason.
        cost: Seconds that it took.
        trouble: What kept the store from serving it, as `trouble_of` tells it; empty if nothing.
        unstored: Why its result is not stored, told likewise; empty if it is.
    """
    _noted.append((store, call, when, cost, trouble, unstored))


def note_bypass(name: str, error: BaseException) -> None:
    """Remember a call that runs without its cache, and the error that says why."""
    _noted.append((None, name, time.time(), None, trouble_of(error), ""))


def last_misses(limit: int | None = None) -> list[Miss]:
    """Return the calls that this process computed last, newest first.

    Args:
        limit: At most so many; None for all that are remembered, a hundred.
    """
    return [_miss(noted) for noted in list(reversed(_snapshot()))[:limit]]


def _miss(noted: Noted) -> Miss:
    _, call, when, cost, _, _ = noted
    if isinstance(call, str):
        return Miss(call, "", when, cost, "bypass", noted)
    return Miss(call.function.name, call.key.hex(), when, cost, "miss", noted)


def _snapshot() -> list[Noted]:
    while True:
        try:
            return list(_noted)
        except RuntimeError:  # another thread computed a call meanwhile
            continue


# A child's last misses are its own.
os.register_at_fork(after_in_child=_noted.clear)
