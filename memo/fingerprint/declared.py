"""What a person declares of a function: `depends=`, `version=`, and the settings of the command line.

Counts for the function itself and for whoever calls it.
"""

from __future__ import annotations

from types import ModuleType

from memo.errors import UnstableFunction
from memo.fingerprint import boundary
from memo.fingerprint.constants import plain_digest
from memo.fingerprint.framing import fold
from memo.fingerprint.modules import visit_file, widen
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
        node = Node("module", given.__name__, boundary.PROJECT, fold("whole module"), given)
        widen(graph, node, vars(given))
        return node
    if isinstance(given, str) or hasattr(given, "__fspath__"):
        return visit_file(graph, given)
    return graph.visit(given, f"depends {given!r}")
