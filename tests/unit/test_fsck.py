"""fsck: every kind of damage is found, named, and mended, and looking changes nothing."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from blake3 import blake3

import cas
from cas import fsck
from cas.fsck import Finding
from tests.deposits import assert_intact, call, flip, function, get, key, large, overwrite, put


@pytest.fixture
def reader(store):
    """Return the same store, opened for reading, as `cas fsck` opens it."""
    put(store, 1, large(1))
    put(store, 2, b"root", (large(2), large(3)))
    put(store, 3, b"small")
    store.close()
    return cas.open(store.location, writable=False)


def edit(store: cas.Store, statement: str, *values: object) -> None:
    """Change the index behind the store's back."""
    store.close()
    with closing(sqlite3.connect(os.path.join(store.location, "index.sqlite"))) as index, index:
        assert index.execute(statement, values).rowcount > 0


def blob_path(store: cas.Store, number: int) -> str:
    """Return where the file of a large blob stands."""
    digest = blake3(large(number)).digest()
    return next(blob.path for blob in store.blobs() if blob.digest == digest)


def found(store: cas.Store) -> set[tuple[str, str]]:
    """Return kind and subject of what there is to find."""
    return {(finding.kind, finding.subject) for finding in fsck.check(store)}


def snapshot(folder: str) -> dict[str, bytes]:
    """Return every file below a folder, but for what SQLite keeps for its readers."""
    return {
        str(path): path.read_bytes()
        for path in Path(folder).rglob("*")
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }


def test_intact_store_has_no_findings(reader):
    """A store as it was written has nothing to find."""
    assert list(fsck.check(reader)) == []


@pytest.mark.parametrize("change", [flip, bytearray.clear, lambda body: body.extend(b"more")])
def test_damaged_blob_is_found_and_mended(store, reader, change):
    """A blob with other bytes is found with the entries that need it; repair drops those and keeps the rest."""
    overwrite(blob_path(store, 2), change)
    digest = blake3(large(2)).hexdigest()
    findings = list(fsck.check(reader))
    assert {(f.kind, f.subject) for f in findings} == {
        (fsck.DAMAGED_BLOB, digest),
        (fsck.DAMAGED_RESULT, key(2).hex()),
    }
    assert all(finding.damage and finding.mendable and finding.detail and finding.mend for finding in findings)
    repaired = fsck.repair(store, findings)
    assert (set(repaired.mended), repaired.left) == (set(findings), ())
    assert store.fetch(key(2)) is None
    assert get(store, 1, always=True) == (large(1), [])
    assert get(store, 3) == (b"small", [])
    assert os.listdir(os.path.join(store.location, "quarantine")) == [digest]
    assert_intact(store)


def test_missing_blob_is_found_and_mended(store, reader):
    """An entry whose blob is gone is found and dropped."""
    os.unlink(blob_path(store, 1))
    assert found(reader) == {(fsck.MISSING_BLOB, key(1).hex())}
    fsck.repair(store, fsck.check(reader))
    assert store.fetch(key(1)) is None
    assert get(store, 2) == (b"root", sorted([large(2), large(3)]))
    assert_intact(store)


def test_damaged_inline_result_is_found_and_mended(store, reader):
    """A result in the index with other bytes than its digest says is found and dropped."""
    edit(store, "UPDATE entries SET body = substr(body, 1, 70) || ? WHERE key = ?", b"smell", key(3))
    assert found(reader) == {(fsck.DAMAGED_RESULT, key(3).hex())}
    fsck.repair(store, fsck.check(reader))
    assert store.fetch(key(3)) is None
    assert get(store, 1) == (large(1), [])
    assert_intact(store)


@pytest.mark.parametrize("signature", [b"\xc1", b"\x91\x01\x02", b"\x92\x01\x02", b"\x07", b""])
def test_damaged_arguments_are_found_and_mended(store, reader, signature):
    """Arguments that are no form, or not one for each parameter, are found, and their entry dropped."""
    edit(store, "UPDATE entries SET signature = ? WHERE key = ?", signature, key(3))
    assert found(reader) == {(fsck.DAMAGED_ARGUMENTS, key(3).hex())}
    fsck.repair(store, fsck.check(reader))
    assert store.fetch(key(3)) is None
    assert_intact(store)


def test_entry_without_function_is_found_and_mended(store, reader):
    """An entry whose function has no record is found and dropped."""
    put(store, 4, record=function(1))
    edit(store, "DELETE FROM functions WHERE fingerprint = ?", function(1).fingerprint)
    assert found(reader) == {(fsck.MISSING_FUNCTION, key(4).hex())}
    fsck.repair(store, fsck.check(reader))
    assert store.fetch(key(4)) is None
    assert_intact(store)


