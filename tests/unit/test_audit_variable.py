"""`MEMO_AUDIT=1`: the first computed call of each function of a real process is traced."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
import memo

@memo.cached
def gain(name):
    with open("gain.txt") as file:
        return float(file.read())

@memo.cached
def double(x):
    return 2 * x

print([gain("a"), gain("a"), gain("b"), double(3)])
"""


@pytest.fixture
def run(tmp_path):
    """Return what runs the script in a fresh process with MEMO_AUDIT as given."""
    (tmp_path / "gain.txt").write_text("2.5")
    (tmp_path / "script.py").write_text(SCRIPT)

    def run(value):
        environment = os.environ | {"CAS_STORE": str(tmp_path / "store"), "MEMO_AUDIT": value}
        return subprocess.run(
            [sys.executable, "-W", "error", "script.py"], cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    return run


@pytest.mark.parametrize("value", ["", "0"])
def test_nothing_is_traced_unless_asked(run, value):
    """Without the variable, or with 0, a process says nothing."""
    done = run(value)
    assert (done.stdout, done.stderr) == ("[2.5, 2.5, 2.5, 6]\n", "")


def test_each_function_is_audited_once_and_its_results_are_stored(run):
    """The report of a function's first computed call is on stderr; results are stored and found as ever."""
    done = run("1")
    assert done.stdout == "[2.5, 2.5, 2.5, 6]\n"
    assert done.stderr.count("gain.txt") >= 1
    assert done.stderr.count("audit of script.gain") == 1
    assert done.stderr.count("audit of script.double") == 1
    again = run("1")  # all hits: nothing is computed, so nothing is traced
    assert (again.stdout, again.stderr) == ("[2.5, 2.5, 2.5, 6]\n", "")
