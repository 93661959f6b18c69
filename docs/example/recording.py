"""A real recording: eleven minutes of the pulse at a fingertip.

Source: `data3.csv` of HeartPy 1.2.7 (Paul van Gent, https://doi.org/10.5281/zenodo.1324311), an optical
(photoplethysmographic) pulse sensor read at about 100 Hz, values in units of its 10-bit converter.
The LICENSE file of that wheel is the MIT licence; a classifier in its metadata still says GPL.
The file is read where pip put it; HeartPy itself is neither imported nor needed.
"""

from __future__ import annotations

import csv
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import numpy as np


def pulse() -> tuple[np.ndarray, float]:
    """Read the recording.

    Returns:
        The signal (float64, one value a sample, converter units) and its mean sampling rate in Hz.
    """
    with _path().open(encoding="ascii", newline="") as file:
        rows = list(csv.reader(file))[1:]
    # Single time stamps are only good to the 16 ms of the recording computer's clock: their mean rate is.
    duration = datetime.fromisoformat(rows[-1][0]) - datetime.fromisoformat(rows[0][0])
    signal = np.array([row[1] for row in rows], dtype=np.float64)
    return signal, round((len(rows) - 1) / duration.total_seconds(), 3)


def _path() -> Path:
    spec = find_spec("heartpy")
    if spec is None or spec.origin is None:
        message = 'the recording comes with the package heartpy; install it with: pip install "cas-memo[demo]"'
        raise FileNotFoundError(message)
    return Path(spec.origin).parent / "data" / "data3.csv"
