"""Bundles: what would travel, what travels, and the folder it travels in."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

import cas
import memo
from cas import bundle
from cas.errors import InvalidInputError, NotFoundError, StorageError
from tests.deposits import LARGE, assert_intact, flip, get, key, large, overwrite, put


@pytest.fixture
def target(tmp_path):
    """Return a new bundle in a folder whose name needs escapes in a URL."""
    return bundle.open_bundle(tmp_path / "my bundle 100% é", create=True)


def test_plan_changes_nothing(store, target):
    """A plan names what the target lacks, oldest first, with its size, and writes nothing."""
    for number in (1, 2, 3):
        put(store, number, large(number))
    bundle.execute(bundle.plan(store, target, [store.entry(key(2))]), store, target)
    plan = bundle.plan(store, target)
    assert (plan.keys, plan.kept, plan.size) == ((key(1), key(3)), 1, 2 * LARGE)
    assert plan.closed == {}
    assert target.count() == 1


def test_plan_without_a_target(store):
    """Where there is no target yet, everything would travel."""
    put(store, 1)
    plan = bundle.plan(store, None)
    assert (plan.keys, plan.kept) == ((key(1),), 0)


def test_round_trip_keeps_everything(store, target, tmp_path):
    """Through a bundle an entry keeps bytes, children, cost, time of creation, provenance and code."""
    put(store, 1, large(1), (large(2), large(3)), cost=7.5)
    put(store, 2, b"small")
    assert bundle.execute(bundle.plan(store, target), store, target) == (2, 0, ())
    other = cas.open(tmp_path / "other")
    assert bundle.execute(bundle.plan(target, other), target, other) == (2, 0, ())
    assert get(other, 1, always=True) == (large(1), sorted([large(2), large(3)]))
    assert get(other, 2, always=True) == (b"small", [])
    for number in (1, 2):
        ours, theirs = store.entry(key(number)), other.entry(key(number))
        for name in ("signature", "codec", "digest", "size", "blobs", "summary", "cost", "created", "provenance"):
            assert getattr(ours, name) == getattr(theirs, name), name
        assert ours.function.manifest == theirs.function.manifest
    assert_intact(target)
    assert_intact(other)


def test_damage_stays_behind(store, target, tmp_path):
    """An entry whose blob is damaged in the bundle is left out and named; the others arrive."""
    put(store, 1, large(1))
    put(store, 2, large(2))
    bundle.execute(bundle.plan(store, target), store, target)
    overwrite(target.open_blob(store.entry(key(1)).digest).path, flip)
    other = cas.open(tmp_path / "other")
    source = bundle.open_source(str(tmp_path / "my bundle 100% é"))
    sent = bundle.execute(bundle.plan(source, other), source, other)
    assert (sent.sent, [left for left, _ in sent.failed]) == (1, [key(1)])
    assert other.fetch(key(1)) is None
    assert get(other, 2, always=True) == (large(2), [])
    assert_intact(other)


def test_removed_meanwhile(store, target):
    """What is removed between plan and execution is passed over."""
    put(store, 1)
    put(store, 2)
    plan = bundle.plan(store, target)
    store.forget([key(1)])
    assert bundle.execute(plan, store, target) == (1, 0, ())


def test_closed_results_are_counted(store):
    """Pickles, exceptions that hold pickles, and codecs of the user's own are counted by codec."""

    @memo.cached(store=store, cache_exceptions=ValueError)
    def make(which):
        if which == "raise":
            raise ValueError(slice)
        return {"pickle": slice, "plain": [1, "pickle"]}[which]

    make("pickle")
    make("plain")
    with pytest.raises(ValueError, match="slice"):
        make("raise")
    with store.deposit(cas.Call(key(9), store.records()[0], b"\x91\x01"), 0.0) as deposit:
        deposit.commit(cas.Result("mine/1", (b"bytes",), "something"))
    assert sorted(entry.codec for entry in store.entries()) == ["mine/1", "pickle/1", "raised/1", "tree/1"]
    assert bundle.plan(store, None).closed == {"mine/1": 1, "pickle/1": 2}


@pytest.mark.parametrize("kind", ["file", "folder", "store"])
def test_something_else_stands_there(tmp_path, store, kind):
    """A bundle is never made in a file, in a folder with other things, or in a local store."""
    path = {"file": tmp_path / "file", "folder": tmp_path, "store": store.location}[kind]
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InvalidInputError, match="expected a new or empty folder"):
        bundle.require_free(str(path))


