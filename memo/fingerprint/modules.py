"""Modules in the graph: imports inside functions, modules as values, whole modules where names are computed."""

from __future__ import annotations

import os
import sys
from types import ModuleType

from cas.digest import digest, parallel_hasher
from memo.fingerprint import boundary
from memo.fingerprint.code import local
from memo.fingerprint.framing import fold
from memo.fingerprint.graph import OPEN, place
from memo.fingerprint.node import Node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FunctionType
    from typing import Any

    from memo.fingerprint.graph import Graph

    Import = tuple[int, str, tuple[str, ...]]


def visit_module(graph: Graph, module: ModuleType) -> Node:
    """Return the node of a module used as a value: of the project, its members join as their names are used."""
    space = vars(module)
    origin = boundary.origin_of_namespace(space)
    if origin != boundary.PROJECT:
        return graph.add(module, graph.leaf(origin, module.__name__))
    path = space.get("__file__")
    if isinstance(path, str) and not path.endswith((".py", ".pyc")):
        return graph.add(module, extension(path, module.__name__))
    name = boundary.module_name(space)
    node = Node("module", name, origin, fold("module", name.encode()), module)

    def expand() -> None:
        for member, value in list(space.items()):
            if not member.startswith("__"):
                for used in (member, OPEN):
                    graph.when_used(used, lambda member=member, value=value: _join(graph, node, space, (member, value)))  # type: ignore[misc]
        _link_lazy(graph, node, module)

    return graph.add(module, node, expand)


def _link_lazy(graph: Graph, node: Node, module: ModuleType) -> None:
    """Link what answers for the names that a module does not have: its `__getattr__`, or a class of its own."""
    if type(module) is not ModuleType:
        node.link("l:type", graph.visit(type(module), type(module).__qualname__))
    if "__getattr__" in vars(module):
        node.link("l:getattr", graph.visit(vars(module)["__getattr__"], f"{module.__name__}.__getattr__"))


def _join(graph: Graph, node: Node, space: dict[str, Any], member: tuple[str, object]) -> None:
    name, value = member
    if name in space:
        graph.token.read(space, name, value)
        node.link(f"m:{name}", graph.visit(value, f"{node.name}.{name}"), place(space, name))


def extension(path: str, name: str) -> Node:
    """Return the node of compiled code of the project's own: the digest of its file."""
    try:
        with open(path, "rb") as file:
            content = digest(file.read())
    except OSError:
        content = b"unreadable"
    return Node("extension", name, boundary.PROJECT, fold("extension", name.encode(), content))


def visit_file(graph: Graph, path: Any) -> Node:
    """Return the node of a data file that code depends on: the digest of its bytes, watched by its stat stamp."""
    location = os.fspath(path)

    def stamp() -> tuple[int, int, int, int] | None:
        try:
            status = os.stat(location)
        except OSError:
            return None
        # The time of change besides that of writing, which programs put back (`cp -p`, `tar`, `rsync`).
        return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino

    seen = stamp()
    graph.token.test(lambda: stamp() == seen)
    name = os.path.basename(location)
    try:
        content = parallel_hasher().update_mmap(location).digest()
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        graph.note("there is no such file" if missing else f"the file could not be read: {error}", location)
        return Node("file", name, boundary.PROJECT, fold("absent", name.encode("utf-8", "surrogateescape")))
    return Node("file", name, boundary.PROJECT, fold("file", name.encode("utf-8", "surrogateescape"), content))


def visit_attributes(graph: Graph, node: Node, module: ModuleType, names: Iterable[str], label: str) -> None:
    """Link what a function may read off a module that it holds in a variable: every attribute name it uses."""
    pending, seen = [(module, label)], {id(module)}
    while pending:
        current, at = pending.pop()
        space = vars(current)
        _link_lazy(graph, node, current)
        for name in names:
            if name not in space:
                continue
            value = space[name]
            graph.token.read(space, name, value)
            if isinstance(value, ModuleType) and boundary.origin_of_namespace(vars(value)) == boundary.PROJECT:
                if id(value) not in seen:
                    seen.add(id(value))
                    pending.append((value, f"{at}.{name}"))
            else:
                target = graph.visit(value, f"{current.__name__}.{name}")
                node.link(f"{at}.{name}", target, place(space, name))


def visit_import(graph: Graph, node: Node, function: FunctionType, wanted: Import) -> None:
    """Link what an import inside a function brings; a module of the project is imported, as the call would do."""
    level, name, names = wanted
    full = absolute(function.__globals__, level, name)
    if full is None:
        return
    origin = boundary.origin_of_module(full)
    if origin != boundary.PROJECT:
        for part in names or ("",):
            node.link(f"i:{full}.{part}", graph.leaf(origin, f"{full}.{part}".rstrip(".")))
        if origin == "missing":
            graph.token.test(lambda: full not in sys.modules)
        return
    attributes = local(function).references.attributes
    if not names:
        for dotted in {full, full.partition(".")[0]}:
            module = import_project(graph, node, dotted)
            if module is not None:
                visit_attributes(graph, node, module, attributes, f"i:{dotted}")
        return
    module = import_project(graph, node, full)
    for part in names if module is not None else ():
        _visit_member(graph, node, module, (full, part, attributes))


def _visit_member(graph: Graph, node: Node, module: ModuleType | None, wanted: tuple[str, str, Iterable[str]]) -> None:
    full, part, attributes = wanted
    space = vars(module)
    if part not in space and import_project(graph, node, f"{full}.{part}") is None:
        graph.token.missed(space, part)
        return
    value = space.get(part, sys.modules.get(f"{full}.{part}"))
    if part in space:
        graph.token.read(space, part, value)
    if isinstance(value, ModuleType) and boundary.origin_of_namespace(vars(value)) == boundary.PROJECT:
        visit_attributes(graph, node, value, attributes, f"i:{full}.{part}")
    node.link(f"i:{full}.{part}", graph.visit(value, f"{full}.{part}"), place(space, part))


def absolute(space: dict[str, Any], level: int, name: str) -> str | None:
    """Return the full name of a module imported by a relative one; None if there is no such package."""
    if level == 0:
        return name
    package = space.get("__package__") or str(space.get("__name__", "")).rpartition(".")[0]
    parts = package.split(".")
    if len(parts) < level:
        return None
    base = ".".join(parts[: len(parts) - level + 1])
    return f"{base}.{name}" if name else base


def import_project(graph: Graph, node: Node, name: str) -> ModuleType | None:
    """Return a module of the project, importing it as the call would; None if it cannot be."""
    module = sys.modules.get(name)
    if module is None:
        from importlib import import_module  # noqa: PLC0415 - only for a module that is not loaded

        try:
            module = import_module(name)
        except (Exception, SystemExit):  # noqa: BLE001 - the user's module may raise anything; the call does so again
            graph.note(f"the module {name} could not be imported", node.name)
            node.link(f"i:{name}", Node("absent", name, boundary.PROJECT, fold("absent", name.encode())))
            graph.token.test(lambda: name not in sys.modules)
            return None
    graph.token.read(sys.modules, name, module)
    return module


def widen(graph: Graph, node: Node, space: dict[str, Any]) -> None:
    """Link everything that stands in a module: its names are computed at run time."""
    for name, value in list(space.items()):
        if name.startswith("__") or isinstance(value, ModuleType):
            continue
        graph.token.read(space, name, value)
        node.link(f"*:{name}", graph.visit(value, f"{boundary.module_name(space)}.{name}"), place(space, name))
