"""Classes in the graph: bases, metaclass, class attributes, and the methods whose names are used.

Methods that the language itself calls (operators, context managers, descriptors, iteration) join at once, the rest as
their names come into use. What generators of classes (dataclasses, attrs, namedtuple, enum) wrote is told by what
it was generated from, since the generated code differs between versions of Python.
"""

from __future__ import annotations

import sys
from types import FunctionType

from memo.fingerprint import boundary
from memo.fingerprint.framing import fold
from memo.fingerprint.graph import place
from memo.fingerprint.modules import extension
from memo.fingerprint.node import Node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memo.fingerprint.graph import Graph

WRAPPERS = (property, staticmethod, classmethod)
# Written by Python or a decorator into the class; what they come from counts instead.
BOOKKEEPING = frozenset(
    [
        "__module__",
        "__doc__",
        "__qualname__",
        "__dict__",
        "__weakref__",
        "__firstlineno__",
        "__static_attributes__",
        "__annotations__",
        "__abstractmethods__",
        "_abc_impl",
        "__parameters__",
        "__orig_bases__",
        "__dataclass_fields__",
        "__dataclass_params__",
        "__attrs_attrs__",
        "__attrs_own_setattr__",
        "__attrs_props__",
        "__protocol_attrs__",
        "__non_callable_proto_members__",
        "__annotate__",
        "__annotate_func__",
        "__annotations_cache__",
        "__type_params__",
        "__match_args__",
        "__slots__",
        "__slotnames__",  # pickle notes it there the first time it meets the class
        "__classcell__",
        "__subclasshook__",
        "_is_protocol",
        "_is_runtime_protocol",
        "__replace__",
        "__callable_proto_members_only__",
        "__final__",
        "__attrs_base_of_slotted__",
        "__signature__",
        # What pydantic makes of fields, decorators and settings; addresses of classes are in it.
        "__pydantic_complete__",
        "__pydantic_core_schema__",
        "__pydantic_custom_init__",
        "__pydantic_extra_info__",
        "__pydantic_parent_namespace__",
        "__pydantic_post_init__",
        "__pydantic_serializer__",
        "__pydantic_setattr_handlers__",
        "__pydantic_validator__",
    ]
)
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
DESCRIPTORS = ("_tuplegetter", "member_descriptor", "getset_descriptor", "wrapper_descriptor", "method_descriptor")
# Bases that call none of their own methods' overrides beyond the language's protocols.
PLAIN_BASES = frozenset(("builtins", "abc", "typing", "enum", "_collections_abc", "typing_extensions"))
BASE_READERS = ("__orig_bases__", "get_original_bases")
DISPATCHED = ("visit_", "do_", "handle_", "depart_", "test")


def visit_class(graph: Graph, cls: type) -> Node | None:
    """Return the node of a class."""
    if boundary.is_builtin(cls):
        return graph.add(cls, graph.leaf(boundary.PYTHON, f"builtins.{cls.__qualname__}"))
    origin = boundary.origin_of_class(cls)
    if origin != boundary.PROJECT:
        top = boundary.module_of(cls).partition(".")[0]
        return graph.add(cls, graph.leaf(origin, f"{top}.{cls.__qualname__}"))
    name = class_name(cls)
    compiled = boundary.compiled_file(boundary.module_of(cls))
    if compiled is not None:
        return graph.add(cls, extension(compiled, name))
    node = Node("class", name, origin, fold("class", name.encode("utf-8", "surrogatepass")), cls)
    return graph.add(cls, node, lambda: _expand(graph, node, cls))


def class_name(cls: type) -> str:
    """Return a class's module and qualified name; a script's module goes by its file."""
    module = boundary.module_of(cls)
    if module in ("__main__", "__mp_main__"):
        # By its methods, since a class that was sent here by value is not of this process's `__main__`.
        spaces = [value.__globals__ for value in vars(cls).values() if type(value) is FunctionType]
        spaces = [space for space in spaces if space.get("__name__") == module]
        space = spaces[0] if spaces else vars(sys.modules[module]) if module in sys.modules else {}
        module = boundary.main_name(space)
    return f"{module.removesuffix('.__main__')}.{cls.__qualname__}"


def _expand(graph: Graph, node: Node, cls: type) -> None:
    graph.classes.append(cls)
    _complete(cls)
    mro = cls.__mro__
    for position, base in enumerate(mro[1:-1]):
        node.link(f"b:{position:04}", graph.visit(base, base.__qualname__))
    if type(cls) is not type:
        node.link("m", graph.visit(type(cls), type(cls).__qualname__))
    size = len(vars(cls))
    graph.token.test(lambda: len(vars(cls)) == size and cls.__mro__ is mro)
    graph.when_used("__subclasses__", lambda: _join_subclasses(graph, node, cls))
    # Parameters of generic bases, `Base[Item]`: what reads them may make objects of them.
    for name in BASE_READERS if "__orig_bases__" in vars(cls) else ():
        graph.when_used(name, lambda: node.link("o", graph.visit(vars(cls)["__orig_bases__"], f"{node.name} bases")))
    _describe_generated(graph, node, cls)
    foreign = _foreign_names(mro)
    enum = _is_enum(cls)
    for name, value in list(vars(cls).items()):
        if name in BOOKKEEPING or type(value).__name__ in DESCRIPTORS or _is_generated(cls, value):
            continue
        if enum and (name in cls._member_map_ or _is_sunder(name) or not is_code(value)):  # type: ignore[attr-defined]
            continue
        if not is_code(value) or _is_dunder(name) or name in foreign or (foreign and name.startswith(DISPATCHED)):
            _join(graph, node, cls, (name, value))
        else:
            graph.when_used(name, lambda name=name, value=value: _join(graph, node, cls, (name, value)))  # type: ignore[misc]


