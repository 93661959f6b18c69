"""What users declare about classes that are not theirs: a function that returns the plain values behind an object.

Owns `memo.register_canonical`. Served from the same table as the built-in types, so that what is registered late
holds from the next call on.
"""

from __future__ import annotations

from cas import extension as ext
from cas.extension import head
from memo.canonical import WRITERS
from memo.canonical.containers import BUILTINS
from memo.canonical.names import write_name
from memo.canonical.walk import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from memo.canonical.walk import Walk

_registered: dict[type, Callable[[Any], object]] = {}


def register_canonical(cls: type, function: Callable[[Any], object]) -> None:
    """Have the objects of a class enter call keys as what a function returns for them.

    Holds for exactly this class, since a subclass may have more to it than the function knows of; goes before the
    class's own `__memo_key__`; a later registration replaces an earlier one.

    Args:
        cls: Any class but those of Python's own literals and containers.
        function: Given an object, returns plain values (or anything else with a canonical form) that differ wherever
            two objects are to be told apart. The class and its code count besides.

    Raises:
        TypeError: Not a class, or nothing to call.
        ValueError: A built-in type, which has one meaning for all.
    """
    if not isinstance(cls, type):
        raise TypeError(f"register_canonical: expected a class, got {cls!r}")
    if not callable(function):
        raise TypeError(f"register_canonical: expected a function for {cls.__qualname__}, got {function!r}")
    if cls in BUILTINS:
        raise ValueError(f"register_canonical: expected a class with no form of its own, got {cls.__qualname__}")
    _registered[cls] = function
    WRITERS[cls] = _write_registered


def unregister_canonical(cls: type) -> None:
    """Forget what was registered for a class; one that never was is no error."""
    if _registered.pop(cls, None) is not None:
        WRITERS.pop(cls, None)


def _write_registered(walk: Walk, value: Any) -> None:
    cls = type(value)
    try:
        plain = _registered[cls](value)
    except Exception as error:  # the user's code: whatever it raises, the path says where
        raise Refused(
            f"a {cls.__qualname__}, for which the function registered for it raised {error!r}", "mend that function"
        ) from error
    if not walk.enter(value):
        return
    walk.opaque.add(id(value))
    walk.out.append(head(ext.KEYED, 3))
    write_name(walk, cls)
    walk.write(plain)
    walk.opaque.discard(id(value))
    walk.leave(value)
