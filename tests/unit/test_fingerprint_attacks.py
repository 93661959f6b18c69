"""Code as scientists and engineers write it, chosen to deceive the fingerprint: every edit that matters is seen."""

from __future__ import annotations

import decimal
import importlib
import os
import sys

import pytest

import memo
from memo.fingerprint import fingerprint, text
from tests.golden.test_fingerprint_cases import DATA, read_cases


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """Return a function that loads files as a project of their own, and returns the keys of a call before and after."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(text, "_began", float("inf"))

    def ask(files: dict[str, str], run: bool = False) -> tuple[str, str]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        for name, source in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(source)
        before = set(sys.modules)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "path", [str(folder), *sys.path])
            patch.chdir(folder)
            importlib.invalidate_caches()
            study = importlib.import_module("study")
            cached = study.root if hasattr(study.root, "cache") else memo.cached(study.root)
            call = getattr(study, "call", lambda function: function(3))
            key = call(cached.cache.key)
            if run:
                call(cached.__wrapped__)
            keys = key, call(cached.cache.key)
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", None) or tmp_path).startswith(str(tmp_path)):
                del sys.modules[name]
        return keys

    return ask


@pytest.mark.parametrize("case", read_cases(DATA / "attacks-new.cases"), ids=lambda case: case.name)
def test_an_edit_that_matters_is_seen(case, ask):
    """A change in what the call depends on is another key, and the same files are the same key."""
    key, again = ask(case.files)
    assert key == again
    assert ask(case.files)[0] == key
    assert ask(case.edited())[0] != key


@pytest.mark.parametrize("case", read_cases(DATA / "attacks-same.cases"), ids=lambda case: case.name)
def test_a_run_and_an_edit_that_does_not_matter_change_nothing(case, ask):
    """The key is the same before and after the code ran, and after an edit that changes no result."""
    key, again = ask(case.files, run=True)
    assert key == again
    assert ask(case.edited())[0] == key


def test_the_precision_of_decimals_counts():
    """Digits of a context are set once, and named by none of the code that they decide about."""

    def third(x):
        return decimal.Decimal(1) / x

    with decimal.localcontext() as context:
        before = fingerprint(third)
        context.prec = 7
        assert not before.is_current()
        assert fingerprint(third).digest != before.digest


def test_a_method_planted_on_a_class_of_pandas_counts(monkeypatch):
    """Methods and accessors that the project adds to frames and series are its own code."""
    import pandas as pd

    def root(x):
        return pd.Series(x).middle()

    digests = set()
    for planted in (lambda self: self.mean(), lambda self: self.median()):
        monkeypatch.setattr(pd.Series, "middle", planted, raising=False)
        digests.add(fingerprint(root).digest)
    assert len(digests) == 2


def test_the_working_folder_is_no_part_of_it(ask):
    """The harness of this file leaves the folder as it was."""
    here = os.getcwd()
    ask({"study.py": "def root(x): return x\n"})
    assert os.getcwd() == here
