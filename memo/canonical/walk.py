"""One walk over a value that writes it as a form.

Owns the state of the walk, its limits, and how it refuses. What is written for each type is the business of the table
of writers it walks with: `memo.canonical` for arguments, `memo.codecs.tree` for results.
"""

from __future__ import annotations

from cas import extension as ext
from cas.extension import leaf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Writer = Callable[["Walk", Any], None]

# Two frames a container, and Python's default limit is 1000 frames: what is deeper is refused, with its path.
DEPTH = 250
# Shared parts are written each time they are met, which doubles at every step of a chain of pairs: where containers
# of many parts are met again, this many parts may be written for them.
HEAVY = 64
AGAIN = 1 << 20
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
        active: The containers that the walk is inside of, by identity, with how many were entered before them.
        opaque: Those of them, by identity, that are being written as what identifies them: nothing leads back there.
        roots: Classes and functions met, by identity, in the order they were met.
        unordered: How many sets of several elements the walk is inside of.
    """

    __slots__ = (
        "_again",
        "_back",
        "_entered",
        "_heavy",
        "active",
        "opaque",
        "other",
        "out",
        "roots",
        "table",
        "unordered",
    )

    def __init__(self, table: dict[type, Writer], other: Writer, cyclic: bool = False) -> None:
        self.table = table
        self.other = other
        self.out: list[bytes] = []
        self.active: dict[int, int] = {}
        self.opaque: set[int] = set()
        self.roots: dict[int, Any] = {}
        self.unordered = 0
        self._entered = 0
        self._again = 0
        # How many references back were written; None where a value that contains itself has no form.
        self._back: int | None = 0 if cyclic else None
        # Each container of many parts, kept so that no other gets its identity, and how many it has.
        self._heavy: dict[int, tuple[object, int]] = {}

    def write(self, value: object) -> None:
        """Write any value."""
        self.table.get(type(value), self.other)(self, value)

    def enter(self, value: object) -> bool:
        """Note that the walk goes into a container; False if it is there already, and has written a reference back."""
        if id(value) in self.active:
            return not self.refer_back(value)
        if len(self.active) >= DEPTH:
            raise Refused(f"containers nested deeper than {DEPTH}", "pass a flatter value, such as an array")
        self.active[id(value)] = self._entered
        self._entered += 1
        if id(value) in self._heavy:
            self._again += self._heavy[id(value)][1]
        # What contains itself looks different from each place inside: there, all that is written counts.
        if self._again > AGAIN or (self._back and self._entered > AGAIN):
            raise Refused(
                f"a {type(value).__name__} that is met again and again, with all that is in it",
                "pass a value without shared parts, or give its class a __memo_key__",
            )
        return True

    def leave(self, value: object) -> None:
        """Note that the walk has left a container."""
        parts = self._entered - self.active.pop(id(value))
        if parts >= HEAVY:
            self._heavy[id(value)] = value, parts

    def refer_back(self, value: object) -> bool:
        """Write how many containers out the walk has entered a container, 1 for the innermost; False if it has not.

        Counted from where it stands, so equal values have equal forms wherever they stand (I6).
        """
        if id(value) not in self.active:
            return False
        if self._back is None:
            raise Refused(f"a {type(value).__name__} that contains itself", "pass a value without cycles")
        if id(value) in self.opaque:
            raise Refused(
                f"a {type(value).__name__} that contains itself in what identifies it", "leave the object out of that"
            )
        self._back += 1
        distance = len(self.active) - list(self.active).index(id(value))
        self.out.append(leaf(ext.BACK, bytes((distance,))))
        return True
