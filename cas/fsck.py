"""Is everything in a store intact: a report that changes nothing, and a repair of what it found.

Owns the kinds of finding and their mends; knows nothing of disks or of SQL.
Keeps I2 by hashing every blob and every result in the index; repair keeps I3: entries go first, blobs last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cas.digest import parallel_hasher
from cas.errors import CasError, IntegrityError, NotFoundError
from cas.form import unpack
from cas.plain import open_plain
from cas.progress import told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cas.entry import BlobFile, Entry
    from cas.progress import Progress
    from cas.store import Store

# Kinds, in the order of repair: entries first, blobs after them, strays last (I3).
DAMAGED_INDEX = "damaged index"
DAMAGED_RESULT = "damaged result"
DAMAGED_ARGUMENTS = "damaged arguments"
MISSING_BLOB = "missing blob"
MISSING_FUNCTION = "missing function"
DAMAGED_BLOB = "damaged blob"
STRAY = "stray file"
ORPHAN = "unneeded blob"

_MENDS = {
    DAMAGED_INDEX: "move the store away and start a new one; its blobs stay readable as files",
    DAMAGED_RESULT: "repair drops the entry; the call is computed again",
    DAMAGED_ARGUMENTS: "repair drops the entry; the call is computed again",
    MISSING_BLOB: "repair drops the entry; the call is computed again",
    MISSING_FUNCTION: "repair drops the entry; the call is computed again",
    DAMAGED_BLOB: "repair moves it to quarantine; the calls that need it are computed again",
    STRAY: "repair removes it",
    ORPHAN: "`cas gc` removes it",
}
_KINDS = tuple(_MENDS)
_CHUNK = 4 << 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        kind: What it is; one of this module's constants.
        subject: What it concerns: a call key or a digest in hexadecimal, or a path.
        detail: What was seen.
    """

    kind: str
    subject: str
    detail: str

    @property
    def mend(self) -> str:
        """What to do about it."""
        return _MENDS[self.kind]

    @property
    def damage(self) -> bool:
        """Whether a result is lost or in doubt; False for what merely takes space."""
        return self.kind not in (STRAY, ORPHAN)

    @property
    def mendable(self) -> bool:
        """Whether `repair` can mend it."""
        return self.kind not in (DAMAGED_INDEX, ORPHAN)


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a repair did: findings mended, and findings that it cannot mend or that no longer held."""

    mended: tuple[Finding, ...]
    left: tuple[Finding, ...]


def check(store: Store, progress: Progress | None = None) -> Iterator[Finding]:
    """Read everything in a store, verify it, and yield what is not as it should be.

    Args:
        store: The store, best opened with `writable=False`: a writable one quarantines what it finds damaged.
        progress: Told how far the check is.
    """
    broken = [Finding(DAMAGED_INDEX, store.location, text) for text in store.check_index()]
    yield from broken
    if broken:
        return  # what a damaged index says of entries and blobs means nothing
    sizes: dict[bytes, int] = {}
    damaged: set[bytes] = set()
    for blob in told(store.blobs(), "verifying blobs", progress):
        fault = _blob_fault(store, blob)
        sizes[blob.digest] = blob.size
        if fault:
            damaged.add(blob.digest)
            yield Finding(DAMAGED_BLOB, blob.digest.hex(), fault)
    needed: set[bytes] = set()

    def state(digest: bytes) -> str:
        needed.add(digest)
        if digest in sizes:
            return DAMAGED_RESULT if digest in damaged else ""
        return _blob_state(store, digest)  # written since the blobs were read, or missing

    for entry in told(store.entries(order="created"), "verifying entries", progress):
        yield from _entry_findings(store, entry, state)
    for digest, size in sizes.items():
        if digest not in needed and digest not in damaged:
            yield Finding(ORPHAN, digest.hex(), f"{size} bytes that no entry needs")
    for path in store.strays():
        yield Finding(STRAY, path, "a leftover of a killed process, or a foreign file")


def repair(store: Store, findings: Iterable[Finding], progress: Progress | None = None) -> Repaired:
    """Mend what was found: drop entries, quarantine damaged blobs, remove strays; leave the rest alone.

    Each finding is looked at again before anything is touched, since other processes may have mended it.
    """
    mended: list[Finding] = []
    left: list[Finding] = []
    ordered = sorted(findings, key=lambda finding: _KINDS.index(finding.kind))
    for finding in told(ordered, "repairing", progress):
        (mended if _mend(store, finding) else left).append(finding)
    return Repaired(tuple(mended), tuple(left))


def _mend(store: Store, finding: Finding) -> bool:
    """Mend one finding; return whether it was one to mend and is gone now."""
    if finding.kind in (DAMAGED_RESULT, DAMAGED_ARGUMENTS, MISSING_BLOB, MISSING_FUNCTION):
        key = bytes.fromhex(finding.subject)
        try:
            entry = store.entry(key)
        except NotFoundError:
            return True
        if any(_entry_findings(store, entry, lambda digest: _blob_state(store, digest))):
            store.forget([key])
        return True
    if finding.kind == DAMAGED_BLOB:
        digest = bytes.fromhex(finding.subject)
        if _blob_state(store, digest) == DAMAGED_RESULT:
            store.quarantine(digest)
        return True
    if finding.kind == STRAY:
        store.remove_stray(finding.subject)
        return True
    return False


def _blob_fault(store: Store, blob: BlobFile) -> str:
    """Return what is wrong with a blob's bytes; empty if nothing, or if it is gone by now."""
    reading = parallel_hasher()
    try:
        # Read, not mapped: a failing disk is then an error, not a signal that ends the process.
        with open(open_plain(blob.path)[0], "rb", buffering=0) as file:
            while chunk := file.read(_CHUNK):
                reading.update(chunk)
    except FileNotFoundError:
        # Gone by now, or in a store without files, which makes one when it is opened.
        return "holds other bytes than its name says" if _blob_state(store, blob.digest) == DAMAGED_RESULT else ""
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    found = reading.digest()
    return "" if found == blob.digest else f"holds other bytes than its name says ({found.hex()[:12]}…)"


