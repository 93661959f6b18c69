"""Code → whose it is: the project's (expanded), a distribution's (a name and a version), Python's own (a name).

The project is what is neither in the standard library nor a distribution in site-packages; editable installs and
`pip install .` of a folder are the user's own. Versions are read off folder names, because `importlib.metadata`
costs 40 ms on a cold start.
"""

from __future__ import annotations

import builtins
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FunctionType
    from typing import Any

    Pin = str | Mapping[str, str]

PROJECT = "project"
PYTHON = "python"
OWN = "memo"
INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_STDLIB = os.path.dirname(os.__file__) + os.sep
_HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_OWN_FOLDERS = tuple(os.path.join(_HOME, package, "") for package in ("memo", "cas"))
MAKERS = frozenset(("types", "abc", "dataclasses"))
HEAP_TYPE = 1 << 9
_STRICTNESS = ("none", "minor", "exact")
_BUILTINS = vars(builtins)
_origins: dict[str, str] = {}
_folders: dict[str, dict[str, str]] = {}


def origin_of_path(path: str) -> str:
    """Return `project`, `python`, `memo`, or `distribution==version` for a file."""
    known = _origins.get(path)
    if known is None:
        known = _origins[path] = _origin_of_path(path)
    return known


def _origin_of_path(path: str) -> str:
    if path.startswith("<frozen"):
        return PYTHON
    if path.startswith(_OWN_FOLDERS):
        return OWN
    for marker in INSTALLED:
        at = path.rfind(marker)
        if at >= 0:
            folder, rest = path[: at + len(marker)], path[at + len(marker) :]
            top = rest.split(os.sep)[0]
            return _distribution(folder, top.split(".")[0])
    if path.startswith(_STDLIB) or _same_folder(path):
        return PYTHON
    return PROJECT


def _same_folder(path: str) -> bool:
    """Tell standard library files reached by another spelling of the path, such as through a link."""
    prefix = os.path.join(sys.base_prefix, "lib", f"python{sys.version_info[0]}.{sys.version_info[1]}") + os.sep
    return path.startswith(prefix) or (
        os.path.isabs(path) and os.path.realpath(path).startswith(os.path.realpath(_STDLIB) + os.sep)
    )


def origin_of_module(name: str) -> str:
    """Return whose a module is, by its name; imported or not, it is not imported here."""
    module = sys.modules.get(name)
    if module is not None:
        return origin_of_namespace(vars(module))
    top = name.partition(".")[0]
    if top in sys.builtin_module_names:
        return PYTHON
    if top in sys.modules and top != name:
        return origin_of_namespace(vars(sys.modules[top]))
    path = _find(top)
    if path is None:
        return PYTHON if top in sys.stdlib_module_names else "missing"
    return origin_of_path(path)


def _find(top: str) -> str | None:
    from importlib.machinery import PathFinder  # noqa: PLC0415 - only for a module that is not loaded

    try:
        spec = PathFinder.find_spec(top)
    except (ImportError, AttributeError, ValueError):
        return None
    if spec is None:
        return None
    if spec.origin is not None:
        return spec.origin
    places = list(spec.submodule_search_locations or ())
    return os.path.join(places[0], "") if places else None


def origin_of_namespace(namespace: Mapping[str, Any]) -> str:
    """Return whose a module is, by its globals."""
    path = namespace.get("__file__")
    if isinstance(path, str):
        return origin_of_path(path)
    spec = namespace.get("__spec__")
    kind = getattr(spec, "origin", None)
    if kind in ("built-in", "frozen"):
        return PYTHON
    places = list(getattr(spec, "submodule_search_locations", None) or ())
    if places:
        return origin_of_path(os.path.join(str(places[0]), ""))
    name = namespace.get("__name__", "")
    if name == "__main__" or not isinstance(name, str):
        return PROJECT
    top = sys.modules.get(name.partition(".")[0])
    if top is None or vars(top) is namespace or getattr(top, "__file__", None) is None:
        return PYTHON if name.partition(".")[0] in sys.builtin_module_names else PROJECT
    return origin_of_namespace(vars(top))


def origin_of_code(filename: str, namespace: Mapping[str, Any]) -> str:
    """Return whose a function is: by the file of its code, or, if generated, by the module it runs in."""
    if filename.startswith("<frozen"):
        return PYTHON
    if os.path.isabs(filename):
        return origin_of_path(filename)
    if filename.startswith("<__array_function__"):
        return _distribution_of_module("numpy")
    return origin_of_namespace(namespace)


def is_own_function(value: object) -> bool:
    """Tell a function of the project's own."""
    code = getattr(value, "__code__", None)
    return code is not None and origin_of_code(code.co_filename, value.__globals__) == PROJECT  # type: ignore[attr-defined]


def origin_of_class(cls: type) -> str:
    """Return whose a class is, by its module."""
    name = module_of(cls)
    module = sys.modules.get(name)
    if module is None:
        return PROJECT
    # `types.new_class` and what is built on it name themselves as the home of the classes that they make for others.
    if name in MAKERS and cls.__flags__ & HEAP_TYPE and vars(module).get(cls.__name__) is not cls:
        return PROJECT
    return origin_of_namespace(vars(module))


