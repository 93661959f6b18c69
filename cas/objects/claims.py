"""Claims among the threads of one process: without locks there are none between processes.

Two hosts may compute one call at the same time; each gets a right result, and the later one stays.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType


class Claims:
    """The claims of one shared store in this process: who holds each key, and how often one inside the other."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: dict[bytes, list[int]] = {}

    def claim(self, key: bytes) -> Claim:
        """Return the claim on `key`, to be waited for in a `with` block."""
        return Claim(self, key)

    def attempt(self, key: bytes) -> Claim | None:
        """Return the claim on `key`, taken and to be ended by a `with` block; None if another thread holds it."""
        claim = Claim(self, key)
        return claim if claim.attempt() else None

    def enter(self, key: bytes, wait: bool) -> bool:
        """Take a key for this thread; False if another holds it and it is not to be waited for."""
        me = threading.get_ident()
        with self._changed:
            while key in self._held and self._held[key][0] != me:
                if not wait:
                    return False
                self._changed.wait()
            self._held.setdefault(key, [me, 0])[1] += 1
        return True

    def leave(self, key: bytes) -> None:
        """Give a key up, if this was the outermost block."""
        with self._changed:
            held = self._held.get(key)
            if held is None:
                return  # a child, which forked inside the block
            held[1] -= 1
            if not held[1]:
                del self._held[key]
                self._changed.notify_all()

    def forked(self) -> None:
        """Start anew in a child: it holds none of its parent's claims, and none of its parent's threads."""
        self._changed = threading.Condition()
        self._held = {}


class Claim:
    """The right to compute one key, from `__enter__` to `__exit__`."""

    def __init__(self, claims: Claims, key: bytes) -> None:
        self._claims = claims
        self._key = key
        self._taken = False

    def attempt(self) -> bool:
        """Take the claim before the `with` block, if it is free."""
        self._taken = self._claims.enter(self._key, wait=False)
        return self._taken

    def __enter__(self) -> None:
        if not self._taken:
            self._claims.enter(self._key, wait=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._claims.leave(self._key)
