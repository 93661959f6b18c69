"""What a fingerprint tells apart: functions, roots, versions, pins, any callable."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from memo.fingerprint import fingerprint
from tests.projects import digest_of


def test_functions_of_one_name_differ(project):
    """Two functions of one qualified name and different bodies, in one file, are two."""
    study = project("study", "def root(x): return x + 1\nfirst = root\ndef root(x): return x + 2\n")
    assert digest_of(study, "first") != digest_of(study, "root")


def test_roots_join_in_order(project):
    """Classes and functions of arguments join; swapping two functions, or repeating one, is another fingerprint."""
    study = project(
        "study",
        "def root(f, g, x): return f(g(x.fit()))\none, two = (lambda x: x + 1), (lambda x: x + 2)\n"
        "class Model:\n    def fit(self): return 1\n    def plot(self): return 2\n",
    )
    base = fingerprint(study.root)
    assert base.with_roots([]) is base
    assert base.with_roots([np.ndarray, int, np.sin, len]) is base
    swapped = [base.with_roots(roots).digest for roots in [(study.one, study.two), (study.two, study.one)]]
    repeated = [
        base.with_roots(roots).digest
        for roots in [(study.one, study.one, study.two), (study.one, study.two, study.two)]
    ]
    assert len({base.digest, *swapped, *repeated}) == 5
    joined = base.with_roots([study.Model])
    assert base.with_roots([study.Model]) is joined
    names = {found.name for found in joined.manifest}
    assert "study.Model.fit" in names
    assert "study.Model.plot" not in names
    study.Model.fit = lambda self: 2
    assert not joined.is_current()
    assert base.is_current()


def test_version_and_depends_count(project, tmp_path):
    """`version=` and everything in `depends=` are part of the fingerprint; a changed file makes it stale."""
    study = project("study", "def root(x): return x\ndef hidden(x): return x\n")
    data = tmp_path / "table.csv"
    data.write_text("1,2\n")
    plain = digest_of(study)
    assert digest_of(study, version=1) != plain
    assert digest_of(study, version=1) != digest_of(study, version=2)
    assert digest_of(study, depends=[study.hidden]) != plain
    declared = fingerprint(study.root, depends=[data])
    assert declared.is_current()
    data.write_text("1,3,4\n")
    assert not declared.is_current()
    assert digest_of(study, depends=[data]) != declared.digest
    assert digest_of(study, depends=[study]) != plain


@pytest.mark.parametrize("counted", [False, True])
def test_docstrings_count_if_asked(project, counted):
    """With `docstrings=True` an edited docstring is a change."""
    first = digest_of(project("study", 'def root(x):\n    """Alpha."""\n'), docstrings=counted)
    second = digest_of(project("study", 'def root(x):\n    """Beta."""\n'), docstrings=counted)
    assert (first != second) is counted


def test_pins_choose_how_much_of_a_version_counts():
    """The manifest carries the full version; the key as much as the pin says."""

    def root(x):
        return np.sin(x)

    found = fingerprint(root)
    assert [i.origin for i in found.manifest if i.kind == "package"] == [f"numpy=={np.__version__}"]
    digests = {fingerprint(root, pin=pin).digest for pin in ("minor", "exact", "none")}
    assert len(digests) == 3
    assert fingerprint(root, pin={"numpy": "exact"}).digest == fingerprint(root, pin="exact").digest


def test_any_callable_has_a_fingerprint():
    """Builtins, classes, partials, ufuncs and bound methods of builtins are named, not refused."""
    callables = [len, int, functools.partial(int, base=2), functools.partial(int, base=3), np.sin, np.cos, "a".join]
    found = [fingerprint(function) for function in callables]
    assert len({one.digest for one in found}) == len(callables)
    assert all(one.is_current() for one in found)


def test_a_chain_of_3000_functions_does_not_overflow(project):
    """The walk keeps its own stack."""
    count = 3000
    text = "".join(f"def f{i}(x): return f{i + 1}(x)\n" for i in range(count))
    study = project("study", text + f"def f{count}(x): return x + 1\n")
    before = fingerprint(study.f0)
    assert before.is_current()
    assert len([found for found in before.manifest if found.kind == "function"]) == count + 1
    study.f3000.__defaults__ = (1,)
    assert not before.is_current()
