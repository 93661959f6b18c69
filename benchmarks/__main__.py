"""Run the benchmarks: `python -m benchmarks [GROUP ...] [--quick] [--folder FOLDER] [--output FILE]`."""

from __future__ import annotations

import argparse
import tempfile
from datetime import datetime
from importlib import import_module
from pathlib import Path

from .machine import describe
from .report import duration, render

GROUPS = (
    "scalars", "arguments", "hashing", "files", "results", "codecs", "tiers", "cold",
    "fingerprints", "crowd", "million",
)  # fmt: skip
HERE = Path(__file__).parent


def main() -> None:
    """Run the groups asked for, print what they find, and write the table when all ran in full."""
    parser = argparse.ArgumentParser(description="Timings beside other caches and the floors beneath them.")
    parser.add_argument("group", nargs="*", help=f"one or more of {', '.join(GROUPS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller sizes")
    parser.add_argument("--folder", type=Path, help="the file system to measure on; default: the temporary one")
    parser.add_argument("--output", type=Path, help="where the table goes; default: RESULTS.md, if all ran in full")
    options = parser.parse_args()
    unknown = set(options.group) - set(GROUPS)
    if unknown:
        parser.error(f"unknown group {min(unknown)}; there are {', '.join(GROUPS)}")
    measures, goals = [], []
    with tempfile.TemporaryDirectory(prefix="benchmarks-", dir=options.folder) as name:
        machine = describe(Path(name))
        for group in options.group or GROUPS:
            print(f"{group} ...", flush=True)
            folder = Path(name, group)
            folder.mkdir()
            found, asked = import_module(f"benchmarks.{group}").run(folder, options.quick)
            for measure in found:
                print(f"  {measure.work} | {measure.who} | {duration(measure.median)}")
            for goal in asked:
                print(f"  {'reached' if goal.reached else 'MISSED '} | {goal.work} | {goal.asked} | {goal.measured}")
            measures += found
            goals += asked
    target = options.output or (None if options.group or options.quick else HERE / "RESULTS.md")
    if target:
        date = datetime.now().astimezone().date().isoformat()
        target.write_text(render(measures, goals, machine, date), encoding="utf-8")
        print(f"written to {target}")


if __name__ == "__main__":
    main()
