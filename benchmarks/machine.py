"""What the figures were taken on."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("numpy", "msgpack", "blake3", "joblib", "diskcache", "cachier", "klepto")


def describe(folder: Path) -> list[str]:
    """Return lines on processor, system, file system and versions."""
    return [
        f"- Processor: {_processor()}, {os.cpu_count()} cores, {platform.machine()}",
        f"- System: {platform.system()} {platform.release()}, stores on {_file_system(folder)}",
        f"- Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        + ", ".join(f"{name} {found}" for name in PACKAGES if (found := _version(name))),
    ]


def _processor() -> str:
    """Return the processor's name as the system tells it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or "unknown")


def _file_system(folder: Path) -> str:
    """Return the type of the file system that a folder stands on."""
    path, best, kind = Path("/proc/mounts"), "", "an unknown file system"
    for line in path.read_text().splitlines() if path.exists() else []:
        _, point, found, *_ = line.split()
        if str(folder.resolve()).startswith(point) and len(point) >= len(best):
            best, kind = point, found
    return kind


def _version(name: str) -> str:
    """Return an installed version, or nothing."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
