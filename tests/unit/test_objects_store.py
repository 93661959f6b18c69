"""The shared store: damage is found, half of an entry is none, young blobs stay, forks work."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import threading
import time

import pytest
from blake3 import blake3

import cas
from cas import fsck, gc
from cas.objects import layout
from cas.objects.figures import Figures
from cas.objects.folder import FolderBucket
from cas.objects.store import ObjectStore, Shared
from tests.deposits import FUNCTION, LARGE, assert_intact, call, flip, forked, function, get, key, large, put


@pytest.fixture(params=["folder", "memory"])
def store(request, tmp_path):
    """Return a new shared store, whose sweeps wait for nothing."""
    return cas.open(f"{'file' if request.param == 'folder' else 'memory'}://{tmp_path}/store?grace=0s")


@pytest.fixture
def folder(tmp_path):
    """Return a new shared store in a folder."""
    return cas.open(f"file://{tmp_path}/store?grace=0s")


def digest(number: int) -> bytes:
    """Return the digest of a large blob."""
    return blake3(large(number)).digest()


def change(store, name: str, bit: int) -> None:
    """Flip one bit of an object."""
    body = bytearray(store.bucket.get(name))
    flip(body, bit)
    store.bucket.put(name, (memoryview(body),))


def names(store, prefix: str = "") -> list[str]:
    """Return the names of objects, sorted."""
    return sorted(store.bucket.names(prefix))


# What a person finds


def test_layout_is_what_a_person_can_use(folder):
    """The objects stand under decodable names, and an array is a file that any tool opens."""
    import io

    import numpy as np

    file = io.BytesIO()
    np.save(file, np.arange(3))
    with folder.deposit(call(7), 0.5) as deposit:
        deposit.commit(cas.Result("npy/1", (file.getvalue(),), "int64[3]", {"host": "here"}))
    key_hex, code = key(7).hex(), FUNCTION.fingerprint.hex()
    entry = f"v1/entries/analysis/spectrum/{code[:16]}/{key_hex[:40]}.number=7.json"
    blob = layout.blob(blake3(file.getvalue()).digest())
    assert names(folder) == sorted(
        ["FORMAT", entry, blob, f"v1/keys/{key_hex[:2]}/{key_hex}", f"v1/functions/analysis/spectrum/{code}.json"]
    )
    with open(os.path.join(folder.bucket.location, entry)) as text:
        assert json.load(text)["file"] == blob
    assert np.load(os.path.join(folder.bucket.location, blob)).tolist() == [0, 1, 2]
    assert folder.fetch(key(7))[2] is None
    assert folder.entry(key(7)).blobs == (blake3(file.getvalue()).digest(),)


def test_small_form_stands_in_its_entry(store):
    """A small result of a codec whose bytes are no file of other tools needs no file of its own."""
    put(store, 1, b"small")
    assert names(store, layout.BLOBS) == []
    assert store.fetch(key(1))[2] == b"small"


def test_counts_and_prefixes_need_no_bodies(store):
    """How many entries there are and which keys begin so is told from names: also of entries that are damaged."""
    for number in range(3):
        put(store, number)
        name = store.catalogue.name_of(key(number))
        store.bucket.put(name, (memoryview(b""),))
    assert (store.count(), store.count("analysis", "spectrum"), store.count("analysis", "other")) == (3, 3, 0)
    assert store.find(key(1).hex()) == [key(1)]


# Damage


def spots(store) -> list[tuple[str, int]]:
    """Return the name of each object of an entry with bits at its start, in its middle and at its end."""
    found = []
    for name in names(store, "v1/"):
        if not name.startswith((layout.FUNCTIONS, layout.USED_KEYS)):
            size = 8 * store.bucket.look(name).size
            found += [(name, bit) for bit in (0, size // 3, size // 2, size - 1)]
    return found


@pytest.mark.parametrize("body", [b"small", large(1)])
def test_flipped_bit_is_found_by_a_hit(tmp_path, body):
    """A flipped bit in entry, key or blob ends in an IntegrityError and quarantine, then a miss, never a value."""
    for place in range(12):
        store = cas.open(f"file://{tmp_path}/{place}?grace=0s")
        put(store, 1, body)
        put(store, 2, b"other")
        chosen = [spot for spot in spots(store) if key(2).hex()[:40] not in spot[0]]
        name, bit = chosen[place % len(chosen)]
        change(store, name, bit)
        with pytest.raises(cas.IntegrityError) as damaged:
            get(store, 1)
        assert damaged.value.hint
        assert os.listdir(os.path.join(store.bucket.location, "quarantine"))
        if store.fetch(key(1)) is not None:
            with pytest.raises(cas.NotFoundError):
                store.open_blob(blake3(body).digest())
        assert get(store, 2) == (b"other", [])
        put(store, 1, body)
        assert get(store, 1, always=True) == (body, [])
        assert_intact(store)


@pytest.mark.parametrize("body", [b"small", large(1)])
def test_flipped_bit_is_found_by_fsck(store, body):
    """A check finds a flipped bit in every object of an entry, and a repair leaves what is whole."""
    put(store, 1, body)
    put(store, 2, b"other")
    for name, bit in spots(store):
        if key(2).hex()[:40] in name:
            continue
        change(store, name, bit)
        found = list(fsck.check(store))
        assert any(finding.damage for finding in found), (name, bit)
        fsck.repair(store, found)
        assert_intact(store)
        assert get(store, 2) == (b"other", [])
        put(store, 1, body)
        assert get(store, 1, always=True) == (body, [])


def test_reader_finds_damage_and_changes_nothing(folder, tmp_path):
    """A store open for reading raises at damage and leaves it where it is."""
    put(folder, 1)
    change(folder, folder.catalogue.name_of(key(1)), 100)
    before = names(folder)
    reader = cas.open(f"file://{tmp_path}/store?grace=0s", writable=False)
    for _ in range(2):
        with pytest.raises(cas.IntegrityError):
            reader.fetch(key(1))
    assert [finding.kind for finding in fsck.check(reader)][:1] == [fsck.DAMAGED_RESULT]
    assert names(folder) == before


def test_unreadable_entry_ends_a_sweep(store):
    """While an entry cannot be read, nobody knows what it needs, and neither plan nor sweep removes a thing (I4)."""
    put(store, 1, large(1))
    put(store, 2, large(2))
    store.forget([key(2)])
    change(store, store.catalogue.name_of(key(1)), 50)
    with pytest.raises(cas.IntegrityError) as refused:
        gc.plan(store)
    assert "fsck --repair" in refused.value.hint
    with pytest.raises(cas.IntegrityError):
        store.sweep([digest(2)])
    assert len(names(store, layout.BLOBS)) == 2


def test_entry_under_another_name_is_not_served(store):
    """A whole entry that somebody copied over another's is damage, not a result."""
    put(store, 1, b"one")
    put(store, 2, b"two")
    body = store.bucket.get(store.catalogue.name_of(key(2)))
    store.bucket.put(store.catalogue.name_of(key(1)), (memoryview(body),))
    with pytest.raises(cas.IntegrityError):
        store.fetch(key(1))
    assert store.fetch(key(1)) is None
    assert get(store, 2) == (b"two", [])


