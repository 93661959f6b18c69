"""The canonical form of xarray's values: names, dimensions, coordinates, values and attributes count."""

from __future__ import annotations

import threading

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from cas import form
from memo.canonical import encode
from memo.errors import UnstableArgument


def make() -> xr.DataArray:
    """Return an array with all there is to one."""
    coordinates = {"t": pd.DatetimeIndex(["2020-01-01", "2020-01-02"]), "c": ["a", "b", "c"], "z": ("c", [1, 2, 3])}
    values = np.arange(6.0).reshape(2, 3)
    return xr.DataArray(values, dims=("t", "c"), coords=coordinates, name="v", attrs={"unit": "V"})


def test_everything_one_sees_counts():
    """Names, dimensions, coordinates, indexes, values, dtypes and attributes tell arrays apart, and datasets."""
    array = make()
    arrays = [
        *(array, array.rename("w"), array.transpose(), array.assign_attrs(unit="mV"), array.drop_vars("z"), array + 1),
        *(array.astype("f4"), array.drop_indexes("c"), array.stack(x=("t", "c")), array.rename(t="s"), array.isel(t=0)),
        *(array.assign_coords(z=("c", [1, 2, 4])), array.drop_vars("t"), array.drop_vars("z").rename("u")),
    ]
    values = [*arrays, *(value.to_dataset(name="d") for value in arrays[2:-1])]
    values += [array.variable, array.t.variable, array.t]
    values += [xr.Dataset({"a": array, "b": array}), xr.Dataset({"b": array, "a": array}), xr.Dataset()]
    values += [xr.Dataset(attrs={"a": 1}), array.to_numpy()]
    assert len({encode(value) for value in values}) == len(values)


def test_use_and_encoding_do_not_count():
    """A copy, what a file said of the values, and what xarray keeps for itself when it is used, leave the form."""
    array, used = make(), make()
    used.encoding["dtype"] = "i2"
    used.sel(c="a"), used.to_pandas(), used.mean(), used.indexes
    assert encode(used) == encode(array) == encode(array.copy(deep=True))
    fortran = array.copy(data=np.asfortranarray(array.values))
    assert encode(fortran) == encode(array)
    assert encode(make().to_dataset()) == encode(array.to_dataset())


def test_pandas_dtypes_inside():
    """A categorical variable keeps what tells it from another."""
    one, other = (xr.Dataset({"s": ("k", pd.Categorical(["a", "b"], ordered=ordered))}) for ordered in (False, True))
    assert encode(one) != encode(other)


def test_values_that_are_not_loaded_are_refused(tmp_path):
    """A variable that is still in its file is refused, and stays unloaded."""
    path = tmp_path / "x.nc"
    make().drop_vars(["c", "z"]).to_dataset().to_netcdf(path, engine="scipy")
    with xr.open_dataset(path, engine="scipy") as opened:
        with pytest.raises(UnstableArgument, match=r"value\['v'\]\.data: .*not loaded") as caught:
            encode(opened)
        assert ".load()" in caught.value.hint
        encode(opened.load())


def test_refusals_name_the_part():
    """An attribute without a form is named by its variable."""
    array = make().assign_attrs(lock=threading.Lock())
    with pytest.raises(UnstableArgument, match=r"^value\['v'\]\.attrs\[\"lock\"\]: "):
        encode(array.to_dataset())


def test_an_array_is_shown_by_its_sizes():
    """A person sees dtype and dimensions."""
    assert form.unpack(encode(make())).text.partition("~")[0] == "DataArray float64[t: 2, c: 3]"
    assert form.unpack(encode(make().to_dataset())).text.partition("~")[0] == "Dataset[t: 2, c: 3] of 1"
