"""What is installed is whole, and what is imported is light."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {
    "ast",
    "asyncio",
    "click",
    "concurrent",
    "dataclasses",
    "importlib.metadata",
    "inspect",
    "json",
    "logging",
    "multiprocessing",
    "numpy",
    "pathlib",
    "platformdirs",
    "re",
    "rich",
    "scipy",
    "tempfile",
    "tomllib",
    "typing",
}
SCALAR_HIT = """
import sys
sys.path.insert(0, {folder!r})
import scalar
assert scalar.double(21) == 42
"""


def loaded(program: str, **environment: str) -> set[str]:
    """Return the modules that a program loads in a fresh process, beyond those of the bare interpreter."""
    code = f"import sys\nbefore = set(sys.modules)\n{program}\nprint(*sorted(set(sys.modules) - before))"
    ran = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return set(ran.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("package", ["memo", "cas"])
def test_import_is_light(package: str) -> None:
    """Importing a package loads none of the modules that make a program start slowly."""
    assert loaded(f"import {package}") & HEAVY == set()


def test_hit_is_light(tmp_path: Path) -> None:
    """A hit of a function without arrays, in a fresh process, loads neither numpy nor other heavy modules."""
    (tmp_path / "scalar.py").write_text(
        "import memo\n\n@memo.cached\ndef double(number):\n    return 2 * number\n", encoding="utf-8"
    )
    program = SCALAR_HIT.format(folder=str(tmp_path))
    store = str(tmp_path / "store")
    loaded(program, CAS_STORE=store)
    assert loaded(program, CAS_STORE=store) & HEAVY == set()


def test_console_script_is_installed() -> None:
    """The distribution installs the command `cas`, and it can be loaded."""
    (script,) = distribution("cas-memo").entry_points.select(group="console_scripts", name="cas")
    assert callable(script.load())


def test_version_is_one() -> None:
    """The version installed is the version of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert distribution("cas-memo").version == project["version"]


def test_wheel_is_whole(tmp_path: Path) -> None:
    """The wheel holds every module of both packages, their marks of being typed, and nothing else."""
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    packed = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    expected = {str(path.relative_to(ROOT)) for package in ("cas", "memo") for path in (ROOT / package).rglob("*.py")}
    assert packed == expected | {"cas/py.typed", "memo/py.typed"}
