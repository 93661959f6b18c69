"""Settings of the process that results depend on, and that code changes without naming them again."""

from __future__ import annotations

import sys

from memo.fingerprint import boundary
from memo.fingerprint.constants import plain_digest
from memo.fingerprint.framing import fold
from memo.fingerprint.node import Node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from memo.fingerprint.graph import Graph


def link_settings(graph: Graph, root: Node) -> None:
    """Link the settings of the libraries that the code uses, as they are now."""
    used = {node.name.partition(".")[0] for node in graph.leaves}
    for top in sorted(used & READERS.keys() & sys.modules.keys()):
        read = READERS[top]
        seen = read(sys.modules[top])
        digest = plain_digest(seen) or b""
        name = f"settings of {top}"
        root.link(f"t:{top}", Node("value", name, boundary.PROJECT, fold("settings", digest), seen))
        graph.token.test(lambda top=top, read=read, seen=seen: read(sys.modules[top]) == seen)  # type: ignore[misc]


def link_planted(graph: Graph, root: Node) -> None:
    """Link the project's accessors and methods that were set on the classes of pandas, as their names are used."""
    pandas = sys.modules.get("pandas")
    for kind in ("DataFrame", "Series", "Index") if pandas is not None else ():
        for name, value in list(vars(getattr(pandas, kind, object)).items()):
            planted: Any = getattr(value, "_accessor", value)
            if is_planted(planted):

                def link(label: str = f"p:{kind}.{name}", planted: Any = planted) -> None:
                    root.link(label, graph.visit(planted, label))

                graph.when_used(name, link)


def is_planted(value: Any) -> bool:
    """Tell a function or class of the project's own."""
    if isinstance(value, type):
        return boundary.origin_of_class(value) == boundary.PROJECT
    return boundary.is_own_function(value)


def _decimal(module: Any) -> tuple[object, ...]:
    context = module.getcontext()
    traps = sorted(signal.__name__ for signal, is_on in context.traps.items() if is_on)
    limits = context.Emin, context.Emax, context.capitals, context.clamp
    return context.prec, context.rounding, *limits, tuple(traps)


def _mpmath(module: Any) -> tuple[object, ...]:
    return module.mp.prec, module.iv.prec


READERS: dict[str, Callable[[Any], tuple[object, ...]]] = {"decimal": _decimal, "mpmath": _mpmath}
