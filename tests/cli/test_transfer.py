"""`cas export`, `cas import`, `cas merge`: with real stores, and from one process to another."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

import cas
from tests.cli.conftest import LOAD, deposit
from tests.cli.test_process import AT_ONCE, on_terminal, piped
from tests.deposits import assert_intact, flip, get, key, large, overwrite, put

PROJECT = """
import sys
import numpy as np
import memo

@memo.cached
def spectrum(tapers, rate=250.0):
    return np.arange(tapers) * rate

@memo.cached
def label(name):
    return {"name": name, "gain": np.arange(3)}

for tapers in range(1, 4):
    assert spectrum(tapers).tolist() == [n * 250.0 for n in range(tapers)]
assert label("eeg")["name"] == "eeg"
print(spectrum.cache.stats().misses, label.cache.stats().misses)
"""


@pytest.fixture
def other(tmp_path) -> cas.Store:
    """Return a second store."""
    return cas.open(tmp_path / "other")


def test_round_trip_between_processes(tmp_path):
    """What one host computed is exported, imported elsewhere, and served there without recomputing."""
    (tmp_path / "analysis.py").write_text(PROJECT)

    def analyse(store: str) -> str:
        return subprocess.run(
            [sys.executable, "analysis.py"],
            cwd=tmp_path,
            env=os.environ | {"CAS_STORE": str(tmp_path / store), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert analyse("here") == "3 1\n"
    exported = piped("export", str(tmp_path / "bundle"), "--store", str(tmp_path / "here"))
    assert (exported.returncode, exported.stderr) == (0, "")
    assert exported.stdout.startswith("exported 4 entries, ")
    imported = piped("import", str(tmp_path / "bundle"), "--store", str(tmp_path / "there"))
    assert (imported.returncode, imported.stderr) == (0, "")
    assert imported.stdout.startswith("imported 4 entries, ")
    assert analyse("there") == "0 0\n"
    assert_intact(cas.open(tmp_path / "there"))


def test_export_chooses(run, store, tapers, loaded, tmp_path):
    """--function and --where choose, together or each alone; the rest stays at home."""
    outcome = run("export", str(tmp_path / "one"), "--function", "multitaper", "--where", "tapers > 8")
    assert outcome.code == 0
    bundle = cas.open((tmp_path / "one").as_uri())
    assert sorted(entry.key.hex() for entry in bundle.entries()) == sorted([tapers[9], tapers[10]])
    run("export", str(tmp_path / "two"), "--where", "cost > '1h'")
    assert [entry.key.hex() for entry in cas.open((tmp_path / "two").as_uri()).entries()] == [loaded]
    run("export", str(tmp_path / "three"), "--function", "load")
    assert [entry.key.hex() for entry in cas.open((tmp_path / "three").as_uri()).entries()] == [loaded]
    unknown = run("export", str(tmp_path / "four"), "--where", "taper == 3")
    assert (unknown.code, os.path.exists(tmp_path / "four")) == (2, False)


def test_export_adds_to_a_bundle(run, store, tapers, tmp_path):
    """An earlier bundle gets what it has not; nothing is there twice."""
    folder = str(tmp_path / "bundle")
    run("export", folder, "--where", "tapers <= 4")
    outcome = run("export", folder)
    assert (outcome.code, outcome.out) == (
        0,
        f"exported 6 entries, 1.1 kB, to {folder}; 4 entries stood there already\n",
    )
    assert cas.open((tmp_path / "bundle").as_uri()).count() == 10
    again = run("export", folder)
    assert again.out == f"exported 0 entries, 0 B, to {folder}; 10 entries stood there already\n"


def test_leftovers_of_an_interrupted_export(run, store, tmp_path):
    """An export that was killed is gone on with, and what it was writing goes; another host's file stays."""
    for number in (1, 2):
        put(store, number)
    folder = tmp_path / "bundle"
    run("export", str(folder), "--where", "number == 1")
    assert sorted(os.listdir(folder)) == ["FORMAT", "README.txt", "v1"]
    program = (
        f"import os, cas; store = cas.open('file://{folder}'); os.rename = lambda *names: os._exit(0)\n"
        "store.remember(b'name', b'body')"
    )
    for _ in range(2):
        subprocess.run([sys.executable, "-c", program], check=True)
    assert len(os.listdir(folder / "temporary")) == 2
    assert run("export", str(folder)).out.startswith("exported 1 entry")
    assert sorted(os.listdir(folder)) == ["FORMAT", "README.txt", "v1"]
    (folder / "temporary").mkdir()
    (folder / "temporary" / "1-otherhost0000-00").write_text("half")
    run("export", str(folder))
    assert os.listdir(folder / "temporary") == ["1-otherhost0000-00"]


