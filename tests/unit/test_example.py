"""The worked example computes what it says, and its edits have the effects that it shows."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "example"
RATE = 50.0
ASK = """
import numpy, analysis
signal = numpy.sin(numpy.arange(2000.0))
print(analysis.multitaper.cache.key(signal, 50.0), analysis.wavelet_power.cache.key(signal, 50.0, signal[1:9]))
"""


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Return the analysis module's names, with a store of its own."""
    monkeypatch.setenv("CAS_STORE", str(tmp_path / "store"))
    return runpy.run_path(str(EXAMPLE / "analysis.py"), run_name="analysis")


def wave(frequency: float, amplitude: float) -> np.ndarray:
    """Return a minute of a sine."""
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(60 * RATE) / RATE)


def test_multitaper_keeps_the_power(example: dict) -> None:
    """The spectrum's integral is the signal's variance, and its peak is where the sine is."""
    signal = wave(4.0, 3.0) + np.random.default_rng(1).normal(size=3000)
    times, frequencies, power = example["multitaper"].__wrapped__(signal, RATE)
    assert power.shape == (len(frequencies), len(times))
    total = power.mean(axis=1).sum() * frequencies[1]
    assert total == pytest.approx(signal.var(), rel=0.05)
    assert frequencies[power.mean(axis=1).argmax()] == pytest.approx(4.0, abs=0.2)


def test_wavelets_measure_amplitude(example: dict) -> None:
    """A sine of amplitude A has the power A² / 2 at its own frequency, and none two octaves away."""
    power = example["wavelet_power"].__wrapped__(wave(4.0, 3.0), RATE, np.array([1.0, 4.0, 16.0]))
    assert power[:, 1500] == pytest.approx([0.0, 4.5, 0.0], abs=1e-3)


def test_edits_change_what_they_should(tmp_path: Path) -> None:
    """The tour's comment changes no call key, its edited helper changes the one of what calls it."""
    tour = runpy.run_path(str(EXAMPLE / "tour.py"))
    program = tmp_path / "analysis.py"
    shutil.copy(EXAMPLE / "analysis.py", program)

    def keys() -> list[str]:
        environment = os.environ | {"CAS_STORE": str(tmp_path / "store"), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [sys.executable, "-c", ASK], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        ).stdout.split()

    multitaper, wavelets = keys()
    tour["edit"](program, tour["COMMENT"])
    assert keys() == [multitaper, wavelets]
    tour["edit"](program, tour["HELPER"])
    edited, same = keys()
    assert edited != multitaper
    assert same == wavelets
