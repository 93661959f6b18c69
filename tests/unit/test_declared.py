"""What a user declares to `memo.cached`: `depends=`, `version=`, `pin=`; and the manifest that shows it."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

import cas
import memo
from memo.fingerprint import boundary


class Ledger:
    """Counts computations."""

    computed = 0


def hidden(x):
    """Is called by a name that no code holds."""
    return x + 1


@pytest.fixture
def chosen(tmp_path):
    """Return a function that caches a call of `hidden` under given options, and counts its computations."""
    Ledger.computed = 0

    def make(**options):
        @memo.cached(store=tmp_path / "store", memory=False, **options)
        def analyse(x, name="hid" + "den"):
            Ledger.computed += 1
            return x

        return analyse

    return make


def test_a_file_in_depends_counts_by_its_content(chosen, tmp_path):
    """Another content computes, the first content again is a hit, and a touched file changes nothing."""
    table = tmp_path / "gains.csv"
    table.write_text("1,2,3\n")
    analyse = chosen(depends=[table])
    assert [analyse(1), analyse(1)] == [1, 1]
    assert Ledger.computed == 1
    table.write_text("1,2,4\n")
    assert analyse(1) == 1
    assert Ledger.computed == 2
    table.write_text("1,2,3\n")
    os.utime(table, (1, 1))
    assert analyse(1) == 1
    assert Ledger.computed == 2
    assert [one.name for one in analyse.cache.manifest() if one.kind == "file"] == ["gains.csv"]


def test_a_file_rewritten_with_its_times_put_back_counts(chosen, tmp_path):
    """Same size and time of writing: the content is another all the same (X21)."""
    table = tmp_path / "gains.csv"
    table.write_text("1,2,3\n")
    before = os.stat(table)
    analyse = chosen(depends=[str(table)])
    analyse(1)
    table.write_text("1,2,4\n")
    os.utime(table, ns=(before.st_atime_ns, before.st_mtime_ns))
    analyse(1)
    assert Ledger.computed == 2


def test_a_relative_path_names_the_same_file_elsewhere(chosen, tmp_path, monkeypatch):
    """Paths in `depends=` are read from the folder in which the function was decorated."""
    (tmp_path / "gains.csv").write_text("1")
    monkeypatch.chdir(tmp_path)
    analyse = chosen(depends=["gains.csv"])
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    analyse(1)
    assert [one.digest for one in analyse.cache.manifest() if one.kind == "file"] != []
    key = analyse.cache.key(1)
    (tmp_path / "gains.csv").write_text("2")
    assert analyse.cache.key(1) != key


def test_a_declared_file_that_goes_away_computes_and_says_so(chosen, tmp_path):
    """Without its file a function still runs, under another key, and the manifest has a note."""
    table = tmp_path / "gains.csv"
    table.write_text("1")
    analyse = chosen(depends=[table])
    analyse(1)
    table.unlink()
    assert analyse(1) == 1
    assert Ledger.computed == 2
    assert f"{table}: there is no such file" in [one.name for one in analyse.cache.manifest()]


def test_functions_classes_and_modules_in_depends_join_the_manifest(chosen):
    """What is declared stands in the manifest with its lines, like what is found."""
    plain, declared = chosen(), chosen(depends=[hidden, Ledger, np.linalg])
    assert plain.cache.key(1) != declared.cache.key(1)
    added = {one.name for one in declared.cache.manifest()} - {one.name for one in plain.cache.manifest()}
    assert {name.rpartition(".")[2] for name in added} >= {"hidden", "linalg"}
    assert "return x + 1" in next(one.source for one in declared.cache.manifest() if one.name.endswith(".hidden"))


def test_another_version_is_another_key_and_the_old_one_comes_back(chosen):
    """`version=` takes any plain value; results of each value are kept."""
    for version in (None, 1, 1.0, "May", ("May", 2), 1):
        chosen(version=version)(7)
    assert Ledger.computed == 5
    assert "'May'" in [one.source for one in chosen(version="May").cache.manifest() if one.name == "version="]


def test_a_pin_may_differ_by_package(tmp_path):
    """The rule of a package is looked up by its name, then under `*`."""

    def make(pin):
        @memo.cached(store=tmp_path, pin=pin)
        def mean(x):
            return np.mean(x)

        return mean.cache.key(1)

    exact = make("exact")
    assert make({"numpy": "exact"}) == exact == make({"*": "exact"})
    assert make({"scipy": "exact"}) == make("minor") != exact != make("none")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"depends": hidden}, "expected a list for depends="),
        ({"depends": "gains.csv"}, "expected a list for depends="),
        ({"depends": ["no such file.csv"]}, "there is no such file"),
        ({"depends": ["."]}, "there is no such file"),
        ({"depends": [3]}, "found 3"),
        ({"pin": "major"}, "found 'major'"),
        ({"pin": {"numpy": "latest"}}, "found 'latest'"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(options, expected):
    """A misspelt path or option is an error where it stands, with the mend."""
    with pytest.raises(cas.InvalidInputError, match=expected) as error:
        memo.cached(**options)
    assert error.value.hint


def test_a_version_without_a_stable_form_is_refused(chosen):
    """An object that has no canonical form would be another version in each process."""
    with pytest.raises(memo.UnstableFunction, match="expected a plain value for version="):
        chosen(version=object())(1)


def test_the_manifest_prints_as_a_table(chosen):
    """One line an ingredient: kind, name, origin, and the start of its digest."""
    manifest = chosen().cache.manifest()
    lines = str(manifest).splitlines()
    assert len(lines) == len(manifest)
    assert lines[0].split() == ["root", manifest[0].name, "project", manifest[0].digest.hex()[:8]]


@memo.cached(depends=[hidden])
def declaring(x):
    """Can be sent to another process by name."""
    return x


def test_a_cached_function_with_declarations_pickles():
    """Workers get the function by its name, whatever it declares."""
    assert pickle.loads(pickle.dumps(declaring)) is declaring


@memo.cached(depends=[hidden], version="May", pin="exact")
def step(x):
    """Declare what it depends on."""
    return x


def middle(x):
    """Stand between the two."""
    return step(x)


def test_what_a_cached_helper_declares_counts_for_its_callers(tmp_path):
    """A file that an inner cached function depends on computes the outer one anew, through any helper."""
    table = tmp_path / "gain.txt"
    table.write_text("2")
    store = tmp_path / "store"

    @memo.cached(store=store, depends=[table])
    def inner(x):
        return x * int(table.read_text())

    def between(x):
        return inner(x)

    @memo.cached(store=store)
    def outer(x):
        return between(x) + 1

    assert [outer(3), outer(3)] == [7, 7]
    table.write_text("20")
    assert [inner(3), outer(3)] == [60, 61]
    assert outer.cache.stats().misses == 2


def test_a_cached_helper_brings_its_version_its_pin_and_its_functions(tmp_path):
    """The caller's manifest has what the helper declares, and packages as exactly as the helper wants them."""

    def make(pin):
        @memo.cached(store=tmp_path, pin=pin)
        def outer(x):
            return middle(np.sin(x))

        return outer

    manifest = make("none").cache.manifest()
    assert {found.name.rpartition(".")[2] for found in manifest} >= {"hidden", "step", "middle"}
    assert [found.source for found in manifest if found.name == "version="] == ["'May'"]
    assert make("none").cache.key(1) == make("exact").cache.key(1) == make("minor").cache.key(1)


