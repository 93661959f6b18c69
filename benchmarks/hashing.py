"""Hashing per type beside joblib's: the canonical form of one argument, from a small frame to a large table."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from .timing import Contestant, Goal, Measure, faster, interleave, slower

OURS, FLOOR = "memo.canonical", "floor: BLAKE3"
# How much faster than joblib frames must be, and how close to BLAKE3 itself arrays of 1 MB and more.
FRAMES, ARRAYS = 5.0, 1 / 0.9


def _arrays(rng: np.random.Generator, quick: bool) -> Iterator[tuple[str, Any]]:
    for size, count in (("1 KB", 1 << 7), ("1 MB", 1 << 17), ("100 MB", 100 << 17)):
        if not (quick and size == "100 MB"):
            yield f"array, {size}", rng.standard_normal(count)
    yield "array in Fortran order, 8 MB", np.asfortranarray(rng.standard_normal((1000, 1000)))
    yield "structured array, 1 MB", np.zeros(1 << 16, [("a", "f8"), ("b", "i8")])
    yield "list of 1000 floats", rng.standard_normal(1000).tolist()
    yield "dict of 100 arrays", {str(place): rng.standard_normal(100) for place in range(100)}


def _sparse(rng: np.random.Generator) -> Iterator[tuple[str, Any]]:
    sparse = importlib.import_module("scipy.sparse")
    whole = sparse.random_array((10_000, 10_000), density=1e-3, rng=rng)
    for name in ("csr", "coo"):
        yield f"{name}_array, 100 000 elements", whole.asformat(name)


def _frames(rng: np.random.Generator, quick: bool) -> Iterator[tuple[str, Any]]:
    pd = importlib.import_module("pandas")
    rows = 100_000 if quick else 1_000_000
    yield "DataFrame, 1000 x 5 numbers", pd.DataFrame(rng.standard_normal((1000, 5)))
    yield (
        f"DataFrame, {rows} x 10 numbers",
        pd.DataFrame({str(place): rng.standard_normal(rows) for place in range(10)}),
    )
    yield f"DataFrame of one array, {rows} x 10", pd.DataFrame(rng.standard_normal((rows, 10)))
    yield "DataFrame, 100 x 10000 numbers", pd.DataFrame(rng.standard_normal((100, 10_000)))
    texts = rng.integers(0, 99, rows).astype(str)
    mixed = {"number": rng.standard_normal(rows), "count": rng.integers(0, 9, rows), "text": texts}
    mixed |= {"moment": pd.date_range("2020", periods=rows, freq="s"), "category": pd.Categorical(texts)}
    yield f"DataFrame, {rows} x 5 of mixed dtypes", pd.DataFrame(mixed)


def _tables(rng: np.random.Generator, quick: bool) -> Iterator[tuple[str, Any]]:
    rows = 100_000 if quick else 1_000_000
    columns = {"number": rng.standard_normal(rows), "count": rng.integers(0, 9, rows)}
    texts = rng.integers(0, 99, rows).astype(str).tolist()
    for name, table in (("polars", "DataFrame"), ("pyarrow", "table")):
        if find_spec(name):
            make: Callable[[Any], Any] = getattr(importlib.import_module(name), table)
            yield f"{name} {table}, {rows} x 3", make({**columns, "text": texts})


def _values(quick: bool) -> Iterator[tuple[str, Any]]:
    rng = np.random.default_rng(1)
    yield from _arrays(rng, quick)
    yield from _sparse(rng)
    if find_spec("pandas"):
        yield from _frames(rng, quick)
    yield from _tables(rng, quick)


def _contestants(value: Any) -> Iterator[Contestant]:
    import blake3

    from memo.canonical import encode

    yield Contestant(OURS, lambda: encode(value))
    if find_spec("joblib"):
        import joblib

        yield Contestant("joblib.hash", lambda: joblib.hash(value))
    if isinstance(value, np.ndarray):
        data = memoryview(np.ascontiguousarray(value).reshape(-1).view(np.uint8))
        threads = blake3.blake3.AUTO if len(data) >= 8 << 20 else 1
        yield Contestant(FLOOR, lambda: blake3.blake3(data, max_threads=threads).digest())


def run(folder: Path, quick: bool) -> tuple[list[Measure], list[Goal]]:
    """Measure every type; quick runs have smaller frames and leave the largest array out."""
    measures, goals = [], []
    for name, value in _values(quick):
        size = getattr(value, "nbytes", 0)
        rounds = 11 if size > 1 << 26 else 25
        found = interleave(f"hash, {name}", list(_contestants(value)), max(5, rounds // 4) if quick else rounds)
        measures += found
        if name.startswith("DataFrame"):
            goals += faster(found, OURS, "joblib.hash", FRAMES)
        elif name.startswith("array, ") and size >= 1 << 20:
            goals += slower(found, OURS, FLOOR, ARRAYS)
    return measures, goals
