"""Why a call missed: other code, other arguments, both, or the first of its kind."""

from __future__ import annotations

import numpy as np
import pytest
from blake3 import blake3

import cas
from cas import reason
from cas.manifest import Ingredient, Manifest
from cas.reason import why
from memo.canonical import encode_arguments
from memo.fingerprint import fingerprint
from memo.signature import Parameters

STUDY = """
GAIN = 2.5

def scale(x):
    return x * GAIN

class Model:
    slope = 2
    def __init__(self, offset):
        self.offset = offset
    def fit(self, x):
        return self.slope * x + self.offset

class Other:
    def __init__(self, offset):
        self.offset = offset
    def fit(self, x):
        return x - self.offset

def analyse(x, rate=250.0, tapers=5, model=None):
    y = scale(x)
    return y if model is None else model.fit(y)
"""


def call_of(function, *values) -> cas.Call:
    """Return the call of a function of the project with these values, as `memo` would store it."""
    names = Parameters(function).names
    signature, roots = encode_arguments(list(values), names)
    found = fingerprint(function).with_roots(roots)
    record = cas.FunctionRecord(found.digest, found.module, found.qualname, names, found.manifest.pack())
    return cas.Call(blake3(found.digest + signature).digest(), record, signature)


def put(store, call: cas.Call) -> cas.Entry:
    """Store a result of a call and return its entry."""
    with store.deposit(call, 0.0) as deposit:
        deposit.commit(cas.Result("tree/1", (b"\x01",), "int", {}))
    return store.entry(call.key)


def reasons(arguments) -> list[tuple[str, str, str]]:
    """Return the arguments of a reason, each with the place inside it."""
    return [(name + where, old, new) for name, old, new, where in arguments]


def test_the_same_call_under_other_code(store, project):
    """A call that is stored under other code misses because of what changed in it, shown as a diff with its place."""
    old = put(store, call_of(project("study", STUDY).analyse, 1, 250.0, 5, None))
    new = call_of(project("study", STUDY.replace("x * GAIN", "x * GAIN + 1")).analyse, 1, 250.0, 5, None)
    found, version = why(store, new), old.function.fingerprint.hex()[:8]
    assert (found.kind, found.nearest, found.arguments, found.versions) == ("code", old, (), 1)
    assert [(change.how, change.ingredient.name) for change in found.changes] == [("changed", "study.scale")]
    assert found.lines() == [
        "miss: the helper study.scale changed",
        "  analyse -> scale",
        "     def scale(x):",
        "    -    return x * GAIN",
        "    +    return x * GAIN + 1",
        f"  compared with entry {old.key.hex()[:12]}, stored just now under version {version}",
        f'  if results are the same: f.cache.adopt("study.analyse@{version}")',
    ]


def test_the_newest_of_several_versions_is_compared(store, project):
    """Of several versions that have the call, the last stored is the one compared with, and they are counted."""
    versions = ["2.5", "3.5", "4.5"]
    calls = [call_of(project("study", STUDY.replace("2.5", gain)).analyse, 1, 250.0, 5, None) for gain in versions]
    entries = [put(store, call) for call in calls[:2]]
    put(store, call_of(project("study", STUDY).analyse, 2, 250.0, 5, None))
    found = why(store, calls[2])
    assert (found.kind, found.nearest, found.versions) == ("code", entries[1], 2)
    assert found.verdict == "the constant study.GAIN changed: 3.5 -> 4.5"
    assert "  2 other versions have a result for these arguments; this is the newest" in found.lines()


def test_nearest_arguments_are_those_that_differ_least(store, project):
    """Of the calls of this code, the one with the fewest other arguments is compared with, the newest of those."""
    analyse = project("study", STUDY).analyse
    put(store, call_of(analyse, 1, 250.0, 7, None))
    nearest = put(store, call_of(analyse, 1, 500.0, 5, None))
    put(store, call_of(analyse, 2, 500.0, 7, None))
    found = why(store, call_of(analyse, 1, 250.0, 5, None))
    assert (found.kind, found.nearest, found.changes) == ("arguments", nearest, ())
    assert reasons(found.arguments) == [("rate", "500.0", "250.0")]
    assert found.verdict == "no earlier call had these arguments; the nearest differs in rate: 500.0 -> 250.0"


