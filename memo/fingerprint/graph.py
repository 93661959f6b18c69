"""The graph of everything that a function's behaviour depends on, grown from its roots to the project's boundary.

Each object is entered once, by identity. Methods wait until their name is used somewhere in what is reachable
(rapid type analysis): whole classes would make every edit a change, and find nothing more.
"""

from __future__ import annotations

from memo.fingerprint import boundary
from memo.fingerprint.constants import IMMUTABLE
from memo.fingerprint.framing import fold
from memo.fingerprint.node import Node
from memo.fingerprint.token import Token

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import FunctionType
    from typing import Any

    from memo.fingerprint.token import Place

# Called by other people's code on objects handed to it, and so never named in the project's own code.
DUCK_NAMES = frozenset(
    [
        "read",
        "readline",
        "readinto",
        "write",
        "flush",
        "close",
        "seek",
        "tell",
        "keys",
        "items",
        "values",
        "get",
        "acquire",
        "release",
        "send",
        "throw",
        "run",
        "fit",
        "predict",
        "transform",
        "fit_transform",
        "score",
        "forward",
        "default",
    ]
)

# Python keeps one `1`, one `()` and one `"name"` for all variables that hold it.
_REBOUND = IMMUTABLE | {tuple, frozenset}
# In use once code looks up a name of which nothing is known: any name that code puts together may be that one.
OPEN = "*open"
# In use once what was found under such a name is called: any method of any class may be that one.
EVERY = "*every"
# Functions outside the project that read annotations; used under any alias, they count as used by name.
READERS = frozenset(("get_type_hints", "get_annotations", "signature", "getfullargspec"))


class Graph:
    """Nodes, the names in use, and the methods that wait for theirs.

    Attributes:
        pin: How much of a distribution's version counts.
        token: What was read on the way.
        state: What the functions met so far change themselves.
        classes: The project's classes met.
        through_modules: Attributes read off modules, and where the module was named: names of methods only if code
            rebinds that.
        drawn: Tables that names are drawn from: where each was read, what it is, and the names that come into use if
            code changes it.
        told: The variables of which it is known what they start from.
        entry: The function whose fingerprint it is.
        leaves: What is outside the project.
        unseen: Objects that do not show what they hold: what the source says of them counts.
    """

    def __init__(
        self,
        pin: boundary.Pin,
        visit: Callable[[Graph, Any, str], Node | None],
        visit_method: Callable[[Graph, FunctionType, type], Node | None],
    ) -> None:
        self.pin = pin
        self.token = Token()
        self.notes: dict[str, Node] = {}
        self.state = State()
        self.classes: list[type] = []
        self.told: set[Place] = set()
        self.unseen: set[int] = set()
        self.leaves: list[Node] = []
        self.through_modules: list[tuple[Place, tuple[str, ...]]] = []
        self.drawn: list[tuple[Place, object, list[str]]] = []
        self.entry: object = None
        self._visit = visit
        self._visit_method = visit_method
        self._nodes: dict[int, Node] = {}
        self._kept: list[object] = []
        self._pending: list[Callable[[], None]] = []
        self._data: list[Callable[[], None]] = []
        self._used: set[str] = set()
        self._patterns: set[tuple[str, str]] = set()
        self._waiting: dict[str, list[Callable[[], None]]] = {}

    def visit(self, value: object, name: str) -> Node | None:
        """Return the node of a value, new or known; None for what needs none, such as a builtin."""
        known = self._nodes.get(id(value))
        return known if known is not None else self._visit(self, value, name)

    def visit_method(self, function: FunctionType, owner: type) -> Node | None:
        """Return the node of a function met in a class."""
        known = self._nodes.get(id(function))
        return known if known is not None else self._visit_method(self, function, owner)

    def add(self, value: object, node: Node, expand: Callable[[], None] | None = None) -> Node:
        """Enter the node of a value, to be expanded later."""
        self._nodes[id(value)] = node
        self._kept.append(value)
        if expand is not None:
            self._pending.append(expand)
        return node

    def add_data(self, value: object, node: Node, expand: Callable[[], None]) -> Node:
        """Enter the node of data, looked at after all code that is known: it may turn out to be state."""
        self.add(value, node)
        self._data.append(expand)
        return node

    def keep(self, value: object) -> None:
        """Keep a value alive, so that its identity stays its own."""
        self._kept.append(value)

    def knows(self, value: object) -> bool:
        """Tell whether a value has a node."""
        return id(value) in self._nodes

    def nodes(self) -> Iterable[Node]:
        """Return every node entered."""
        return self._nodes.values()

    def grow(self) -> None:
        """Expand until nothing is pending: the fixed point."""
        while self._pending or self._data:
            while self._pending:
                self._pending.pop()()
            if self._data:
                self._data.pop()()

    def use(self, names: Iterable[str]) -> None:
        """Count names as used, and free what waited for them."""
        for name in names:
            if name not in self._used:
                self._used.add(name)
                self._pending.extend(self._waiting.pop(name, ()))

    def use_pattern(self, start: str, end: str) -> None:
        """Count every name with a known start and end as used."""
        if (start, end) in self._patterns:
            return
        self._patterns.add((start, end))
        self.use([name for name in self._waiting if name.startswith(start) and name.endswith(end)])

    def uses(self, name: str) -> bool:
        """Tell whether a name is used anywhere in what has been reached."""
        return name in self._used

    def when_used(self, name: str, act: Callable[[], None]) -> None:
        """Act once a name is used, or soon if it is already."""
        if name in self._used or name in DUCK_NAMES or any(
            name.startswith(start) and name.endswith(end) for start, end in self._patterns
        ):  # fmt: skip
            self._used.add(name)
            self._pending.append(act)
        else:
            self._waiting.setdefault(name, []).append(act)

    def note(self, text: str, where: str) -> None:
        """Say in the manifest what the analysis could not see; notes do not count in the digest."""
        name = f"{where}: {text}"
        self.notes.setdefault(name, Node("note", name, boundary.PROJECT, b""))

    def leaf(self, origin: str, name: str) -> Node:
        """Return the node of something outside the project; its digest is `pinned`."""
        last = name.rpartition(".")[2]
        if last in READERS:
            self.use((last,))
        kind = "python" if origin in (boundary.PYTHON, boundary.OWN) else "package"
        node = Node(kind, name, origin, b"")
        self.leaves.append(node)
        return node

    def pinned(self, node: Node) -> bytes:
        """Return the digest of something outside the project: its name, and its distribution's pinned version."""
        origin = boundary.pinned(node.origin, self.pin)
        return fold("leaf", origin.encode(), node.name.encode("utf-8", "surrogatepass"))

    def lookup(self, space: Mapping[str, Any], name: str) -> tuple[bool, Any]:
        """Return whether a namespace has a name, and its value; either way it is watched."""
        try:
            value = space[name]
        except KeyError:
            self.token.missed(space, name)
            return False, None
        self.token.read(space, name, value)
        return True, value


