"""Results of stored calls given to further calls: new entries that share the blobs of old ones.

Nothing is written before all pairs are read. A process that dies while it writes leaves some of them, each whole (I3).
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from cas.entry import Copied
from cas.errors import IntegrityError, NotFoundError
from cas.objects.deposit import FSYNC_COST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cas.entry import Call
    from cas.objects.store import ObjectStore


def copy(store: ObjectStore, pairs: Iterable[tuple[bytes, Call]], note: Mapping[str, str]) -> Copied:
    """Give stored results to further calls as well; see `Store.copy`."""
    made = kept = 0
    damaged = []
    for key, call in list(pairs):
        try:
            found = _copy(store, key, call, note)
        except (IntegrityError, NotFoundError):
            damaged.append(key)
            continue
        made += found is True
        kept += found is False
    return Copied(made, kept, tuple(damaged))


def _copy(store: ObjectStore, key: bytes, call: Call, note: Mapping[str, str]) -> bool | None:
    """Give one result to a further call; False if that has one, None if there is none to give."""
    source = store.catalogue.kept(key)
    if source is None:
        return None
    if store.catalogue.name_of(call.key) is not None:
        return False
    entry = source.entry
    further = replace(
        entry,
        key=call.key,
        function=call.function,
        signature=call.signature,
        used=time.time(),
        provenance={**entry.provenance, **note},
    )
    held = []
    try:
        for digest in entry.blobs:
            store.holds.take(digest)
            held.append(digest)
            _keep(store, digest)
        store.writer.put(further, source.inline, entry.cost > FSYNC_COST)
    finally:
        for digest in held:
            store.holds.release(digest)
    return True


def _keep(store: ObjectStore, digest: bytes) -> None:
    """Make a blob safe from sweeps until its further entry is there (I4)."""
    if not store.blob_files.keep(digest, store.grace):
        raise NotFoundError(f"blob {digest.hex()} is missing or damaged", "run `cas fsck`")
