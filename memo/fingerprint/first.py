"""The value that a variable had when a fingerprint first left it out, where no text tells what it starts from."""

from __future__ import annotations

from types import FunctionType

from memo.fingerprint import boundary
from memo.fingerprint.closure import defaults
from memo.fingerprint.code import local
from memo.fingerprint.constants import CONTAINERS, members, plain_digest, state
from memo.fingerprint.framing import fold

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memo.fingerprint.graph import Origin

DEPTH = 6
# The value of a variable when a fingerprint first left it out, with all that must be the same for it to be that one.
_first: dict[tuple[object, ...], tuple[list[object], bytes | None]] = {}
ABSENT = object()


def first_value(origin: Origin) -> bytes | None:
    """Return the digest of the value that a variable had when it was met first; None if it had none."""
    value = value_of(origin)
    codes: list[object] = [function.__code__ for function in origin.changed_by]
    watched: list[object] = [origin.owner, *codes]
    if not origin.rebound:
        watched.append(value)
    key = origin.kind, origin.name, *map(id, watched)
    if key not in _first:
        _first[key] = watched, None if value is ABSENT else _shape(value, DEPTH)
    return _first[key][1]


def value_of(origin: Origin) -> Any:
    """Return what a variable stands for now; `ABSENT` if it is not there."""
    owner, name = origin.owner, origin.name
    if origin.kind == "entry":
        return owner
    if origin.kind == "cell":
        return _contents(owner)[owner.__code__.co_freevars.index(name)]
    if origin.kind == "default":
        return {**defaults(owner), **(owner.__kwdefaults__ or {})}.get(name, ABSENT)
    first, *rest = name.split(".")
    value = owner.get(first, ABSENT) if origin.kind == "global" else vars(owner).get(first, ABSENT)
    for attribute in rest:
        value = getattr(value, attribute, ABSENT)
    return value


def _contents(function: FunctionType) -> list[object]:
    found: list[object] = []
    for cell in function.__closure__ or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:
            found.append(ABSENT)
    return found


def _shape(value: Any, depth: int) -> bytes:
    """Return a digest of a value and of what it holds, as far down as it is worth looking."""
    plain = plain_digest(value)
    if plain is not None:
        return plain
    kind = type(value)
    parts: list[tuple[str, Any]] = []
    if type(value) is FunctionType:
        held_values = (*_contents(value), *defaults(value).values()) if depth else ()
        return fold("function", local(value).digest, *[_shape(held, depth - 1) for held in held_values])
    if depth and kind in CONTAINERS:
        parts = members(value)[:1000]
    elif depth and boundary.origin_of_class(kind) == boundary.PROJECT and not isinstance(value, type):
        parts = sorted(state(value).items())
    encoded = [part for name, held in parts for part in (name.encode(), _shape(held, depth - 1))]
    return fold("object", kind.__qualname__.encode(), *encoded)
