"""State → what the source says it starts from: the statements that made it, in place of a value that changes.

Where no text is sure to be what was loaded (a console, `exec`, a file edited since the process began), the value that
this process saw first counts instead, and a note says so. Keeps I5: what is told never changes as the program runs.
"""

from __future__ import annotations

import sys
from types import FunctionType, MethodType, ModuleType

from memo.fingerprint import boundary
from memo.fingerprint.bytecode import contains
from memo.fingerprint.code import rows_of
from memo.fingerprint.elsewhere import reads_outside, statements_elsewhere
from memo.fingerprint.first import first_value
from memo.fingerprint.framing import fold
from memo.fingerprint.graph import place
from memo.fingerprint.modules import absolute
from memo.fingerprint.node import Node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from memo.fingerprint.code import Statement
    from memo.fingerprint.graph import Graph, Origin


def add_initial(graph: Graph, root: Node, is_state: Callable[[Node, str], bool]) -> bool:
    """Link what state starts from to the root, and return whether there was anything new."""
    _find_holders(graph, root, is_state)
    for at, attributes in graph.through_modules:
        if at in graph.state.places:
            graph.use(attributes)
    for at, table, names in graph.drawn:
        if at in graph.state.places or id(table) in graph.state.objects:
            graph.use(names)
    fresh = [key for key in graph.state.origins if key not in graph.told]
    for key in fresh:
        graph.told.add(key)
        origin = graph.state.origins[key]
        node = _describe(graph, origin)
        if node is None:
            continue
        label = f"0:{origin.kind}:{node.name}"
        while label in root.edges:
            label += "'"
        root.link(label, node)
    return bool(fresh)


def _describe(graph: Graph, origin: Origin) -> Node | None:
    name = _full_name(origin)
    if origin.kind == "cell" or (origin.kind == "default" and "<locals>" in origin.owner.__qualname__):
        outer = _encloser(origin.owner)
        if outer is not None:
            return graph.visit(outer, name)
    else:
        space = _space(origin)
        rows = rows_of(space) if space is not None else None
        if space is not None and rows is not None:
            chosen = _chosen(origin, rows) or _starred(graph, origin, rows)
            node = _tell(graph, space, name, chosen)
            return _add_elsewhere(graph, origin, node, (space, chosen))
    return _tell_first(graph, origin, name)


def _add_elsewhere(
    graph: Graph, origin: Origin, node: Node | None, told: tuple[dict[str, Any], list[Statement]]
) -> Node | None:
    """Add what other statements do to a variable, and, if the text does not tell all of it, its first value."""
    space, chosen = told
    name, unsure = _full_name(origin), reads_outside(space, chosen)
    parts: list[tuple[str, Node | None]] = []
    for other, rows in statements_elsewhere(graph, origin, space):
        unsure |= rows is None or reads_outside(other, rows)
        fresh = [row for row in rows or () if row not in chosen]
        part = _tell(graph, other, f"{name}, in {boundary.module_name(other)}", fresh)
        parts += [(f"e:{boundary.module_name(other)}", part)] if part is not None else []
    if unsure:
        parts.append(("e:first", _tell_first(graph, origin, name)))
    if parts and node is None:
        node = Node("initial", name, boundary.PROJECT, fold("initial"))
    for label, part in parts:
        if node is not None:
            node.link(label, part)
    return node


def _tell_first(graph: Graph, origin: Origin, name: str) -> Node | None:
    first = first_value(origin)
    if first is None:
        return None
    graph.note("what it starts from is not in a text; its first value in this process counts", name)
    return Node("initial", name, boundary.PROJECT, fold("first", first))


def _full_name(origin: Origin) -> str:
    owner, name = origin.owner, origin.name
    if origin.kind == "global":
        return f"{boundary.module_name(owner)}.{name}"
    if origin.kind == "entry":
        return f"{type(owner).__module__}.{type(owner).__qualname__}"
    return f"{boundary.module_of(owner)}.{owner.__qualname__}.{name}"


def _space(origin: Origin) -> dict[str, Any] | None:
    if origin.kind == "global":
        space: dict[str, Any] = origin.owner
        return space
    if origin.kind == "default":
        return origin.owner.__globals__  # type: ignore[no-any-return]
    module = sys.modules.get(boundary.module_of(origin.owner)) if origin.kind == "class" else None
    return vars(module) if module is not None and "<locals>" not in origin.owner.__qualname__ else None


def _chosen(origin: Origin, rows: list[Statement]) -> list[Statement]:
    """Return the statements that touch a variable when its module is loaded."""
    if origin.kind == "global":
        return [row for row in rows if not row.scope and origin.name in row.touched]
    scope, _, last = origin.owner.__qualname__.rpartition(".")
    if origin.kind == "default":
        return [row for row in rows if row.scope == scope and last in row.touched]
    own, dotted = origin.owner.__qualname__, f"{last}.{origin.name}"
    found = [
        row
        for row in rows
        if (row.scope == own and origin.name in row.touched) or (not row.scope and dotted in row.touched)
    ]
    if not found and not origin.changed_by:
        # A method that nothing names was set by something that was handed the class.
        return [row for row in rows if not row.scope and own in row.touched and not row.imports]
    return found


