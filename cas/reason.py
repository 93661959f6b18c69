"""Why a call missed: the nearest stored call, and in what it differs, by code or by arguments.

Told from what the store keeps anyway: function records with their manifests, and signatures. A result that was
removed leaves no trace there, and so none here. Executes nothing that is stored (I7).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from msgpack import Unpacker
from msgpack.exceptions import UnpackException

from cas import extension as ext
from cas.changes import compare, last_name
from cas.contrast import NOTHING, contrast
from cas.digest import digest
from cas.errors import IntegrityError
from cas.form import show, unpack
from cas.manifest import Manifest, agree
from cas.verdict import lines, verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cas.changes import Change
    from cas.entry import Call, Entry, FunctionRecord
    from cas.store import Store

# Entries looked at for the nearest arguments, the newest first: about half a second.
LOOKED_AT = 10_000
# Functions looked at for one that was renamed (each one's manifest is unpacked), and how many are told of.
_OTHERS = 200
_AKIN = 3
# Seconds between a function record and the first entry, which one transaction writes.
_AT_ONCE = 1.0
_ELIDED = ext.head(ext.ELIDED, 3)


class Argument(NamedTuple):
    """One argument, or one place in it, that the nearest stored call has otherwise.

    Attributes:
        name: The parameter.
        old: What the nearest stored call had.
        new: What this call has.
        where: The place inside a long value, such as `["rate"]`; empty for the whole.
    """

    name: str
    old: str
    new: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a call was not among the stored ones.

    Attributes:
        kind: `code` the same arguments are stored under other code, those of parameters that only one of the two has
            left aside; `arguments` other arguments under this code; `both` neither; `first` nothing of this
            function is stored.
        function: The version of the function that was called.
        nearest: The stored call that it is compared with.
        changes: What is otherwise in the code, from the nearest one's to this one's.
        arguments: What is otherwise in the arguments, from the nearest one's to these.
        versions: How many other versions of the code have a result for these arguments.
        cut: How many entries were looked at for the nearest arguments if there are more; 0 if all were.
        unread: Whether a manifest could not be read, so that the changes are not known.
        emptied: How many versions of this function are known whose results are all gone.
        akin: Functions of another name that look like this one, as it may have been called before.
    """

    kind: str
    function: FunctionRecord
    nearest: Entry | None = None
    changes: tuple[Change, ...] = ()
    arguments: tuple[Argument, ...] = ()
    versions: int = 0
    cut: int = 0
    unread: bool = False
    emptied: int = 0
    akin: tuple[FunctionRecord, ...] = ()

    @property
    def verdict(self) -> str:
        """The reason in one sentence."""
        return verdict(self)

    def lines(self, opening: str = "miss:", mend: bool = True) -> list[str]:
        """Return the verdict after `opening`, and below it what there is to see and, with `mend`, to do."""
        return lines(self, opening, mend)


def why(store: Store, call: Call, before: float | None = None) -> Reason:
    """Return why a call was not among the entries stored before a time.

    Args:
        store: Where it was looked up.
        call: The call; its signature as it is stored.
        before: Seconds since the epoch; None for now. Leaves out what was stored since, this call itself included.
    """
    function = call.function
    same = [
        entry
        for entry in _older(store.entries(function.module, function.qualname, signature=call.signature), call, before)
        if entry.function.parameters == function.parameters and entry.function.fingerprint != function.fingerprint
    ]
    if same:
        return _by_code("code", call, same[0], versions=len({entry.function.fingerprint for entry in same}))
    nearest, cut = _nearest(store, call, before)
    if nearest is None:
        return _first(store, function, before)
    if nearest.function.fingerprint == function.fingerprint:
        return Reason("arguments", function, nearest, arguments=_arguments(nearest, call), cut=cut)
    return _by_code("both", call, nearest, arguments=_arguments(nearest, call), cut=cut)


def _older(entries: Iterable[Entry], call: Call, before: float | None) -> Iterator[Entry]:
    """Yield the entries that were there before a time; the call itself, if it is there now, came later."""
    return (entry for entry in entries if entry.key != call.key and (before is None or entry.created < before))


# By arguments


def _nearest(store: Store, call: Call, before: float | None) -> tuple[Entry | None, int]:
    """Return the stored call with the fewest other arguments, of this code if there is one; and `Reason.cut`."""
    function = call.function
    mine = encoded(call)
    entries = _older(store.entries(function.module, function.qualname), call, before)
    best: tuple[bool, int, Entry] | None = None
    for entry in islice(entries, LOOKED_AT):
        foreign = entry.function.fingerprint != function.fingerprint
        distance = len(_differing(encoded(entry), mine))
        if best is None or (foreign, distance) < best[:2]:
            best = foreign, distance, entry
            if not foreign and distance <= 1:
                return entry, 0
    return (best[2] if best else None), LOOKED_AT if next(entries, None) else 0


