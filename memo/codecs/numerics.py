"""Composites of numpy: what `.npy` does not keep, as arrays that it does keep and plain values.

Owns masked arrays, matrices, record arrays, arrays of Python's values and of strings, dtypes that must be spelled out,
void scalars, and random generators by their state. Loaded only once a value is numpy's.
"""

from __future__ import annotations

import numpy as np

from cas import extension as ext
from memo.canonical.attributes import further
from memo.canonical.numerics import INTERNAL
from memo.codecs.shapes import check_count
from memo.errors import CodecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memo.codecs.composites import Apart

_VIEWS: dict[str, type] = {"matrix": np.matrix, "recarray": np.recarray, "void": np.void, "record": np.record}
_BIT_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
# It takes the square of its time to make.
_POOL = 1024
_SEED_NAMES = ("entropy", "spawn_key", "pool_size", "n_children_spawned")


def take_apart(value: Any) -> Apart | None:
    """Return the parts of a value of numpy's; None if it would not come back exactly."""
    cls = type(value)
    if cls in (np.ndarray, np.memmap):
        return _array_apart(value.view(np.ndarray))
    if cls is np.ma.MaskedArray:
        return _masked_apart(value)
    if value is np.ma.masked:
        return ext.VIEW, ["masked", None]
    if cls in (np.matrix, np.recarray):
        others = vars(value).keys() - {"_getitem"}  # which a matrix sets while it is indexed
        return None if others else (ext.VIEW, [cls.__name__, value.view(np.ndarray)])
    if cls in (np.void, np.record):
        return ext.VIEW, [cls.__name__, np.array(value, value.dtype)]
    if isinstance(value, np.dtype):
        spelled = spell(value)
        return None if spelled is None else (ext.DTYPE, [spelled])
    if cls.__name__ in ("Generator", "RandomState", "SeedSequence", *_BIT_GENERATORS):
        state = _random_state(value) if getattr(np.random, cls.__name__, None) is cls else None
        return None if state is None else (ext.RANDOM, [cls.__name__, state])
    return None


def put_together(code: int, parts: list[Any]) -> Any:
    """Return the value of numpy's that has these parts; errors of any kind if they are not its parts."""
    return _BUILDERS[code](*parts)


def _array_apart(value: Any) -> Apart | None:
    dtype, shape = value.dtype, list(value.shape)
    fortran = value.flags.f_contiguous and not value.flags.c_contiguous
    if dtype.kind == "O":
        # `list` of an object array keeps the elements as they are.
        return ext.OBJECT_ARRAY, [shape, fortran, list(value.ravel("F" if fortran else "C"))]
    if dtype.kind == "T":
        missing, coerce = getattr(dtype, "na_object", ...), getattr(dtype, "coerce", True)
        return ext.STRING_ARRAY, [missing, coerce, shape, value.ravel().tolist()]
    spelled = None if dtype.hasobject else spell(dtype)
    if spelled is None:
        return None
    solid = np.zeros(value.shape, dtype, "F" if fortran else "C")
    if solid.dtype != dtype:  # text of no length
        return None
    _copy(value, solid)
    raw = (solid.T if fortran else solid).reshape(-1).view(np.uint8) if solid.nbytes else np.zeros(0, np.uint8)
    return ext.SPELLED_ARRAY, [spelled, shape, fortran, raw]


def _copy(source: Any, target: Any) -> None:
    """Copy field by field, so that what lies between the fields stays zero."""
    if source.dtype.names is None:
        target[...] = source
        return
    for name in source.dtype.names:
        _copy(source[name], target[name])


def _object_array(shape: list[int], fortran: bool, elements: list[Any]) -> Any:
    check_count(shape, len(elements))
    value = np.empty(shape, object, "F" if fortran else "C")
    flat = (value.T if fortran else value).reshape(-1)
    for index, element in enumerate(elements):  # assigned at once, a list of lists would become rows
        flat[index] = element
    return value


