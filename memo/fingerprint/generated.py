"""Classes that a generator wrote (dataclasses, attrs, namedtuple, enum): told by what they were generated from.

The generated code itself differs between versions of Python and of the generators.
"""

from __future__ import annotations

import sys
from types import FunctionType

from memo.fingerprint import boundary
from memo.fingerprint.framing import fold
from memo.fingerprint.graph import place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memo.fingerprint.graph import Graph
    from memo.fingerprint.node import Node

ATTRS_SWITCHES = ("__init__", "__repr__", "__str__", "__eq__", "__lt__", "__hash__", "__setattr__")
DATACLASS_SWITCHES = ("init", "repr", "eq", "order", "unsafe_hash", "frozen")
GENERATED = frozenset(
    [
        "__init__",
        "__repr__",
        "__eq__",
        "__lt__",
        "__le__",
        "__gt__",
        "__ge__",
        "__hash__",
        "__setattr__",
        "__delattr__",
        "__new__",
        "<lambda>",
        "__create_fn__",
    ]
)
# What the enum machinery keeps in each member, beside what the class's own `__new__` and `__init__` put there.
MEMBER_OWN = frozenset(("_value_", "_name_", "__objclass__", "_sort_order_", "_inverted_"))


def is_generated(cls: type, value: object) -> bool:
    """Tell what a generator of classes wrote into a class, by hand or by wrapping what it wrote."""
    function = value.__func__ if isinstance(value, (staticmethod, classmethod)) else value
    if type(function) is not FunctionType:
        return False
    function = function.__dict__.get("__wrapped__", function)
    if type(function) is not FunctionType:
        return False  # a wrapper of a callable object
    file = function.__code__.co_filename
    if file.startswith("<attrs generated"):
        return True
    if not ("_fields" in vars(cls) or "__dataclass_fields__" in vars(cls) or "__attrs_attrs__" in vars(cls)):
        return False
    if file == "<string>":
        return function.__name__ in GENERATED
    return boundary.origin_of_code(file, function.__globals__) != boundary.PROJECT


def is_enum(cls: type) -> bool:
    """Tell whether a class is an enum."""
    enum = sys.modules.get("enum")
    return enum is not None and isinstance(cls, enum.EnumMeta)


def describe_generated(graph: Graph, node: Node, cls: type) -> None:
    """Link what generated methods were made from: fields with defaults and factories, members with values."""
    space = vars(cls)
    if "__dataclass_fields__" in space:
        for name, field in space["__dataclass_fields__"].items():
            _describe(graph, node, f"f:{name}", field)
        switches = [getattr(space.get("__dataclass_params__"), name, None) for name in DATACLASS_SWITCHES]
        node.local = fold("dataclass", node.local, repr([switches, *space["__dataclass_fields__"]]).encode())
    if "__attrs_attrs__" in space:
        for field in space["__attrs_attrs__"]:
            _describe(graph, node, f"f:{field.name}", field)
        written = [name for name in ATTRS_SWITCHES if is_generated(cls, space.get(name))]
        order = [field.name for field in space["__attrs_attrs__"]]
        node.local = fold("attrs", node.local, repr([written, *order]).encode())
        for name in ("__setattr__", "__getattr__"):
            _link_hooks(graph, node, cls, name)
    if "_fields" in space and issubclass(cls, tuple):
        node.local = fold("namedtuple", node.local, repr(space["_fields"]).encode())
    if is_enum(cls):
        _describe_enum(graph, node, cls)


def _describe_enum(graph: Graph, node: Node, cls: Any) -> None:
    """Link the members of an enum with all that they hold, and what else stands in its class as plain data."""
    boundary_name = getattr(getattr(cls, "_boundary_", None), "name", None)
    node.local = fold("enum", node.local, repr([boundary_name, *cls._member_map_]).encode("utf-8", "surrogatepass"))
    for name, member in cls._member_map_.items():
        node.link(f"e:{name}", graph.visit(member._value_, f"{node.name}.{name}"))
        for attribute, held in sorted(vars(member).items()):
            if attribute not in MEMBER_OWN:
                places = [place(at, attribute) for at in (member, *cls.__mro__)]
                graph.token.read(member, attribute, held, *places)
                node.link(f"e:{name}.{attribute}", graph.visit(held, f"{node.name}.{name}.{attribute}"), *places)


def is_machinery(cls: Any, name: str, value: object) -> bool:
    """Tell what the enum machinery keeps in the class of an enum, from what its author wrote there."""
    if name in cls._member_map_:
        return True
    if name == "_missing_":
        function = getattr(value, "__func__", value)
        return not boundary.is_own_function(function)
    if name.startswith("__") and name.endswith("__"):
        return type(value) not in (FunctionType, staticmethod, classmethod, property)
    return name.startswith("_") and name.endswith("_")


def _describe(graph: Graph, node: Node, label: str, field: Any) -> None:
    """Link the attributes of a field; what is the same for all fields goes by its type's name."""
    for slot in type(field).__slots__:
        value = getattr(field, slot, None)
        if slot in ("_field_type", "__weakref__") or (slot == "metadata" and not value):
            continue
        if slot == "type" and not hasattr(value, "__args__"):
            value = value if isinstance(value, str) else getattr(value, "__qualname__", None) or _text_of(value)
        elif type(value).__module__ == "dataclasses" and type(value).__name__.startswith("_"):
            value = type(value).__name__
        node.link(f"{label}.{slot}", graph.visit(value, f"{node.name} {label}.{slot}"))


def _text_of(annotation: object) -> str:
    from memo.fingerprint.shown import as_text  # noqa: PLC0415 - loads `re`; few types are objects of a class

    return as_text(annotation)  # its own text may hold an address


def _link_hooks(graph: Graph, node: Node, cls: type, name: str) -> None:
    """Link the project's functions that a generated method holds: hooks of attributes, lazy properties."""
    method = vars(cls).get(name)
    if type(method) is not FunctionType or not is_generated(cls, method):
        return
    cells = [cell.cell_contents for cell in method.__closure__ or ()]
    for position, held in enumerate([*(method.__defaults__ or ()), *cells]):
        if type(held) in (dict, FunctionType):
            node.link(f"h:{name}.{position}", graph.visit(held, f"{node.name}.{name}"))
