"""A function → its fingerprint: one digest of its code and of everything of the project's that it reaches.

Says when the digest no longer holds, and lists what it was folded from. Keeps I5. How references are found is in
`memo.fingerprint.dependencies`; what counts as a change is written for people in docs/fingerprint.md.
"""

from __future__ import annotations

import sys
from types import FunctionType, MethodType, ModuleType

from memo.fingerprint import boundary
from memo.fingerprint.closure import refuse_mutable
from memo.fingerprint.code import local
from memo.fingerprint.constants import plain_digest
from memo.fingerprint.declared import link_declared, setting, visit_depends
from memo.fingerprint.dependencies import is_project, visit, visit_function
from memo.fingerprint.framing import fold
from memo.fingerprint.graph import Graph
from memo.fingerprint.initial import add_initial
from memo.fingerprint.node import Node, counted, fold_graph
from memo.fingerprint.settings import link_planted, link_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import CodeType
    from typing import Any

    from cas.manifest import Ingredient, Manifest
    from memo.fingerprint.node import Row

ANNOTATION_READERS = ("__annotations__", "get_type_hints", "get_annotations", "signature", "getfullargspec")
CODE = frozenset(("function", "class", "method"))
OUTSIDE = frozenset(("package", "python"))
DATA = frozenset(("value", "table", "instance", "object"))


class Options:
    """How a function is fingerprinted; see `fingerprint`."""

    __slots__ = ("allow_mutable_bindings", "depends", "docstrings", "pin", "version")

    def __init__(
        self, pin: boundary.Pin, allow_mutable_bindings: bool, depends: Sequence[Any], version: Any, docstrings: bool
    ) -> None:
        self.pin = pin
        self.allow_mutable_bindings = allow_mutable_bindings
        self.depends = depends
        self.version = version
        self.docstrings = docstrings


def fingerprint(
    function: Any,
    *,
    pin: boundary.Pin = "minor",
    allow_mutable_bindings: bool = False,
    depends: Sequence[Any] = (),
    version: Any = None,
    docstrings: bool = False,
) -> Fingerprint:
    """Return the fingerprint of a function as it is now.

    Args:
        function: A function, method, partial, or any other callable.
        pin: How much of a distribution's version counts: `minor`, `exact`, `none`, or a mapping by name.
        allow_mutable_bindings: Let a closure's mutable values be part of the fingerprint instead of refusing them.
        depends: Functions, classes, modules and paths of files that count although the code does not name them.
        version: Any plain value; another value is another fingerprint.
        docstrings: Count docstrings.

    Raises:
        UnstableFunction: A captured variable can change between calls; the message names it.
    """
    options = Options(pin, allow_mutable_bindings, depends, version, docstrings)
    if not allow_mutable_bindings:
        refuse_mutable(function)
    return Fingerprint(function, options, ())


