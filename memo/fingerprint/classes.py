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
from memo.fingerprint.generated import describe_generated, is_enum, is_generated, is_machinery
from memo.fingerprint.graph import EVERY, place
from memo.fingerprint.membership import describe_membership, link_registered
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
        "__match_args__",  # told with the class itself, since its names are no names of methods
        "__slots__",
        "__slotnames__",  # pickle notes it there the first time it meets the class
        "__classcell__",
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
        leaf = graph.add(cls, graph.leaf(origin, f"{top}.{cls.__qualname__}"))
        link_registered(graph, leaf, cls)
        return leaf
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
    describe_generated(graph, node, cls)
    describe_membership(graph, node, cls)
    foreign = _foreign_names(mro)
    enum = is_enum(cls)
    for name, value in list(vars(cls).items()):
        described = name == "__doc__" and not isinstance(value, str | None)  # a descriptor, or an object's own text
        if (name in BOOKKEEPING and not described) or type(value).__name__ in DESCRIPTORS or is_generated(cls, value):
            continue
        if (enum and is_machinery(cls, name, value)) or (name == "__subclasshook__" and not _is_own(value)):
            continue
        if not is_code(value) or _is_dunder(name) or name in foreign or (foreign and name.startswith(DISPATCHED)):
            _join(graph, node, cls, (name, value))
        else:
            # Under its own name, or under a mark that a decorator set on it: who looks for marks finds what has them.
            for used in (name, EVERY, *_marks(value)):
                graph.when_used(used, lambda name=name, value=value: _join(graph, node, cls, (name, value)))  # type: ignore[misc]


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
    if issubclass(type(value), (staticmethod, classmethod)):
        parts = [(f"{label}.{type(value).__name__}", value.__func__)]
        return parts if type(value) in WRAPPERS else [*parts, (f"{label}.type", type(value))]
    if type(value).__name__ == "cached_property" and hasattr(value, "func"):
        return [(f"{label}.cached_property", value.func)]
    return [(label, value)]


def _is_dunder(name: str) -> bool:
    """Tell the names that the language and the enum machinery call."""
    return (name.startswith("__") and name.endswith("__")) or name == "_missing_"


def _is_own(value: Any) -> bool:
    return boundary.is_own_function(getattr(value, "__func__", value))


def _marks(value: Any) -> list[str]:
    """Return the attributes that decorators set on a method."""
    function = getattr(value, "fget", None) or getattr(value, "__func__", value)
    return [name for name in getattr(function, "__dict__", ()) if not _is_dunder(name)]


def _foreign_names(mro: tuple[type, ...]) -> set[str]:
    """Return the names that Python code of other people's base classes may call on an instance."""
    names: set[str] = set()
    for base in mro[1:]:
        if boundary.module_of(base) not in PLAIN_BASES and boundary.origin_of_class(base) != boundary.PROJECT:
            names.update(vars(base))
    return names
