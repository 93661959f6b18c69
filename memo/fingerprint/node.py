"""One node of the graph that a fingerprint is folded from, and the fold."""

from __future__ import annotations

from memo.fingerprint.framing import fold

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from memo.fingerprint.token import Place


class Node:
    """A function, class, value, package or state that code depends on.

    Attributes:
        kind: `function`, `class`, `value`, `instance`, `package`, `state`, `note` and so on; the manifest's word.
        name: What a person calls it.
        origin: `project`, `python`, or a distribution with its version.
        local: Digest of it alone, without what it refers to.
        edges: What it refers to, by label.
        places: By label, where the reference was read; if code rebinds one of them, it is state.
        value: The live object.
    """

    __slots__ = ("edges", "kind", "local", "name", "origin", "places", "value")

    def __init__(self, kind: str, name: str, origin: str, local: bytes, value: Any = None) -> None:
        self.kind = kind
        self.name = name
        self.origin = origin
        self.local = local
        self.value = value
        self.edges: dict[str, Node] = {}
        self.places: dict[str, tuple[Place, ...]] = {}

    def link(self, label: str, target: Node | None, *places: Place) -> None:
        """Add an edge; None stands for what needs none."""
        if target is None:
            return
        self.edges[label] = target
        if places:
            self.places[label] = places


def fold_graph(
    root: Node, local: Callable[[Node], bytes], is_state: Callable[[Node, str], bool]
) -> tuple[bytes, list[Node]]:
    """Return one digest of the graph's shape and of every node in it, and the nodes in order.

    The shape counts, because sets or sums of digests would not see two aliases swapped. What refers to nothing is told
    by its digest, not its number: whether two equal constants are one object is the compiler's affair.
    """
    nodes, kept = _walk(root, is_state)
    inner = [node for node in nodes if kept[id(node)] or node is root]
    numbers = {id(node): number for number, node in enumerate(inner)}
    digests = {id(node): local(node) for node in nodes}
    parts: list[bytes] = []
    for node in inner:
        edges = [
            (label, numbers[id(target)] if id(target) in numbers else digests[id(target)].hex())
            for label, target in kept[id(node)]
        ]
        parts += [digests[id(node)], repr(edges).encode("utf-8", "surrogatepass")]
    return fold("memo/graph/1", *parts), nodes


def _walk(root: Node, is_state: Callable[[Node, str], bool]) -> tuple[list[Node], dict[int, list[tuple[str, Node]]]]:
    """Return the nodes by a depth-first walk in label order, and the edges of each that are not state.

    The walk keeps its own stack: a chain of 3,000 calls must not overflow Python's.
    """
    nodes: list[Node] = []
    kept: dict[int, list[tuple[str, Node]]] = {}
    stack = [root]
    while stack:
        node = stack.pop()
        if id(node) in kept:
            continue
        nodes.append(node)
        edges = kept[id(node)] = [edge for edge in sorted(node.edges.items()) if not is_state(node, edge[0])]
        stack.extend(target for _, target in reversed(edges))
    return nodes, kept