def test_damaged_function_record_is_written_again(store):
    """A damaged record costs its manifest until the next deposit of that version; entries stay."""
    put(store, 1)
    change(store, layout.function(FUNCTION), 99)
    assert store.entry(key(1)).function.name == "analysis.spectrum"
    assert store.entry(key(1)).function.manifest == b""
    assert store.records() == []
    put(store, 2)
    assert store.entry(key(1)).function.manifest == FUNCTION.manifest


def test_whole_blob_comes_back_from_quarantine(store):
    """What another host stored again since it was found damaged is not lost."""
    put(store, 1, large(1))
    store.blob_files.quarantine(digest(1), unless_whole=True)
    assert get(store, 1) == (large(1), [])
    store.writer.put_aside(key(1))
    assert get(store, 1) == (large(1), [])


# Order and durability


class Recording(FolderBucket):
    """A folder that remembers what was done in which order."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.done: list[str] = []

    def put_all(self, objects, durable=False):
        """Put and remember."""
        super().put_all(objects, durable)
        self.done += [f"put {name.split('/')[1]}" for name, _ in objects]

    def delete(self, name):
        """Remove and remember."""
        self.done.append(f"delete {name.split('/')[1]}")
        return super().delete(name)


def test_order_of_writing_and_removal(tmp_path):
    """Blobs come first and the key last; the key goes first and the entry after it (I3)."""
    bucket = Recording(str(tmp_path))
    store = ObjectStore(Shared(bucket), "file:///x", writable=True, grace=0.0)
    with open(tmp_path / layout.FORMAT, "w") as file:
        file.write(layout.FORMAT_TEXT)
    put(store, 1, large(1), (large(2),))
    assert bucket.done == ["put blobs", "put blobs", "put functions", "put entries", "put keys"]
    bucket.done.clear()
    store.forget([key(1)])
    assert bucket.done[:2] == ["delete keys", "delete entries"]


def test_costly_results_are_fsynced(folder, monkeypatch):
    """A result that cost more than an fsync is on the disk with its names once it is committed (I10), others not."""
    synced = set()
    real = os.fsync

    def fsync(file: int) -> None:
        synced.add(os.fstat(file).st_ino)
        real(file)

    monkeypatch.setattr(os, "fsync", fsync)
    put(folder, 1, large(1), cost=0.0)
    assert synced == set()
    put(folder, 2, large(2), cost=1.0)
    for name in (layout.blob(digest(2)), layout.key(key(2)), folder.catalogue.name_of(key(2))):
        path = folder.bucket.path(name)
        assert os.stat(path).st_ino in synced
        assert os.stat(os.path.dirname(path)).st_ino in synced
    assert os.stat(folder.bucket.path("v1/blobs")).st_ino in synced


# Halves


def test_entry_without_key_is_a_stray(store):
    """What a writer left that died before the key is neither served nor listed, and goes with a repair (I3)."""
    put(store, 1, large(1))
    store.bucket.delete(layout.key(key(1)))
    assert store.fetch(key(1)) is None
    assert (list(store.entries()), store.count(), store.count("analysis", "spectrum")) == ([], 0, 0)
    assert list(store.entries("analysis", "spectrum")) == []
    (stray,) = store.strays()
    assert key(1).hex()[:40] in stray
    assert store.sweep([digest(1)]) == 0
    assert_intact(store)
    assert names(store, layout.ENTRIES) == names(store, layout.BLOBS) == []


def test_key_without_entry_is_a_stray(store):
    """A key that leads nowhere is a miss."""
    put(store, 1)
    store.bucket.delete(store.catalogue.name_of(key(1)))
    assert store.fetch(key(1)) is None
    assert list(store.entries()) == []
    with pytest.raises(cas.NotFoundError):
        store.entry(key(1))
    (stray,) = store.strays()
    assert stray.endswith(key(1).hex())
    put(store, 1)
    store.remove_stray(stray)
    assert get(store, 1) == (b"small", [])
    assert_intact(store)


def test_half_that_is_young_is_left_alone(tmp_path):
    """Within the grace period a half may be another host's, whose other half is on its way."""
    store = cas.open(f"file://{tmp_path}/store?grace=1h")
    put(store, 1)
    store.bucket.delete(layout.key(key(1)))
    assert list(store.strays()) == []
    name = next(store.bucket.names(layout.ENTRIES))
    store.remove_stray(store.bucket.path(name))
    assert store.bucket.get(name) is not None
    os.utime(store.bucket.path(name), (0, 0))
    assert list(store.strays()) == [store.bucket.path(name)]


