"""What an audit found, and how it is told to a person: each thing with its place and its mend."""

from __future__ import annotations

import linecache
import os
from typing import TYPE_CHECKING, NamedTuple

from memo.auditing.places import CALL, Place

if TYPE_CHECKING:
    from typing import Any

# In the order in which they are told: the kinds of finding that can make a stored result wrong, and their mends.
_KINDS = {
    "function": ("functions of yours that ran and are not in the fingerprint", ""),
    "file": ("files that were read", ""),
    "named file": (
        "files that were read, and that an argument names",
        "the name is part of the key, what stands in the file is not: pass memo.File(path), or read it outside",
    ),
    "missing": (
        "files that were looked for and are not there",
        "ask outside whether it is there, and pass the answer as an argument",
    ),
    "folder": ("folders that were listed", "list the folder outside and pass the names as an argument"),
    "text": (
        "text that was run by exec or eval",
        "make it a function in a file; or say version= and change it whenever the text does",
    ),
    "variable": (
        "environment variables that were read",
        "read the variable outside and pass its value as an argument",
    ),
    "random": (
        "global random states that were used",
        "pass a seed as an argument, and draw from numpy.random.default_rng(seed) or random.Random(seed)",
    ),
    "entropy": (
        "random numbers that no seed repeats",
        "pass a seed as an argument, and make the generator from it",
    ),
    "clock": (
        "clocks that were read",
        "if the result depends on it, read the time outside and pass it; to time code, use time.perf_counter()",
    ),
    "process": (
        "processes that were started or given work; what happened in them was not traced",
        "audit what they run by itself, and declare it: functions and programs in depends=, versions in version=",
    ),
    "connection": (
        "connections to other machines",
        "fetch outside and pass what was fetched as an argument",
    ),
}
_WIDTH = 70


class Finding(NamedTuple):
    """One thing that happened in a call and was not declared.

    Attributes:
        kind: `function`, `file`, `named file`, `missing`, `folder`, `text`, `variable`, `random`, `entropy`, `clock`,
            `process`, `connection`; `written` for what a hit will not do again.
        name: What it is called: a function's full name, a path as it was given, a variable.
        place: Where a function stands; where the user's code did the rest.
        caller: The place that called a function.
        function: The live function, if it still is.
        target: What to put into `depends=`; None if that does not mend it.
        paste: The same as text.
    """

    kind: str
    name: str
    place: Place
    caller: Place = CALL
    function: Any = None
    target: Any = None
    paste: str = ""


class Audit:
    """What one traced call did that was not declared; true if that is nothing. Shown, it is a report.

    Attributes:
        name: The function.
        value: What the call returned.
        findings: All that was found, `written` included.
        notes: What is worth knowing of the call, and what could not be seen.
        ran: How many functions of the user's ran.
        depends: What to hand to `depends=`: what was declared already, and what was found.
    """

    def __init__(
        self, name: str, value: Any, findings: list[Finding], notes: list[str], ran: int, declared: tuple[Any, ...]
    ) -> None:
        self.name = name
        self.value = value
        self.findings = tuple(findings)
        self.notes = tuple(notes)
        self.ran = ran
        self._declared = declared

    @property
    def clean(self) -> bool:
        """Whether nothing was found that can make a stored result wrong."""
        return all(finding.kind == "written" for finding in self.findings)

    def __bool__(self) -> bool:
        return self.clean

    @property
    def depends(self) -> list[Any]:
        """What was declared, and what declares the functions and files that were found."""
        found: dict[int, Any] = {}
        for target in (finding.target for finding in self.findings if finding.target is not None):
            if not any(target is known or _same_path(target, known) for known in found.values()):
                found[id(target)] = target
        return [*self._declared, *found.values()]

    @property
    def functions(self) -> tuple[Finding, ...]:
        """The user's functions that ran and are not in the fingerprint."""
        return self._of("function", "text")

    @property
    def files(self) -> tuple[Finding, ...]:
        """Files that were read or looked for, and folders that were listed."""
        return self._of("file", "named file", "missing", "folder")

    @property
    def written(self) -> tuple[Finding, ...]:
        """Files that were written: a hit does not write them again."""
        return self._of("written")

    @property
    def environment(self) -> tuple[Finding, ...]:
        """Environment variables that the user's code read."""
        return self._of("variable")

    @property
    def random(self) -> tuple[Finding, ...]:
        """Global random states that were used, and random numbers that no seed repeats."""
        return self._of("random", "entropy")

    @property
    def clock(self) -> tuple[Finding, ...]:
        """Clocks that the user's code read."""
        return self._of("clock")

    @property
    def processes(self) -> tuple[Finding, ...]:
        """Processes that were started or given work."""
        return self._of("process")

    @property
    def network(self) -> tuple[Finding, ...]:
        """Connections to other machines."""
        return self._of("connection")

    def _of(self, *kinds: str) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.kind in kinds)

    def __str__(self) -> str:
        count = sum(finding.kind != "written" for finding in self.findings)
        things = "nothing undeclared" if not count else f"{count} thing{'s'[: count > 1]} not declared"
        lines = [f"audit of {self.name}: {things}; {self.ran} function{'s'[: self.ran != 1]} of yours ran"]
        for kind, (title, mend) in _KINDS.items():
            found = self._of(kind)
            if found:
                lines += ["", title, *(_called(found) if kind == "function" else _table(found))]
            if found and mend:
                lines.append(f"  -> {mend}")
            if kind == "file":
                lines += self._declaration()
        if self.written:
            lines += ["", "files that were written, and that a hit does not write again", *_table(self.written)]
        return "\n".join([*lines, *([""] * bool(self.notes)), *(f"note: {note}" for note in self.notes)])

    __repr__ = __str__

    def _declaration(self) -> list[str]:
        """Return what to write to declare the functions and files."""
        pastes = list(dict.fromkeys(finding.paste for finding in self.findings if finding.paste))
        lines = []
        if pastes and self._declared:
            lines.append(f"  -> add to depends=: {', '.join(pastes)}")
        elif pastes:
            lines.append(f"  -> @memo.cached(depends=[{', '.join(pastes)}])")
        return lines


def _same_path(one: Any, other: Any) -> bool:
    return isinstance(one, str) and isinstance(other, str) and one == other


def _called(found: tuple[Finding, ...]) -> list[str]:
    """Return a table of the functions to declare; those that come with them are counted."""
    named = tuple(finding for finding in found if finding.paste)
    more = len(found) - len(named)
    return [
        *_table(named),
        *([f"  and {more} more that come with {'it' if len(named) == 1 else 'them'}"] if more else []),
    ]


def _table(found: tuple[Finding, ...]) -> list[str]:
    rows = [(finding.name, *_told(finding)) for finding in found]
    widths = [min(max(len(row[column]) for row in rows), _WIDTH) for column in (0, 1)]
    return [f"  {row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}".rstrip() for row in rows]


def _told(finding: Finding) -> tuple[str, str]:
    """Return where a thing happened, and the line of code there, or who called a function."""
    place = finding.place
    if finding.kind in ("function", "text"):
        return f"{os.path.basename(place.file)}:{place.line}", f"called from {finding.caller}"
    line = linecache.getline(place.file, place.line).strip() if place.line else ""
    return str(place), line if len(line) <= _WIDTH else f"{line[:_WIDTH]}..."
