"""Syntax tree of a function → what it changes that it did not make.

A global, default or class attribute that the code itself changes is state, not code: its value is left out.
In doubt nothing is reported, and the value stays in.
"""

from __future__ import annotations

import ast
from collections import Counter
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

# Functions that change their first argument in place.
FILLERS = frozenset(("heappush", "heappop", "heapify", "heapreplace", "heappushpop", "insort", "insort_left",
                     "insort_right", "shuffle", "copyto"))  # fmt: skip


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
            name, chain = scope.aliased(target) if how == "item" or target[1] else target
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
        self._aliases = self._find_aliases()

    def _find_aliases(self) -> dict[str, Chain]:
        """Return the local names that stand for one object elsewhere, as after `seen = self.seen`."""
        bound = Counter(name for node in self.nodes for name in _bound(node))
        found: dict[str, Chain] = {}
        for node in self.nodes:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                name, chain = node.targets[0].id, chain_of(node.value)
                free = name not in self.parameters | self.globals | self.nonlocals and bound[name] == 1
                if chain and free and (chain[0] in self.parameters or chain[0] not in self.local):
                    found[name] = chain
        return found

    def aliased(self, target: Chain) -> Chain:
        """Return what a chain of names begins with elsewhere, if its first name is a local name for that."""
        root, names = self._aliases.get(target[0], (target[0], ()))
        return root, (*names, *target[1])

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
            chain = chain_of(node)
            if chain:
                yield chain, "bind"
        elif isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            chain = chain_of(_container(node.value))
            if chain:
                yield chain, "item"
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, (ast.Name, ast.Attribute)):
            chain = chain_of(node.target)
            if chain:
                yield chain, "item"
        elif isinstance(node, ast.Call):
            yield from _changes_of_call(node)


def _changes_of_call(node: ast.Call) -> Iterator[tuple[Chain, str]]:
    """Yield what a call changes: the object of a method, the buffer of `out=`, what `setattr` or a heap is given."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    first = node.args[0] if node.args else None
    filled = [keyword.value for keyword in node.keywords if keyword.arg == "out"]
    if name in FILLERS and first is not None:
        filled.append(first)
    if isinstance(node.func, ast.Attribute) and name in MUTATORS:
        filled.append(node.func.value)
    for target in filled:
        chain = chain_of(_container(target))
        if chain:
            yield chain, "item"
    if name in ("setattr", "delattr", "__setattr__") and len(node.args) > 1 and first is not None:
        chain, attribute = chain_of(first), node.args[1]
        if chain and isinstance(attribute, ast.Constant) and isinstance(attribute.value, str):
            yield (chain[0], (*chain[1], attribute.value)), "bind"


def _container(node: ast.expr) -> ast.expr:
    """Return the outermost container of `x[i][j]`: changing an inner one changes what the outer one holds."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return node


def chain_of(node: ast.expr) -> Chain | None:
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
