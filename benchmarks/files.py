"""A file as an argument: read once, and then looked at; beside a stat, and beside reading it each time."""

from __future__ import annotations

import os
import time
from pathlib import Path

import blake3

from memo.files import SETTLED, Digests

from .timing import Contestant, Goal, Measure, interleave, slower

OURS, STAT, READ = "memo.File, unchanged", "floor: os.stat", "blake3 of the file"
# An unchanged file is looked at, opened and looked at again: so many times a stat.
LOOKS = 10.0


def _settled() -> float:
    """Return the time, as it will be when a file written now has long been written."""
    return time.time() + 2 * SETTLED


def _none() -> set[int]:
    """Return no device: the folder measured on may lie in memory, where files are read each time."""
    return set()


def run(folder: Path, quick: bool) -> tuple[list[Measure], list[Goal]]:
    """Measure the digest of a file that has not changed, and of one that is read; quick runs have a smaller one."""
    size = (64 if quick else 1024) << 20
    path = folder / "input.bin"
    with open(path, "wb") as file:
        file.writelines(os.urandom(1 << 24) for _ in range(size >> 24))
    digests = Digests(_settled, _none)
    name = str(path)
    digests.look(name)
    looks = interleave(
        f"unchanged file of {size >> 20} MB",
        [Contestant(OURS, lambda: digests.look(name)), Contestant(STAT, lambda: os.stat(name))],
        10 if quick else 40,
    )
    reads = interleave(
        f"new file of {size >> 20} MB",
        [
            Contestant("memo.File, read", lambda: Digests(_settled, _none).look(name)),
            Contestant(READ, lambda: blake3.blake3(max_threads=blake3.blake3.AUTO).update_mmap(name).digest()),
        ],
        5,
    )
    return looks + reads, slower(looks, OURS, STAT, LOOKS)
