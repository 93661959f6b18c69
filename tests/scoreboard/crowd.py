"""Several processes that make one call at once, from a common start; one may be killed on the way."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from .scenario import Phase

Event = dict[str, object]


def run_crowd(
    job: Event, phase: Phase, command: list[str], environment: dict[str, str], patience: float
) -> list[Event]:
    """Run one job in many processes at once, and return what they report and how often they computed."""
    witness = Path(str(job["witness"]))
    counted = witness.stat().st_size if witness.exists() else 0
    stalled = _await_leader(witness) if phase.kill_leader else -1
    readable, writable = os.pipe()
    reports = [Path(f"{witness}.report-{i}") for i in range(phase.processes)]
    plan = Path(f"{witness}.jobs")
    plan.write_text(json.dumps({**job, "barrier": writable}) + "\n", encoding="utf-8")
    with ExitStack() as stack:
        crowd = [_start(command, plan, report, environment, writable) for report in reports]
        for process in crowd:
            stack.enter_context(process)
            stack.callback(process.kill)
        _expect(readable, len(crowd), patience)
        for process in crowd:
            process.stdin.write(b"\n")
            process.stdin.flush()
        killed = int(_expect(stalled, 1, patience) or 0) if phase.kill_leader else 0
        if killed:
            os.kill(killed, signal.SIGKILL)
        events = [event for process in crowd for event in _outcome(process, str(job["id"]), patience, killed)]
    os.close(readable)
    os.close(writable)
    events += [json.loads(line) for path in reports if path.exists() for line in path.read_text().splitlines()]
    said = [event for event in events if event["event"] not in {"start", "end"}]
    computed = (witness.stat().st_size if witness.exists() else 0) - counted
    return [*said, {"event": "end", "computed": computed, "printed": 0}]


def _await_leader(witness: Path) -> int:
    """Lay out what `witness.stall` looks for; return the pipe on which the stalled process says who it is."""
    witness.parent.mkdir(parents=True, exist_ok=True)
    Path(f"{witness}.leader").touch()
    os.mkfifo(f"{witness}.never")
    os.mkfifo(f"{witness}.stalled")
    return os.open(f"{witness}.stalled", os.O_RDWR)


def _start(
    command: list[str], plan: Path, report: Path, environment: dict[str, str], writable: int
) -> subprocess.Popen[bytes]:
    """Start one process of the crowd."""
    return subprocess.Popen(
        [*command, str(plan), str(report)],
        env=environment,
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=[writable],
    )


def _expect(descriptor: int, count: int, patience: float) -> bytes:
    """Return what arrives on a pipe: at least `count` bytes, or what there was when patience ended."""
    data = b""
    while len(data) < count and select.select([descriptor], [], [], patience)[0]:
        data += os.read(descriptor, 100)
    return data


def _outcome(process: subprocess.Popen[bytes], name: str, patience: float, killed: int) -> Iterator[Event]:
    """Wait for one process, and yield an event if it did not end well."""
    try:
        code = process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        yield {"id": name, "event": "hang"}
    else:
        if code and process.pid != killed:
            yield {"id": name, "event": "hang" if code == 1 else "crash"}
