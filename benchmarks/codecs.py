"""A result into a file and back, by each codec that takes it, beside joblib and pickle."""

from __future__ import annotations

import dataclasses
import itertools
import pickle
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from .timing import Contestant, Goal, Measure, faster, interleave

NEEDS = {"arrow": "pyarrow", "hdf5": "h5py"}


@dataclasses.dataclass
class Trial:
    """One run of an experiment, as people return them by the thousand."""

    number: int
    rate: float
    label: str


def _values(quick: bool) -> dict[str, tuple[Any, int, list[str]]]:
    """Return values with their size in bytes and the codecs to try, the one that `auto` takes first."""
    import scipy.sparse

    count = 1 << (17 if quick else 23)
    generator = np.random.default_rng(1)
    signal = generator.standard_normal(count)
    steps = np.round(signal[: count // 4], 2)
    matrix = scipy.sparse.random_array((count // 200, 1000), density=0.05, format="csr", rng=generator)
    found = {
        "float64 array": (signal, signal.nbytes, ["npy", "mat", "hdf5"]),
        "rounded float64 array": (steps, steps.nbytes, ["npy", "npy+zstd"]),
        "dict of 8 arrays": (
            {f"channel{number}": part for number, part in enumerate(np.split(signal, 8))},
            signal.nbytes,
            ["tree", "mat", "hdf5"],
        ),
        "list of floats": (signal[: count // 16].tolist(), count // 16 * 9, ["tree", "hdf5"]),
        "list of 10,000 dataclasses": ([Trial(n, n / 7, f"trial {n}") for n in range(10_000)], 10_000 * 30, ["tree"]),
        "sparse matrix": (matrix, matrix.data.nbytes + matrix.indices.nbytes, ["sparse"]),
    }
    if find_spec("pandas") and find_spec("pyarrow"):
        import pandas as pd

        frame = pd.DataFrame({f"c{number}": part for number, part in enumerate(np.split(signal, 8))})
        words = [f"subject {number % 97}" for number in range(count // 32)]
        mixed = pd.DataFrame({"s": words, "x": signal[: len(words)], "c": pd.Categorical(words)})
        found["DataFrame of numbers"] = (frame, signal.nbytes, ["arrow"])
        found["DataFrame with text"] = (mixed, len(words) * 20, ["arrow", "arrow+zstd"])
    return found


def _ours(folder: Path, value: Any, asked: str) -> tuple[Contestant, Contestant]:
    """Return how a codec writes a value and its children into files, and reads it back."""
    from cas.blob import BlobFile
    from memo.codecs import codec_for

    title, _, compress = asked.partition("+")
    codec = codec_for(value, title, compress or None)
    numbers = itertools.count()
    files: dict[bytes, BlobFile] = {}

    def write(parts: Any) -> bytes:
        digest = next(numbers).to_bytes(32, "big")
        path = folder / f"{asked}-{next(numbers)}"
        with open(path, "wb", buffering=0) as file:
            for part in parts:
                view = memoryview(part)
                done = 0
                while done < view.nbytes:
                    done += file.write(view.cast("B")[done:])
        files[digest] = BlobFile(digest, str(path), path.stat().st_size)
        return digest

    def encode() -> bytes:
        return write(codec.encode(value, write)[0])

    def clean() -> None:
        for file in files.values():
            Path(file.path).unlink()
        files.clear()

    reading = {"root": b""}

    def prepare() -> None:
        reading["root"] = encode()

    def decode() -> Any:
        return codec.decode(files[reading["root"]], files.__getitem__)

    who = f"memo, {codec.name}"
    return Contestant(who, encode, clean=clean), Contestant(who, decode, prepare, clean)


def _peers(folder: Path, value: Any) -> list[tuple[Contestant, Contestant]]:
    """Return how joblib and pickle do the same."""
    path = folder / "peer"

    def dump() -> None:
        with open(path, "wb") as file:
            pickle.dump(value, file, protocol=5)

    def load() -> Any:
        with open(path, "rb") as file:
            return pickle.load(file)

    found = [(Contestant("pickle", dump), Contestant("pickle", load, dump))]
    if find_spec("joblib"):
        import joblib

        found.append(
            (
                Contestant("joblib", lambda: joblib.dump(value, path)),
                Contestant("joblib", lambda: joblib.load(path), lambda: joblib.dump(value, path)),
            )
        )
    return found


def _with_speed(measures: list[Measure], size: int) -> list[Measure]:
    return [dataclasses.replace(each, who=f"{each.who}: {size / each.median / 1e9:.3g} GB/s") for each in measures]


def run(folder: Path, quick: bool) -> tuple[list[Measure], list[Goal]]:
    """Measure writing and reading of every value."""
    measures: list[Measure] = []
    goals: list[Goal] = []
    for title, (value, size, asked) in _values(quick).items():
        asked = [name for name in asked if find_spec(NEEDS.get(name.partition("+")[0], "sys"))]
        if not find_spec("zstandard"):
            asked = [name for name in asked if "+" not in name]
        pairs = [_ours(folder, value, name) for name in asked] + _peers(folder, value)
        for way, contestants in zip(("write", "read"), zip(*pairs, strict=True), strict=True):
            found = interleave(f"{way} a {title}, {size / 1e6:.3g} MB", contestants, 3 if quick else 7, once=True)
            goals += faster(found, contestants[0].name, "joblib", 0.9)
            measures += _with_speed(found, size)
    return measures, goals
