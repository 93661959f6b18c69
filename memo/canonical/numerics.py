"""Writers of numpy's values other than arrays: scalars, dtypes, masked arrays, ufuncs, random generators.

Owns which class of numpy is written how. Imported only once numpy is loaded.
"""

from __future__ import annotations

import sys

import numpy as np

from cas import extension as ext
from cas.digest import digest
from cas.extension import head, leaf
from memo.canonical.arrays import is_plain, write_array, write_array_content, write_dtype
from memo.canonical.attributes import further, write_attributed
from memo.canonical.callables import write_function
from memo.canonical.containers import write_named
from memo.canonical.names import write_name
from memo.canonical.scalars import INLINE, pack, write_str
from memo.canonical.walk import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memo.canonical.walk import Walk, Writer


def find(cls: type) -> Writer | None:
    """Return the writer of a class of numpy's, or None."""
    if cls is np.ndarray or cls is np.memmap:
        return write_array
    if cls is np.ma.MaskedArray:
        return write_masked
    if issubclass(cls, np.generic) and str(cls.__module__).startswith("numpy"):
        return write_scalar
    if issubclass(cls, np.dtype):
        return write_dtype_value
    if cls is type(np.ma.masked):
        return write_masked_constant
    if cls is np.ufunc:
        return write_ufunc
    if str(cls.__module__).startswith("numpy"):
        if cls.__name__ == "_ArrayFunctionDispatcher":
            return write_function
        if issubclass(cls, np.random.BitGenerator):
            return write_bit_generator
        return _RANDOM.get(cls.__name__)
    return None


def write_scalar(walk: Walk, value: Any) -> None:
    """Write a numpy scalar with its dtype."""
    dtype = value.dtype
    if dtype.hasobject and not walk.enter(value):
        return
    walk.out.append(head(ext.SCALAR, 2))
    if dtype.char in "US":
        # Its own dtype is as long as the text, and bytes of an array lose trailing zeros.
        walk.out.append(pack(f"{dtype.str[:2]}"))
        walk.write(str.__str__(value) if dtype.char == "U" else bytes.__getitem__(value, slice(None)))
    elif is_plain(dtype) and dtype.char not in "gG":
        content = value.tobytes()
        walk.out.append(pack(dtype.str))
        walk.out.append(pack(content) if len(content) <= INLINE else leaf(ext.DIGEST, digest(content)))
    else:
        write_dtype(walk, dtype)
        write_array_content(walk, np.asarray(value))
    if dtype.hasobject:
        walk.leave(value)


def write_dtype_value(walk: Walk, value: np.dtype[Any]) -> None:
    """Write a dtype given as a value."""
    walk.out.append(head(ext.DTYPE, 1))
    write_dtype(walk, value)


def write_masked(walk: Walk, value: np.ma.MaskedArray[Any, Any]) -> None:
    """Write a masked array by its visible data, its mask and its fill value.

    What lies under the mask does not count. `fill_value` counts, because `filled()` shows it, and so does whether
    there is a mask at all, because `.mask` shows it.
    """
    attributes = further(value, INTERNAL)
    if value.baseclass is not np.ndarray:  # which is what `.data` shows
        attributes["baseclass"] = value.baseclass
        attributes.pop("_getitem", None)  # which a matrix sets while it is indexed
    write_attributed(walk, value, attributes, _write_masked)


# What numpy keeps on a masked array itself.
INTERNAL = frozenset(("_baseclass", "_basedict", "_fill_value", "_hardmask", "_isfield", "_mask", "_optinfo"))
INTERNAL |= frozenset(("_sharedmask",))


def _write_masked(walk: Walk, value: Any) -> None:
    if not walk.enter(value):
        return
    data = np.array(value.data, order="C", subok=False)
    mask = None if value.mask is np.ma.nomask else np.asarray(value.mask)
    if mask is not None:
        _clear(data, mask)
    walk.out.append(head(ext.MASKED, 4))
    write_array(walk, data)
    walk.write(mask)
    # On a view: reading the fill value of the array itself would set it.
    write_array(walk, np.asarray(value.view().fill_value, dtype=value.dtype))
    walk.write(bool(value.hardmask))
    walk.leave(value)


def _clear(data: np.ndarray[Any, Any], mask: np.ndarray[Any, Any]) -> None:
    if mask.dtype.names is None:
        data[mask] = np.zeros((), data.dtype)[()]
        return
    for name in mask.dtype.names:
        _clear(data[name], mask[name])


def write_masked_constant(walk: Walk, value: object) -> None:
    """Write numpy.ma.masked."""
    walk.out.append(leaf(ext.CONSTANT, b"numpy.ma.masked"))


def write_ufunc(walk: Walk, value: np.ufunc) -> None:
    """Write a ufunc of numpy or scipy by name; another one may hold code that no fingerprint sees."""
    for module in ("numpy", "scipy.special"):
        if getattr(sys.modules.get(module), value.__name__, None) is value:
            walk.out.append(head(ext.FUNCTION, 2))
            write_str(walk, module)
            write_str(walk, value.__name__)
            return
    raise Refused(f"the ufunc {value.__name__}, of neither numpy nor scipy", "pass a function that calls it")


def write_generator(walk: Walk, value: Any) -> None:
    """Write a Generator by its bit generator."""
    _write_state(walk, value, {"bit_generator": value.bit_generator})


def write_bit_generator(walk: Walk, value: Any) -> None:
    """Write a bit generator by its state and by the seeds that it would spawn from."""
    state = {"state": value.state}
    seeds = getattr(value, "seed_seq", None)
    if seeds is not None:
        state["seed_seq"] = seeds
    _write_state(walk, value, state)


def write_random_state(walk: Walk, value: Any) -> None:
    """Write a RandomState by its state."""
    _write_state(walk, value, {"state": value.get_state(legacy=False)})


def write_seed_sequence(walk: Walk, value: Any) -> None:
    """Write a SeedSequence by its entropy and by what it has spawned."""
    names = ("entropy", "spawn_key", "pool_size", "n_children_spawned")
    _write_state(walk, value, {name: getattr(value, name) for name in names})


def _write_state(walk: Walk, value: Any, state: dict[str, Any]) -> None:
    if not walk.enter(value):
        return
    walk.out.append(head(ext.INSTANCE, 3))
    write_name(walk, type(value))
    write_named(walk, state)
    walk.leave(value)


_RANDOM: dict[str, Writer] = {
    "Generator": write_generator,
    "RandomState": write_random_state,
    "SeedSequence": write_seed_sequence,
}
