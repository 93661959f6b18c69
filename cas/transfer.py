"""How entries travel from store to store: one by one, verified, with their cost, age and provenance.

Owns the order of a copy between stores and what is checked on the way. Keeps I2 by comparing the digest of the bytes
as they are written with their name, I3 through the target's own deposit. What the bytes mean is the codecs' business.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, NamedTuple

from cas.digest import digest
from cas.entry import Call, Result
from cas.errors import ConflictError, IntegrityError, NotFoundError
from cas.progress import told

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Buffer

    from cas.entry import BlobFile, Entry
    from cas.progress import Progress
    from cas.store import Deposit, Store

# Larger blobs are mapped, which takes no memory; smaller ones are read, since a file that goes away under a map, as
# on a network file system, ends the process by a signal where reading it is an error.
_MAPPED_FROM = 64 << 20


class Sent(NamedTuple):
    """What became of entries that were to travel.

    Attributes:
        sent: How many the target has now and had not before.
        kept: How many the target had already.
        failed: Keys of those that stayed behind, each with the reason.
    """

    sent: int
    kept: int
    failed: tuple[tuple[bytes, str], ...]


def send(entry: Entry, source: Store, target: Store, *, replace: bool = False) -> bool:
    """Copy one entry with its blobs to another store, where it keeps cost, time of creation and provenance.

    Args:
        entry: An entry of `source`.
        source: Where it is read from.
        target: Where it goes.
        replace: Put it in place of what the target has for the same call, unless that is the same result.

    Returns:
        Whether it was copied; False if the target has a result for that call already.

    Raises:
        IntegrityError: Bytes of the source are damaged or cannot be read; nothing became visible in the target.
        NotFoundError: The entry, or a blob of it, is gone from the source.
        ConflictError: The source has another result for that call by now.
    """
    if _has(target, entry, replace):
        return False
    fetched = source.fetch(entry.key)
    if fetched is None:
        raise NotFoundError(
            f"there is no entry {entry.key.hex()[:12]} in {source.location}", "it has just been removed"
        )
    if fetched[1] != entry.digest:
        raise ConflictError(
            f"the entry {entry.key.hex()[:12]} in {source.location} was replaced while it was copied", "copy it again"
        )
    with target.deposit(Call(entry.key, entry.function, entry.signature), entry.cost) as deposit:
        return _write(deposit, entry, source, fetched[2], replace)


def send_all(
    source: Store, target: Store, entries: Iterable[Entry] | None = None, progress: Progress | None = None
) -> Sent:
    """Copy entries with their blobs to another store; those that are damaged stay behind.

    Args:
        source: Where they are read from.
        target: Where they go. If it fails, its error ends the copying; what has been sent stays sent.
        entries: Which of the source; all, oldest first, if not given.
        progress: Told how many have been looked at.
    """
    sent = kept = 0
    failed: list[tuple[bytes, str]] = []
    chosen = source.entries(order="created") if entries is None else entries
    for entry in told(chosen, "copying entries", progress):
        try:
            if send(entry, source, target):
                sent += 1
            else:
                kept += 1
        except (IntegrityError, NotFoundError, ConflictError) as error:
            failed.append((entry.key, error.message))
    return Sent(sent, kept, tuple(failed))


def _has(target: Store, entry: Entry, replace: bool) -> bool:
    try:
        found = target.fetch(entry.key)
    except IntegrityError:
        return False  # damaged there, and put aside by now
    if found is None:
        return False
    return not replace or (found[1] == entry.digest and target.created(entry.key) == entry.created)


def _write(deposit: Deposit, entry: Entry, source: Store, root: bytes | None, replace: bool) -> bool:
    """Write the blobs, then the entry (I3).

    Args:
        deposit: Where to.
        entry: What to write.
        source: Where its blobs are.
        root: The root blob, if it came with the entry.
        replace: Put it in place of what the target has.
    """
    blobs = [source.open_blob(digest) for digest in entry.blobs]
    # The size counts a root twice that is a further blob as well, such as the stored arguments of an identity.
    twice = entry.inline or entry.size > sum(blob.size for blob in blobs)
    body: Buffer | None = root
    for blob in blobs:
        data = bytes_of(blob)
        if blob.digest != entry.digest or twice:
            _require(deposit.write((data,)), blob.digest, source)
        if blob.digest == entry.digest:
            body = data
    if body is None:
        raise NotFoundError(
            f"the result of {entry.key.hex()[:12]} is not in {source.location}", "`cas fsck --repair` drops the entry"
        )
    result = Result(entry.codec, (body,), entry.summary, entry.provenance)
    try:  # which hashes it, as it must: once is enough
        return deposit.commit(result, entry.created, expected=entry.digest, replace=replace)
    except IntegrityError:
        if root is None:
            _require(digest(body), entry.digest, source)
        raise


def bytes_of(blob: BlobFile) -> Buffer:
    """Return the bytes of a blob's file, not verified; IntegrityError if they cannot be read."""
    try:
        with open(blob.path, "rb", buffering=0) as file:
            if blob.size < _MAPPED_FROM:
                return file.read()
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError:
        raise NotFoundError(f"blob {blob.digest.hex()} is gone: {blob.path}", "copy its entry again") from None
    except OSError as error:
        raise IntegrityError(
            f"blob {blob.digest.hex()} cannot be read: {error.strerror}", "check the disk, and run `cas fsck`"
        ) from error


def _require(found: bytes, expected: bytes, source: Store) -> None:
    """Make sure that bytes were what their name says (I2)."""
    if found == expected:
        return
    source.open_blob(expected, always=True)  # which raises, and puts the damaged bytes aside
    raise IntegrityError(
        f"blob {expected.hex()} held other bytes than its name says", "run `cas fsck` on the store it was read from"
    )
