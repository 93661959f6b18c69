"""`cas show` and `cas rm`: one entry in full, and the removal of entries."""

from __future__ import annotations

import zlib

import msgpack
import pytest

import cas
from cas.manifest import Ingredient, Manifest
from tests.cli.conftest import LOAD, deposit
from tests.deposits import assert_intact


def facts(text: str) -> dict[str, str]:
    """Return names and values as `cas show` printed them."""
    return {line.split()[0]: line.split(maxsplit=1)[1] for line in text.splitlines() if line.strip()}


def test_everything_about_an_entry(run, store, loaded):
    """An entry is shown with key, alias, code, arguments, result, size, blobs, cost, times and provenance."""
    outcome = run("show", loaded[:8])
    shown = facts(outcome.out)
    entry = store.entry(bytes.fromhex(loaded))
    assert outcome.code == 0
    assert shown["key"] == loaded
    assert shown["alias"].startswith("recording/load/")
    assert shown["function"] == "recording.load"
    assert shown["code"] == LOAD.fingerprint.hex()
    assert (shown["path"], shown["channels"], shown["options"]) == ("'a.dat'", "(1, 2)", "{'unit': 'µV'}")
    assert (shown["result"], shown["codec"], shown["cost"]) == ("dict of 5", "tree/1", "2 h")
    assert shown["size"].endswith(f"({entry.size:,} bytes)")
    assert shown["blob"] == entry.blobs[0].hex()
    assert (shown["python"], shown["host"]) == ("3.11.4", "lab")


def test_entry_as_json(run, store, loaded):
    """With --json, everything is one object."""
    shown = run("show", loaded, "--json").json()
    entry = store.entry(bytes.fromhex(loaded))
    assert shown["provenance"] == {"python": "3.11.4", "host": "lab"}
    assert shown["blobs"] == [digest.hex() for digest in entry.blobs]
    assert (shown["digest"], shown["inline"], shown["manifest"]) == (entry.digest.hex(), True, [])


@pytest.mark.parametrize(
    ("manifest", "names"),
    [
        (
            Manifest([Ingredient("function", "recording.load", "project", b"digest")]).pack(),
            ["function recording.load"],
        ),
        (zlib.compress(msgpack.packb(7)), []),
        (zlib.compress(msgpack.packb([1, 7])), []),
        (zlib.compress(b"\xc1"), []),
        (b"not compressed", []),
        (Manifest().pack()[:-9], []),
    ],
)
def test_any_manifest_can_be_shown(run, store, manifest, names):
    """A manifest is shown if its bytes can be read, and never fails."""
    record = cas.FunctionRecord(b"\4" * 32, "m", "f", (), manifest)
    key = deposit(store, record, [], "tree/1", b"\1")
    outcome = run("show", key)
    assert outcome.code == 0
    assert [line.strip() for line in outcome.out.splitlines() if line.startswith("   ")] == names
    assert run("show", key, "--json").json()["manifest"] == names


def test_unreadable_arguments_are_shown_as_such(run, store):
    """An entry whose arguments cannot be decoded is listed and shown all the same."""
    call = cas.Call(b"\5" * 32, LOAD, b"\xc1")
    with store.deposit(call, 0.0) as writing:
        writing.commit(cas.Result("tree/1", (b"\1",), "int", {}))
    outcome = run("show", "0505")
    assert outcome.code == 0
    assert facts(outcome.out)["path"] == "?"
    assert run("ls", "load").code == 0


@pytest.mark.parametrize("text", ["", "abc", "not-an-entry", "0" * 65, "a/b/c/d"])
def test_what_names_no_entry_is_refused(run, loaded, text):
    """What can be neither a key nor an alias is bad input, with a hint."""
    outcome = run("show", text)
    assert (outcome.code, outcome.out) == (2, "")
    assert "\nhint: " in outcome.err


def test_unknown_entry_is_not_found(run, loaded):
    """A key that is not there is not found."""
    absent = "".join("0" if c != "0" else "1" for c in loaded)
    outcome = run("show", absent[:12])
    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.err.startswith(f"error: no entry '{absent[:12]}'")


def test_ambiguous_prefix_is_refused(run, store):
    """A prefix of several keys is ambiguous, and they are listed."""
    for number in range(3):
        with store.deposit(cas.Call(b"\7\7" + bytes([number]) * 30, LOAD, b"\xc1"), 0.0) as writing:
            writing.commit(cas.Result("tree/1", (b"\1",), "int", {}))
    outcome = run("show", "0707")
    assert (outcome.code, outcome.out) == (4, "")
    assert "0707010101010101" in outcome.err
    assert run("show", "070701").code == 0


def test_rm_of_entries(run, store, tapers):
    """Named entries are removed, the others stay; blobs are left to gc."""
    outcome = run("rm", tapers[1][:10], tapers[2], "--yes")
    assert (outcome.code, outcome.out) == (0, "removed 2 entries\n")
    assert "cas gc" in outcome.err
    assert {entry.key.hex() for entry in store.entries()} == set(tapers.values()) - {tapers[1], tapers[2]}
    assert_intact(store)


def test_rm_of_a_function(run, store, tapers, loaded):
    """The entries of a function are removed, those that --where keeps apart stay."""
    removed = run("rm", "--function", "multitaper", "--where", "tapers < 4", "--yes", "--json").json()
    assert removed == {"removed": 3, "lost": 3.0, "keys": [tapers[3], tapers[2], tapers[1]]}
    assert run("rm", "--function", "multitaper", "-y").out == "removed 7 entries\n"
    assert [entry.key.hex() for entry in store.entries()] == [loaded]


def test_rm_asks_and_nobody_answers(run, store, tapers):
    """Where nobody can be asked, nothing is removed without --yes, and the loss is told."""
    outcome = run("rm", "--function", "multitaper")
    assert (outcome.code, outcome.out) == (2, "")
    assert "10 entries, 13.5 s of computing" in outcome.err
    assert "hint: add --yes" in outcome.err
    assert len(list(store.entries())) == 10


def test_rm_is_all_or_nothing(run, store, tapers):
    """If one of the named entries is not there, none is removed."""
    assert run("rm", tapers[1], "00000000", "--yes").code == 3
    assert len(list(store.entries())) == 10


@pytest.mark.parametrize(
    "arguments", [[], ["abcd", "--function", "multitaper"], ["--where", "tapers > 1"], ["abcd", "--where", "x == 1"]]
)
def test_rm_of_nothing_clear_is_refused(run, store, tapers, arguments):
    """Neither or both of entries and --function, or --where alone, is bad input."""
    assert run("rm", *arguments, "--yes").code == 2
    assert len(list(store.entries())) == 10


def test_rm_of_no_match(run, store, tapers):
    """A --where that holds for no entry removes nothing, and nothing is asked."""
    outcome = run("rm", "--function", "multitaper", "--where", "tapers > 99")
    assert (outcome.code, outcome.out, outcome.err) == (0, "removed 0 entries\n", "")
