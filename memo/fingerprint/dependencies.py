"""A value met in code → its node: functions, classes, modules, data, and what wraps them.

Live objects are asked, not names: a monkeypatched helper is the helper. Owns how references are resolved and what is
followed; beside it stand the graph itself, classes, objects and modules, each in its own file.
"""

from __future__ import annotations

from types import BuiltinFunctionType, FunctionType, MappingProxyType, MethodType, ModuleType

from memo.fingerprint import boundary
from memo.fingerprint.classes import visit_class
from memo.fingerprint.closure import captured, mark_state
from memo.fingerprint.code import local
from memo.fingerprint.declared import visit_cached
from memo.fingerprint.foreign import is_made, is_setting
from memo.fingerprint.framing import fold
from memo.fingerprint.graph import place
from memo.fingerprint.imports import IMPORTERS, link_literals
from memo.fingerprint.lookups import use_computed
from memo.fingerprint.membership import link_registered
from memo.fingerprint.modules import (
    extension,
    visit_attributes,
    visit_import,
    visit_module,
    widen,
)
from memo.fingerprint.node import Node
from memo.fingerprint.objects import visit_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memo.fingerprint.graph import Graph

SLOT_TYPES = (type(object.__init__), type(object().__str__), type(str.join), type(dict.__dict__["fromkeys"]))
# Their values say where a file stands or how it was loaded, not what the code does.
UNSEEN_GLOBALS = frozenset(("__file__", "__builtins__", "__spec__", "__loader__", "__cached__", "__path__"))
WIDENING = frozenset(("globals", "eval", "exec"))
FOLLOWED = ("__wrapped__", "func", "py_func", "pyfunc", "registry", "__func__", "fget", "fset", "fdel")


def visit(graph: Graph, value: Any, name: str) -> Node | None:
    """Return the node of a value met for the first time."""
    kind = type(value)
    if kind is FunctionType:
        return visit_function(graph, value)
    # By type, not by `isinstance`: proxies and mocks pass themselves off as another class.
    if issubclass(kind, type):
        return visit_class(graph, value)
    if kind is MethodType:
        return _visit_method(graph, value, name)
    if kind is BuiltinFunctionType or kind in SLOT_TYPES:
        return _visit_builtin(graph, value, name)
    if issubclass(kind, ModuleType):
        return visit_module(graph, value)
    return visit_object(graph, value, name)


def visit_function(graph: Graph, function: FunctionType, owner: type | None = None) -> Node | None:
    """Return the node of a function; `owner` is the class it is a method of."""
    code = function.__code__
    if code.co_filename.startswith("<memo."):
        return visit_cached(graph, function)
    origin = boundary.origin_of_code(code.co_filename, function.__globals__)
    if origin != boundary.PROJECT:
        node = graph.leaf(origin, f"{_public(function.__module__)}.{function.__qualname__}")
        return graph.add(function, node, lambda: _follow_foreign(graph, node, function))
    node = Node("function", boundary.full_name(function), origin, b"", function)
    return graph.add(function, node, lambda: _expand(graph, node, function, owner))


def _public(module: str | None) -> str:
    """Return the top-level module: which private submodule holds a name changes between versions."""
    top = (module or "").partition(".")[0]
    return "os.path" if top in ("posixpath", "ntpath") else top


def _expand(graph: Graph, node: Node, function: FunctionType, owner: type | None) -> None:
    code = local(function)
    node.local = fold("function", function.__qualname__.encode("utf-8", "surrogatepass"), code.digest)
    graph.token.function(function)
    mark_state(graph.state, function, owner)
    names = code.references
    for chain in names.loads:
        _resolve(graph, node, function, chain)
    for level, module, wanted in names.imports:
        visit_import(graph, node, function, (level, module, wanted))
    named = {*names.attributes, *(chain[-1] for chain in names.loads)}
    if not named.isdisjoint(IMPORTERS):
        graph.use(IMPORTERS)
        link_literals(graph, node, function)
    for label, value, where in captured(graph, function):
        node.link(label, graph.visit(value, f"{node.name} {label}"), *where)
    _visit_own_attributes(graph, node, function)
    graph.use(names.attributes)
    graph.use([piece for text in names.strings for piece in text.replace(":", ".").split(".")])
    use_computed(graph, node, function, owner)