def _string_array(missing: Any, coerce: bool, shape: list[int], elements: list[Any]) -> Any:
    given = {} if missing is ... else {"na_object": missing}
    dtype = np.dtypes.StringDType(coerce=coerce, **given)
    return np.array(elements, dtype=dtype).reshape(shape)


def _spelled_array(spelled: Any, shape: list[int], fortran: bool, raw: Any) -> Any:
    dtype = respell(spelled)
    if dtype.hasobject or type(raw) is not np.ndarray or raw.dtype != np.uint8:
        raise CodecError(f"tree: expected the bytes of an array, got {dtype}", "run `cas fsck`")
    check_count([*shape, dtype.itemsize], raw.nbytes)
    order: Any = "F" if fortran else "C"
    value = np.empty(shape, dtype, order)
    return np.ndarray(shape, dtype, raw.tobytes(), order=order).copy(order) if raw.nbytes else value


def spell(dtype: np.dtype[Any]) -> Any:
    """Return a dtype as plain values with all that it says; None where something of it would be lost."""
    if dtype.metadata is not None:
        bare = None if dtype.names is not None else spell(np.dtype(dtype.subdtype or dtype.str))
        return None if bare is None else ["meta", bare, dict(dtype.metadata)]
    if dtype.subdtype is not None:
        base = spell(dtype.subdtype[0])
        return None if base is None else ["sub", base, list(dtype.subdtype[1])]
    if dtype.names is not None:
        return _spell_structure(dtype)
    if dtype.char == "c":
        return ["char"]
    if dtype.kind == "O":
        return "|O"
    if dtype.type is np.record:  # of no fields
        return None
    return dtype.str if np.dtype(dtype.str) == dtype and dtype.kind != "T" and dtype.isbuiltin != 2 else None


def _spell_structure(dtype: np.dtype[Any]) -> Any:
    if dtype.type not in (np.void, np.record):
        return None
    fields = []
    described: Any = dtype.fields
    for name in dtype.names or ():
        field, offset, *title = described[name]
        spelled = spell(field)
        if spelled is None or (title and type(title[0]) is not str):
            return None
        fields.append([name, *title, offset, spelled] if title else [name, None, offset, spelled])
    return ["struct", dtype.type.__name__, dtype.itemsize, dtype.isalignedstruct, fields]


def respell(spelled: Any) -> np.dtype[Any]:
    """Return the dtype that was spelled out."""
    if isinstance(spelled, str):
        return np.dtype(spelled)
    kind, *rest = spelled
    if kind == "char":
        return np.dtype("c")
    if kind == "sub":
        return np.dtype((respell(rest[0]), tuple(rest[1])))
    if kind == "meta":
        return np.dtype(respell(rest[0]), metadata=rest[1])
    if kind != "struct":
        raise CodecError(f"tree: expected a dtype, got {spelled!r:.60}", "run `cas fsck`")
    scalar, size, aligned, fields = rest
    described: Any = {
        "names": [field[0] for field in fields],
        "formats": [respell(field[3]) for field in fields],
        "offsets": [field[2] for field in fields],
        "titles": [field[1] for field in fields],
        "itemsize": size,
    }
    if not any(described["titles"]):
        del described["titles"]
    dtype = np.dtype(described, align=aligned)
    return np.dtype((np.record, dtype)) if scalar == "record" else dtype


def _view(kind: str, value: Any) -> Any:
    if kind == "masked":
        return np.ma.masked
    cls = _VIEWS[kind]
    if type(value) is not np.ndarray:
        raise CodecError(f"tree: expected the array of a {kind}, got {type(value)}", "run `cas fsck`")
    if cls in (np.matrix, np.recarray):
        return value.view(cls)
    scalar = value[()]
    if type(scalar) is not cls:
        raise CodecError(f"tree: expected a {kind}, got {type(scalar)}", "run `cas fsck`")
    return scalar


