"""The writer of every value that has no table entry: finds the rule for its class, once.

Owns the order in which rules are asked, and the rules for enums, keyed classes, namespaces and random generators.
"""

from __future__ import annotations

import sys

from cas import extension as ext
from cas.extension import head
from memo.canonical import libraries, values
from memo.canonical.attributes import further, write_attributed
from memo.canonical.callables import KINDS, write_function, write_partial
from memo.canonical.containers import write_elements, write_named
from memo.canonical.instances import attributes_of, write_instance
from memo.canonical.names import write_class, write_name
from memo.canonical.scalars import write_str
from memo.canonical.values import write_dict_view
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
    if "random" in sys.modules and _is_random(cls, sys.modules["random"].Random):
        return _write_random
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
    if not walk.enter(value):
        return
    walk.opaque.add(id(value))
    walk.out.append(head(ext.KEYED, 3))
    write_name(walk, cls)
    try:
        walk.write(key)
    except Refused as refusal:
        refusal.steps.append(".__memo_key__()")
        raise
    walk.opaque.discard(id(value))
    walk.leave(value)


def _write_enum(walk: Walk, value: Any) -> None:
    """Write a member by class, name and value; a combination of flags has no name of its own."""
    cls = type(value)
    if not walk.enter(value):
        return
    walk.out.append(head(ext.ENUM, 4))
    write_name(walk, cls)
    name = value._name_ if value._name_ in cls.__members__ else None
    write_elements(walk, (name, value._value_))
    walk.leave(value)


def _is_random(cls: Any, base: Any) -> bool:
    """Return whether the state of an object is that of its generator, and its attributes: not if the system draws."""
    return issubclass(cls, base) and cls.__reduce__ is base.__reduce__ and cls.getstate is base.getstate


def _write_random(walk: Walk, value: Any) -> None:
    """Write a random.Random by the state of its generator, and by what was set on it."""
    attributes = attributes_of(value, sys.modules["random"].Random)
    attributes.pop("gauss_next", None)  # which is in the state
    write_attributed(walk, value, attributes, _write_random_state)


def _write_random_state(walk: Walk, value: Any) -> None:
    walk.out.append(head(ext.INSTANCE, 3))
    write_name(walk, type(value))
    write_named(walk, {"state": value.getstate()})


def _write_memory_file(walk: Walk, value: Any) -> None:
    """Write a file in memory by its content, by where it stands, and by what was set on it."""
    write_attributed(walk, value, further(value, ()), _write_memory_content)


def _write_memory_content(walk: Walk, value: Any) -> None:
    try:
        content, *newline, position, _ = value.__getstate__()
    except ValueError as error:
        raise Refused(f"a {type(value).__name__} that is closed", "pass it before it is closed") from error
    walk.out.append(head(ext.INSTANCE, 3))
    write_name(walk, type(value))
    write_named(walk, {"content": content, "position": position, **({"newline": newline[0]} if newline else {})})


def _write_namespace(walk: Walk, value: Any) -> None:
    if not walk.enter(value):
        return
    walk.out.append(head(ext.INSTANCE, 3))
    write_name(walk, type(value))
    write_named(walk, dict(sorted(vars(value).items(), key=_name_of)))
    walk.leave(value)


def _name_of(item: tuple[object, object]) -> str:
    return str(item[0])


def _write_address(walk: Walk, value: Any) -> None:
    """Write an internet address or network as its text; what it has worked out of it is kept on the object."""
    write_attributed(walk, value, address_attributes(value), _write_address_text)


def _write_address_text(walk: Walk, value: Any) -> None:
    walk.out.append(head(ext.KEYED, 3))
    write_name(walk, type(value))
    write_str(walk, str(value))


def address_attributes(value: Any) -> dict[str, Any]:
    """Return what was set on an address or network: not what it is made of, nor what its class works out."""
    cls = type(value)
    own = getattr(cls(str(value)), "__dict__", {}) if hasattr(value, "__dict__") else {}
    return further(value, {*own, *(name for klass in cls.__mro__ for name in vars(klass))})


_WRITERS: dict[tuple[str, str], Writer] = {
    ("functools", "partial"): write_partial,
    ("functools", "_lru_cache_wrapper"): write_function,
    ("types", "SimpleNamespace"): _write_namespace,
    **dict.fromkeys((("_io", "BytesIO"), ("_io", "StringIO")), _write_memory_file),
    **{("builtins", f"dict_{part}"): write_dict_view for part in ("keys", "values", "items")},
    **{("builtins", f"odict_{part}"): write_dict_view for part in ("keys", "values", "items")},
    **{
        ("ipaddress", f"IPv{version}{kind}"): _write_address
        for version in (4, 6)
        for kind in ("Address", "Network", "Interface")
    },
}