def _visit_own_attributes(graph: Graph, node: Node, function: FunctionType) -> None:
    for name, value in function.__dict__.items():
        if name == "__wrapped__":
            graph.token.read(function, name, value)
            node.link("w", graph.visit(value, f"{node.name} wrapped"))
        elif not name.startswith("__"):

            def read(name: str = name, value: object = value) -> None:
                graph.token.read(function, name, value)
                node.link(f"t:{name}", graph.visit(value, f"{node.name}.{name}"), place(function, name))

            graph.when_used(name, read)


def _resolve(graph: Graph, node: Node, function: FunctionType, chain: tuple[str, ...]) -> None:
    """Follow a global name and its attributes, link by link through modules, to what they stand for now."""
    space, name = function.__globals__, chain[0]
    if name in UNSEEN_GLOBALS:
        graph.use(chain[1:])
        return
    if name == "__name__":
        graph.use(chain[1:])
        node.link("g:__name__", graph.visit(boundary.module_name(space), "__name__"))
        return
    found, value = graph.lookup(space, name)
    if not found:
        builtins = function.__builtins__  # type: ignore[attr-defined, unused-ignore]  # newer stubs know it
        found, value = graph.lookup(builtins, name)
        if name in WIDENING and found:
            graph.note(f"{name}() may use any name of the module; the whole module counts", node.name)
            widen(graph, node, space)
        if not found or boundary.is_builtin(value):
            graph.use(chain[1:])
            return
    label, where = f"g:{name}", place(space, name)
    for position, attribute in enumerate(chain[1:], 1):
        if not issubclass(type(value), ModuleType):
            graph.use(chain[position:])
            break
        graph.through_modules.append((where, chain[position:]))
        origin = boundary.origin_of_namespace(vars(value))
        if origin != boundary.PROJECT:
            _leave(graph, node, (value, origin), (label, chain[position:]))
            return
        if type(value) is not ModuleType:
            node.link(f"{label}.type", graph.visit(type(value), type(value).__qualname__))
            graph.use((attribute,))
        found, inner = member(graph, value, attribute)
        label = f"{label}.{attribute}"
        if not found:
            graph.use(chain[position:])
            return
        where, value = place(vars(value), attribute), inner
    if issubclass(type(value), ModuleType) and boundary.origin_of_namespace(vars(value)) == boundary.PROJECT:
        visit_attributes(graph, node, value, local(function).references.attributes, label)
    node.link(label, graph.visit(value, f"{boundary.module_name(space)}.{label[2:]}"), where)


def member(graph: Graph, module: ModuleType, name: str) -> tuple[bool, Any]:
    """Return an attribute of a module of the project, as the code would get it, lazily loaded ones too."""
    found, value = graph.lookup(vars(module), name)
    if not found and ("__getattr__" in vars(module) or type(module) is not ModuleType):
        try:
            return True, getattr(module, name)
        except Exception:  # noqa: BLE001 - the user's code may raise anything; it will do so again when called
            return False, None
    return found, value


def _leave(graph: Graph, node: Node, module: tuple[ModuleType, str], rest: tuple[str, tuple[str, ...]]) -> None:
    """End a chain outside the project, unless something there was replaced by the project's own."""
    origin, (label, attributes) = module[1], rest
    value: Any = module[0]
    name: str = value.__name__
    for position, attribute in enumerate(attributes):
        if not isinstance(value, ModuleType):
            graph.use(attributes[position:])
            break
        found, inner = graph.lookup(vars(value), attribute)
        if not found:
            graph.use(attributes[position:])
            break
        if is_project(inner):
            graph.use(attributes[position + 1 :])
            node.link(f"{label}.{attribute}", graph.visit(inner, f"{name}.{attribute}"))
            return
        value = inner
    # Named in full whether it is loaded or not: a module may load what it has when it is first asked.
    name = ".".join((name, *attributes))
    leaf = graph.leaf(origin, name)
    node.link(".".join((label, *attributes)), leaf)
    if isinstance(value, type):
        link_registered(graph, leaf, value)


