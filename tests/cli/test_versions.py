"""`cas ls FUNCTION --versions` and `cas show FUNCTION@CODE`: the versions of a function, and the code of each."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from cas.listing import local_time
from cas.manifest import Manifest
from tests.deposits import assert_intact
from tests.manifests import HELPER, RATE, ROOT, RUN, manifest, put_version, version

FASTER = ("value", "m.RATE", "500.0")
WINDOW = ("class", "m.Window", "Window")
NUMPY = ("package", "numpy.sum", "numpy==2.4.1")
NOTE = ("note", "m.run: eval() may use any name of the module", "")
FIRST = version("aaaa0001", manifest(ROOT, RUN, HELPER, RATE))
SECOND = version("aaaa0002", manifest(ROOT, RUN, HELPER, FASTER))
THIRD = version("bbbb0003", manifest((*ROOT, ("r:0000", "class m.Window")), RUN, HELPER, FASTER, WINDOW, NUMPY, NOTE))


@pytest.fixture
def three(store):
    """Store three versions of one function, the second with two results, and one of another function."""
    put_version(store, FIRST, 1)
    put_version(store, SECOND, 1, 2)
    put_version(store, THIRD, 1)
    put_version(store, version("cccc", b"", "other"), 1)
    return store


def test_versions_are_listed_newest_first(run, three):
    """Each version of the code has a row with its figures and what changed from the one before."""
    three.record_hits(SECOND.fingerprint, 4, 2.0, [])
    headings, *rows = (re.split(r"  +", line) for line in run("ls", "m.run", "--versions").out.splitlines())
    assert headings == ["CODE", "FIRST", "ENTRIES", "SIZE", "COMPUTED", "HITS", "USED", "CHANGED"]
    created = {record.fingerprint: local_time(record.created) for record in three.records()}
    assert [(row[0], row[1]) for row in rows] == [
        (record.fingerprint.hex()[:8], created[record.fingerprint]) for record in (THIRD, SECOND, FIRST)
    ]
    assert [row[2:6] for row in rows] == [
        ["1", "1 B", "500 ms", "0"], ["2", "2 B", "1 s", "4"], ["1", "1 B", "500 ms", "0"],
    ]  # fmt: skip
    assert [row[7] for row in rows] == ["Window, numpy", "RATE", "first"]


def test_many_changes_are_cut_short(run, store):
    """Of many changes the first are named, and the others counted."""
    put_version(store, FIRST, 1)
    run_, helper = (*RUN[:2], "def run(y): ...", *RUN[3:]), (*HELPER[:2], "def helper(y): ...", *HELPER[3:])
    put_version(store, version("aaaa0002", manifest(ROOT, run_, helper, FASTER, WINDOW)), 1)
    assert run("ls", "run", "--versions").out.splitlines()[1].endswith("  run, helper (+2 more)")


def test_versions_without_entries_stay_listed(run, three):
    """A version whose results are all gone still shows, with none."""
    three.forget([entry.key for entry in three.entries() if entry.function.fingerprint == SECOND.fingerprint])
    assert run("ls", "run", "--versions").rows()[2][0] == "aaaa0002"
    assert [row["entries"] for row in run("ls", "run", "--versions", "--json").json()] == [1, 0, 1]
    assert_intact(three)


def test_versions_as_json(run, three):
    """With --json a version is an object with its full code, raw figures, and its changes."""
    _, second, first = run("ls", "run", "--versions", "--json").json()
    assert second.pop("created").endswith("Z")
    assert second.pop("used").endswith("Z")
    assert second == {
        "function": "m.run",
        "code": SECOND.fingerprint.hex(),
        "parameters": ["x"],
        "entries": 2,
        "size": 2,
        "cost": 1.0,
        "hits": 0,
        "saved": 0.0,
        "older": FIRST.fingerprint.hex(),
        "changes": [
            {
                "how": "changed",
                "kind": "value",
                "name": "m.RATE",
                "path": ["m.run", "m.helper", "m.RATE"],
                "lines": ["250.0 -> 500.0"],
            }
        ],
    }
    assert (first["older"], first["changes"]) == (None, None)
    coded = run("ls", "run", "--versions", "--json", "--code").json()
    assert coded[1]["ingredients"][3] == {
        "kind": "value", "name": "m.RATE", "origin": "project", "source": "500.0", "links": [],
        "digest": manifest(FASTER)[0].digest.hex(),
    }  # fmt: skip


def test_the_code_of_each_version(run, three):
    """With --code the function's own lines and its helpers' stand below each version."""
    lines = run("ls", "run", "--versions", "--code", "--limit", "1").out.splitlines()
    assert lines[0].startswith("m.run@bbbb0003  ")
    assert lines[0].endswith(", 1 entry, changed: Window, numpy")
    assert lines[1:] == [
        "", "function m.run", "    def run(x):", "        return helper(x)",
        "", "function m.helper", "    def helper(x):", "        return x * RATE", "",
    ]  # fmt: skip


def test_limit_of_versions(run, three):
    """No more versions are shown than asked for, and how many there are besides is said."""
    outcome = run("ls", "run", "--versions", "--limit", "2")
    assert (len(outcome.rows()), outcome.err) == (3, "1 more version; --limit 0 shows all\n")
    assert run("ls", "run", "--versions", "--limit", "0").err == ""


@pytest.mark.parametrize(
    "arguments",
    [["--versions"], ["run", "--code"], *(["run", "--versions", *more] for more in (["--sort", "x"], ["--alias"]))],
)
def test_options_that_do_not_go_together(run, three, arguments):
    """--versions needs a function and takes nothing of entries; --code needs --versions."""
    outcome = run("ls", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert "\nhint: " in outcome.err


def test_a_manifest_that_cannot_be_read(run, store):
    """A version whose manifest is damaged is listed and shown without its code."""
    put_version(store, version("aaaa", b"damage"), 1)
    put_version(store, SECOND, 1)
    assert [row[-1] for row in run("ls", "run", "--versions").rows()[1:]] == ["?", "first"]
    assert "its manifest cannot be read" in run("ls", "run", "--versions", "--code").out
    shown = run("show", "run@aaaa0000")
    assert (shown.code, "function    m.run" in shown.out, "cannot be read" in shown.err) == (0, True, True)
    assert run("show", "run@aaaa0000", "--json").json()["ingredients"] is None


def test_show_a_version(run, three):
    """A version is shown with its figures, then the user's own code, then packages, then notes."""
    facts, code = run("show", "m:run@bbbb").out.split("\n\n", 1)
    by_name = dict(line.split(maxsplit=1) for line in facts.splitlines())
    assert by_name["code"] == THIRD.fingerprint.hex()
    assert by_name["entries"] == "1, 1 B"
    assert by_name["changed"] == "Window, numpy (from aaaa0002)"
    assert by_name["first"].endswith(" (now)")
    assert code.splitlines() == [
        "function m.run",
        "    def run(x):",
        "        return helper(x)",
        "",
        "function m.helper",
        "    def helper(x):",
        "        return x * RATE",
        "",
        "value m.RATE = 500.0",
        "class m.Window",
        "",
        "numpy 2.4.1: numpy.sum",
        "note: m.run: eval() may use any name of the module",
    ]


