"""What a fingerprint costs: a fresh process to the first hit of a function that reaches many, and the check at a call.

Whole processes alternate; joblib looks at the function's own source only.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

from memo.fingerprint import fingerprint

from . import peers
from .cold import first_line
from .timing import Contestant, Goal, Measure, interleave, median_of, summarise

SIZES = (10, 1000)
A_MODULE = 50
CALLS = 10
HEADS = {
    "bare call": "def cached(function): return function",
    peers.OURS: "import memo\ncached = memo.cached(store=ROOT)",
    "joblib": "import joblib\ncached = joblib.Memory(ROOT, verbose=0).cache",
}
BODY = """
import os
from part_0 import step_0

@cached
def work(x):
    return step_0(x)

os.write(1, f"{work(1.0)}\\n".encode())
"""


def write_project(folder: Path, size: int) -> None:
    """Write modules of functions with a constant each, where every function calls the next ten in a tree."""
    folder.mkdir()
    heads: dict[int, set[str]] = {}
    bodies: dict[int, list[str]] = {}
    for number in range(size):
        home, calls = number // A_MODULE, range(CALLS * number + 1, min(CALLS * number + 1 + CALLS, size))
        heads.setdefault(home, set()).update(f"import part_{one // A_MODULE}" for one in calls)
        total = " + ".join([f"x * RATE_{number}", *(f"part_{one // A_MODULE}.step_{one}(x)" for one in calls)])
        lines = [f"RATE_{number} = {number}.5", "", "", f"def step_{number}(x):", f"    return {total}", "", ""]
        bodies.setdefault(home, []).extend(lines)
    for home, lines in bodies.items():
        (folder / f"part_{home}.py").write_text("\n".join([*sorted(heads[home]), "", *lines]))


def run(folder: Path, quick: bool) -> tuple[list[Measure], list[Goal]]:
    """Measure both sizes."""
    measures: list[Measure] = []
    goals: list[Goal] = []
    for size in SIZES:
        project = folder / f"project_{size}"
        write_project(project, size)
        found = _cold(folder, project, size, 5 if quick else 25)
        ours, theirs = median_of(found, peers.OURS), median_of(found, "joblib")
        if ours is not None and theirs is not None:
            goals.append(Goal(found[0].work, "no slower than joblib", f"{ours / theirs:.2f} x", ours <= theirs))
        measures += found
        measures += interleave(f"is the code of {size} functions what it was?", [_check(project)], 5 if quick else 25)
    return measures, goals


def _cold(folder: Path, project: Path, size: int, turns: int) -> list[Measure]:
    names = [name for name in HEADS if name != "joblib" or name in peers.installed()]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(project), *(path for path in sys.path if path)])}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    scripts = {name: project / f"study_{name.split()[0]}.py" for name in names}
    for name, script in scripts.items():
        script.write_text(HEADS[name].replace("ROOT", repr(str(folder / f"store-{size}-{name}"))) + BODY)
        for _ in range(3):
            value = first_line(script, environment)[1]
            if value != first_line(scripts["bare call"], environment)[1]:
                raise AssertionError(f"{script} said {value!r}")
    samples: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(turns):
        for step in range(len(names)):
            name = names[(turn + step) % len(names)]
            samples[name].append(first_line(scripts[name], environment)[0])
    work = f"cold process to first hit, {size} functions reached"
    return [summarise(work, name, taken) for name, taken in samples.items()]


def _check(project: Path) -> Contestant:
    """Return the check of a fingerprint, its project loaded anew."""
    for name in [name for name in sys.modules if name.startswith("part_")]:
        del sys.modules[name]
    sys.path.insert(0, str(project))
    try:
        current = fingerprint(importlib.import_module("part_0").step_0).is_current
    finally:
        sys.path.remove(str(project))
    if not current():
        raise AssertionError(f"the fingerprint of {project} does not hold")
    return Contestant(peers.OURS, current)
