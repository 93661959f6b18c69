"""The objects of an entry, put in the order that makes it visible last, and removed in reverse (I3).

Nothing here is locked: another host may store or forget the same key between any two lines. Whatever it does, a key
leads to a whole entry or to none.
"""

from __future__ import annotations

import errno
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from cas.errors import IntegrityError, InvalidInputError, StorageError
from cas.objects import layout
from cas.objects.records import read_entry, read_pointer, write_entry, write_function, write_pointer

if TYPE_CHECKING:
    from cas.entry import Entry, FunctionRecord
    from cas.objects.bucket import Bucket, Seen
    from cas.objects.catalogue import Catalogue
    from cas.objects.records import Kept


class Writer:
    """The writer of entries in one bucket."""

    def __init__(self, bucket: Bucket, catalogue: Catalogue) -> None:
        self.bucket = bucket
        self._catalogue = catalogue
        self._recorded: dict[str, Seen] = {}

    def text(self, name: str, data: bytes, durable: bool = False) -> None:
        """Put a small object."""
        self.bucket.put(name, _parts(data), durable)

    def put(self, entry: Entry, inline: bytes | None, durable: bool) -> None:
        """Put function record, entry and key, in this order; every blob is in place (I3)."""
        record = entry.function
        self._put_function(record, durable)
        name, data = layout.entry(record, entry.key, entry.signature), write_entry(entry, inline)
        try:
            former = self._catalogue.name_of(entry.key)
        except IntegrityError:
            former = None
        try:
            self._put_both(name, data, entry.key, durable)
        except StorageError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            name = layout.short_entry(record, entry.key)  # a file system of short names, such as eCryptfs
            self._put_both(name, data, entry.key, durable)
        if self.bucket.look(name) is None:
            self.text(name, data, durable)  # another host forgot the key between the two
        if former is not None and former != name:
            self.bucket.delete(former)  # a cas that named entries otherwise wrote it

    def _put_both(self, name: str, data: bytes, key: bytes, durable: bool) -> None:
        """Put an entry under its name, then the key that leads to it."""
        self.bucket.put_all([(name, _parts(data)), (layout.key(key), _parts(write_pointer(key, name)))], durable)

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

    def put_aside(self, key: bytes) -> Kept | None:
        """Put the objects of a damaged entry where a person can look at them; return the entry if it is whole there.

        What turns out to be whole goes back: another host has stored the result again since.
        """
        aside = f"{layout.QUARANTINE}entry-{key.hex()}"
        try:
            name = self._catalogue.name_of(key)
        except IntegrityError:
            name = self._put_key_aside(key, f"{aside}.key")
        if name is None or not self.bucket.move(name, f"{aside}.json"):
            return None
        kept = read_entry(self.bucket.get(f"{aside}.json") or b"")
        if kept is not None and kept.entry.key == key:
            self.bucket.move(f"{aside}.json", name)
            return kept
        if self.bucket.look(name) is None:
            self.bucket.delete(layout.key(key))
        return None

    def _put_key_aside(self, key: bytes, aside: str) -> str | None:
        """Put a damaged key aside; return the name that it leads to if it is whole there, and goes back."""
        if not self.bucket.move(layout.key(key), aside):
            return None
        name = read_pointer(key, self.bucket.get(aside) or b"")
        if name is not None:
            self.bucket.move(aside, layout.key(key))
        return name


def _parts(data: bytes) -> tuple[memoryview]:
    """Return the bytes of a small object as a bucket takes them.

    Raises:
        InvalidInputError: They are more than a reader would read.
    """
    if len(data) > layout.LONGEST:
        raise InvalidInputError(
            f"expected at most {layout.LONGEST} bytes in an object that is no blob, found {len(data)} bytes",
            "the result of this call has too many parts for a shared store; store it as one array",
        )
    return (memoryview(data),)
