"""A blob that stands as a file. A named tuple, since the path of a hit must not import dataclasses (15 ms)."""

from __future__ import annotations

from collections import namedtuple


class BlobFile(namedtuple("BlobFile", "digest path size")):
    """A blob in a file of its own.

    Attributes:
        digest: Its digest, 32 bytes.
        path: Where the file stands.
        size: Its length in bytes.
    """

    __slots__ = ()
    digest: bytes
    path: str
    size: int
