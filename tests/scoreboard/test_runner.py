"""The board can tell: straw tools that never remember, never forget, hang or die are judged so."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from .adapters import FORGETFUL, STUBBORN, Adapter
from .board import SCENARIOS
from .report import render, summary
from .runner import run
from .scenario import Finding, Phase, Scenario, Verdict, program

ONE_CALL = program("""
    @cached
    def f(x):
        ran()
        return x
    """)
TWICE = (("f(1)", "1"), ("f(1)", "1"))
DAMAGED = {s.id for s in SCENARIOS if any(phase.before for phase in s.phases)}
TOLD_APART = ("X1.", "X2.", "X4.", "X5.", "X6.", "X7.")


def _scenario(name: str) -> Scenario:
    """Return a scenario of two processes that make one call twice each."""
    phase = Phase(ONE_CALL.files(), TWICE, 1)
    return Scenario(name, "Call twice, in two processes.", (phase, phase))


def _verdicts(findings: list[Finding]) -> list[Verdict]:
    """Return the verdicts in the order of the scenarios."""
    return [finding.verdict for finding in findings]


def test_a_tool_that_never_remembers_is_never_wrong(tmp_path: Path) -> None:
    """Computing every time gives the true value everywhere, so every truth on the board is true."""
    findings = run(FORGETFUL, SCENARIOS, tmp_path / "board")
    counts = Counter(_verdicts(findings))
    assert counts[Verdict.WRONG] == counts[Verdict.ERROR] == counts[Verdict.HANG] == 0
    assert {f.scenario for f in findings if f.verdict is Verdict.ABSENT} == DAMAGED


def test_a_tool_that_never_remembers_misses_wherever_a_hit_is_due(tmp_path: Path) -> None:
    """Every scenario that counts fewer computations than calls calls it a false miss."""
    due = [
        s
        for s in SCENARIOS
        if s.id not in DAMAGED
        and any(p.computes is not None and p.computes < len(p.calls) * p.processes for p in s.phases)
        and not s.id.startswith(("X1.", "X3."))
    ]
    findings = run(FORGETFUL, due, tmp_path / "board")
    assert [f.scenario for f in findings if f.verdict is not Verdict.MISS] == []


def test_a_tool_that_never_forgets_is_wrong_everywhere(tmp_path: Path) -> None:
    """Returning the first value for ever is a wrong value in every scenario that has two values."""
    scenarios = [s for s in SCENARIOS if s.id.startswith(TOLD_APART)]
    findings = run(STUBBORN, scenarios, tmp_path / "board")
    assert [f.scenario for f in findings if f.verdict is not Verdict.WRONG] == []
    assert len(findings) > 100


def test_a_hang_is_judged_and_the_rest_goes_on(tmp_path: Path) -> None:
    """A call that never ends is a hang, and the scenarios after it still run."""
    stall = "\nif 'hang' in __name__:\n    import os\n    os.read(os.pipe()[0], 1)"
    hanging = Adapter("hanging", "", FORGETFUL.text + stall)
    scenarios = [_scenario("a"), _scenario("hang"), _scenario("z")]
    findings = run(hanging, scenarios, tmp_path / "board", patience=2.0)
    assert _verdicts(findings) == [Verdict.MISS, Verdict.HANG, Verdict.MISS]


def test_a_dead_process_is_an_error_and_the_rest_goes_on(tmp_path: Path) -> None:
    """A call that ends the process is an error, and the scenarios after it still run."""
    dying = Adapter("dying", "", FORGETFUL.text + "\nif 'die' in __name__:\n    import os\n    os._exit(3)")
    findings = run(dying, [_scenario("a"), _scenario("die"), _scenario("z")], tmp_path / "board")
    assert _verdicts(findings) == [Verdict.MISS, Verdict.ERROR, Verdict.MISS]


def test_printing_is_an_error_where_silence_is_asked(tmp_path: Path) -> None:
    """A tool that prints on stdout fails a silent scenario, and only that."""
    loud = Adapter("loud", "", "def cached(function):\n    print('caching')\n    return function")
    calls = (("f(1)", "1"),)
    quiet = Scenario("quiet", "Print.", (Phase(ONE_CALL.files(), calls),), silent=True)
    other = Scenario("other", "Print.", (Phase(ONE_CALL.files(), calls),))
    findings = run(loud, [quiet, other], tmp_path / "board")
    assert _verdicts(findings) == [Verdict.ERROR, Verdict.CORRECT]


def test_planted_code_that_runs_is_a_wrong_value(tmp_path: Path) -> None:
    """A tool that loads a planted pickle is found out."""
    scenarios = [s for s in SCENARIOS if s.id.startswith("X13.")]
    findings = run(STUBBORN, scenarios, tmp_path / "board")
    assert [(f.verdict, f.detail) for f in findings] == [(Verdict.WRONG, "planted code ran")] * 2


def test_ids_and_module_names_are_unique() -> None:
    """No scenario shadows another, and no module of one program is imported by another."""
    names = [s.module for s in SCENARIOS]
    names += [n for s in SCENARIOS for n in {n for phase in s.phases for n in phase.files} - {"main"}]
    assert [name for name, count in Counter(names).items() if count > 1] == []


def test_the_report_has_a_row_for_each_scenario_and_a_line_for_each_tool(tmp_path: Path) -> None:
    """The table shows every verdict, and says which of our false misses nobody explained."""
    scenarios = [_scenario("a")]
    findings = run(FORGETFUL, scenarios, tmp_path / "board")
    text = render(scenarios, {"forgetful": findings}, "2026-01-01")
    assert summary(findings) == "0 / 1 / 0 / 0"
    assert "| forgetful | 1 | 0 | 1 | 0 | 0 |" in text
    assert "| a | Call twice, in two processes. | false miss |" in text
    assert "- a: **not explained**" in text
