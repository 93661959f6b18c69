"""Two ways to see how the spectrum of a signal changes with time.

Ordinary numpy and scipy; the only trace of `memo` is a decorator on what is expensive.
"""

from __future__ import annotations

import numpy as np
from scipy import fft
from scipy.signal import detrend
from scipy.signal.windows import dpss

import memo


@memo.cached
def multitaper(
    signal: np.ndarray, rate: float, tapers: int = 7, window: float = 20.0, step: float = 0.5
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimate a spectrogram with orthogonal tapers and adaptive weights.

    Source: D. J. Thomson, Spectrum estimation and harmonic analysis, Proc. IEEE 70, 1055 (1982).

    Args:
        signal: Samples at equal intervals.
        rate: Samples a second.
        tapers: How many tapers to average; more of them are smoother in frequency.
        window: Length of one spectrum in seconds.
        step: Seconds from one spectrum to the next.

    Returns:
        Times of the windows' middles (s), frequencies (Hz), and power density (units² / Hz) with
        one row a frequency and one column a time.
    """
    length, hop = round(window * rate), round(step * rate)
    windows, ratios = dpss(length, NW=(tapers + 1) / 2, Kmax=tapers, return_ratios=True)
    size = fft.next_fast_len(2 * length, real=True)
    starts = np.arange(0, len(signal) - length + 1, hop)
    power = np.empty((size // 2 + 1, len(starts)))
    for column, start in enumerate(starts):
        segment = without_trend(signal[start : start + length])
        eigenspectra = np.abs(fft.rfft(windows * segment, size)) ** 2
        power[:, column] = adaptive_mean(eigenspectra, ratios, segment.var())
    return (starts + length / 2) / rate, fft.rfftfreq(size, 1 / rate), 2 * power / rate


def without_trend(segment: np.ndarray) -> np.ndarray:
    """Return the segment less its straight line, which would leak into low frequencies."""
    return detrend(segment, type="linear")


def adaptive_mean(eigenspectra: np.ndarray, ratios: np.ndarray, variance: float) -> np.ndarray:
    """Average eigenspectra (one row a taper), trusting each only as far as it does not leak."""
    leaked = (1 - ratios)[:, np.newaxis] * variance
    estimate = eigenspectra[:2].mean(axis=0)
    for _ in range(20):
        weights = ratios[:, np.newaxis] * (estimate / (ratios[:, np.newaxis] * estimate + leaked)) ** 2
        estimate, previous = (weights * eigenspectra).sum(axis=0) / weights.sum(axis=0), estimate
        if np.allclose(estimate, previous, rtol=1e-4, atol=0):
            break
    return estimate


@memo.cached
def wavelet_power(signal: np.ndarray, rate: float, frequencies: np.ndarray, cycles: float = 8.0) -> np.ndarray:
    """Measure power around each frequency at each sample with Morlet wavelets.

    A sine of amplitude A gives A² / 2 at its own frequency, whatever that is.
    Source: C. Torrence and G. P. Compo, A practical guide to wavelet analysis, BAMS 79, 61 (1998).

    Args:
        signal: Samples at equal intervals.
        rate: Samples a second.
        frequencies: Where to measure, in Hz.
        cycles: Oscillations in one wavelet; more of them are sharper in frequency, blunter in time.

    Returns:
        Power (units²), one row a frequency and one column a sample.
    """
    centred = signal - signal.mean()
    size = fft.next_fast_len(len(signal) + round(6 * cycles * rate / frequencies.min()))
    spectrum = fft.fft(centred, size)
    grid = fft.fftfreq(size, 1 / rate)
    power = np.empty((len(frequencies), len(signal)))
    for row, frequency in enumerate(frequencies):
        width = frequency / cycles
        passed = fft.ifft(spectrum * np.exp(-0.5 * ((grid - frequency) / width) ** 2))
        power[row] = 2 * np.abs(passed[: len(signal)]) ** 2
    return power
