"""An analysis as somebody wrote it for neurotools: three cached functions, two locations. Prints what it found."""

import json
import sys

import numpy as np
from neurotools.jobs.cache import disk_cacher, exists, hierarchical_cacher, scan_cachedir

FAST, SLOW, LOG = sys.argv[1:4]


def note(name):
    """Note that a function ran."""
    with open(LOG, "a") as file:
        file.write(f"{name}\n")


@disk_cacher(SLOW, cache_identifier="cache")
def load(session, channels=4):
    """Voltages of a recording session, channels by samples."""
    note("load")
    seed = sum(map(ord, session))
    return np.random.default_rng(seed).standard_normal((channels, 500))


@hierarchical_cacher((FAST, SLOW), cache_identifier="cache")
def spectrum(session, bands=(4, 8), window="hann"):
    """Power of each channel in the band."""
    note("spectrum")
    power = np.abs(np.fft.rfft(load(session), axis=1)) ** 2
    low, high = bands
    return power[:, low:high].mean(axis=1)


@hierarchical_cacher((FAST, SLOW), method="pickle", cache_identifier="cache")
def summary(session, **options):
    """What goes into the table."""
    note("summary")
    values = spectrum(session, **options)
    return {"session": session, "mean": float(values.mean()), "channels": len(values), "top": (int(values.argmax()),)}


def main():
    """Run the analysis."""
    rows = [summary(session, bands=bands) for session in ("mouse1", "mouse2") for bands in ((4, 8), (8, 30))]
    again = summary("mouse1", bands=(4, 8))
    spectrum.purge("mouse2", (4, 8))
    there = [exists(spectrum.cache_root, spectrum, "npy", session, bands=(4, 8)) for session in ("mouse1", "mouse2")]
    scanned = sorted(repr(arguments) for arguments in scan_cachedir(spectrum.lscache()[0]).values())
    spectrum("mouse2")
    print(json.dumps({"rows": [*rows, again], "there": there, "scanned": scanned}))


if __name__ == "__main__":
    main()
