"""Code object → the text of the file, notebook cell or console input that it may come from.

A guess only: whether the text explains the code is decided by compiling it, in `memo.fingerprint.code`.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

_files: dict[str, tuple[tuple[int, int, int, int], str | None]] = {}
# Read once: the clock may be set while the process runs.
_began: float | None = None


def source_text(code: CodeType, namespace: dict[str, Any]) -> str | None:
    """Return the text that the code object may have been compiled from; None if there is none."""
    name = code.co_filename
    if name.startswith("<"):
        return _remembered(name)
    text = _file_text(name)
    if text is None:
        # A script's own code carries the path as typed, which means nothing after a change of folder.
        path = namespace.get("__file__")
        if isinstance(path, str) and path.endswith(name):
            text = _file_text(path)
    if text is None:
        text = _remembered(name)
    return text if text is not None else _loaded(namespace)


def _file_text(path: str) -> str | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    # The time of change as well: tools that write files set the time of modification back.
    stamp = status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino
    known = _files.get(path)
    if known is not None and known[0] == stamp:
        return known[1]
    try:
        with open(path, "rb") as file:
            text = _decode(file.read())
    except OSError:
        return None
    _files[path] = stamp, text
    return text


def settled_text(path: str) -> str | None:
    """Return the text of a file that has not changed since the process began: what it loaded is what stands there."""
    text = _file_text(path)
    try:
        status = os.stat(path)
    except OSError:
        return None
    return text if max(status.st_mtime, status.st_ctime) <= began() else None


def began() -> float:
    """Return when this process began; where the system does not say, no file counts as older."""
    global _began
    if _began is None:
        _began = 0.0
        try:
            with open("/proc/self/stat", encoding="ascii", errors="replace") as file:
                ticks = int(file.read().rpartition(")")[2].split()[19])
            age = time.clock_gettime(time.CLOCK_BOOTTIME) - (ticks + 1) / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError, IndexError, AttributeError):
            return _began
        _began = time.time() - age
    return _began


def _decode(data: bytes) -> str | None:
    head = data[:512]
    if b"coding" in head and b"utf-8" not in head.lower():
        # Lazy: only a file that declares another encoding pays for `tokenize` (and `re`).
        from io import BytesIO  # noqa: PLC0415
        from tokenize import detect_encoding  # noqa: PLC0415

        try:
            encoding, _ = detect_encoding(BytesIO(data).readline)
            return data.decode(encoding)
        except (SyntaxError, UnicodeDecodeError, LookupError):
            return None
    try:
        return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError:
        return None


def _remembered(name: str) -> str | None:
    """Return the text that a notebook or console keeps in `linecache`, without importing it."""
    linecache = sys.modules.get("linecache")
    if linecache is None:
        return None
    kept = linecache.cache.get(name)
    if kept is None or len(kept) != 4:
        return None
    return "".join(kept[2])


def _loaded(namespace: dict[str, Any]) -> str | None:
    """Ask the module's loader, which can read inside a zip file."""
    loader = namespace.get("__loader__")
    get_source = getattr(loader, "get_source", None)
    if get_source is None or "zipimport" not in type(loader).__module__:
        return None
    try:
        text = get_source(namespace.get("__name__"))
    except ImportError:
        return None
    return text if isinstance(text, str) else None
