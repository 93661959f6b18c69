"""The frozen values of the scoreboard: a scenario, its phases, and what can be said of a run of it.

A scenario is what a user does, as program texts and calls with their true values; it knows no tool.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from textwrap import dedent

PROLOGUE = "from witness import ran\n<the tool>\n"
CallPair = tuple[str, str]


class Verdict(StrEnum):
    """What came of one scenario under one tool; the worst of its calls, in this order."""

    CORRECT = "correct"
    MISS = "false miss"
    ERROR = "error"
    HANG = "hang"
    WRONG = "wrong value"
    ABSENT = "-"

    @property
    def gravity(self) -> int:
        """How bad it is; greater is worse."""
        return list(Verdict).index(self)


@dataclass(frozen=True, slots=True)
class Phase:
    """One life of the user's program: its files, what is called, and how often it must be computed.

    Attributes:
        files: Text by file name; `main` stands for the module that is imported.
        calls: (expression, expression for the true value), evaluated in the main module.
        computes: How many computations this phase needs at most; None if not counted.
        before: What befalls the store before this phase: (name of a blow in `damage`, its argument).
        folder: Name of the folder the project stands in.
        processes: How many processes make the calls at once, from a common start.
        kill_leader: Kill one process (SIGKILL) in the middle of its computation; the others go on.
    """

    files: Mapping[str, str]
    calls: tuple[CallPair, ...]
    computes: int | None = None
    before: tuple[str, bytes] | None = None
    folder: str = "project"
    processes: int = 1
    kill_leader: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a user does, and what would be right.

    Attributes:
        id: Number of the pitfall and a short name, such as `X1.helper-body`.
        title: What the user does, one sentence.
        phases: Lives of the program, each in a fresh process with a hash seed of its own.
        silent: True if anything printed on stdout counts as an error.
        limited: True if the tool is to be given a size limit of one megabyte, if it has one.
        explained: Why our false miss here is right, if there is one.
    """

    id: str
    title: str
    phases: tuple[Phase, ...]
    silent: bool = False
    limited: bool = False
    explained: str = ""

    @property
    def module(self) -> str:
        """Name of the main module of the user's program."""
        return "".join(c if c.isalnum() else "_" for c in self.id.lower())


@dataclass(frozen=True, slots=True)
class Finding:
    """What one tool did with one scenario."""

    scenario: str
    tool: str
    verdict: Verdict
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Program:
    """A main module, with the files it imports; `edited` is the next version of it."""

    main: str
    others: Mapping[str, str] = field(default_factory=dict)

    def files(self) -> dict[str, str]:
        """Return text by file name."""
        return {"main": PROLOGUE + self.main, **self.others}

    def edited(self, old: str, new: str) -> Program:
        """Return the program with `old` replaced by `new` wherever it stands."""
        if not any(old in text for text in (self.main, *self.others.values())):
            raise ValueError(f"the program has no {old!r} to edit")
        others = {name: text.replace(old, new) for name, text in self.others.items()}
        return Program(self.main.replace(old, new), others)


def program(main: str, **others: str) -> Program:
    """Return a program from indented texts."""
    return Program(dedent(main).lstrip("\n"), {name: dedent(text) for name, text in others.items()})


def edit(
    id: str, title: str, text: Program, change: tuple[str, str], truth: tuple[str, str], call: str = "f(1)"
) -> Scenario:
    """Return a scenario in which one edit changes the value of one call."""
    after = text.edited(*change)
    first = Phase(text.files(), ((call, truth[0]),), 1)
    return Scenario(id, title, (first, Phase(after.files(), ((call, truth[1]),), 1)))


def harmless(id: str, title: str, text: Program, change: tuple[str, str], truth: str, explained: str = "") -> Scenario:
    """Return a scenario in which one edit changes nothing that runs: f(1) must not be computed again."""
    first = Phase(text.files(), (("f(1)", truth),), 1)
    second = Phase(text.edited(*change).files(), (("f(1)", truth),), 0)
    return Scenario(id, title, (first, second), explained=explained)


def lasting(id: str, title: str, text: Program, calls: tuple[CallPair, ...], computes: int) -> Scenario:
    """Return a scenario that makes the same calls in two processes: all are hits in the second."""
    return Scenario(id, title, (Phase(text.files(), calls, computes), Phase(text.files(), calls, 0)))
