"""How a class, a function or a module is named in a canonical form, and reported as a root of the fingerprint.

Owns the rule that a name stands for its code only together with the fingerprint: a name that does not lead back to
what it names (a lambda, a local class) gets a number, in the order the walk meets them, so that two of one name keep
their places (I6).
"""

from __future__ import annotations

import sys

from cas import extension as ext
from cas.extension import head
from memo.canonical.scalars import write_str
from memo.canonical.walk import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memo.canonical.walk import Walk

# Their code is the interpreter's or numpy's, whose versions the fingerprint holds anyway.
_NO_ROOTS = frozenset(("builtins", "numpy"))


def write_class(walk: Walk, value: type) -> None:
    """Write a class given as a value."""
    walk.out.append(head(ext.CLASS, 2))
    write_name(walk, value)


def write_module(walk: Walk, value: Any) -> None:
    """Write a module given as a value, and report it as a root: its functions may be called."""
    if value.__name__.partition(".")[0] not in _NO_ROOTS:
        walk.roots.setdefault(id(value), value)
    walk.out.append(head(ext.MODULE, 1))
    write_str(walk, public_name(value.__name__))


def write_name(walk: Walk, named: Any) -> None:
    """Write the two elements that name a class or function, and report it as a root."""
    module = getattr(named, "__module__", None) or "builtins"
    if not isinstance(module, str):  # a class may define the attribute as it likes
        module = "?"
    qualname: str = named.__qualname__
    report(walk, named)
    if "#" in qualname or not _leads_to(module, qualname, named):
        qualname = f"{qualname}#{_number(walk, named, qualname)}"
    write_str(walk, public_name(module))
    write_str(walk, qualname)


def report(walk: Walk, named: Any) -> None:
    """Report a class or function as a root, unless its code is told by the versions that the fingerprint holds."""
    module: object = getattr(named, "__module__", None) or "builtins"
    if not isinstance(module, str) or module.partition(".")[0] not in _NO_ROOTS:
        walk.roots.setdefault(id(named), named)


def _number(walk: Walk, named: Any, qualname: str) -> int:
    if walk.unordered:
        raise Refused(
            f"{qualname}, which no name leads to, in a set",
            "sets have no order to tell such functions apart by: pass a list, or define it at the top of a module",
        )
    walk.roots.setdefault(id(named), named)
    return list(walk.roots).index(id(named))


def is_named(value: Any) -> bool:
    """Return whether its module and qualified name lead to a function or class."""
    return _leads_to(getattr(value, "__module__", None) or "builtins", value.__qualname__, value)


def _leads_to(module: str, qualname: str, named: object) -> bool:
    found: object = sys.modules.get(module) if isinstance(module, str) else None
    for name in qualname.split("."):
        found = getattr(found, name, None)
    return found is named


def public_name(module: str) -> str:
    """Return the name a module has wherever it runs: `__main__` by its spec or file, numpy's inner ones as numpy."""
    if module.startswith("numpy."):
        # numpy has moved its classes between inner modules from version to version.
        return module if module.startswith(("numpy.linalg", "numpy.fft", "numpy.random")) else "numpy"
    if module != "__main__":
        return module
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name)
    file = getattr(main, "__file__", None)
    return file.replace("\\", "/").rpartition("/")[2].removesuffix(".py") if file else module
