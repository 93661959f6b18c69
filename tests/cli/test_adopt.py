"""`cas adopt`: the present function is found, the work is told beforehand, and errors say what to do."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys

import pytest

from memo.fingerprint import text
from tests.cli.test_process import on_terminal
from tests.deposits import assert_intact, function, put

SOURCE = """
import memo

CALLS = []

@memo.cached
def double(x, n=2):
    CALLS.append(x)
    return [x * n]

def plain(x):
    return x

class Filter:
    @memo.cached
    def method(self, x):
        return x + 1

    @classmethod
    @memo.cached
    def made(cls, x):
        return x + 1

    @staticmethod
    @memo.cached
    def static(x):
        return x + 1

    @property
    @memo.cached
    def width(self):
        return 3

def outer():
    @memo.cached
    def inner(x):
        return x
    return inner
"""


@pytest.fixture
def edit(store, tmp_path, monkeypatch):
    """Return a function that writes `analysis.py` in the current folder, and imports it if asked."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CAS_STORE", store.location)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(text, "_began", float("inf"))

    def write(source: str, load: bool = False):
        sys.modules.pop("analysis", None)
        (folder / "analysis.py").write_text(source)
        importlib.invalidate_caches()
        return importlib.import_module("analysis") if load else None

    yield write
    sys.modules.pop("analysis", None)


@pytest.fixture
def code(edit, store) -> str:
    """Store results of ten calls, change the function's code without changing what it does, return the old code."""
    module = edit(SOURCE, load=True)
    for x in range(10):
        module.double(float(x))
    (record,) = store.records()
    edit(SOURCE.replace("x * n", "n * x"))
    return record.fingerprint.hex()[:8]


def test_adopt_takes_over(run, store, code):
    """The calls to compute again are shown with what they took, and every result is taken over."""
    outcome = run("adopt", f"analysis.double@{code}", "--yes")
    assert (outcome.code, outcome.err.count("\n")) == (0, 1)
    heading, *rows, first, second = outcome.out.splitlines()
    assert heading.split() == ["CALL", "RESULT", "COST"]
    assert len(rows) == 5
    assert all(row.startswith("double(x=") for row in rows)
    assert first.endswith(f" took over 10 results of analysis.double@{store.records()[1].fingerprint.hex()[:12]}")
    assert second.startswith("5 calls computed again, all equal bit by bit, in ")
    assert outcome.err.startswith("computing 5 of 10 results again, which took ")
    assert store.count() == 20
    assert sys.modules["analysis"].double(7.0) == [14.0]
    assert len(sys.modules["analysis"].CALLS) == 5
    assert_intact(store)


def test_adopt_refuses_what_differs(run, store, edit, code):
    """A result that differs is shown with its size, nothing is changed, and the exit code is 1."""
    edit(SOURCE.replace("x * n", "x * n + 0.5"))
    outcome = run("adopt", f"double@{code}", "--yes", "--verify", "1")
    assert outcome.code == 1
    error, call, place, hint = outcome.err.splitlines()[1:]
    assert error.startswith("error: 1 of 1 call computed again gave another result than analysis.double@")
    assert call.startswith("  double(x=")
    assert place.startswith("    result[0]: stored ")
    assert "max abs 0.5" in place
    assert hint == "hint: mend the code, or say how far numbers may lie apart: rtol=, atol= or ulp="
    assert store.count() == 10


@pytest.mark.parametrize("tolerance", [("--atol", "0.5"), ("--rtol", "1e9", "--atol", "0.5"), ("--ulp", str(2**62))])
def test_adopt_within_a_tolerance(run, store, edit, code, tolerance):
    """A tolerance on the command line is that of the comparison."""
    edit(SOURCE.replace("x * n", "x * n + 0.5"))
    assert run("adopt", f"double@{code}", "--yes", "--atol", "0.4").code == 1
    outcome = run("adopt", f"double@{code}", "--yes", *tolerance)
    assert outcome.code == 0
    assert "max abs 0.5" in outcome.out
    assert store.count() == 20


def test_adopt_asks(run, store, code):
    """Without --yes a person is asked, and without a person nothing is done."""
    outcome = run("adopt", f"double@{code}")
    assert outcome.code == 2
    assert outcome.err.startswith("error: nobody to ask before computing 5 of 10 results again, which took ")
    assert outcome.err.endswith("hint: add --yes to adopt without asking\n")
    assert on_terminal("adopt", f"double@{code}", answer="n\n")[0] == 130
    assert store.count() == 10
    exit_code, seen = on_terminal("adopt", f"double@{code}", answer="y\n")
    assert (exit_code, store.count()) == (0, 20)
    assert "Adopt after computing 5 of 10 results again, which took " in seen


