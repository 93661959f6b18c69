"""Lookups by a name that is put together at run time, in the graph: what they may reach counts.

The known start and end of a name narrow it, and so does a table of constants that it is drawn from.
"""

from __future__ import annotations

import builtins
from types import ModuleType

from memo.fingerprint import boundary
from memo.fingerprint.code import local
from memo.fingerprint.constants import CONTAINERS, plain_digest
from memo.fingerprint.graph import EVERY, OPEN, place
from memo.fingerprint.modules import widen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FunctionType
    from typing import Any

    from memo.fingerprint.graph import Graph
    from memo.fingerprint.node import Node


def use_computed(graph: Graph, node: Node, function: FunctionType, owner: type | None) -> None:
    """Free what `getattr` with a computed name may reach: by its known ends, else all of what it is asked of."""
    for root, start, end, called, tables in local(function).references.computed:
        target = _target(function, root)
        if start or end:
            graph.use_pattern(start, end)
        elif tables is None and target is None:
            graph.use((OPEN,))
        own = root == "cls" or (root,) == function.__code__.co_varnames[:1]
        if called and tables is None and target is None and not (start or end or (own and owner is not None)):
            graph.note("getattr with a computed name, and a call of what it gives; every method counts", node.name)
            graph.use((EVERY,))
        if not (start or end) and called and owner is not None and own:
            every = [name for cls in owner.__mro__[:-1] for name in vars(cls)]
            if tables is None or not all(_draw(graph, function, table, every) for table in tables):
                graph.note("getattr with a computed name on self; every method counts", node.name)
                graph.use(every)
        if called and not (start or end) and tables is None and isinstance(target, type):
            graph.use([name for cls in target.__mro__[:-1] for name in vars(cls)])
        if isinstance(target, ModuleType) and boundary.origin_of_namespace(vars(target)) == boundary.PROJECT:
            graph.note(f"getattr with a computed name on {root}; the whole module counts", node.name)
            widen(graph, node, vars(target))

    for start, end in local(function).references.formed:
        graph.when_used(OPEN, lambda start=start, end=end: graph.use_pattern(start, end))  # type: ignore[misc]


def _target(function: FunctionType, root: str) -> Any:
    """Return the module or class that a global name with attributes stands for; None if it is neither."""
    first, *rest = root.split(".")
    value = function.__globals__.get(first)
    for name in rest:
        value = vars(value).get(name) if isinstance(value, ModuleType) else None
    return value if isinstance(value, (ModuleType, type)) else None


def _draw(graph: Graph, function: FunctionType, table: str, every: list[str]) -> bool:
    """Free the names that a global table of constants holds, and, should it turn out to change, every name."""
    space = function.__globals__
    if table in function.__code__.co_freevars:
        return False
    if table not in space:
        return table in vars(builtins)  # such as `sorted`, which hands on what it is given
    if plain_digest(space[table]) is None:
        return False
    graph.use(_strings_in(space[table]))
    graph.drawn.append((place(space, table), space[table], every))
    return True


def _strings_in(value: Any) -> list[str]:
    """Return the strings in plain data, however deep."""
    found: list[str] = []
    pending = [value]
    while pending:
        part = pending.pop()
        if type(part) is str:
            found.append(part)
        elif type(part) in CONTAINERS:
            pending.extend([*part, *part.values()] if type(part) is dict else part)
    return found
