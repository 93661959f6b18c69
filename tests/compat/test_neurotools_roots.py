"""Caches that the real neurotools wrote, under `disk_cacher`: served with trust, never without, and never changed."""

from __future__ import annotations

import hashlib
import importlib
import os
import pickle
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from click.testing import CliRunner

from cas.cli import main
from memo.errors import CacheWarning
from memo.neurotools import disk_cacher, exists
from memo.neurotools.originals.files import has_originals, read_original
from tests.originals import leave

DATA = Path(__file__).parents[1] / "data" / "neurotools"
TRUST = "say trust=True"


@pytest.fixture
def seedlab(monkeypatch):
    """Return the module whose functions the real neurotools cached, and count the calls that run."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(str(DATA))
    sys.modules.pop("seedlab", None)
    yield importlib.import_module("seedlab")
    sys.modules.pop("seedlab", None)


@pytest.fixture
def roots(tmp_path):
    """Return a function that copies the cache that neurotools wrote by a method, for the test to write to."""

    def copied(method: str) -> Path:
        target = tmp_path / f"root_{method}"
        shutil.copytree(DATA / f"root_{method}", target, copy_function=shutil.copyfile)
        for folder, _, names in os.walk(target):
            for name in ("", *names):
                os.chmod(os.path.join(folder, name), 0o700)
        return target

    return copied


def calls():
    """Return the calls that neurotools wrote a file of, by each method: the function's name, and the arguments."""
    found = []
    for path in sorted((DATA / "root_npy").rglob("*.npy")):
        args, kwargs, _ = read_original(str(path), trust=True)
        found.append((path.parent.parent.name, args, kwargs))
    return found


def contents(root):
    """Return the digest of every file of the original that holds something."""
    found = {}
    for path in sorted(Path(root).rglob("*.*")):
        if path.is_file() and ".store" not in path.parts and path.name != ".fingerprint" and path.stat().st_size:
            found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def same(found, expected):
    """Assert that a value is what the function returns, in type and content."""
    assert type(found) is type(expected)
    assert np.array_equal(found, expected)


# The three committed roots


@pytest.mark.parametrize("method", ["npy", "pickle"])
def test_a_real_root_is_served_without_computing(seedlab, roots, method):
    """With trust; the files stay as they are, and the next process needs no trust."""
    root = roots(method)
    before, seen = contents(root), calls()
    assert len(seen) == len(before) > 5
    for trust in (True, False):
        for name, args, kwargs in seen:
            function = getattr(seedlab, name)
            cached = disk_cacher(root, method=method, trust=trust)(function)
            assert exists(cached.cache_root, cached, method, *args, **kwargs)
            same(cached(*args, **kwargs), function(*args, **kwargs))
            assert (cached.cache.stats().hits, cached.cache.stats().misses) == (1, 0)
    assert contents(root) == before


@pytest.mark.parametrize("method", ["npy", "pickle"])
def test_without_trust_nothing_is_read(seedlab, roots, method):
    """It is said once for each function, and the files stay as they are."""
    root = roots(method)
    before = contents(root)
    said = []
    for name in ("power", "label", "ratio", "spectrum"):
        cached = disk_cacher(root, method=method)(getattr(seedlab, name))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for called, args, kwargs in calls():
                if called == name:
                    same(cached(*args, **kwargs), getattr(seedlab, name)(*args, **kwargs))
        said.append([TRUST in str(warning.message) for warning in caught])
        assert cached.cache.stats().hits == 0
    assert said == [[True]] * 4
    assert contents(root) == before


def test_wrecks_are_computed_and_replaced(seedlab, roots):
    """The original's method mat left files of 0 bytes; here they become what it meant them to be."""
    root = roots("mat")
    for name, args, kwargs in calls():
        function = getattr(seedlab, name)
        cached = disk_cacher(root, method="mat", trust=True)(function)
        same(cached(*args, **kwargs), function(*args, **kwargs))
        same(cached(*args, **kwargs), function(*args, **kwargs))
        assert (cached.cache.stats().hits, cached.cache.stats().misses) == (1, 1)
        assert "result" in scipy.io.loadmat(cached.locate(*args, **kwargs)[-1])


