"""Syntax tree → the places where an attribute is read under a name that is computed, or where all names are listed."""

from __future__ import annotations

import ast

# Their first argument, if they have one, is a name, or their last is.
GETTERS = frozenset(("attrgetter", "methodcaller", "__getattribute__", "getattr_static"))
LISTERS = frozenset(("dir", "getmembers", "getmembers_static"))


def computed_read(node: ast.AST) -> tuple[ast.expr | None, ast.expr | None] | None:
    """Return whose attribute a node reads and the name that it computes, None if any; None if it does no such."""
    if isinstance(node, ast.Call):
        return _called_read(node)
    if isinstance(node, ast.Subscript):
        owner = _space_of(node.value)
        if owner is not None and not isinstance(node.slice, ast.Constant):
            return owner, node.slice
    return None


def _called_read(node: ast.Call) -> tuple[ast.expr | None, ast.expr | None] | None:
    function, arguments = node.func, node.args
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    if name == "getattr" and len(arguments) > 1:
        return None if isinstance(arguments[1], ast.Constant) else (arguments[0], arguments[1])
    if name in GETTERS and arguments:
        wanted = arguments[-1] if name in ("__getattribute__", "getattr_static") else arguments[0]
        owner = function.value if name == "__getattribute__" and isinstance(function, ast.Attribute) else None
        return None if isinstance(wanted, ast.Constant) else (owner, wanted)
    if name in LISTERS and arguments:
        return arguments[0], None
    space = _space_of(function.value) if isinstance(function, ast.Attribute) else None
    if space is None:
        return None
    if name in ("get", "pop") and arguments:
        return None if isinstance(arguments[0], ast.Constant) else (space, arguments[0])
    return (space, None) if name in ("items", "values", "keys") else None


def _space_of(node: ast.expr) -> ast.expr | None:
    """Return whose namespace `vars(x)` and `x.__dict__` are."""
    if isinstance(node, ast.Attribute) and node.attr == "__dict__":
        return node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "vars" and node.args:
        return node.args[0]
    return None


def packages_read(function: ast.AST) -> list[str]:
    """Return the packages of which a function imports modules under computed names; its own is `.`."""
    found: set[str] = set()
    for node in ast.walk(function):
        if not (isinstance(node, ast.Call) and node.args) or isinstance(node.args[0], ast.Constant):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in ("import_module", "__import__"):
            found |= {start for start in _starts(node.args[0]) if start}
    return sorted(found)


def _starts(node: ast.expr) -> list[str]:
    """Return the package that a computed name of a module begins with, if its first part tells."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        return _starts(node.func.value)
    if isinstance(node, ast.BinOp):
        return _starts(node.left)
    if isinstance(node, ast.JoinedStr) and node.values:
        return _starts(node.values[0])
    if isinstance(node, ast.FormattedValue):
        return _starts(node.value)
    if isinstance(node, ast.Name) and node.id in ("__package__", "__name__"):
        return ["."]
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value:
        head = node.value.partition("{")[0].partition("%")[0].rpartition(".")[0]
        return [head or "."]
    return []