def _starred(graph: Graph, origin: Origin, rows: list[Statement]) -> list[Statement]:
    """Return nothing; what no statement binds may come from a star import, and is then told by that module."""
    for level, module, name, _ in [found for row in rows if not row.scope for found in row.imports]:
        full = absolute(origin.owner, level, module) if name == "*" and origin.kind == "global" else None
        held = vars(sys.modules[full]) if full in sys.modules else {}
        if origin.name in held and boundary.origin_of_namespace(held) == boundary.PROJECT:
            graph.state.start_at("global", held, origin.name)
    return []


def _tell(graph: Graph, space: dict[str, Any], name: str, chosen: list[Statement]) -> Node | None:
    """Return the node of some statements, with what they refer to; None if there are none."""
    if not chosen:
        return None
    source = "\n".join(dict.fromkeys(row.source for row in chosen))
    node = Node("initial", name, boundary.PROJECT, fold("initial", *[row.digest for row in chosen]), source)
    for row in chosen:
        graph.use(row.attributes)
        for level, module, part, here in row.imports:
            if here in row.touched:
                _follow_import(graph, node, absolute(space, level, module), part)
        for chain in row.loads:
            _refer(graph, node, space, chain)
    return node


def _follow_import(graph: Graph, node: Node, module: str | None, name: str) -> None:
    if module is None:
        return
    origin = boundary.origin_of_module(module)
    if origin != boundary.PROJECT:
        node.link(f"i:{module}.{name}", graph.leaf(origin, f"{module}.{name}"))
    elif module in sys.modules:
        _refer(graph, node, vars(sys.modules[module]), (name,))


def _refer(graph: Graph, node: Node, space: dict[str, Any], chain: tuple[str, ...]) -> None:
    """Link code that a statement names; data that it names is told by its own statements in turn."""
    dotted, name, rest = ".".join(chain), chain[0], chain[1:]
    if name.startswith("__") or name not in space:
        return
    value = space[name]
    while issubclass(type(value), ModuleType):  # not `isinstance`: a proxy may be of what is gone
        origin = boundary.origin_of_namespace(vars(value))
        if origin != boundary.PROJECT:
            node.link(f"g:{dotted}", graph.leaf(origin, ".".join((value.__name__, *rest))))
            return
        if not rest or rest[0] not in vars(value):
            return
        space, name, value, rest = vars(value), rest[0], vars(value)[rest[0]], rest[1:]
    if callable(value):
        graph.lookup(space, name)
        node.link(f"g:{dotted}", graph.visit(value, f"{boundary.module_name(space)}.{name}"), place(space, name))
    else:
        graph.state.start_at("global", space, name)


def _encloser(function: FunctionType) -> FunctionType | None:
    """Return the function that made a closure, if it stands where its name says and holds the closure's code."""
    value: Any = None
    for position, name in enumerate(function.__qualname__.partition(".<locals>")[0].split(".")):
        value = getattr(value, name, None) if position else function.__globals__.get(name)
    value = getattr(value, "__func__", value)
    return value if type(value) is FunctionType and contains(value.__code__, function.__code__) else None


def _find_holders(graph: Graph, root: Node, is_state: Callable[[Node, str], bool]) -> None:
    """Note the variables through which changing objects and closures are reached."""
    changed = {owner for owner, _ in graph.state.places}
    closures = {id(origin.owner) for origin in graph.state.origins.values() if origin.kind == "cell"}
    wanted = closures | graph.unseen
    pending = [node for node in graph.nodes() if id(node.value) in wanted or _changes(node, changed)]
    if not pending:
        return
    holders: dict[int, list[tuple[Node, str]]] = {}
    for source in (root, *graph.nodes()):
        for label, target in source.edges.items():
            holders.setdefault(id(target), []).append((source, label))
    seen: set[int] = set()
    while pending:
        node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        for source, label in holders.get(id(node), ()):
            if id(node.value) in graph.unseen and _is_foreign(source):
                continue  # what other people's objects keep to themselves, as the random stream of a distribution
            if not is_state(source, label) and not _note_holder(graph, source, label, node.value):
                pending.append(source)


def _is_foreign(node: Node) -> bool:
    return node.kind == "instance" and boundary.origin_of_class(type(node.value)) != boundary.PROJECT


def _changes(node: Node, changed: set[int]) -> bool:
    return node.kind == "instance" and any(id(cls) in changed for cls in type(node.value).__mro__)


def _note_holder(graph: Graph, source: Node, label: str, value: Any) -> bool:
    """Note the variable that an edge was read from; False if the edge comes from inside another object."""
    begin = graph.state.start_at
    places = source.places.get(label, ())
    owner = graph.token.owner(places[0]) if places and source.kind in ("function", "module") else None
    if source.kind == "root" and label == "f" and type(value) is FunctionType:
        begin("global", value.__globals__, value.__qualname__)
    elif source.kind == "root":
        _note_entry(graph, value.__self__ if type(value) is MethodType else value)
    elif isinstance(owner, dict):
        begin("global", owner, places[0][1])
    elif source.kind == "function" and label.startswith("d:"):
        begin("default", source.value, label[2:])
    elif source.kind == "class" and label[:2] in ("a:", "f:"):
        begin("class", source.value, label[2:].partition(".")[0])
    else:
        return source.kind in ("class", "initial")
    return True


def _note_entry(graph: Graph, value: Any) -> None:
    """Note the variable of an object that a fingerprint was asked for, or the object if its module has none."""
    module = sys.modules.get(boundary.module_of(type(value)))
    for name, held in list(vars(module).items()) if module is not None else ():
        if held is value:
            graph.state.start_at("global", vars(module), name)
            return
    graph.state.start_at("entry", value, "")
