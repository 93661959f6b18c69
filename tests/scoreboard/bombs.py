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


def replace_files(root: Path, data: bytes) -> None:
    """Put the bomb in place of every stored file but source text and JSON."""
    for path in root.rglob("*"):
        if path.is_file() and path.suffix not in {".py", ".json", ".db"}:
            path.write_bytes(data)


def forge_diskcache(root: Path, data: bytes) -> None:
    """Put the bomb in place of every value, marked as a pickle."""
    with sqlite3.connect(root / "cache.db") as connection:
        connection.execute("UPDATE Cache SET mode = 4, filename = NULL, value = ?", (data,))
    connection.close()


def forge_ours(root: Path, data: bytes) -> None:
    """Put the bomb in place of every result, with the right digest and the codec of pickles."""
    raise NotImplementedError
