"""Writers of Python's own containers, and the table of all built-in types.

Owns the order of elements: a dict keeps its own, a set is sorted by the bytes of its elements, so that no hash seed
shows (I5). Flat containers are packed at C speed, with the same bytes.
"""

from __future__ import annotations

from msgpack import ExtType

from cas import extension as ext
from cas.extension import array_header, head, map_header
from memo.canonical.scalars import (
    SCALARS,
    pack,
    write_bytearray,
    write_bytes,
    write_complex,
    write_constant,
    write_int,
    write_memoryview,
    write_scalar,
    write_str,
)
from memo.canonical.walk import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from memo.canonical.walk import Walk, Writer

_TUPLE = ExtType(ext.TUPLE, b"")
_TEXT = frozenset((str,))


def write_elements(walk: Walk, values: Iterable[object]) -> None:
    """Write values one after the other."""
    table, other = walk.table, walk.other
    index = 0
    try:
        for index, value in enumerate(values):  # noqa: B007 - the index is for the refusal
            table.get(type(value), other)(walk, value)
    except Refused as refusal:
        refusal.steps.append(f"[{index}]")
        raise


def write_named(walk: Walk, values: dict[str, Any], step: str = ".{}") -> None:
    """Write a map from names to values, in its order; `step` is how a refusal names one."""
    if not _TEXT.issuperset(map(type, values)):
        name = next(name for name in values if type(name) is not str)
        raise Refused(f"an attribute whose name is no str but {name!r:.60}", "pass an object with plain attributes")
    walk.out.append(map_header(len(values)))
    name = ""
    try:
        for name, value in values.items():
            write_str(walk, name)
            walk.write(value)
    except Refused as refusal:
        refusal.steps.append(step.format(name))
        raise


def pack_flat(values: list[Any], kinds: Iterable[object]) -> bytes | None:
    """Pack at C speed if there are only scalars, and none that the packer cannot write."""
    if SCALARS.issuperset(map(type, kinds)):
        try:
            return pack(values)
        except (OverflowError, ValueError):  # a long integer, a lone surrogate, or too much text
            return None
    return None


def write_list(walk: Walk, value: list[Any]) -> None:
    """Write a list."""
    packed = pack_flat(value, value)
    if packed is not None:
        walk.out.append(packed)
        return
    if not walk.enter(value):
        return
    walk.out.append(array_header(len(value)))
    write_elements(walk, value)
    walk.leave(value)


def write_tuple(walk: Walk, value: tuple[Any, ...]) -> None:
    """Write a tuple."""
    packed = pack_flat([_TUPLE, *value], value)
    if packed is not None:
        walk.out.append(packed)
        return
    if not walk.enter(value):
        return
    walk.out.append(head(ext.TUPLE, len(value)))
    write_elements(walk, value)
    walk.leave(value)


def write_dict(walk: Walk, value: dict[Any, Any]) -> None:
    """Write a dict in its order: iteration shows it, so a function may depend on it."""
    if SCALARS.issuperset(map(type, value)):
        packed = pack_flat(value, value.values())  # type: ignore[arg-type]
        if packed is not None:
            walk.out.append(packed)
            return
    if not walk.enter(value):
        return
    walk.out.append(map_header(len(value)))
    key: object = None
    try:
        for key, content in value.items():
            walk.write(key)
            walk.write(content)
    except Refused as refusal:
        refusal.steps.append(_step(key))
        raise
    walk.leave(value)


def _step(key: object) -> str:
    """Return how an error leads to the value of a key: `["rng"]`, or `[3]`."""
    if type(key) is str and key.isidentifier():
        return f'["{key}"]'
    return f"[{key!r}]" if type(key) in SCALARS else f"[<{type(key).__name__}>]"


def write_set(walk: Walk, value: set[Any]) -> None:
    """Write a set, sorted by the bytes of its elements."""
    _write_unordered(walk, ext.SET, value)


def write_frozenset(walk: Walk, value: frozenset[Any]) -> None:
    """Write a frozenset, sorted by the bytes of its elements."""
    _write_unordered(walk, ext.FROZENSET, value)


def _write_unordered(walk: Walk, code: int, value: set[Any] | frozenset[Any]) -> None:
    if not walk.enter(value):
        return
    out, roots = walk.out, walk.roots
    several = len(value) > 1
    walk.unordered += several
    pieces = []
    try:
        for element in value:
            walk.out = []
            if several:
                walk.roots = {}
            walk.write(element)
            pieces.append((b"".join(walk.out), walk.roots))
    except Refused as refusal:
        refusal.steps.append("{…}")
        raise
    walk.unordered -= several
    out.append(head(code, len(pieces)))
    for piece, met in sorted(pieces, key=_bytes_of):
        out.append(piece)
        if several:  # what was met first in a process is up to its hash seed
            roots.update({place: root for place, root in met.items() if place not in roots})
    walk.out, walk.roots = out, roots
    walk.leave(value)


def _bytes_of(piece: tuple[bytes, dict[int, Any]]) -> bytes:
    return piece[0]


def write_range(walk: Walk, value: range) -> None:
    """Write a range by its three numbers, which a function can see even where the elements are equal."""
    walk.out.append(head(ext.RANGE, 3))
    write_elements(walk, (value.start, value.stop, value.step))


def write_slice(walk: Walk, value: slice) -> None:
    """Write a slice."""
    if not walk.enter(value):
        return
    walk.out.append(head(ext.SLICE, 3))
    _write_ends(walk, value)
    walk.leave(value)


def _write_ends(walk: Walk, value: slice) -> None:
    for name in ("start", "stop", "step"):
        try:
            walk.write(getattr(value, name))
        except Refused as refusal:
            refusal.steps.append(f".{name}")
            raise


BUILTINS: dict[type, Writer] = {
    type(None): write_scalar,
    bool: write_scalar,
    float: write_scalar,
    int: write_int,
    str: write_str,
    bytes: write_bytes,
    list: write_list,
    tuple: write_tuple,
    dict: write_dict,
    set: write_set,
    frozenset: write_frozenset,
    complex: write_complex,
    bytearray: write_bytearray,
    memoryview: write_memoryview,
    range: write_range,
    slice: write_slice,
    type(...): write_constant,
    type(NotImplemented): write_constant,
}
