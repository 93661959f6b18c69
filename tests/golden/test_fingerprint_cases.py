"""The table of edits: which change a fingerprint, and which do not; each in real files, loaded as modules."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from memo.fingerprint import fingerprint, text

DATA = Path(__file__).parent.parent / "data" / "fingerprint"


class Case(NamedTuple):
    """One project of a few files, and one edit in it."""

    name: str
    files: dict[str, str]
    old: str
    new: str

    def edited(self) -> dict[str, str]:
        """Return the files after the edit, which must fit in exactly one place."""
        assert sum(text.count(self.old) for text in self.files.values()) == 1, self.name
        return {path: text.replace(self.old, self.new) for path, text in self.files.items()}


def read_cases(path: Path) -> list[Case]:
    """Return the cases of a file."""
    cases = []
    for block in path.read_text().split("=== ")[1:]:
        name, _, body = block.partition("\n")
        body, _, edit = body.partition("<<< ")
        old, _, new = edit.partition("\n>>> ")
        files = {}
        for part in body.split("--- ")[1:]:
            file, _, text = part.partition("\n")
            files[file] = text
        cases.append(Case(name, files, unescape(old), unescape(new.rstrip("\n"))))
    return cases


def read_all(kind: str) -> list[Case]:
    """Return the cases in which an edit is `new` or the `same`, those with libraries too."""
    return [case for file in (f"{kind}.cases", f"libraries-{kind}.cases") for case in read_cases(DATA / file)]


def unescape(text: str) -> str:
    """Return an edit's text with its line breaks."""
    return text.replace("\\n", "\n")


def load(folder: Path, files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> object:
    """Write the files, import `study` afresh, and return its `root`."""
    folder.mkdir()
    for name, source in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
    for name in ("study", "other", *[loaded for loaded in sys.modules if loaded.partition(".")[0] == "pkg"]):
        sys.modules.pop(name, None)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    importlib.invalidate_caches()
    return importlib.import_module("study").root


@pytest.fixture(autouse=True, params=["older", "newer"])
def _clean_modules(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest):
    """Let the files be older or newer than the process: only the text of older ones is sure to be what was loaded."""
    monkeypatch.setattr(text, "_began", float("inf") if request.param == "older" else 0.0)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in ("study", "other", "pkg")]:
        del sys.modules[name]


def digest_of(folder: Path, files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Return the digest of `study.root` in these files."""
    found = fingerprint(load(folder, files, monkeypatch))
    assert found.is_current()
    return found.digest


@pytest.mark.parametrize("case", read_all("new"), ids=lambda case: case.name)
def test_an_edit_that_matters_changes_the_fingerprint(case, tmp_path, monkeypatch):
    """A change in anything that the function reaches gives another fingerprint."""
    before = digest_of(tmp_path / "before", case.files, monkeypatch)
    after = digest_of(tmp_path / "after", case.edited(), monkeypatch)
    assert before != after


@pytest.mark.parametrize("case", read_all("new"), ids=lambda case: case.name)
def test_the_same_files_elsewhere_give_the_same_fingerprint(case, tmp_path, monkeypatch):
    """Moving the folder changes nothing, whatever the code does."""
    here = digest_of(tmp_path / "here", case.files, monkeypatch)
    assert digest_of(tmp_path / "there", case.files, monkeypatch) == here


@pytest.mark.parametrize("case", read_all("same"), ids=lambda case: case.name)
def test_an_edit_that_does_not_matter_changes_nothing(case, tmp_path, monkeypatch):
    """Comments, layout, docstrings, annotations and neighbours leave the fingerprint as it is."""
    before = digest_of(tmp_path / "before", case.files, monkeypatch)
    assert digest_of(tmp_path / "after", case.edited(), monkeypatch) == before
