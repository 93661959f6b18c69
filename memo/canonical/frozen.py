"""Arrays whose memory nothing can change, and the digests of their content, which are computed once.

Such an array is the whole of a file of the store, mapped for reading only. Owns the proof that an array is one: its
memory is such a map by identity, all of it, and the file is the one that was verified, untouched since (its inode, size
and time). Anything less is hashed. Keeps I8: what is remembered saves time, and no more.
"""

from __future__ import annotations

import os
import weakref

from blake3 import blake3

from cas.blob import BlobFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from mmap import mmap
    from typing import Any

    from cas import Store

_CONTENT = b"content of the array in blob\0"
_CHECK = 8

# By the identity of the map, which stays that of the map as long as the weak reference is alive.
_frozen: dict[int, Frozen] = {}


class Frozen:
    """One file of an array, mapped for reading only.

    Args:
        pages: The map.
        whole: The array that is all of it.
        path: The file.
        descriptor: The file, open.
        blob: Its digest.
        store: Whose file it is, and where the digest of the content is remembered.
    """

    __slots__ = ("blob", "content", "pages", "path", "shape", "stamp", "store")

    def __init__(self, pages: mmap, whole: Any, path: str, descriptor: int, blob: bytes, store: Store) -> None:
        place = id(pages)
        self.pages = weakref.ref(pages, lambda _: _frozen.pop(place, None))
        self.shape = _shape(whole)
        self.path = path
        self.stamp = _stamp(os.fstat(descriptor))
        self.blob = blob
        self.store = store
        self.content = b""
        _frozen[place] = self


def content_digest(value: Any, compute: Callable[[Any], bytes]) -> bytes:
    """Return the digest of an array's content: remembered if it is frozen, else computed.

    Args:
        value: A numpy array that cannot be written to.
        compute: Hashes it.
    """
    frozen = _find(value)
    if frozen is None:
        return compute(value)
    if not frozen.content:
        frozen.content = _recall(frozen) or _remember(frozen, compute(value))
    return frozen.content


class FrozenFile(BlobFile):
    """A blob's file whose array is to be mapped for reading only, and to be known by its digest.

    Attributes:
        store: Whose file it is.
    """

    store: Store

    def freeze(self, pages: mmap, whole: Any, descriptor: int) -> None:
        """Note that an array is all of a map of this file."""
        Frozen(pages, whole, self.path, descriptor, self.digest, self.store)


def open_frozen(store: Store, digest: bytes, always: bool = False) -> FrozenFile:
    """Return a blob's file as `Store.open_blob` does, to be mapped for reading only."""
    file = FrozenFile(*store.open_blob(digest, always))
    file.store = store
    return file


def _find(value: Any) -> Frozen | None:
    """Return the record of an array that is all of a map; None if it is not, or the file has been touched."""
    base, kind = value, type(value)
    while type(base) is kind:
        if base.flags.writeable:
            return None
        base = base.base
    frozen = _frozen.get(id(base))
    if frozen is None or frozen.pages() is not base or frozen.shape != _shape(value):
        return None
    try:
        return frozen if _stamp(os.stat(frozen.path)) == frozen.stamp else None
    except OSError:
        return None  # removed meanwhile; what is mapped is still there, and is hashed


def _shape(value: Any) -> tuple[object, ...]:
    """Return what tells an array of a plain dtype from all others over the same memory."""
    return value.__array_interface__["data"][0], value.dtype.str, value.shape, value.strides


def _stamp(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _recall(frozen: Frozen) -> bytes:
    """Return the digest that another process remembered; empty if none did."""
    try:
        kept = frozen.store.recall(_CONTENT + frozen.blob) or b""
    except Exception:  # noqa: BLE001 - whatever ails the store, hashing the array does without
        return b""
    return kept[:-_CHECK] if kept == _checked(frozen, kept[:-_CHECK]) else b""


def _remember(frozen: Frozen, content: bytes) -> bytes:
    try:
        if frozen.store.writable:
            frozen.store.remember(_CONTENT + frozen.blob, _checked(frozen, content))
    except Exception:  # noqa: BLE001 - as above
        return content
    return content


def _checked(frozen: Frozen, content: bytes) -> bytes:
    return content + blake3(_CONTENT + frozen.blob + content).digest()[:_CHECK]
