"""`cas gc`, `cas fsck`, `cas stats`, and the store that is not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

import cas
from cas.cli import main
from tests.deposits import LARGE, assert_intact, flip, get, key, large, overwrite, put


def test_gc_without_options_loses_no_result(run, store):
    """Without options gc frees what no entry needs, and no result is lost."""
    put(store, 1, large(1))
    put(store, 2, large(2))
    store.forget([key(1)])
    dry = run("gc", "--dry-run")
    assert dry.code == 0
    assert dry.out.splitlines()[-1] == "would free 100 kB; no result would be lost"
    assert len(list(store.blobs())) == 2
    assert run("gc").out.splitlines()[-1] == "freed 100 kB; 0 entries removed"
    assert get(store, 2, always=True) == (large(2), [])
    assert_intact(store)


def test_gc_tells_what_is_lost(run, store):
    """A dry run tells how many bytes would be free and how many CPU-hours of results would be lost."""
    put(store, 1, large(1), cost=7200.0)
    put(store, 2, large(2), cost=1800.0)
    outcome = run("gc", "--older-than", "0s", "--dry-run")
    reason = " ".join(outcome.out.splitlines()[1].split())
    assert reason == "unused 2 entries unused for longer than asked, 2.5 h of computing"
    assert outcome.out.splitlines()[-1] == "would free 200 kB; results of 2.5 CPU-hours of computing would be lost"
    assert len(list(store.entries())) == 2


def test_gc_drops_what_options_name(run, store):
    """--max-size drops the least worth keeping, --older-than what was not used; both free their blobs."""
    put(store, 1, large(1), cost=1.0)
    put(store, 2, large(2), cost=100.0)
    assert run("gc", "--older-than", "1h").out.splitlines()[-1] == "freed 0 B; 0 entries removed"
    assert run("gc", "--max-size", "150kB").code == 0
    assert store.fetch(key(1)) is None
    assert get(store, 2, always=True) == (large(2), [])
    assert len(list(store.blobs())) == 1
    assert_intact(store)


def test_gc_as_json(run, store):
    """With --json the plan and what was removed are one object."""
    put(store, 1, large(1), cost=3.0)
    plan = run("gc", "--max-size", "0B", "--dry-run", "--json").json()
    (drop,) = plan["drop"]
    assert (drop["key"], drop["reason"], drop["cost"]) == (key(1).hex(), "size", 3.0)
    assert (plan["entries"], plan["lost"], plan["removed"], len(plan["blobs"])) == (1, 3.0, None, 1)
    assert plan["freed"] == plan["size"] >= LARGE
    done = run("gc", "--max-size", "0B", "--json").json()
    assert done["removed"] == {"entries": 1, "kept": 0, "size": plan["freed"]}


@pytest.mark.parametrize("options", [["--max-size", "big"], ["--older-than", "30"], ["--older-than", "soon"]])
def test_gc_refuses_what_it_cannot_read(run, store, options):
    """A size or a time that is none is bad input, and nothing goes."""
    put(store, 1)
    outcome = run("gc", *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert "\nhint: write a number and a unit" in outcome.err
    assert get(store, 1) == (b"small", [])


def test_fsck_of_an_intact_store(run, store):
    """An intact store ends with 0; what merely takes space does too."""
    put(store, 1, large(1))
    assert run("fsck") == (0, "everything is intact\n", "")
    assert run("fsck", "--json").json() == []
    store.forget([key(1)])
    outcome = run("fsck")
    assert outcome.code == 0
    assert "unneeded blob" in outcome.out
    assert outcome.out.endswith("1 finding, 0 of damage\n")


def test_fsck_finds_and_repairs(run, store):
    """Damage ends with 1 until it is repaired, and each finding names its mend."""
    put(store, 1, large(1))
    put(store, 2, large(2))
    path = next(blob.path for blob in store.blobs() if blob.digest == store.entry(key(1)).digest)
    overwrite(path, flip)
    damaged = Path(path).read_bytes()
    report = run("fsck")
    assert report.code == 1
    assert report.out.endswith("2 findings, 2 of damage\n")
    assert key(1).hex() in report.out
    assert report.err == "`cas fsck --repair` mends what can be mended\n"
    assert Path(path).read_bytes() == damaged
    findings = run("fsck", "--json").json()
    assert {(f["kind"], f["damage"], f["mended"]) for f in findings} == {
        ("damaged blob", True, False),
        ("damaged result", True, False),
    }
    repaired = run("fsck", "--repair", "--json")
    assert (repaired.code, [f["mended"] for f in repaired.json()]) == (0, [True, True])
    assert run("fsck").code == 0
    assert store.fetch(key(1)) is None
    assert get(store, 2, always=True) == (large(2), [])
    assert_intact(store)


def test_stats(run, store):
    """Stats tells functions, entries, blobs, and computing stored and saved."""
    put(store, 1, large(1), cost=3.0)
    put(store, 2, b"small", cost=4.0)
    store.record_hits(store.functions()[0].function.fingerprint, 5, 15.0, [])
    assert run("stats", "--json").json() == {
        "location": store.location,
        "functions": 1,
        "versions": 1,
        "entries": 2,
        "size": LARGE + 5,
        "blobs": 1,
        "blobs_size": LARGE,
        "cost": 7.0,
        "hits": 5,
        "saved": 15.0,
    }
    lines = [line.split(maxsplit=1) for line in run("stats").out.splitlines()]
    assert dict(lines) == {
        "store": store.location,
        "functions": "1 in 1 version",
        "entries": "2, 100 kB",
        "blobs": "1 in files, 100 kB",
        "computed": "7 s",
        "saved": "15 s by 5 hits",
    }


COMMANDS = [["ls"], ["gc"], ["fsck"], ["stats"]]


@pytest.mark.parametrize("command", COMMANDS)
def test_configured_store_that_is_not_there_yet(command, monkeypatch, tmp_path):
    """Before the first result there is nothing to list: a note says so, no store is made, and it is no failure."""
    monkeypatch.setenv("CAS_STORE", str(tmp_path / "later"))
    result = CliRunner().invoke(main, command)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "there is no store at" in result.stderr
    as_json = CliRunner().invoke(main, [*command, "--json"])
    assert as_json.stdout.strip() in ("[]", "{}")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("command", [*COMMANDS, ["show", "abcd"], ["get", "abcd"], ["rm", "abcd", "--yes"]])
def test_named_store_that_is_not_there(command, tmp_path):
    """A store named with --store that is not there is not found, and not made."""
    result = CliRunner().invoke(main, [*command, "--store", str(tmp_path / "nowhere")])
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith("error: there is no store at")
    assert "\nhint: " in result.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("command", [*COMMANDS, ["show", "abcd"], ["rm", "abcd", "--yes"]])
def test_folder_that_is_no_store(command, tmp_path):
    """A folder of other things, or a file, is bad input, and is left as it is."""
    (tmp_path / "notes.txt").write_text("mine")
    for place in (tmp_path, tmp_path / "notes.txt"):
        result = CliRunner().invoke(main, [*command, "--store", str(place)])
        assert (result.exit_code, result.stdout) == (2, "")
        assert "expected a store" in result.stderr
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_store_of_a_newer_format(run, store):
    """A store of a newer format is refused with the mend, and left as it is."""
    put(store, 1)
    store.close()
    path = Path(store.location, "FORMAT")
    path.chmod(0o600)
    path.write_text("cas store, format 99\n")
    result = CliRunner().invoke(main, ["ls", "--store", store.location])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "format 99" in result.stderr
    assert "newer cas" in result.stderr


def test_index_that_cannot_be_read(run, store):
    """An index that is damaged ends gc with the code of damage, and no blob goes."""
    put(store, 1, large(1))
    store.close()
    overwrite(os.path.join(store.location, "index.sqlite"), lambda body: body.__setitem__(slice(0, 100), b"x" * 100))
    outcome = run("gc")
    assert (outcome.code, outcome.out) == (7, "")
    assert "\nhint: " in outcome.err
    assert len(list(Path(store.location, "blobs").rglob("*/*"))) == 1


def test_help_names_every_command_and_exit_code():
    """The help names each command and code; each command has help of its own."""
    text = CliRunner().invoke(main, ["--help"]).stdout
    for name in ("ls", "show", "get", "rm", "gc", "fsck", "stats"):
        assert f"\n  {name} " in text
        assert CliRunner().invoke(main, [name, "--help"]).stdout.startswith(f"Usage: cas {name} ")
    assert CliRunner().invoke(main, []).stdout == text
    assert " ".join(text.split()).count("Exit codes: 0 done, 1 findings or failure, 2 bad input") == 1


@pytest.mark.parametrize("arguments", [["--nope"], ["nope"], ["ls", "--limit", "x"], ["show"], ["ls", "a", "b"]])
def test_wrong_usage(arguments):
    """Unknown commands, options and values end with 2, an error and a hint."""
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert "\nhint: `cas" in result.stderr


def test_exit_code_of_each_error():
    """Each kind of error has its documented exit code, and one that is unknown is a failure."""
    from cas.cli.exits import exit_code

    codes = {
        cas.NotFoundError: 3,
        cas.ConflictError: 4,
        cas.BusyError: 5,
        cas.ReadOnlyError: 6,
        cas.InvalidInputError: 2,
        cas.StorageError: 6,
        cas.IntegrityError: 7,
        cas.CasError: 1,
    }
    assert {kind: exit_code(kind("what")) for kind in codes} == codes
