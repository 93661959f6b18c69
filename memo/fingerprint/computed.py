"""Syntax tree of a function → the attribute names that it puts together at run time, and where they come from.

A name that is drawn from a table of constants is one of those in the table; of the others the known start and end are
told, if there are any. In doubt nothing is known, and then every name that some code puts together may be the one.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from memo.fingerprint.mutations import chain_of
from memo.fingerprint.reads import computed_read

if TYPE_CHECKING:
    from collections.abc import Iterator

    Row = tuple[str, str, str, bool, list[str] | None]

# What hands on what it is given, or a part of it, and changes nothing.
PASSING = frozenset(("sorted", "reversed", "list", "tuple", "set", "frozenset", "enumerate", "zip", "iter", "next"))
NAMING = (ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
READING = frozenset(("get", "items", "keys", "values", "index", "count"))


def computed_names(function: ast.AST) -> list[Row]:
    """Return the attribute names that a function computes: with `getattr`, in a `__dict__`, by listing what there is.

    A row is: root name of the object, known start, known end, whether it is called, and the globals that the name is
    drawn from, None if it may come from elsewhere.
    What is called where it is read, or under the local name that it gets, is a choice among methods; the rest is data.
    """
    nodes = list(ast.walk(function))
    reads = [(node, *found) for node in nodes for found in [computed_read(node)] if found is not None]
    if not reads:
        return []
    called, origins = _called(nodes), _Origins(nodes)
    rows: list[Row] = []
    for node, owner, name in reads:
        chain = chain_of(owner) if owner is not None else None
        root = ".".join((chain[0], *chain[1])) if chain else ""
        if name is None and getattr(function, "name", "") == "__dir__":
            continue  # what it lists goes to whoever asks `dir` of the object, and that is seen there
        if name is None:
            rows += [(root, "", "", True, None), *_asked_ends(nodes)]
            continue
        drawn = origins.drawn(name)
        rows.append((root, *known_ends(name), id(node) in called, None if drawn is None else sorted(drawn)))
    return sorted(rows, key=repr)


def _asked_ends(nodes: list[ast.AST]) -> list[Row]:
    """Return the starts and ends that a function asks names for, as rows."""
    found: list[Row] = []
    for node in nodes:
        asks = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args
        if asks and node.func.attr == "startswith":  # type: ignore[attr-defined]
            found.append(("", _text(node.args[0]), "", False, []))  # type: ignore[attr-defined]
        elif asks and node.func.attr == "endswith":  # type: ignore[attr-defined]
            found.append(("", "", _text(node.args[0]), False, []))  # type: ignore[attr-defined]
    return [row for row in found if row[1] or row[2]]


def _called(nodes: list[ast.AST]) -> set[int]:
    calls = [node.func for node in nodes if isinstance(node, ast.Call)]
    called = {id(function) for function in calls}
    names = {function.id for function in calls if isinstance(function, ast.Name)}
    for node in nodes:
        if isinstance(node, (ast.Assign, ast.NamedExpr)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id in names for target in targets):
                called.add(id(node.value))
    return called


class _Origins:
    """What each name of a function is bound to, wherever in it; None among it if that is not known."""

    def __init__(self, nodes: list[ast.AST]) -> None:
        self._bound: dict[str, list[ast.expr | None]] = {}
        for node in nodes:
            for name, value in _bindings(node):
                self._bound.setdefault(name, []).append(value)
            changed = _changed(node)
            if changed:
                self._bound.setdefault(changed, []).append(None)

    def drawn(self, node: ast.expr | None, seen: frozenset[str] = frozenset()) -> set[str] | None:
        """Return the globals that a value is drawn from, none for constants; None if it may come from elsewhere."""
        if isinstance(node, ast.Constant):
            return set()
        if isinstance(node, ast.Name):
            if node.id in seen:
                return set()
            if node.id not in self._bound:
                return {node.id}
            values = self._bound[node.id]
            # What is made here may be filled by whatever it is handed to.
            if any(value is not None and _is_made(value) for value in values):
                return None
            return self._all(values, seen | {node.id})
        parts = _parts(node)
        return None if parts is None else self._all(parts, seen)

    def _all(self, nodes: list[ast.expr | None], seen: frozenset[str]) -> set[str] | None:
        found: set[str] = set()
        for node in nodes:
            drawn = self.drawn(node, seen)
            if drawn is None:
                return None
            found |= drawn
        return found


def _is_made(node: ast.expr) -> bool:
    """Tell a list, a dict or a set that is made where it stands."""
    made = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("list", "set", "sorted")
    return made or isinstance(node, (ast.List, ast.Dict, ast.Set))


def _parts(node: ast.expr | None) -> list[ast.expr | None] | None:
    """Return what an expression hands on; None if it makes something else of it."""
    if isinstance(node, (ast.Subscript, ast.Starred)):
        return [node.value]
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return [*node.elts]
    if isinstance(node, ast.Dict):
        return [*node.keys, *node.values]
    if isinstance(node, ast.IfExp):
        return [node.body, node.orelse]
    if isinstance(node, ast.BoolOp):
        return [*node.values]
    if isinstance(node, ast.Call) and not node.keywords:
        if isinstance(node.func, ast.Name) and node.func.id in PASSING:
            return [node.func, *node.args]
        if isinstance(node.func, ast.Attribute) and node.func.attr in READING:
            return [node.func.value, *node.args[1:]]
    return None


def _bindings(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield the names that a node binds, each with what its value is or is a part of."""
    if isinstance(node, ast.Assign):
        yield from ((name, node.value) for target in node.targets for name in _stored(target))
    elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)):
        yield from ((name, node.value) for name in _stored(node.target))
    elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
        yield from ((name, node.iter) for name in _stored(node.target))
    elif isinstance(node, ast.AugAssign):
        yield from ((name, None) for name in _stored(node.target))
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        yield from ((name, None) for name in _stored(node.optional_vars))
    elif isinstance(node, ast.arg):
        yield node.arg, None
    elif isinstance(node, (ast.Global, ast.Nonlocal)):
        yield from ((name, None) for name in node.names)
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).split(".")[0], None
    elif isinstance(node, NAMING):
        if node.name:
            yield node.name, None
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest, None


