"""State → the statements that fill it from a distance: through functions and methods, and from other modules.

A registry is filled where things are registered, seldom where it is defined.
"""

from __future__ import annotations

import sys
from types import FunctionType, ModuleType

from memo.fingerprint import boundary
from memo.fingerprint.code import local, rows_of
from memo.fingerprint.constants import IMMUTABLE
from memo.fingerprint.first import value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memo.fingerprint.code import Statement
    from memo.fingerprint.graph import Graph, Origin

    Space = dict[str, Any]

MAKING = ("__init__", "__new__", "__init_subclass__", "__set_name__", "__call__")
# What says that a value comes from outside the program, and so may differ though its statement is the same.
READS = frozenset(("open", "environ", "getenv", "argv", "urlopen", "connect", "fromfile", "genfromtxt", "input"))
STARTS = ("read", "load", "imread", "fetch")


def statements_elsewhere(graph: Graph, origin: Origin, space: Space) -> list[tuple[Space, list[Statement] | None]]:
    """Return, by module, the statements that reach a variable through functions; None if a text is not sure."""
    wanted = _Wanted(graph, origin, space)
    found: list[tuple[Space, list[Statement] | None]] = []
    for module in list(sys.modules.values()):
        other = getattr(module, "__dict__", None)
        if type(other) is not dict or (other is not space and not wanted.is_in(other)):
            continue
        if boundary.origin_of_namespace(other) != boundary.PROJECT:
            continue
        rows = rows_of(other)
        chosen = None if rows is None else [row for row in rows if not row.scope and wanted.touched_by(row, other)]
        # Of a console nothing is known but the names that it holds; that it holds the module's is no sign of a change.
        if chosen or (chosen is None and other is not space and wanted.is_named_in(other)):
            found.append((other, chosen))
    return sorted(found, key=lambda pair: str(pair[0].get("__name__")))


def reads_outside(space: Space, rows: list[Statement]) -> bool:
    """Tell whether statements, or a function that they call, read files, the environment or the like."""
    for row in rows:
        names = {*row.touched, *row.attributes}
        for name in row.touched:
            value = space.get(name.partition(".")[0])
            if type(value) is FunctionType and boundary.is_own_function(value):
                names |= _names(value)
        if any(name in READS or name.startswith(STARTS) for dotted in names for name in dotted.split(".")):
            return True
    return False


class _Wanted:
    """What a statement must touch to reach a variable: the object, or functions of its module that name it."""

    def __init__(self, graph: Graph, origin: Origin, space: Space) -> None:
        self._origin = origin
        self._space = space
        value = value_of(origin)
        reaching = _reaching(graph, origin, space)
        self._targets = {id(part): part for part in reaching}
        if type(value) not in (*IMMUTABLE, tuple, frozenset) and origin.kind == "global":
            self._targets[id(value)] = value
        holders = [cls for cls in space.values() if issubclass(type(cls), type) and _has_any(cls, self._targets)]
        self._known = {id(part) for part in (space, *self._targets.values(), *holders, origin.owner)}

    def is_in(self, other: Space) -> bool:
        """Tell whether a module has a name for any of it."""
        return any(id(_space_of(value) or value) in self._known for value in list(other.values()))

    def is_named_in(self, other: Space) -> bool:
        """Tell whether a module has a name of its own for the object, or for a function that changes it."""
        return any(id(value) in self._targets for value in list(other.values()))

    def touched_by(self, row: Statement, other: Space) -> bool:
        """Tell whether a statement touches any of it."""
        imported = {here for _, _, _, here in row.imports}
        names = {".".join(chain) for chain in row.loads} | (row.touched - imported)
        if other is self._space:  # its own statements are chosen by name; what is left is reached through a class
            names = {name for name in names if "." in name or issubclass(type(other.get(name)), type)}
        quoted = any(f"{mark}{self._origin.name}{mark}" in row.source for mark in "'\"") and other is not self._space
        if quoted and any(_space_of(other.get(name)) is self._space for name in names):
            return True
        return any(self._is_reached(other, name.split(".")) for name in names)

    def _is_reached(self, space: Space, parts: list[str]) -> bool:
        if parts[0] not in space:
            return False
        value = space[parts[0]]
        for part in parts[1:]:
            if id(value) in self._targets:
                return True
            if part == self._origin.name and (value is self._origin.owner or _space_of(value) is self._origin.owner):
                return True
            value = _member(value, part)
        return id(value) in self._targets


def _space_of(value: Any) -> Any:
    return vars(value) if issubclass(type(value), ModuleType) else None


def _member(value: Any, name: str) -> Any:
    if issubclass(type(value), ModuleType):
        return vars(value).get(name)
    for cls in (value if issubclass(type(value), type) else type(value)).__mro__:
        if name in vars(cls):
            found = vars(cls)[name]
            return getattr(found, "__func__", found)
    return None


def _has_any(cls: type, targets: dict[int, Any]) -> bool:
    return any(id(getattr(value, "__func__", value)) in targets for value in vars(cls).values())


def _reaching(graph: Graph, origin: Origin, space: Space) -> list[Any]:
    """Return the functions, methods and classes of a module that change a variable, at any depth.

    Of those that only call others which do, those are left out that the code in question reaches itself: to call
    them is to run it.
    """
    waiting: list[tuple[str, FunctionType, type | None]] = []
    for label, value in list(space.items()):
        if type(value) is FunctionType and value.__globals__ is space:
            waiting.append((label, value, None))
        elif issubclass(type(value), type) and value.__module__ == space.get("__name__"):
            raw = [(at, getattr(part, "__func__", part)) for at, part in vars(value).items()]
            waiting += [(at, part, value) for at, part in raw if type(part) is FunctionType]
    waiting = [entry for entry in waiting if entry[1] is not graph.entry]
    found: list[Any] = []
    reached: set[str] = set()
    grown = True
    while grown:
        grown = False
        for entry in list(waiting):
            label, function, owner = entry
            through = not graph.knows(function) and not reached.isdisjoint(_names(function))
            if through or _changes(function, origin):
                waiting.remove(entry)
                made = owner is not None and label in MAKING
                found += [function, owner] if made else [function]
                reached.add(owner.__name__ if owner is not None and made else label)
                grown = True
    return found


def _changes(function: FunctionType, origin: Origin) -> bool:
    """Tell whether a function changes a variable itself."""
    names, wanted = local(function).references, origin.name.partition(".")[0]
    if origin.kind == "global":
        whole = ("globals",) in names.loads and "update" in names.attributes
        return (
            whole
            or wanted in names.stores
            or any(root == wanted for scope, root, _, _ in names.mutations if scope != "p")
        )
    if origin.kind != "class":
        return False
    own = origin.owner.__name__
    if function.__name__ not in ("__init__", "__new__", "__post_init__", "__setstate__"):
        own_self = function.__code__.co_varnames[:1]
    else:
        own_self = ()
    return any(chain[:1] == (wanted,) and root in ("cls", own, *own_self) for _, root, chain, _ in names.mutations)


def _names(function: FunctionType) -> set[str]:
    """Return the names in a function's code, inner functions included."""
    found: set[str] = set()
    pending = [function.__code__]
    while pending:
        code = pending.pop()
        found.update(code.co_names)
        pending += [const for const in code.co_consts if type(const) is type(code)]
    return found
