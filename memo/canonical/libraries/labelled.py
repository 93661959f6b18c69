"""The writer of xarray's variables, arrays and datasets: by names, dimensions, coordinates, values and attributes.

Owns what counts: the order of dimensions, variables and coordinates too, since iteration shows it, and which
coordinates have an index, of what kind. What does not: `encoding`, which says how a file kept the values. Values that
are not loaded are refused: to hash them would be to read them all, behind the user's back.
"""

from __future__ import annotations

import sys

import numpy as np

from cas.extension import array_header, map_header
from memo.canonical.arrays import write_array
from memo.canonical.containers import write_dict
from memo.canonical.libraries import write_library, write_part
from memo.canonical.libraries.extensions import write_values
from memo.canonical.scalars import pack
from memo.canonical.walk import Refused, Walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from memo.canonical.walk import Writer


def find(cls: type) -> Writer | None:
    """Return the writer of a class of xarray's, or None."""
    xr: Any = sys.modules["xarray"]
    exact: dict[type, Writer] = {xr.DataArray: _write_array, xr.Dataset: _write_dataset, xr.Variable: _write_lone}
    return exact.get(cls) or (_write_lone if cls is xr.IndexVariable else None)


def _write_array(walk: Walk, value: Any) -> None:
    def write(walk: Walk) -> None:
        walk.out.append(array_header(4))
        write_part(walk, ".name", Walk.write, value.name)
        _write_variable(walk, value.variable)
        _write_variables(walk, {name: coordinate.variable for name, coordinate in value.coords.items()})
        _write_indexes(walk, value.xindexes)

    write_library(walk, value, f" {value.dtype}{_sizes(value)}", write)


def _write_dataset(walk: Walk, value: Any) -> None:
    def write(walk: Walk) -> None:
        walk.out.append(array_header(4))
        _write_variables(walk, {name: array.variable for name, array in value.data_vars.items()})
        _write_variables(walk, {name: coordinate.variable for name, coordinate in value.coords.items()})
        _write_indexes(walk, value.xindexes)
        write_part(walk, ".attrs", write_dict, dict(value.attrs))

    write_library(walk, value, f"{_sizes(value)} of {len(value.data_vars)}", write)


def _write_lone(walk: Walk, value: Any) -> None:
    write_library(walk, value, f" {value.dtype}{_sizes(value)}", lambda walk: _write_variable(walk, value))


def _sizes(value: Any) -> str:
    return f"[{', '.join(f'{name}: {size}' for name, size in value.sizes.items())}]"


def _write_variables(walk: Walk, variables: Mapping[Any, Any]) -> None:
    walk.out.append(map_header(len(variables)))
    for name, variable in variables.items():
        walk.write(name)
        write_part(walk, f"[{name!r}]", _write_variable, variable)


def _write_variable(walk: Walk, variable: Any) -> None:
    walk.out.append(array_header(3))
    walk.write(tuple(variable.dims))
    write_part(walk, ".data", _write_data, variable)
    write_part(walk, ".attrs", write_dict, dict(variable.attrs))


def _write_data(walk: Walk, variable: Any) -> None:
    # Asked before the data are: to ask for those of a file would load them. There is no public way to ask.
    held = variable._in_memory or type(variable._data).__name__.startswith("Pandas")  # noqa: SLF001 - as said above
    if variable.chunks is not None or not held:
        raise Refused("an xarray variable that is not loaded", "call .load() or .compute() on it first")
    data = variable.data
    if isinstance(data, np.ndarray):
        write_array(walk, np.asarray(data))
    elif hasattr(data, "dtype") and type(data).__module__.startswith("pandas"):
        write_values(walk, data)
    else:
        walk.write(data)


def _write_indexes(walk: Walk, indexes: Mapping[Any, Any]) -> None:
    """Write which coordinates have an index, and of what kind; its labels are the coordinate's."""
    walk.out.append(array_header(len(indexes)))
    for name, index in indexes.items():
        walk.out.append(array_header(2))
        walk.write(name)
        if type(index).__module__.startswith("xarray."):
            walk.out.append(pack(type(index).__name__))
        else:
            walk.write(index)
