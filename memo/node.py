"""One node of the graph that a fingerprint is folded from, and the fold."""

from __future__ import annotations

from memo.framing import fold

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Place = tuple[int, str]


class Node:
    """A function, class, value, package or state that code depends on.

    Attributes:
        kind: `function`, `class`, `value`, `instance`, `package`, `state`, `note` and so on; the manifest's word.
        name: What a person calls it.
        origin: `project`, `python`, or a distribution with its version.
        local: Digest of it alone, without what it refers to.
        edges: What it refers to, by label.
        places: By label, where the reference was read; a place that code rebinds is state.
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
        self.places: dict[str, Place] = {}

    def link(self, label: str, target: Node | None, place: Place | None = None) -> None:
        """Add an edge; None stands for what needs none."""
        if target is None:
            return
        self.edges[label] = target
        if place is not None:
            self.places[label] = place


def order(root: Node, is_state: Callable[[Node, str], bool]) -> tuple[list[Node], dict[int, int]]:
    """Number the nodes by a depth-first walk in label order; what is state is not entered.

    The walk keeps its own stack: a chain of 3,000 calls must not overflow Python's.
    """
    nodes: list[Node] = []
    numbers: dict[int, int] = {}
    stack = [root]
    while stack:
        node = stack.pop()
        if id(node) in numbers:
            continue
        numbers[id(node)] = len(nodes)
        nodes.append(node)
        stack.extend(
            node.edges[label] for label in sorted(node.edges, reverse=True) if not is_state(node, label)
        )
    return nodes, numbers


def fold_graph(
    root: Node, local: Callable[[Node], bytes], is_state: Callable[[Node, str], bool]
) -> tuple[bytes, list[Node]]:
    """Return one digest of the graph's shape and of every node in it, and the nodes in order.

    The shape counts, because sets or sums of digests would not see two aliases swapped.
    """
    nodes, numbers = order(root, is_state)
    parts: list[bytes] = []
    for node in nodes:
        edges = [
            (label, -1 if is_state(node, label) else numbers[id(target)])
            for label, target in sorted(node.edges.items())
        ]
        parts += [local(node), repr(edges).encode("utf-8", "surrogatepass")]
    return fold("memo/graph/1", *parts), nodes