ERRORS = [
    (SOURCE, "double@0000", 3, "no version '0000'", ""),
    (SOURCE, "double", 2, "expected a version", "--versions"),
    (SOURCE, "nothing@0000", 3, "no function 'nothing'", ""),
    ("x = 1", "double@CODE", 3, "at analysis.double, found nothing of that name", "f.cache.adopt('analysis.double@"),
    ("def double(x): ...", "double@CODE", 3, "found a function without it", "f.cache.adopt"),
    ("import nowhere_at_all", "double@CODE", 3, "cannot import analysis", "in the folder that it is imported from"),
    ("1 / 0", "double@CODE", 1, "importing analysis raised ZeroDivisionError", "mend the module"),
    ("import sys; sys.exit(5)", "double@CODE", 1, "importing analysis raised SystemExit", "mend the module"),
    (SOURCE.replace("(x, n=2)", "(x, m=2)"), "double@CODE", 1, "the parameter 'n', which is gone", "keep 'n'"),
    (SOURCE.replace("[x * n]", "[x / 0]"), "double@CODE", 1, "raised ZeroDivisionError when", ""),
    (SOURCE, "double@CODE", 2, "is the present code", ""),
]


@pytest.mark.parametrize(("source", "version", "exit_code", "message", "hint"), ERRORS)
def test_adopt_explains_errors(run, store, edit, code, source, version, exit_code, message, hint):
    """Whatever stands in the way is said, with the mend, and nothing is changed."""
    edit(source)
    outcome = run("adopt", version.replace("CODE", code), "--yes")
    assert outcome.code == exit_code
    assert message in outcome.err
    assert "\nhint: " in outcome.err
    assert hint in outcome.err.partition("\nhint: ")[2]
    assert store.count() == 10


@pytest.mark.parametrize("name", ["Filter.method", "Filter.made", "Filter.static", "Filter.width"])
def test_adopt_finds_methods(run, store, edit, name):
    """A cached method, class method, static method or property is found in its class."""
    module = edit(SOURCE, load=True)
    value = module.Filter()
    _ = {"method": lambda: value.method(1), "made": lambda: value.made(1), "static": lambda: value.static(1)}.get(
        name.partition(".")[2], lambda: value.width
    )()
    (record,) = store.records()
    edit(SOURCE.replace("return x + 1", "return 1 + x").replace("return 3", "return 1 + 2"))
    outcome = run("adopt", f"analysis.{name}@{record.fingerprint.hex()}", "--yes")
    if name == "Filter.made":
        assert (outcome.code, "'cls' cannot be rebuilt" in outcome.err) == (1, True)
    else:
        assert (outcome.code, store.count()) == (0, 2), outcome.err


def test_adopt_cannot_find_inner_functions(run, store, edit):
    """A function inside another has no name that leads to it, and the hint says what to do."""
    edit(SOURCE, load=True).outer()(1)
    (record,) = store.records()
    outcome = run("adopt", f"outer.<locals>.inner@{record.fingerprint.hex()}", "--yes")
    assert outcome.code == 3
    assert "found the inside of a function" in outcome.err
    assert "adopt in Python" in outcome.err


def test_adopt_cannot_look_into_notebooks(run, store):
    """A function of a notebook or a console is adopted there, and this says how."""
    put(store, 1, record=function(1, "__main__", "double"))
    outcome = run("adopt", f"double@{function(1, '__main__', 'double').fingerprint.hex()[:8]}", "--yes")
    assert outcome.code == 3
    assert "defined in a notebook or a console" in outcome.err
    assert "hint: adopt there: f.cache.adopt('" in outcome.err


def test_adopt_says_where_the_function_keeps_its_results(run, store, code, monkeypatch, tmp_path):
    """Adopting in a store that the function does not use is said aloud."""
    monkeypatch.setenv("CAS_STORE", str(tmp_path / "other"))
    outcome = run("adopt", f"double@{code}", "--yes")
    assert outcome.code == 0
    assert outcome.err.startswith(f"note: analysis.double keeps its results in {tmp_path / 'other'}, and is not served")


SCRIPT = """
import memo

@memo.cached
def double(x):
    return x * 2

if __name__ == "__main__":
    print([double(float(x)) for x in range(3)], double.cache.stats().misses)
"""


def test_adopt_for_a_script(store, tmp_path, monkeypatch):
    """The function of a script goes by the name of its file, and its next run is served."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CAS_STORE", store.location)
    monkeypatch.setenv("PYTHONPATH", os.path.dirname(os.path.dirname(os.path.dirname(__file__))))

    def ran(*command: str) -> str:
        return subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True).stdout

    (tmp_path / "script.py").write_text(SCRIPT)
    assert ran("script.py") == "[0.0, 2.0, 4.0] 3\n"
    (record,) = store.records()
    (tmp_path / "script.py").write_text(SCRIPT.replace("x * 2", "2 * x"))
    command = "from cas.cli import main; main()"
    assert "took over 3 results of script.double@" in ran(
        "-c", command, "adopt", f"double@{record.fingerprint.hex()}", "--yes"
    )
    assert ran("script.py") == "[0.0, 2.0, 4.0] 0\n"
    assert ran("-c", command, "adopt", "--help").startswith("Usage: cas adopt [OPTIONS] F@CODE\n")
