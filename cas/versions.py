"""The versions of one function as rows: what each holds, and what changed from the one before.

Shared by the commands that show code. Reads manifests, and executes nothing that is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cas.changes import compare, describe
from cas.errors import IntegrityError
from cas.listing import iso
from cas.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cas.changes import Change
    from cas.entry import FunctionRecord, FunctionSummary
    from cas.store import Store


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version of a function.

    Attributes:
        summary: The version, with what the store holds of it.
        manifest: What its code is made of; None if the stored bytes cannot be read.
        older: The version before it; None if it is the first.
        changes: What changed from the version before; None if one of the two cannot be read, or it is the first.
    """

    summary: FunctionSummary
    manifest: Manifest | None
    older: FunctionRecord | None
    changes: list[Change] | None

    @property
    def record(self) -> FunctionRecord:
        """The version itself."""
        return self.summary.function


def version_rows(store: Store, module: str, qualname: str) -> Iterator[VersionRow]:
    """Yield the versions of a function, newest first, those without entries as well."""
    return _rows(_summaries(store, module, qualname))


def version_row(store: Store, record: FunctionRecord) -> VersionRow | None:
    """Return one version, compared with the one before it only; None if it was removed meanwhile."""
    found = _summaries(store, record.module, record.qualname)
    place = next((at for at, summary in enumerate(found) if summary.function.fingerprint == record.fingerprint), None)
    return None if place is None else next(_rows(found[place : place + 2]))


def _summaries(store: Store, module: str, qualname: str) -> list[FunctionSummary]:
    return [s for s in store.functions() if (s.function.module, s.function.qualname) == (module, qualname)]


def _rows(found: list[FunctionSummary]) -> Iterator[VersionRow]:
    manifest = read_manifest(found[0].function) if found else None
    for place, summary in enumerate(found, 1):
        older = found[place].function if place < len(found) else None
        was = None if older is None else read_manifest(older)
        changes = None if manifest is None or was is None else compare(was, manifest)
        yield VersionRow(summary, manifest, older, changes)
        manifest = was


def read_manifest(record: FunctionRecord) -> Manifest | None:
    """Return what a version's code is made of; None if the stored bytes cannot be read."""
    try:
        return Manifest.unpack(record.manifest)
    except IntegrityError:
        return None


def version_json(row: VersionRow) -> dict[str, Any]:
    """Return a version for machines: plain bytes, seconds and ISO times."""
    summary, record = row.summary, row.record
    return {
        "function": record.name,
        "code": record.fingerprint.hex(),
        "parameters": list(record.parameters),
        "created": iso(record.created),
        "entries": summary.entries,
        "size": summary.size,
        "cost": summary.cost,
        "hits": summary.hits,
        "saved": summary.saved,
        "used": iso(summary.used),
        "older": row.older and row.older.fingerprint.hex(),
        "changes": None if row.changes is None else [change_json(change) for change in row.changes],
    }


def code_json(manifest: Manifest) -> list[dict[str, Any]]:
    """Return the ingredients of a version for machines; `links` are places in the list."""
    return [
        found._asdict() | {"digest": found.digest.hex(), "links": [list(link) for link in found.links]}
        for found in manifest
    ]


def change_json(change: Change) -> dict[str, Any]:
    """Return a change for machines, with the lines that a person sees."""
    return {
        "how": change.how,
        "kind": change.ingredient.kind,
        "name": change.ingredient.name,
        "path": list(change.path),
        "lines": describe(change),
    }