def ask(value: object, name: str) -> Any:
    """Return an attribute of any object, None if it has none: an object may answer with any exception."""
    try:
        return getattr(value, name, None)
    except Exception:  # noqa: BLE001 - as said above
        return None


def module_of(value: object) -> str:
    """Return the name of a class's or callable's module; empty where extension types keep none."""
    name = ask(value, "__module__")
    return name if isinstance(name, str) else ""


def compiled_file(name: str) -> str | None:
    """Return the file of a module of the project's own that is compiled code; None if it is Python."""
    path = getattr(sys.modules.get(name), "__file__", None)
    if not isinstance(path, str) or path.endswith((".py", ".pyc", ".pyw")) or origin_of_path(path) != PROJECT:
        return None
    return path


def is_builtin(value: object) -> bool:
    """Tell whether a value is what Python itself calls by that name without import."""
    name = ask(value, "__name__")
    return isinstance(name, str) and _BUILTINS.get(name, _BUILTINS) is value


def _distribution_of_module(top: str) -> str:
    module = sys.modules.get(top)
    path = getattr(module, "__file__", None)
    return origin_of_path(path) if isinstance(path, str) else top


def module_name(namespace: Mapping[str, Any]) -> str:
    """Return a module's name; `__main__` goes by its spec or its file, as `-m` and workers see it."""
    name = str(namespace.get("__name__", ""))
    return main_name(namespace) if name in ("__main__", "__mp_main__") else name.removesuffix(".__main__")


def full_name(function: FunctionType) -> str:
    """Return a function's module and qualified name; a script's module goes by its file."""
    return f"{module_name(function.__globals__)}.{function.__qualname__}"


def main_name(namespace: Mapping[str, Any]) -> str:
    """Return what `__main__` is called when it is not `__main__`."""
    spec = namespace.get("__spec__")
    name = getattr(spec, "name", None)
    if isinstance(name, str) and name not in ("__main__", "__mp_main__"):
        return name.removesuffix(".__main__")
    path = namespace.get("__file__")
    if isinstance(path, str):
        return os.path.splitext(os.path.basename(path))[0]
    return "__main__"


def pinned(origin: str, pin: Pin) -> str:
    """Return a distribution's name with as much of its version as the pin lets into the key."""
    name, found, version = origin.partition("==")
    rule = pin if isinstance(pin, str) else pin.get(name, pin.get("*", "minor"))
    if not found or rule == "none":
        return name
    if rule == "exact":
        return origin
    release, _, commit = version.partition("+")
    minor = ".".join(release.split(".")[:2])
    return f"{name}=={minor}+{commit}" if commit.startswith("commit.") else f"{name}=={minor}"


def strictest(one: Pin, other: Pin) -> Pin:
    """Return the pin that lets in what either does: of a function and of what it calls."""
    if one == other:
        return one
    rules = [{"*": pin} if isinstance(pin, str) else pin for pin in (one, other)]
    names = sorted({"*", *rules[0], *rules[1]})
    return {
        name: max((rule.get(name, rule.get("*", "minor")) for rule in rules), key=_STRICTNESS.index) for name in names
    }


def _distribution(folder: str, top: str) -> str:
    """Return `name==version` of the distribution that installed the top-level name `top` in `folder`."""
    by_name = _folders.get(folder)
    if by_name is None:
        by_name = _folders[folder] = _scan(folder)
    found = by_name.get(_normal(top))
    if found is None:
        found = by_name[_normal(top)] = _by_contents(folder, top)
    if not found:
        return top
    name, version = _split(found)
    source = _direct_url(os.path.join(folder, found))
    if "dir_info" in source:
        return PROJECT
    commit = source.get("vcs_info", {}).get("commit_id")
    return f"{name}=={version}+commit.{commit}" if commit else f"{name}=={version}"


def _scan(folder: str) -> dict[str, str]:
    try:
        names = os.listdir(folder)
    except OSError:
        return {}
    return {_normal(_split(name)[0]): name for name in sorted(names) if name.endswith((".dist-info", ".egg-info"))}


def _split(folder_name: str) -> tuple[str, str]:
    name, _, version = folder_name.rpartition(".")[0].partition("-")
    return name, version.partition("-")[0]


def _normal(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")


def _by_contents(folder: str, top: str) -> str:
    """Look the import name up in what each distribution says it installed (`sklearn` is from scikit-learn)."""
    wanted = (f"\n{top}/", f"\n{top}.py,", f"\n{top}.")
    for found in sorted(set(_folders[folder].values())):
        try:
            with open(os.path.join(folder, found, "RECORD"), encoding="utf-8", errors="replace") as file:
                listing = "\n" + file.read()
        except OSError:
            continue
        if any(start in listing for start in wanted):
            return found
    return ""


def _direct_url(info: str) -> dict[str, Any]:
    try:
        with open(os.path.join(info, "direct_url.json"), encoding="utf-8") as file:
            text = file.read()
    except OSError:
        return {}
    from json import loads  # noqa: PLC0415 - few distributions have the file, and `json` costs 8 ms

    try:
        found = loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