def is_project(value: object) -> bool:
    """Tell whether a function, class or module is of the project."""
    if isinstance(value, ModuleType):
        return boundary.origin_of_namespace(vars(value)) == boundary.PROJECT
    if type(value) is FunctionType:
        return boundary.origin_of_code(value.__code__.co_filename, value.__globals__) == boundary.PROJECT
    if isinstance(value, type):
        return boundary.origin_of_class(value) == boundary.PROJECT
    return False


def _visit_method(graph: Graph, method: MethodType, name: str) -> Node | None:
    node = Node("method", name, boundary.PROJECT, fold("method"), method)

    def expand() -> None:
        owner = method.__self__
        cls = owner if isinstance(owner, type) else type(owner)
        function = method.__func__
        target = visit_function(graph, function, cls) if type(function) is FunctionType else None
        node.link("f", target if target is not None else graph.visit(function, name))
        node.link("s", graph.visit(owner, f"{name}.__self__"))

    return graph.add(method, node, expand)


def _visit_builtin(graph: Graph, function: Any, name: str) -> Node | None:
    if boundary.is_builtin(function):
        module = "builtins"
        return graph.add(function, graph.leaf(boundary.PYTHON, f"{module}.{function.__qualname__}"))
    module = getattr(function, "__module__", None) or ""
    owner = getattr(function, "__self__", None)
    qualname = getattr(function, "__qualname__", name)
    compiled = boundary.compiled_file(module)
    if compiled is not None:
        return graph.add(function, extension(compiled, f"{module}.{qualname}"))
    origin = boundary.origin_of_module(module) if module else boundary.PYTHON
    node = graph.leaf(origin, f"{_public(module)}.{qualname}")
    if owner is not None and not isinstance(owner, (ModuleType, type)):
        node.link("s", graph.visit(owner, f"{name}.__self__"))
    return graph.add(function, node)


def _follow_foreign(graph: Graph, node: Node, wrapper: Any) -> None:
    """Follow a wrapper made by someone else's code to the project's functions that it holds."""
    made = node.kind == "package" and is_made(wrapper)
    for label, value, where in captured(graph, wrapper):
        if may_hold_project(value) or (made and is_setting(value)):
            node.link(label, graph.visit(value, f"{node.name} {label}"), *where)
    wrapped = wrapper.__dict__.get("__wrapped__")
    if node.kind == "package" and type(wrapped) is FunctionType and is_project(wrapped):
        _link_annotations(graph, node, wrapped)
    for name in FOLLOWED:
        value = wrapper.__dict__.get(name)
        if value is not None and may_hold_project(value):
            node.link(f"t:{name}", graph.visit(value, f"{node.name}.{name}"))


def _link_annotations(graph: Graph, node: Node, function: FunctionType) -> None:
    """Link the annotations of a function that a distribution's code wraps: it may go by them, as pydantic does."""
    for name, annotation in function.__annotations__.items():
        node.link(f"n:{name}", graph.visit(annotation, f"{node.name} {name}"))
        if isinstance(annotation, str):
            words = "".join(letter if letter.isalnum() or letter == "_" else " " for letter in annotation).split()
            for word in words:
                if word in function.__globals__:
                    value = graph.lookup(function.__globals__, word)[1]
                    node.link(f"n:{name}:{word}", graph.visit(value, word), place(function.__globals__, word))


def may_hold_project(value: object, depth: int = 3) -> bool:
    """Tell whether a value inside foreign code is the project's, or a table or wrapper of such."""
    if type(value) is FunctionType or isinstance(value, type):
        return is_project(value)
    if depth and type(value) in (dict, MappingProxyType):
        return any(may_hold_project(part, depth - 1) for part in value.values())  # type: ignore[attr-defined]
    if depth and type(value) in (list, tuple, set, frozenset):
        return any(may_hold_project(part, depth - 1) for part in value)  # type: ignore[attr-defined]
    if type(value) is MethodType:
        return may_hold_project(value.__func__) or may_hold_project(type(value.__self__))
    if boundary.origin_of_class(type(value)) == boundary.PROJECT:
        return True
    held = [boundary.ask(value, name) for name in FOLLOWED] if depth and callable(value) else []
    return any(may_hold_project(part, depth - 1) for part in held if part is not None)
