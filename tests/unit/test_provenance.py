"""Provenance: where a result was computed, noted once for each set of loaded libraries."""

from __future__ import annotations

import os
import platform
import sys
import types

import numpy as np

from memo.provenance import provenance


def test_provenance_names_python_host_and_libraries():
    """The versions in use, the host, the platform and the user are noted as text."""
    noted = provenance()
    assert noted["python"] == platform.python_version()
    assert noted["numpy"] == np.__version__
    assert (noted["host"], noted["user"]) == (platform.node(), str(os.getuid()))
    assert noted["platform"].startswith(sys.platform)
    assert all(type(text) is str for text in noted.values())
    assert provenance() is noted


def test_library_without_a_version_is_left_out(monkeypatch):
    """A module without a version of text is no part of it, and one loaded later is."""
    monkeypatch.setitem(sys.modules, "pandas", types.ModuleType("pandas"))
    assert "pandas" not in provenance()
    newer = types.ModuleType("pandas")
    newer.__version__ = "9.9"
    monkeypatch.setitem(sys.modules, "pandas", newer)
    assert provenance()["pandas"] == "9.9"