def _blob_state(store: Store, digest: bytes) -> str:
    """Return what an entry that needs this blob is for it; empty if the blob is intact."""
    try:
        store.open_blob(digest, always=True)
    except NotFoundError:
        return MISSING_BLOB
    except IntegrityError:
        return DAMAGED_RESULT
    return ""


def _entry_findings(store: Store, entry: Entry, state: Callable[[bytes], str]) -> Iterator[Finding]:
    """Yield what is wrong with an entry, given a function that tells the state of a blob."""
    key = entry.key.hex()
    # A list, since `state` must see every blob to know which are needed.
    for kind, digest in [(state(digest), digest) for digest in entry.blobs]:
        if kind:
            seen = "missing" if kind == MISSING_BLOB else "damaged"
            yield Finding(kind, key, f"{entry.function.name} needs blob {digest.hex()[:12]}…, which is {seen}")
            break
    if entry.inline:
        try:
            store.fetch(entry.key)
        except IntegrityError as error:
            yield Finding(DAMAGED_RESULT, key, f"{entry.function.name}: {error.message}")
    fault = _arguments_fault(entry)
    if not entry.function.fingerprint:
        yield Finding(MISSING_FUNCTION, key, "the index has no function record for it")
    elif fault:
        yield Finding(DAMAGED_ARGUMENTS, key, f"{entry.function.name}: {fault}")


def _arguments_fault(entry: Entry) -> str:
    """Return why an entry's arguments cannot be decoded; empty if they can."""
    expected = len(entry.function.parameters)
    try:
        values = unpack(entry.signature)
    except (CasError, ValueError) as error:
        return f"its arguments cannot be decoded: {error}"
    if not isinstance(values, list) or len(values) != expected:
        return f"expected {expected} arguments, found {type(values).__name__}"
    return ""