def encoded(call: Call | Entry) -> dict[str, bytes]:
    """Return the form of each argument by parameter, without stars; empty if the signature cannot be read."""
    signature = call.signature
    unpacker = Unpacker(BytesIO(signature), max_buffer_size=0)
    parts: list[bytes] = []
    try:
        for _ in range(unpacker.read_array_header()):
            start = unpacker.tell()
            unpacker.skip()
            parts.append(signature[start : unpacker.tell()])
    except (UnpackException, ValueError):
        return {}
    names = [name.lstrip("*") for name in call.function.parameters]
    return dict(zip(names, parts, strict=True)) if len(names) == len(parts) else {}


def _differing(old: dict[str, bytes], new: dict[str, bytes]) -> list[str]:
    """Return the parameters whose arguments differ, or that only one side has."""
    names = [*new, *(name for name in old if name not in new)]
    return [name for name in names if name not in old or name not in new or not _equal(old[name], new[name])]


def _equal(old: bytes, new: bytes) -> bool:
    """Tell whether two forms are of one value, though one of them may have been left out in favour of its digest."""
    if old == new:
        return True
    if old.startswith(_ELIDED) == new.startswith(_ELIDED):
        return False
    elided, whole = (old, new) if old.startswith(_ELIDED) else (new, old)
    return elided[-32:] == digest(whole)


def _arguments(nearest: Entry, call: Call) -> tuple[Argument, ...]:
    old, new = encoded(nearest), encoded(call)
    found: list[Argument] = []
    for name in _differing(old, new):
        if name in old and name in new:
            found += [Argument(name, was, now, where) for where, was, now in contrast(old[name], new[name])]
        else:
            found.append(Argument(name, _shown(old.get(name)), _shown(new.get(name))))
    return tuple(found)


def _shown(value: bytes | None) -> str:
    if value is None:
        return NOTHING
    try:
        return show(unpack(value))
    except (IntegrityError, ValueError):
        return "?"


# By code


def _by_code(
    kind: str, call: Call, nearest: Entry, arguments: tuple[Argument, ...] = (), versions: int = 0, cut: int = 0
) -> Reason:
    """Return what changed in the code, unless all of it came with other classes of the arguments."""
    function = call.function
    try:
        old, new = Manifest.unpack(nearest.function.manifest), Manifest.unpack(function.manifest)
    except IntegrityError:
        return Reason(kind, function, nearest, (), arguments, versions, cut, unread=True)
    if {argument.name for argument in arguments} <= _names(function) ^ _names(nearest.function):
        kind = "code"  # only one of the two has the parameters whose arguments differ
    foreign = _roots(old) ^ _roots(new)
    changes = tuple(change for change in compare(old, new) if not _came_with(change, foreign))
    if kind == "both" and (not changes or (foreign and agree(old, new))):
        return Reason("arguments", function, nearest, (), arguments, versions, cut)
    return Reason(kind, function, nearest, changes, arguments, versions, cut)


def _names(function: FunctionRecord) -> set[str]:
    return {name.lstrip("*") for name in function.parameters}


def _roots(manifest: Manifest) -> set[str]:
    """Return the names of the classes and functions that came with the arguments."""
    return {manifest[place].name for label, place in manifest[0].links if label.startswith("r:")} if manifest else set()


def _came_with(change: Change, foreign: set[str]) -> bool:
    """Tell whether a change is only that an argument is of another class."""
    if change.ingredient.kind == "root":
        return all(link.label.startswith("r:") for link in change.links)
    return change.path[0] in foreign


# The first of its kind


def _first(store: Store, function: FunctionRecord, before: float | None) -> Reason:
    records = [record for record in store.records() if _is_older(record, function, before)]
    emptied = sum(_name(record) == _name(function) for record in records)
    newest = {_name(record): record for record in reversed(records)}
    akin = (other for other in islice(reversed(newest.values()), _OTHERS) if _is_akin(other, function))
    return Reason("first", function, emptied=emptied, akin=() if emptied else tuple(islice(akin, _AKIN)))


def _is_older(record: FunctionRecord, function: FunctionRecord, before: float | None) -> bool:
    """Tell whether a version was known before a time; the one called became known together with its first result."""
    at_once = _AT_ONCE if record.fingerprint == function.fingerprint else 0
    return before is None or record.created < before - at_once


def _name(function: FunctionRecord) -> tuple[str, str]:
    return function.module, function.qualname


def _is_akin(other: FunctionRecord, function: FunctionRecord) -> bool:
    """Tell whether a function has another one's own name and parameters, or its lines."""
    if other.parameters == function.parameters and last_name(other.qualname) == last_name(function.qualname):
        return True
    mine = _own_lines(function)
    return mine is not None and mine == _own_lines(other)


def _own_lines(function: FunctionRecord) -> str | None:
    """Return the function's own lines without its name; None if they are not known."""
    try:
        manifest = Manifest.unpack(function.manifest)
    except IntegrityError:
        return None
    own = next((found.source for found in manifest if found.kind == "function" and found.name == function.name), None)
    return own and re.sub(rf"\b{re.escape(last_name(function.qualname))}\b", "", own)
