"""Run the board with every tool that is installed: `python -m tests.scoreboard [--tool NAME] [--only TEXT]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from .adapters import OURS, PEERS
from .board import SCENARIOS
from .report import render, summary
from .runner import run


def main() -> int:
    """Run the board, print each tool's line, and write RESULTS.md if it ran whole."""
    parser = argparse.ArgumentParser(description="Wrong values, false misses, errors and hangs, tool by tool.")
    parser.add_argument("--tool", action="append", help="run this tool only (may be given again)")
    parser.add_argument("--only", default="", help="run the scenarios whose id contains this text")
    parser.add_argument("--keep", type=Path, help="work in this empty folder, and leave it")
    options = parser.parse_args()
    scenarios = [s for s in SCENARIOS if options.only in s.id]
    tools = [t for t in (OURS, *PEERS) if t.installed() and (not options.tool or t.name in options.tool)]
    columns = {}
    for tool in tools:
        with tempfile.TemporaryDirectory(prefix="scoreboard-") as folder:
            begun = time.perf_counter()
            findings = run(tool, scenarios, (options.keep or Path(folder)) / tool.name)
        columns[tool.title()] = findings
        seconds = time.perf_counter() - begun
        print(f"{tool.title()}: {summary(findings)} wrong / false miss / error / hang in {seconds:.0f} s")
        for finding in findings:
            if finding.verdict.gravity and (options.only or options.tool):
                print(f"  {finding.scenario}: {finding.verdict}: {finding.detail}")
    if not options.only and not options.tool:
        target = Path(__file__).with_name("RESULTS.md")
        target.write_text(render(scenarios, columns, datetime.now().astimezone().date().isoformat()), "utf-8")
    ours = columns.get(OURS.title(), [])
    return int(any(finding.verdict.value == "wrong value" for finding in ours))


if __name__ == "__main__":
    sys.exit(main())
