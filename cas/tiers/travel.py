"""One entry, or many small ones, on the way from tier to tier, while other processes change both.

No lock holds over processes and machines, so a copy looks again once it is made: whether its source still has what
was copied. If that has a later result by now, it is copied as well; if it was removed, the copy goes too. Who removes
begins and ends with the slower tiers for that reason (`cas.tiers.care`).
"""

from __future__ import annotations

from cas.errors import ConflictError, IntegrityError, NotFoundError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cas.blob import BlobFile
    from cas.entry import Entry
    from cas.store import Store
    from cas.tiers.tier import Tier
    from cas.tiers.writeback import Task

# How often an entry is read again that changes while it is copied.
_ATTEMPTS = 3


def pass_on(source: Tier, target: Tier, key: bytes, row: int, upward: bool = False) -> None:
    """Let a tier have what another has for a call, in place of what it has itself.

    Args:
        source: The tier that has the result.
        target: The tier that is to have it.
        key: Of the call.
        row: Where the journal of `source` says so; 0 if it does not.
        upward: Whether the target comes before the source, so that it may have had a later result first.
    """
    from_store, to_store = source.store, target.store
    if from_store is None or to_store is None:
        return
    if upward:
        _make_way(from_store, to_store, key)
        promote(source, target, key)
    sent = not upward and _copy_as_it_is(from_store, to_store, key)
    taken_back = bool(row and source.journal is not None and source.journal.remove([row]))
    if sent and (taken_back or not row) and from_store.created(key) is None:
        to_store.forget([key])  # it was removed while it was copied


def _make_way(source: Store, target: Store, key: bytes) -> None:
    """Remove what a tier has for a call if it is older than what another has."""
    old, new = target.created(key), source.created(key)
    if old is not None and new is not None and old < new:
        target.forget([key])


def _copy_as_it_is(source: Store, target: Store, key: bytes) -> bool:
    """Copy an entry until both have the same; False if there is none, or one too large for the target."""
    for attempt in range(_ATTEMPTS):
        try:
            entry = _send(source, target, key, replace=True)
            if entry is None:
                return attempt > 0
            if source.created(key) in (None, entry.created):
                return True
        except (ConflictError, NotFoundError):
            if source.fetch(key) is None:
                return attempt > 0
            if attempt + 1 == _ATTEMPTS:
                raise
    return True  # whoever changes it so often has it copied again


def promote(source: Tier, target: Tier, key: bytes, faster: Sequence[Store] = ()) -> None:
    """Let a faster tier have what a slower one has, unless it has a result itself.

    Args:
        source: The tier that has the result.
        target: The tier that is to have it.
        key: Of the call.
        faster: Further tiers that would have a later result first.
    """
    from_store, to_store = source.store, target.store
    if from_store is None or to_store is None:
        return
    try:
        entry = _send(from_store, to_store, key, replace=False)
    except (ConflictError, NotFoundError):
        if from_store.fetch(key) is None:
            return
        raise
    if entry is None:
        return
    others = {store.created(key) for store in faster} - {None}
    if from_store.created(key) != entry.created or others - {entry.created}:
        _take_back(to_store, entry)


def _take_back(target: Store, entry: Entry) -> None:
    """Remove a copy that is outdated by now, unless it was replaced."""
    if target.created(entry.key) == entry.created:
        target.forget([entry.key])


def _send(source: Store, target: Store, key: bytes, replace: bool) -> Entry | None:
    """Copy an entry as it is at this moment; None if it is there, or larger than the target may hold."""
    from cas.transfer import send  # noqa: PLC0415 - the path of a hit copies nothing

    entry = source.entry(key)
    if entry.size > getattr(target, "largest", entry.size):
        return None
    return entry if send(entry, source, target, replace=replace) or replace else None


def mend(target: Tier, blob: BlobFile) -> None:
    """Write a blob anew that was damaged in a tier, and is put aside there by now; its entries need it."""
    from cas.entry import Call, FunctionRecord  # noqa: PLC0415 - only when something is damaged
    from cas.transfer import bytes_of  # noqa: PLC0415

    store = target.writing()
    if store is None or target.volatile:
        return
    try:
        with store.deposit(Call(b"", FunctionRecord(b"", "", "", ()), b""), 0.0) as deposit:  # which is not committed
            deposit.write((bytes_of(blob),))
    except OSError as error:
        target.fail(error, writing=True)
    except (IntegrityError, NotFoundError):
        return  # it is read from the slower tier from now on


def copy_small(tasks: list[Task]) -> list[Task]:
    """Copy many small entries from one tier to one other; return those that have to go by themselves."""
    source, target, _, _, replace = tasks[0]
    from_store, to_store = source.store, target.store
    small, take = getattr(from_store, "small", None), getattr(to_store, "take", None)
    if from_store is None or to_store is None or small is None or take is None:
        return tasks
    entries = {entry.key: (entry, data) for entry, data in small(dict.fromkeys(task[2] for task in tasks))}
    take(entries.values(), replace)
    settled = set()
    for key, (entry, _) in entries.items():
        created = from_store.created(key)
        if created in (None, entry.created) or not replace:
            settled.add(key)
        if created != entry.created and not replace:
            _take_back(to_store, entry)
    done = [task for task in tasks if task[2] in settled]
    if replace:
        rows = [task[3] for task in done if task[3]]
        dropped = source.journal.remove(rows) if rows and source.journal is not None else set()
        gone = [task[2] for task in done if not task[3] or task[3] in dropped]
        to_store.forget([key for key in gone if from_store.created(key) is None])
    return [task for task in tasks if task[2] not in settled]
