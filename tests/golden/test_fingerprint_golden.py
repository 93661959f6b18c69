"""Fingerprints as literals: the same in every process, under every hash seed and supported Python (I5).

A change here is a change of every user's keys: it needs a new version in the framing of `fold_graph`.
Write the literals anew with `MEMO_WRITE_GOLDEN=1 pytest tests/golden/test_fingerprint_golden.py -p no:randomly`.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import pytest

from memo.fingerprint import fingerprint, text

DATA = Path(__file__).parent.parent / "data" / "fingerprint"
GOLDEN = DATA / "golden.txt"
# Named by bytecode, or by the release of a library: rightly not the same everywhere.
ELSEWHERE = {"helper made by exec without source", "class made by exec without source"}


def read_projects() -> dict[str, dict[str, str]]:
    """Return the files of each case in `new.cases`, before its edit."""
    projects = {}
    for block in (DATA / "new.cases").read_text().split("=== ")[1:]:
        name, _, body = block.partition("\n")
        parts = body.partition("<<< ")[0].split("--- ")[1:]
        files = {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}
        if name not in ELSEWHERE and not any("numpy" in text or "scipy" in text for text in files.values()):
            projects[name] = files
    return projects


def read_golden() -> dict[str, str]:
    """Return the literal of each case."""
    lines = GOLDEN.read_text().splitlines() if GOLDEN.exists() else []
    return {name: digest for digest, _, name in (line.partition(" ") for line in lines)}


def find_digest(folder: Path, files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """Write the files, import `study` afresh, and return the fingerprint of its `root`."""
    for name, source in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(source)
    # The files count as older than the process, as they are in a user's.
    monkeypatch.setattr(text, "_began", float("inf"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    importlib.invalidate_caches()
    before = set(sys.modules)
    try:
        return fingerprint(importlib.import_module("study").root).digest.hex()
    finally:
        for name in set(sys.modules) - before:
            if name.partition(".")[0] in ("study", "other", "pkg"):
                del sys.modules[name]


@pytest.mark.parametrize("name", read_projects())
def test_fingerprints_are_the_same_everywhere(name, tmp_path, monkeypatch):
    """Each fingerprint is the literal in the repository."""
    found = find_digest(tmp_path, read_projects()[name], monkeypatch)
    if os.environ.get("MEMO_WRITE_GOLDEN"):
        golden = {**read_golden(), name: found}
        GOLDEN.write_text("".join(f"{digest} {at}\n" for at, digest in golden.items()))
    assert found == read_golden()[name]
