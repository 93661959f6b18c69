"""Data and objects in the graph: constants, tables of functions, instances, partials, wrappers made of objects."""

from __future__ import annotations

import sys
from types import (
    AsyncGeneratorType,
    CoroutineType,
    FunctionType,
    GeneratorType,
    GenericAlias,
    MappingProxyType,
    UnionType,
)

from memo.fingerprint import boundary, foreign
from memo.fingerprint.constants import (
    CONTAINERS,
    IMMUTABLE,
    attributes,
    content,
    content_digest,
    is_mutable,
    members,
    plain_digest,
    slots,
    state,
)
from memo.fingerprint.framing import fold
from memo.fingerprint.graph import place
from memo.fingerprint.imports import link_named
from memo.fingerprint.modules import extension
from memo.fingerprint.node import Node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memo.fingerprint.graph import Graph

# What their objects hold is the state of the running process: locks, files, sockets, random streams.
OPAQUE_MODULES = frozenset(
    [
        "logging",
        "threading",
        "_thread",
        "io",
        "_io",
        "socket",
        "_socket",
        "ssl",
        "selectors",
        "asyncio",
        "concurrent",
        "multiprocessing",
        "queue",
        "_queue",
        "subprocess",
        "sqlite3",
        "weakref",
        "_weakref",
        "random",
        "_random",
        "contextvars",
        "_contextvars",
        "memo",
        "cas",
        "pydantic_core",  # compiled from what stands beside it, with addresses of classes
    ]
)
# Of these, what they were made with makes no difference to a result.
PLUMBING = frozenset(("logging", "_thread", "asyncio", "concurrent", "multiprocessing", "socket", "_socket", "ssl",
                      "selectors", "subprocess", "memo", "cas", "pydantic_core"))  # fmt: skip
# Longer tables are data.
MANY = 1000
PARTIAL = "functools.partial"
# Where pydantic notes which fields were given a value: it changes with any of them.
FIELDS_SET = "__pydantic_fields_set__"
# What a wrapper calls itself after what it wraps: not the name of something that it is going to look up.
OWN_NAMES = frozenset(("__module__", "__name__", "__qualname__"))
NAMED_CALLERS = frozenset(("operator.methodcaller", "operator.attrgetter", "operator.itemgetter"))


def visit_object(graph: Graph, value: Any, name: str) -> Node | None:
    """Return the node of a value that is neither code nor a module."""
    kind = type(value)
    if kind in IMMUTABLE:
        plain = _text(value, name)
        _use_strings(graph, value, plain)
        return plain
    if is_opaque(kind) and boundary.ask(value, "__wrapped__") is None:
        return _opaque(graph, value, name)
    compiled = boundary.compiled_file(boundary.module_of(value)) if callable(value) else None
    if compiled is not None:
        return graph.add(value, extension(compiled, f"{value.__module__}.{getattr(value, '__qualname__', name)}"))
    node = Node("value", name, boundary.PROJECT, b"", value)
    return graph.add_data(value, node, lambda: _expand(graph, node, value))


def _expand(graph: Graph, node: Node, value: Any) -> None:
    if id(value) in graph.state.objects and type(value) in CONTAINERS:
        code = [(label, part) for label, part in members(value) if type(part) is FunctionType or isinstance(part, type)]
        _take_apart(graph, node, value, code)
        return
    plain = plain_digest(value)
    if plain is not None:
        _expand_plain(graph, node, value, plain)
        return
    kind = type(value)
    type_name = f"{boundary.module_of(kind)}.{kind.__qualname__}"
    if kind in CONTAINERS or kind is MappingProxyType:
        if kind not in (tuple, frozenset):
            graph.token.container(value)
        _take_apart(graph, node, value, members(value), "table")
    elif type_name == PARTIAL:
        _take_apart(graph, node, value, [("f", value.func), ("a", value.args), ("k", value.keywords)])
    elif type_name in NAMED_CALLERS:
        arguments = value.__reduce__()[1]
        graph.use([part for text in arguments if isinstance(text, str) for part in text.split(".")])
        _take_apart(graph, node, value, [("a", arguments)])
    elif isinstance(value, (GenericAlias, UnionType)) or (kind.__module__ == "typing" and hasattr(value, "__args__")):
        parts = [(part, getattr(value, part, None)) for part in ("__origin__", "__args__", "__metadata__")]
        _take_apart(graph, node, value, [pair for pair in parts if pair[1] is not None])
    elif kind in (property, staticmethod, classmethod):
        wrapped = [(part, getattr(value, part, None)) for part in ("fget", "fset", "fdel", "__func__")]
        _take_apart(graph, node, value, [pair for pair in wrapped if pair[1] is not None])
    else:
        _expand_instance(graph, node, value)


