"""Writers of instances: the class's name, the content it has from a built-in base, and its attributes by value.

Owns what the state of an instance is, and leaves to `reduced` where some of it may be out of sight: an instance of a
class with C fields, or with its own way to be copied, might differ without its attributes differing (I6).
"""

from __future__ import annotations

import types

from cas import extension as ext
from cas.extension import head
from memo.canonical import values
from memo.canonical.containers import write_named
from memo.canonical.names import write_name
from memo.canonical.reduced import write_reduced
from memo.canonical.refusals import is_outside, refusal_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from memo.canonical.walk import Walk

# Bits of `type.__flags__` (CPython's Include/object.h): made by a class statement or its like; attributes kept
# outside the instance's own memory.
_HEAP_TYPE = 1 << 9
_MANAGED_DICT = 1 << 4
_POINTER = tuple.__itemsize__
# Where attrs keeps the hash of an instance, which is another in each process.
_CACHED_HASH = "_attrs_cached_hash"


def write_instance(walk: Walk, value: Any) -> None:
    """Write an instance of a class written in Python by its attributes, of another by what it gives to pickle."""
    cls = type(value)
    base = _base_of(cls)
    if cls is object or is_outside(cls):
        raise refusal_of(value)
    if base is None or cls.__reduce__ is not base.__reduce__ or cls.__reduce_ex__ is not base.__reduce_ex__:
        write_reduced(walk, value)
        return
    if not walk.enter(value):
        return
    attributes = attributes_of(value, base)
    if base is object:
        names = getattr(cls, "__dataclass_fields__", None)
        if names is None:
            _write(walk, ext.INSTANCE, cls, attributes)
        else:
            fields = {name: attributes.pop(name) for name in names if name in attributes}
            _write(walk, ext.DATACLASS, cls, fields, attributes)
    elif base is tuple and _is_namedtuple(value):
        fields = dict(zip(value._fields, tuple.__iter__(value), strict=True))
        _write(walk, ext.NAMEDTUPLE, cls, fields, attributes)
    else:
        walk.out.append(head(ext.SUBCLASS, 4))
        write_name(walk, cls)
        walk.write(_CONTENTS[base.__name__](base, value))
        write_named(walk, attributes)
    walk.leave(value)


def content_of(value: Any) -> Any:
    """Return what an object holds as an instance of a built-in class or one of its kind; None if it is of none."""
    base = next((klass for klass in type(value).__mro__ if _is_base(klass)), None)
    return None if base is None else _CONTENTS[base.__name__](base, value)


def _write(walk: Walk, code: int, cls: type, *states: dict[str, Any]) -> None:
    walk.out.append(head(code, 2 + len(states)))
    write_name(walk, cls)
    for state in states:
        write_named(walk, state)


def _base_of(cls: type) -> type | None:
    """Return the built-in class whose content an instance has, `object` if none; None if there is more to it."""
    base = next((klass for klass in cls.__mro__[1:] if _is_base(klass)), object)
    own = [klass for klass in cls.__mro__ if not issubclass(base, klass)]
    if not own or not all(klass.__flags__ & _HEAP_TYPE for klass in own):
        return None
    return base if cls.__basicsize__ <= _expected_size(cls, base, own) else None


def _is_base(klass: type) -> bool:
    if klass.__name__ not in _CONTENTS:
        return False
    return klass.__module__ == "builtins" or klass.__module__ == "numpy" or values.find(klass) is not None


def _expected_size(cls: type, base: type, own: list[type]) -> int:
    """Return how large an instance is if all its state is in attributes and slots, as `object.__reduce_ex__` does."""
    size = base.__basicsize__ + _POINTER * sum(len(list(_slots(klass))) for klass in own)
    if cls.__dictoffset__ and not base.__dictoffset__ and not cls.__flags__ & _MANAGED_DICT:
        size += _POINTER
    if cls.__weakrefoffset__ > 0 and not base.__weakrefoffset__:
        size += _POINTER
    return size


def _slots(klass: type) -> list[types.MemberDescriptorType]:
    if "__slots__" not in klass.__dict__:
        return []
    return [member for member in klass.__dict__.values() if type(member) is types.MemberDescriptorType]


def attributes_of(value: Any, base: type) -> dict[str, Any]:
    """Return attributes and filled slots by name, in the order of names: no order of assignment is part of a value."""
    found: dict[str, Any] = dict(getattr(value, "__dict__", None) or {})
    for klass in type(value).__mro__:
        if issubclass(base, klass):
            continue
        for slot in _slots(klass):
            try:
                content = slot.__get__(value)
            except AttributeError:
                continue  # never assigned
            # A slot hidden by a subclass's slot of the same name is still there.
            name = slot.__name__ if slot.__name__ not in found else f"{klass.__qualname__}.{slot.__name__}"
            found[name] = content
    found.pop(_CACHED_HASH, None)
    return {name: found[name] for name in sorted(found, key=str)}


def _is_namedtuple(value: Any) -> bool:
    names = getattr(value, "_fields", None)
    if type(names) is not tuple or len(set(names)) != tuple.__len__(value):
        return False
    return all(type(name) is str for name in names)


_CONTENTS: dict[str, Callable[[Any, Any], Any]] = {
    "int": lambda base, value: int.__index__(value),
    "float": lambda base, value: float.__float__(value),
    "complex": lambda base, value: complex(complex.real.__get__(value), complex.imag.__get__(value)),
    "str": lambda base, value: str.__str__(value),
    "bytes": lambda base, value: bytes.__getitem__(value, slice(None)),
    "bytearray": lambda base, value: bytearray(memoryview(value)),
    "list": lambda base, value: list.__getitem__(value, slice(None)),
    "tuple": lambda base, value: tuple.__getitem__(value, slice(None)),
    "dict": lambda base, value: dict(dict.items(value)),
    "set": lambda base, value: set(set.__iter__(value)),
    "frozenset": lambda base, value: frozenset(frozenset.__iter__(value)),
    "OrderedDict": lambda base, value: base(base.items(value)),
    "Counter": lambda base, value: base(dict(dict.items(value))),
    "defaultdict": lambda base, value: base(value.default_factory, dict.items(value)),
    "deque": lambda base, value: base(base.__iter__(value), value.maxlen),
    "Decimal": lambda base, value: base(value),
    "Fraction": lambda base, value: base(base.numerator.__get__(value), base.denominator.__get__(value)),
    "PosixPath": lambda base, value: base(base.__str__(value)),
    "WindowsPath": lambda base, value: base(base.__str__(value)),
    "PurePosixPath": lambda base, value: base(base.__str__(value)),
    "PureWindowsPath": lambda base, value: base(base.__str__(value)),
    "ndarray": lambda base, value: base.view(value, base),
    "memmap": lambda base, value: base.__base__.view(value, base.__base__),
}