def _complete(cls: type) -> None:
    """Have pydantic look up the types that a model names before they exist, as its first use would."""
    if vars(cls).get("__pydantic_complete__") is False and hasattr(cls, "model_rebuild"):
        try:
            cls.model_rebuild(raise_errors=False)
        except Exception:  # noqa: BLE001 - the user's validators may raise anything; the call will raise it again
            return


def _join_subclasses(graph: Graph, node: Node, cls: type) -> None:
    found: list[type] = type.__subclasses__(cls)
    for derived in found:
        node.link(f"u:{class_name(derived)}", graph.visit(derived, derived.__qualname__))


def is_code(value: object) -> bool:
    """Tell whether a class attribute is a method of some kind, waiting to be called by name."""
    return type(value) in (FunctionType, *WRAPPERS) or type(value).__name__ in ("cached_property", "partialmethod")


def _join(graph: Graph, node: Node, cls: type, member: tuple[str, Any]) -> None:
    name, value = member
    # Methods and properties are code even if something assigns to their name: assigning to a property calls it.
    code = is_code(value) or hasattr(type(value), "__set__")
    places = () if code else (place(cls, name),)
    graph.token.read(cls, name, value, *places, code=code)
    for label, part in _parts(name, value):
        target = None
        if type(part) is FunctionType and not graph.knows(part):
            target = graph.visit_method(part, cls)
        node.link(label, target or graph.visit(part, f"{node.name}.{name}"), *places)


def _parts(name: str, value: Any) -> list[tuple[str, Any]]:
    """Return what a class attribute is made of: a property of up to three functions, a static method of one."""
    label = f"a:{name}"
    if type(value) is property:
        parts = [(f"{label}.{part}", getattr(value, part)) for part in ("fget", "fset", "fdel")]
        return [(at, part) for at, part in parts if part is not None]
    if type(value) in (staticmethod, classmethod):
        return [(f"{label}.{type(value).__name__}", value.__func__)]
    if type(value).__name__ == "cached_property" and hasattr(value, "func"):
        return [(f"{label}.cached_property", value.func)]
    return [(label, value)]


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _is_sunder(name: str) -> bool:
    return name.startswith("_") and name.endswith("_")


def _is_generated(cls: type, value: object) -> bool:
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


def _is_enum(cls: type) -> bool:
    enum = sys.modules.get("enum")
    return enum is not None and isinstance(cls, enum.EnumMeta)


def _foreign_names(mro: tuple[type, ...]) -> set[str]:
    """Return the names that Python code of other people's base classes may call on an instance."""
    names: set[str] = set()
    for base in mro[1:]:
        if boundary.module_of(base) not in PLAIN_BASES and boundary.origin_of_class(base) != boundary.PROJECT:
            names.update(vars(base))
    return names


def _describe_generated(graph: Graph, node: Node, cls: type) -> None:
    """Link what generated methods were made from: fields with defaults and factories, members with values."""
    space = vars(cls)
    if "__dataclass_fields__" in space:
        for name, field in space["__dataclass_fields__"].items():
            _describe(graph, node, f"f:{name}", field)
        switches = [getattr(space.get("__dataclass_params__"), name, None) for name in DATACLASS_SWITCHES]
        node.local = fold("dataclass", node.local, repr(switches).encode())
    if "__attrs_attrs__" in space:
        for field in space["__attrs_attrs__"]:
            _describe(graph, node, f"f:{field.name}", field)
        written = [name for name in ATTRS_SWITCHES if _is_generated(cls, space.get(name))]
        node.local = fold("attrs", node.local, repr(written).encode())
        for name in ("__setattr__", "__getattr__"):
            _link_hooks(graph, node, cls, name)
    if "_fields" in space and issubclass(cls, tuple):
        node.local = fold("namedtuple", node.local, repr(space["_fields"]).encode())
    if _is_enum(cls):
        for name, member in cls._member_map_.items():  # type: ignore[attr-defined]
            node.link(f"e:{name}", graph.visit(member._value_, f"{node.name}.{name}"))


def _describe(graph: Graph, node: Node, label: str, field: Any) -> None:
    """Link the attributes of a field; what is the same for all fields goes by its type's name."""
    for slot in type(field).__slots__:
        value = getattr(field, slot, None)
        if slot in ("_field_type", "__weakref__") or (slot == "metadata" and not value):
            continue
        if slot == "type" and not hasattr(value, "__args__"):
            value = value if isinstance(value, str) else getattr(value, "__qualname__", repr(value))
        elif type(value).__module__ == "dataclasses" and type(value).__name__.startswith("_"):
            value = type(value).__name__
        node.link(f"{label}.{slot}", graph.visit(value, f"{node.name} {label}.{slot}"))


def _link_hooks(graph: Graph, node: Node, cls: type, name: str) -> None:
    """Link the project's functions that a generated method holds: hooks of attributes, lazy properties."""
    method = vars(cls).get(name)
    if type(method) is not FunctionType or not _is_generated(cls, method):
        return
    cells = [cell.cell_contents for cell in method.__closure__ or ()]
    for position, held in enumerate([*(method.__defaults__ or ()), *cells]):
        if type(held) in (dict, FunctionType):
            node.link(f"h:{name}.{position}", graph.visit(held, f"{node.name}.{name}"))
