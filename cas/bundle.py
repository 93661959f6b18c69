"""Entries that leave a store for another: what would travel as a plan, and a bundle, the folder that they travel in.

A bundle is a shared store in a folder, with a README.txt for whoever finds it without this software.
Plan and execution are two functions; `cas.transfer` does the copying, and keeps I2 and I3.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from cas import opening
from cas.errors import IntegrityError, InvalidInputError, NotFoundError, StorageError
from cas.plain import read_plain
from cas.progress import told
from cas.readme import readme
from cas.transfer import send_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cas.entry import Entry
    from cas.progress import Progress
    from cas.store import Store
    from cas.transfer import Sent

LAYOUT = "v1"
README = "README.txt"
_FORMAT = "cas objects"
# Bytes of an entry that the README.txt shows.
_LONGEST = 1 << 20

# Codecs whose bytes anyone can read from their description; a pickle is its signer's, the others are their authors'.
_OPEN = frozenset(("npy", "tree", "sparse", "arrow", "mat", "hdf5", "text", "json", "stream", "raised"))
# Whose values may be pickles inside.
_HOLDERS = frozenset(("stream", "raised"))
_PLAIN = "npy/1"
_PICKLE = "pickle/1"


@dataclass(frozen=True, slots=True)
class Plan:
    """What would travel from one store to another.

    Attributes:
        keys: The entries that the target has not, oldest first.
        kept: How many it has already.
        size: Bytes of the results of `keys`.
        closed: Of `keys`, how many only their author can read, by codec.
        example: One of `keys`, best one whose result is a plain array; None if there are none.
    """

    keys: tuple[bytes, ...]
    kept: int
    size: int
    closed: Mapping[str, int]
    example: bytes | None


def plan(
    source: Store, target: Store | None, entries: Iterable[Entry] | None = None, progress: Progress | None = None
) -> Plan:
    """Return what would travel, and change nothing.

    Args:
        source: Where entries are read from.
        target: Where they go; None if that is yet to be made.
        entries: Which of the source, oldest first; all if not given.
        progress: Told how many have been looked at.
    """
    keys: list[bytes] = []
    closed: dict[str, int] = {}
    kept = size = 0
    example, is_plain = None, False
    chosen = source.entries(order="created") if entries is None else entries
    for entry in told(chosen, "reading entries", progress):
        if target is not None and _has(target, entry.key):
            kept += 1
            continue
        keys.append(entry.key)
        size += entry.size
        if not entry.function.fingerprint:
            continue  # it is damaged, and will stay behind
        codec = _closed_codec(source, entry)
        if codec:
            closed[codec] = closed.get(codec, 0) + 1
        if example is None or (entry.codec == _PLAIN and not is_plain):
            example, is_plain = entry.key, entry.codec == _PLAIN
    return Plan(tuple(keys), kept, size, closed, example)


def execute(plan: Plan, source: Store, target: Store, progress: Progress | None = None) -> Sent:
    """Copy what was planned; entries that were removed meanwhile are passed over, damaged ones stay behind."""
    return send_all(source, target, _still_there(source, plan.keys), progress)


def open_bundle(folder: str, *, create: bool = False) -> Store:
    """Open the shared store in a folder by itself, with no store of this host in front of it.

    Args:
        folder: The folder.
        create: To write there, and to make it if there is none; else for reading.

    Raises:
        NotFoundError: There is none, and it was not to be made.
    """
    return opening.open(Path(_absolute(folder)).as_uri(), create=create, writable=create)


def require_free(folder: str) -> None:
    """Refuse to make a bundle where something else stands.

    Raises:
        InvalidInputError: The folder is neither new nor empty, and no bundle.
    """
    path = _absolute(folder)
    if not is_bundle(path) and os.path.lexists(path) and (not os.path.isdir(path) or os.listdir(path)):
        raise InvalidInputError(
            f"expected a new or empty folder, or an earlier bundle, found something else: {path}",
            "name a folder that is not there yet",
        )


def is_bundle(folder: str) -> bool:
    """Return whether a folder holds a shared store, with or without entries."""
    path = _absolute(folder)
    if os.path.isdir(os.path.join(path, LAYOUT)):
        return True
    try:
        with open(os.path.join(path, "FORMAT"), encoding="utf-8", errors="replace") as file:
            return file.read(len(_FORMAT)) == _FORMAT
    except OSError:
        return False


def open_source(location: str) -> Store:
    """Open a store to bring entries from, for reading only: a bundle, or any location that `cas.open` takes."""
    if "://" not in location and is_bundle(location):
        return open_bundle(location)
    return opening.open(location, create=False, writable=False)


def write_readme(folder: str, plan: Plan) -> None:
    """Write what a bundle says of itself to whoever finds it; a README.txt that is there stays.

    Raises:
        StorageError: It cannot be written.
    """
    root = _absolute(folder)
    path = os.path.join(root, README)
    text = "" if os.path.lexists(path) else _text(root, plan)
    if not text:
        return
    temporary = f"{path}.{os.getpid()}.part"
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror}", "the results are there", error.errno, path
        ) from error
    finally:
        with suppress(OSError):
            os.unlink(temporary)


def tidy(folder: str, target: Store) -> None:
    """Remove what only the writing of a bundle needed, here or in a process that died, but nothing that is in use."""
    temporary = os.path.join(os.path.realpath(_absolute(folder)), "temporary")
    with suppress(OSError):
        # What is found first stands there; a bundle without leftovers is not searched for others.
        for path in islice(target.strays(), len(os.listdir(temporary))):
            if os.path.dirname(path) == temporary:
                target.remove_stray(path)
        os.rmdir(temporary)


def _text(root: str, plan: Plan) -> str:
    """Return the README.txt with an example of what was added; empty if nothing was."""
    for key in (plan.example, *plan.keys):
        if key is None:
            break
        name = key.hex()
        # An entry that was left out as damaged, or, in an earlier bundle, anything that anybody put there.
        with suppress(OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            pointer = read_plain(os.path.join(root, LAYOUT, "keys", name[:2], name), _LONGEST)
            place = pointer.partition(b"\n")[0].decode()
            if place.startswith(f"{LAYOUT}/entries/") and not {"..", "."} & set(place.split("/")):
                return readme(place, json.loads(read_plain(os.path.join(root, place), _LONGEST)))
    return ""


def _absolute(folder: str) -> str:
    return os.path.abspath(os.path.expanduser(folder))


def _has(target: Store, key: bytes) -> bool:
    return target.created(key) is not None


def _still_there(source: Store, keys: Iterable[bytes]) -> Iterator[Entry]:
    for key in keys:
        try:
            yield source.entry(key)
        except NotFoundError:
            continue  # removed meanwhile, as its owner wanted


def _closed_codec(source: Store, entry: Entry) -> str:
    """Return the codec that keeps a result from others; empty if none does."""
    base = entry.codec.partition("+")[0]
    kind = base.partition("/")[0]
    if kind not in _OPEN:
        return base
    # A name stands in clear among the bytes; a text that only says the same is counted too, which does no harm.
    return _PICKLE if kind in _HOLDERS and _PICKLE.encode() in _root(source, entry) else ""


def _root(source: Store, entry: Entry) -> bytes:
    """Return the bytes of the root blob; none of one that is damaged, which will stay behind and be named."""
    try:
        found = source.fetch(entry.key)
        if found is None or found[2] is not None:
            return (found and found[2]) or b""
        with open(source.open_blob(entry.digest).path, "rb") as file:
            return file.read()
    except (IntegrityError, NotFoundError, OSError):
        return b""
