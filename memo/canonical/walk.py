"""One walk over a value that writes it as a form.

Owns the state of the walk, its limits, and how it refuses. What is written for each type is the business of the table
of writers it walks with: `memo.canonical` for arguments, `memo.codecs.tree` for results.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Writer = Callable[["Walk", Any], None]

# Two frames a container, and Python's default limit is 1000 frames: what is deeper is refused, with its path.
DEPTH = 250
_OWN = (
    "pass the plain values it is made of, or say what identifies it: by a __memo_key__ method of its class, "
    "or by memo.register_canonical"
)


class Refused(Exception):  # noqa: N818 - a signal inside this package, turned into an error at its door
    """A value has no form; the steps that lead to it are added as the walk unwinds, innermost first."""

    def __init__(self, reason: str, hint: str = _OWN) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.steps: list[str] = []

    def path(self, root: str) -> str:
        """Return where the value stands, such as `config["rng"]`."""
        return root + "".join(reversed(self.steps))


class Walk:
    """The state of one walk.

    Attributes:
        table: Writers by exact type.
        other: Writer of every type that is not in the table.
        out: The pieces written so far; a set swaps it while it collects its elements.
        active: Identities of the containers that the walk is inside of.
        roots: Classes and functions met, by identity, in the order they were met.
        unordered: How many sets of several elements the walk is inside of.
    """

    __slots__ = ("active", "other", "out", "roots", "table", "unordered")

    def __init__(self, table: dict[type, Writer], other: Writer) -> None:
        self.table = table
        self.other = other
        self.out: list[bytes] = []
        self.active: set[int] = set()
        self.roots: dict[int, Any] = {}
        self.unordered = 0

    def write(self, value: object) -> None:
        """Write any value."""
        self.table.get(type(value), self.other)(self, value)

    def enter(self, value: object) -> None:
        """Note that the walk goes into a container."""
        if id(value) in self.active:
            raise Refused(f"a {type(value).__name__} that contains itself", "pass a value without cycles")
        if len(self.active) >= DEPTH:
            raise Refused(f"containers nested deeper than {DEPTH}", "pass a flatter value, such as an array")
        self.active.add(id(value))

    def leave(self, value: object) -> None:
        """Note that the walk has left a container."""
        self.active.remove(id(value))