def test_entry_that_an_older_cas_named_otherwise(store):
    """A call that is stored again under another alias leaves no second entry."""
    put(store, 1, b"old")
    name = store.catalogue.name_of(key(1))
    former = name.replace("number=1", "n=1")
    store.bucket.move(name, former)
    from cas.objects.records import write_pointer

    store.bucket.put(layout.key(key(1)), (memoryview(write_pointer(key(1), former)),))
    assert get(store, 1) == (b"old", [])
    put(store, 1, b"new")
    assert names(store, layout.ENTRIES) == [name]
    assert get(store, 1) == (b"new", [])


# Grace


def test_young_blobs_are_not_swept(tmp_path):
    """A blob that nobody needs stays for the grace period, by the clock of the file system."""
    store = cas.open(f"file://{tmp_path}/store")
    put(store, 1, large(1))
    store.forget([key(1)])
    assert store.sweep([digest(1)]) == 0
    path = store.open_blob(digest(1)).path
    os.utime(path, (time.time() - 86300, time.time() - 86300))
    assert store.sweep([digest(1)]) == 0
    os.utime(path, (time.time() - 86500, time.time() - 86500))
    assert store.sweep([digest(1)]) == LARGE


def test_deposit_makes_an_old_blob_young(tmp_path):
    """A deposit that finds a blob of another process keeps it from sweeps that began before."""
    url = f"file://{tmp_path}/store?grace=1h"
    store = cas.open(url)
    put(store, 1, large(1))
    store.forget([key(1)])
    path = store.open_blob(digest(1)).path
    os.utime(path, (0, 0))
    inode = os.stat(path).st_ino
    program = f"import cas; from tests.deposits import *; put(cas.open({url!r}), 2, large(1))"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=os.getcwd())
    store.forget([key(2)])
    assert store.sweep([digest(1)]) == 0
    assert os.stat(path).st_mtime > time.time() - 60
    assert os.stat(path).st_ino == inode  # touched, not replaced, under the maps of other hosts


