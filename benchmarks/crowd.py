"""Several processes on one store, half gets and half puts, beside diskcache: total operations a second."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from . import peers
from .cold import HEADS
from .timing import Goal, Measure, summarise

WORKER = """
import json, os, sys, time, warnings
warnings.simplefilter("error")

@cached
def work(number):
    return (number, number / 3)

mine, seconds = int(sys.argv[1]) * 10_000_000, float(sys.argv[2])
for number in range(100):
    assert work(number) == (number, number / 3)
os.write(1, b"ready\\n")
sys.stdin.readline()
done, errors, longest, end = 0, [], 0.0, time.perf_counter() + seconds
while time.perf_counter() < end:
    begin = time.perf_counter()
    try:
        work(done % 100 if done % 2 else mine + 1000 + done)
    except Exception as error:
        errors.append(f"{type(error).__name__}: {error}")
    longest = max(longest, time.perf_counter() - begin)
    done += 1
print(json.dumps([done, longest, errors[:3], len(errors)]))
"""


def _crowd(script: Path, processes: int, seconds: float) -> tuple[float, float, list[str]]:
    """Return operations a second of all together, the longest one, and errors."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    crowd = [
        subprocess.Popen(
            [sys.executable, str(script), str(i), str(seconds)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True,
        )
        for i in range(processes)
    ]  # fmt: skip
    for process in crowd:
        process.stdout.readline()
    for process in crowd:
        process.stdin.write("\n")
        process.stdin.flush()
    found = [json.loads(process.communicate()[0]) for process in crowd]
    errors = [error for _, _, said, _ in found for error in said]
    return sum(done for done, *_ in found) / seconds, max(longest for _, longest, *_ in found), errors


def run(folder: Path, quick: bool) -> tuple[list[Measure], list[Goal]]:
    """Measure one to eight processes, each count on a store of its own."""
    seconds, counts = (1.0, (1, 8)) if quick else (4.0, (1, 2, 4, 8))
    measures, goals, rates = [], [], {}
    for name in (peers.OURS, "diskcache"):
        if name != peers.OURS and name not in peers.installed():
            continue
        head = HEADS[name].replace("ROOT)", "ROOT, memory=False)") if name == peers.OURS else HEADS[name]
        for count in counts:
            root = folder / f"crowd-{name.split(' ', maxsplit=1)[0]}-{count}"
            script = folder / f"crowd_{name.split(' ', maxsplit=1)[0]}_{count}.py"
            script.write_text(head.replace("ROOT", repr(str(root))) + WORKER)
            rate, longest, errors = _crowd(script, count, seconds)
            rates[name, count] = rate
            measures.append(summarise(f"{count} processes, half puts", name, [1 / rate]))
            measures.append(summarise(f"{count} processes, longest operation", name, [longest]))
            if name == peers.OURS:
                said = "; ".join(errors) or "none"
                goals.append(Goal(f"{count} processes, half puts", "no errors", said[:200], not errors))
    ratio = rates[peers.OURS, 8] / rates[peers.OURS, 1]
    said = f"{rates[peers.OURS, 8]:,.0f}/s against {rates[peers.OURS, 1]:,.0f}/s"
    goals.append(Goal("8 processes, half puts", ">= the throughput of one process", said, ratio >= 1))
    return measures, goals
