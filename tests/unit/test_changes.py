"""What changed between two manifests: named, placed, shown, and never missed."""

from __future__ import annotations

import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cas.changes import compare, describe, names, packages
from cas.manifest import Ingredient, Manifest
from memo.fingerprint import fingerprint
from memo.fingerprint.node import fold_rows
from tests.manifests import HELPER, RATE, ROOT, RUN, manifest

BEFORE = manifest(ROOT, RUN, HELPER, RATE)


def told(old: Manifest, new: Manifest) -> list[tuple[str, str, list[str]]]:
    """Return how, name and lines of each change."""
    return [(change.how, change.ingredient.name, describe(change)) for change in compare(old, new)]


def test_a_changed_value_is_shown_old_and_new():
    """A constant is told as `old -> new`, with the way to it from the function."""
    after = manifest(ROOT, RUN, HELPER, ("value", "m.RATE", "500.0"))
    (change,) = compare(BEFORE, after)
    assert (change.how, change.old.source, change.new.source) == ("changed", "250.0", "500.0")
    assert change.path == ("m.run", "m.helper", "m.RATE")
    assert describe(change) == ["250.0 -> 500.0"]


def test_changed_lines_are_a_unified_diff():
    """A function's lines are told as a unified diff, without the names of files."""
    helper = ("function", "m.helper", "def helper(x):\n    return x / RATE", *HELPER[3:])
    assert told(BEFORE, manifest(ROOT, RUN, helper, RATE)) == [
        (
            "changed",
            "m.helper",
            ["@@ -1,2 +1,2 @@", " def helper(x):", "-    return x * RATE", "+    return x / RATE"],
        )
    ]


def test_a_table_is_compared_line_by_line():
    """Of a long value only the lines around the change are shown."""
    table = "\n".join(["{", *(f"    {n}: {n * n}," for n in range(40)), "}"])
    rows = ROOT, RUN, HELPER
    lines = told(
        manifest(*rows, ("value", "m.RATE", table)), manifest(*rows, ("value", "m.RATE", table.replace(" 49,", " 0,")))
    )
    assert lines[0][2][4:6] == ["-    7: 49,", "+    7: 0,"]
    assert len(lines[0][2]) == 9


def test_a_longer_value_stands_below_the_old_one():
    """Two long values are set one below the other, not side by side."""
    after = manifest(ROOT, RUN, HELPER, ("value", "m.RATE", "y" * 79))
    assert [line[:2] for line in told(BEFORE, after)[0][2]] == ["@@", "-2", "+y"]


def test_a_package_is_told_by_its_versions():
    """A distribution that counts otherwise is told by its versions, and only then."""
    old = manifest(ROOT, RUN, HELPER, RATE, ("package", "scipy.signal", "scipy==1.11.4"))
    new = manifest(ROOT, RUN, HELPER, RATE, ("package", "scipy.signal", "scipy==1.12.0"))
    assert told(old, new) == [("changed", "scipy.signal", ["scipy 1.11.4 -> 1.12.0"])]
    assert packages(new) == {"scipy": "1.12.0"}
    unpinned = Manifest([*old[:4], new[4]._replace(digest=old[4].digest)])
    assert compare(old, unpinned) == []
    pinned = Manifest([*old[:4], old[4]._replace(digest=b"\1" * 32)])
    assert told(old, pinned)[0][2] == ["scipy 1.11.4, pinned otherwise"]


def test_helpers_come_and_go_with_their_lines():
    """An added helper shows its lines with `+`, a removed one with `-`, each where it stands."""
    run = ("function", "m.run", "def run(x):\n    return other(x) + 1", ("g:other", "function m.other"))
    other = ("function", "m.other", "def other(x): ...")
    after = manifest(ROOT, run, other)
    changes = compare(BEFORE, after)
    assert [(change.how, change.ingredient.name) for change in changes] == [
        ("changed", "m.run"),
        ("removed", "m.helper"),
        ("removed", "m.RATE"),
        ("added", "m.other"),
    ]
    assert describe(changes[1]) == ["-def helper(x):", "-    return x * RATE"]
    assert describe(changes[3]) == ["+def other(x): ..."]
    assert changes[2].path == ("m.run", "m.helper", "m.RATE")
    assert names(changes) == ["run", "helper", "other"]


