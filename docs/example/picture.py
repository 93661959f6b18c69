"""Draw the recording and its spectra; every number comes from the store.

Run after spectra.py: `python picture.py spectra.png`.
"""

from __future__ import annotations

import sys

import matplotlib as mpl
import numpy as np

import analysis
import recording
from spectra import CYCLES, FREQUENCIES, TAPERS

mpl.use("Agg")  # a picture in a file needs no screen
from matplotlib import pyplot as plt

BEATS = (1.1, 2.3)
"""Where the heart's own frequency can be, in Hz; above it stand its overtones."""


def main(path: str) -> None:
    """Draw everything into one picture."""
    signal, rate = recording.pulse()
    times, frequencies, power = analysis.multitaper(signal, rate, tapers=TAPERS[-1])
    wavelets = analysis.wavelet_power(signal, rate, FREQUENCIES, cycles=CYCLES[-1])
    figure = plt.figure(figsize=(13, 11.5), layout="constrained")
    grid = figure.add_gridspec(4, 3, width_ratios=(5, 1.6, 0.1), height_ratios=(1, 2, 2, 1.2))
    figure.suptitle("Eleven minutes of pulse at a fingertip (HeartPy recording 3)", fontsize=14)
    clock = [figure.add_subplot(grid[row, 0]) for row in range(4)]
    for axes in clock[1:]:
        axes.sharex(clock[0])
    draw_signal(clock[0], figure.add_subplot(grid[0, 1]), signal, rate)
    density = draw_map(clock[1], times, frequencies, power, f"Multitaper, {TAPERS[-1]} tapers over 20 s")
    figure.colorbar(density, figure.add_subplot(grid[1, 2]), label="dB re units²/Hz")
    draw_means(figure.add_subplot(grid[1, 1], sharey=clock[1]), signal, rate)
    some = slice(None, None, 50)
    moments = np.arange(len(signal))[some] / rate
    amount = draw_map(clock[2], moments, FREQUENCIES, wavelets[:, some], f"Morlet wavelets, {CYCLES[-1]:g} cycles")
    figure.colorbar(amount, figure.add_subplot(grid[2, 2]), label="dB re units²")
    draw_medians(figure.add_subplot(grid[2, 1], sharey=clock[2]), signal, rate)
    sharp_times, sharp_frequencies, sharp = analysis.multitaper(signal, rate, tapers=TAPERS[0])
    draw_rates(
        clock[3],
        figure.add_subplot(grid[3, 1]),
        (sharp_times, ridge(sharp_frequencies, sharp)),
        (moments, ridge(FREQUENCIES, wavelets[:, some])),
    )
    figure.savefig(path, dpi=130)


def draw_signal(whole, part, signal: np.ndarray, rate: float) -> None:
    """Draw the whole recording, and ten seconds of it in which beats can be seen."""
    seconds = np.arange(len(signal)) / rate
    whole.plot(seconds, signal, linewidth=0.25, color="0.25")
    whole.set(title="Recording", ylabel="converter units", xlim=(0, seconds[-1]))
    chosen = (seconds >= 420) & (seconds < 428)
    part.plot(seconds[chosen], signal[chosen], linewidth=1.2, color="firebrick")
    part.set(title="Eight seconds of it", xlabel="time (s)")


def draw_map(axes, times: np.ndarray, frequencies: np.ndarray, power: np.ndarray, title: str):
    """Draw power over time and frequency in decibels; frequencies on a logarithmic axis."""
    chosen = (frequencies >= FREQUENCIES[0]) & (frequencies <= FREQUENCIES[-1])
    decibels = 10 * np.log10(power[chosen])
    low, high = np.percentile(decibels, (5, 99.7))
    mesh = axes.pcolormesh(
        times,
        frequencies[chosen],
        decibels,
        vmin=low,
        vmax=high,
        cmap="magma",
        shading="nearest",
        rasterized=True,
    )
    axes.set(title=title, ylabel="frequency (Hz)")
    logarithmic(axes)
    return mesh


def logarithmic(axes) -> None:
    """Give `axes` octaves of frequency from bottom to top."""
    axes.set_yscale("log", base=2)
    axes.set_ylim(FREQUENCIES[0], FREQUENCIES[-1])
    axes.yaxis.set_major_formatter("{x:g}")


def draw_means(axes, signal: np.ndarray, rate: float) -> None:
    """Draw the mean spectrum with each number of tapers."""
    for tapers, colour in zip(TAPERS, ("0.7", "darkorange", "firebrick"), strict=True):
        _, frequencies, power = analysis.multitaper(signal, rate, tapers=tapers)
        axes.plot(10 * np.log10(power.mean(axis=1)), frequencies, color=colour, linewidth=1.2, label=f"{tapers}")
    axes.set(title="Mean over time", xlabel="dB re units²/Hz")
    axes.legend(title="tapers", fontsize=8, loc="lower left")
    axes.tick_params(labelleft=False)
    axes.set_xlim(0, None)


def draw_medians(axes, signal: np.ndarray, rate: float) -> None:
    """Draw the median power with each length of wavelet."""
    for cycles, colour in zip(CYCLES, ("0.6", "firebrick"), strict=True):
        power = analysis.wavelet_power(signal, rate, FREQUENCIES, cycles=cycles)
        middle = np.median(power[:, ::50], axis=1)
        axes.plot(10 * np.log10(middle), FREQUENCIES, color=colour, linewidth=1.2, label=f"{cycles:g}")
    axes.set(title="Median over time", xlabel="dB re units²")
    axes.legend(title="cycles", fontsize=8, loc="lower right")
    axes.tick_params(labelleft=False)


def ridge(frequencies: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Return beats a minute at each time: the middle of the power, squared, where a heart can beat."""
    chosen = (frequencies >= BEATS[0]) & (frequencies <= BEATS[1])
    weights = power[chosen] ** 2
    return 60 * frequencies[chosen] @ weights / weights.sum(axis=0)


def draw_rates(whole, part, tapers: tuple, wavelets: tuple) -> None:
    """Draw the heart rate as each method sees it, and ninety seconds in which they can be told apart."""
    for axes, width in ((whole, 0.9), (part, 1.4)):
        axes.plot(*wavelets, color="0.6", linewidth=width, label="wavelets")
        axes.plot(*tapers, color="firebrick", linewidth=width, label=f"multitaper, {TAPERS[0]} tapers")
        axes.set(xlabel="time (s)", ylim=(70, 125))
    whole.set(title="Heart rate", ylabel="beats a minute")
    whole.legend(fontsize=8, loc="upper right", ncols=2)
    part.set(title="Slow waves that 20 s windows miss", xlim=(330, 420))


if __name__ == "__main__":
    main(sys.argv[1])