def test_of_equally_near_calls_the_newest_is_compared(store, project):
    """Of calls that differ in as many arguments, of this code or of another, the last stored is compared with."""
    analyse = project("study", STUDY).analyse
    put(store, call_of(analyse, 1, 1.0, 5, None))
    newest = put(store, call_of(analyse, 2, 2.0, 5, None))
    assert why(store, call_of(analyse, 3, 3.0, 5, None)).nearest == newest
    edited = project("study", STUDY.replace("2.5", "3")).analyse
    assert why(store, call_of(edited, 3, 3.0, 5, None)).nearest == newest


def test_several_arguments_are_listed(store, project):
    """Arguments that differ are named in the verdict, and shown below it."""
    analyse = project("study", STUDY).analyse
    put(store, call_of(analyse, 1, 250.0, 5, None))
    found = why(store, call_of(analyse, True, 250.0, 7, None))
    assert found.lines()[:3] == [
        "miss: no earlier call had these arguments; the nearest differs in x and tapers",
        "  x: 1 (int) -> True (bool)",
        "  tapers: 5 -> 7",
    ]


def test_this_code_comes_before_nearer_arguments(store, project):
    """A call of this code is compared with even if one of other code has more arguments in common."""
    mine = put(store, call_of(project("study", STUDY).analyse, 9, 9.0, 9, None))
    put(store, call_of(project("study", STUDY.replace("2.5", "3.5")).analyse, 1, 250.0, 6, None))
    found = why(store, call_of(project("study", STUDY).analyse, 1, 250.0, 5, None))
    assert (found.kind, found.nearest, len(found.arguments)) == ("arguments", mine, 3)


def test_other_code_and_other_arguments(store, project):
    """Where neither the code nor the arguments are stored, both differences are told."""
    put(store, call_of(project("study", STUDY).analyse, 1, 250.0, 7, None))
    found = why(store, call_of(project("study", STUDY.replace("2.5", "3")).analyse, 1, 250.0, 5, None))
    assert found.kind == "both"
    assert found.verdict == "the constant study.GAIN changed: 2.5 -> 3, and the nearest call differs in tapers: 7 -> 5"
    assert not any("adopt" in line for line in found.lines())


def test_a_new_parameter_is_a_change_of_the_code(store, project):
    """A parameter that only one version has is no difference of arguments; over one that is gone nothing is adopted."""
    put(store, call_of(project("study", STUDY).analyse, 1, 250.0, 5, None))
    edited = STUDY.replace("model=None)", 'model=None, window="hann")')
    found = why(store, call_of(project("study", edited).analyse, 1, 250.0, 5, None, "hann"))
    assert found.kind == "code"
    assert found.verdict.startswith("study.analyse itself changed")
    assert reasons(found.arguments) == [("window", "nothing", "'hann'")]
    assert "  window: nothing -> 'hann'" in found.lines()
    assert "f.cache.adopt" in found.lines()[-1]
    put(store, call_of(project("study", edited).analyse, 7, 250.0, 5, None, "hann"))
    found = why(store, call_of(project("study", STUDY).analyse, 7, 250.0, 5, None))
    assert (found.kind, reasons(found.arguments)) == ("arguments", [("x", "1", "7")])
    found = why(store, call_of(project("study", STUDY.replace("2.5", "3")).analyse, 7, 250.0, 5, None))
    assert (found.kind, reasons(found.arguments)) == ("code", [("window", "'hann'", "nothing")])
    assert not any("adopt" in line for line in found.lines())


def test_a_renamed_parameter_is_a_change_of_the_code(store, project):
    """The same values for parameters of other names are not the same call, and differ by the code alone."""
    put(store, call_of(project("study", STUDY).analyse, 1, 250.0, 5, None))
    found = why(store, call_of(project("study", STUDY.replace("tapers", "windows")).analyse, 1, 250.0, 5, None))
    assert (found.kind, found.versions) == ("code", 0)
    assert reasons(found.arguments) == [("windows", "nothing", "5"), ("tapers", "5", "nothing")]


def test_another_class_of_an_argument_is_another_argument(store, project):
    """An argument of another class brings other code with it, which is no change of the code."""
    study = project("study", STUDY)
    put(store, call_of(study.analyse, 1, 250.0, 5, study.Model(3)))
    found = why(store, call_of(study.analyse, 1, 250.0, 5, study.Other(3)))
    assert (found.kind, found.changes) == ("arguments", ())
    assert reasons(found.arguments) == [("model", "Model(offset=3)", "Other(offset=3)")]
    found = why(store, call_of(study.analyse, 1, 250.0, 5, None))
    assert (found.kind, found.changes) == ("arguments", ())
    assert reasons(found.arguments) == [("model", "Model(offset=3)", "None")]