def _stored(target: ast.expr) -> list[str]:
    return [node.id for node in ast.walk(target) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)]


def _changed(node: ast.AST) -> str:
    """Return the name of what a node may change in place: an item is set, or a method that does not only read."""
    if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load) and isinstance(node.value, ast.Name):
        return node.value.id
    if isinstance(node, ast.Attribute) and node.attr not in READING and isinstance(node.value, ast.Name):
        return node.value.id
    return ""


def formed_names(function: ast.AST) -> list[tuple[str, str]]:
    """Return the known start and end of each text that a function puts together and that may be a name."""
    found: set[tuple[str, str]] = set()
    for node in ast.walk(function):
        if isinstance(node, (ast.JoinedStr, ast.BinOp, ast.Call)):
            start, end = known_ends(node)
            start, end = start.rpartition(".")[2], end.partition(".")[0]
            if (start or end) and all(not part or f"a{part}".isidentifier() for part in (start, end)):
                found.add((start, end))
    return sorted(found)


def known_ends(node: ast.expr) -> tuple[str, str]:
    """Return the text that a computed name surely starts and ends with."""
    if isinstance(node, ast.Call):
        return _ends_of_call(node)
    if isinstance(node, ast.JoinedStr) and node.values:
        return _text(node.values[0]), _text(node.values[-1])
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return known_ends(node.left)[0], known_ends(node.right)[1]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        text = _text(node.left)
        return text.split("%")[0], ""
    return _text(node), _text(node)


def _ends_of_call(node: ast.Call) -> tuple[str, str]:
    """Return the known ends of `"do_{}".format(kind)` and of `"_".join(["do", kind])`."""
    text = _text(node.func.value) if isinstance(node.func, ast.Attribute) else ""
    if text and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        return text.partition("{")[0], text.rpartition("}")[2]
    if text and isinstance(node.func, ast.Attribute) and node.func.attr == "join" and node.args:
        parts = node.args[0].elts if isinstance(node.args[0], (ast.List, ast.Tuple)) else []
        if parts:
            start, end = known_ends(parts[0])[0], known_ends(parts[-1])[1]
            return start + text if start else "", text + end if end else ""
    return "", ""


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
