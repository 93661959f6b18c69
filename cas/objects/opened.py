"""The shared stores that this process has open, and what a fork and the end of the process do to them."""

from __future__ import annotations

import atexit
import os
import threading
from typing import TYPE_CHECKING

from cas.errors import InvalidInputError, NotFoundError
from cas.objects import layout
from cas.objects.blobs import GRACE
from cas.objects.folder import FolderBucket
from cas.objects.store import ObjectStore, Shared

if TYPE_CHECKING:
    from collections.abc import Callable

    from cas.objects.bucket import Bucket

_shared: dict[str, Shared] = {}
_opened: dict[tuple[str, bool, float], ObjectStore] = {}
_opening = threading.RLock()


def open_folder(root: str, create: bool, writable: bool, grace: float = GRACE) -> ObjectStore:
    """Return this process's one shared store in a folder, made if there is none and `create`.

    Args:
        root: The folder.
        create: Make the store if there is none; else NotFoundError.
        writable: Ask for writing. A folder that takes no writes is opened for reading all the same.
        grace: Seconds for which no sweep removes a blob that was just written or needed.
    """
    root = os.path.realpath(root)
    if os.path.exists(root) and not os.access(root, os.W_OK):
        writable = False
    if os.path.exists(root) and not os.path.isdir(root):
        raise InvalidInputError(f"expected a folder for the store, found a file: {root}", "name a folder")
    return _open(f"file://{_quoted(root)}", lambda: FolderBucket(root), (create, writable, grace))


def open_memory(name: str, create: bool, writable: bool, grace: float = GRACE) -> ObjectStore:
    """Return the shared store of that name in this process's memory, made if there is none and `create`.

    Raises:
        InvalidInputError: The package obstore is not installed.
    """
    from cas.objects.remote import RemoteBucket, memory  # noqa: PLC0415 - imports obstore

    location = f"memory://{_quoted(name)}"
    return _open(location, lambda: RemoteBucket(location, memory()), (create, writable, grace))


def holds_objects(folder: str) -> bool:
    """Return whether a shared store stands in a folder."""
    return os.path.isdir(os.path.join(folder, layout.VERSION)) or _format(FolderBucket(folder)) == layout.FORMAT_TEXT


def _open(location: str, make: Callable[[], Bucket], asked: tuple[bool, bool, float]) -> ObjectStore:
    create, writable, grace = asked
    with _opening:
        shared = _shared.get(location)
        if shared is None:
            shared = Shared(make())
        new = _is_new(shared.bucket)
        if new and not (create and writable):
            raise NotFoundError(f"there is no store at {location}", "the first result that a function stores makes one")
        _shared[location] = shared
        store = _opened.get((location, writable, grace))
        if store is None:
            full = location if grace == GRACE else f"{location}?grace={_seconds(grace)}"
            store = _opened[location, writable, grace] = ObjectStore(shared, full, writable, grace)
        if new or writable:
            store.create()
        return store


def _is_new(bucket: Bucket) -> bool:
    """Return whether there is no store yet.

    Raises:
        InvalidInputError: Something else is there, or a newer store.
    """
    text = _format(bucket)
    if text == layout.FORMAT_TEXT:
        return False
    if text:
        newer = text.startswith("cas objects")
        raise InvalidInputError(
            f"expected a shared store of format 1, found {text.strip()[:100]!r} in {bucket.path(layout.FORMAT)}",
            "it was made by a newer cas: update this one (pip install -U cas-memo), or name another store"
            if newer
            else "a store of this machine is opened by its plain path, without file://",
        )
    if next(bucket.names(layout.KEYS), None) is not None:
        return False  # somebody copied `v1` alone
    for name in bucket.names(""):
        top = name.partition("/")[0]
        if top not in layout.TOP:
            raise InvalidInputError(
                f"expected a shared store or an empty folder, found something else: {bucket.path(name)}",
                _where_else(bucket, top),
            )
    return True


def _where_else(bucket: Bucket, top: str) -> str:
    above, _, last = bucket.location.rstrip("/").rpartition("/")
    if last == layout.VERSION and f"{layout.VERSION}/{top}/" in (layout.BLOBS, layout.ENTRIES, layout.KEYS):
        return f"name the folder that holds v1: {above}"
    return "name an empty or a new folder, or one that `cas` made"


def _format(bucket: Bucket) -> str:
    return (bucket.get(layout.FORMAT) or b"").decode("utf-8", "replace")


def _quoted(path: str) -> str:
    from urllib.parse import quote  # noqa: PLC0415

    return quote(os.fsencode(path))


def _seconds(grace: float) -> str:
    return f"{int(grace) if grace == int(grace) else grace}s"


def _forked() -> None:
    global _opening
    _opening = threading.RLock()
    for shared in _shared.values():
        shared.forked()


def _close_all() -> None:
    for store in _opened.values():
        store.close()


os.register_at_fork(after_in_child=_forked)
atexit.register(_close_all)
