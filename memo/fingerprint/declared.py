"""What a person declares of a function: `depends=`, `version=`, and the settings of the command line.

Counts for the function itself and for whoever calls it.
"""

from __future__ import annotations

from types import ModuleType

from memo.errors import UnstableFunction
from memo.fingerprint import boundary
from memo.fingerprint.constants import plain_digest
from memo.fingerprint.framing import fold
from memo.fingerprint.imports import modules_in
from memo.fingerprint.modules import import_project, visit_file, widen
from memo.fingerprint.node import Node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from memo.fingerprint.graph import Graph


def visit_cached(graph: Graph, wrapper: Any) -> Node | None:
    """Return the node of a function that is cached itself: what it declares counts for whoever calls it, too."""
    inner = graph.visit(wrapper.__wrapped__, wrapper.__qualname__)
    handle = getattr(wrapper, "cache", None)
    if handle is None:
        return inner
    declared = handle.declared
    graph.pin = boundary.strictest(graph.pin, declared["pin"])
    if not declared["depends"] and declared["version"] is None:
        return inner
    node = Node("cached", boundary.full_name(wrapper), boundary.PROJECT, fold("cached"), wrapper)

    def expand() -> None:
        node.link("f", inner)
        link_declared(graph, node, declared["depends"], declared["version"])

    return graph.add(wrapper, node, expand)


def link_declared(graph: Graph, node: Node, depends: Iterable[Any], version: Any) -> None:
    """Link what `depends=` and `version=` declare.

    Raises:
        UnstableFunction: The version has no stable form.
    """
    for position, given in enumerate(depends):
        node.link(f"x:{position:04}", visit_depends(graph, given))
    if version is not None:
        node.link("s:version", setting("version=", version))


def setting(name: str, value: object) -> Node:
    """Return the node of a plain value that a person or the command line set."""
    digest = plain_digest(value)
    if digest is None:
        raise UnstableFunction(
            f"expected a plain value for {name}, found {value!r}", "give a number, a text, a date, or a tuple of such"
        )
    return Node("value", name, boundary.PROJECT, fold("setting", name.encode(), digest), value)


def visit_depends(graph: Graph, given: Any) -> Node | None:
    """Return the node of something declared by `depends=`: code, a whole module, or the path of a file."""
    if isinstance(given, ModuleType):
        return _visit_whole(graph, given)
    if isinstance(given, str) or hasattr(given, "__fspath__"):
        return visit_file(graph, given)
    if isinstance(given, type):
        _use_whole(graph, given)
    return graph.visit(given, f"depends {given!r}")


def _visit_whole(graph: Graph, module: ModuleType) -> Node:
    """Return the node of a module with everything in it: all methods of its classes, all modules of a package."""
    node = Node("module", module.__name__, boundary.PROJECT, fold("whole module"), module)
    if boundary.origin_of_namespace(vars(module)) != boundary.PROJECT:
        node.link("m", graph.visit(module, module.__name__))
        return node
    widen(graph, node, vars(module))
    for value in list(vars(module).values()):
        if isinstance(value, type):
            _use_whole(graph, value)
    for name in modules_in(module):
        inner = import_project(graph, node, name)
        if inner is not None:
            node.link(f"p:{name}", _visit_whole(graph, inner))
    return node


def _use_whole(graph: Graph, cls: type) -> None:
    """Count every method of a class of the project as used."""
    for base in cls.__mro__:
        if boundary.origin_of_class(base) == boundary.PROJECT:
            graph.use(vars(base))