@pytest.mark.parametrize(
    ("one", "other", "strictest"),
    [
        ("minor", "minor", "minor"),
        ("minor", "exact", {"*": "exact"}),
        ("none", {"numpy": "exact"}, {"*": "minor", "numpy": "exact"}),
        (
            {"numpy": "exact", "*": "none"},
            {"scipy": "none", "*": "none"},
            {"*": "none", "numpy": "exact", "scipy": "none"},
        ),
    ],
)
def test_the_strictest_of_two_pins(one, other, strictest):
    """A package is pinned as either function pins it, whichever is stricter."""
    assert boundary.strictest(one, other) == boundary.strictest(other, one) == strictest


def test_an_edit_of_a_module_given_as_argument_counts(tmp_path):
    """A module that is handed over may be used in any part: an edit of any of them computes anew."""
    (tmp_path / "tools.py").write_text("def gain(x):\n    return x * 2\n")
    script = tmp_path / "script.py"
    script.write_text(
        "import memo, tools\n@memo.cached\ndef apply(module, x):\n    return getattr(module, 'gain')(x)\n"
        "print(apply(tools, 1), apply.cache.stats().misses)\n"
    )

    def run():
        environment = os.environ | {"CAS_STORE": str(tmp_path / "store")}
        return subprocess.check_output([sys.executable, script], env=environment, text=True)

    assert [run(), run()] == ["2 1\n", "2 0\n"]
    (tmp_path / "tools.py").write_text("def gain(x):\n    return x * 200\n")
    assert run() == "200 1\n"
