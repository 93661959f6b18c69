"""The writer of what can be pickled and is written by no other rule: its `__reduce_ex__`, walked as a structure.

Owns how the parts of a reduction are written. Never a pickle's bytes: those show sharing, versions and protocols.
What a class leaves out of its pickle is no part of its values here either.
"""

from __future__ import annotations

import copyreg
import sys

from cas import extension as ext
from cas.extension import head, leaf
from memo.canonical.containers import write_named
from memo.canonical.names import public_name, report, write_name
from memo.canonical.refusals import is_refused, refusal_of
from memo.canonical.walk import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memo.canonical.walk import Walk

# The last protocol that gives everything in band.
_PROTOCOL = 4
_STATE = 2
_REDUCERS = {"__reduce__", "__reduce_ex__"}
# Made by a class statement or its like (CPython's Include/object.h).
_HEAP_TYPE = 1 << 9


def write_reduced(walk: Walk, value: Any) -> None:
    """Write an object by its class and by what it says that pickle would need to make it again."""
    cls = type(value)
    if is_refused(cls):
        raise refusal_of(value)
    reduced = _reduce(value)
    if isinstance(reduced, str):
        _write_global(walk, value, reduced)
        return
    given: list[Any] = [*reduced, *[None] * (6 - len(reduced))]
    make, positional, state, items, pairs, setter = given
    try:
        elements = [list(items or ()) or None, [list(pair) for pair in pairs or ()] or None]
    except Exception as error:  # as above: these are iterators of the class's own
        raise refusal_of(value) from error
    if state is None and _is_of_c(cls):
        attributes = getattr(value, "__dict__", None)
        state = attributes if type(attributes) is dict and attributes else None
    elif not state and _is_attributes(value, state):
        state = None  # an exception gets its empty `__dict__` when somebody looks, and says so from then on
    parts: list[Any] = [make, positional, state, *elements, setter]
    while parts[-1] is None:
        parts.pop()
    if not walk.enter(value):
        return
    walk.out.append(head(ext.REDUCED, 2 + len(parts)))
    write_name(walk, cls)
    # What it is made from identifies it; what is set on it afterwards may lead back to it.
    walk.opaque.add(id(value))
    try:
        walk.write(make)
        walk.write(positional)
        walk.opaque.discard(id(value))
        if len(parts) > _STATE:
            _write_state(walk, value, state)
        for part in parts[_STATE + 1 :]:
            walk.write(part)
    except Refused as refusal:
        refusal.steps.append(".__reduce_ex__()")
        raise
    walk.leave(value)


def _reduce(value: Any) -> str | tuple[Any, ...]:
    reduce = copyreg.dispatch_table.get(type(value))
    try:
        reduced: Any = reduce(value) if reduce is not None else value.__reduce_ex__(_PROTOCOL)
    except Exception as error:  # the class's own code: whatever it raises, there is no state to be seen
        raise refusal_of(value) from error
    if not isinstance(reduced, str) and not (type(reduced) is tuple and 2 <= len(reduced) <= 6):
        raise refusal_of(value)
    found: str | tuple[Any, ...] = reduced
    return found


def _is_of_c(cls: type) -> bool:
    """Return whether a class is reduced by one in C beneath it, which may not know of any attributes."""
    home = next(klass for klass in cls.__mro__ if vars(klass).keys() & _REDUCERS)
    return home is not object and not home.__flags__ & _HEAP_TYPE


def _write_global(walk: Walk, value: Any, name: str) -> None:
    """Write a value that is known by its name in a module."""
    module = getattr(value, "__module__", None) or type(value).__module__
    found: object = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not value:
        raise refusal_of(value)
    report(walk, type(value))
    walk.out.append(leaf(ext.CONSTANT, f"{public_name(module)}.{name}".encode()))


def _write_state(walk: Walk, value: Any, state: Any) -> None:
    """Write the third part: attributes in the order of their names, anything else as it is."""
    if type(state) is tuple and len(state) == 2 and _is_attributes(value, state[0]):
        walk.enter(state)
        walk.out.append(head(ext.TUPLE, 2))
        _write_attributes(walk, state[0])
        walk.write(state[1])
        walk.leave(state)
    elif _is_attributes(value, state):
        _write_attributes(walk, state)
    else:
        walk.write(state)


def _write_attributes(walk: Walk, attributes: dict[str, Any]) -> None:
    if walk.enter(attributes):
        write_named(walk, dict(sorted(attributes.items())))
        walk.leave(attributes)


def _is_attributes(value: Any, state: Any) -> bool:
    """Return whether a dict is that of an object's attributes, in which no order is meant."""
    attributes = getattr(value, "__dict__", None)
    if type(state) is not dict or type(attributes) is not dict or len(state) != len(attributes):
        return False
    return all(type(name) is str and attributes.get(name) is state[name] for name in state)
