"""Rows of the index → the frozen values of cas.entry. Only listings and care come here, never a hit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgpack

from cas.entry import Entry, FunctionRecord, FunctionSummary
from cas.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cas.local.index import Index

_FUNCTION = "f.id, f.fingerprint, f.module, f.qualname, f.parameters, f.manifest, f.created"
_RECORDS = f"SELECT {_FUNCTION} FROM functions AS f ORDER BY f.created DESC, f.id DESC"
_SUMMARIES = f"""
SELECT {_FUNCTION}, count(e.id), coalesce(sum(e.size), 0), coalesce(sum(e.cost), 0), f.hits, f.saved,
       max(f.used, coalesce(max(e.used), 0))
FROM functions AS f LEFT JOIN entries AS e ON e.function = f.id GROUP BY f.id ORDER BY f.created DESC, f.id DESC
"""
_WEIGHTS = """
SELECT e.id, e.key, coalesce(f.fingerprint, x''), e.size, e.cost, e.created, e.used, n.digest
FROM entries AS e LEFT JOIN functions AS f ON f.id = e.function LEFT JOIN needs AS n ON n.entry = e.id ORDER BY e.id
"""


class Choice(NamedTuple):
    """Which entries are meant: all that agree with each part that is not None."""

    module: str | None = None
    qualname: str | None = None
    fingerprint: bytes | None = None
    signature: bytes | None = None

    def where(self, index: Index) -> tuple[str, tuple[object, ...]]:
        """Return the clause that chooses them, and its values."""
        clauses, values = [], []
        if (self.module, self.qualname) != (None, None):
            # Their numbers are looked up first: the index of keys then counts a function's entries by itself.
            found = index.rows("SELECT id FROM functions WHERE module = ? AND qualname = ?", self[:2])
            clauses.append(f"e.function IN ({', '.join('?' * len(found))})")
            values += [row[0] for row in found]
        for clause, value in zip(_CLAUSES, self[2:], strict=True):
            if value is not None:
                clauses.append(clause)
                values.append(value)
        return f"WHERE {' AND '.join(clauses)}" if clauses else "", tuple(values)


_CLAUSES = (
    "e.function = (SELECT id FROM functions WHERE fingerprint = ?)",
    "e.signature = ?",
)


def find(index: Index, prefix: str) -> list[bytes]:
    """Return up to ten keys whose hexadecimal form starts with `prefix`."""
    if set(prefix.lower()) - set("0123456789abcdef"):
        raise InvalidInputError(
            f"expected the start of a call key in hexadecimal, found {prefix!r}", "`cas ls` shows the keys"
        )
    if len(prefix) > 64:
        return []
    low, high = (bytes.fromhex(prefix.ljust(64, digit)) for digit in "0f")
    rows = index.rows("SELECT key FROM entries WHERE key BETWEEN ? AND ? LIMIT 10", (low, high))
    return [row[0] for row in rows]


def entries(index: Index, choice: Choice, order: str = "-created") -> Iterator[Entry]:
    """Yield entries in order."""
    ordering = index.order(order)
    return _entries(index, choice, ordering)


def _entries(index: Index, choice: Choice, ordering: str) -> Iterator[Entry]:
    reader = EntryReader(index)
    for row in index.entry_rows(*choice.where(index), ordering):
        yield reader.entry(row)


def count(index: Index, choice: Choice) -> int:
    """Return how many entries there are."""
    where, values = choice.where(index)
    return int(index.rows(f"SELECT count(*) FROM entries AS e {where}", values)[0][0])


class EntryReader:
    """Makes entries of rows; looks up each function record and provenance once."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._functions: dict[int, FunctionRecord] = {}
        self._provenances: dict[int, dict[str, str]] = {}

    def entry(self, row: tuple[Any, ...]) -> Entry:
        """Return the entry of a row as `Index.entry_rows` yields it."""
        _, key, function, signature, codec, digest, inline, size, summary, cost, created, used, origin, needs = row
        return Entry(
            key=key,
            function=self._function(function),
            signature=signature,
            codec=codec,
            digest=digest,
            inline=inline == b"\x01",
            size=size,
            # Read with the row: by a second statement, those of an entry replaced meanwhile would be gone.
            blobs=tuple(sorted(map(bytes.fromhex, (needs or "").split()))),
            summary=summary,
            cost=cost,
            created=created,
            used=used,
            provenance=self._provenance(origin),
        )

    def _function(self, number: int) -> FunctionRecord:
        if number not in self._functions:
            rows = self._index.rows(f"SELECT {_FUNCTION} FROM functions AS f WHERE f.id = ?", (number,))
            self._functions[number] = _record(rows[0]) if rows else FunctionRecord(b"", "?", "?", ())
        return self._functions[number]

    def _provenance(self, number: int) -> dict[str, str]:
        if number not in self._provenances:
            rows = self._index.rows("SELECT body FROM provenances WHERE id = ?", (number,))
            self._provenances[number] = dict(msgpack.unpackb(rows[0][0])) if rows else {}
        return self._provenances[number]


def _record(row: tuple[Any, ...]) -> FunctionRecord:
    _, fingerprint, module, qualname, parameters, manifest, created = row
    return FunctionRecord(fingerprint, module, qualname, tuple(msgpack.unpackb(parameters)), manifest, created)


def records(index: Index) -> list[FunctionRecord]:
    """Return every version of every function, newest first."""
    return [_record(row) for row in index.rows(_RECORDS)]


def summaries(index: Index) -> list[FunctionSummary]:
    """Return every version of every function with its figures, newest first."""
    return [FunctionSummary(_record(row[:7]), *row[7:]) for row in index.rows(_SUMMARIES)]


def weights(index: Index) -> Iterator[tuple[bytes, bytes, int, float, float, float, tuple[bytes, ...]]]:
    """Yield what gc weighs; rows of one entry, one for each blob it needs, are folded into one."""
    current: tuple[Any, ...] | None = None
    blobs: list[bytes] = []
    for row in index.stream(_WEIGHTS):
        if current is None or row[0] != current[0]:
            if current is not None:
                yield (*current[1:7], tuple(blobs))
            current, blobs = row, []
        if row[7] is not None:
            blobs.append(row[7])
    if current is not None:
        yield (*current[1:7], tuple(blobs))