def test_the_function_itself_comes_first():
    """Changes of the function precede those of what it uses, and these precede what state starts from."""

    def rows(text):
        root = ("root", "m.run", "m.run", ("0:global:m.seen", "initial m.seen"), ("f", "function m.run"))
        run = ("function", "m.run", f"run {text}", ("g:helper", "function m.helper"))
        return manifest(root, ("initial", "m.seen", f"seen {text}"), ("function", "m.helper", text), run)

    assert [name for _, name, _ in told(rows("1"), rows("2"))] == ["m.run", "m.helper", "m.seen"]


def test_swapped_aliases_are_relinked():
    """Two functions that change places under their names are told by the labels, though neither changed."""

    def rows(one, two):
        run = ("function", "m.run", "run", ("g:one", f"function {one}"), ("g:two", f"function {two}"))
        return manifest(ROOT, run, ("function", one, one), ("function", two, two))

    assert told(rows("a.f", "b.g"), rows("b.g", "a.f")) == [
        ("relinked", "m.run", ["one was a.f, is b.g", "two was b.g, is a.f"])
    ]


def test_changed_lines_say_what_they_name():
    """A function that begins to name a helper used elsewhere shows it in its lines, and nowhere else."""
    run = ("function", "m.run", "def run(x):\n    return helper(RATE)", *RUN[3:], ("g:RATE", "value m.RATE"))
    (change,) = compare(BEFORE, manifest(ROOT, run, HELPER, RATE))
    assert (change.how, change.ingredient.name, change.links) == ("changed", "m.run", ())
    other = ("function", "n.helper", "def helper(x): ...")
    run = ("function", "m.run", "def run(x):\n    return helper(x, 1)", ("g:helper", "function n.helper"))
    assert told(BEFORE, manifest(ROOT, run, other))[0][2][-1] == "helper was m.helper, is n.helper"


def test_a_function_that_has_become_a_package_is_told():
    """A helper of the project's that an installed package now provides is told by both origins."""
    helper = ("package", "m.helper", "fast==2.0")
    run = (*RUN[:3], ("g:helper", "package m.helper"))
    lines = told(BEFORE, manifest(ROOT, run, helper))
    assert lines[0] == ("changed", "m.helper", ["project -> fast==2.0", "was a function, is a package"])


def test_swapped_lambdas_are_relinked():
    """Two lambdas of one name that change places are told apart by their digests."""

    def rows(first, second):
        table = Ingredient("table", "m.OPS", "project", b"t" * 32, None, (("00000000", 1), ("00000001", 2)))
        return Manifest(
            [table, *(Ingredient("function", "m.<lambda>", "project", bytes([n]) * 32, "x") for n in (first, second))]
        )

    assert told(rows(0xAA, 0xBB), rows(0xBB, 0xAA))[0][2] == [
        "[0] was m.<lambda> aaaaaaaa, is m.<lambda> bbbbbbbb",
        "[1] was m.<lambda> bbbbbbbb, is m.<lambda> aaaaaaaa",
    ]


def test_a_lambda_put_before_another_is_the_one_added():
    """Of several ingredients with one name, those that are the same are matched first."""
    lambdas = [Ingredient("function", "m.<lambda>", "project", bytes([n]) * 32, f"line {n}") for n in range(3)]
    root = Ingredient("root", "m.run", "project", b"r" * 32)
    old = Manifest([root._replace(links=(("a", 1), ("b", 2))), *lambdas[:2]])
    new = Manifest([root._replace(links=(("0", 1), ("a", 2), ("b", 3))), lambdas[2], *lambdas[:2]])
    assert told(old, new) == [("added", "m.<lambda>", ["+line 2"])]


