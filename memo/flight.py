"""A miss: one computation of a call key across threads and processes, and the storing of its result.

The user's function runs exactly once here unless it raises; whatever the store does, its result is returned.
Keeps promise 2 of the design; I3 through the deposit.
"""

from __future__ import annotations

import os
import sys
import time
from collections import namedtuple
from functools import partial

import cas
from memo.codecs import by_name, choose, codec_for
from memo.errors import CacheWarning, CodecError, MemoError, Raised, hint_of, warn
from memo.explain import note_miss, trouble_of
from memo.provenance import provenance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from cas.entry import Parts
    from memo.caller import Caller
    from memo.codecs import Write

    Keep = Callable[["Flight", cas.Call, Any, float], str]
    """Keeps a value of some cost for a call; returns why it is not stored, if it is not."""


class Flight(namedtuple("Flight", "caller version signature key values trouble fresh began unsigned")):
    """One call that is to be computed.

    Attributes:
        caller: Whose call it is.
        version: The version of its code.
        signature: Its arguments in canonical form.
        key: Its call key.
        values: Its arguments.
        trouble: What kept the store from serving it, if anything did.
        fresh: Compute it even if it is stored.
        began: When its arguments had been signed, by `time.perf_counter`.
        unsigned: What was given for arguments that are not signed as they are, if arguments are stored.
    """

    __slots__ = ()


def compute(flight: Flight) -> Any:
    """Compute a call that missed, unless another thread or process does so first; store and return its value.

    An exception of the user's function passes through untouched, and is stored only if its class is asked for.
    """
    caller = flight.caller
    claimed, values_made, raised = False, [], []
    try:
        # A `with` statement leaves no moment in which an interrupt would leave the claim held.
        with caller.open().claim(flight.key):
            claimed = True
            try:
                found, value = look_again(flight)
                values_made.append(value if found else _run(flight))
            except BaseException as error:
                raised.append(error)
                raise
    except Exception as error:
        if any(error is own for own in raised):
            raised.clear()  # or its traceback would hold it, and it its traceback
            raise
        if claimed:
            warn(f"{caller.name} could not end its claim: {error}", hint_of(error))
        # else `_keep` says aloud why this store takes nothing
    if raised:
        raise raised.pop()
    return values_made[0] if values_made else _run(flight)


def look_again(flight: Flight) -> tuple[bool, Any]:
    """Return what another thread or process stored while this one waited for the claim."""
    caller, version, signature, key, *_ = flight
    if flight.fresh:
        return False, None
    held = version.memory.get(signature) if caller.policy.min_cost else None
    try:
        if held is not None and caller.policy.lasts(held[4]):
            version.hits += 1
            return True, held[1] if held[0] else held[1](held[2], caller.open().open_blob)
        row, created = caller.find(key)
        if row is not None:
            return True, caller.decode(version, signature, key, row, created)
    except CacheWarning:
        raise
    except Raised as raised:
        caller.raise_again(version, key, raised)
    except Exception:  # noqa: BLE001 - said aloud at the first look
        return False, None
    return False, None


def _run(flight: Flight) -> Any:
    caller = flight.caller
    when, start = time.time(), time.perf_counter()
    try:
        value = _audited(flight) if AUDIT else caller.forward(caller.function, flight.values)
    except caller.policy.exceptions as error:
        if isinstance(error, CacheWarning | cas.CasError | MemoError):
            raise  # of a cached function inside this one: it may go otherwise next time
        land(flight, Raised(error), when, time.perf_counter() - start)
        raise
    return land(flight, value, when, time.perf_counter() - start)


def _audited(flight: Flight) -> Any:
    from memo.auditing import run_audited  # noqa: PLC0415 - only where the environment asks for it

    return run_audited(flight.caller, flight.version, flight.values)


def land(flight: Flight, value: Any, when: float, cost: float) -> Any:
    """Store what was computed, note that it was, and say what went wrong; return it.

    Args:
        flight: The call.
        value: What it returned; as a `Raised`, what it raised.
        when: When it started, seconds since the epoch.
        cost: Seconds that it took.
    """
    caller = flight.caller
    caller.misses += 1
    cheap = "" if flight.fresh else _cheap(flight, value, cost)
    try:
        call, unstored = _keep(flight, value, cost, partial(_hold, why=cheap) if cheap else _store)
        if flight.fresh:
            flight.version.forget(flight.signature)
        if call is not None:
            note_miss(caller._store, call, when, cost, flight.trouble, unstored)  # noqa: SLF001 - same package
        if unstored and not cheap:
            warn(f"{caller.name} computed its result, which is not stored: {unstored}")
        else:
            _warn_of_mutation(caller, flight.signature, flight.values)
    except CacheWarning as error:  # the user's filter makes it an error: the value goes with it
        error.value = value.error if type(value) is Raised else value
        raise
    return _reread(flight, value) if caller.policy.readonly and not unstored else value


def _reread(flight: Flight, value: Any) -> Any:
    """Return what a hit would return, so that a read-only array is one from the first call on."""
    if type(value) is Raised or flight.caller.parameters.kind == "stream":
        return value
    try:
        return flight.caller.read(flight.key)
    except Exception:  # noqa: BLE001 - promise 2: what was just stored and is not there any more is here
        return value


