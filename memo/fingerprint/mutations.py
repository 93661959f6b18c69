"""Syntax tree of a function → what it changes that it did not make, and which attribute names it computes.

A global, default or class attribute that the code itself changes is state, not code: its value is left out.
In doubt nothing is reported, and the value stays in.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    Mutation = tuple[str, str, tuple[str, ...], str]
    Chain = tuple[str, tuple[str, ...]]

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
MUTATORS = frozenset(
    [
        "append",
        "appendleft",
        "extend",
        "extendleft",
        "insert",
        "remove",
        "pop",
        "popleft",
        "popitem",
        "clear",
        "update",
        "setdefault",
        "add",
        "discard",
        "sort",
        "reverse",
        "rotate",
        "subtract",
        "move_to_end",
        "difference_update",
        "intersection_update",
        "symmetric_difference_update",
        "fill",
        "put",
        "resize",
        "itemset",
        "__setitem__",
        "__delitem__",
    ]
)


def mutations(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> list[Mutation]:
    """Return what a function changes: (scope, root name, attribute chain, how).

    Scope is `g` for a global, `p` for a parameter, `f` for a variable of an enclosing function.
    How is `bind` (the last name of the chain gets a new value) or `item` (the object there is changed in place).
    Inner functions are searched as well, each in its own scope.
    """
    found: set[Mutation] = set()
    pending: list[tuple[ast.AST, frozenset[str]]] = [(function, frozenset())]
    while pending:
        current, outer = pending.pop()
        scope = _Scope(current)
        top = current is function
        for target, how in _changes(scope.nodes):
            name, chain = target
            if name in scope.globals:
                found.add(("g", name, chain, how))
            elif name in scope.parameters and name not in scope.rebound:
                # A parameter is a default or `self` only for the function itself.
                if top and (how == "item" or chain):
                    found.add(("p", name, chain, how))
            elif name in scope.local or name in outer:
                continue
            elif name in scope.nonlocals or how == "item" or chain:
                found.add(("?", name, chain, how))
        inherited = outer | scope.local if not isinstance(current, ast.ClassDef) else outer
        pending.extend((inner, inherited) for inner in scope.inner)
    return sorted(found)


class _Scope:
    """The names of one function or class body, without those of the functions inside it."""

    def __init__(self, node: ast.AST) -> None:
        arguments = getattr(node, "args", None)
        self.parameters: set[str] = set()
        if isinstance(arguments, ast.arguments):
            every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            every += [extra for extra in (arguments.vararg, arguments.kwarg) if extra]
            self.parameters = {argument.arg for argument in every}
        body = node.body  # type: ignore[attr-defined]
        self.inner: list[ast.AST] = []
        self.nodes = list(self._walk(body if isinstance(body, list) else [body]))
        self.globals = {name for n in self.nodes if isinstance(n, ast.Global) for name in n.names}
        self.nonlocals = {name for n in self.nodes if isinstance(n, ast.Nonlocal) for name in n.names}
        self.rebound = {name for n in self.nodes for name in _bound(n)} - self.globals - self.nonlocals
        self.local = self.parameters | self.rebound

    def _walk(self, statements: list[ast.AST]) -> Iterator[ast.AST]:
        pending = list(statements)
        while pending:
            node = pending.pop()
            if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
                self.inner.append(node)
                # The name is bound here; what stands in the head is evaluated here.
                yield node
                pending.extend(getattr(node, "decorator_list", ()))
                continue
            yield node
            pending.extend(ast.iter_child_nodes(node))


def _bound(node: ast.AST) -> list[str]:
    """Return the names that a node binds in its scope; comprehension variables count, to be on the safe side."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return [node.id]
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [(alias.asname or alias.name).split(".")[0] for alias in node.names]
    if isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
        return [node.name] if node.name else []
    if isinstance(node, ast.MatchMapping):
        return [node.rest] if node.rest else []
    return []


def _changes(nodes: list[ast.AST]) -> Iterator[tuple[Chain, str]]:
    for node in nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield (node.id, ()), "bind"
        elif isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            chain = _chain(node)
            if chain:
                yield chain, "bind"
        elif isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            chain = _chain(_container(node.value))
            if chain:
                yield chain, "item"
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, (ast.Name, ast.Attribute)):
            chain = _chain(node.target)
            if chain:
                yield chain, "item"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MUTATORS:
            chain = _chain(_container(node.func.value))
            if chain:
                yield chain, "item"


def _container(node: ast.expr) -> ast.expr:
    """Return the outermost container of `x[i][j]`: changing an inner one changes what the outer one holds."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return node


def _chain(node: ast.expr) -> Chain | None:
    """Return the root name and attributes of `a.b.c`; `type(self)` and `self.__class__` read as `cls`."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        if node.attr == "__class__":
            return ("cls", tuple(reversed(attributes)))
        attributes.append(node.attr)
        node = node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "type":
        return ("cls", tuple(reversed(attributes)))
    if isinstance(node, ast.Name):
        return (node.id, tuple(reversed(attributes)))
    return None


def computed_names(function: ast.AST) -> list[tuple[str, str, str, bool]]:
    """Return the attribute names that `getattr` computes: (root name of the object, known start, known end, called).

    What is called where it is read, or under the local name that it gets, is a choice among methods; the rest is data.
    """
    found: set[tuple[str, str, str, bool]] = set()
    called = {id(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)}
    names = {
        node.func.id for node in ast.walk(function) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    for node in ast.walk(function):
        if isinstance(node, (ast.Assign, ast.NamedExpr)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id in names for target in targets):
                called.add(id(node.value))
    for node in ast.walk(function):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr"):
            continue
        if len(node.args) < 2 or isinstance(node.args[1], ast.Constant):
            continue
        chain = _chain(node.args[0])
        start, end = _known_ends(node.args[1])
        found.add((".".join((chain[0], *chain[1])) if chain else "", start, end, id(node) in called))
    return sorted(found)


def _known_ends(node: ast.expr) -> tuple[str, str]:
    """Return the text that a computed name surely starts and ends with."""
    if isinstance(node, ast.JoinedStr) and node.values:
        return _text(node.values[0]), _text(node.values[-1])
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _known_ends(node.left)[0] or _text(node.left), _known_ends(node.right)[1] or _text(node.right)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        text = _text(node.left)
        return text.split("%")[0], ""
    return _text(node), _text(node)


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
