"""One node of the graph that a fingerprint is folded from, and the fold."""

from __future__ import annotations

from memo.fingerprint.framing import fold

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from memo.fingerprint.token import Place

    Row = tuple["Node", bytes, list[tuple[str, int]]]
    """A node, its own digest, and what it refers to: labels and places in the list of rows."""


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
) -> tuple[bytes, list[Row]]:
    """Return one digest of the graph's shape and of every node in it, and the rows it was folded from."""
    nodes, kept = _walk(root, is_state)
    # What refers to nothing is told by its digest: whether two equal constants are one object is the compiler's affair.
    places: dict[int, int] = {}
    rows: list[Row] = []
    leaves: dict[tuple[str, str, str, bytes], int] = {}
    for node in nodes:
        digest = local(node)
        described = node.kind, node.name, node.origin, digest
        if kept[id(node)] or node is root or described not in leaves:
            if not kept[id(node)]:
                leaves[described] = len(rows)
            places[id(node)] = len(rows)
            rows.append((node, digest, []))
        else:
            places[id(node)] = leaves[described]
    for node, _, links in rows:
        links += [(label, places[id(target)]) for label, target in kept[id(node)]]
    return fold_rows([(digest, links) for _, digest, links in rows]), rows


def fold_rows(rows: Sequence[tuple[bytes, Sequence[tuple[str, int]]]]) -> bytes:
    """Return the digest of a graph given as rows: each node's own digest, and its links by label and place.

    The shape counts, because sets or sums of digests would not see two aliases swapped.
    """
    numbers: dict[int, int] = {}
    for place, (_, links) in enumerate(rows):
        if links or not place:
            numbers[place] = len(numbers)
    parts: list[bytes] = []
    for place in numbers:
        digest, links = rows[place]
        edges = [(label, numbers[to] if to in numbers else rows[to][0].hex()) for label, to in links]
        parts += [digest, repr(edges).encode("utf-8", "surrogatepass")]
    return fold("memo/graph/2", *parts)


def counted(root: Node, is_state: Callable[[Node, str], bool]) -> set[int]:
    """Return the identities of the values that count; what only state leads to does not."""
    return {id(node.value) for node in _walk(root, is_state)[0]}


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
