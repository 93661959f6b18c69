"""A few bytes by name that save time next time, and may vanish at any moment (I8): code tables of source files."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cas.local.index import Index

# What is kept before it starts over: code tables take some 20 KB for each version of a source file.
MOST = 64 << 20


class Remembered:
    """What one store remembers, up to so many bytes."""

    def __init__(self, index: Index, most: int) -> None:
        self._index = index
        self._most = most

    def recall(self, name: bytes) -> bytes | None:
        """Return what was remembered under `name`, if it still is."""
        rows: list[Any] = self._index.rows("SELECT body FROM cache WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    def remember(self, name: bytes, body: bytes) -> None:
        """Keep a few bytes, in place of all others if they are too many."""
        if len(body) > self._most:
            return
        with self._index.writing() as run:
            run("DELETE FROM cache WHERE (SELECT total(length(body)) FROM cache) > ?", (self._most - len(body),))
            run("INSERT OR REPLACE INTO cache VALUES (?, ?)", (name, body))
