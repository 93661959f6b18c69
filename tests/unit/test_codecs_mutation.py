"""What a caller does to a returned value changes no later hit, in any tier."""

from __future__ import annotations

import collections
import types
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp

import cas
import memo
from memo.canonical import encode
from tests.codecs import Plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Large enough to be mapped, in a blob of its own; and small enough to stand in the entry and in memory.
MANY, FEW = 1 << 18, 4

STORES: dict[str, Callable[[Path], Any]] = {
    "local": lambda folder: folder / "store",
    "shared folder": lambda folder: (folder / "shared").as_uri(),
    "local and local": lambda folder: [folder / "fast", folder / "slow"],
    "memory and shared folder": lambda folder: [f"memory://{folder}", (folder / "shared").as_uri()],
}


def make(kind: str, size: int) -> Any:
    """Return a value."""
    numbers = np.arange(float(size))
    return {
        "array": lambda: numbers,
        "dict": lambda: {"a": numbers, "b": [1, [2]]},
        "instance": lambda: Plain(numbers, {"k": [1]}),
        "namespace": lambda: types.SimpleNamespace(a=[1], b=numbers),
        "deque": lambda: collections.deque([[1], numbers]),
        "frame": lambda: pd.DataFrame({"x": numbers, "o": ["a"] * size}),
        "series": lambda: pd.Series(numbers, name="s"),
        "index": lambda: pd.Index(numbers, name="i"),
        "categorical": lambda: pd.Categorical(["a", "b"] * (size // 2)),
        "polars": lambda: pl.DataFrame({"x": numbers}),
        "sparse": lambda: sp.csr_array(numbers[None]),
        "masked": lambda: np.ma.array(numbers, mask=numbers > 2),
        "bytes": lambda: bytearray(size),
        "pickle": lambda: [print, numbers],
    }[kind]()


KINDS = ("array", "dict", "instance", "namespace", "deque", "frame", "series", "index", "categorical", "polars")
KINDS += ("sparse", "masked", "bytes", "pickle")


def spoil(value: Any) -> None:
    """Change whatever of a value can be changed."""
    if isinstance(value, np.ma.MaskedArray):
        value[...] = -1
        value.unit = "V"
    elif isinstance(value, np.ndarray):
        value.fill(-1)
    elif isinstance(value, pd.DataFrame):
        value.iloc[:, 0] = -1.0
        value["new"] = 1
        value.columns.names = ["changed"]
        value.index.name = "changed"
    elif isinstance(value, pd.Series):
        value.iloc[:] = -1.0
        value.name, value.attrs["k"] = "changed", 1
    elif isinstance(value, pd.Index):
        value.name = "changed"
        value.unit = "V"
    elif isinstance(value, pd.Categorical):
        value[:] = "b"
    elif isinstance(value, pl.DataFrame):
        value.columns = ["changed"]
        value[0, "changed"] = -1.0
    elif sp.issparse(value):
        value.data[:] = -1
    else:
        _spoil_container(value)


def _spoil_container(value: Any) -> None:
    parts = value.values() if isinstance(value, dict) else vars(value).values() if hasattr(value, "__dict__") else value
    for part in list(parts) if not isinstance(value, bytearray) else []:
        if not isinstance(part, (int, str, bytes, types.BuiltinFunctionType)):
            spoil(part)
    if isinstance(value, dict):
        value["new"] = 1
    elif isinstance(value, (list, collections.deque, bytearray)):
        value.append(1)
    else:
        value.new = 1


@pytest.mark.parametrize("size", [FEW, MANY], ids=["few", "many"])
@pytest.mark.parametrize("place", STORES)
def test_no_hit_shows_what_became_of_another(place, size, tmp_path):
    """The first value and every hit are spoiled; the next hit, in this process or a fresh one's memory, is as made."""
    store = cas.open(STORES[place](tmp_path))

    @memo.cached(store=store)
    def compute(kind, size):
        return make(kind, size)

    for kind in KINDS:
        expected = encode(make(kind, size))
        for _ in range(3):
            value = compute(kind, size)
            assert encode(value) == expected, kind
            spoil(value)
            assert encode(value) != expected, kind
    assert compute.cache.stats().hits == 2 * len(KINDS)


@pytest.mark.parametrize("kind", ["array", "frame", "dict"])
def test_no_tier_shows_it(kind, tmp_path):
    """Each store of a chain, asked alone after hits were spoiled, has the value as it was made."""
    places = [tmp_path / "fast", tmp_path / "slow"]

    @memo.cached(store=cas.open(places), memory=False)
    def compute(kind, size):
        return make(kind, size)

    for _ in range(3):
        spoil(compute(kind, MANY))
    (entry,) = compute.cache.entries()
    for place in places:
        served = memo.cached(store=cas.open(place), memory=False)(compute.__wrapped__)
        assert encode(served(kind, MANY)) == encode(make(kind, MANY))
        assert [other.key for other in served.cache.entries()] == [entry.key]