def test_functions_given_in_another_order_are_other_arguments(store, project):
    """Two functions as arguments, given the other way round, bring the same code with them."""
    study = project("study", STUDY + "def one(x): return x\ndef two(x): return 2 * x\n")
    old = put(store, call_of(study.analyse, study.one, study.two, 5, None))
    new = call_of(study.analyse, study.two, study.one, 5, None)
    assert old.function.fingerprint != new.function.fingerprint
    found = why(store, new)
    assert (found.kind, found.changes) == ("arguments", ())
    assert reasons(found.arguments) == [("x", "study.one", "study.two"), ("rate", "study.two", "study.one")]


def test_an_edited_class_of_an_argument_is_other_code(store, project):
    """A method of an argument's class that was edited is told as a change."""
    study = project("study", STUDY)
    put(store, call_of(study.analyse, 1, 250.0, 5, study.Model(3)))
    study = project("study", STUDY.replace("+ self.offset", "+ 2 * self.offset"))
    found = why(store, call_of(study.analyse, 1, 250.0, 5, study.Model(3)))
    assert found.kind == "code"
    assert found.verdict == "the method study.Model.fit changed"


def test_what_came_with_another_class_is_left_out_of_the_changes(store, project):
    """Where the code changed and an argument is of another class, only the change of the code is told."""
    study = project("study", STUDY)
    put(store, call_of(study.analyse, 1, 250.0, 5, study.Model(3)))
    study = project("study", STUDY.replace("2.5", "3"))
    found = why(store, call_of(study.analyse, 1, 250.0, 5, study.Other(3)))
    assert found.kind == "both"
    assert [change.ingredient.name for change in found.changes] == ["study.GAIN"]


def test_a_long_argument_is_known_by_its_digest(store, project):
    """An argument that is kept whole in one entry and as a digest in another is the same argument."""
    analyse = project("study", STUDY).analyse
    text = "x" * 3000
    put(store, call_of(analyse, text, 250.0, 5, None))
    other = call_of(analyse, text, 250.0, 5, "y" * 2000)
    assert len(other.signature) < 3000
    assert reasons(why(store, other).arguments) == [("model", "None", f"'{'y' * 58}…")]
    other = call_of(analyse, text[:-1] + "z", 250.0, 5, "y" * 2000)
    assert [name for name, *_ in why(store, other).arguments] == ["x", "model"]


def test_the_first_call(store, project):
    """Where nothing of the function is stored, it is said to be the first call."""
    found = why(store, call_of(project("study", STUDY).analyse, 1, 250.0, 5, None))
    assert (found.kind, found.nearest, found.akin) == ("first", None, ())
    assert found.lines() == ["miss: it is the first call of study.analyse that this store knows of"]


def test_the_first_call_after_all_results_were_removed(store, project):
    """Where the results of the function were all removed, that is said, since its versions are still known."""
    call = call_of(project("study", STUDY).analyse, 1, 250.0, 5, None)
    store.forget([put(store, call).key])
    found = why(store, call)
    assert (found.kind, found.emptied) == ("first", 1)
    assert found.verdict == "no earlier result of study.analyse is stored any more"
    assert found.lines()[1].startswith("  1 version of it had results once, which were removed")


@pytest.mark.parametrize(
    ("module", "edit", "renamed"),
    [("moved", ("GAIN + 0", "GAIN"), "moved.analyse"), ("study", ("analyse", "analyze"), "study.analyze")],
)
def test_a_function_under_another_name(store, project, module, edit, renamed):
    """A function that has another one's name, or its lines, is said to be perhaps the same, with what to do."""
    call = call_of(project("study", STUDY).analyse, 1, 250.0, 5, None)
    put(store, call)
    put(store, call_of(project("apart", "def other(x): return x").other, 1))
    put(store, call_of(project("apart", "def analyse(a, b): return a\ndef analyze(a, b): return b").analyse, 1, 2))
    new = project(module, STUDY.replace(*edit))
    found = why(store, call_of(getattr(new, renamed.partition(".")[2]), 1, 250.0, 5, None))
    assert (found.kind, [record.name for record in found.akin]) == ("first", ["study.analyse"])
    assert found.lines()[1:] == [
        "  perhaps it was called study.analyse before, which looks like it",
        f'  if results are the same: f.cache.adopt("study.analyse@{call.function.fingerprint.hex()[:8]}")',
    ]


