"""The buckets of a shared store: what is put is there whole, under any name that an alias can have."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import cas
from cas.objects.folder import FolderBucket
from cas.objects.layout import TEMPORARY
from cas.objects.remote import RemoteBucket, memory

NAMES = [
    "FORMAT",
    "v1/blobs/00/00ff",
    "v1/entries/a/b/c/hash.x=1.5,y=%7Bé 中.json",
    "v1/entries/a/b%3Clocals%3E/c/~cut.json",
    "v1/entries/a/" + "n" * 240,
]


def over_folder(path) -> RemoteBucket:
    """Return a bucket over obstore's own store of local files."""
    from obstore.store import LocalStore

    return RemoteBucket("obstore://", LocalStore(path, mkdir=True))


@pytest.fixture(params=["folder", "memory", "obstore"])
def bucket(request, tmp_path):
    """Return a new, empty bucket."""
    if request.param == "memory":
        return RemoteBucket("memory://x", memory())
    return FolderBucket(str(tmp_path / "b")) if request.param == "folder" else over_folder(tmp_path / "b")


def put(bucket, name, *parts):
    """Put an object."""
    bucket.put(name, tuple(map(memoryview, parts)))


def test_objects_come_back(bucket):
    """An object put in parts comes back joined, under any name; a later one replaces it."""
    for name in NAMES:
        put(bucket, name, b"old")
        put(bucket, name, b"a", b"", b"bc")
        assert bucket.get(name) == b"abc"
        assert bucket.look(name).size == 3
    assert sorted(bucket.names("")) == sorted(NAMES)
    assert sorted(bucket.names("v1/entries/")) == sorted(NAMES[2:])
    assert list(bucket.names("v1/none/")) == []


def test_what_is_not_there(bucket):
    """A name without an object is None to every reader, and nothing to every remover."""
    put(bucket, "v1/a", b"1")
    for name in ("v1/b", "none/b"):
        assert bucket.get(name) is None
        assert bucket.look(name) is None
        assert bucket.renew(name) is None
        assert not bucket.delete(name)
        assert bucket.delete_old(name, 1e20) == 0
        assert not bucket.move(name, "v1/c")
    assert list(bucket.names("")) == ["v1/a"]


def test_objects_are_moved_and_removed(bucket):
    """A moved object is found under its new name alone, a removed one nowhere."""
    put(bucket, "v1/a", b"1")
    put(bucket, "v1/d", b"2")
    assert bucket.move("v1/a", "quarantine/b")
    assert (bucket.get("v1/a"), bucket.get("quarantine/b")) == (None, b"1")
    assert bucket.move("quarantine/b", "v1/d")
    assert bucket.get("v1/d") == b"1"
    assert bucket.delete("v1/d")
    assert list(bucket.names("")) == []


def test_only_old_objects_go(bucket):
    """An object goes if it is no younger than asked for, by the bucket's own clock, and stays otherwise."""
    put(bucket, "v1/a", b"123")
    assert bucket.delete_old("v1/a", bucket.look("v1/a").changed - 1) == 0
    assert bucket.get("v1/a") == b"123"
    assert bucket.now() >= bucket.look("v1/a").changed
    assert bucket.delete_old("v1/a", bucket.now()) == 3
    assert list(bucket.names("")) == []


def test_mark_changes_with_the_bytes(bucket):
    """What an object looks like changes whenever it is put."""
    put(bucket, "v1/a", b"123")
    before = bucket.look("v1/a")
    assert bucket.look("v1/a") == before
    put(bucket, "v1/a", b"321")
    assert bucket.look("v1/a") != before


def test_file_holds_the_bytes(bucket):
    """Every object can be had as a file, one that follows when the object is replaced."""
    for body in (b"123", b"45"):
        put(bucket, "v1/a", body)
        for again in (False, True, False):
            with open(bucket.file("v1/a", bucket.look("v1/a"), again), "rb") as file:
                assert file.read() == body
    bucket.close()