def test_free_folders(tmp_path, target):
    """A new folder, an empty one and an earlier bundle may become a bundle."""
    (tmp_path / "empty").mkdir()
    for name in ("new", "empty", "my bundle 100% é"):
        bundle.require_free(str(tmp_path / name))
    assert not bundle.is_bundle(str(tmp_path / "empty"))


def test_no_bundle_there(tmp_path):
    """Opening a bundle that is not there makes none."""
    with pytest.raises(NotFoundError):
        bundle.open_bundle(str(tmp_path / "none"))
    with pytest.raises(NotFoundError):
        bundle.open_source(str(tmp_path / "none"))
    assert os.listdir(tmp_path) == []


def test_readme_shows_an_array(store, target, tmp_path):
    """The README's example is a plain array if there is one, and leads to its files."""

    @memo.cached(store=store)
    def make(size):
        return np.arange(size) if size else "none"

    make(0)
    make(5)
    plan = bundle.plan(store, target)
    bundle.execute(plan, store, target)
    folder = tmp_path / "my bundle 100% é"
    bundle.write_readme(str(folder), plan)
    text = (folder / "README.txt").read_text(encoding="utf-8")
    (place,) = [line.split()[2] for line in text.splitlines() if line.startswith("stands in ")]
    entry = json.loads((folder / place).read_text(encoding="utf-8"))
    assert entry["arguments"] == {"size": 5}
    assert "its result, int64[5], in" in text
    assert f"           {entry['file']}\n" in text
    assert "make(size=5)" in text
    bundle.tidy(str(folder), target)
    assert sorted(os.listdir(folder)) == ["FORMAT", "README.txt", "v1"]


def test_readme_without_an_array(store, target, tmp_path):
    """Where there is no plain array, the README says where a result is and shows no code for it."""
    put(store, 1)
    plan = bundle.plan(store, target)
    bundle.execute(plan, store, target)
    bundle.write_readme(str(tmp_path / "my bundle 100% é"), plan)
    text = (tmp_path / "my bundle 100% é" / "README.txt").read_text(encoding="utf-8")
    assert "analysis.spectrum(number=1)" in text
    assert "In Python, started" not in text


def test_readme_of_another_hand_stays(store, target, tmp_path):
    """A README.txt that is there already is left as it is; without results none is written."""
    folder = tmp_path / "my bundle 100% é"
    bundle.write_readme(str(folder), bundle.plan(store, target))
    assert not (folder / "README.txt").exists()
    (folder / "README.txt").write_text("mine")
    put(store, 1)
    plan = bundle.plan(store, target)
    bundle.execute(plan, store, target)
    bundle.write_readme(str(folder), plan)
    assert (folder / "README.txt").read_text() == "mine"


@pytest.mark.parametrize("place", ["/etc/passwd", "v1/entries/../../../mine.json", "v1/entries/a", "", "\0"])
def test_readme_of_a_bundle_that_leads_elsewhere(store, target, tmp_path, place):
    """An earlier bundle whose keys lead out of it gives no example, and nothing outside is read."""
    put(store, 1)
    plan = bundle.plan(store, target)
    bundle.execute(plan, store, target)
    folder = tmp_path / "my bundle 100% é"
    (tmp_path / "mine.json").write_text('{"function": "mine", "arguments": {}, "result": "", "codec": "", "file": ""}')
    name = key(1).hex()
    (folder / "v1" / "keys" / name[:2] / name).write_text(f"{place}\nx\n")
    bundle.write_readme(str(folder), plan)
    assert not (folder / "README.txt").exists()


def test_bundle_without_its_format(store, target, tmp_path):
    """Of a bundle of which only `v1` was copied, the entries are read, and the copy stays as it is."""
    put(store, 1, large(1))
    bundle.execute(bundle.plan(store, target), store, target)
    os.rename(tmp_path / "my bundle 100% é" / "v1", tmp_path / "v1")
    copy = bundle.open_source(str(tmp_path))
    assert [entry.key for entry in copy.entries()] == [key(1)]
    other = cas.open(tmp_path / "other")
    assert bundle.execute(bundle.plan(copy, other), copy, other).sent == 1
    assert get(other, 1, always=True) == (large(1), [])
    assert not (tmp_path / "FORMAT").exists()


def test_readme_that_cannot_be_written(store, target, tmp_path):
    """A README that cannot be written is an error with the path; the results stay."""
    put(store, 1)
    plan = bundle.plan(store, target)
    bundle.execute(plan, store, target)
    folder = tmp_path / "my bundle 100% é"
    name = f"README.txt.{os.getpid()}.part"
    (folder / name).mkdir()
    with pytest.raises(StorageError, match="cannot write"):
        bundle.write_readme(str(folder), plan)
    (folder / name).rmdir()
    assert get(target, 1) == (b"small", [])
