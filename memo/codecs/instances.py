"""Named tuples, dataclasses, attrs classes and enum members as their class's name and their fields.

Owns the rule that nothing which is stored runs (I7): a class is only looked up among modules that are already loaded,
and an instance is made without its `__init__`, `__new__`, `__setstate__` or `__setattr__`. An instance whose class has
a say in how it is copied, or in how it dies, is left to pickle.
"""

from __future__ import annotations

import sys
import types
from collections import namedtuple

from cas import extension as ext
from memo.canonical.names import public_name
from memo.errors import CodecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from memo.codecs.composites import Apart

_MAIN = "__main__"
# These write `__getstate__` and `__setstate__` into frozen classes with slots, and theirs keep all fields.
_MAKERS = ("dataclasses", "attr._make")
_COPYING = ("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__copy__", "__deepcopy__")
_HEAP_TYPE = 1 << 9


def take_apart(value: Any) -> Apart | None:
    """Return class and fields of an instance; None if it would not come back exactly without its own code."""
    cls = type(value)
    if "enum" in sys.modules and isinstance(value, sys.modules["enum"].Enum):
        return _take_member_apart(value)
    if cls is types.SimpleNamespace:
        plain = all(type(name) is str for name in vars(value))
        return (ext.INSTANCE, [cls.__module__, cls.__qualname__, dict(vars(value))]) if plain else None
    described = _describe(cls)
    if described is None or lookup(cls.__module__, cls.__qualname__) is not cls:
        return None
    code, names, required, slots = described
    state = _state(value, slots)
    if state is None:
        return None
    name = [public_name(cls.__module__), cls.__qualname__]
    if code == ext.NAMEDTUPLE:
        fields = dict(zip(names, tuple.__iter__(value), strict=False))
        return (code, [*name, fields, state]) if len(fields) == tuple.__len__(value) == len(names) else None
    if code == ext.INSTANCE:
        return (code, [*name, state]) if state.keys() == required else None
    if not required <= state.keys():
        return None
    fields = {field: state.pop(field) for field in names if field in state}
    return code, [*name, fields, state]


def put_together(code: int, parts: list[Any]) -> Any:
    """Return the member or instance of these parts, made without running its class.

    Raises:
        CodecError: Its class is not loaded, or is another than it was.
    """
    module, qualname, *content = parts
    cls = lookup(module, qualname)
    if cls is None:
        raise CodecError(
            f"tree: expected the class {module}.{qualname}, which no loaded module has",
            f"import {module} at the top of the module of the cached function: no stored name causes an import",
        )
    if code == ext.ENUM:
        return _member(cls, *content)
    if cls is types.SimpleNamespace and code == ext.INSTANCE:
        return cls(**content[0])
    described = _describe(cls)
    if described is None or described.code != code or not all(type(part) is dict for part in content):
        raise _changed(cls)
    fields, others = content if len(content) == 2 else (content[0], {})
    if code == ext.NAMEDTUPLE:
        if tuple(fields) != described.names:
            raise _changed(cls)
        return _filled(tuple.__new__(cls, fields.values()), others, described.slots)
    if not described.required <= fields.keys() <= set(described.names):
        raise _changed(cls)
    return _filled(object.__new__(cls), {**fields, **others}, described.slots)


def _changed(cls: type) -> CodecError:
    return CodecError(
        f"tree: expected {cls.__module__}.{cls.__qualname__} as it was stored, got a class that differs",
        "the class has changed since: compute it again",
    )


class Description(namedtuple("Description", "code names required slots")):
    """What is known of a class of whose kind results are.

    Attributes:
        code: The tag of its kind.
        names: Its fields, in their order.
        required: The fields that every instance has.
        slots: The descriptors of its slots, by name.
    """

    __slots__ = ()


# By identity, since a metaclass may call two classes equal; the class is kept, so that no other gets its identity.
_descriptions: dict[int, tuple[type, Description | None]] = {}
_DESCRIBED_AT_ONCE = 1024


def _describe(cls: type) -> Description | None:
    """Return what is known of a class; None if it is none of the kinds, or has a say in how it is copied."""
    known = _descriptions.get(id(cls))
    if known is None:
        if len(_descriptions) >= _DESCRIBED_AT_ONCE:
            _descriptions.clear()
        known = _descriptions[id(cls)] = cls, _description(cls) if _is_plain(cls) else None
    return known[1]


def _description(cls: Any) -> Description | None:
    found = [(name, slot) for klass in reversed(cls.__mro__) for name, slot in vars(klass).items() if _is_slot(slot)]
    slots = dict(found)
    if len(slots) < len(found):  # one hides another
        return None
    if issubclass(cls, tuple):
        names: Any = getattr(cls, "_fields", None)
        texts = isinstance(names, tuple) and all(type(name) is str for name in names)
        return Description(ext.NAMEDTUPLE, names, set(), slots) if texts and len(set(names)) == len(names) else None
    fields = getattr(cls, "__dataclass_fields__", None)
    if isinstance(fields, dict):
        # An InitVar and a ClassVar are no fields.
        real = {name: field for name, field in fields.items() if field._field_type.name == "_FIELD"}  # noqa: SLF001
        return Description(ext.DATACLASS, tuple(real), {name for name in real if real[name].init}, slots)
    attributes = getattr(cls, "__attrs_attrs__", None)
    if isinstance(attributes, tuple):
        names = tuple(attribute.name for attribute in attributes)
        return Description(ext.INSTANCE, names, set(names), slots)
    return None


