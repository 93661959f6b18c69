"""Folders that are not what a store expects: read-only, deleted, foreign, newer, or damaged."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading

import pytest

import cas
from tests.deposits import assert_intact, flip, get, key, large, overwrite, put

READER = """
import os, sys, traceback, urllib.parse
import cas, cas.local.opened, cas.local.deposit, cas.local.rows
from tests.deposits import get, key, large, put, FUNCTION
if os.getuid() == 0:  # only now, since Python itself may stand where nobody else may read
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
store = cas.open(sys.argv[1])
again = cas.open(sys.argv[1])
assert store is again
assert not store.writable
assert get(store, 1, always=True) == (b"root", [large(1)])
assert get(store, 2, always=True) == (large(2), [])
assert store.fetch(key(3)) is None
assert {entry.key for entry in store.entries()} == {key(1), key(2)}
assert store.check_index() == []
for write in (
    lambda: put(store, 3), lambda: store.forget([key(1)]), lambda: store.sweep([]), lambda: store.claim(key(1)),
    lambda: store.record_hits(FUNCTION.fingerprint, 1, 1.0, []), lambda: store.remember(b"a", b"b"),
    lambda: cas.open(sys.argv[1] + "-other"),
):
    try:
        write()
    except cas.ReadOnlyError as error:
        assert error.hint
    else:
        raise SystemExit(f"{write} wrote")
"""


def _permit(folder, file_mode: int, folder_mode: int) -> None:
    for here, _, names in os.walk(folder):
        os.chmod(here, folder_mode)
        for name in names:
            os.chmod(os.path.join(here, name), file_mode)


def _read_as_nobody(folder) -> subprocess.CompletedProcess:
    code = "import sys; sys.dont_write_bytecode = True\n" + READER
    return subprocess.run([sys.executable, "-W", "error", "-c", code, str(folder)], capture_output=True, text=True)


@pytest.fixture
def open_folder(tmp_path):
    """Return a folder whose parents anybody may pass."""
    for folder in (tmp_path, *tmp_path.parents):
        if os.stat(folder).st_mode & 0o005 != 0o005:
            folder.chmod(folder.stat().st_mode | 0o055)
    return tmp_path


@pytest.mark.parametrize("in_use", [False, True], ids=["at-rest", "in-use"])
def test_store_that_takes_no_writes(open_folder, in_use):
    """A store that this user may only read serves its hits, in use by its owner or not, and refuses writes."""
    folder = open_folder / "store"
    store = cas.open(folder)
    put(store, 1, b"root", (large(1),))
    put(store, 2, large(2))
    if not in_use:
        store.close()
    _permit(folder, 0o444, 0o555)
    try:
        ended = _read_as_nobody(folder)
    finally:
        _permit(folder, 0o600, 0o700)
    assert ended.stderr == ""
    assert ended.returncode == 0


def test_store_that_may_not_be_read(open_folder):
    """A store that this user may not even read is an error with a hint."""
    folder = open_folder / "store"
    put(cas.open(folder), 1)
    folder.chmod(0o700)
    ended = _read_as_nobody(folder) if os.getuid() == 0 else None
    assert ended is None or "cas.errors.StorageError: cannot read" in ended.stderr
    assert ended is None or "hint: check who owns it" in ended.stderr


def test_store_deleted_under_a_running_process(store):
    """After its folder is deleted, a store makes itself anew with the next deposit."""
    put(store, 1, b"root", (large(1),))
    shutil.rmtree(store.location)
    put(store, 2, b"root", (large(1),))
    assert store.fetch(key(1)) is None
    assert get(store, 2, always=True) == (b"root", [large(1)])
    fresh = subprocess.run(
        [sys.executable, "-c", "import sys, cas; print(len(list(cas.open(sys.argv[1]).entries())))", store.location],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert fresh.stdout == "1\n"
    assert_intact(store)


def test_store_deleted_and_made_again_by_another_process(store):
    """A store that somebody else made again at the same place is the one that is written to."""
    put(store, 1)
    shutil.rmtree(store.location)
    code = "import sys, cas; from tests.deposits import put; put(cas.open(sys.argv[1]), 2)"
    subprocess.run([sys.executable, "-c", code, store.location], check=True)
    put(store, 3)
    assert {entry.key for entry in store.entries()} == {key(2), key(3)}
    assert_intact(store)


def test_store_deleted_under_threads(store):
    """Threads that deposit while the folder is deleted again and again meet only errors of the store."""
    wrong, stop = [], threading.Event()

    def deposit(first: int) -> None:
        number = first
        while not stop.is_set():
            number += 4
            try:
                put(store, number, b"root", (large(number % 5),))
                get(store, number)
            except (cas.CasError, FileNotFoundError):
                continue  # the latter from this test's own reading of a file
            except BaseException as error:
                wrong.append(error)
                raise

    threads = [threading.Thread(target=deposit, args=(first,), daemon=True) for first in range(4)]
    for thread in threads:
        thread.start()
    try:
        for number in range(20):
            put_somehow(store, 10_000 + number)
            shutil.rmtree(store.location, ignore_errors=True)
    finally:
        stop.set()
    for thread in threads:
        thread.join(30)
    assert wrong == []
    put_somehow(store, 2)
    put(store, 1, large(1))
    assert get(store, 1, always=True) == (large(1), [])
    assert_intact(store)


def put_somehow(store: cas.Store, number: int) -> None:
    """Deposit, whatever errors of the store come in between."""
    for _ in range(1000):
        try:
            put(store, number)
        except cas.IntegrityError:
            # The folder went while another thread made it anew: what is left has blobs and no tables.
            shutil.rmtree(store.location, ignore_errors=True)
            continue
        except cas.CasError:
            continue
        return
    raise AssertionError("no deposit in a thousand came through")


def test_copy_without_empty_folders(store, tmp_path):
    """A store whose empty folders were lost, as in an archive or under git, works on."""
    put(store, 1, large(1))
    store.close()
    shutil.copytree(store.location, tmp_path / "copy")
    for name in ("locks", "temporary"):
        shutil.rmtree(tmp_path / "copy" / name)
    copy = cas.open(tmp_path / "copy")
    assert get(copy, 1, always=True) == (large(1), [])
    put(copy, 2, b"root", (large(2), large(3, 2 << 20)), cost=1.0)
    with copy.claim(key(1)):
        assert_intact(copy)


def test_opening_again_after_the_folder_went(store):
    """A store whose folder is gone is opened anew, and not without leave to make it."""
    put(store, 1)
    shutil.rmtree(store.location)
    with pytest.raises(cas.NotFoundError):
        cas.open(store.location, create=False)
    again = cas.open(store.location)
    put(again, 2)
    assert [entry.key for entry in again.entries()] == [key(2)]


def test_newer_format_is_refused(store, tmp_path):
    """A store of a newer format is refused with the advice to update, and left as it is."""
    put(store, 1)
    store.close()
    shutil.copytree(store.location, tmp_path / "newer")
    (tmp_path / "newer" / "FORMAT").write_text("cas store, format 2\n")
    with pytest.raises(cas.InvalidInputError, match="format 2") as refused:
        cas.open(tmp_path / "newer")
    assert "newer" in refused.value.hint


def test_newer_index_is_refused(store, tmp_path):
    """An index of a newer format is refused with the advice to update."""
    put(store, 1)
    store.close()
    shutil.copytree(store.location, tmp_path / "newer")
    connection = sqlite3.connect(tmp_path / "newer" / "index.sqlite")
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    with pytest.raises(cas.InvalidInputError, match="found 2") as refused:
        cas.open(tmp_path / "newer").fetch(key(1))
    assert "newer" in refused.value.hint


def test_garbage_index_is_no_empty_index(store, tmp_path):
    """An index that is not one raises IntegrityError from everything; a sweep removes nothing (I4)."""
    put(store, 1, large(1))
    store.close()
    folder = tmp_path / "copy"
    shutil.copytree(store.location, folder)
    (folder / "index.sqlite").write_bytes(b"no index" * 1000)
    broken = cas.open(folder)
    digest = next(broken.blobs()).digest
    for use in (
        lambda: broken.fetch(key(1)), lambda: list(broken.entries()), lambda: put(broken, 2),
        lambda: broken.sweep([digest]), lambda: list(broken.weights()), broken.functions,
    ):  # fmt: skip
        with pytest.raises(cas.IntegrityError) as damaged:
            use()
        assert damaged.value.hint
    assert len(broken.check_index()) == 1
    assert [blob.digest for blob in broken.blobs()] == [digest]


@pytest.mark.parametrize("place", ["", "below"])
def test_file_where_the_folder_should_be(tmp_path, place):
    """A file at or above the store's place is refused, and kept."""
    path = tmp_path / "file"
    path.write_text("mine")
    with pytest.raises(cas.InvalidInputError) as refused:
        cas.open(path / place)
    assert refused.value.hint
    assert path.read_text() == "mine"