def _masked_apart(value: Any) -> Apart | None:
    if value.baseclass is not np.ndarray or value._optinfo or further(value, INTERNAL):  # noqa: SLF001 - as below
        return None
    mask = None if value.mask is np.ma.nomask else np.asarray(value.mask)
    # Reading `fill_value` of the array itself would set it.
    fill = value._fill_value  # noqa: SLF001 - as said
    fill = None if fill is None else np.asarray(fill, value.dtype)
    return ext.STORED_MASKED, [value.data, mask, fill, bool(value.hardmask), bool(value.sharedmask)]


def _masked(data: Any, mask: Any, fill: Any, hard: bool, shared: bool) -> Any:
    kind = np.ma.make_mask_descr(data.dtype)
    for part, shape, dtype in ((data, data.shape, data.dtype), (mask, data.shape, kind), (fill, (), data.dtype)):
        if part is not None and (type(part) is not np.ndarray or part.shape != shape or part.dtype != dtype):
            raise CodecError("tree: expected a mask and a fill value that fit their array", "run `cas fsck`")
    value: Any = np.ma.MaskedArray(data, np.ma.nomask if mask is None else mask, copy=False, hard_mask=hard)
    value._sharedmask = shared  # noqa: SLF001 - numpy has no other way to it
    if fill is not None:
        value._fill_value = fill  # noqa: SLF001 - likewise: its setter would convert it
    return value


def _random_state(value: Any) -> dict[str, Any] | None:
    kind = type(value).__name__
    if kind == "Generator":
        return {"bit_generator": value.bit_generator}
    if kind == "SeedSequence":
        return {name: getattr(value, name) for name in _SEED_NAMES} if value.pool_size <= _POOL else None
    if kind == "RandomState":
        state = value.get_state(legacy=False)
        return {"state": state} if state["bit_generator"] in _BIT_GENERATORS else None
    seeds = getattr(value, "seed_seq", None)
    return {"state": value.state, "seed_seq": seeds if type(seeds) is np.random.SeedSequence else None}


def _random(kind: str, state: dict[str, Any]) -> Any:
    if kind == "Generator":
        if type(state["bit_generator"]).__name__ not in _BIT_GENERATORS:
            raise CodecError("tree: expected a bit generator of numpy's", "run `cas fsck`")
        return np.random.Generator(state["bit_generator"])
    if kind == "SeedSequence":
        if type(state["pool_size"]) is not int or state["pool_size"] > _POOL:
            raise CodecError(f"tree: expected a pool of at most {_POOL}, got {state['pool_size']!r}", "run `cas fsck`")
        return np.random.SeedSequence(**state)
    _check_position(state["state"])
    name = state["state"]["bit_generator"]
    if name not in _BIT_GENERATORS or kind not in ("RandomState", name):
        raise CodecError(f"tree: expected a bit generator of numpy's, got {name!r}", "run `cas fsck`")
    seeds = state.get("seed_seq")
    generator = getattr(np.random, name)(0 if seeds is None else seeds)
    if kind == "RandomState":
        legacy = np.random.RandomState(generator)
        legacy.set_state(state["state"])
        return legacy
    generator.state = state["state"]
    return generator


def _check_position(state: dict[str, Any]) -> None:
    """Refuse a place in the numbers drawn ahead that lies outside of them: numpy reads there without a look."""
    inner = state["state"]
    for holder, name, last in ((inner, "pos", 624), (state, "buffer_pos", 4)):
        position = holder.get(name, 0) if isinstance(holder, dict) else 0
        if type(position) is not int or not 0 <= position <= last:
            raise CodecError(f"tree: expected a {name} from 0 to {last}, got {position!r:.60}", "run `cas fsck`")


_BUILDERS: dict[int, Any] = {
    ext.OBJECT_ARRAY: _object_array,
    ext.STRING_ARRAY: _string_array,
    ext.SPELLED_ARRAY: _spelled_array,
    ext.DTYPE: respell,
    ext.VIEW: _view,
    ext.STORED_MASKED: _masked,
    ext.RANDOM: _random,
}
