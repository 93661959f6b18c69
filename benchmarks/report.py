"""The figures as tables that people read."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from .timing import Goal, Measure

HEAD = """# Benchmarks

Contestants alternate in short rounds of one process (or whole processes alternate), on the same file system, each
peer in its documented default way; medians, with the quartiles in brackets.
Ratios hold between machines and runs, absolute figures do not.
`make bench` writes this file; it is not edited by hand.
"""


def duration(seconds: float) -> str:
    """Return a duration in the unit that people would use."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def render(measures: Sequence[Measure], goals: Sequence[Goal], machine: Sequence[str], date: str) -> str:
    """Return the report: the machine, the goals, then every figure."""
    reached = sum(goal.reached for goal in goals)
    lines = [HEAD, f"Taken on {date}.", "", *machine, "", f"## Goals: {reached} of {len(goals)} reached", ""]
    lines += ["| work | goal | measured | reached |", "|---|---|---|---|"]
    lines += [f"| {g.work} | {g.asked} | {g.measured} | {'yes' if g.reached else '**no**'} |" for g in goals]
    lines += ["", "## Figures", ""]
    for work, found in groupby(measures, key=lambda measure: measure.work):
        rows = list(found)
        ours = next((row.median for row in rows if row.who.startswith("memo")), None)
        lines += [f"### {work}", "", "| who | median | against ours |", "|---|---|---|"]
        for row in sorted(rows, key=lambda row: row.median):
            spread = f" ({duration(row.low)} to {duration(row.high)})" if row.low != row.high else ""
            ratio = f"{row.median / ours:.2f} x" if ours else ""
            lines.append(f"| {row.who} | {duration(row.median)}{spread} | {ratio} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"