def test_export_dry_run(run, store, tapers, tmp_path):
    """A dry run tells what would be copied, and makes no folder."""
    folder = str(tmp_path / "bundle")
    outcome = run("export", folder, "--dry-run")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == f"would export 10 entries, 1.7 kB, to {folder}\n"
    assert not os.path.exists(folder)
    plan = run("export", folder, "--dry-run", "--json").json()
    assert (plan["entries"], plan["copied"], plan["left_out"], plan["closed"]) == (10, None, None, {})


def test_export_elsewhere(run, store, tapers, tmp_path):
    """Into a folder with other things nothing is exported, dry or not."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    for options in ([], ["--dry-run"]):
        outcome = run("export", str(tmp_path / "mine"), *options)
        assert (outcome.code, outcome.out) == (2, "")
        assert "expected a new or empty folder, or an earlier bundle" in outcome.err
    assert os.listdir(tmp_path / "mine") == ["notes.txt"]


def test_export_tells_of_pickles(run, store, tmp_path):
    """Results that only their author can read are exported, and counted aloud."""
    deposit(store, LOAD, ["a", [], {}], "pickle/1", b"signed", summary="Model")
    deposit(store, LOAD, ["b", [], {}], "mine/1", b"bytes")
    outcome = run("export", str(tmp_path / "bundle"))
    assert outcome.code == 0
    assert outcome.out.startswith("exported 2 entries, ")
    assert outcome.err.splitlines() == [
        "of these, 1 result is or holds a pickle signed with your key: nobody else can read that",
        "of these, 1 result is stored as mine/1: only who has that codec can read that",
    ]


def test_damage_is_left_out_and_named(run, store, tapers, other, tmp_path):
    """A damaged entry of a bundle is left out and named, the others arrive, and the exit code is 1."""
    put(store, 1, large(1))
    folder = tmp_path / "bundle"
    run("export", str(folder))
    bundle = cas.open(folder.as_uri())
    overwrite(bundle.open_blob(store.entry(key(1)).digest).path, flip)
    (place,) = (path for path in folder.rglob(f"{tapers[3][:40]}*.json"))
    overwrite(str(place), lambda body: flip(body, 400))
    code, out, _ = run_on(other, "import", str(folder))
    assert code == 1
    assert out.startswith(f"imported 9 entries from {folder}\n")
    assert key(1).hex()[:12] in out
    assert tapers[3][:12] in out
    assert other.count() == 9
    assert_intact(other)
    report = json.loads(run_on(other, "import", str(folder), "--json").out)
    assert sorted(one["key"] for one in report["left_out"]) == sorted([key(1).hex(), tapers[3]])
    assert (report["entries"], report["copied"], report["kept"], report["closed"]) == (2, 0, 9, {})


def test_import_keeps_what_is_there(run, store, other):
    """A call that has a result in the store keeps it."""
    put(store, 1, b"ours")
    put(other, 1, b"theirs")
    put(other, 2, b"theirs")
    outcome = run("import", other.location)
    assert outcome.out == f"imported 1 entry, 6 B, from {other.location}; 1 entry stood there already\n"
    assert (get(store, 1), get(store, 2)) == ((b"ours", []), (b"theirs", []))
    assert other.count() == 2


def test_import_leaves_the_bundle_as_it_is(run, store, tapers, loaded, other, tmp_path):
    """Importing writes nothing into the bundle, which may be on a medium that takes no writes."""
    folder = tmp_path / "bundle"
    run("export", str(folder))

    def seen() -> dict[str, tuple[bytes, int]]:
        files = [path for path in folder.rglob("*") if path.is_file()]
        return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}

    before = seen()
    assert run_on(other, "import", str(folder)).code == 0
    assert run_on(other, "merge", str(folder)).code == 0
    assert seen() == before
    assert other.count() == 11


def test_import_makes_the_store(run, store, tapers, tmp_path):
    """Importing makes the store that is not there yet; a dry run does not."""
    run("export", str(tmp_path / "bundle"))
    new = str(tmp_path / "new")
    dry = piped("import", str(tmp_path / "bundle"), "--store", new, "--dry-run")
    assert (dry.returncode, dry.stdout) == (0, f"would import 10 entries, 1.7 kB, from {tmp_path / 'bundle'}\n")
    assert not os.path.exists(new)
    assert piped("import", str(tmp_path / "bundle"), "--store", new).returncode == 0
    assert cas.open(new).count() == 10


def test_merge_of_several(run, store, other, tmp_path):
    """Each other store gives what is not there yet, and keeps its own."""
    third = cas.open((tmp_path / "third").as_uri())
    put(other, 1, large(1))
    put(third, 1, large(1))
    put(third, 2, b"small")
    outcome = run("merge", other.location, str(tmp_path / "third"))
    assert (outcome.code, outcome.out.splitlines()) == (
        0,
        [
            f"merged 1 entry, 100 kB, from {other.location}",
            f"merged 1 entry, 5 B, from {tmp_path / 'third'}; 1 entry stood there already",
        ],
    )
    assert get(store, 1, always=True) == (large(1), [])
    assert get(store, 2) == (b"small", [])
    assert (other.count(), third.count()) == (1, 2)
    again = run("merge", other.location, "--json").json()
    assert [(one["entries"], one["kept"], one["copied"]) for one in again] == [(0, 1, 0)]
    assert_intact(store)


@pytest.mark.parametrize("command", ["import", "merge"])
def test_nothing_to_take_from(run, store, tmp_path, command):
    """A source that is not there, is no store, or is the store itself, is an error before anything is copied."""
    put(store, 1)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    assert run(command, str(tmp_path / "none")).code == 3
    foreign = run(command, str(tmp_path / "other"))
    assert (foreign.code, "--from NAME" in foreign.err) == (2, True)
    itself = run(command, store.location)
    assert (itself.code, itself.err.splitlines()[0]) == (2, f"error: {store.location} is the store itself")
    assert os.listdir(tmp_path / "other") == ["notes.txt"]


def test_options_that_do_not_go_together(run, store, tmp_path):
    """--trust is of --from alone, and an importer that is not installed is named."""
    assert run("import", str(tmp_path), "--trust").code == 2
    outcome = run("import", str(tmp_path), "--from", "mathlab")
    assert (outcome.code, outcome.err) == (3, "error: no importer 'mathlab' is installed\nhint: there is neurotools\n")


def test_a_store_that_takes_no_writes(run, store, other, monkeypatch):
    """Importing into a store that takes no writes is an error, whether there is anything to import or not."""
    monkeypatch.setattr(type(store), "writable", False, raising=False)
    monkeypatch.setattr(store, "writable", False)
    outcome = run("import", other.location)
    assert (outcome.code, outcome.out) == (6, "")


def test_progress_on_a_terminal(store, tmp_path):
    """Work that takes long shows its progress on a terminal, and leaves the report."""
    for number in range(600):
        put(store, number)
    store.close()
    folder = str(tmp_path / "bundle")
    code, seen = on_terminal("export", folder, "--store", store.location, code=AT_ONCE)
    assert code == 0
    assert "reading entries" in seen
    assert "copying entries" in seen
    assert f"exported 600 entries, 3 kB, to {folder}" in seen


def run_on(store: cas.Store, *arguments: str):
    """Run a command on another store than that of the test."""
    from click.testing import CliRunner

    from cas.cli import main
    from tests.cli.conftest import Outcome

    result = CliRunner().invoke(main, [*arguments, "--store", store.location])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Outcome(result.exit_code, result.stdout, result.stderr)
