"""One version of a cached function: its fingerprint, its record, the prefix of its call keys, its memory tier."""

from __future__ import annotations

from blake3 import blake3

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    import cas
    from memo.fingerprint import Fingerprint

    Remembered = tuple[bool, Any, bytes, float, float]
    """To be returned as it is?; the value itself, or its decoder; the encoded bytes; the cost in seconds; when it was
    stored, if it expires."""

# The first bytes of what a call key is the digest of: another layout of keys needs another number (I5). In version 2,
# some data frames of mixed dtypes had the key of others.
_KEY_VERSION = b"memo call 3\0"
# Encoded bytes that one function's memory tier may hold; what is over is forgotten, oldest first.
MEMORY_BYTES = 32 << 20
# What the tier holds for a small result beside its bytes: key, tuple, value, slot of the dict.
_OVERHEAD = 300
_FROZEN = frozenset({type(None), bool, int, float, complex, str, bytes})


def call_key(fingerprint: bytes, signature: bytes) -> bytes:
    """Return the call key of a signature under a fingerprint."""
    return blake3(_KEY_VERSION + fingerprint + signature).digest()


class Version:
    """What a call needs to know of the code behind it, and what it counted."""

    def __init__(self, fingerprint: Fingerprint, capacity: int) -> None:
        self.fingerprint = fingerprint
        self.memory: dict[bytes, Remembered] = {}
        self.hits = 0
        self.saved = 0.0
        self.recorded = 0
        self.touched: set[bytes] = set()
        self._recorded_saved = 0.0
        self._prefix = _KEY_VERSION + fingerprint.digest
        self._capacity = capacity
        self._occupied = 0
        self._record: cas.FunctionRecord | None = None

    def key(self, signature: bytes) -> bytes:
        """Return the call key of a signature under this version."""
        return blake3(self._prefix + signature).digest()

    def record(self, parameters: tuple[str, ...]) -> cas.FunctionRecord:
        """Return the function record that entries of this version refer to."""
        if self._record is None:
            import cas  # noqa: PLC0415 - only a miss needs it

            fingerprint = self.fingerprint
            self._record = cas.FunctionRecord(
                fingerprint.digest, fingerprint.module, fingerprint.qualname, parameters, fingerprint.manifest.pack()
            )
        return self._record

    def take_counts(self) -> tuple[int, float, set[bytes]]:
        """Return the hits, the seconds saved and the keys touched since the last time."""
        # Nothing is called from the first line to the last, so no other thread comes in between and counts twice.
        fresh: set[bytes] = set()
        hits, saved, touched = self.hits, self.saved, self.touched
        before, saved_before = self.recorded, self._recorded_saved
        self.recorded, self._recorded_saved, self.touched = hits, saved, fresh
        return hits - before, saved - saved_before, touched

    def remember(
        self,
        signature: bytes,
        value: Any,
        data: bytes,
        decode: Callable[..., Any],
        cost: float,
        created: float = 0.0,
    ) -> None:
        """Keep a small result in memory: the value itself if nothing can change it, else its bytes (X25).

        One that expires, with the time when it was `created`, is never returned without a look at the clock.
        """
        size = len(data) + len(signature) + _OVERHEAD
        if size > self._capacity:
            return
        frozen = type(value) in _FROZEN and not created
        kept = (frozen, value if frozen else decode, data, cost, created)
        if self.memory.setdefault(signature, kept) is not kept:
            return  # another thread was first, and its bytes are counted
        self._occupied += size
        while self._occupied > self._capacity:
            try:
                self.forget(next(iter(self.memory)))
            except (StopIteration, RuntimeError):
                return  # another thread makes room at the same time

    def forget(self, signature: bytes) -> None:
        """Drop a result from memory."""
        dropped = self.memory.pop(signature, None)
        if dropped is not None:
            self._occupied -= len(dropped[2]) + len(signature) + _OVERHEAD