def test_sweep_of_another_host_spares_a_running_deposit(tmp_path):
    """An old blob that a deposit found in place is safe from other hosts before its entry is there (I4)."""
    url = f"file://{tmp_path}/store?grace=1h"
    store = cas.open(url)
    put(store, 1, large(1))
    store.forget([key(1)])
    os.utime(store.open_blob(digest(1)).path, (0, 0))
    store.close()
    program = (
        "import sys, cas; from tests.deposits import *; from blake3 import blake3\n"
        f"store = cas.open({url!r})\n"
        "with store.deposit(call(2), 0.0) as deposit:\n"
        "    deposit.write((large(1),))\n"
        "    print(flush=True); sys.stdin.readline()\n"
        "    deposit.commit(cas.Result('tree/1', (b'root',), ''))\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", program], cwd=os.getcwd(), **pipes) as other:
        other.stdout.readline()
        assert store.sweep([digest(1)]) == 0
        other.communicate("go\n")
    assert get(store, 2, always=True) == (b"root", [large(1)])


def test_long_deposit_keeps_its_blobs_young(tmp_path, monkeypatch):
    """A deposit that has been under way for most of the grace period makes its blobs young before its entry."""
    store = cas.open(f"file://{tmp_path}/store?grace=1h")
    with store.deposit(call(1), 0.0) as deposit:
        deposit.write((large(1),))
        os.utime(store.open_blob(digest(1)).path, (0, 0))
        now = time.monotonic()
        monkeypatch.setattr("cas.objects.blobs.time.monotonic", lambda: now + 2000)
        deposit.commit(cas.Result("tree/1", (b"root",), ""))
    assert os.stat(store.open_blob(digest(1)).path).st_mtime > time.time() - 60


def test_swept_blob_that_became_young_goes_back(folder):
    """A blob that is renewed between the look and the removal is put back (I4)."""
    put(folder, 1, large(1))
    before = folder.bucket.now()
    os.utime(folder.open_blob(digest(1)).path, (before + 5, before + 5))
    assert folder.blob_files.remove(digest(1), before) == 0
    assert get(folder, 1, always=True) == (large(1), [])


# Figures


def test_figures_of_many_processes_are_folded(folder):
    """Sums of many processes add up, also while and after they are folded into one object."""
    put(folder, 1)
    for _ in range(150):
        Figures(folder.bucket).record(FUNCTION.fingerprint, 2, 0.5, [])
    (summary,) = folder.functions()
    assert (summary.hits, summary.saved) == (300, 75.0)
    assert len(names(folder, layout.USED_FUNCTIONS)) < 70


def test_figures_that_stand_twice_count_once(folder):
    """A folding that died before it removed what it folded counts nothing twice."""
    put(folder, 1)
    folder.record_hits(FUNCTION.fingerprint, 3, 1.0, [key(1)])
    name = next(folder.bucket.names(layout.USED_FUNCTIONS))
    twin = f"{layout.figures(FUNCTION.fingerprint)}{'f' * 32}"
    folder.bucket.put(twin, (memoryview(folder.bucket.get(name)),))
    folder.record_hits(FUNCTION.fingerprint, 1, 1.0, [])
    assert folder.functions()[0].hits == 4
    assert_intact(folder)


# Opening


def test_location_gives_the_same_store(tmp_path):
    """A location is one store in a process, whatever its grace; its pickle is its location."""
    store = cas.open(f"file://{tmp_path}/a b%2Fc")
    assert store is cas.open(f"file://localhost{tmp_path}/a%20b%2Fc")
    assert store.location == f"file://{tmp_path}/a%20b/c"
    assert cas.open(store.location) is store
    assert pickle.loads(pickle.dumps(store)) is store
    short = cas.open(f"file://{tmp_path}/a b/c?grace=90min")
    assert (short.location, short.grace) == (f"{store.location}?grace=5400s", 5400.0)
    assert pickle.loads(pickle.dumps(short)) is short
    assert short.claim(key(1))._claims is store.claim(key(1))._claims


