"""Adopting: results of an earlier version of a function become those of the present one, on evidence.

A plan names calls of the earlier version and what computing them took; carrying it out computes them again with the
present code, compares, and either takes over every result or refuses and changes nothing.
Keeps promise 1: the present code must look for each of these calls under the very key that its result is given.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import cas
from cas.errors import IntegrityError
from cas.lookup import find_version
from cas.manifest import Manifest
from cas.units import format_duration
from memo.adopting.comparison import difference
from memo.adopting.difference import EXACT, Difference, Tolerance
from memo.adopting.replay import find_named
from memo.adopting.translation import Translation
from memo.adopting.trials import Earlier, Trial
from memo.codecs import by_name
from memo.errors import AdoptionRefused
from memo.keys import KEYED
from memo.version import Version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cas import FunctionRecord, Store
    from memo.caller import Caller

    Calls = Sequence[tuple[Any, ...] | Mapping[str, Any]]
    """Calls to recompute: positional arguments, or arguments by name."""

_SHOWN = 5
_LISTING = "`cas ls FUNCTION --versions` lists the versions and what each has"


@dataclass(frozen=True)
class Plan:
    """What will be computed again before anything is taken over.

    Attributes:
        earlier: The version to adopt from.
        version: The present version, as calls with the same classes of arguments ask for it.
        trials: The calls to compute again.
        entries: How many results there are to take over.
    """

    earlier: Earlier
    version: Version
    trials: tuple[Trial, ...]
    entries: int

    @property
    def cost(self) -> float:
        """Seconds that the calls took when they were first computed."""
        return math.fsum(trial.entry.cost for trial in self.trials)


@dataclass(frozen=True)
class Adoption:
    """What was taken over, and on what evidence.

    Attributes:
        source: The version whose results they were: name, `@`, and the start of its fingerprint.
        code: The start of the present fingerprint.
        verified: How many calls were computed again.
        seconds: How long that took.
        tolerance: How far numbers could lie apart.
        largest: The largest difference within the tolerance; None if all results were equal bit by bit.
        made: How many results were taken over.
        kept: How many calls had a result of the present version already, which stays.
        damaged: Keys of entries that were left out, since they are damaged.
    """

    source: str
    code: str
    verified: int
    seconds: float
    tolerance: Tolerance
    largest: Difference | None
    made: int = 0
    kept: int = 0
    damaged: tuple[bytes, ...] = ()

    @property
    def evidence(self) -> str:
        """What was verified, in one line."""
        calls = f"{_count(self.verified, 'call')} computed again"
        if self.largest is None:
            return f"{calls}, all equal bit by bit"
        return f"{calls}, all equal within {self.tolerance} (largest difference: {self.largest.size})"

    def __str__(self) -> str:
        lines = [
            f"{self.code} took over {_count(self.made, 'result')} of {self.source}",
            f"{self.evidence}, in {format_duration(self.seconds)}",
        ]
        if self.kept:
            lines.append(f"{_count(self.kept, 'call')} had a result of the present code, which stays")
        if self.damaged:
            lines.append(f"left out as damaged: {len(self.damaged):,}; `cas fsck` says more")
        return "\n".join(lines)


def adopt(
    caller: Caller, from_version: str, verify: int = 5, *, calls: Calls = (), tolerance: Tolerance = EXACT
) -> Adoption:
    """Take over the results of an earlier version after computing some of them again.

    See `prepare` and `carry_out`.
    """
    tolerance = tolerance.checked()
    return carry_out(caller, prepare(caller, caller.open(), from_version, verify, calls), tolerance)


def prepare(caller: Caller, store: Store, from_version: str, verify: int = 5, calls: Calls = ()) -> Plan:
    """Choose the calls to compute again, those of `calls` and others as `Earlier.draw` does, and compute none.

    Args:
        caller: The present function.
        store: Where the results are.
        from_version: The start of the earlier version's fingerprint (`3f2a`), with a name before it if the function
            was called otherwise then (`old.module.name@3f2a`).
        verify: How many calls to compute again, those of `calls` among them.
        calls: Calls to compute again in any case, arguments by position or by name; each needs a stored result.

    Raises:
        AdoptionRefused: Too few calls can be computed again, or the parameters of the two versions do not match.
        NotFoundError: There is no such version, or it has no result for one of `calls`.
    """
    _check_request(store, from_version, verify)
    present = caller.current().fingerprint
    named = from_version if "@" in from_version else f"{present.module}:{present.qualname}@{from_version}"
    record = find_version(store, named)
    version = _present(caller, record)
    earlier = Earlier(store, record, Translation(record.parameters, caller.keys))
    entries = sum(1 for _ in earlier.entries())
    _check_keys(caller, earlier)
    if version.fingerprint.digest == record.fingerprint:
        raise cas.InvalidInputError(f"{earlier} is the present code, whose results are hits already", _LISTING)
    if not entries:
        raise AdoptionRefused(f"{earlier} has no results that are stored as they are today", _LISTING)
    # A call that is named twice is evidence once.
    given = {trial.entry.key: trial for trial in (earlier.given(caller, call) for call in calls)}
    drawn, missing = earlier.draw(max(verify - len(given), 0), set(given))
    plan = Plan(earlier, version, (*given.values(), *drawn), entries)
    if len(plan.trials) < min(verify, entries):
        raise AdoptionRefused(
            f"{earlier}: expected {_count(min(verify, entries), 'call')} that can be computed again, found "
            f"{len(plan.trials)} of {entries:,}: {missing or 'an argument'!r} cannot be rebuilt from what is stored "
            "of it",
            "in Python, name calls that have a stored result: f.cache.adopt(..., calls=[(x, 3), {'x': x, 'n': 3}]); "
            "store_args=True stores the arguments of calls to come",
        )
    for trial in plan.trials:
        _check_key(caller, plan, trial)
    return plan


def carry_out(caller: Caller, plan: Plan, tolerance: Tolerance = EXACT) -> Adoption:
    """Compute the calls of a plan again, compare, and take over every result; or refuse and change nothing.

    The function itself runs, not its cache: what it does besides returning a result, it does again.

    Raises:
        AdoptionRefused: A call raised, or gave another result than is stored; names the calls and the differences.
    """
    start = time.perf_counter()
    compared = [(trial, *_compare(caller, plan, trial, tolerance)) for trial in plan.trials]
    seconds = time.perf_counter() - start
    wrong = [(trial, beyond) for trial, beyond, _ in compared if beyond is not None]
    if wrong:
        raise _refusal(plan, wrong, tolerance)
    # By the digest: what the code imports as it runs may only have to be looked at again.
    if _present(caller, plan.earlier.record).fingerprint.digest != plan.version.fingerprint.digest:
        raise AdoptionRefused(f"the code of {caller.name} changed while its calls were computed again", "try again")
    within = [found for _, _, found in compared if found is not None]
    largest = max(within, key=lambda found: found.max_ulp or 0, default=None)
    code = plan.version.fingerprint.digest.hex()[:12]
    adoption = Adoption(str(plan.earlier), code, len(plan.trials), seconds, tolerance, largest)
    note = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}: {adoption.evidence}"
    copied = plan.earlier.store.copy(_pairs(caller, plan), {f"adopted from {plan.earlier}": note})
    return replace(adoption, made=copied.made, kept=copied.kept, damaged=copied.damaged)


def _check_request(store: Store, from_version: object, verify: object) -> None:
    if not isinstance(from_version, str):
        raise cas.InvalidInputError(f"expected a version as text, such as '3f2a', found {from_version!r}", _LISTING)
    if not isinstance(verify, int) or isinstance(verify, bool):
        raise cas.InvalidInputError(
            f"expected a whole number of calls to verify, found verify={verify!r}", "write verify=5"
        )
    if verify < 1:
        raise cas.InvalidInputError(
            f"expected at least one call to verify, found verify={verify}",
            "results are taken over on evidence only: compute one call again, or better five",
        )
    if not store.writable:
        raise cas.ReadOnlyError(f"the store {store.location} is open for reading only", "make the folder writable")


def _check_keys(caller: Caller, earlier: Earlier) -> None:
    """Refuse results whose key, then or now, holds something else than the arguments."""
    mark = f"depends ({KEYED!r}"
    keyed = any(part.name.startswith(mark) for part in Manifest.unpack(earlier.record.manifest))
    if keyed or caller.keys.keyed:
        raise AdoptionRefused(
            f"{earlier}: functions stand for arguments in its key, then or now (key=), so its calls cannot be told",
            "let the calls be computed again",
        )


def _present(caller: Caller, record: FunctionRecord) -> Version:
    """Return the present version for the classes of arguments that an earlier version was called with."""
    manifest = Manifest.unpack(record.manifest)
    if not manifest:
        raise IntegrityError(f"the manifest of {record.name} is empty", "another program wrote it; compute again")
    roots = []
    for label, place in manifest[0].links:
        if label.startswith("r:"):
            roots.append(find_named(manifest[place].name))
            if roots[-1] is None:
                raise AdoptionRefused(
                    f"the calls of {record.name} had arguments of {manifest[place].name}, which is not loaded",
                    "import the module that defines it first; calls with a class that is gone or renamed are others",
                )
    return Version(caller.current().fingerprint.with_roots(roots), 0)


def _check_key(caller: Caller, plan: Plan, trial: Trial) -> None:
    """Make sure that the present code looks for a call where its result will be."""
    version, signature = caller.sign(trial.values)
    expected = plan.version.fingerprint.digest, plan.earlier.translation.signature(trial.entry.signature)
    if (version.fingerprint.digest, signature) != expected:
        raise AdoptionRefused(
            f"the present code looks for {trial} under another key than {plan.earlier} would have it",
            "leave new parameters at their defaults in calls=; if its arguments hold other classes of yours than they "
            "did then, let the calls be computed again",
        )


def _compare(
    caller: Caller, plan: Plan, trial: Trial, tolerance: Tolerance
) -> tuple[Difference | None, Difference | None]:
    """Compute a call again, and return how its result differs beyond the tolerance, and how it differs at all."""
    stored = _stored(plan.earlier.store, trial)
    try:
        computed = caller.forward(caller.function, trial.values)
    except (Exception, SystemExit) as error:
        raise AdoptionRefused(
            f"{trial} has a stored result, and raised {type(error).__name__} when it was computed again: {error}",
            "the present code does not do what the earlier version did, or what it needs is not here",
        ) from error
    return difference(stored, computed, tolerance), difference(stored, computed)


def _stored(store: Store, trial: Trial) -> object:
    row = store.fetch(trial.entry.key)
    if row is None:
        raise cas.ConflictError(f"the result of {trial} was removed meanwhile", "try again")
    codec, digest, data, _, _ = row
    return by_name(codec).decode(store.open_blob(digest) if data is None else data, store.open_blob)


def _refusal(plan: Plan, wrong: list[tuple[Trial, Difference]], tolerance: Tolerance) -> AdoptionRefused:
    more = [f"and {len(wrong) - _SHOWN:,} more"] if len(wrong) > _SHOWN else []
    # Only floating numbers have a tolerance.
    may_pass = tolerance == EXACT and any(beyond.max_ulp is not None for _, beyond in wrong)
    return AdoptionRefused(
        f"{len(wrong):,} of {_count(len(plan.trials), 'call')} computed again gave another result than {plan.earlier} "
        "has stored; nothing was changed\n  "
        + "\n  ".join([*(f"{trial}\n    {beyond}" for trial, beyond in wrong[:_SHOWN]), *more]),
        "mend the code" + (", or say how far numbers may lie apart: rtol=, atol= or ulp=" if may_pass else ""),
    )


def _pairs(caller: Caller, plan: Plan) -> Iterator[tuple[bytes, cas.Call]]:
    """Yield the key of each entry, and the present call that is to have its result."""
    record = plan.version.record(caller.keys.names)
    for entry in plan.earlier.entries():
        signature = plan.earlier.translation.signature(entry.signature)
        yield entry.key, cas.Call(plan.version.key(signature), record, signature)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