def test_the_class_of_an_argument_is_named():
    """A version for arguments of another class names the class, also one that the code uses anyway."""
    code = ("class", "m.Window", "Window")
    root = (*ROOT, ("r:0000", "class m.Window"))
    assert names(compare(BEFORE, manifest(root, RUN, HELPER, RATE, code))) == ["Window"]
    used = (*RUN, ("g:Window", "class m.Window"))
    changes = compare(manifest(ROOT, used, HELPER, RATE, code), manifest(root, used, HELPER, RATE, code))
    assert [describe(change) for change in changes] == [["the class of an argument is new: m.Window"]]
    assert names(changes) == ["Window"]
    back = compare(manifest(root, used, HELPER, RATE, code), manifest(ROOT, used, HELPER, RATE, code))
    assert describe(back[0]) == ["the class of an argument is gone: m.Window"]


def test_a_renamed_helper_is_told_as_one_change():
    """A function of the same lines under another name is a change of its name, not two functions."""
    run = ("function", "m.run", "def run(x):\n    return better(x)", ("g:better", "function m.better"))
    better = ("function", "m.better", "def better(x):\n    return x * RATE", *HELPER[3:])
    (_, change) = compare(BEFORE, manifest(ROOT, run, better, RATE))
    assert describe(change)[-1] == "was called m.helper, is called m.better"
    assert (change.how, change.old.name) == ("changed", "m.helper")


def test_a_moved_constant_is_no_change():
    """What refers to nothing counts by its digest: the module it stands in does not matter."""
    helper = (*HELPER[:3], ("g:RATE", "value n.RATE"))
    assert compare(BEFORE, manifest(ROOT, RUN, helper, ("value", "n.RATE", "250.0"))) == []


def test_two_equal_constants_may_become_one():
    """Whether two equal constants are one object makes no difference, and so none is told."""

    def rows(other):
        run = ("function", "m.run", "run", ("g:X", "value m.X"), ("g:Y", f"value {other}"))
        return manifest(ROOT, run, ("value", "m.X", "1"), *([("value", "m.Y", "1")] if other == "m.Y" else []))

    assert folded(rows("m.X")) == folded(rows("m.Y"))
    assert compare(rows("m.X"), rows("m.Y")) == compare(rows("m.Y"), rows("m.X")) == []


def test_a_moved_helper_is_no_change():
    """A function counts by its lines and its qualified name: the module it stands in does not matter."""
    run = (*RUN[:3], ("g:helper", "function n.helper"))
    helper = ("function", "n.helper", *HELPER[2:])
    assert compare(BEFORE, manifest(ROOT, run, helper, RATE)) == []


def test_tables_are_not_taken_for_one_another():
    """Tables of functions, whose digests are all one, are matched by name, or by being the only candidate."""

    def rows(*tables):
        run = ("function", "m.run", f"run {tables}", *((f"g:{name}", f"table {name}") for name in tables))
        return manifest(ROOT, run, *(("table", name, "", ("00000000", f"function f{name}")) for name in tables),
                        *(("function", f"f{name}", name) for name in tables))  # fmt: skip

    def hows(old, new):
        return [
            (change.how, change.ingredient.name) for change in compare(old, new) if change.ingredient.kind == "table"
        ]

    assert hows(rows("A", "B"), rows("C", "D")) == [("removed", "A"), ("removed", "B"), ("added", "C"), ("added", "D")]
    assert hows(rows("A", "B"), rows("A", "C")) == [("relinked", "C")]


def test_the_functions_themselves_are_matched():
    """The function of one manifest is compared with that of the other, whatever they are called."""
    root = ("root", "m.walk", "m.walk", ("f", "function m.walk"))
    changes = compare(BEFORE, manifest(root, ("function", "m.walk", "walk", *RUN[3:]), HELPER, RATE))
    assert [(change.how, change.old.name, change.new.name) for change in changes] == [
        ("changed", "m.run", "m.walk"), ("changed", "m.run", "m.walk"),
    ]  # fmt: skip
    assert [change.ingredient.kind for change in changes] == ["function", "root"]