class Fingerprint:
    """What a function depends on, at the moment it was made.

    Attributes:
        digest: Names this version of the function's code.
        module: The function's module; a script goes by its file.
        qualname: The function's qualified name.
        is_current: Tells, at the cost of a few pointer comparisons, whether the digest still holds.
    """

    __slots__ = (
        "_function",
        "_graph",
        "_options",
        "_rooted",
        "_roots",
        "_rows",
        "digest",
        "is_current",
        "module",
        "qualname",
    )

    def __init__(self, function: Any, options: Options, roots: tuple[Any, ...]) -> None:
        self._function = function
        self._options = options
        self._roots = roots
        self._rooted: dict[tuple[int, ...], Fingerprint] = {}
        self.module, self.qualname = identity(function)
        graph = self._graph = Graph(options.pin, visit, visit_function)
        root = _grow(graph, function, options, roots)
        while add_initial(graph, root, self._is_state):
            graph.grow()
        link_settings(graph, root)
        self.digest, self._rows = fold_graph(root, self._local, self._is_state)
        state = graph.state
        unseen: set[int] = set()
        if state.places or state.objects:
            unseen = {id(node.value) for node in graph.nodes()} - counted(root, self._is_state)
        graph.token.forget(state.places, state.objects, unseen)
        self.is_current: Callable[[], bool] = graph.token.check(plain_digest)

    def with_roots(self, roots: Iterable[Any]) -> Fingerprint:
        """Return the fingerprint with classes, functions and modules of a call's arguments as further roots.

        Those outside the project are left out; functions keep their order and number, since two arguments may hold
        functions of one name. Returns this fingerprint if nothing is left.
        """
        wanted = tuple(root for root in roots if _is_root(root))
        if not wanted:
            return self
        key = tuple(id(root) for root in wanted)
        known = self._rooted.get(key)
        if known is None or not known.is_current():
            known = self._rooted[key] = Fingerprint(self._function, self._options, wanted)
        return known

    @property
    def manifest(self) -> Manifest:
        """Every ingredient: functions with their source, classes, values, packages, state left out, notes."""
        from cas.manifest import Ingredient, Manifest  # noqa: PLC0415 - a hit needs none

        found = [self._ingredient(row) for row in self._rows]
        found += [Ingredient("note", node.name, node.origin, b"") for node in self._graph.notes.values()]
        return Manifest(found)

    def code_objects(self) -> Iterator[CodeType]:
        """Yield the code of every function that counts, and of what is defined inside each."""
        pending = [node.value.__code__ for node, _, _ in self._rows if node.kind == "function"]
        while pending:
            code = pending.pop()
            yield code
            pending += [constant for constant in code.co_consts if type(constant) is type(code)]

    def _local(self, node: Node) -> bytes:
        """Return a node's own digest, with annotations and docstrings where something reads them."""
        if self._is_changed(node):
            return fold("state")
        if node.kind in OUTSIDE:
            return self._graph.pinned(node)
        if node.kind not in ("function", "class"):
            return node.local
        extra: list[bytes] = []
        code = local(node.value) if node.kind == "function" else None
        if self._options.docstrings or self._graph.uses("__doc__"):
            extra += [_shown_doc(vars(node.value).get("__doc__") if code is None else node.value.__doc__)]
            extra += [code.documented] if code is not None else []
        if any(self._graph.uses(name) for name in ANNOTATION_READERS):
            extra += [_shown_annotations(node.value)]
            extra += [code.annotated] if code is not None else []
        return fold("read", node.local, *extra) if extra else node.local

    def _is_state(self, node: Node, label: str) -> bool:
        state = self._graph.state
        if any(place in state.places for place in node.places.get(label, ())):
            return True
        return self._is_changed(node) and node.edges[label].kind not in CODE

    def _is_changed(self, node: Node) -> bool:
        return id(node.value) in self._graph.state.objects and node.kind in DATA

    def _ingredient(self, row: Row) -> Ingredient:
        from cas.manifest import Ingredient  # noqa: PLC0415 - a hit needs none
        from memo.fingerprint.shown import shown  # noqa: PLC0415 - likewise

        node, digest, links = row
        changed = self._is_changed(node)
        kind, source = ("state", None) if changed else (node.kind, shown(node))
        return Ingredient(kind, node.name, node.origin, digest, source, tuple(links))


def _shown_annotations(value: Any) -> bytes:
    """Return the annotations of a function, or of a class in their order, as text."""
    from memo.fingerprint.shown import as_text  # noqa: PLC0415 - loads `re`; few programs read annotations

    own = value.__annotations__ if type(value) is FunctionType else vars(value).get("__annotations__", {})
    found = sorted(own.items()) if type(value) is FunctionType else own.items()
    return repr([(name, as_text(part)) for name, part in found]).encode("utf-8", "surrogatepass")


def _shown_doc(doc: object) -> bytes:
    """Return a docstring's words; Python 3.13 takes indentation off, earlier versions keep it."""
    # Of anything else, only what it is: its text may hold an address, and a descriptor counts as an attribute does.
    words = str(doc).split() if isinstance(doc, str | None) else [type(doc).__name__]
    return " ".join(words).encode("utf-8", "surrogatepass")


def identity(function: Any) -> tuple[str, str]:
    """Return the module and the qualified name that a callable is known by."""
    inner = function
    while not hasattr(inner, "__qualname__") and hasattr(inner, "func"):
        inner = inner.func
    if isinstance(inner, MethodType):
        inner = inner.__func__
    if type(inner) is FunctionType:
        module = boundary.module_name(inner.__globals__)
    else:
        module = getattr(inner, "__module__", None) or type(inner).__module__
    return module, getattr(inner, "__qualname__", None) or type(inner).__qualname__


def _grow(graph: Graph, function: Any, options: Options, roots: tuple[Any, ...]) -> Node:
    module, qualname = identity(function)
    names = module.encode(), qualname.encode("utf-8", "surrogatepass")
    root = Node("root", f"{module}.{qualname}", boundary.PROJECT, fold("root", *names))
    if sys.flags.optimize:  # drops asserts and `__debug__` blocks, which the text still has
        root.link("s:optimize", setting("python -O", sys.flags.optimize))
    graph.keep(function)
    graph.entry = getattr(function, "__func__", function)
    link_planted(graph, root)
    root.link("f", graph.visit(function, root.name))
    for position, given in enumerate(roots):
        # Of a module that is handed over, any part may be used.
        whole = isinstance(given, ModuleType)
        target = visit_depends(graph, given) if whole else graph.visit(given, f"argument {position}")
        root.link(f"r:{position:04}", target)
    link_declared(graph, root, options.depends, options.version)
    graph.grow()
    return root


def _is_root(root: Any) -> bool:
    return is_project(root) or (isinstance(root, MethodType) and is_project(root.__func__))
