"""What in a shared store is no part of it: leftovers of killed writers, foreign files, halves of entries.

Young ones are left alone: another host may be about to write the other half.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cas.errors import IntegrityError, InvalidInputError
from cas.objects import layout
from cas.objects.records import read_entry, read_function, read_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cas.objects.bucket import Bucket
    from cas.objects.catalogue import Catalogue


class Care:
    """The finder of strays in one bucket.

    Args:
        bucket: Where to look.
        catalogue: Reads keys there.
        before: Gives the time before which a half is a leftover, by the bucket's clock.
    """

    def __init__(self, bucket: Bucket, catalogue: Catalogue, before: Callable[[], float]) -> None:
        self._bucket = bucket
        self._catalogue = catalogue
        self._before = before

    def strays(self) -> Iterator[str]:
        """Yield the paths of what is no part of the store and not about to become one."""
        before: float | None = None
        for name in self._bucket.names(""):
            if self._is_part(name):
                continue
            before = self._before() if before is None else before
            if self._is_settled(name, before):
                yield self._bucket.path(name)

    def remove(self, path: str) -> None:
        """Remove a stray, unless it has become a part of the store meanwhile.

        Raises:
            InvalidInputError: It is one that is always a part, or stands elsewhere.
        """
        name = self._bucket.name(path)
        if name is None or name == layout.FORMAT or layout.digest_of(name, layout.BLOBS) is not None:
            raise InvalidInputError(f"expected a stray file of {self._bucket.location}, found {path}", "see `cas fsck`")
        if self._is_part(name) or not self._is_settled(name, self._before()):
            return
        blob = layout.taken_aside(name)
        if blob is not None and self._bucket.look(layout.blob(blob)) is None:
            self._bucket.move(name, layout.blob(blob))  # an entry may need it by now; if none does, a sweep finds it
        else:
            self._bucket.delete(name)

    def _is_settled(self, name: str, before: float) -> bool:
        """Return whether nobody is about to make a part of the store of it."""
        if name.startswith(layout.TEMPORARY):
            leftover = self._bucket.is_leftover(name)
            if leftover is not None:
                return leftover
        elif not name.startswith(f"{layout.VERSION}/"):
            return True  # a foreign file
        seen = self._bucket.look(name)
        return seen is not None and seen.changed <= before

    def _is_part(self, name: str) -> bool:
        """Return whether an object has a place in the store, and, if it is half of something, its other half."""
        for prefix, has_place in (
            (layout.BLOBS, self._is_blob),
            (layout.ENTRIES, self._is_entry),
            (layout.KEYS, self._is_key),
            (layout.FUNCTIONS, self._is_function),
            (layout.USED_KEYS, self._is_use),
            (layout.USED_FUNCTIONS, self._is_figures),
            (layout.CACHE, self._is_memory),
        ):
            if name.startswith(prefix):
                return has_place(name)
        return name.startswith(layout.QUARANTINE) or (name in layout.TOP and "/" not in name)

    def _is_blob(self, name: str) -> bool:
        return layout.digest_of(name, layout.BLOBS) is not None

    def _is_memory(self, name: str) -> bool:
        return layout.digest_of(name, layout.CACHE) is not None

    def _is_entry(self, name: str) -> bool:
        if not layout.is_entry(name):
            return False
        data = self._bucket.get(name)
        kept = None if data is None else read_entry(data)
        # A damaged entry is a part as long as a key leads to it: the check of entries finds it.
        keys = [kept.entry.key] if kept else self._catalogue.find(layout.hash_of(name))
        return any(layout.is_same(self._leads(key) or "", name) for key in keys)

    def _is_key(self, name: str) -> bool:
        key = layout.digest_of(name, layout.KEYS)
        if key is None:
            return False
        target = self._leads(key)
        return target == "" or (target is not None and self._bucket.look(target) is not None)

    def _leads(self, key: bytes) -> str | None:
        """Return the name of the entry that a key leads to; empty if that is damaged, as the check of entries finds."""
        try:
            return self._catalogue.name_of(key)
        except IntegrityError:
            return ""

    def _is_function(self, name: str) -> bool:
        data = self._bucket.get(name)
        record = None if data is None else read_function(data)
        return record is not None and layout.is_same(layout.function(record), name)

    def _is_use(self, name: str) -> bool:
        key = layout.digest_of(name, layout.USED_KEYS)
        return key is not None and self._bucket.look(layout.key(key)) is not None

    def _is_figures(self, name: str) -> bool:
        return layout.is_figures(name) and bool(read_values(self._bucket.get(name)))