class State:
    """The places that reachable code rebinds, and the objects that it changes in place.

    Attributes:
        places: Where a name is rebound.
        objects: What is changed in place, by identity.
        origins: The variables whose value leaves the fingerprint: what the source says of them comes in.
    """

    def __init__(self) -> None:
        self.places: set[Place] = set()
        self.objects: dict[int, object] = {}
        self.origins: dict[Place, Origin] = {}

    def change(self, value: object) -> None:
        """Note an object that is changed in place; one that cannot be is only ever rebound, and may stand elsewhere."""
        if type(value) not in _REBOUND:
            self.objects[id(value)] = value

    def start_at(self, kind: str, owner: Any, name: str, by: FunctionType | None = None, rebound: bool = False) -> None:
        """Note a variable that state starts from, the function that changes it, and whether it rebinds it."""
        origin = self.origins.setdefault((id(owner), name), Origin(kind, owner, name))
        origin.rebound |= rebound
        if by is not None:
            origin.changed_by.append(by)


class Origin:
    """A variable that state starts from: a name in a module or class, a closure's cell, or a default.

    Attributes:
        kind: `global`, `class`, `cell` or `default`.
        owner: The namespace, the class, or the function.
        name: The variable.
        changed_by: The functions that change it.
        rebound: Whether they give it new values, or change the one it has.
    """

    __slots__ = ("changed_by", "kind", "name", "owner", "rebound")

    def __init__(self, kind: str, owner: Any, name: str) -> None:
        self.kind = kind
        self.owner = owner
        self.name = name
        self.changed_by: list[FunctionType] = []
        self.rebound = False


def place(owner: object, name: str) -> Place:
    """Return where a name was read, as something to compare."""
    return id(owner), name