def test_folder_with_other_files(tmp_path):
    """A folder that holds something else is refused, and nothing is added to it."""
    (tmp_path / "thesis.tex").write_text("mine")
    for create in (True, False):
        with pytest.raises(cas.InvalidInputError) as refused:
            cas.open(tmp_path, create=create)
        assert refused.value.hint
    assert os.listdir(tmp_path) == ["thesis.tex"]


def test_foreign_files_in_a_store(store):
    """Files that somebody put into a store do no harm, and fsck names them."""
    put(store, 1, large(1))
    for name in ("notes.txt", os.path.join("blobs", "notes"), os.path.join("blobs", "ab", "cd")):
        path = os.path.join(store.location, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write("mine")
    assert len(list(store.strays())) == 3
    assert get(cas.open(store.location), 1) == (large(1), [])
    assert_intact(store)


@pytest.mark.parametrize("flips", [400, pytest.param(8000, marks=pytest.mark.soak)])
def test_bits_that_flip_in_the_index(memory_folder, flips):
    """No bit that flips in the index makes a fetch return another value than was stored (I2)."""
    store, numbers = cas.open(memory_folder / "store"), range(40)
    for number in numbers:
        put(store, number, b"%d" % number * 20, (b"child %d" % number,))
    store.close()
    with open(os.path.join(store.location, "index.sqlite"), "rb") as file:
        size = len(file.read())
    served = refused = missed = 0
    for turn, bit in enumerate(range(5, size * 8, size * 8 // flips)):
        folder = memory_folder / f"flipped-{turn}"
        shutil.copytree(store.location, folder, ignore=shutil.ignore_patterns("??"))
        overwrite(str(folder / "index.sqlite"), lambda body, bit=bit: flip(body, bit))
        flipped = cas.open(folder, writable=False)
        for number in numbers:
            try:
                row = flipped.fetch(key(number))
            except cas.CasError:
                refused += 1
                continue
            missed += row is None
            served += row is not None
            assert row is None or row[2] == b"%d" % number * 20
        flipped.close()
        shutil.rmtree(folder)
    assert served > 1000
    assert refused > 50
    assert missed > 10
