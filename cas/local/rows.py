"""Rows of the index → the frozen values of cas.entry. Only listings and care come here, never a hit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgpack

from cas.entry import Entry, FunctionRecord, FunctionSummary

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
