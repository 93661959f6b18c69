"""From what the processes reported to one verdict: the worst that happened in any phase."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .scenario import Finding, Phase, Scenario, Verdict

Event = dict[str, object]


def judge(scenario: Scenario, tool: str, phases: Sequence[Sequence[Event]]) -> Finding:
    """Return the gravest finding of a scenario, the earliest of those that are equally grave."""
    found = [Finding(scenario.id, tool, Verdict.CORRECT)]
    for phase, events in zip(scenario.phases, phases, strict=True):
        for verdict, detail in _faults(scenario, phase, events):
            found.append(Finding(scenario.id, tool, verdict, detail))
    return max(found, key=lambda finding: finding.verdict.gravity)


def _faults(scenario: Scenario, phase: Phase, events: Sequence[Event]) -> Iterator[tuple[Verdict, str]]:
    """Yield every fault that the events of one phase tell of."""
    for event in events:
        detail = str(event.get("detail", ""))
        match event["event"]:
            case "missed":
                yield Verdict.ABSENT, "nothing in the store to damage so"
            case "exploded":
                yield Verdict.WRONG, "planted code ran"
            case "hang":
                yield Verdict.HANG, "did not end"
            case "crash":
                yield Verdict.ERROR, "the process died"
            case "error":
                yield Verdict.ERROR, detail
            case "call" if not event["right"]:
                yield Verdict.WRONG, detail
            case "end":
                computed, printed = int(str(event["computed"])), int(str(event["printed"]))
                if scenario.silent and printed:
                    yield Verdict.ERROR, f"printed {printed} bytes on stdout"
                if phase.computes is not None and computed > phase.computes:
                    yield Verdict.MISS, f"computed {computed} times where {phase.computes} would do"
