"""What decides whether an object counts as one of a class's, and which of a pattern's places is which attribute.

Classes registered with an abstract base, the names that a protocol asks for, `__match_args__`: none of it is code.
"""

from __future__ import annotations

import sys

from memo.fingerprint import boundary
from memo.fingerprint.framing import fold

TYPE_CHECKING = False
if TYPE_CHECKING:
    from memo.fingerprint.graph import Graph
    from memo.fingerprint.node import Node


def describe_membership(graph: Graph, node: Node, cls: type) -> None:
    """Tell with a class what patterns and `isinstance` go by."""
    space = vars(cls)
    if "__match_args__" in space:
        node.local = fold("match", node.local, repr(space["__match_args__"]).encode("utf-8", "surrogatepass"))
    if space.get("__abstractmethods__"):
        node.local = fold("abstract", node.local, repr(sorted(cls.__abstractmethods__)).encode())  # type: ignore[attr-defined]
    if space.get("_is_protocol") and getattr(cls, "_is_runtime_protocol", False):
        names = {*space, *space.get("__annotations__", ())}
        asked = sorted(name for name in names if not name.startswith(("__", "_abc_", "_is_")))
        node.local = fold("protocol", node.local, repr(asked).encode("utf-8", "surrogatepass"))
    link_registered(graph, node, cls)


def link_registered(graph: Graph, node: Node, cls: type) -> None:
    """Link the project's classes that were registered with an abstract base class."""
    module = sys.modules.get("_abc")
    if module is None or "_abc_impl" not in vars(cls):
        return
    seen = module.get_cache_token()
    graph.token.test(lambda: module.get_cache_token() == seen)
    for reference in module._get_dump(cls)[0]:  # noqa: SLF001 - the only way to ask
        registered = reference()
        if registered is not None and boundary.origin_of_class(registered) == boundary.PROJECT:
            name = f"{boundary.module_of(registered)}.{registered.__qualname__}"
            node.link(f"v:{name}", graph.visit(registered, name))
