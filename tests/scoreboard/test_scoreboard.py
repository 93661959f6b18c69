"""Our own line on the board: no wrong value, no error, no hang, and every false miss explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from .adapters import OURS
from .board import SCENARIOS
from .runner import run
from .scenario import Finding, Verdict


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> list[Finding]:
    """Return what came of the whole board under our own decorator."""
    folder: Path = tmp_path_factory.mktemp("board")
    return run(OURS, SCENARIOS, folder / "ours")


def _told(findings: list[Finding], *verdicts: Verdict) -> list[str]:
    """Return the findings of these verdicts, as a person reads them."""
    return [f"{f.scenario}: {f.verdict}: {f.detail}" for f in findings if f.verdict in verdicts]


def test_no_wrong_value(findings: list[Finding]) -> None:
    """No scenario makes us return a value that is not the function's own."""
    assert _told(findings, Verdict.WRONG) == []


def test_no_error_and_no_hang(findings: list[Finding]) -> None:
    """No scenario makes us raise, die, print or wait for ever."""
    assert _told(findings, Verdict.ERROR, Verdict.HANG) == []


def test_every_false_miss_is_explained(findings: list[Finding]) -> None:
    """What we compute again without need is on the list of what we mean to compute again."""
    explained = {scenario.id for scenario in SCENARIOS if scenario.explained}
    misses = [finding for finding in findings if finding.scenario not in explained]
    assert _told(misses, Verdict.MISS) == []


def test_no_explanation_is_stale(findings: list[Finding]) -> None:
    """A scenario whose false miss is explained does miss: an explanation that is not needed goes."""
    missed = {finding.scenario for finding in findings if finding.verdict is Verdict.MISS}
    assert {scenario.id for scenario in SCENARIOS if scenario.explained} <= missed


def test_every_scenario_acts_on_us(findings: list[Finding]) -> None:
    """Every blow to the store finds something of ours to damage."""
    assert _told(findings, Verdict.ABSENT) == []