def _is_slot(member: object) -> bool:
    return type(member) is types.MemberDescriptorType


def _is_plain(cls: type) -> bool:
    """Return whether all state is in fields, attributes and slots, and the class leaves copying and dying to Python."""
    base: type = tuple if issubclass(cls, tuple) else object
    own = [klass for klass in cls.__mro__ if not issubclass(base, klass)]
    if not all(klass.__flags__ & _HEAP_TYPE for klass in own) or hasattr(cls, "__del__"):
        return False
    return not any(_is_own(cls, name) for name in _COPYING)


def _is_own(cls: type, name: str) -> bool:
    """Return whether a class defines a method of copying otherwise than Python, or who makes such classes, does."""
    found = getattr(cls, name, None)
    if found is None or found is getattr(object, name, None):
        return False
    return getattr(found, "__globals__", {}).get("__name__") not in _MAKERS


def _state(value: Any, slots: dict[str, Any]) -> dict[str, Any] | None:
    """Return filled slots and attributes by name, in their order; None where one hides another."""
    state: dict[str, Any] = {}
    for name, slot in slots.items():
        try:
            state[name] = slot.__get__(value)
        except AttributeError:
            continue  # never assigned
    attributes = getattr(value, "__dict__", {})
    if not state.keys().isdisjoint(attributes) or not all(type(name) is str for name in attributes):
        return None
    state.update(attributes)
    # attrs keeps a hash that another process computes otherwise.
    return None if "_attrs_cached_hash" in state else state


def _filled(value: Any, state: dict[str, Any], slots: dict[str, Any]) -> Any:
    """Return an instance with its slots and attributes set, past any `__setattr__`."""
    for name, content in state.items():
        slot = slots.get(name)
        if slot is not None:
            slot.__set__(value, content)
            continue
        try:
            object.__getattribute__(value, "__dict__")[sys.intern(name)] = content
        except AttributeError:
            raise _changed(type(value)) from None
    return value


def lookup(module: str, qualname: str) -> Any:
    """Return the class that a loaded module has under a name; None if there is none. Nothing runs for it."""
    at_home = isinstance(module, str) and module in (_MAIN, public_name(_MAIN))
    loaded = sys.modules.get(_MAIN if at_home else module) if isinstance(module, str) else None
    found: Any = loaded
    for step in qualname.split(".") if isinstance(qualname, str) else ():
        found = _members(found).get(step)
    return found if issubclass(type(found), type) else None


def _members(holder: Any) -> Any:
    """Return what a module or a class has, without asking a `__getattr__` of its own."""
    if issubclass(type(holder), types.ModuleType):
        return object.__getattribute__(holder, "__dict__")
    return type.__dict__["__dict__"].__get__(holder) if issubclass(type(holder), type) else {}


def _take_member_apart(value: Any) -> Apart | None:
    cls = type(value)
    if not _is_enum(cls) or lookup(cls.__module__, cls.__qualname__) is not cls:
        return None
    name = value._name_ if cls.__members__.get(value._name_) is value else None
    if name is None and not _combines(cls):
        return None
    return ext.ENUM, [public_name(cls.__module__), cls.__qualname__, name, value._value_]


def _member(cls: Any, name: str | None, value: Any) -> Any:
    """Return the member of a name and value; of flags also a combination, which has no name."""
    if not _is_enum(cls):
        raise _changed(cls)
    if name is None:
        if not _combines(cls) or type(value) is not int:
            raise _changed(cls)
        return cls(value)  # the enum module's own code alone: `_combines` has looked
    member = cls.__members__.get(name)
    if member is None or type(member._value_) is not type(value) or not _same(member._value_, value):
        raise _changed(cls)
    return member


def _same(one: Any, other: Any) -> bool:
    from memo.canonical import encode  # noqa: PLC0415 - equality may be anything, bytes are not

    return one is other or encode(one) == encode(other)


def _is_enum(cls: Any) -> bool:
    enum = sys.modules.get("enum")
    return enum is not None and type(cls) is enum.EnumMeta and not hasattr(cls, "__del__")


def _combines(cls: Any) -> bool:
    """Return whether a value that is no member makes a member by the enum module's own code."""
    flag: Any = sys.modules["enum"].Flag
    missing: Callable[..., Any] | None = getattr(getattr(cls, "_missing_", None), "__func__", None)
    own = missing is not flag._missing_.__func__ or cls._new_member_ not in (object.__new__, int.__new__)
    return issubclass(cls, flag) and not own
