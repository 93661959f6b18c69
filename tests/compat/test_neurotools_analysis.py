"""A user of neurotools changes one import line: the same analysis, before and after, over the same two locations."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
BEFORE = (HERE / "analysis_of_neurotools.py").read_text()
AFTER = BEFORE.replace("from neurotools.jobs.cache import", "from memo.neurotools import")
# The lines of a decorator are part of the original's code for a function, so that they stay as they are.
TRUSTING = AFTER.replace(
    "FAST, SLOW, LOG =",
    "from functools import partial\n"
    "disk_cacher = partial(disk_cacher, trust=True)\n"
    "hierarchical_cacher = partial(hierarchical_cacher, trust=True)\n"
    "FAST, SLOW, LOG =",
)
# The first time everything runs: a call of `summary` and of `spectrum` for each of 2 sessions and 2 bands, `load` for
# each session, and once more what was purged.
ALL = ["load"] * 2 + ["spectrum"] * 5 + ["summary"] * 4
PURGED = ["spectrum"]


@pytest.fixture
def run(tmp_path):
    """Return a function that runs an analysis in a process of its own, and returns what it found and what it said."""

    def ran(text: str, place: str = "lab"):
        script = tmp_path / "analysis.py"
        script.write_text(text)
        log = tmp_path / "log"
        log.write_text("")
        locations = [str(tmp_path / place / tier) for tier in ("fast", "slow")]
        paths = os.pathsep.join(map(str, (HERE / "stand_in", HERE.parents[1])))
        done = subprocess.run(
            [sys.executable, str(script), *locations, str(log)],
            env={**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
        return {**json.loads(done.stdout), "ran": sorted(log.read_text().split())}, done.stderr

    return ran


def test_one_import_line_changes_and_nothing_else():
    """The two scripts differ in that line, and the old one knows nothing of memo."""
    changed = [pair for pair in zip(BEFORE.splitlines(), AFTER.splitlines(), strict=True) if pair[0] != pair[1]]
    assert [new for _, new in changed] == [
        "from memo.neurotools import disk_cacher, exists, hierarchical_cacher, scan_cachedir"
    ]
    assert "memo" not in BEFORE


def test_the_analysis_before_and_after(run, tmp_path):
    """The same output; old files are computed anew once, said aloud, and left as they are; then nothing runs."""
    before, _ = run(BEFORE)
    assert before["ran"] == ALL
    assert before["there"] == [True, False]
    assert run(BEFORE)[0] == {**before, "ran": PURGED}
    files = {path: path.read_bytes() for path in (tmp_path / "lab").rglob("*.*") if path.is_file()}
    after, said = run(AFTER)
    assert after == before
    assert said.count("say trust=True") == 3
    assert run(AFTER) == ({**before, "ran": PURGED}, "")
    changed = [path for path, content in files.items() if path.read_bytes() != content]
    assert {path.parts[-3] for path in changed} == {"spectrum"}  # the one call that is purged, in both tiers
    assert len(changed) == 2
    assert len(files) == 18


def test_with_trust_old_files_are_served(run, tmp_path):
    """Nothing is computed but what the analysis purges, and nothing is said."""
    before, _ = run(BEFORE)
    assert run(TRUSTING) == ({**before, "ran": PURGED}, "")
    # From then on they are entries as all others, and need no trust.
    assert run(AFTER) == ({**before, "ran": PURGED}, "")


def test_the_analysis_without_any_old_files(run, tmp_path):
    """It fills both locations, and either of them is enough for the next run."""
    first, said = run(AFTER, "new")
    assert said == ""
    assert first["ran"] == ALL
    shutil.rmtree(tmp_path / "new" / "fast")
    again, said = run(AFTER, "new")
    assert said == ""
    assert (again["rows"], again["ran"]) == (first["rows"], PURGED)
