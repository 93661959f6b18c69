"""A disk that is really full, and files that may not grow."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import subprocess

import pytest

import cas
from tests.deposits import FUNCTION, assert_intact, forked, get, key, large, put


@pytest.fixture
def small_disk(tmp_path):
    """Return a folder on a disk of two megabytes, and None where only an administrator may make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(folder)]
    if os.geteuid() != 0 or not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        yield None
        return
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def _fill(store: cas.Store, size: int) -> tuple[dict[int, bytes], cas.CasError]:
    """Deposit until the store refuses; return what it took, and the error."""
    taken = {}
    for number in range(5000):
        try:
            put(store, number, large(number, size), cost=number % 2)
        except cas.CasError as error:
            return taken, error
        taken[number] = large(number, size)
    raise AssertionError("the disk never filled")


def _life_on_a_full_disk(folder, size: int) -> None:
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(400_000))
    store = cas.open(folder / "store")
    taken, error = _fill(store, size)
    assert isinstance(error, cas.StorageError)
    assert error.errno == errno.ENOSPC
    assert "cas gc" in error.hint
    assert len(taken) >= 1
    for number, body in taken.items():
        assert get(store, number) == (body, [])
    assert_intact(cas.open(folder / "store", writable=False))
    ballast.unlink()
    put(store, 9999, large(9999, 1000))
    assert get(store, 9999) == (large(9999, 1000), [])
    assert store.forget([key(0)]) == 1
    assert_intact(store)
    store.close()


@pytest.mark.parametrize("size", [2000, 150_000, (1 << 20) + 1], ids=["rows", "files", "huge-files"])
def test_full_disk(small_disk, tmp_path, size):
    """A full disk refuses deposits with a hint, keeps all it took, and takes more once there is space."""
    if small_disk is None:
        assert forked(lambda: _limited(tmp_path / "store")) == 0
    else:
        _life_on_a_full_disk(small_disk, size)


def _limited(folder) -> None:
    store = cas.open(folder)
    put(store, 1, b"before", (large(1),))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
    for size in (200_000, 2 << 20):
        with pytest.raises(cas.StorageError) as refused:
            put(store, 2, large(2, size))
        assert refused.value.errno == errno.EFBIG
        assert refused.value.hint
    with pytest.raises(cas.CasError):  # noqa: PT012 - one of many raises
        for number in range(3, 500):
            put(store, number, bytes(5000))
    assert get(store, 1, always=True) == (b"before", [large(1)])
    store.close()


def test_files_that_may_not_grow(tmp_path):
    """A limit on the size of files refuses what is larger, and keeps what was stored."""
    assert forked(lambda: _limited(tmp_path / "store")) == 0
    store = cas.open(tmp_path / "store")
    assert get(store, 1, always=True) == (b"before", [large(1)])
    assert_intact(store)


def test_hit_on_a_full_disk(small_disk, tmp_path):
    """A result whose stamp is lost is verified and served even where nothing can be written (I8)."""
    folder = small_disk or tmp_path
    store = cas.open(folder / "store")
    put(store, 1, large(1))
    put(store, 2, b"x", cost=1.0)
    path = store.open_blob(store.entry(key(1)).digest).path
    os.utime(path, (1, 1))
    if small_disk:
        with open(folder / "filler", "wb", buffering=0) as file, pytest.raises(OSError, match="space"):  # noqa: PT012 - fills the disk
            while file.write(bytes(4096)):
                pass
    store.close()
    store = cas.open(folder / "store")
    assert get(store, 1) == (large(1), [])
    assert FUNCTION.fingerprint in {summary.function.fingerprint for summary in store.functions()}
