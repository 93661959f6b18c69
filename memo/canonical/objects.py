"""The writer of every value that has no table entry: finds the rule for its class, once.

Owns the order in which rules are asked, and the rules for enums, keyed classes, namespaces and random generators.
"""

from __future__ import annotations

import sys

from cas import extension as ext
from cas.extension import head
from memo.canonical import libraries, values
from memo.canonical.callables import KINDS, write_function, write_partial
from memo.canonical.containers import write_elements, write_named
from memo.canonical.instances import write_instance
from memo.canonical.names import write_class, write_name
from memo.canonical.scalars import write_str
from memo.canonical.walk import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memo.canonical.walk import Walk, Writer


def write_other(walk: Walk, value: Any) -> None:
    """Write a value whose type the table does not know, or refuse it."""
    cls = type(value)
    if hasattr(cls, "__memo_key__"):
        _write_keyed(walk, value)
        return
    writer = values.find(cls) or _find(cls)
    if writer is None:
        write_instance(walk, value)
        return
    walk.table[cls] = writer
    writer(walk, value)


def _find(cls: type) -> Writer | None:
    """Return the writer that serves every value of a class, or None."""
    if cls in KINDS:
        return KINDS[cls]
    if issubclass(cls, type):
        return write_class
    writer = _WRITERS.get((cls.__module__, cls.__qualname__))
    if writer is not None:
        return writer
    if "enum" in sys.modules and issubclass(cls, sys.modules["enum"].Enum):
        return _write_enum
    if "numpy" in sys.modules:  # else no value can be numpy's, and loading it costs 100 ms
        from memo.canonical import numerics  # noqa: PLC0415 - it needs numpy

        writer = numerics.find(cls)
    return writer or libraries.find(cls)


def _write_keyed(walk: Walk, value: Any) -> None:
    cls = type(value)
    try:
        key = value.__memo_key__()
    except Exception as error:  # the user's code: whatever it raises, the path says where
        raise Refused(f"a {cls.__qualname__} whose __memo_key__ raised {error!r}", "mend __memo_key__") from error
    walk.enter(value)
    walk.out.append(head(ext.KEYED, 3))
    write_name(walk, cls)
    try:
        walk.write(key)
    except Refused as refusal:
        refusal.steps.append(".__memo_key__()")
        raise
    walk.leave(value)


def _write_enum(walk: Walk, value: Any) -> None:
    """Write a member by class, name and value; a combination of flags has no name of its own."""
    cls = type(value)
    walk.enter(value)
    walk.out.append(head(ext.ENUM, 4))
    write_name(walk, cls)
    name = value._name_ if value._name_ in cls.__members__ else None
    write_elements(walk, (name, value._value_))
    walk.leave(value)


def _write_random(walk: Walk, value: Any) -> None:
    """Write a random.Random by the state of its generator."""
    walk.out.append(head(ext.INSTANCE, 3))
    write_name(walk, type(value))
    write_named(walk, {"state": value.getstate()})


def _write_namespace(walk: Walk, value: Any) -> None:
    walk.enter(value)
    walk.out.append(head(ext.INSTANCE, 3))
    write_name(walk, type(value))
    write_named(walk, dict(sorted(vars(value).items(), key=_name_of)))
    walk.leave(value)


def _name_of(item: tuple[object, object]) -> str:
    return str(item[0])


def _write_address(walk: Walk, value: Any) -> None:
    """Write an internet address or network as its text; what it has worked out of it is kept on the object."""
    walk.out.append(head(ext.KEYED, 3))
    write_name(walk, type(value))
    write_str(walk, str(value))


_WRITERS: dict[tuple[str, str], Writer] = {
    ("functools", "partial"): write_partial,
    ("functools", "_lru_cache_wrapper"): write_function,
    ("random", "Random"): _write_random,
    ("types", "SimpleNamespace"): _write_namespace,
    **{
        ("ipaddress", f"IPv{version}{kind}"): _write_address
        for version in (4, 6)
        for kind in ("Address", "Network", "Interface")
    },
}
