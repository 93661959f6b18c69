"""Source text → the statements that run when a module is loaded, each with the names it touches and what it refers to.

They say what state starts from: a table that the code fills as it runs is told by the statements that made it.
Bodies of functions are left out, since they run later; so are annotations, docstrings, and what only a script does.
"""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING

from memo.fingerprint.syntax import fold_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    Row = list[object]

BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.TryStar, ast.Match)
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def statements(text: str) -> list[Row]:
    """Return the statements of a module and of the classes in it.

    A row is: class it stands in or empty, digest, names touched (dotted ones too), loads as chains, attributes read,
    imports as (level, module, name, name here), first line, last line.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    called = {
        node.name: {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
        for node in tree.body
        if isinstance(node, DEFINITIONS)
    }
    reached = {name: _reached(name, called) for name in called}
    return [row for node in tree.body for row in _rows("", node, reached)]


def _reached(name: str, called: dict[str, set[str]]) -> set[str]:
    """Return the names in a function and in the functions of the module that it calls, at any depth."""
    found: set[str] = set()
    pending = called[name]
    while pending:
        found = found | pending
        pending = set().union(*(called.get(one, ()) for one in pending)) - found
    return found


def _rows(scope: str, node: ast.stmt, called: dict[str, set[str]]) -> Iterator[Row]:
    if isinstance(node, ast.If) and _is_guard(node.test):
        return
    if isinstance(node, ast.AnnAssign) and node.value is None:
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, (*BLOCKS, *DEFINITIONS, ast.ClassDef)):
        yield from _open(scope, node, called)
    if isinstance(node, DEFINITIONS) and not (node.decorator_list or node.args.defaults or node.args.kw_defaults):
        return
    touched = _touched(node, called)
    yield _row(scope, node, touched)
    if scope:
        yield _row("", node, touched - _stored(node))


def _is_guard(test: ast.expr) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(test))


def _open(scope: str, node: ast.stmt, called: dict[str, set[str]]) -> Iterator[Row]:
    """Yield the rows of the classes inside a statement, and leave only the heads of what it defines."""
    if isinstance(node, ast.ClassDef):
        inner = f"{scope}.{node.name}" if scope else node.name
        for statement in node.body:
            yield from _rows(inner, statement, called)
        node.body = [ast.Pass()]
    elif isinstance(node, DEFINITIONS):
        node.body = [ast.Pass()]
        node.returns = None
    else:
        for child in ast.walk(node):
            if isinstance(child, ast.ClassDef):
                yield from _open(scope, child, called)
            elif isinstance(child, DEFINITIONS):
                child.body = [ast.Pass()]


def _row(scope: str, node: ast.stmt, touched: set[str]) -> Row:
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        value = ast.Assign([node.target], node.value)
        node = ast.fix_missing_locations(ast.copy_location(value, node))
    imports: list[object] = []
    loads: set[tuple[str, ...]] = set()
    attributes: set[str] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.ImportFrom):
            imports += [[inner.level, inner.module or "", a.name, a.asname or a.name] for a in inner.names]
        elif isinstance(inner, ast.Attribute):
            attributes.add(inner.attr)
        if isinstance(inner, (ast.Name, ast.Attribute)):
            loads.update(_chains(inner))
    first, last = node.lineno, node.end_lineno or node.lineno
    return [scope, fold_tree([node]), sorted(touched), sorted(loads), sorted(attributes), imports, first, last]


def _chains(node: ast.expr) -> list[tuple[str, ...]]:
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return [(node.id, *reversed(names))] if isinstance(node, ast.Name) else []


def _touched(node: ast.stmt, called: dict[str, set[str]]) -> set[str]:
    """Return the names in a statement, and those in the functions of the module that it calls.

    What only reads an attribute, as in `exp = context.exp`, leaves the object as it is.
    """
    found: set[str] = set()
    reads = isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute) and _chains(node.value)
    parts = node.targets if reads and isinstance(node, ast.Assign) else [node]
    for inner in [inner for part in parts for inner in ast.walk(part)]:
        if isinstance(inner, (ast.Name, ast.Attribute)):
            found.update(".".join(chain) for chain in _chains(inner))
        elif isinstance(inner, (ast.Import, ast.ImportFrom)):
            found.update((alias.asname or alias.name).split(".")[0] for alias in inner.names)
    if isinstance(node, (*DEFINITIONS, ast.ClassDef)):
        found.add(node.name)
    for name in found & called.keys():
        found = found | called[name]
    return found


def _stored(node: ast.stmt) -> set[str]:
    stores = (inner for inner in ast.walk(node) if isinstance(inner, ast.Name))
    return {inner.id for inner in stores if not isinstance(inner.ctx, ast.Load)}
