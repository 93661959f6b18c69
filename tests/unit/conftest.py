"""Modules of a project, written and imported by a test."""

from __future__ import annotations

import importlib
import sys

import pytest

from memo.fingerprint import text


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a function that writes modules and imports them afresh, as if they were older than the process."""
    monkeypatch.setattr(text, "_began", float("inf"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(str(tmp_path))
    names: set[str] = set()

    def write(name: str, source: str):
        (tmp_path / f"{name}.py").write_text(source)
        names.add(name)
        sys.modules.pop(name, None)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield write
    for name in names:
        sys.modules.pop(name, None)
