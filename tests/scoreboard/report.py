"""The findings as a table that people read."""

from __future__ import annotations

import platform
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from .scenario import Finding, Scenario, Verdict

COUNTED = (Verdict.WRONG, Verdict.MISS, Verdict.ERROR, Verdict.HANG)
HEAD = """# Scoreboard

Wrong values, false misses, errors and hangs, every tool in its documented default way, in the same run.
Each scenario runs in fresh processes with different hash seeds; the numbers X1 to X25 name the pitfalls.
A tool's verdict is the worst of its calls: a wrong value, then a hang, an error, a false miss.
`-` says that the scenario has nothing to act on in that tool.
Not here, but in tests of their own: X14 (gc beside writers), X18 (order of eviction); X16 (network file systems) and
X21 (files that a function reads) wait for what they are about.
`python -m tests.scoreboard` writes this file; it is not edited by hand.
"""


def summary(findings: Sequence[Finding]) -> str:
    """Return one tool's counts as one line: wrong / false miss / error / hang."""
    counts = Counter(finding.verdict for finding in findings)
    return " / ".join(str(counts[verdict]) for verdict in COUNTED)


def render(scenarios: Sequence[Scenario], columns: Mapping[str, Sequence[Finding]], date: str) -> str:
    """Return the report: a line for each tool, a row for each scenario, then what was seen."""
    lines = [HEAD, f"{date}, Python {platform.python_version()}, {platform.system()} {platform.machine()}.", ""]
    lines += ["| tool | scenarios | wrong value | false miss | error | hang |", "|---|---|---|---|---|---|"]
    for title, findings in columns.items():
        ran = sum(finding.verdict is not Verdict.ABSENT for finding in findings)
        lines.append(f"| {title} | {ran} | {summary(findings).replace(' / ', ' | ')} |")
    lines += ["", f"| scenario | what the user does | {' | '.join(columns)} |", "|---|---|" + "---|" * len(columns)]
    for i, scenario in enumerate(scenarios):
        cells = [_cell(findings[i].verdict) for findings in columns.values()]
        lines.append(f"| {scenario.id} | {_escape(scenario.title)} | {' | '.join(cells)} |")
    lines += _explained(scenarios, next(iter(columns.values())))
    lines += ["", "## What was seen", ""]
    for i, scenario in enumerate(scenarios):
        for title, findings in columns.items():
            if findings[i].detail:
                lines.append(f"- {scenario.id}, {title}: {findings[i].verdict}: {_escape(findings[i].detail)}")
    return "\n".join(lines) + "\n"


def _explained(scenarios: Sequence[Scenario], ours: Sequence[Finding]) -> list[str]:
    """Return why each of our false misses is right."""
    lines = ["", "## Our false misses, each explained", ""]
    for scenario, finding in zip(scenarios, ours, strict=True):
        if finding.verdict is Verdict.MISS:
            lines.append(f"- {scenario.id}: {scenario.explained or '**not explained**'}")
    return lines if len(lines) > 3 else [*lines, "None."]


def _cell(verdict: Verdict) -> str:
    """Return a verdict as a table shows it: what is bad stands out."""
    return "ok" if verdict is Verdict.CORRECT else f"**{verdict}**" if verdict is Verdict.WRONG else str(verdict)


def _escape(text: str) -> str:
    """Return text that does not break a table, and is the same in every run."""
    text = re.sub(r" at 0x[0-9a-f]+", "", text)
    return text.replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
