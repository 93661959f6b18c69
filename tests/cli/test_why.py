"""`cas why`: why entries were computed, told from what was stored before them."""

from __future__ import annotations

import pytest
from blake3 import blake3

import cas
from cas.manifest import Ingredient, Manifest
from tests.cli.conftest import deposit


def version(body: str, name: str = "study.analyse") -> cas.FunctionRecord:
    """Return a version of a function that has one helper of this body."""
    digest = blake3(body.encode()).digest()
    module, _, qualname = name.rpartition(".")
    manifest = Manifest(
        [
            Ingredient("root", name, "project", b"r" * 32, None, (("f", 1),)),
            Ingredient("function", name, "project", b"f" * 32, "def analyse(x): return scale(x)", (("g:scale", 2),)),
            Ingredient("function", f"{module}.scale", "project", digest, f"def scale(x):\n    {body}"),
        ]
    )
    return cas.FunctionRecord(digest, module, qualname, ("x",), manifest.pack())


@pytest.fixture
def edited(store) -> list[str]:
    """Store one call under two versions of the code, and another call; return the keys in order."""
    return [
        deposit(store, version("return x"), [1], "tree/1", b"\1", cost=2.0),
        deposit(store, version("return x + 1"), [1], "tree/1", b"\2", cost=3.0),
        deposit(store, version("return x + 1"), [5], "tree/1", b"\3", cost=0.5),
    ]


def test_why_an_entry_was_computed(run, edited):
    """An entry is told with its call, what changed since the nearest one before it, and the lines."""
    outcome = run("why", edited[1][:8])
    before = version("return x").fingerprint.hex()[:8]
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines() == [
        f"{edited[1][:12]}  study.analyse(x=1)",
        "computed because the helper study.scale changed",
        "  analyse -> scale",
        "     def scale(x):",
        "    -    return x",
        "    +    return x + 1",
        f"  compared with entry {edited[0][:12]}, stored just now under version {before}",
    ]


def test_the_first_call(run, edited):
    """Of the first entry of a function it is said that it is the first, whatever came later."""
    outcome = run("why", edited[0])
    assert outcome.out.splitlines()[1:] == [
        "computed because it is the first call of study.analyse that this store knows of"
    ]


def test_why_the_latest_entries_were_computed(run, edited):
    """Of a function, the latest entries are listed with a verdict each, the newest with its details below."""
    outcome = run("why", "analyse")
    table, _, details = outcome.out.partition("\n\n")
    heading, *rows = table.splitlines()
    assert heading.split() == ["KEY", "AGE", "COST", "COMPUTED", "BECAUSE"]
    assert [row.split()[0] for row in rows] == [key[:12] for key in reversed(edited)]
    assert [row.split("  ")[-1] for row in rows] == [
        "no earlier call had these arguments; the nearest differs in x: 1 -> 5",
        "the helper study.scale changed",
        "it is the first call of study.analyse that this store knows of",
    ]
    assert details.splitlines()[0] == f"{edited[2][:12]}  study.analyse(x=5)"
    assert len(run("why", "analyse", "--limit", "1").out.partition("\n\n")[0].splitlines()) == 2


def test_five_entries_unless_said_otherwise(run, tapers):
    """Without --limit the five latest entries are told of; 0 means all."""
    assert len(run("why", "multitaper", "--json").json()) == 5
    assert len(run("why", "multitaper", "--limit", "0", "--json").json()) == 10


def test_reasons_as_json(run, edited):
    """With --json, everything about a reason is told: kind, nearest entry, changes and arguments."""
    by_code = run("why", edited[1], "--json").json()
    assert (by_code["key"], by_code["kind"], by_code["arguments"]) == (edited[1], "code", [])
    assert by_code["nearest"] == {"key": edited[0], "code": version("return x").fingerprint.hex()}
    assert by_code["verdict"] == "the helper study.scale changed"
    (change,) = by_code["changes"]
    assert (change["how"], change["name"], change["path"]) == (
        "changed", "study.scale", ["study.analyse", "study.scale"],
    )  # fmt: skip
    by_arguments, same, first = run("why", "study.analyse", "--json").json()
    assert by_arguments["arguments"] == [{"name": "x", "old": "1", "new": "5", "where": ""}]
    assert same == by_code
    assert (first["kind"], first["nearest"]) == ("first", None)


def test_an_adopted_entry_was_not_computed(run, store, edited):
    """An entry that was taken over from another version is said to be so."""
    taken = version("return x * 1")
    call = cas.Call(blake3(b"taken").digest(), taken, b"\x91\x01")
    store.copy([(bytes.fromhex(edited[0]), call)], {"adopted from study.analyse@0123abcd": "5 calls"})
    assert run("why", call.key.hex()[:12]).out.splitlines()[1:] == [
        "not computed, but adopted from study.analyse@0123abcd",
        "  adopted from study.analyse@0123abcd (5 calls)",
    ]
    assert run("why", "analyse", "--json").json()[0]["verdict"] == (
        "not computed, but adopted from study.analyse@0123abcd"
    )


def test_an_entry_adopted_twice_names_the_last_version(run, store, edited):
    """Of a chain of adoptions the verdict names the version that the entry was taken from, and the lines all."""
    taken = cas.Call(blake3(b"taken").digest(), version("return x * 1"), b"\x91\x01")
    store.copy([(bytes.fromhex(edited[0]), taken)], {"adopted from study.a@0123": "2026-11-21T10:00:00Z: 5 calls"})
    again = cas.Call(blake3(b"again").digest(), version("return 1 * x"), b"\x91\x01")
    store.copy([(taken.key, again)], {"adopted from study.b@4567": "2026-11-22T10:00:00Z: 5 calls"})
    assert run("why", again.key.hex()[:12]).out.splitlines()[1:] == [
        "not computed, but adopted from study.b@4567",
        "  adopted from study.b@4567 (2026-11-22T10:00:00Z: 5 calls)",
        "  adopted from study.a@0123 (2026-11-21T10:00:00Z: 5 calls)",
    ]


def test_stored_text_does_not_steer_the_terminal(run, store):
    """Escape sequences in names, sources and arguments are written out."""
    for body in ("return x", "return '\x1b[2J'"):
        key = deposit(store, version(body, "study.an\x1balyse"), ["\x1b[31m"], "tree/1", b"\1")
    outcome = run("why", key)
    assert "\x1b" not in outcome.out
    assert "\\x1b[2J" in outcome.out


def test_a_function_whose_entries_are_gone(run, store, edited):
    """A function that has no entries left is said to have none."""
    store.forget(list(map(bytes.fromhex, edited)))
    outcome = run("why", "analyse")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "study.analyse has no entries any more\n")
    assert run("why", "analyse", "--json").json() == []


def test_a_function_named_like_a_key(run, store):
    """A function whose name could be the start of a key is found, unless a key starts so."""
    deposit(store, version("return x", "study.decade"), [1], "tree/1", b"\1")
    assert "study.decade(x=1)" in run("why", "decade").out


@pytest.mark.parametrize(("name", "code"), [("missing", 3), ("0000ffff", 3), ("", 3), ("a/b", 3)])
def test_what_names_nothing_is_not_found(run, edited, name, code):
    """What is neither an entry nor a function is not found, with a hint."""
    outcome = run("why", name)
    assert (outcome.code, outcome.out) == (code, "")
    assert "\nhint: " in outcome.err


def test_a_negative_limit_is_refused(run, edited):
    """A limit below zero is bad input."""
    assert run("why", "analyse", "--limit", "-1").code == 2