def test_another_kind_under_one_name_is_told():
    """A variable that has become state is one change, told by its kinds."""
    helper = (*HELPER[:3], ("g:RATE", "state m.RATE"))
    assert told(BEFORE, manifest(ROOT, RUN, helper, ("state", "m.RATE", "s")))[0][2][-1] == "was a value, is a state"


def test_notes_make_no_change():
    """What could not be seen does not count."""
    assert compare(BEFORE, Manifest([*BEFORE, Ingredient("note", "n", "project", b"")])) == []


def test_the_same_lines_with_another_digest_are_said_to_be():
    """A digest that differs though nothing shown does is told, not passed over."""
    after = Manifest([*BEFORE[:2], BEFORE[2]._replace(digest=b"\xab" * 32), BEFORE[3]])
    (lines,) = [lines for _, _, lines in told(BEFORE, after)]
    assert lines[0].startswith("what is seen of it is the same, its digest is not: ")
    assert lines[0].endswith(" -> abababab")


def test_files_and_settings_have_short_names():
    """A file is called by its name without folders, a default by its parameter."""
    rows = [("file", "/data/run.csv", "1"), ("value", "m.run d:gain", "2"), ("value", "version=", "3")]
    after = manifest(
        (*ROOT, *((f"x:{n}", f"{kind} {name}") for n, (kind, name, _) in enumerate(rows))), RUN, HELPER, RATE, *rows
    )
    assert names(compare(BEFORE, after)) == ["run.csv", "gain", "version="]


def test_manifests_of_real_functions():
    """A helper's changed constant is named in what `memo` writes down."""
    space: dict = {"__name__": "lab"}
    exec("RATE = 250.0\ndef scale(x): return x * RATE\ndef run(x): return scale(x)", space)
    before = fingerprint(space["run"]).manifest
    space["RATE"] = 500.0
    after = fingerprint(space["run"]).manifest
    assert told(before, after) == [("changed", "lab.RATE", ["250.0 -> 500.0"])]


def test_a_long_chain_and_a_long_source_take_no_time():
    """A foreign store's chain of a hundred thousand links, and lines that are all alike, are told at once."""

    def chain(text):
        links = [((("g:next", n + 1),) if n < 100_000 else ()) for n in range(100_001)]
        return Manifest(Ingredient("function", f"m.f{n}", "project", text, "x", to) for n, to in enumerate(links))

    started = time.monotonic()
    changes = compare(chain(b"1" * 32), chain(b"2" * 32))
    assert len(changes) == 100_001
    assert changes[-1].path[0] == "..."
    assert changes[-1].path[-1] == "m.f100000"
    many = [BEFORE[2]._replace(source="\n".join(f"line {n % 7}" for n in range(size))) for size in (90_000, 90_001)]
    pair = [Manifest([*BEFORE[:2], one._replace(digest=bytes([n]) * 32), BEFORE[3]]) for n, one in enumerate(many)]
    assert told(*pair)[0][2] == ["90,000 lines -> 90,001 lines, too many to compare"]
    assert time.monotonic() - started < 20


TEXTS = st.sampled_from(["m.f", "m.g", "m.<lambda>", "", " ", ".", "m.f d:x", "\x1b[2J", "\ud800"])
KINDS = st.sampled_from(["function", "value", "package", "table", "root", "note", ""])
DIGESTS = st.sampled_from([b"", b"1", b"2", b"3" * 32])
SOURCES = st.none() | st.sampled_from(["", "1", "2", "def f(x): ...", "def g(x): ...", "a\nb\n\x0cc", "\ud800"])
LABELS = st.sampled_from(["f", "g:a", "g:b", "00000001", "r:0000", "x", "", ":"])


