"""Where the store is, if several have a say."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs
import pytest

import cas
from cas.location import places


def locate(location=None):
    """Return the one place that a location names."""
    (place,) = places(location)
    return place


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """Stand in a folder below which and above which nobody names a store."""
    monkeypatch.delenv("CAS_STORE")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_argument_comes_first(nowhere, monkeypatch):
    """A location that is given wins over every other, and is made absolute."""
    monkeypatch.setenv("CAS_STORE", "/elsewhere")
    assert locate("results") == str(nowhere / "results")
    assert locate(Path("a") / ".." / "b") == str(nowhere / "b")


def test_home_is_expanded(nowhere, monkeypatch):
    """A leading tilde is the user's home, in an argument, the environment and a project file alike."""
    monkeypatch.setenv("HOME", "/home/ada")
    assert locate("~/store") == "/home/ada/store"
    (nowhere / "pyproject.toml").write_text('[tool.cas]\nstore = "~/project"\n')
    assert locate() == "/home/ada/project"
    monkeypatch.setenv("CAS_STORE", "~/other")
    assert locate() == "/home/ada/other"


def test_environment_comes_before_the_project(nowhere, monkeypatch):
    """CAS_STORE wins over pyproject.toml; an empty one counts as none."""
    (nowhere / "pyproject.toml").write_text('[tool.cas]\nstore = "here"\n')
    monkeypatch.setenv("CAS_STORE", "/elsewhere")
    assert locate() == "/elsewhere"
    monkeypatch.setenv("CAS_STORE", "")
    assert locate() == str(nowhere / "here")


def test_nearest_project_file_counts(nowhere, monkeypatch):
    """The nearest pyproject.toml above the working directory names the store, relative to itself."""
    (nowhere / "pyproject.toml").write_text('[tool.cas]\nstore = "results"\n')
    below = nowhere / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert locate() == str(nowhere / "results")
    (nowhere / "a" / "pyproject.toml").write_text("[project]\nname = 'tool.cas'\n")
    assert locate() == os.path.join(platformdirs.user_cache_dir("cas", appauthor=False), "store")


def test_cache_folder_comes_last(nowhere):
    """Where nobody names a store, it is in the user's cache folder."""
    assert locate() == os.path.join(platformdirs.user_cache_dir("cas", appauthor=False), "store")


@pytest.mark.parametrize(
    "text",
    [
        "[tool.cas",
        "[tool.cas]\nstore = 1\n",
        '[tool.cas]\nstor = "typo"\n',
        "[tool]\ncas = 1  # tool.cas\n",
        "\xff tool.cas",
    ],
    ids=["no-toml", "number", "typo", "no-table", "no-utf8"],
)
def test_senseless_table_is_refused(nowhere, text):
    """A table that names no folder is an error that names the file, not a store somewhere else."""
    (nowhere / "pyproject.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(cas.InvalidInputError, match=r"pyproject\.toml") as refused:
        locate()
    assert refused.value.hint


@pytest.mark.parametrize("location", ["", "  ", b"bytes"])
def test_senseless_location_is_refused(nowhere, location):
    """A location that names no folder is an error with a hint."""
    with pytest.raises(cas.InvalidInputError) as refused:
        locate(location)
    assert refused.value.hint


def test_one_store_for_all_spellings(tmp_path, monkeypatch):
    """However its folder is spelled, a process has one store for it."""
    monkeypatch.chdir(tmp_path)
    store = cas.open(tmp_path / "store")
    (tmp_path / "link").symlink_to(tmp_path / "store")
    assert cas.open("store") is cas.open(tmp_path / "x" / ".." / "store") is cas.open(tmp_path / "link") is store
    monkeypatch.setenv("CAS_STORE", str(tmp_path / "store"))
    assert cas.open() is store


def test_several_places_are_tiers(nowhere, monkeypatch):
    """A list names several stores, fast to slow: folders made absolute, URLs and open stores as they are."""
    store = cas.open(nowhere / "open")
    assert places(["a", Path("b,c"), "memory://x", store]) == [
        str(nowhere / "a"),
        str(nowhere / "b,c"),
        "memory://x",
        store,
    ]
    assert places(("a",)) == places(["a"]) == [str(nowhere / "a")]
    with pytest.raises(cas.InvalidInputError):
        places([])


def test_text_names_several_places_by_commas(nowhere, monkeypatch):
    """In a text, as in CAS_STORE, commas part the places, unless a path with commas in its name exists."""
    both = [str(nowhere / "fast"), str(nowhere / "slow")]
    assert places("fast,slow") == places("fast, slow") == both
    monkeypatch.setenv("CAS_STORE", f"{nowhere}/fast,{nowhere}/slow")
    assert places() == both
    (nowhere / "fast,slow").mkdir()
    monkeypatch.setenv("CAS_STORE", "fast,slow")
    assert places() == places("fast,slow") == [str(nowhere / "fast,slow")]
    assert places("fast,slow,file:///x") == [str(nowhere / "fast,slow"), "file:///x"]
    assert places("other,fast,slow") == [str(nowhere / "other"), str(nowhere / "fast,slow")]
    for senseless in ("fast,,slow", ",", "fast, "):
        with pytest.raises(cas.InvalidInputError):
            places(senseless)


def test_project_may_name_several_places(nowhere):
    """A list in pyproject.toml names tiers, each relative to that file; a comma in a text there is part of a name."""
    table = nowhere / "pyproject.toml"
    table.write_text('[tool.cas]\nstore = ["mem://fast?size=1GB", "~/near", "far"]\n')
    assert places() == ["mem://fast?size=1GB", os.path.expanduser("~/near"), str(nowhere / "far")]
    table.write_text('[tool.cas]\nstore = "a,b"\n')
    assert places() == [str(nowhere / "a,b")]
    for senseless in ("[]", "[1]", '["a", 2]', "{}"):
        table.write_text(f"[tool.cas]\nstore = {senseless}\n")
        with pytest.raises(cas.InvalidInputError, match="pyproject"):
            places()