def test_every_process_may_be_the_first_to_trust(seedlab, roots):
    """A code folder notes once with which code it was first trusted."""
    root = roots("npy")
    cached = disk_cacher(root, trust=True)(seedlab.power)
    cached(10)
    folder = Path(cached.lscache()[0])
    noted = (folder / ".fingerprint").read_text()
    assert noted == cached.cache._caller.current().fingerprint.digest.hex()
    disk_cacher(root, trust=True)(seedlab.power)(10, exponent=3)
    assert (folder / ".fingerprint").read_text() == noted
    assert sorted(name for name in os.listdir(folder) if name.startswith(".")) == [".fingerprint"]


# What may be in such a file


LAB = """
calls = []


def unit():
    return 1


def total(x, y=0):
    calls.append(x)
    return unit()
"""


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Return a module of a scientist's."""
    (tmp_path / "totals.py").write_text(LAB)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("totals", None)
    importlib.invalidate_caches()
    yield importlib.import_module("totals")
    sys.modules.pop("totals", None)


def trusting(tmp_path, function, method="npy", **options):
    """Return a function, and the root of its cache."""
    cached = disk_cacher(tmp_path, method=method, trust=True, **options)(function)
    return cached, cached.cache_root


@pytest.mark.parametrize("method", ["npy", "pickle"])
def test_arguments_that_the_original_took_for_one_are_told_apart(lab, tmp_path, method):
    """`[1, 2]`, `(1, 2)` and an array had one file: it is of the one that it says."""
    total, root = trusting(tmp_path, lab.total, method)
    leave(root, lab.total, method, 77, (1, 2))
    assert total([1, 2]) == total(np.array([1, 2])) == 1
    assert total((1, 2)) == 77
    assert len(lab.calls) == 2


def test_arguments_are_the_same_however_they_were_spelled(lab, tmp_path):
    """The file says `total(3, y=0)`, the call `total(x=3)`."""
    total, root = trusting(tmp_path, lab.total)
    leave(root, lab.total, "npy", 77, 3, y=0)
    assert total(x=3) == 77
    assert lab.calls == []


def test_a_file_under_the_name_of_another_call_is_not_served(lab, tmp_path):
    """Who renames files does not change what calls return."""
    total, root = trusting(tmp_path, lab.total)
    path = leave(root, lab.total, "npy", 77, 3)
    os.rename(path, leave(root, lab.total, "npy", 0, 4))
    assert total(4) == 1


def test_other_code_than_was_first_trusted_is_told(lab, tmp_path):
    """The original did not look at subroutines: after an edit of one its files may be wrong, and are left alone."""
    total, root = trusting(tmp_path, lab.total)
    for x in (3, 4, 5):
        path = leave(root, lab.total, "npy", 77, x)
    assert total(3) == 77
    exec("def unit():\n    return 2\n", lab.__dict__)
    with pytest.warns(CacheWarning, match="found other code; they are left alone") as said:
        assert [total(3), total(4)] == [2, 2]
    assert len(said) == 1
    note = Path(path).with_name(".fingerprint")
    present = total.cache._caller.current().fingerprint.digest.hex()
    assert str(said[0].message).endswith(f"write {present} into {note}")
    note.write_text(present)
    assert trusting(tmp_path, lab.total)[0](5) == 77


@pytest.mark.parametrize("lost", ["never written", "removed"])
def test_what_was_stored_from_them_says_with_which_code_they_were_trusted(lab, tmp_path, lost):
    """Where there is no note, as of an import or in a folder that cannot be written, the entries know."""
    total, root = trusting(tmp_path, lab.total)
    paths = [leave(root, lab.total, "npy", 77, x) for x in (3, 4)]
    if lost == "removed":
        assert total(3) == 77
        os.unlink(os.path.join(os.path.dirname(paths[0]), ".fingerprint"))
    else:
        store = os.path.join(root, ".store")
        done = CliRunner().invoke(main, ["import", "--from", "neurotools", root, "--trust", "--store", store])
        assert done.exit_code == 0, done.output
    exec("def unit():\n    return 2\n", lab.__dict__)
    with pytest.warns(CacheWarning, match="found other code; they are left alone"):
        assert trusting(tmp_path, lab.total)[0](4) == 2