def _keep(flight: Flight, value: Any, cost: float, keep: Keep) -> tuple[cas.Call | None, str]:
    """Keep a computed value; return its call, and why it is not stored if it is not."""
    call = None
    try:
        record = flight.version.record(flight.caller.keys.names)
        call = cas.Call(flight.key, record, flight.signature)
        if "memo.files" in sys.modules:
            from memo.files import require_unchanged  # noqa: PLC0415 - loaded already, or no argument is a file

            require_unchanged(flight.caller.keys.encode, flight.values, flight.signature, flight.began)
        return call, keep(flight, call, value, cost)
    except CacheWarning:
        raise
    except Exception as error:  # noqa: BLE001 - promise 2: whatever the store or a codec does, the caller gets the value
        return call, trouble_of(error)


def _cheap(flight: Flight, value: Any, cost: float) -> str:
    """Return why a result is not worth storing; nothing if it is."""
    fetches, limit = flight.caller.fetches, flight.caller.policy.min_cost
    if fetches is None and cost >= limit:
        return ""
    from cas.units import format_duration  # noqa: PLC0415 - only with min_cost=

    if fetches is None:
        return f"it took {format_duration(cost)}, and min_cost={format_duration(limit)}"
    from memo.fetches import size_of  # noqa: PLC0415 - only with min_cost="auto"

    try:
        of_unknown_size = type(value) is Raised or flight.caller.parameters.kind == "stream"
        fetching = fetches.expected(0 if of_unknown_size else size_of(value))
    except Exception:  # noqa: BLE001 - storing it says what is the matter
        return ""
    told = f'it took {format_duration(cost)}, fetching it takes {format_duration(fetching)}, and min_cost="auto"'
    return told if cost < fetching else ""


def _hold(flight: Flight, call: cas.Call, value: Any, cost: float, why: str) -> str:
    """Keep in memory what is not worth storing, if it is small; return why it is not."""
    policy = flight.caller.policy
    if type(value) is not Raised and flight.caller.parameters.kind != "stream" and flight.caller.remembers:
        codec = choose(value)
        parts, _ = codec.encode(value, _refuse)
        if sum(memoryview(part).nbytes for part in parts) <= _SMALL:
            created = time.time() if policy.ttl is not None else 0.0
            flight.version.remember(flight.signature, value, b"".join(parts), codec.decode, cost, created)
    return why


def _refuse(parts: Parts) -> bytes:
    raise CodecError("expected a small result, got one with a blob of its own")


def _store(flight: Flight, call: cas.Call, value: Any, cost: float) -> str:
    """Deposit a computed value: blobs first, the entry last (I3)."""
    caller = flight.caller
    if type(value) is Raised:
        codec = by_name("raised/1")
    elif caller.parameters.kind == "stream":
        codec = by_name("stream/1")
    else:
        codec = codec_for(value, caller.policy.codec, caller.policy.compress)
    lacking: list[Exception] = []
    with caller.open().deposit(call, cost) as deposit:
        parts, summary = codec.encode(value, deposit.write)
        notes = provenance()
        wanted = caller.policy.store_args
        if wanted is True or (wanted and wanted(flight)):
            notes = notes | _arguments(flight, deposit.write, lacking)
        deposit.commit(cas.Result(codec.name, parts, summary, notes))
    for error in lacking:
        warn(f"{caller.name} stored its result without its arguments: {trouble_of(error)}")
    return ""


def _arguments(flight: Flight, write: Write, lacking: list[Exception]) -> dict[str, str]:
    """Store the arguments, if they are still what was given, and return what the provenance is to say of them."""
    from memo.arguments import write_arguments  # noqa: PLC0415 - only with store_args=

    caller = flight.caller
    try:
        # Of those that are signed, it is said aloud that they changed; the function may change the others.
        keys, values = caller.keys, flight.values
        if keys.encode(values)[0] == flight.signature and keys.unsigned(values) == flight.unsigned:
            return write_arguments(caller.parameters.names, values, write)
    except Exception as error:  # noqa: BLE001 - the result is stored all the same
        lacking.append(error)
    return {}


def _warn_of_mutation(caller: Caller, signature: bytes, values: list[Any]) -> None:
    """Say aloud that the function changed its arguments: a hit will not, so the two would differ."""
    if _IMMUTABLE.issuperset(map(type, values)):
        return
    try:
        after, _ = caller.keys.encode(values)
    except Exception:  # noqa: BLE001 - what could be read before the call, and cannot be after it, has changed
        after = b""
    if after != signature:
        warn(
            f"{caller.name} changed an argument while it ran; its result is stored under what it was given",
            "a later hit leaves the argument as it is: copy it inside the function, or return what changed",
        )


# Trace the first computed call of each function, and say on stderr what it did that is not declared.
AUDIT = os.environ.get("MEMO_AUDIT", "") not in ("", "0")
# What `_hold` takes into memory.
_SMALL = 32 << 10
_IMMUTABLE = frozenset({type(None), bool, int, float, complex, str, bytes})
