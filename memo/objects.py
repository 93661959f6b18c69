"""Data and objects in the graph: constants, tables of functions, instances, partials, wrappers made of objects."""

from __future__ import annotations

import sys
from types import FunctionType, MappingProxyType, MethodType

from memo import boundary
from memo.constants import CONTAINERS, is_mutable, members, plain_digest, state
from memo.framing import fold
from memo.graph import place
from memo.node import Node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memo.graph import Graph

# What their objects hold is the state of the running process: locks, files, sockets, random streams.
OPAQUE_MODULES = frozenset(
    "logging threading _thread io _io socket _socket ssl selectors asyncio concurrent multiprocessing queue _queue "
    "subprocess sqlite3 weakref _weakref random _random contextvars _contextvars memo cas".split()
)
PARTIAL = "functools.partial"
NAMED_CALLERS = frozenset(("operator.methodcaller", "operator.attrgetter", "operator.itemgetter"))
FOREIGN_DEPTH_LIMIT = 200


def visit_object(graph: Graph, value: Any, name: str) -> Node | None:
    """Return the node of a value that is neither code nor a module."""
    plain = plain_digest(value)
    if plain is not None:
        return _visit_plain(graph, value, name, plain)
    kind = type(value)
    if kind in CONTAINERS or kind is MappingProxyType:
        return _visit_container(graph, value, name)
    type_name = f"{kind.__module__}.{kind.__qualname__}"
    if type_name == PARTIAL:
        return _visit_parts(graph, value, name, [("f", value.func), ("a", value.args), ("k", value.keywords)])
    if type_name in NAMED_CALLERS:
        arguments = value.__reduce__()[1]
        graph.use([part for text in arguments if isinstance(text, str) for part in text.split(".")])
        return _visit_parts(graph, value, name, [("a", arguments)])
    if kind in (property, staticmethod, classmethod):
        wrapped = [(part, getattr(value, part, None)) for part in ("fget", "fset", "fdel", "__func__")]
        return _visit_parts(graph, value, name, [pair for pair in wrapped if pair[1] is not None])
    if kind.__module__.partition(".")[0] in OPAQUE_MODULES and not hasattr(value, "__wrapped__"):
        return _opaque(graph, value, name)
    return _visit_instance(graph, value, name)


def _visit_plain(graph: Graph, value: object, name: str, digest: bytes) -> Node:
    _use_strings(graph, value)
    node = Node("value", name, boundary.PROJECT, fold("value", digest), value)
    if is_mutable(value):
        graph.token.plain(value, digest)
        graph.keep(value)
    return node


def _use_strings(graph: Graph, value: object, limit: int = 1000) -> None:
    """Count strings in data as used names: tables of names are a way to call methods."""
    if type(value) is str:
        if value.isidentifier():
            graph.use((value,))
    elif type(value) in CONTAINERS and len(value) <= limit:  # type: ignore[arg-type]
        parts = [*value, *value.values()] if isinstance(value, dict) else list(value)  # type: ignore[call-overload]
        graph.use([part for part in parts if type(part) is str and part.isidentifier()])
        for part in parts:
            if type(part) in CONTAINERS:
                _use_strings(graph, part, limit // 10)


def _visit_container(graph: Graph, value: Any, name: str) -> Node:
    node = Node("table", name, boundary.PROJECT, fold("table", type(value).__name__.encode()), value)
    if type(value) not in (tuple, frozenset):
        graph.token.container(value)

    def expand() -> None:
        for label, part in members(value):
            node.link(label, graph.visit(part, f"{name}[{int(label[:8])}]"))

    return graph.add(value, node, expand)


def _visit_parts(graph: Graph, value: object, name: str, parts: list[tuple[str, Any]]) -> Node:
    node = Node("object", name, boundary.PROJECT, fold("object", type(value).__qualname__.encode()), value)

    def expand() -> None:
        for label, part in parts:
            node.link(label, graph.visit(part, f"{name}.{label}"))

    return graph.add(value, node, expand)


def _opaque(graph: Graph, value: object, name: str) -> Node:
    kind = type(value)
    graph.note(f"what a {kind.__module__}.{kind.__qualname__} holds is not seen, only its type", name)
    return graph.add(value, graph.leaf(boundary.origin_of_class(kind), f"{kind.__module__}.{kind.__qualname__}"))


def _visit_instance(graph: Graph, value: Any, name: str) -> Node:
    """Follow an object: its class, and its attributes unless its own methods change them."""
    kind = type(value)
    enum = sys.modules.get("enum")
    local = fold("instance", kind.__qualname__.encode("utf-8", "surrogatepass"))
    node = Node("instance", name, boundary.PROJECT, local, value)

    def expand() -> None:
        node.link("t", graph.visit(kind, kind.__qualname__))
        if enum is not None and isinstance(value, enum.Enum):
            node.local = fold("member", local, str(value.name).encode("utf-8", "surrogatepass"))
            return
        held = _held(graph, value, name)
        for attribute, part in sorted(held.items()):
            if getattr(value, "__dict__", {}).get(attribute, value) is part:
                graph.token.read(value.__dict__, attribute, part)
            node.link(f"s:{attribute}", graph.visit(part, f"{name}.{attribute}"), place(kind, attribute))

    return graph.add(value, node, expand)


def _held(graph: Graph, value: Any, name: str) -> dict[str, object]:
    """Return what an object holds: all of it for the project's own, code and plain data for other people's."""
    held = state(value)
    kind = type(value)
    if type(value).__name__ == "_lru_cache_wrapper" or "__wrapped__" in held:
        return {"__wrapped__": value.__wrapped__}
    if boundary.origin_of_class(kind) == boundary.PROJECT:
        if not held and not hasattr(value, "__dict__") and kind.__basicsize__ > object.__basicsize__ + 32:
            graph.note(f"what a {kind.__qualname__} holds is not seen, only its type", name)
        return held
    for extra in ("py_func", "pyfunc", "func"):
        if type(getattr(value, extra, None)) in (FunctionType, MethodType):
            held[extra] = getattr(value, extra)
    if not held or len(held) > FOREIGN_DEPTH_LIMIT:
        graph.note(f"what a {kind.__module__}.{kind.__qualname__} holds is not seen, only its type", name)
        return {}
    return held
