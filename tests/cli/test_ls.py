"""`cas ls`: functions, and the entries of one."""

from __future__ import annotations

import dataclasses

import cas
from tests.cli.conftest import LOAD, MULTITAPER, deposit


def test_functions_are_listed_with_their_figures(run, store, tapers, loaded):
    """Without a function, each function has a row with versions, entries, size, costs, hits and use."""
    store.record_hits(MULTITAPER.fingerprint, 4, 20.0, [])
    outcome = run("ls")
    headings, *rows = outcome.rows()
    assert headings == ["FUNCTION", "VERSIONS", "ENTRIES", "SIZE", "COMPUTED", "HITS", "SAVED", "USED"]
    by_name = {row[0]: row for row in rows}
    assert by_name["analysis.spectra.multitaper"][1:3] == ["1", "10"]
    assert by_name["analysis.spectra.multitaper"][-6:-1] == ["13.5", "s", "4", "20", "s"]
    assert by_name["recording.load"][1:3] == ["1", "1"]
    assert outcome.code == 0


def test_functions_as_json(run, tapers):
    """With --json, functions are objects with raw figures."""
    (function,) = run("ls", "--json").json()
    assert function.pop("used").endswith("Z")
    assert function == {
        "name": "analysis.spectra.multitaper",
        "versions": 1,
        "entries": 10,
        "size": 10 * 128 + 8 * 55,
        "cost": 13.5,
        "hits": 0,
        "saved": 0.0,
    }


def test_functions_are_sorted(run, tapers, loaded):
    """Functions are sorted by any of their fields."""
    assert [row[0] for row in run("ls", "--sort", "entries").rows()[1:]] == [
        "recording.load",
        "analysis.spectra.multitaper",
    ]
    assert run("ls", "--sort", "-entries", "--limit", "1").rows()[1][0] == "analysis.spectra.multitaper"
    refused = run("ls", "--sort", "tapers")
    assert (refused.code, refused.out) == (2, "")
    assert "entries" in refused.err


def test_each_argument_has_a_column(run, tapers):
    """The entries of a function are listed newest first, each argument in a column of its own."""
    headings, first, *rest = run("ls", "analysis.spectra.multitaper").rows()
    assert headings == ["KEY", "signal", "rate", "tapers", "RESULT", "SIZE", "COST", "AGE"]
    assert first[:7] == [tapers[10][:12], "'eeg'", "250.0", "10", "float64[10]", "208", "B"]
    assert len(rest) == 9


def test_function_by_the_end_of_its_name(run, store, tapers, loaded):
    """A function may be named by its last parts; one that several share is ambiguous."""
    assert run("ls", "multitaper").out == run("ls", "spectra.multitaper").out
    deposit(store, dataclasses.replace(LOAD, fingerprint=b"\1" * 32, module="other"), ["b", [], {}], "tree/1", b"\1")
    ambiguous = run("ls", "load")
    assert (ambiguous.code, ambiguous.out) == (4, "")
    assert "other:load" in ambiguous.err
    assert "recording:load" in ambiguous.err
    assert len(run("ls", "other:load").rows()) == 2


def test_unknown_function_is_not_found(run, tapers):
    """A function without results is not found, and a similar name is suggested."""
    outcome = run("ls", "multitapr")
    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.err.startswith("error: no function 'multitapr'")
    assert "hint: did you mean analysis.spectra.multitaper?" in outcome.err


def test_where_selects(run, tapers):
    """--where keeps the entries for which it holds."""
    rows = run("ls", "multitaper", "--where", "tapers >= 5 and rate == 250 and cost > '1s'").rows()[1:]
    assert [row[3] for row in rows] == ["10", "6", "5"]


def test_where_across_functions(run, tapers, loaded):
    """Without a function, --where lists entries of all functions, the arguments in one column."""
    headings, *rows = run("ls", "--where", "cost > '1h'").rows()
    assert headings[:3] == ["KEY", "FUNCTION", "ARGUMENTS"]
    assert [row[:3] for row in rows] == [[loaded[:12], "recording.load", "path='a.dat',"]]


def test_where_that_has_no_meaning_is_refused(run, tapers):
    """An expression that does not parse, or names no argument, is bad input; the message points at it."""
    broken = run("ls", "multitaper", "--where", "tapers >=")
    assert (broken.code, broken.out) == (2, "")
    assert "tapers >=\n" in broken.err
    unknown = run("ls", "multitaper", "--where", "taprs > 1")
    assert unknown.code == 2
    assert "hint: did you mean tapers?" in unknown.err


