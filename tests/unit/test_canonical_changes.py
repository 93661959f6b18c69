"""One change to a value of a library (an element, a dtype, a name, an order, a missing one) makes another key."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import sparse

from memo.canonical import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    Changes = dict[str, Callable[[Any, int], Any]]

LENGTH = 5


def _at(values: list[Any], place: int, value: Any) -> list[Any]:
    return [*values[:place], value, *values[place + 1 :]]


def _swapped(values: list[Any], place: int) -> list[Any]:
    """Return the values with two neighbours exchanged, which all differ."""
    other = (place + 1) % len(values)
    found = [*values]
    found[place], found[other] = values[other], values[place]
    return found


NUMPY: Changes = {
    "element": lambda values, place: np.array(_at(values, place, 99.0)),
    "negative zero": lambda values, place: np.array(_at(values, place, -0.0)),
    "missing": lambda values, place: np.array(_at(values, place, np.nan)),
    "other missing": lambda values, place: np.array(_at(values, place, np.nan)).view("u8") | np.uint64(1),
    "order": lambda values, place: np.array(_swapped(values, place)),
    "dtype": lambda values, place: np.array(values, "f4"),
    "byte order": lambda values, place: np.array(values, ">f8"),
    "shape": lambda values, place: np.array([values]),
    "one less": lambda values, place: np.array(values[:-1]),
    "masked": lambda values, place: np.ma.array(values, mask=[n == place for n in range(LENGTH)]),
    "object": lambda values, place: np.array(values, object),
    "object none": lambda values, place: np.array(_at(values, place, None), object),
    "field": lambda values, place: np.array([(value,) for value in values], [(f"f{place}", "f8")]),
    "unit": lambda values, place: np.array(values).astype("i8").view(f"m8[{('D', 'h', 'm', 's', 'ms')[place]}]"),
}
SPARSE: Changes = {
    "element": lambda values, place: sparse.csr_array([_at(values, place, 99.0)]),
    "stored zero": lambda values, place: sparse.csr_array(
        (np.array(_at(values, place, 0.0)), np.arange(LENGTH), np.array([0, LENGTH]))
    ),
    "no element": lambda values, place: sparse.csr_array([_at(values, place, 0.0)]),
    "order": lambda values, place: sparse.csr_array([_swapped(values, place)]),
    "dtype": lambda values, place: sparse.csr_array([values], dtype="f4"),
    "shape": lambda values, place: sparse.csr_array([[*values, 0.0]]),
    "format": lambda values, place: sparse.csc_array([values]),
    "matrix": lambda values, place: sparse.csr_matrix([values]),
}
PANDAS: Changes = {
    "element": lambda values, place: pd.Series(_at(values, place, 99.0), name="x"),
    "missing": lambda values, place: pd.Series(_at(values, place, np.nan), name="x"),
    "order": lambda values, place: pd.Series(_swapped(values, place), name="x"),
    "dtype": lambda values, place: pd.Series(values, name="x", dtype="Float64"),
    "missing of another kind": lambda values, place: pd.Series(_at(values, place, None), name="x", dtype="Float64"),
    "objects": lambda values, place: pd.Series(values, name="x", dtype=object),
    "missing object": lambda values, place: pd.Series(_at(values, place, None), name="x", dtype=object),
    "missing NA": lambda values, place: pd.Series(_at(values, place, pd.NA), name="x", dtype=object),
    "missing NaT": lambda values, place: pd.Series(_at(values, place, pd.NaT), name="x", dtype=object),
    "name": lambda values, place: pd.Series(values, name=f"x{place}"),
    "no name": lambda values, place: pd.Series(values),
    "label": lambda values, place: pd.Series(values, name="x", index=_at(list(range(LENGTH)), place, 99)),
    "kind of index": lambda values, place: pd.Series(values, name="x", index=list(range(LENGTH))),
    "name of the index": lambda values, place: pd.Series(values, name="x", index=pd.RangeIndex(LENGTH, name="i")),
    "category": lambda values, place: pd.Series(pd.Categorical(values, categories=_swapped(values, place)), name="x"),
    "ordered": lambda values, place: pd.Series(pd.Categorical(values, categories=values, ordered=True), name="x"),
    "frame": lambda values, place: pd.DataFrame({"x": values}),
    "column": lambda values, place: pd.DataFrame({f"x{place}": values}),
    "columns": lambda values, place: pd.DataFrame({"x": values, "y": values}),
    "order of columns": lambda values, place: pd.DataFrame({"y": values, "x": values}),
    "attrs": lambda values, place: _with_attrs(pd.Series(values, name="x"), place),
}
POLARS: Changes = {
    "element": lambda values, place: pl.Series("x", _at(values, place, 99.0)),
    "null": lambda values, place: pl.Series("x", _at(values, place, None)),
    "NaN": lambda values, place: pl.Series("x", _at(values, place, np.nan)),
    "order": lambda values, place: pl.Series("x", _swapped(values, place)),
    "dtype": lambda values, place: pl.Series("x", values, dtype=pl.Float32),
    "name": lambda values, place: pl.Series(f"x{place}", values),
    "frame": lambda values, place: pl.DataFrame({"x": values}),
    "columns": lambda values, place: pl.DataFrame({"x": values, "y": values}),
    "order of columns": lambda values, place: pl.DataFrame({"y": values, "x": values}),
    "list": lambda values, place: pl.Series("x", [values[:place], values[place:]]),
}
ARROW: Changes = {
    "element": lambda values, place: pa.array(_at(values, place, 99.0)),
    "null": lambda values, place: pa.array(_at(values, place, None)),
    "NaN": lambda values, place: pa.array(_at(values, place, np.nan), from_pandas=False),
    "order": lambda values, place: pa.array(_swapped(values, place)),
    "type": lambda values, place: pa.array(values, pa.float32()),
    "dictionary": lambda values, place: pa.array(values).dictionary_encode(),
    "chunked": lambda values, place: pa.chunked_array([values]),
    "table": lambda values, place: pa.table({"x": values}),
    "name": lambda values, place: pa.table({f"x{place}": values}),
    "metadata": lambda values, place: pa.table({"x": values}).replace_schema_metadata({"unit": str(place)}),
    "nullable": lambda values, place: pa.table([values], pa.schema([pa.field("x", "double", nullable=False)])),
    "columns": lambda values, place: pa.table({"x": values, "y": values}),
    "order of columns": lambda values, place: pa.table({"y": values, "x": values}),
    "list": lambda values, place: pa.array([values[:place], values[place:]]),
}
XARRAY: Changes = {
    "element": lambda values, place: _labelled(_at(values, place, 99.0)),
    "missing": lambda values, place: _labelled(_at(values, place, np.nan)),
    "order": lambda values, place: _labelled(_swapped(values, place)),
    "dtype": lambda values, place: _labelled(values).astype("f4"),
    "name": lambda values, place: _labelled(values).rename(f"v{place}"),
    "dimension": lambda values, place: _labelled(values).rename(t=f"t{place}"),
    "label": lambda values, place: _labelled(values).assign_coords(t=_at(list(range(LENGTH)), place, 99)),
    "coordinate": lambda values, place: _labelled(values).assign_coords(z=place),
    "index": lambda values, place: _labelled(values).drop_indexes("t"),
    "attribute": lambda values, place: _labelled(values).assign_attrs(unit=place),
    "dataset": lambda values, place: _labelled(values).to_dataset(),
    "variable": lambda values, place: _labelled(values).to_dataset(name=f"w{place}"),
}
IMAGES: Changes = {
    "pixel": lambda values, place: _image(_at(values, place, 99)),
    "order": lambda values, place: _image(_swapped(values, place)),
    "mode": lambda values, place: _image(values).convert("RGB"),
    "size": lambda values, place: _image(values).resize((LENGTH, 2 + place)),
    "info": lambda values, place: _noted(_image(values), "info", {"dpi": place}),
    "label": lambda values, place: _noted(_image(values), "label", place),
}
MAKERS: dict[str, tuple[Callable[[list[Any]], Any], Changes]] = {
    "numpy": (np.array, NUMPY),
    "sparse": (lambda values: sparse.csr_array([values]), SPARSE),
    "pandas": (lambda values: pd.Series(values, name="x"), PANDAS),
    "polars": (lambda values: pl.Series("x", values), POLARS),
    "pyarrow": (pa.array, ARROW),
    "xarray": (lambda values: _labelled(values), XARRAY),
    "PIL": (lambda values: _image(values), IMAGES),
}


def _with_attrs(value: Any, place: int) -> Any:
    value.attrs["unit"] = place
    return value


def _labelled(values: list[Any]) -> xr.DataArray:
    return xr.DataArray(values, dims="t", coords={"t": range(LENGTH)}, name="v")


def _image(values: list[Any]) -> Image.Image:
    return Image.fromarray(np.array([values], "u1"))


def _noted(image: Image.Image, name: str, value: Any) -> Image.Image:
    setattr(image, name, value)
    return image


if find_spec("torch") is not None:  # no wheel without a GPU's libraries everywhere
    torch = importlib.import_module("torch")
    TORCH: Changes = {
        "element": lambda values, place: torch.tensor(_at(values, place, 99.0)),
        "missing": lambda values, place: torch.tensor(_at(values, place, np.nan)),
        "order": lambda values, place: torch.tensor(_swapped(values, place)),
        "dtype": lambda values, place: torch.tensor(values, dtype=torch.float64),
        "half": lambda values, place: torch.tensor(values, dtype=torch.bfloat16),
        "shape": lambda values, place: torch.tensor([values]),
        "gradient": lambda values, place: torch.tensor(values, requires_grad=True),
        "layout": lambda values, place: torch.tensor(values).to_sparse(),
        "parameter": lambda values, place: torch.nn.Parameter(torch.tensor(values)),
    }
    MAKERS["torch"] = (lambda values: torch.tensor(values), TORCH)


if find_spec("jax") is not None:
    jax = importlib.import_module("jax")
    JAX: Changes = {
        "element": lambda values, place: jax.numpy.asarray(_at(values, place, 99.0), "f4"),
        "order": lambda values, place: jax.numpy.asarray(_swapped(values, place), "f4"),
        "dtype": lambda values, place: jax.numpy.asarray(values, "bfloat16"),
        "shape": lambda values, place: jax.numpy.asarray([values], "f4"),
    }
    MAKERS["jax"] = (lambda values: jax.numpy.asarray(values, "f4"), JAX)


@pytest.mark.parametrize("library", MAKERS)
@settings(max_examples=20, deadline=None)
@given(
    values=st.lists(st.integers(1, 50), min_size=LENGTH, max_size=LENGTH, unique=True), place=st.integers(0, LENGTH - 1)
)
def test_one_change_makes_another_key(library, values, place):
    """A value made twice has one form; with one change it has another, and no two changes have the same."""
    make, changes = MAKERS[library]
    numbers = [float(value) for value in values]
    assert encode(make(numbers)) == encode(make(numbers))
    seen = {encode(make(numbers)): "the value"}
    for name, change in changes.items():
        found = encode(change(numbers, place))
        assert found not in seen, (name, seen[found])
        seen[found] = name