def test_what_was_stored_since_is_left_out(store, project):
    """Asked about an earlier time, neither the call itself nor what came after it is looked at."""
    analyse = project("study", STUDY).analyse
    first, second, third = (put(store, call_of(analyse, x, 250.0, 5, None)) for x in (1, 2, 3))
    for entry, nearest in ((third, second), (second, first)):
        call = cas.Call(entry.key, entry.function, entry.signature)
        assert why(store, call, entry.created).nearest == nearest
    assert why(store, cas.Call(third.key, third.function, third.signature)).nearest == second
    call = cas.Call(first.key, first.function, first.signature)
    found = why(store, call, first.created)
    assert (found.kind, found.emptied) == ("first", 0)
    assert why(store, call).nearest == third


def test_only_so_many_entries_are_looked_at(store, project, monkeypatch):
    """Beyond a number of entries the search for the nearest ends, and says so."""
    monkeypatch.setattr(reason, "LOOKED_AT", 3)
    analyse = project("study", STUDY).analyse
    put(store, call_of(analyse, 1, 250.0, 5, None))
    for x in (2, 3, 4):
        put(store, call_of(analyse, x, 500.0, 7, None))
    found = why(store, call_of(analyse, 1, 250.0, 6, None))
    assert (found.cut, len(found.arguments)) == (3, 3)
    assert "  only the newest 3 entries were looked at" in found.lines()
    monkeypatch.setattr(reason, "LOOKED_AT", 4)
    found = why(store, call_of(analyse, 1, 250.0, 6, None))
    assert (found.cut, len(found.arguments)) == (0, 1)


def test_a_manifest_that_cannot_be_read(store, project):
    """Where a manifest is damaged or from another version, what changed is said to be unknown."""
    call = call_of(project("study", STUDY).analyse, 1, 250.0, 5, None)
    record = cas.FunctionRecord(b"\1" * 32, "study", "analyse", call.function.parameters, b"old")
    put(store, cas.Call(b"\2" * 32, record, call.signature))
    found = why(store, call)
    assert (found.kind, found.unread, found.changes) == ("code", True, ())
    assert found.verdict == "the code changed, in what cannot be told"


@pytest.mark.parametrize("damaged", [b"\xc1", b"", b"\x91\x01", b"\x94\x01\x02\x03", b"\x01"])
def test_arguments_that_cannot_be_read(store, project, damaged):
    """An entry whose arguments are damaged differs in all of them, and is compared with only if there is no other."""
    call = call_of(project("study", STUDY).analyse, 1, 250.0, 5, None)
    put(store, cas.Call(b"\2" * 32, call.function, damaged))
    assert reasons(why(store, call).arguments) == [
        ("x", "nothing", "1"), ("rate", "nothing", "250.0"), ("tapers", "nothing", "5"), ("model", "nothing", "None"),
    ]  # fmt: skip
    other = put(store, call_of(project("study", STUDY).analyse, 7, 250.0, 5, None))
    put(store, cas.Call(b"\3" * 32, call.function, damaged))
    assert why(store, call).nearest == other


def test_a_package_that_moved(store):
    """Another version of a package is told by the two versions, once for all that is used of it."""

    def version(number: str) -> cas.FunctionRecord:
        digest = blake3(number.encode()).digest()
        names = "lib.fft", "lib.hann"
        packages = [
            Ingredient("package", name, f"lib=={number}", blake3(name.encode() + digest).digest()) for name in names
        ]
        own = Ingredient("function", "m.f", "project", b"f" * 32, "def f(): ...", (("g:a", 2), ("g:b", 3)))
        manifest = Manifest([Ingredient("root", "m.f", "project", b"r" * 32, None, (("f", 1),)), own, *packages])
        return cas.FunctionRecord(digest, "m", "f", ("x",), manifest.pack())

    put(store, cas.Call(b"\1" * 32, version("2.3.5"), b"\x91\x01"))
    found = why(store, cas.Call(b"\2" * 32, version("2.4.0"), b"\x91\x01"))
    assert found.verdict == "lib moved from 2.3.5 to 2.4.0"
    assert len(found.changes) == 2


def test_arrays_differ_by_content(store, project):
    """Arrays of one shape are told apart by digests, or by the element where the entry holds them."""
    analyse = project("study", STUDY).analyse
    put(store, call_of(analyse, np.arange(100.0), np.arange(12), 5, None))
    found = why(store, call_of(analyse, np.arange(1, 101.0), np.arange(12) % 11, 5, None))
    (x, old, new), rate = reasons(found.arguments)
    assert (x, old[:12], new[:12]) == ("x", "float64[100]", "float64[100]")
    assert old != new
    assert rate == ("rate.flat[11]", "11", "0")
