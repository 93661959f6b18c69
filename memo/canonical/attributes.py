"""Attributes that somebody has set on a library's object, such as `frame.name = "run 1"`: they are part of the value.

Owns how they join a form that does not know of them: as an instance of a subclass would be written. An object without
any keeps its form.
"""

from __future__ import annotations

from cas import extension as ext
from cas.extension import head
from memo.canonical.containers import write_named
from memo.canonical.names import write_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Any

    from memo.canonical.walk import Walk


def further(value: Any, known: Collection[str]) -> dict[str, Any]:
    """Return the attributes of an object, in the order of their names, that are none of the library's own."""
    found = getattr(value, "__dict__", {})
    return {name: found[name] for name in sorted(found, key=str) if name not in known}


def write_attributed(walk: Walk, value: Any, attributes: dict[str, Any], write: Callable[[Walk, Any], None]) -> None:
    """Write an object as what `write` writes of it, and the attributes that were set on it."""
    if not attributes:
        write(walk, value)
        return
    if walk.refer_back(value):
        return
    walk.out.append(head(ext.SUBCLASS, 4))
    write_name(walk, type(value))
    write(walk, value)
    walk.enter(value)  # again: `write` has left it
    write_named(walk, attributes)
    walk.leave(value)
