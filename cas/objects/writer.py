"""The objects of an entry, put in the order that makes it visible last, and removed in reverse (I3).

Nothing here is locked: another host may store or forget the same key between any two lines. Whatever it does, a key
leads to a whole entry or to none.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from cas.errors import IntegrityError
from cas.objects import layout
from cas.objects.records import read_entry, write_entry, write_function, write_pointer

if TYPE_CHECKING:
    from cas.entry import Entry, FunctionRecord
    from cas.objects.bucket import Bucket, Seen
    from cas.objects.catalogue import Catalogue


class Writer:
    """The writer of entries in one bucket."""

    def __init__(self, bucket: Bucket, catalogue: Catalogue) -> None:
        self.bucket = bucket
        self._catalogue = catalogue
        self._recorded: dict[str, Seen] = {}

    def text(self, name: str, data: bytes, durable: bool = False) -> None:
        """Put a small object."""
        self.bucket.put(name, (memoryview(data),), durable)

    def put(self, entry: Entry, inline: bytes | None, durable: bool) -> None:
        """Put function record, entry and key, in this order; every blob is in place (I3)."""
        record = entry.function
        self._put_function(record, durable)
        name, data = layout.entry(record, entry.key, entry.signature), write_entry(entry, inline)
        try:
            former = self._catalogue.name_of(entry.key)
        except IntegrityError:
            former = None
        self.text(name, data, durable)
        self.text(layout.key(entry.key), write_pointer(entry.key, name), durable)
        if self.bucket.look(name) is None:
            self.text(name, data, durable)  # another host forgot the key between the two
        if former is not None and former != name:
            self.bucket.delete(former)  # a cas that named entries otherwise wrote it

    def _put_function(self, record: FunctionRecord, durable: bool) -> None:
        """Put a version's record unless a whole one is there; it is read only once, since it may be large."""
        name = layout.function(record)
        seen = self.bucket.look(name)
        if seen is not None and seen == self._recorded.get(name):
            return
        if self._catalogue.record(record) is None:
            now = time.time()
            created = min(record.created or now, now)
            self.text(name, write_function(replace(record, created=created)), durable)
            seen = self.bucket.look(name)
        if seen is not None:
            self._recorded[name] = seen

    def remove(self, key: bytes) -> bool:
        """Remove an entry; return whether there was one."""
        try:
            name = self._catalogue.name_of(key)
        except IntegrityError:
            name = None
        found = self.bucket.delete(layout.key(key))
        if name is not None:
            found = self.bucket.delete(name) and found
        self.bucket.delete(layout.used(key))
        return found

    def put_aside(self, key: bytes) -> None:
        """Put the objects of a damaged entry where a person can look at them.

        What turns out to be whole goes back: another host has stored the result again since.
        """
        aside = f"{layout.QUARANTINE}entry-{key.hex()}"
        try:
            name = self._catalogue.name_of(key)
        except IntegrityError:
            self.bucket.move(layout.key(key), f"{aside}.key")
            return
        if name is not None and self.bucket.move(name, f"{aside}.json"):
            kept = read_entry(self.bucket.get(f"{aside}.json") or b"")
            if kept is not None and kept.entry.key == key:
                self.bucket.move(f"{aside}.json", name)
            elif self.bucket.look(name) is None:
                self.bucket.delete(layout.key(key))
