"""Foreign code in a store: a pickle that writes a file when it is loaded, and how it gets in."""

from __future__ import annotations

import pickle
import sqlite3
from pathlib import Path


class Bomb:
    """Unpickled, it writes the file at `path`."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, (f"open({self.path!r}, 'w').close()",)


def bomb(path: Path) -> bytes:
    """Return a pickle that writes the file at `path` when it is loaded."""
    return pickle.dumps(Bomb(str(path)), protocol=4)


def replace_files(root: Path, data: bytes) -> int:
    """Put the bomb in place of every stored file but source text and JSON; return how many."""
    paths = [p for p in root.rglob("*") if p.is_file() and p.suffix not in {".py", ".json"}]
    for path in paths:
        path.write_bytes(data)
    return len(paths)


def forge_diskcache(root: Path, data: bytes) -> int:
    """Put the bomb in place of every value, marked as a pickle; return how many."""
    with sqlite3.connect(root / "cache.db") as connection:
        rows = connection.execute("UPDATE Cache SET mode = 4, filename = NULL, value = ?", (data,)).rowcount
    connection.close()
    return rows


def forge_ours(root: Path, data: bytes) -> int:
    """Put the bomb in place of every result: its digest right, its codec that of pickles, another's signature."""
    from blake3 import blake3

    from cas.local.body import seal

    signed = blake3(data, key=b"another person's key, 32 bytes..").digest() + data
    with sqlite3.connect(root / "index.sqlite") as connection:
        keys = [key for (key,) in connection.execute("SELECT key FROM entries")]
        for key in keys:
            body = seal(key, "pickle/1", blake3(signed).digest(), 1.0, signed)
            connection.execute("UPDATE entries SET codec = 'pickle/1', body = ? WHERE key = ?", (body, key))
    connection.close()
    return len(keys)
