"""The bytes of a root blob, private to one decoding: what a caller does to an array in them reaches no file.

Owns when a file is mapped and when it is read: mapping a large one costs the same whatever its size (I9).
"""

from __future__ import annotations

import mmap
import os
import sys

from cas.blob import BlobFile

# Smaller files are read, and smaller arrays copied out of them: mapping costs more.
MAP_FROM = 1 << 20
# A map holds a descriptor before Python 3.13: where a process has this many open files, all but huge ones are read.
_HOLDS_FILES = sys.version_info < (3, 13)
_MANY_FILES = 200
_HUGE = 1 << 28


def private(body: bytes | BlobFile) -> bytes | bytearray | mmap.mmap:
    """Return the bytes of a blob: of a large file a copy-on-write map; bytes as they are, which nothing can change."""
    if not isinstance(body, BlobFile):
        return body
    with open(body.path, "rb", buffering=0) as file:
        descriptor = file.fileno()
        size = os.fstat(descriptor).st_size
        crowded = _HOLDS_FILES and descriptor > _MANY_FILES
        if size >= MAP_FROM and not (crowded and size < _HUGE):
            if sys.version_info >= (3, 13):
                return mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY, trackfd=False)
            return mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY)
        data = bytearray(size)
        view, done = memoryview(data), 0
        while done < size:
            count = file.readinto(view[done:])
            if not count:
                break  # the file has become shorter, and what reads it will say so
            done += count
    return data
