"""How often results were served and when last: written by many processes without a lock, folded when read.

Every process has one object for each version of a function, which only it writes: its own sums so far. So sums need no
lock, and putting the same again does no harm. They are figures only: losing some loses no result (I8).
"""

from __future__ import annotations

import math
import os
import time
from typing import TYPE_CHECKING

from cas.objects import layout
from cas.objects.records import read_values, write_values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cas.objects.bucket import Bucket

    Sums = tuple[int, float, float]

# Objects of a version above which a process that adds its own folds the others into one.
_MANY = 64


class Figures:
    """The figures in one bucket, and what this process added to them."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self.forked()

    def forked(self) -> None:
        """Start anew in a child, whose sums are its own."""
        self._token = os.urandom(16).hex()
        self._own: dict[bytes, Sums] = {}

    def record(self, fingerprint: bytes, hits: int, saved: float, keys: Iterable[bytes]) -> None:
        """Add served hits, and mark entries as used now."""
        now = time.time()
        past = self._own.get(fingerprint)
        if past is None:
            self._fold(fingerprint)
        old = past or (0, 0.0, 0.0)
        self._own[fingerprint] = sums = (old[0] + hits, old[1] + saved, now)
        self._put(f"{layout.figures(fingerprint)}{self._token}", {self._token: sums})
        for key in keys:
            if self._bucket.look(layout.key(key)) is not None:
                self._bucket.put(layout.used(key), (memoryview(write_values({"used": now})),))

    def used(self, key: bytes) -> float:
        """Return when an entry was last marked as used; 0 if never."""
        return _number(read_values(self._bucket.get(layout.used(key))).get("used"))

    def of(self, fingerprint: bytes) -> Sums:
        """Return hits, seconds saved and time of the last hit of a version, over all processes."""
        sums = self._read(list(self._bucket.names(layout.figures(fingerprint)))).values()
        return (
            sum(hits for hits, _, _ in sums),
            math.fsum(saved for _, saved, _ in sums),
            max((used for _, _, used in sums), default=0.0),
        )

    def _read(self, names: list[str]) -> dict[str, Sums]:
        """Return the sums of each process; of those that stand in two objects, the later ones."""
        found: dict[str, Sums] = {}
        for name in names:
            for token, values in read_values(self._bucket.get(name)).items():
                if isinstance(values, list) and len(values) == 3:
                    hits, saved, used = map(_number, values)
                    sums = int(hits), saved, used
                    found[token] = max(sums, found.get(token, sums))
        return found

    def _fold(self, fingerprint: bytes) -> None:
        """Put the sums of many objects into one, and remove those.

        Sums only grow, so one that stands in two objects, since its process went on or died here, still counts once.
        """
        prefix = layout.figures(fingerprint)
        names = list(self._bucket.names(prefix))
        if len(names) <= _MANY:
            return
        folded = f"{prefix}{os.urandom(16).hex()}"
        self._put(folded, self._read(names))
        for name in names:
            self._bucket.delete(name)

    def _put(self, name: str, values: dict[str, Sums]) -> None:
        self._bucket.put(name, (memoryview(write_values(values)),))


def _number(value: object) -> float:
    """Return a number as it is; 0 for what no process can have counted, such as infinity."""
    return value if type(value) in (int, float) and 0 <= value < 1 << 53 else 0.0  # type: ignore[operator,return-value]