def test_sorting(run, store, tapers):
    """Entries are sorted by a field or by an argument, up or down; ties keep the newest first."""
    by_argument = run("ls", "multitaper", "--sort", "-tapers", "--limit", "3")
    assert [row[3] for row in by_argument.rows()[1:]] == ["10", "9", "8"]
    assert by_argument.err == "7 more entries; --limit 0 shows all\n"
    by_cost = run("ls", "multitaper", "--sort", "-cost", "--json").json()
    assert [row["cost"] for row in by_cost] == sorted([0.5 * (n % 7) for n in range(1, 11)], reverse=True)
    oldest = run("ls", "multitaper", "--sort", "-age", "--json").json()
    assert [row["arguments"]["tapers"] for row in oldest] == list(range(1, 11))
    assert run("ls", "multitaper", "--sort", "age").out == run("ls", "multitaper").out


def test_unknown_column_is_refused(run, tapers):
    """Sorting by what is no column is bad input, and the columns are named."""
    outcome = run("ls", "multitaper", "--sort", "tapirs")
    assert (outcome.code, outcome.out) == (2, "")
    assert "tapers" in outcome.err


def test_limit(run, tapers):
    """--limit cuts the listing, 0 shows everything, less is refused."""
    assert len(run("ls", "multitaper", "--limit", "4").rows()) == 5
    everything = run("ls", "multitaper", "--limit", "0")
    assert (len(everything.rows()), everything.err) == (11, "")
    assert run("ls", "multitaper", "--limit", "10").err == ""
    assert run("ls", "multitaper", "--limit", "-1").code == 2
    where = run("ls", "multitaper", "--where", "tapers > 1", "--limit", "2")
    assert where.err == "more entries match than these 2; --limit 0 shows all\n"


def test_entries_as_json(run, tapers, loaded):
    """With --json, entries are objects with decoded arguments and raw figures."""
    (row,) = run("ls", "load", "--json", "--alias").json()
    assert row["key"] == loaded
    assert row["function"] == "recording.load"
    assert row["code"] == LOAD.fingerprint.hex()
    assert row["arguments"] == {"path": "a.dat", "channels": [1, 2], "options": {"unit": "µV"}}
    assert (row["summary"], row["codec"], row["cost"]) == ("dict of 5", "tree/1", 7200.0)
    assert row["created"].endswith("Z")
    assert row["alias"].startswith(f"recording/load/{LOAD.fingerprint.hex()[:16]}/{loaded[:40]}.path=a.dat")
    assert isinstance(row["size"], int)


def test_aliases_name_entries(run, tapers):
    """Each alias that --alias prints names its entry."""
    headings, *rows = run("ls", "multitaper", "--alias").rows()
    assert headings == ["KEY", "ALIAS"]
    assert len(rows) == 10
    for key, alias in rows:
        assert run("show", alias, "--json").json()["key"].startswith(key)


def test_versions_with_other_parameters(run, store, tapers):
    """A version with other parameters adds its columns, and the code column tells versions apart."""
    newer = cas.FunctionRecord(b"\2" * 32, "analysis.spectra", "multitaper", ("signal", "rate", "window"))
    deposit(store, newer, ["emg", 100.0, "hann"], "tree/1", b"\1", summary="int")
    headings, first, second, *_ = run("ls", "multitaper").rows()
    assert headings[:6] == ["KEY", "CODE", "signal", "rate", "window", "tapers"]
    assert first[1:6] == ["02020202", "'emg'", "100.0", "'hann'", "int"]
    assert second[1] == MULTITAPER.fingerprint.hex()[:8]
    by_taper = run("ls", "multitaper", "--sort", "tapers", "--json").json()
    assert "tapers" not in by_taper[-1]["arguments"]
    assert run("ls").rows()[1][1:3] == ["2", "11"]


def test_control_characters_do_not_reach_the_terminal(run, store):
    """What a foreign store says is printed with its control characters written out."""
    evil = cas.FunctionRecord(b"\3" * 32, "evil", "\x1b[2Jf", ("x",))
    deposit(store, evil, ["\x1b]0;title\x07"], "tree/1", b"\1", summary="\x1b[31mred\nline")
    for arguments in (["ls"], ["ls", "evil.\x1b[2Jf"], ["ls", "--where", "size > 0"]):
        outcome = run(*arguments)
        assert "\x1b" not in outcome.out
        assert outcome.out.count("\n") == 2
    assert "\\x1b[31mred\\nline" in run("ls", "--where", "size > 0").out


def test_store_without_results(run):
    """An empty store lists nothing, and says so apart from the data."""
    outcome = run("ls")
    assert (outcome.code, outcome.out) == (0, "")
    assert "no results yet" in outcome.err
    assert run("ls", "--json").json() == []
