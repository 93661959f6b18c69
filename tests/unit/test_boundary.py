"""Whose code is it: the project's, a distribution's, Python's."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import shutil
import sys

import msgpack
import numpy
import pytest

import memo
from memo.fingerprint import boundary, fingerprint


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Return a site-packages folder with one package of version 1.2.3, and a maker of its metadata."""
    folder = tmp_path / "site-packages"
    (folder / "lib_demo").mkdir(parents=True)
    (folder / "lib_demo" / "__init__.py").write_text("def helper(x): return x\n")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(boundary, "_origins", {})
    monkeypatch.setattr(boundary, "_folders", {})
    sys.modules.pop("lib_demo", None)

    def describe(name="lib_demo", version="1.2.3", **files):
        info = folder / f"{name}-{version}.dist-info"
        info.mkdir(exist_ok=True)
        for file, text in files.items():
            (info / file.replace("__", ".")).write_text(text)
        importlib.invalidate_caches()
        return str(folder / "lib_demo" / "__init__.py")

    yield describe
    sys.modules.pop("lib_demo", None)


def test_the_project_is_what_is_installed_nowhere(tmp_path):
    """Files outside site-packages and the standard library are the user's own."""
    assert boundary.origin_of_path(str(tmp_path / "study.py")) == boundary.PROJECT
    assert boundary.origin_of_path(os.__file__) == boundary.PYTHON
    assert boundary.origin_of_path("<frozen importlib._bootstrap>") == boundary.PYTHON
    assert boundary.origin_of_path(memo.__file__) == boundary.OWN


@pytest.mark.parametrize("name", ["json", "math", "sys", "os.path", "collections.abc", "_thread"])
def test_standard_modules_are_pythons(name):
    """Modules of the standard library are Python's, whether in a file, frozen or built in."""
    assert boundary.origin_of_module(name) == boundary.PYTHON


def test_a_distribution_is_named_with_its_version(site):
    """A package in site-packages goes by the distribution's name and version."""
    assert boundary.origin_of_path(site()) == "lib_demo==1.2.3"
    assert boundary.origin_of_module("numpy") == f"numpy=={numpy.__version__}"
    assert boundary.origin_of_module("msgpack") == f"msgpack=={'.'.join(map(str, msgpack.version))}"


def test_a_distribution_of_another_name_is_found_by_its_contents(site):
    """The import name need not be the distribution's."""
    assert boundary.origin_of_path(site("Demo_Kit", RECORD="lib_demo/__init__.py,,\n")) == "Demo_Kit==1.2.3"


@pytest.mark.parametrize(
    ("source", "origin"),
    [
        ({"url": "file:///home", "dir_info": {}}, boundary.PROJECT),
        ({"url": "https://x", "vcs_info": {"commit_id": "abc"}}, "lib_demo==1.2.3+commit.abc"),
    ],
)
def test_a_folder_of_ones_own_is_expanded_and_a_checkout_goes_by_its_commit(site, source, origin):
    """`pip install .` installs the user's own code; a VCS install is named by its commit."""
    assert boundary.origin_of_path(site(direct_url__json=json.dumps(source))) == origin


@pytest.mark.parametrize(
    ("pin", "found"),
    [
        ("minor", "numpy==2.4"),
        ("exact", "numpy==2.4.1"),
        ("none", "numpy"),
        ({"numpy": "none"}, "numpy"),
        ({"scipy": "none"}, "numpy==2.4"),
        ({"*": "exact"}, "numpy==2.4.1"),
    ],
)
def test_pins_cut_the_version(pin, found):
    """A pin says how much of the version counts, for all or by name."""
    assert boundary.pinned("numpy==2.4.1", pin) == found


def test_a_moved_minor_version_is_another_fingerprint(site):
    """A distribution's minor version counts, its patch does not; its code is not followed."""
    digests = []
    for version in ("1.2.3", "1.2.4", "1.3.0"):
        site(version=version)
        module = importlib.import_module("lib_demo")
        boundary._origins.clear()
        boundary._folders.clear()
        space = {"__name__": "study", "helper": module.helper}
        exec("def root(x): return helper(x)", space)
        digests.append(fingerprint(space["root"]).digest)
        for info in os.listdir(sys.path[0]):
            if info.endswith("dist-info"):
                os.rmdir(os.path.join(sys.path[0], info))
    assert digests[0] == digests[1] != digests[2]


def test_compiled_code_of_the_project_counts_by_its_file(tmp_path, monkeypatch):
    """A C extension among the user's files is told by its bytes: rebuilt, it is other code."""
    spec = importlib.util.find_spec("_bisect")
    if spec is None or not str(spec.origin).endswith(".so"):
        spec = importlib.util.find_spec("_heapq")
    path = tmp_path / os.path.basename(str(spec.origin))
    shutil.copy(spec.origin, path)
    copied = importlib.util.spec_from_file_location(spec.name, path)
    module = importlib.util.module_from_spec(copied)
    monkeypatch.setitem(sys.modules, spec.name, module)
    copied.loader.exec_module(module)
    function = next(value for name, value in vars(module).items() if not name.startswith("_") and callable(value))
    space = {"__name__": "study", "helper": function}
    exec("def root(x): return helper(x)", space)
    before = fingerprint(space["root"])
    assert [found.kind for found in before.manifest if spec.name in found.name] == ["extension"]
    with open(path, "ab") as file:
        file.write(b"rebuilt")
    assert fingerprint(space["root"]).digest != before.digest
