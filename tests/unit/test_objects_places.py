"""The file systems and the company that a shared folder finds itself in: cases, short names, groups, other programs."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile

import pytest

import cas
from cas import fsck
from cas.objects import layout
from cas.objects.folder import FolderBucket
from cas.objects.store import ObjectStore, Shared
from tests.deposits import FUNCTION, assert_intact, function, get, key, large, put


def over(bucket: FolderBucket, grace: float = 0.0) -> ObjectStore:
    """Return a store over a bucket."""
    store = ObjectStore(Shared(bucket), "file:///x", writable=True, grace=grace)
    store.create()
    return store


class Folding(FolderBucket):
    """A folder in which upper and lower case are one, and names keep the case they were made with."""

    def path(self, name: str) -> str:
        """Return the path of what is there under that name in any case."""
        path = self.location
        for part in name.split("/"):
            found = os.listdir(path) if os.path.isdir(path) else []
            path = os.path.join(path, next((there for there in found if there.lower() == part.lower()), part))
        return path


def test_names_that_differ_in_case_alone(tmp_path):
    """Where upper and lower case are one, a repair removes no function beside one of another case."""
    store = over(Folding(str(tmp_path)))
    small, tall = function(0, "analysis", "spectrum"), function(1, "Analysis", "Spectrum")
    put(store, 1, large(1), record=small)
    put(store, 2, large(2), record=tall)
    put(store, 3, b"three", record=small)
    assert list(store.strays()) == []
    assert {record.fingerprint for record in store.records()} == {small.fingerprint, tall.fingerprint}
    assert len(list(store.entries("analysis", "spectrum"))) == 2
    assert len(list(store.entries("Analysis", "Spectrum"))) == 1
    assert sorted(summary.entries for summary in store.functions()) == [1, 2]
    assert_intact(store)
    assert get(store, 1) == (large(1), [])
    assert get(store, 2) == (large(2), [])


class Short(FolderBucket):
    """A folder that takes names of up to 143 bytes, as eCryptfs does."""

    def _rename(self, source, name, others):
        """Refuse a name that is too long."""
        if len(name.rpartition("/")[2].encode()) > 143:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), name)
        return super()._rename(source, name, others)


def test_file_system_of_short_names(tmp_path):
    """Where the arguments are too long for a file name, the entry stands under a name without them."""
    store = over(Short(str(tmp_path)))
    record = cas.FunctionRecord(FUNCTION.fingerprint, "analysis", "spectrum", ("text",))
    import msgpack

    long = cas.Call(key(1), record, msgpack.packb(["word " * 60]))
    for body in (b"one", b"two"):
        with store.deposit(long, 0.0) as deposit:
            deposit.commit(cas.Result("tree/1", (body,), ""))
        assert store.fetch(key(1))[2] == body
    assert len(list(store.bucket.names(layout.ENTRIES))) == 1
    assert_intact(store)


def mode(path: str) -> int:
    """Return the permission bits of a file or folder."""
    return os.stat(path).st_mode & 0o777


@pytest.mark.parametrize(
    ("shared", "folders", "texts", "blobs"),
    [
        (0o775, 0o775, 0o664, 0o444),
        (0o770, 0o770, 0o660, 0o440),
        (0o777, 0o777, 0o666, 0o444),
        (0o755, 0o700, 0o600, 0o400),
    ],
)
def test_a_group_shares_what_its_folder_says(tmp_path, shared, folders, texts, blobs):
    """In a folder that a group may write to, all of it may be read and added to by the group, whatever the umask."""
    root = tmp_path / "store"
    root.mkdir()
    root.chmod(shared)
    program = (
        "import os, cas; from tests.deposits import *; os.umask(0o077)\n"
        f"store = cas.open('file://{root}'); put(store, 1, large(1))\n"
        "store.record_hits(FUNCTION.fingerprint, 1, 1.0, [])"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=os.getcwd())
    found = {str(path.relative_to(root)): path for path in root.rglob("*")}
    assert {mode(path) for path in found.values() if path.is_dir()} == {folders}
    assert {mode(path) for name, path in found.items() if path.is_file() and "blobs" not in name} == {texts}
    assert {mode(path) for name, path in found.items() if path.is_file() and "blobs" in name} == {blobs}


def test_two_users_of_one_group(tmp_path):
    """What one user stored, another of the group is served, replaces, repairs and sweeps."""
    with tempfile.TemporaryDirectory() as folder:  # pytest keeps other users out of its own folders
        os.chmod(folder, 0o755)
        share(os.path.join(folder, "store"), str(tmp_path))


def share(root: str, scratch: str) -> None:
    """Let two users take turns in a shared store."""
    os.mkdir(root)
    if os.geteuid() == 0:
        os.chown(root, 12001, 12345)
    os.chmod(root, 0o2770)
    program = (
        "import os, sys, cas; from cas import fsck, gc; from tests.deposits import *\n"
        # Loads all modules, which another user may not be able to read.
        f"store = cas.open(f'file://{scratch}/{{os.getpid()}}?grace=0s'); put(store, 1, large(1)); put(store, 2)\n"
        "store.forget([key(1)]); gc.execute(store, gc.plan(store)); assert_intact(store); get(store, 2)\n"
        "os.umask(0o077)\n"
        "if os.geteuid() == 0:  # who is not root is one user all the time\n"
        "    os.setgroups([12345]); os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))\n"
        f"store = cas.open('file://{root}?grace=0s')\n"
    )

    def act(user: int, deeds: str) -> None:
        subprocess.run([sys.executable, "-c", program + deeds, str(user)], check=True, cwd=os.getcwd())

    act(12001, "put(store, 1, large(1), cost=1.0); put(store, 2, b'small', (large(2),))")
    act(12002, "assert get(store, 1) == (large(1), []); put(store, 1, b'mine'); put(store, 3, b'x', (large(2),))")
    act(12001, "assert get(store, 1) == (b'mine', []); store.forget([key(2)]); gc.execute(store, gc.plan(store))")
    act(12002, "assert get(store, 3) == (b'x', [large(2)]); assert_intact(store); assert store.count() == 2")


def test_other_programs_in_the_folder(tmp_path):
    """What a file system or a desktop keeps in a folder hinders no new store, and no repair touches it."""
    for name in (".snapshot", "lost+found"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "v1").write_text("theirs")
    (tmp_path / ".DS_Store").write_text("theirs")
    store = cas.open(f"file://{tmp_path}?grace=0s")
    put(store, 1, large(1))
    silly = os.path.join(os.path.dirname(store.open_blob(store.entry(key(1)).digest).path), ".nfs0000000000000001")
    with open(silly, "w") as file:
        file.write("removed, and open elsewhere")
    assert list(store.strays()) == []
    assert fsck.repair(store, fsck.check(store)).mended == ()
    assert os.path.exists(silly)
    assert sorted(os.listdir(tmp_path)) == [".DS_Store", ".snapshot", "FORMAT", "lost+found", "temporary", "v1"]


def test_stale_handles(tmp_path, monkeypatch):
    """A file that another host replaced under a call, as NFS tells it, is one that is gone."""
    store = over(FolderBucket(str(tmp_path)))
    put(store, 1, large(1))
    bucket, name = store.bucket, layout.blob(store.entry(key(1)).digest)

    def stale(*args, **options):
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    for call_of, deed in (("utime", lambda: bucket.renew(name)), ("unlink", lambda: bucket.delete(name))):
        with monkeypatch.context() as patch:
            patch.setattr(os, call_of, stale)
            assert not deed()
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", stale)
        assert bucket.move(name, "quarantine/x") is False
        assert bucket.delete_old(name, 1e11) == 0
    assert get(store, 1, always=True) == (large(1), [])


class Stale(FolderBucket):
    """A folder that shows half of an object at its first reading, as some network file systems do of one replaced."""

    shown: frozenset[str] = frozenset()

    def get(self, name):
        """Return the first half, then the whole."""
        body = super().get(name)
        if name in self.shown or body is None or not name.startswith((layout.ENTRIES, layout.KEYS)):
            return body
        self.shown |= {name}
        return body[: len(body) // 2]


def test_half_of_a_replaced_object(tmp_path):
    """An entry or key that looks damaged only at first is served, and stays where it is."""
    put(over(FolderBucket(str(tmp_path))), 1, large(1))
    store = over(Stale(str(tmp_path)))
    digest = store.fetch(key(1))[1]
    assert store.entry(key(1)).digest == digest
    assert get(store, 1) == (large(1), [])
    assert list(store.bucket.names(layout.QUARANTINE)) == []


class Dying(FolderBucket):
    """A folder whose process dies as soon as a sweep has taken something aside."""

    def move(self, name, to):
        """Move, and die."""
        super().move(name, to)
        raise KeyboardInterrupt


@pytest.mark.parametrize("reader", ["hit", "check", "repair"])
def test_sweep_that_dies_halfway(tmp_path, reader):
    """A blob that a sweep had taken aside when it died is found there by an entry that needs it by now."""
    store = over(FolderBucket(str(tmp_path)))
    put(store, 1, large(1))
    digest = store.entry(key(1)).digest
    with pytest.raises(KeyboardInterrupt):
        Dying(str(tmp_path)).delete_old(layout.blob(digest), 1e11)
    assert store.bucket.look(layout.blob(digest)) is None
    if reader == "repair":
        (stray,) = [path for path in store.bucket.names("") if path.startswith(layout.TEMPORARY)]
        moved = stray.replace(f"/{os.getpid()}-", "/999999999-")
        store.bucket.move(stray, moved)
        store.remove_stray(store.bucket.path(moved))
        assert store.bucket.look(layout.blob(digest)) is not None
    if reader == "check":
        assert [finding for finding in fsck.check(store) if finding.damage] == []
    assert get(store, 1, always=True) == (large(1), [])
    assert list(store.bucket.names(layout.TEMPORARY)) == []


def test_check_that_dies_halfway(tmp_path):
    """A whole blob that a reader took aside to look at it again comes back when it is needed."""
    put(over(FolderBucket(str(tmp_path))), 1, large(1))
    store = over(Dying(str(tmp_path)))
    digest = store.entry(key(1)).digest
    with pytest.raises(KeyboardInterrupt):
        store.blob_files.quarantine(digest, unless_whole=True)
    assert get(over(FolderBucket(str(tmp_path))), 1) == (large(1), [])


@pytest.mark.parametrize("name", ["caf\udce9", "a?b#c%41", "tab\tnew\nline", "两"])
def test_folder_of_any_name(tmp_path, name):
    """A shared store may stand in a folder of any name, also one that is no UTF-8, and is sent between processes."""
    import pickle
    from urllib.parse import quote

    store = cas.open(f"file://{quote(os.fsencode(tmp_path / name))}")
    put(store, 1)
    assert os.path.exists(os.path.join(os.fsencode(tmp_path / name), b"FORMAT"))
    assert pickle.loads(pickle.dumps(store)) is store
    from cas import bundle

    assert bundle.open_source(str(tmp_path / name)).count() == 1


def test_lost_format(tmp_path):
    """A store of which only `v1` was copied is read as it is, and gets its FORMAT back when opened for writing."""
    source = cas.open(f"file://{tmp_path}/store")
    put(source, 1, large(1))
    os.rename(tmp_path / "store" / "v1", tmp_path / "v1")
    place = f"file://{tmp_path}"
    (tmp_path / "store" / "FORMAT").unlink()
    (tmp_path / "store" / "temporary").rmdir()
    (tmp_path / "store").rmdir()
    reader = cas.open(place, create=False, writable=False)
    reader.require_present()
    assert get(reader, 1) == (large(1), [])
    assert os.listdir(tmp_path) == ["v1"]
    assert get(cas.open(place, create=False), 1) == (large(1), [])
    assert (tmp_path / "FORMAT").read_text() == layout.FORMAT_TEXT


def test_inner_folder_is_named(tmp_path):
    """Who names the folder `v1` of a store is told to name the one above it."""
    put(cas.open(f"file://{tmp_path}/store"), 1)
    with pytest.raises(cas.InvalidInputError) as refused:
        cas.open(f"file://{tmp_path}/store/v1")
    assert refused.value.hint == f"name the folder that holds v1: {tmp_path}/store"


def test_containers_of_one_host_name(tmp_path):
    """Of containers with one host name, each leaves the unfinished files of the others alone."""
    one, other = FolderBucket(str(tmp_path)), FolderBucket(str(tmp_path), space="pid:[1]")
    name = other._temporary()
    assert (other.is_leftover(name), one.is_leftover(name)) == (False, None)
