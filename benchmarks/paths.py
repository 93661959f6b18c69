"""Which functions of a package some chain of names leads to from a study, whatever the scope and the type.

A rough reading of the text, independent of the fingerprint: what it does not reach, no analysis by names should.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
FILLING = ("append", "add", "update", "setdefault", "insert", "register")


def led_to(study: Path, files: list[str]) -> set[str]:
    """Return the names that chains of names lead to from a study.

    A function leads to the names in it, a class to its bases and special methods, a variable to what it is made of, a
    table to what decorators put there, a name put together at run time to every name that begins and ends like it.
    """
    trees = [ast.parse(Path(file).read_text(encoding="utf-8")) for file in files]
    uses: dict[str, set[str]] = {}
    for tree in trees:
        for name, led in (pair for node in ast.walk(tree) for pair in _leads(node)):
            uses.setdefault(name, set()).update(led)
        for statement in _loading(tree):
            for name in words(statement):
                uses.setdefault(name, set()).update(words(statement))
    for name, led in _registered(trees):
        uses.setdefault(name, set()).update(led)
    names = {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, DEFINITIONS)}
    reached: set[str] = set()
    pending = words(ast.parse(study.read_text(encoding="utf-8")))
    while pending:
        reached |= pending
        found = set().union(*(uses.get(name, ()) for name in pending))
        found |= {name for part in found if "*" in part for name in names if _fits(name, part)}
        pending = found - reached
    return reached


def words(node: ast.AST) -> set[str]:
    """Return every name, attribute and string in a piece of code, and the computed names as `start*end`."""
    found = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            found.add(inner.id)
        elif isinstance(inner, ast.Attribute):
            found.add(inner.attr)
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            found.update(inner.value.split("."))
        elif isinstance(inner, ast.alias):
            found.update(part for name in (inner.name, inner.asname) if name for part in name.split("."))
        elif isinstance(inner, ast.Call) and _named(inner.func) == "getattr" and len(inner.args) > 1:
            found.update(_computed(inner.args[1]))
    return found


def _leads(node: ast.AST) -> Iterator[tuple[str, set[str]]]:
    if isinstance(node, DEFINITIONS):
        yield node.name, words(node)
    elif isinstance(node, ast.ClassDef):
        methods = [inner for inner in node.body if isinstance(inner, DEFINITIONS)]
        heads = [inner for inner in node.body if inner not in methods]
        special = {method.name for method in methods if method.name.startswith("__")}
        yield node.name, special.union(*map(words, [*heads, *node.bases]))
    elif isinstance(node, (ast.Assign, ast.AnnAssign)):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            for name in words(target):
                yield name, words(node)


def _loading(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield the calls made as a module is loaded: they may give their arguments what these do later."""
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield node
        elif not isinstance(node, (*DEFINITIONS, ast.ClassDef)):
            pending.extend(ast.iter_child_nodes(node))


def _registered(trees: list[ast.Module]) -> Iterator[tuple[str, set[str]]]:
    """Yield the tables that decorators fill, with the functions that they put there."""
    decorated: dict[str, set[str]] = {}
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, DEFINITIONS):
            for decorator in node.decorator_list:
                name = _named(decorator.func if isinstance(decorator, ast.Call) else decorator)
                decorated.setdefault(name, set()).add(node.name)
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, DEFINITIONS) and node.name in decorated:
            for inner in ast.walk(node):
                target = _filled(inner)
                if target:
                    yield target, decorated[node.name]


def _filled(node: ast.AST) -> str:
    """Return the name of the table that a piece of code puts something into, empty if it does not."""
    if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
        return _named(node.value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in FILLING:
        return _named(node.func.value)
    return ""


def _named(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _computed(node: ast.expr) -> Iterator[str]:
    """Yield what is known of a name that is put together at run time, as `start*end`, if anything is."""
    if isinstance(node, ast.JoinedStr) and node.values:
        ends = [part.value if isinstance(part, ast.Constant) else "" for part in (node.values[0], node.values[-1])]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        ends = [part.value if isinstance(part, ast.Constant) else "" for part in (node.left, node.right)]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant):
        ends = [str(node.left.value).split("%", maxsplit=1)[0], ""]
    else:
        return
    if any(ends):
        yield "*".join(map(str, ends))


def _fits(name: str, pattern: str) -> bool:
    start, _, end = pattern.partition("*")
    return bool(start or end) and name.startswith(start) and name.endswith(end)
