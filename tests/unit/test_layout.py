"""The places of a local store, and the making of an empty one."""

from __future__ import annotations

import errno
import os

import pytest

import cas
from cas.local.layout import Layout, cannot_write, writer_lives


@pytest.fixture
def layout(tmp_path):
    """Return the layout of a store that was just made."""
    made = Layout(str(tmp_path / "store"))
    made.create()
    made.complete()
    return made


def test_new_store_is_private_and_tagged(layout):
    """A new store is for its owner's eyes, out of backups and out of version control."""
    assert os.stat(layout.root).st_mode & 0o777 == 0o700
    with open(os.path.join(layout.root, "CACHEDIR.TAG")) as file:
        assert file.read().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")
    with open(os.path.join(layout.root, ".gitignore")) as file:
        assert file.read() == "*\n"
    with open(layout.format) as file:
        assert file.read() == "cas store, format 1\n"
    layout.check()


def test_making_is_repeatable(layout):
    """Making a store where one stands, whole or half made, leaves what there is and completes it."""
    os.unlink(layout.format)
    os.rmdir(layout.blobs)
    layout.create()
    layout.create()
    layout.complete()
    layout.check()
    assert os.listdir(layout.temporary) == []
    assert os.path.isdir(layout.blobs)


def test_every_own_file_is_part_of_the_store(layout):
    """All that making a store leaves is part of it, and a blob's place is too."""
    for folder, _, names in os.walk(layout.root):
        for name in names:
            assert layout.part_of_store(os.path.relpath(os.path.join(folder, name), layout.root))
    assert layout.part_of_store(os.path.relpath(layout.blob(bytes(range(32))), layout.root))


@pytest.mark.parametrize(
    "path",
    ["notes", "blobs/notes", "blobs/00/" + "0" * 63, "blobs/01/" + "0" * 64, "blobs/00/" + "G" * 64, "locks/other",
     "temporary/1-x", "blobs/00/" + "0" * 64 + "/x", "../FORMAT"],
)  # fmt: skip
def test_other_files_are_not(layout, path):
    """Names that no part of a store has are foreign."""
    assert not layout.part_of_store(path)


def test_nothing_there_is_not_found(tmp_path):
    """Where nothing or an empty folder is, there is no store."""
    for place in (tmp_path, tmp_path / "missing", tmp_path / "missing" / "below"):
        with pytest.raises(cas.NotFoundError):
            Layout(str(place)).check()


@pytest.mark.parametrize(
    ("number", "kind", "hint"),
    [(errno.EACCES, cas.ReadOnlyError, "CAS_STORE"), (errno.EROFS, cas.ReadOnlyError, "CAS_STORE"),
     (errno.ENOSPC, cas.StorageError, "cas gc"), (errno.EDQUOT, cas.StorageError, "cas gc"),
     (errno.EIO, cas.StorageError, "disk")],
)  # fmt: skip
def test_failed_write_is_explained(number, kind, hint):
    """What a write failed of decides the error and its mend; the path is named."""
    error = cannot_write(OSError(number, os.strerror(number), "/a/file"), "/b")
    assert type(error) is kind
    assert "/a/file" in error.message
    assert hint in error.hint


def test_living_and_dead_writers():
    """A temporary file belongs to a living writer as long as the process in its name runs."""
    assert writer_lives(f"{os.getpid()}-abc")
    assert not writer_lives("notes")
    assert not writer_lives("-1")
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    assert not writer_lives(f"{child}-abc")
