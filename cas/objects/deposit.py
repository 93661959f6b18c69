"""The writing of one result into a shared store: blobs, function record, entry, and the key last (I3)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from blake3 import blake3

from cas.entry import Entry
from cas.errors import IntegrityError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from cas.entry import Call, Parts, Result
    from cas.objects.store import ObjectStore

# About what an fsync of a small file takes, in seconds (I10).
FSYNC_COST = 0.005
# Root blobs up to this size stand in their entry: as files of their own they would cost a further reading at each hit.
INLINE_LIMIT = 32 << 10
# Only of codecs whose bytes are no file that another program opens: a small array is a `.npy` file all the same.
_FORMS = frozenset({"tree", "raised", "pickle", "stream", "sparse"})


class ObjectDeposit:
    """One result on its way into a shared store."""

    def __init__(self, store: ObjectStore, call: Call, cost: float) -> None:
        self._store = store
        self._call = call
        self._cost = cost
        self._durable = cost > FSYNC_COST
        self._sizes: dict[bytes, int] = {}
        self._held: list[bytes] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._held:
            self._store.holds.release(self._held.pop())

    def write(self, parts: Parts) -> bytes:
        """Store one blob as a file of its own, or find it already there, and return its digest."""
        digest, self._sizes[digest] = self._store.blob_files.write(parts, self._durable, self._store.grace)
        self._held.append(digest)
        return digest

    def commit(
        self, result: Result, created: float | None = None, *, expected: bytes | None = None, replace: bool = True
    ) -> bool:
        """Make the entry visible, with every blob written so far as its own (I3)."""
        size = sum(memoryview(part).nbytes for part in result.parts)
        children = sum(self._sizes.values())
        inline = None
        if size <= INLINE_LIMIT and _is_form(result.codec):
            inline = b"".join(result.parts)
            digest = blake3(inline).digest()
        else:
            digest = self.write(result.parts)
        if expected is not None and digest != expected:
            raise IntegrityError(
                f"a result was to have the digest {expected.hex()}, and holds other bytes",
                "run `cas fsck` on the store it was read from",
            )
        if not replace and self._store.created(self._call.key) is not None:
            return False
        now = time.time()
        entry = Entry(
            key=self._call.key,
            function=self._call.function,
            signature=self._call.signature,
            codec=result.codec,
            digest=digest,
            inline=inline is not None,
            size=size + children,
            blobs=tuple(sorted(self._sizes)),
            summary=result.summary,
            cost=self._cost,
            created=now if created is None else created,
            used=now,
            provenance=result.provenance,
        )
        self._store.blob_files.refresh(self._sizes, self._store.grace)
        self._store.writer.put(entry, inline, self._durable)
        return True


def _is_form(codec: str) -> bool:
    return codec.partition("/")[0] in _FORMS
