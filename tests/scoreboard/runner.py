"""Run scenarios under one tool, in fresh processes, and judge what came of each.

The scenarios of one round share a process, each with a module, a folder and a store of its own; a scenario
that hangs or kills the process is judged so, and the rest go on in another. Crowds have processes of their own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

from .adapters import Adapter
from .bombs import bomb
from .crowd import run_crowd
from .damage import BLOWS
from .judge import judge
from .scenario import PROLOGUE, Finding, Phase, Scenario

Event = dict[str, object]
HERE = Path(__file__).parent
PATIENCE = 20.0


def run(adapter: Adapter, scenarios: Sequence[Scenario], base: Path, patience: float = PATIENCE) -> list[Finding]:
    """Return one finding for each scenario, in their order; `base` is a folder to be made and worked in.

    A scenario that takes longer than `patience` seconds in one phase hangs.
    """
    events: dict[tuple[str, int], list[Event]] = defaultdict(list)
    (base / "library").mkdir(parents=True)
    shutil.copy(HERE / "witness.py", base / "library")
    for turn in range(max(len(s.phases) for s in scenarios)):
        jobs = []
        for scenario in (s for s in scenarios if len(s.phases) > turn):
            phase = scenario.phases[turn]
            job = _prepare(adapter, scenario, phase, base, events[scenario.id, turn]) | {"timeout": patience}
            if phase.processes > 1:
                found = run_crowd(job, phase, _command(base), _environment(base, turn), patience)
                events[scenario.id, turn] += found
            else:
                jobs.append(job)
        for event in _run_batch(jobs, base, turn):
            events[str(event["id"]), turn].append(event)
        for scenario in scenarios:
            if (base / scenario.module / "exploded").exists():
                events[scenario.id, turn].insert(0, {"event": "exploded"})
    found = {key: list(value) for key, value in events.items()}
    return [judge(s, adapter.name, [found.get((s.id, i), []) for i in range(len(s.phases))]) for s in scenarios]


def _prepare(adapter: Adapter, scenario: Scenario, phase: Phase, base: Path, events: list[Event]) -> Event:
    """Write the program of one phase, let the store suffer what it must, and return the job."""
    home = base / scenario.module
    store, folder = home / "store", home / phase.folder
    folder.mkdir(parents=True, exist_ok=True)
    head = PROLOGUE.replace("<the tool>", adapter.source(store, scenario.limited))
    for name, text in phase.files.items():
        own = scenario.module if name == "main" else name
        (folder / f"{own}.py").write_text(text.replace(PROLOGUE, head), encoding="utf-8")
    if phase.before:
        name, argument = phase.before
        blow = adapter.plant if name == "plant" else BLOWS[name]
        hits = blow(store, bomb(home / "exploded") if name == "plant" else argument) if store.exists() else 0
        if not hits:
            events.append({"event": "missed"})
    return {
        "id": scenario.id,
        "module": scenario.module,
        "folder": str(folder),
        "witness": str(home / "witness"),
        "calls": phase.calls,
        "barrier": 0,
    }


def _run_batch(jobs: list[Event], base: Path, turn: int) -> Iterable[Event]:
    """Run jobs in one process, in another after each that ends it, and yield what they report."""
    attempt = 0
    while jobs:
        attempt += 1
        plan, report = base / f"jobs-{turn}-{attempt}", base / f"report-{turn}-{attempt}"
        plan.write_text("".join(json.dumps(job) + "\n" for job in jobs), encoding="utf-8")
        command = [*_command(base), str(plan), str(report)]
        with open(base / f"stderr-{turn}-{attempt}", "wb") as stderr:
            subprocess.run(command, env=_environment(base, turn), stdin=subprocess.DEVNULL, stderr=stderr, check=False)
        events = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
        yield from events
        ended = {event["id"] for event in events if event["event"] == "end"}
        begun = [event["id"] for event in events if event["event"] == "start" and event["id"] not in ended]
        said = (base / f"stderr-{turn}-{attempt}").read_bytes()
        for name in begun:
            yield {"id": name, "event": "hang" if b"Timeout (" in said else "crash"}
        jobs = [job for job in jobs if job["id"] not in ended and job["id"] not in begun]


def _command(base: Path) -> list[str]:
    """Return the command that starts a driver, from a folder that is no part of any program."""
    return [sys.executable, str(shutil.copy(HERE / "driver.py", base))]


def _environment(base: Path, turn: int) -> dict[str, str]:
    """Return an environment with a home of its own and a hash seed for the turn."""
    kept = {k: v for k, v in os.environ.items() if k in {"PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "LANG"}}
    spec = find_spec("memo")
    ours = [str(Path(spec.origin).parents[1])] if spec and spec.origin else []
    return {
        **kept,
        "HOME": str(base / "home"),
        "PYTHONPATH": os.pathsep.join([str(base / "library"), *ours]),
        "PYTHONHASHSEED": str(turn + 1),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
