"""Analyse the recording: the script a scientist would run again and again.

Each time it is run it asks for every spectrum; only what was never computed before costs anything.
"""

from __future__ import annotations

import time

import numpy as np

import analysis
import recording

TAPERS = (3, 5, 7)
CYCLES = (6.0, 12.0)
FREQUENCIES = np.geomspace(0.5, 8.0, 120)


def main() -> None:
    """Ask for every spectrum, and print for each what it cost and what was saved."""
    signal, rate = recording.pulse()
    print(f"    {len(signal):,} samples at {rate} Hz: {len(signal) / rate / 60:.1f} minutes of pulse\n")
    print(f"    {'call':<28}{'result':<10}{'took':>12}{'saved':>12}")
    calls = [
        *(timed(analysis.multitaper, signal, rate, tapers=tapers) for tapers in TAPERS),
        *(timed(analysis.wavelet_power, signal, rate, FREQUENCIES, cycles=cycles) for cycles in CYCLES),
    ]
    took, saved = (sum(column) for column in zip(*calls, strict=True))
    print(f"    {'together':<38}{in_words(took):>12}{in_words(saved):>12}")


def timed(function, *args, **options) -> tuple[float, float]:
    """Call a cached function; print and return what the call took and what it saved, in seconds."""
    before = function.cache.stats()
    start = time.perf_counter()
    function(*args, **options)
    took = time.perf_counter() - start
    after = function.cache.stats()
    found = after.hits > before.hits
    saved = after.saved - before.saved - took if found else 0.0
    shown = ", ".join(f"{name}={value:g}" for name, value in options.items())
    print(
        f"    {f'{function.__name__}(…, {shown})':<28}{'found' if found else 'computed':<10}"
        f"{in_words(took):>12}{in_words(saved):>12}",
        flush=True,
    )
    return took, saved


def in_words(seconds: float) -> str:
    """Return a time as people say it."""
    return "—" if seconds == 0 else f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.2f} ms"


if __name__ == "__main__":
    main()
