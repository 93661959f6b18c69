"""A miss: one computation of a call key across threads and processes, and the storing of its result.

The user's function runs exactly once here unless it raises; whatever the store does, its result is returned.
Keeps promise 2 of the design; I3 through the deposit.
"""

from __future__ import annotations

import os
import time

import cas
from memo.canonical import encode_arguments
from memo.codecs import choose
from memo.errors import CacheWarning, hint_of, warn
from memo.explain import note_miss, trouble_of
from memo.provenance import provenance
from memo.signature import sort_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memo.caller import Caller
    from memo.version import Version


def compute(caller: Caller, version: Version, signature: bytes, key: bytes, values: list[Any], trouble: str) -> Any:
    """Compute a call that missed, unless another thread or process does so first; store and return its value.

    `trouble` says what kept the store from serving it, if anything did.
    An exception of the user's function passes through untouched, and nothing is stored.
    """
    claimed, values_made = False, []
    try:
        # A `with` statement leaves no moment in which an interrupt would leave the claim held.
        with caller.open().claim(key):
            claimed = True
            found, value = _look_again(caller, version, signature, key)
            values_made.append(value if found else _run(caller, version, signature, key, values, trouble))
    except Exception as error:
        if claimed and not values_made:
            raise  # the user's own
        if claimed:
            warn(f"{caller.name} could not end its claim: {error}", hint_of(error))
        # else `_keep` says aloud why this store takes nothing
    return values_made[0] if values_made else _run(caller, version, signature, key, values, trouble)


def _look_again(caller: Caller, version: Version, signature: bytes, key: bytes) -> tuple[bool, Any]:
    """Return what another thread or process stored while this one waited for the claim."""
    try:
        row = caller.open().fetch(key)
        if row is not None:
            return True, caller.decode(version, signature, key, row)
    except CacheWarning:
        raise
    except Exception:  # noqa: BLE001 - said aloud at the first look
        return False, None
    return False, None


def _run(caller: Caller, version: Version, signature: bytes, key: bytes, values: list[Any], trouble: str) -> Any:
    when, start = time.time(), time.perf_counter()
    value = _audited(caller, version, values) if _AUDIT else caller.forward(caller.function, values)
    cost = time.perf_counter() - start
    caller.misses += 1
    try:
        call, unstored = _keep(caller, version, signature, key, value, cost)
        if call is not None:
            note_miss(caller._store, call, when, cost, trouble, unstored)  # noqa: SLF001 - same package
        if unstored:
            warn(f"{caller.name} computed its result, which is not stored: {unstored}")
        _warn_of_mutation(caller, signature, values)
    except CacheWarning as error:  # the user's filter makes it an error: the value goes with it
        error.value = value
        raise
    return value


def _audited(caller: Caller, version: Version, values: list[Any]) -> Any:
    from memo.auditing import run_audited  # noqa: PLC0415 - only where the environment asks for it

    return run_audited(caller, version, values)


def _keep(
    caller: Caller, version: Version, signature: bytes, key: bytes, value: Any, cost: float
) -> tuple[cas.Call | None, str]:
    """Store a computed value; return its call, and why it is not stored if it is not."""
    call = None
    try:
        call = cas.Call(key, version.record(caller.parameters.names), signature)
        _store(caller, call, value, cost)
    except CacheWarning:
        raise
    except Exception as error:  # noqa: BLE001 - promise 2: whatever the store or a codec does, the caller gets the value
        return call, trouble_of(error)
    return call, ""


def _store(caller: Caller, call: cas.Call, value: Any, cost: float) -> None:
    """Deposit a computed value: blobs first, the entry last (I3)."""
    codec = choose(value)
    with caller.open().deposit(call, cost) as deposit:
        parts, summary = codec.encode(value, deposit.write)
        deposit.commit(cas.Result(codec.name, parts, summary, provenance()))


def _warn_of_mutation(caller: Caller, signature: bytes, values: list[Any]) -> None:
    """Say aloud that the function changed its arguments: a hit will not, so the two would differ."""
    if _IMMUTABLE.issuperset(map(type, values)):
        return
    names = caller.parameters.names
    try:
        after, _ = encode_arguments(sort_options(values, caller.parameters), names)
    except Exception:  # noqa: BLE001 - what could be read before the call, and cannot be after it, has changed
        after = b""
    if after != signature:
        warn(
            f"{caller.name} changed an argument while it ran; its result is stored under what it was given",
            "a later hit leaves the argument as it is: copy it inside the function, or return what changed",
        )


# Trace the first computed call of each function, and say on stderr what it did that is not declared.
_AUDIT = os.environ.get("MEMO_AUDIT", "") not in ("", "0")
_IMMUTABLE = frozenset({type(None), bool, int, float, complex, str, bytes})