def _expand_plain(graph: Graph, node: Node, value: object, digest: bytes) -> None:
    _use_strings(graph, value, node)
    node.local = fold("value", digest)
    if is_mutable(value):
        graph.token.plain(value, digest)


def _take_apart(graph: Graph, node: Node, value: object, parts: list[tuple[str, Any]], kind: str = "object") -> None:
    node.kind = kind
    node.local = fold(kind, type(value).__qualname__.encode("utf-8", "surrogatepass"))
    for label, part in parts:
        shown = f"[{int(label[:8])}]" if kind == "table" else f".{label}"
        node.link(label, graph.visit(part, f"{node.name}{shown}"))


def is_opaque(kind: type) -> bool:
    """Tell the types whose objects are the state of a process."""
    module = boundary.module_of(kind)
    if kind is GeneratorType or kind is CoroutineType or kind is AsyncGeneratorType:
        return True
    return module.partition(".")[0] in OPAQUE_MODULES or module.startswith("numpy.random")


def _home(value: object) -> str | None:
    """Return the name under which someone else's module holds an object of its own, such as `scipy.stats.norm`."""
    kind = type(value)
    if boundary.origin_of_class(kind) == boundary.PROJECT:
        return None
    name, home = boundary.ask(value, "__qualname__"), boundary.module_of(value)
    named = isinstance(name, str) and home and callable(value) and boundary.ask(value, "__wrapped__") is None
    if named and boundary.origin_of_module(home) != boundary.PROJECT and not foreign.hidden_code(value):
        return f"{home.partition('.')[0]}.{name}"
    module = boundary.module_of(kind)
    while module:
        for name, held in vars(sys.modules[module]).items() if module in sys.modules else ():
            if held is value:
                return f"{module.partition('.')[0]}.{name}"
        module = module.rpartition(".")[0]
    return None


def _use_strings(graph: Graph, value: object, node: Node) -> None:
    """Count strings in data as used names: tables of names are a way to call methods, and to import modules."""
    texts: list[str] = []
    pending, budget = [value], MANY * 5
    while pending and budget > 0:
        part = pending.pop()
        if type(part) is str:
            texts.append(part)
        elif type(part) in CONTAINERS and len(part) <= MANY:  # type: ignore[arg-type]
            budget -= len(part)  # type: ignore[arg-type]
            pending += [*part, *part.values()] if isinstance(part, dict) else list(part)  # type: ignore[call-overload]
    names = [text for text in texts if all(map(str.isidentifier, text.lstrip(".").replace(":", ".", 1).split(".")))]
    pieces = [piece for name in names for piece in name.lstrip(".").replace(":", ".", 1).split(".")]
    # Methods of the language's own are in anyway; what is left, such as `__subclasses__`, is more often forbidden by a
    # table than called through it.
    graph.use([name for name in pieces if name == value or not (name.startswith("__") and name.endswith("__"))])
    if names:
        graph.when_used("import_module", lambda: link_named(graph, node, sorted(set(names)), {}))


def _opaque(graph: Graph, value: object, name: str) -> Node:
    kind = type(value)
    graph.note(f"what a {kind.__module__}.{kind.__qualname__} holds is not seen, only its type", name)
    if boundary.module_of(kind).partition(".")[0] not in PLUMBING or kind.__name__ == "_local":
        graph.unseen.add(id(value))
    node = graph.leaf(boundary.origin_of_class(kind), f"{kind.__module__}.{kind.__qualname__}")
    node.value = value
    return graph.add(value, node)