def test_damaged_index_is_told_and_left(store, reader):
    """Damage inside the index is a finding of its own, which repair leaves alone."""
    for number in range(100, 400):
        put(store, number)
    store.close()
    path = os.path.join(store.location, "index.sqlite")

    def scramble(body: bytearray) -> None:
        body[-4096:] = bytes(reversed(body[-4096:]))

    overwrite(path, scramble)
    findings = list(fsck.check(reader))
    assert {finding.kind for finding in findings} == {fsck.DAMAGED_INDEX}
    assert not findings[0].mendable
    assert fsck.repair(store, findings) == fsck.Repaired((), tuple(findings))


def test_orphan_is_information(store, reader):
    """A blob that no entry needs is told, is no damage, and is left to gc."""
    store.forget([key(1)])
    (finding,) = fsck.check(reader)
    assert (finding.kind, finding.subject) == (fsck.ORPHAN, blake3(large(1)).hexdigest())
    assert not finding.damage
    assert fsck.repair(store, [finding]) == fsck.Repaired((), (finding,))
    assert_intact(store)


def test_leftovers_are_found_and_removed(store, reader):
    """What a killed writer left, and foreign files, are found and removed; a living writer's are not."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    temporary = Path(store.location, "temporary")
    (temporary / f"{dead.pid}-1-0").write_bytes(b"half a blob")
    (temporary / f"{os.getpid()}-1-0").write_bytes(b"half a blob")
    foreign = Path(store.location, "blobs", "ab", "notes.txt")
    foreign.parent.mkdir(exist_ok=True)
    foreign.write_text("mine")
    strays = {(fsck.STRAY, str(temporary / f"{dead.pid}-1-0")), (fsck.STRAY, str(foreign))}
    findings = list(fsck.check(reader))
    assert {(f.kind, f.subject) for f in findings} == strays
    assert not any(finding.damage for finding in findings)
    assert len(fsck.repair(store, findings).mended) == 2
    assert not foreign.exists()
    assert (temporary / f"{os.getpid()}-1-0").exists()
    assert list(fsck.check(reader)) == []


def test_looking_changes_nothing(store, reader):
    """A check of a damaged store opened for reading leaves every file as it was."""
    overwrite(blob_path(store, 1), flip)
    edit(store, "UPDATE entries SET body = substr(body, 1, 70) || ? WHERE key = ?", b"smell", key(3))
    before = snapshot(store.location)
    assert len(list(fsck.check(reader))) == 3
    reader.close()
    assert snapshot(store.location) == before


def test_result_that_came_back_is_not_dropped(store, reader):
    """Repair looks again: a result that was computed anew since the check stays."""
    os.unlink(blob_path(store, 1))
    findings = list(fsck.check(reader))
    put(store, 1, large(1))
    fsck.repair(store, findings)
    assert get(store, 1, always=True) == (large(1), [])
    assert_intact(store)


def test_blob_that_came_back_is_not_quarantined(store, reader):
    """A blob that was written anew since the check is left where it is."""
    overwrite(blob_path(store, 1), flip)
    findings = list(fsck.check(reader))
    put(store, 1, large(1))
    fsck.repair(store, findings)
    assert get(store, 1, always=True) == (large(1), [])


def test_repairing_twice_is_harmless(store, reader):
    """Findings that were mended already stay mended."""
    overwrite(blob_path(store, 1), flip)
    findings = list(fsck.check(reader))
    assert fsck.repair(store, findings) == fsck.repair(store, findings)
    assert_intact(store)


def test_repair_that_may_not_write_says_so(store, reader):
    """Repair of a store opened for reading raises ReadOnlyError and changes nothing."""
    os.unlink(blob_path(store, 1))
    findings = list(fsck.check(reader))
    with pytest.raises(cas.ReadOnlyError):
        fsck.repair(reader, findings)
    assert found(reader) == {(fsck.MISSING_BLOB, key(1).hex())}


def test_running_deposit_is_no_damage(store, reader):
    """A result on its way into the store is at most a blob that nothing needs yet."""
    with store.deposit(call(9), 0.0) as deposit:
        deposit.write((large(9),))
        assert {kind for kind, _ in found(reader)} <= {fsck.ORPHAN}
        deposit.commit(cas.Result("tree/1", (b"root",), "", {}))
    assert found(reader) == set()


def test_every_kind_has_a_mend():
    """Each kind of finding says what to do about it."""
    kinds = {value for name, value in vars(fsck).items() if name.isupper() and isinstance(value, str)}
    assert {Finding(kind, "", "").mend for kind in kinds} == set(fsck._MENDS.values())


def test_progress_is_told(store, reader):
    """A check tells how many blobs and entries it has verified."""
    said = []
    list(fsck.check(reader, lambda *what: said.append(what)))
    assert said == [("verifying blobs", 3, 3), ("verifying entries", 3, 3)]