@st.composite
def manifests(draw) -> Manifest:
    """Draw any manifest that can be unpacked, as a foreign store may hold."""
    count = draw(st.integers(0, 7))
    links = st.lists(st.tuples(LABELS, st.integers(0, max(count - 1, 0))), max_size=5).map(tuple)
    one = st.builds(Ingredient, KINDS, TEXTS, TEXTS, DIGESTS, SOURCES, links)
    return Manifest(draw(st.lists(one, min_size=count, max_size=count)))


@st.composite
def walked(draw) -> Manifest:
    """Draw a manifest as `memo` lays it out: by a walk from the root, labels in order, equal leaves once."""
    count = draw(st.integers(1, 7))
    kinds = st.sampled_from(["function", "value", "table"])
    nodes = draw(st.lists(st.tuples(kinds, TEXTS, DIGESTS), min_size=count, max_size=count))
    links = st.dictionaries(LABELS, st.integers(0, count - 1), max_size=4)
    edges = draw(st.lists(links, min_size=count, max_size=count))
    seen: list[int] = []
    stack = [0]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.append(node)
            stack += [edges[node][label] for label in sorted(edges[node], reverse=True)]
    places: dict = {}
    for node in seen:
        places.setdefault((node,) if edges[node] or not node else nodes[node], len(places))
    rows = {}
    for node in seen:
        place = {label: places[(to,) if edges[to] or not to else nodes[to]] for label, to in edges[node].items()}
        at = places[(node,) if edges[node] or not node else nodes[node]]
        kind, name, digest = nodes[node]
        rows[at] = Ingredient(kind, name, "project", digest, None, tuple(sorted(place.items())))
    return Manifest(rows[at] for at in sorted(rows))


def folded(found: Manifest) -> bytes:
    """Return the fingerprint that a manifest folds to."""
    return fold_rows([(one.digest, one.links) for one in found])


@given(manifests(), manifests())
def test_any_two_manifests_are_compared(old, new):
    """Whatever a foreign store holds is compared and told without an error, and nothing differs from itself."""
    assert compare(old, old) == []
    for change in compare(old, new):
        assert change.how in ("changed", "added", "removed", "relinked")
        assert change.ingredient in (*old, *new)
        assert all(isinstance(line, str) for line in describe(change))
    assert all(isinstance(name, str) for name in names(compare(old, new)))


@given(walked(), walked())
def test_other_fingerprints_differ_in_something_named(old, new):
    """Two manifests that fold to different fingerprints always have a change."""
    assume(folded(old) != folded(new))
    assert compare(old, new)


@given(walked(), st.data())
def test_one_change_is_named(old, data):
    """Another digest of any one ingredient, and nothing else, is a change of exactly that one."""
    place = data.draw(st.integers(0, len(old) - 1))
    was = old[place]
    new = Manifest([*old[:place], was._replace(digest=b"changed"), *old[place + 1 :]])
    assert any(change.new == new[place] and change.old is not None for change in compare(old, new))


@given(walked(), st.data())
def test_one_link_is_named(old, data):
    """A link taken away is told as one, or as what it led to and nothing else leads to."""
    place = data.draw(st.sampled_from([n for n, found in enumerate(old) if found.links] or [-1]))
    assume(place >= 0)
    was = old[place]
    new = Manifest([*old[:place], was._replace(links=was.links[1:]), *old[place + 1 :]])
    (change,) = compare(old, new)
    assert (change.how, change.new, [link.label for link in change.links]) == (
        "relinked", new[place], [was.links[0][0]],
    )  # fmt: skip


@pytest.mark.parametrize("old", [Manifest(), BEFORE])
def test_an_empty_manifest_is_compared(old):
    """Against nothing, everything is new."""
    assert [change.how for change in compare(Manifest(), old)] == ["added"] * len(old)
    assert [change.how for change in compare(old, Manifest())] == ["removed"] * len(old)
