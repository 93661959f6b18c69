"""What a shared store holds, read from its objects: entries by key, in order, by name; records; what is needed.

An entry is visible if its key leads to it. Names alone answer what they can: how many, which keys begin so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cas.entry import Entry, FunctionRecord, FunctionSummary
from cas.errors import IntegrityError, InvalidInputError
from cas.objects import layout
from cas.objects.records import read_entry, read_function, read_pointer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cas.objects.bucket import Bucket
    from cas.objects.figures import Figures
    from cas.objects.records import Kept

ORDERS = ("created", "used", "cost", "size", "codec", "summary", "key")
_FEW = 10


class Catalogue:
    """The reader of one bucket's names and records."""

    def __init__(self, bucket: Bucket, figures: Figures) -> None:
        self._bucket = bucket
        self._figures = figures

    # One entry

    def name_of(self, key: bytes) -> str | None:
        """Return the name of a call's entry; None if it has none.

        Raises:
            IntegrityError: What leads there is damaged.
        """
        pointer = self._bucket.get(layout.key(key))
        if pointer is None:
            return None
        name = read_pointer(key, pointer)
        if name is None:
            raise self._damaged(key)
        return name

    def kept(self, key: bytes) -> Kept | None:
        """Return a call's entry as it stands there; None if there is none.

        Raises:
            IntegrityError: It is damaged.
        """
        name = self.name_of(key)
        for _ in range(2):  # of a file that was just replaced, a network file system may show a mixture at first
            data = None if name is None else self._bucket.get(name)
            if data is None:
                return None
            kept = read_entry(data)
            if kept is not None and kept.entry.key == key:
                return kept
        raise self._damaged(key)

    def _damaged(self, key: bytes) -> IntegrityError:
        return IntegrityError(
            f"the result stored under {key.hex()[:12]} in {self._bucket.location} is damaged",
            "it is in quarantine and will be computed again; check the disk if this happens more than once",
        )

    def entry(self, key: bytes) -> Entry | None:
        """Return one entry; None if there is none. One that is damaged has no function."""
        found = self._entry(key, {})
        return found and self._completed(found, {})

    def _entry(self, key: bytes, _: object) -> Entry | None:
        try:
            kept = self.kept(key)
        except IntegrityError:
            return _unreadable(key)
        return kept and kept.entry

    # Many entries

    def keys(self, prefix: str = "") -> Iterator[bytes]:
        """Yield the keys of entries whose hexadecimal form starts with `prefix`."""
        for below in layout.prefixes_of_keys(prefix):
            for name in self._bucket.names(below):
                key = layout.digest_of(name, layout.KEYS)
                if key is not None and key.hex().startswith(prefix):
                    yield key

    def find(self, prefix: str) -> list[bytes]:
        """Return up to ten keys whose hexadecimal form starts with `prefix`."""
        found = []
        for key in self.keys(prefix.lower()):
            found.append(key)
            if len(found) == _FEW:
                break
        return found

    def count(self, module: str | None, qualname: str | None) -> int:
        """Return how many entries there are, of one function if named; reads names only."""
        if module is None and qualname is None:
            return sum(1 for _ in self.keys())
        names = list(self._names(module, qualname))
        if not names:
            return 0
        visible = {key.hex()[:40] for key in self.keys()}
        return len({layout.hash_of(name) for name in names} & visible)

    def _names(self, module: str | None, qualname: str | None) -> Iterator[str]:
        prefix = layout.of_function(layout.ENTRIES, module, qualname)
        return (name for name in self._bucket.names(prefix) if layout.is_entry(name))

    def entries(
        self,
        module: str | None,
        qualname: str | None,
        order: str,
        fingerprint: bytes | None,
        signature: bytes | None,
    ) -> Iterator[Entry]:
        """Return entries in order; those that cannot be read have no function.

        Raises:
            InvalidInputError: Entries have no such field.
        """
        field = order.removeprefix("-")
        if field not in ORDERS:
            raise InvalidInputError(
                f"expected an entry field to sort by, found {field!r}", f"choose one of {', '.join(ORDERS)}"
            )
        return self._ordered((module, qualname, fingerprint, signature), field, order.startswith("-"))

    def _ordered(
        self, choice: tuple[str | None, str | None, bytes | None, bytes | None], field: str, falling: bool
    ) -> Iterator[Entry]:
        module, qualname, fingerprint, signature = choice
        functions: dict[bytes, FunctionRecord] = {}
        found = []
        for entry in self.visible(module, qualname):
            if fingerprint is not None and entry.function.fingerprint != fingerprint:
                continue
            if signature is None or entry.signature == signature:
                found.append(self._completed(entry, functions))
        found.sort(key=lambda entry: (getattr(entry, field), entry.created), reverse=falling)
        yield from found

    def visible(self, module: str | None = None, qualname: str | None = None) -> Iterator[Entry]:
        """Yield entries that their keys lead to, as they stand there; those that cannot be read have no function."""
        if module is None and qualname is None:
            for key in list(self.keys()):
                entry = self._entry(key, None)
                if entry is not None:
                    yield entry
            return
        for name in list(self._names(module, qualname)):
            data = self._bucket.get(name)
            kept = None if data is None else read_entry(data)
            if kept is None:
                continue  # removed meanwhile, or damaged, which is told where all entries are listed
            entry = kept.entry
            try:
                leads_here = self.name_of(entry.key) == name
            except IntegrityError:
                leads_here = False
            if leads_here:
                yield entry

    def _completed(self, entry: Entry, functions: dict[bytes, FunctionRecord]) -> Entry:
        """Return an entry with its function record and the time of its last use."""
        from dataclasses import replace  # noqa: PLC0415

        record = entry.function
        if not record.fingerprint:
            return entry
        if record.fingerprint not in functions:
            functions[record.fingerprint] = self.record(record) or record
        used = max(entry.used, self._figures.used(entry.key))
        return replace(entry, function=functions[record.fingerprint], used=used)

    # Functions

    def record(self, record: FunctionRecord) -> FunctionRecord | None:
        """Return the stored record of a version; None if there is none, or a damaged one."""
        data = self._bucket.get(layout.function(record))
        return read_function(data) if data is not None else None

    def records(self) -> list[FunctionRecord]:
        """Return every version of every function, newest first."""
        found = []
        for name in self._bucket.names(layout.FUNCTIONS):
            data = self._bucket.get(name)
            record = read_function(data) if data is not None else None
            if record is not None and layout.is_same(layout.function(record), name):
                found.append(record)
        return sorted(found, key=lambda record: record.created, reverse=True)

    def functions(self) -> list[FunctionSummary]:
        """Return every version of every function with its figures, newest first."""
        groups: dict[bytes, list[Entry]] = {}
        for entry in self.visible():
            groups.setdefault(entry.function.fingerprint, []).append(entry)
        return [self._summary(record, groups.get(record.fingerprint, [])) for record in self.records()]

    def _summary(self, record: FunctionRecord, entries: list[Entry]) -> FunctionSummary:
        hits, saved, used = self._figures.of(record.fingerprint)
        return FunctionSummary(
            function=record,
            entries=len(entries),
            size=sum(entry.size for entry in entries),
            cost=sum(entry.cost for entry in entries),
            hits=hits,
            saved=saved,
            used=max([used, record.created, *(entry.used for entry in entries)]),
        )

    # What gc asks

    def weights(self) -> Iterator[tuple[bytes, bytes, int, float, float, float, tuple[bytes, ...]]]:
        """Yield what gc weighs, for every entry; IntegrityError if one cannot be read (I4)."""
        for entry in self.visible():
            if not entry.function.fingerprint:
                raise self._uncertain(entry.key.hex()[:12])
            used = max(entry.used, self._figures.used(entry.key))
            fingerprint = entry.function.fingerprint
            yield entry.key, fingerprint, entry.size, entry.cost, entry.created, used, entry.blobs

    def needed(self) -> set[bytes]:
        """Return the blobs of every entry, whether its key is there yet or not; IntegrityError as for `weights`."""
        needed: set[bytes] = set()
        for name in self._bucket.names(layout.ENTRIES):
            data = self._bucket.get(name)
            if data is None:
                continue
            kept = read_entry(data)
            if kept is None:
                raise self._uncertain(self._bucket.path(name))
            needed.update(kept.entry.blobs)
        return needed

    def _uncertain(self, what: str) -> IntegrityError:
        return IntegrityError(
            f"an entry of {self._bucket.location} cannot be read, so that nobody can tell which blobs it needs: {what}",
            "run `cas fsck --repair`, which drops it, then `cas gc` again",
        )


def _unreadable(key: bytes) -> Entry:
    """Return what stands for an entry that is damaged, so that a check finds it and a repair drops it."""
    nothing = FunctionRecord(b"", "?", "?", ())
    return Entry(key, nothing, b"\x90", "?", b"", True, 0, (), "damaged", 0.0, 0.0, 0.0)
