"""The words for a reason: which change is named first, and how; what is listed below."""

from __future__ import annotations

import pytest

import cas
from cas.changes import compare
from cas.manifest import Ingredient, Manifest
from cas.reason import Reason

RECORD = cas.FunctionRecord(b"\1" * 32, "study", "analyse", ("x",))
NEAREST = cas.Entry(
    b"\2" * 32, cas.FunctionRecord(b"\3" * 32, "study", "analyse", ("x",)), b"\x91\x01", "tree/1", b"\4" * 32, True, 1,
    (), "int", 1.0, 0.0, 0.0,
)  # fmt: skip


def manifest(*parts: tuple[str, str, str, str | None]) -> Manifest:
    """Return the manifest of a function that refers to parts: kind, name, origin, and source."""
    found = [
        Ingredient(kind, name, origin, repr((name, origin, source)).encode(), source)
        for kind, name, origin, source in parts
    ]
    links = tuple((f"g:part{place}", place + 2) for place in range(len(found)))
    own = Ingredient("function", "study.analyse", "project", b"own", "def analyse(x): ...", links)
    return Manifest([Ingredient("root", "study.analyse", "project", b"root", None, (("f", 1),)), own, *found])


def told(old: Manifest, new: Manifest) -> Reason:
    """Return the reason of a call that is stored under the old code."""
    return Reason("code", RECORD, NEAREST, tuple(compare(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        (("function", "study.scale", "project", "a"), ("function", "study.scale", "project", "b"),
         "the helper study.scale changed"),
        (("value", "study.GAIN", "project", "2.5"), ("value", "study.GAIN", "project", "3"),
         "the constant study.GAIN changed: 2.5 -> 3"),
        (("value", "study.TABLE", "project", "[" + "1, " * 30), ("value", "study.TABLE", "project", "[2]"),
         "the constant study.TABLE changed"),
        (("value", "study.scale d:width", "project", "3"), ("value", "study.scale d:width", "project", "4"),
         "the default width of study.scale changed: 3 -> 4"),
        (("value", "study.make c:k", "project", "3"), ("value", "study.make c:k", "project", "4"),
         "the captured variable k of study.make changed: 3 -> 4"),
        (("value", "version=", "project", "'May'"), ("value", "version=", "project", "'June'"),
         "version= changed: 'May' -> 'June'"),
        (("file", "gains.csv", "project", None), ("file", "gains.csv", "project", ""), "the file gains.csv changed"),
        (("initial", "study.seen", "project", "seen = {}"), ("initial", "study.seen", "project", "seen = {1: 1}"),
         "what study.seen starts from changed"),
        (("package", "numpy.sin", "numpy==2.3.5", None), ("package", "numpy.sin", "numpy==2.4.0", None),
         "numpy moved from 2.3.5 to 2.4.0"),
        (("python", "math.sin", "python", None), ("python", "math.cos", "python", None),
         "in study.analyse, part0 was math.sin, is math.cos"),
    ],
)  # fmt: skip
def test_a_change_in_words(old, new, verdict):
    """Each kind of change has its noun, and short values stand beside it."""
    assert told(manifest(old), manifest(new)).verdict == verdict


def test_a_method_is_called_a_method():
    """A function that is reached through its class is a method of it."""

    def version(source: str) -> Manifest:
        first, own, model = manifest(("class", "study.Model", "project", None))
        fit = Ingredient("function", "study.Model.fit", "project", source.encode(), source)
        return Manifest([first, own, model._replace(links=(("a:fit", 3),)), fit])

    assert told(version("a"), version("b")).verdict == "the method study.Model.fit changed"


def test_what_changed_comes_before_what_came_with_it():
    """A verdict names what changed, rather than what came or went, and counts the rest."""
    old = manifest(("class", "study.Old", "project", None), ("value", "study.GAIN", "project", "1"))
    new = manifest(("class", "study.New", "project", "x"), ("value", "study.GAIN", "project", "2"))
    assert told(old, new).verdict == "the constant study.GAIN changed: 1 -> 2, and 1 more change"


def test_changes_of_one_short_name_count_each():
    """Two constants that end in one name are two changes, as the lines below the verdict show."""
    old, new = (
        manifest(*(("value", f"{module}.RATE", "project", value) for module in ("study", "filters", "plots")))
        for value in ("1", "2")
    )
    reason = told(old, new)
    assert reason.verdict == "the constant study.RATE changed: 1 -> 2, and 2 more changes"
    assert sum("RATE changed" in line for line in reason.lines()[1:]) == 3


def test_swapped_references_are_told():
    """Two names that were swapped change nothing by themselves, and are told by what they mean now."""
    parts = ("function", "study.a", "project", "a"), ("function", "study.b", "project", "b")
    first, own, *rest = manifest(*parts)
    swapped = own._replace(links=(("g:part0", 3), ("g:part1", 2)))
    reason = told(manifest(*parts), Manifest([first, swapped, *rest]))
    assert reason.verdict == "in study.analyse, part0 was study.a, is study.b"
    assert "    part1 was study.b, is study.a" in reason.lines()


def test_a_package_is_told_once():
    """However many names of a package are used, that it moved is one line."""
    old, new = (
        manifest(*(("package", f"numpy.{name}", f"numpy=={number}", None) for name in ("sin", "cos", "exp")))
        for number in ("2.3.5", "2.4.0")
    )
    reason = told(old, new)
    assert reason.verdict == "numpy moved from 2.3.5 to 2.4.0"
    assert len(reason.changes) == 3
    assert [line.split()[0] for line in reason.lines()] == ["miss:", "compared", "if"]


def test_very_many_changes_are_cut():
    """Of a change that touches everything, the first ones are shown, and the command that shows all."""
    old, new = (
        manifest(*(("value", f"study.C{number}", "project", f"{value}{number}") for number in range(30)))
        for value in ("1", "2")
    )
    lines = told(old, new).lines()
    assert lines[0] == "miss: the constant study.C0 changed: 10 -> 20, and 29 more changes"
    assert len(lines) == 1 + 20 + 3
    assert lines[21] == (
        f"  10 more changes: `cas diff study.analyse@{'03' * 4} study.analyse@{'01' * 4}`, once the call is stored"
    )


def test_very_long_changes_are_cut():
    """Of a long function that was rewritten, the first lines are shown."""
    old, new = (
        manifest(("function", "study.long", "project", "\n".join(f"{word} {line}" for line in range(100))))
        for word in ("one", "two")
    )
    lines = told(old, new).lines()
    assert len(lines) == 1 + 1 + 41 + 2
    assert lines[42] == "    ... 160 more lines"


def test_mends_are_left_out_where_nobody_asks():
    """The lines begin as asked for, and say what to do only if asked."""
    reason = told(manifest(("value", "study.GAIN", "project", "1")), manifest(("value", "study.GAIN", "project", "2")))
    assert reason.lines()[-1] == f'  if results are the same: f.cache.adopt("study.analyse@{"03" * 4}")'
    assert reason.lines("computed because", mend=False) == [
        "computed because the constant study.GAIN changed: 1 -> 2",
        *reason.lines()[1:-1],
    ]


def test_control_characters_are_written_out():
    """Names and sources of a foreign store do not steer the terminal; tabs are spaces."""
    old, new = (
        manifest(("function", "study.sc\x1bale", "project", f"def scale(x):\n\treturn '\x1b[2J' + {number}"))
        for number in "12"
    )
    lines = told(old, new).lines()
    assert all(line.isprintable() for line in lines)
    assert lines[-3] == "    +   return '\\x1b[2J' + 2"
