"""Run in a fresh process: make the calls of many scenarios, and report what came of each.

Knows nothing of tools, and imports nothing but the standard library: what the user's program imports is
part of what is tried. Usage: driver.py JOBS REPORT; both are JSON lines. A job whose `barrier` is a file
descriptor writes a byte there when its program is imported, and waits for a line on stdin before its calls.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import struct
import sys
import traceback
from collections.abc import Callable


def same(one: object, other: object) -> bool:
    """Return whether two values are the same in type and in every bit."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return struct.pack("<d", one) == struct.pack("<d", other)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items()))
    if type(one).__module__ == "numpy":
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    return bool(one == other)


def size(path: str) -> int:
    """Return the size of a file in bytes, zero if there is none."""
    return os.path.getsize(path) if os.path.exists(path) else 0


def brief(value: object) -> str:
    """Return a value as people say it, cut short."""
    text = f"{type(value).__name__} {value!r}" if type(value).__module__ == "numpy" else repr(value)
    text = " ".join(text.split())
    return text if len(text) < 80 else text[:77] + "..."


def run_job(job: dict, emit: Callable[[dict], None]) -> None:
    """Import the program of one job and make its calls."""
    os.environ["WITNESS"] = job["witness"]
    sys.path.insert(0, job["folder"])
    importlib.invalidate_caches()
    try:
        namespace = vars(importlib.import_module(job["module"]))
        if job["barrier"]:
            os.write(job["barrier"], b".")
            sys.stdin.readline()
        for call, truth in job["calls"]:
            value = eval(call, namespace)
            right = same(value, eval(truth, namespace))
            said = "" if right else f"{call} gave {brief(value)}, not {truth}"
            emit({"id": job["id"], "event": "call", "right": right, "detail": said})
    except BaseException as error:
        traceback.print_exc()
        said = brief(str(error).replace(os.path.dirname(job["folder"]), "...")).strip("'\"")
        emit({"id": job["id"], "event": "error", "detail": f"{type(error).__name__}: {said}"})
    finally:
        sys.path.remove(job["folder"])


def main(jobs_path: str, report_path: str) -> None:
    """Run every job in the order given; a job that takes too long ends the process."""
    printed = report_path + ".stdout"
    os.dup2(os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    with open(jobs_path, encoding="utf-8") as stream:
        jobs = [json.loads(line) for line in stream]
    with open(report_path, "a", encoding="utf-8", buffering=1) as report:

        def emit(event: dict) -> None:
            report.write(json.dumps(event) + "\n")

        for job in jobs:
            faulthandler.dump_traceback_later(job["timeout"], exit=True)
            emit({"id": job["id"], "event": "start"})
            before, counted = size(printed), size(job["witness"])
            run_job(job, emit)
            sys.stdout.flush()
            computed = size(job["witness"]) - counted
            emit({"id": job["id"], "event": "end", "computed": computed, "printed": size(printed) - before})
            faulthandler.cancel_dump_traceback_later()
    # What a tool leaves running (threads, watchers) may keep the interpreter from ending.
    faulthandler.dump_traceback_later(20, exit=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