@pytest.mark.parametrize("method", ["npy", "pickle"])
@pytest.mark.parametrize("damage", ["cut", "empty", "other bytes", "no pair"])
def test_what_cannot_be_read_is_computed_quietly(lab, tmp_path, method, damage):
    """Damaged files are for the importer to tell of; a call computes, and leaves what holds something."""
    total, root = trusting(tmp_path, lab.total, method)
    path = Path(leave(root, lab.total, method, 77, 3))
    whole = path.read_bytes()
    if damage == "no pair":
        path.write_bytes(pickle.dumps("something else"))
    else:
        path.write_bytes({"cut": whole[:-20], "empty": b"", "other bytes": b"\x80\x05" + whole[8:]}[damage])
    left = path.read_bytes()
    assert [total(3), total(3)] == [1, 1]
    assert len(lab.calls) == 1
    if left and method == "pickle":
        assert path.read_bytes() == left


def test_what_the_original_pickled_does_not_run(lab, tmp_path):
    """A pickle may hold any code: without trust none of it runs."""

    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "went off"),)

    for method in ("npy", "pickle"):
        total = disk_cacher(tmp_path, method=method, cache_identifier=method)(lab.total)
        leave(total.cache_root, lab.total, method, Bomb(), 3)
        with pytest.warns(CacheWarning, match=TRUST):
            assert total(3) == 1
        assert exists(total.cache_root, lab.total, method, 3)
    assert not (tmp_path / "went off").exists()


def test_a_purge_with_trust_removes_the_files_of_that_very_call(lab, tmp_path):
    """Else it would be served from them again; a call that the original took for the same keeps its file."""
    total, root = trusting(tmp_path, lab.total)
    paths = [leave(root, lab.total, method, 77, (1,)) for method in ("npy", "pickle")]
    other = leave(root, lab.total, "npy", 77, 2)
    total.purge(1)  # whose name was the same
    assert total((1,)) == 77
    total.purge((1,))
    assert [os.path.exists(path) for path in (*paths, other)] == [False, False, True]
    assert total((1,)) == 1


def test_a_purge_without_trust_goes_by_names_as_the_originals_did(lab, tmp_path):
    """A purge is a wish to remove; whose file it is cannot be told without reading it."""
    total = disk_cacher(tmp_path)(lab.total)
    paths = [leave(total.cache_root, lab.total, method, 77, 1) for method in ("npy", "pickle")]
    other = leave(total.cache_root, lab.total, "npy", 77, 2)
    total.purge(1)
    assert [os.path.exists(path) for path in (*paths, other)] == [False, False, True]
    assert not exists(total.cache_root, total, "npy", 1)


def test_a_cache_that_is_only_read_is_served_as_it_is(lab, tmp_path):
    """Nothing is stored, and the value comes from the file."""
    total, root = trusting(tmp_path, lab.total, write_back=False)
    leave(root, lab.total, "npy", {"a": [77]}, 3)
    assert total(3) == total(3) == {"a": [77]}
    assert lab.calls == []
    assert not os.path.exists(os.path.join(root, ".store"))


def test_what_no_codec_takes_is_returned_all_the_same(lab, tmp_path):
    """A result that the original pickled and that no store takes is that of the call."""
    total, root = trusting(tmp_path, lab.total)
    leave(root, lab.total, "npy", iter([1, 2]), 3)
    with pytest.warns(CacheWarning, match="could not store a result of neurotools"):
        assert list(total(3)) == [1, 2]
    assert lab.calls == []


def test_what_was_taken_over_says_where_from(lab, tmp_path):
    """The entry has the age of the file, and its path."""
    total, root = trusting(tmp_path, lab.total)
    path = leave(root, lab.total, "npy", 77, 3)
    os.utime(path, (1e9, 1e9))
    total(3)
    (entry,) = total.cache.entries()
    assert (entry.created, entry.cost) == (1e9, 0.0)
    assert entry.provenance["imported from"] == f"neurotools {path}"


def test_whether_a_folder_has_files_of_the_original_is_told_first(lab, tmp_path):
    """Our files are none, nor is a folder that is not there; the original's names of large arrays take seconds."""
    total, root = trusting(tmp_path, lab.total, "pickle")
    folder = total.lscache()[0]
    assert not has_originals(folder)
    total(3)
    assert os.listdir(folder) != []
    assert not has_originals(folder)
    leave(root, lab.total, "npy", 77, 4)
    assert has_originals(folder)