def _expand_instance(graph: Graph, node: Node, value: Any) -> None:
    """Follow an object: its class, what a built-in base holds, its attributes unless methods in reach change them."""
    kind = type(value)
    home = _home(value)
    if home is not None:
        leaf = graph.leaf(boundary.origin_of_class(kind), home)
        node.kind, node.name, node.origin, node.local = leaf.kind, leaf.name, leaf.origin, leaf.local
        return
    node.kind = "instance"
    node.local = fold("instance", kind.__qualname__.encode("utf-8", "surrogatepass"))
    node.link("t", graph.visit(kind, kind.__qualname__))
    enum = sys.modules.get("enum")
    if enum is not None and isinstance(value, enum.Enum):
        node.local = fold("member", node.local, str(value.name).encode("utf-8", "surrogatepass"))
        return
    _link_attributes(graph, node, value, _link_content(graph, node, value))


def _link_attributes(graph: Graph, node: Node, value: Any, has_content: bool) -> None:
    kind = type(value)
    own, described = attributes(value), slots(kind)
    is_own = [boundary.origin_of_class(cls) == boundary.PROJECT for cls in kind.__mro__[:-1]]
    graph.token.attributes(value, own if is_own[:1] == [True] else None, _lazy(kind))
    # A base class of other people's keeps its items in an attribute, as `UserDict` does.
    items = [] if has_content or all(is_own) else [place(cls, "") for cls in kind.__mro__]
    for attribute, part in sorted(_held(graph, value, node.name, has_content).items()):
        names = (attribute, *(own or ())) if attribute == FIELDS_SET else (attribute,)
        places = [place(at, name) for name in names for at in (value, *kind.__mro__)] + items
        if own is not None and attribute in own:
            graph.token.read(value, attribute, part, *places)
        elif attribute in described and described[attribute].__get__(value) is part:
            graph.token.slot(value, attribute, (described[attribute], part), *places)
        inner = f"{node.name}.{attribute}"
        named = attribute in OWN_NAMES and type(part) is str
        node.link(f"s:{attribute}", _text(part, inner) if named else graph.visit(part, inner), *places)


def _text(value: object, name: str) -> Node:
    """Return the node of a value that is compared or shown, and never looked up."""
    return Node("value", name, boundary.PROJECT, fold("value", plain_digest(value) or b""), value)


def _link_content(graph: Graph, node: Node, value: Any) -> bool:
    """Link what an object holds as a list, a dict, a number and so on; False if its class has no such base."""
    found = content(value)
    if found is None:
        return False
    inner, extra = found
    places = [place(cls, "") for cls in type(value).__mro__]
    for label, part in extra:
        node.link(f"v:{label}", graph.visit(part, f"{node.name}.{label}"))
    digest = plain_digest(inner)
    if digest is None:
        graph.token.container(value)
        for label, part in members(inner):
            node.link(f"v:{label}", graph.visit(part, f"{node.name}[{int(label[:8])}]"), *places)
        return True
    _use_strings(graph, inner, node)
    if is_mutable(inner):
        graph.token.content(value, digest, content_digest, *places)
    node.link("v", Node("value", node.name, boundary.PROJECT, fold("value", digest), inner), *places)
    return True


def _held(graph: Graph, value: Any, name: str, has_content: bool) -> dict[str, object]:
    """Return what an object holds: all of it for the project's own, code and plain data for other people's."""
    held, kind = state(value), type(value)
    held.pop("__doc__", None)
    if boundary.origin_of_class(kind) == boundary.PROJECT:
        lazy = _lazy(kind)
        held = {at: part for at, part in held.items() if at not in lazy}
        unseen = attributes(value) is None and kind.__basicsize__ > object.__basicsize__ + 32
    else:
        held = foreign.held(value, held, has_content)
        unseen = True
    if unseen and not held and not has_content:
        graph.note(f"what a {boundary.module_of(kind)}.{kind.__qualname__} holds is not seen, only its type", name)
        graph.unseen.add(id(value))
    return held


def _lazy(kind: type) -> set[str]:
    """Return the attributes that properties fill when they are first read."""
    return {
        name for cls in kind.__mro__ for name, held in vars(cls).items() if type(held).__name__ == "cached_property"
    }