def test_paths_lead_back(bucket, tmp_path):
    """What a person calls an object leads back to its name, and nothing outside does."""
    for name in NAMES:
        assert bucket.name(bucket.path(name)) == name
    assert bucket.name(f"{bucket.path('v1')}/../../elsewhere") is None
    assert bucket.name(str(tmp_path / "elsewhere")) is None


def test_copy_that_somebody_changed_is_made_again(tmp_path):
    """A private copy of an object is not trusted once it was touched."""
    bucket = RemoteBucket("memory://x", memory())
    put(bucket, "v1/a", b"123")
    path = bucket.file("v1/a", bucket.look("v1/a"), False)
    with open(path, "r+b") as file:
        file.write(b"9")
    with open(bucket.file("v1/a", bucket.look("v1/a"), False), "rb") as file:
        assert file.read() == b"123"
    bucket.close()
    assert not os.path.exists(path)


def test_folder_and_obstore_read_each_other(tmp_path):
    """A folder written with system calls is the one that obstore would write, and the other way round."""
    plain, other = FolderBucket(str(tmp_path)), over_folder(tmp_path)
    for name in NAMES:
        put(plain, name, b"plain")
        assert other.get(name) == b"plain"
        put(other, name, b"other")
        assert plain.get(name) == b"other"
    assert sorted(other.names("")) == sorted(plain.names(""))


def test_temporary_folder_may_vanish(tmp_path):
    """Somebody who clears the folder of temporary files hinders no later write."""
    bucket = FolderBucket(str(tmp_path))
    put(bucket, "v1/a", b"1")
    os.rmdir(tmp_path / "temporary")
    put(bucket, "v1/b", b"2")
    assert bucket.get("v1/b") == b"2"
    assert os.listdir(tmp_path / "temporary") == []


def test_blobs_are_read_only_files(tmp_path):
    """Files of blobs cannot be changed in place by a careless hand; entries follow the user's own mask."""
    bucket = FolderBucket(str(tmp_path))
    put(bucket, "v1/blobs/00/a", b"1")
    put(bucket, "v1/keys/00/a", b"1")
    assert os.stat(tmp_path / "v1/blobs/00/a").st_mode & 0o222 == 0
    assert os.stat(tmp_path / "v1/keys/00/a").st_mode & 0o200


def test_leftover_is_told_by_its_writer(tmp_path):
    """A temporary file of a dead process of this host is a leftover, that of another host's nobody can tell."""
    bucket = FolderBucket(str(tmp_path))
    name = bucket._temporary()
    assert bucket.is_leftover(name) is False
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert bucket.is_leftover(name.replace(str(os.getpid()), str(gone.pid), 1)) is True
    assert bucket.is_leftover(f"{TEMPORARY}{os.getpid()}-other-0") is None
    assert bucket.is_leftover(f"{TEMPORARY}notes") is None


def test_failing_folder_says_so(tmp_path):
    """What the file system refuses is a StorageError with its path and a hint, never a missing object."""
    bucket = FolderBucket(str(tmp_path))
    os.makedirs(tmp_path / "v1" / "a")
    with pytest.raises(cas.StorageError) as failed:
        bucket.get("v1/a")
    assert failed.value.hint
    assert failed.value.filename == str(tmp_path / "v1" / "a")
    with pytest.raises(cas.StorageError):
        put(bucket, "v1/a", b"1")
    assert os.listdir(tmp_path / "temporary") == []


def test_missing_package_is_named(tmp_path):
    """Without obstore a store in memory says which package to install, and one in a folder works."""
    program = (
        "import sys; sys.modules['obstore'] = None\n"
        "import cas\n"
        f"cas.open('file://{tmp_path}/s').remember(b'a', b'1')\n"
        f"assert cas.open('file://{tmp_path}/s').recall(b'a') == b'1'\n"
        "try: cas.open('memory://x')\n"
        "except cas.InvalidInputError as error: print(error, '|', error.hint)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "obstore" in ran.stdout
    assert "pip install 'cas-memo[shared]'" in ran.stdout