def test_show_a_version_looks_at_no_newer_one(run, store, monkeypatch):
    """Showing one version compares it with the one before, however many there are after it."""
    for number in range(6):
        put_version(store, version(f"aaaa000{number}", manifest(ROOT, RUN, HELPER, (*RATE[:2], str(number)))), 1)
    read: list[object] = []
    unpack = Manifest.unpack
    monkeypatch.setattr(Manifest, "unpack", lambda data: read.append(data) or unpack(data))
    assert "changed     RATE" in run("show", "run@aaaa0001").out
    assert len(read) == 2


def test_show_a_version_as_json(run, three):
    """With --json a version is one object with every ingredient."""
    shown = run("show", "run@bbbb", "--json").json()
    assert [found["kind"] for found in shown["ingredients"]] == [
        "root", "function", "function", "value", "class", "package", "note",
    ]  # fmt: skip
    assert shown["ingredients"][0]["links"] == [["f", 1], ["r:0000", 4]]
    assert shown["older"] == SECOND.fingerprint.hex()


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("run@zz", 2, "expected 4 or more hexadecimal characters of a version's code, found 'zz'"),
        ("run@bbb", 2, "expected 4 or more hexadecimal characters of a version's code, found 'bbb'"),
        ("run@dddd", 3, "no version 'dddd' of m.run"),
        ("run@aaaa", 4, "'aaaa' stands for several versions of m.run: aaaa000200000000, aaaa000100000000"),
        ("walk@aaaa", 3, "no function 'walk' in "),
    ],
)
def test_what_names_no_version(run, three, text, code, message):
    """What names none or several is refused, with what there is."""
    for command in ("show", "diff"):
        outcome = run(command, text)
        assert (outcome.code, outcome.out) == (code, "")
        assert outcome.err.startswith(f"error: {message}")
        assert "\nhint: " in outcome.err
        if code < 4 and text.startswith("run"):
            assert outcome.err.endswith("hint: there are bbbb0003, aaaa0002, aaaa0001\n")


def test_a_foreign_store_does_not_steer_the_terminal(run, store):
    """Control characters in stored code, names and versions are written out."""
    evil = "\x1b[2J\x07\u202e\r"
    rows = (
        ("root", f"m.run{evil}", "x", ("f", f"function m.run{evil}")),
        ("function", f"m.run{evil}", f"def run(x):\n\treturn '{evil}'"),
        ("value", f"m.{evil}", evil),
        ("package", f"p.{evil}", f"p{evil}==1{evil}"),
        ("note", evil, ""),
    )
    put_version(store, version("aaaa", manifest(ROOT, RUN, HELPER, RATE)), 1)
    put_version(store, version("bbbb", manifest(*rows)), 1)
    commands = ["show", "run@bbbb"], ["ls", "run", "--versions"], ["ls", "run", "--versions", "--code"], ["diff", "run"]
    for command in commands:
        outcome = run(*command)
        assert outcome.code == 0
        assert not set(outcome.out) & set("\x1b\x07\u202e\r")
        assert "\\x1b[2J" in outcome.out
    assert "        return '\\x1b" in run("show", "run@bbbb").out  # a tab is a few spaces


def test_versions_of_a_real_project(run, store, tmp_path):
    """An edited helper makes a new version, and editing it back makes none."""
    project = tmp_path / "lab.py"
    script = f"import memo, lab; memo.cached(store={store.location!r})(lab.run)(3)"
    for rate in ("250.0", "500.0", "250.0"):
        project.write_text(f"RATE = {rate}\n\ndef scale(x):\n    return x * RATE\n\ndef run(x):\n    return scale(x)\n")
        environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
        subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, check=True, timeout=60)
    assert [row[-1] for row in run("ls", "lab.run", "--versions").rows()] == ["CHANGED", "RATE", "first"]
    assert run("diff", "lab.run").out.splitlines()[3:] == [
        "value lab.RATE changed", "run -> scale -> RATE", "250.0 -> 500.0", "",
    ]  # fmt: skip
