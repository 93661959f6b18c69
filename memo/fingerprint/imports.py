"""Modules that code names in strings, its own or those in its tables: `import_module`, `sys.modules`, entry points."""

from __future__ import annotations

import sys

from memo.fingerprint import boundary
from memo.fingerprint.code import local
from memo.fingerprint.modules import absolute, import_project

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import FunctionType, ModuleType
    from typing import Any

    from memo.fingerprint.graph import Graph
    from memo.fingerprint.node import Node

IMPORTERS = frozenset(("import_module", "__import__", "modules", "resolve_name"))
# Scripts that tools run; importing them would run them as well.
SCRIPTS = frozenset(("setup", "conftest", "noxfile", "__main__"))


def link_literals(graph: Graph, node: Node, function: FunctionType) -> None:
    """Link the modules of the project that a function names in strings, for it imports by name."""
    names, space = local(function).references, function.__globals__
    link_named(graph, node, names.strings, space)
    own = sys.modules.get(str(space.get("__name__")))
    if own is not None and ("__name__",) in names.loads and vars(own) is space:
        node.link("i:__name__", graph.visit(own, "__name__"))
    for package in names.packages:
        _link_package(graph, node, package, space)


def link_named(graph: Graph, node: Node, texts: Iterable[str], space: Mapping[str, Any]) -> None:
    """Link the modules of the project that texts name, as `ops`, `.ops`, `ops.run` or `ops:run`."""
    for text in texts:
        name: str | None = text.partition(":")[0]
        rest = text.lstrip(".")
        if rest != text:
            name = absolute(dict(space), len(text) - len(rest), rest.partition(":")[0])
        if name and name not in SCRIPTS and boundary.origin_of_module(name) == boundary.PROJECT:
            module = _import_longest(graph, node, name)
            if module is not None:
                node.link(f"i:{module.__name__}", graph.visit(module, module.__name__))


def _import_longest(graph: Graph, node: Node, name: str) -> ModuleType | None:
    """Return the module that the longest possible part of a dotted name stands for."""
    module, at = None, ""
    for piece in name.split("."):
        at = f"{at}.{piece}" if at else piece
        if module is not None and at not in sys.modules and not _has_module(module, at):
            break
        found = import_project(graph, node, at)
        if found is None:
            break
        module = found
    return module


def _has_module(package: ModuleType, name: str) -> bool:
    from importlib.machinery import PathFinder  # noqa: PLC0415 - only for a module that is not loaded

    places = list(getattr(package, "__path__", ()))
    return bool(places) and PathFinder.find_spec(name, places) is not None


def _link_package(graph: Graph, node: Node, package: str, space: Mapping[str, Any]) -> None:
    """Link every module of a package, for one of them is imported under a name that is computed."""
    rest = package.lstrip(".")
    name = absolute(dict(space), len(package) - len(rest), rest)
    if not name or boundary.origin_of_module(name) != boundary.PROJECT:
        return
    module = import_project(graph, node, name)
    if module is None:
        return
    graph.note(f"imports from {name} under a computed name; all of it counts", node.name)
    link_named(graph, node, modules_in(module), space)


def modules_in(package: ModuleType) -> list[str]:
    """Return the full names of the modules that stand in a package."""
    places = getattr(package, "__path__", None)
    if not places:
        return []
    from pkgutil import iter_modules  # noqa: PLC0415 - few functions ask

    return sorted(f"{package.__name__}.{info.name}" for info in iter_modules(places) if info.name not in SCRIPTS)
