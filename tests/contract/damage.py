"""What failing disks and careless hands do to a store, whatever kind it is."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

from cas.objects import layout
from cas.objects.store import ObjectStore
from cas.tiers import Chain
from tests.deposits import overwrite

if TYPE_CHECKING:
    from collections.abc import Callable

    import cas


def damage_blob(store: cas.Store, digest: bytes, change: Callable[[bytearray], None]) -> None:
    """Change a blob's bytes where they stand; in a chain, in every tier."""
    if isinstance(store, Chain):
        for tier in _tiers_with(store, digest):
            damage_blob(tier, digest, change)
    elif isinstance(store, ObjectStore):
        _change(store, layout.blob(digest), change)
    else:
        overwrite(store.open_blob(digest).path, change)


def lose_blob(store: cas.Store, digest: bytes) -> None:
    """Remove a blob behind the store's back; in a chain, from every tier."""
    if isinstance(store, Chain):
        for tier in _tiers_with(store, digest):
            lose_blob(tier, digest)
    elif isinstance(store, ObjectStore):
        assert store.bucket.delete(layout.blob(digest))
    else:
        os.unlink(store.open_blob(digest).path)


def damage_entry(store: cas.Store, key: bytes, change: Callable[[bytes], object]) -> None:
    """Replace what stands for an entry; what a database can hold and a file cannot is written out.

    In a chain, in the first tier, and the others lose it.
    """
    if isinstance(store, Chain):
        store.flush()
        first, *others = store.present()
        damage_entry(first, key, change)
        for tier in others:
            tier.forget([key])
        return
    if isinstance(store, ObjectStore):
        name = store.catalogue.name_of(key)
        body = change(store.bucket.get(name))
        store.bucket.put(name, (memoryview(body if isinstance(body, bytes) else repr(body).encode()),))
        return
    with sqlite3.connect(os.path.join(store.layout.root, "index.sqlite")) as index:
        (body,) = index.execute("SELECT body FROM entries WHERE key = ?", (key,)).fetchone()
        index.execute("UPDATE entries SET body = ? WHERE key = ?", (change(body), key))
    index.close()


def leave(store: cas.Store, name: str) -> str:
    """Put something foreign into a store, and return what the store calls its place."""
    if isinstance(store, Chain):
        return leave(store.present()[-1], name)
    if isinstance(store, ObjectStore):
        store.bucket.put(name, (memoryview(b"mine"),))
        return store.bucket.path(name)
    path = os.path.join(store.layout.root, name)
    with open(path, "w") as file:
        file.write("mine")
    return path


def _change(store: ObjectStore, name: str, change: Callable[[bytearray], None]) -> None:
    path = store.bucket.path(name)
    if os.path.exists(path):
        overwrite(path, change)
        return
    body = bytearray(store.bucket.get(name) or b"")
    change(body)
    store.bucket.put(name, (memoryview(body),))


def _tiers_with(chain: Chain, digest: bytes) -> list[cas.Store]:
    chain.flush()
    return [tier for tier in chain.present() if digest in {blob.digest for blob in tier.blobs()}]