def test_absent_store_is_not_found(tmp_path):
    """A store that is not there is not made for reading, or unasked."""
    for scheme in ("file", "memory"):
        for asked in ({"writable": False}, {"create": False}):
            with pytest.raises(cas.NotFoundError):
                cas.open(f"{scheme}://{tmp_path}/none", **asked)
    assert os.listdir(tmp_path) == []


def test_foreign_folder_is_refused(tmp_path):
    """A folder of something else, a store of this machine and a newer store are refused with the mend."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    cas.open(tmp_path / "plain")
    cas.open(f"file://{tmp_path}/newer")
    (tmp_path / "newer" / "FORMAT").write_text("cas objects, format 2\n")
    (tmp_path / "file").write_text("x")
    for name, seen in (("mine", "thesis"), ("plain", "cas store"), ("newer", "format 2"), ("file", "file")):
        with pytest.raises(cas.InvalidInputError, match=seen) as refused:
            cas.open(f"file://{tmp_path}/{name}")
        assert refused.value.hint
    assert os.listdir(tmp_path / "mine") == ["thesis.tex"]


@pytest.mark.parametrize(
    "url", ["file://host/x", "file://", "memory://", "s3://bucket/x", "file:///x?grace", "file:///x?a=1"]
)
def test_senseless_url_is_refused(url):
    """A URL that names no store is an error with a hint."""
    with pytest.raises(cas.InvalidInputError) as refused:
        cas.open(url)
    assert refused.value.hint


def test_store_deleted_under_a_running_process(folder):
    """A store whose folder is deleted is empty, and made again by the next deposit."""
    import shutil

    put(folder, 1, large(1))
    shutil.rmtree(folder.bucket.location)
    assert folder.fetch(key(1)) is None
    assert (folder.count(), list(folder.entries()), folder.records()) == (0, [], [])
    put(folder, 1, large(1))
    assert get(folder, 1) == (large(1), [])
    assert folder.entry(key(1)).function.manifest == FUNCTION.manifest
    assert_intact(folder)


# Forks, threads


def test_forked_child_works(store):
    """A child of a process that used the store reads and writes it, beside threads that use it in the parent."""
    put(store, 1, large(1))
    store.record_hits(FUNCTION.fingerprint, 1, 1.0, [key(1)])
    ended = threading.Event()

    def busy() -> None:
        while not ended.is_set():
            put(store, 5, large(5))

    thread = threading.Thread(target=busy)
    if store.location.startswith("file:"):
        thread.start()  # the memory of a child is a copy, which a writing thread may leave half done

    def child() -> None:
        assert get(store, 1, always=True) == (large(1), [])
        put(store, 2, large(2), (b"child",), record=function(1))
        with store.claim(key(1)):
            assert get(store, 2, always=True) == (large(2), [b"child"])
        store.record_hits(FUNCTION.fingerprint, 2, 1.0, [])
        assert {entry.key for entry in store.entries()} >= {key(1), key(2)}
        store.sweep([digest(1)])

    try:
        with store.claim(key(1)):
            assert [forked(child) for _ in range(5)] == [0] * 5
    finally:
        ended.set()
        if thread.ident:
            thread.join()
    if store.location.startswith("file:"):
        assert get(store, 2) == (large(2), [b"child"])
        assert {s.function.fingerprint: s.hits for s in store.functions()}[FUNCTION.fingerprint] == 11
    assert get(store, 1, always=True) == (large(1), [])
    assert_intact(store)


def test_copies_of_a_memory_are_cleared(tmp_path):
    """The files that a store in memory made for reading are gone when it is closed."""
    store = cas.open(f"memory://{tmp_path}")
    put(store, 1, large(1))
    path = store.open_blob(digest(1)).path
    store.close()
    assert not os.path.exists(path)
    assert get(store, 1) == (large(1), [])
    store.close()


def test_threads_on_few_keys(store):
    """Threads that store, forget and sweep the same keys at once never meet a wrong or half result."""
    failed = []
    bodies = {(b"root", (large(number),)) for number in range(3)}

    def live(seed: int) -> None:
        try:
            for turn in range(40):
                number = (seed + turn) % 3
                put(store, number, b"root", (large(number),))
                try:
                    found = get(store, (number + 1) % 3, always=True)
                except (cas.NotFoundError, FileNotFoundError):
                    found = None  # forgotten and swept between two reads
                assert found is None or (found[0], tuple(found[1])) in bodies
                store.forget([key((number + seed) % 3)])
                store.sweep([blob.digest for blob in store.blobs()])
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=live, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert_intact(store)
