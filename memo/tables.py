"""Code tables kept in the store, so that a new process need not parse what an earlier one has parsed (I8)."""

from __future__ import annotations

import cas
from memo.fingerprint import code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cas import Store


class StoredTables:
    """The table cache of fingerprints, in a store that may fail at any time: then a table is made again."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, key: bytes) -> bytes | None:
        """Return what was put under `key`, or None."""
        try:
            return self._store.recall(key)
        except cas.CasError:
            return None

    def put(self, key: bytes, value: bytes) -> None:
        """Keep `value` under `key`, unless the store is read-only or fails."""
        if self._store.writable:
            try:
                self._store.remember(key, value)
            except cas.CasError:
                return


# Where what was found out about files is kept; None before the first store is open.
kept: StoredTables | None = None


def keep_tables(store: Store) -> None:
    """Let the tables of files met from now on be kept in `store`."""
    global kept
    kept = code.table_cache = StoredTables(store)
