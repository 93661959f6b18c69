"""What other tools see of a value: numbers, text, nothing, a mapping, a sequence, a sparse matrix.

Owns the likeness of every type in files that are not Python's. It may be approximate, since the form beside it is not.
"""

from __future__ import annotations

from collections import namedtuple

import numpy as np

from cas import extension as ext
from memo.canonical import encode, values
from memo.canonical.walk import Refused
from memo.codecs.composites import take_apart

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_SEQUENCES = frozenset(("list", "tuple", "deque"))
_SETS = frozenset(("set", "frozenset"))
_MAPPINGS = frozenset(("dict", "OrderedDict", "Counter", "defaultdict"))
_ROWS: dict[type, str] = {bool: "?", int: "i8", float: "f8", complex: "c16"}


class Outline(namedtuple("Outline", "kind content shape attribute", defaults=((), False))):
    """How one value looks from outside.

    Attributes:
        kind: "numbers" (content: an array), "text" (a str), "nothing", "mapping" (a dict), "sequence" (a list),
            "sparse" (a matrix).
        content: As said.
        shape: Of a sequence, which stands in Fortran order.
        attribute: Whether the members of a mapping are attributes.
    """

    __slots__ = ()

    def members(self) -> Iterator[tuple[str, Any, Any]]:
        """Yield the step that leads to each member in a message, its name or index, and the member."""
        if self.kind == "mapping":
            for key, content in self.content.items():
                step = f".{key}" if self.attribute else f'["{key}"]' if type(key) is str else f"[{key!r:.60}]"
                yield step, key, content
        else:
            for index, content in enumerate(self.content):
                yield f"[{index}]", index, content


def outline(value: Any) -> Outline:
    """Return how a value looks from outside.

    Raises:
        Refused: It looks like nothing that other tools have.
    """
    kind = type(value)
    if value is None:
        return Outline("nothing", None)
    if kind in (bool, float, complex):
        return Outline("numbers", np.array(value))
    if kind is int:
        return _integer(value)
    if kind is str:
        return Outline("text", value)
    if kind in (bytes, bytearray):
        return Outline("numbers", np.frombuffer(bytes(value), np.uint8))
    if kind.__module__.partition(".")[0] == "numpy":
        return _of_numpy(value)
    if kind.__module__ in ("builtins", "collections"):
        return _container(value)
    if values.find(kind) is not None:
        return Outline("text", str(value))
    return _composite(value)


def numeric_row(seen: Outline) -> Any:
    """Return a sequence of numbers of one type as an array of one dimension; None if it is none."""
    kinds = set(map(type, seen.content))
    if len(kinds) != 1 or seen.shape != (len(seen.content),) or seen.kind != "sequence":
        return None
    dtype = _ROWS.get(kinds.pop())
    try:
        return None if dtype is None else np.array(seen.content, dtype)
    except OverflowError:  # an integer of more than 64 bits
        return None


def _integer(value: int) -> Outline:
    for dtype in ("i8", "u8"):
        if np.iinfo(dtype).min <= value <= np.iinfo(dtype).max:
            return Outline("numbers", np.array(value, dtype))
    return Outline("text", hex(value))


def _container(value: Any) -> Outline:
    kind = type(value).__name__
    if kind in _SEQUENCES:
        return Outline("sequence", list(value), (len(value),))
    if kind in _SETS:  # in an order that no hash seed shows in
        return Outline("sequence", sorted(value, key=encode), (len(value),))
    if kind in _MAPPINGS:
        return Outline("mapping", dict(value.items()))
    if kind in ("range", "slice", "ellipsis", "NotImplementedType"):
        return Outline("text", str(value))
    return _composite(value)


def _of_numpy(value: Any) -> Outline:
    if isinstance(value, np.str_):
        return Outline("text", str(value))
    if isinstance(value, np.bytes_):
        return Outline("text", bytes(value).decode("latin-1"))
    if isinstance(value, np.generic) and not isinstance(value, np.void):
        return Outline("numbers", np.asarray(value))
    if type(value) is np.ma.MaskedArray:
        return Outline("mapping", {"data": value.data, "mask": np.ma.getmaskarray(value)})
    if type(value) in (np.ndarray, np.memmap, np.matrix, np.recarray):
        return _array(value.view(np.ndarray))
    return _composite(value)


def _array(value: Any) -> Outline:
    if value.dtype.names is not None:
        return Outline("mapping", {field: value[field] for field in value.dtype.names})
    if value.dtype.kind in "OUST":
        elements = value.ravel("F").tolist()
        if value.dtype.kind == "S":
            elements = [element.decode("latin-1") for element in elements]
        return Outline("sequence", elements, value.shape or (1,))
    return Outline("numbers", value)


def _composite(value: Any) -> Outline:
    """Return the outline of a value made of others: named tuples and their like by their fields."""
    apart = take_apart(value)
    code, parts = apart if apart is not None else (0, [])
    if code == ext.ENUM:
        return Outline("text", str(parts[2] or parts[3]))
    if code in (ext.DATACLASS, ext.NAMEDTUPLE, ext.INSTANCE):
        fields = {name: content for part in parts[2:] for name, content in part.items()}
        return Outline("mapping", fields, (), True)
    if code == ext.SPARSE:
        return Outline("sparse", value)
    kind = type(value)
    raise Refused(f"a {kind.__module__}.{kind.__qualname__}", 'convert it, or ask for codec="auto"')
