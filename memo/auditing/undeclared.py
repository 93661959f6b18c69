"""A trace and a fingerprint → what happened and was not declared, each with what to write to declare it."""

from __future__ import annotations
import __future__

import gc
import os
import sys
import warnings
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

from memo.auditing.functions import EVERY_VARIABLE
from memo.auditing.places import Place
from memo.auditing.report import Finding
from memo.fingerprint import boundary, fingerprint
from memo.fingerprint.bytecode import bytecode_digest, contains
from memo.marks import contents

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from memo.auditing.trace import Ran, Trace
    from memo.fingerprint import Fingerprint

# Where a wrapper or a method keeps the function behind it.
_BEHIND = ("__wrapped__", "__func__", "func", "py_func")
_SHORTEST_NAME = 3
# `from __future__` statements of the calling code are in force in what it compiles.
_FUTURES = __future__.annotations.compiler_flag


class Subject(NamedTuple):
    """What was audited: the function, its fingerprint for the call, what was declared, and the arguments."""

    function: Any
    fingerprint: Fingerprint
    depends: tuple[Any, ...]
    values: tuple[Any, ...]

    @property
    def code(self) -> CodeType | None:
        """The code of the function behind wrappers, methods and partials; None if it is compiled."""
        inner = self.function
        while not hasattr(inner, "__code__") and hasattr(inner, "func"):
            inner = inner.func
        code = getattr(inner, "__code__", None)
        return code if isinstance(code, CodeType) else None


def undeclared(trace: Trace, subject: Subject) -> list[Finding]:
    """Return what a traced call did that its fingerprint and its arguments do not tell."""
    declared = {os.path.realpath(given) for given in subject.depends if isinstance(given, str | os.PathLike)}
    found = _without_reached([_function(ran, live, subject) for ran, live in _functions(trace, subject, declared)])
    named = list(_paths(subject.values))
    signed = tuple(map(os.path.realpath, contents(subject.values)))
    whole = {place for (kind, name), place in trace.seen.items() if (kind, name) == ("variable", EVERY_VARIABLE)}
    for (kind, name), place in trace.seen.items():
        given = trace.paths.get(name, name)
        if kind == "variable" and name != EVERY_VARIABLE and place in whole:
            continue
        if kind == "written" and not os.path.exists(name):
            continue  # it was temporary
        if kind in ("file", "folder", "missing") and any(_stands_at(os.path.realpath(name), path) for path in signed):
            continue
        if kind != "file":
            found.append(Finding(kind, given, place))
        elif any(_names(path, name) for path in named):
            # Which file it is depends on the call, so it cannot be declared for all calls.
            found.append(Finding("named file", given, place))
        elif os.path.realpath(name) not in declared:
            found.append(Finding("file", given, place, target=given, paste=_quoted(given)))
    return found


def stands_below(finding: Finding, subject: Subject) -> bool:
    """Tell whether a decorator of the function comes too early to name what it should declare."""
    code = subject.code
    if code is None or finding.kind != "function" or not callable(finding.target):
        return False
    return finding.place.file == code.co_filename and finding.place.line > code.co_firstlineno


def _functions(trace: Trace, subject: Subject, declared: set[str]) -> Iterator[tuple[Ran, FunctionType | None]]:
    """Yield what ran and is not in the fingerprint, with the live function; not what is inside another of them."""
    known = list(subject.fingerprint.code_objects())
    identities = set(map(id, known))
    rest = [ran for ran in trace.ran.values() if id(ran.code) not in identities]
    if not rest:
        return
    # The same code may have been loaded anew since, as by a module that is loaded by its path at each call.
    same = {(code.co_filename, bytecode_digest(code)) for code in known}
    rest = [ran for ran in rest if (ran.code.co_filename, bytecode_digest(ran.code)) not in same]
    rest = [ran for ran in rest if os.path.realpath(ran.code.co_filename) not in declared and not _is_literal(ran)]
    holders = gc.get_referrers(*(ran.code for ran in rest)) if rest else []
    live = {id(holder.__code__): holder for holder in holders if type(holder) is FunctionType}
    classes = {part.name for part in subject.fingerprint.manifest if part.kind == "class"}
    for ran in rest:
        function = live.get(id(ran.code))
        if any(other is not ran and contains(other.code, ran.code) for other in rest):
            continue  # told by the function around it
        if function is None or not _is_written_for(function, classes):
            yield ran, function


def _is_written_for(function: FunctionType, classes: set[str]) -> bool:
    """Tell a method that a library wrote for a class that counts, as dataclasses do: its fields count instead."""
    if function.__qualname__.startswith("__create_fn__."):
        return True
    owner = f"{boundary.module_name(function.__globals__)}.{function.__qualname__.rpartition('.')[0]}"
    return not os.path.isabs(function.__code__.co_filename) and owner in classes


def _without_reached(found: list[Finding]) -> list[Finding]:
    """Take the declaration off each function that the ones before it, once declared, bring with them."""
    reached: set[int] = set()
    left = []
    for finding in found:
        is_reached = id(getattr(finding.function, "__code__", None)) in reached
        left.append(finding._replace(target=None, paste="") if is_reached else finding)
        if not is_reached and finding.target is not None and not isinstance(finding.target, str):
            declared = fingerprint(finding.target, allow_mutable_bindings=True)
            reached.update(map(id, declared.code_objects()))
    return left


def _is_literal(ran: Ran) -> bool:
    """Tell text given to `eval` or `exec` that stands in the calling code, and so counts already."""
    if ran.code.co_name != "<module>" or ran.called_by is None:
        return False
    digest, flags = bytecode_digest(ran.code), ran.called_by.co_flags & _FUTURES
    for text in ran.called_by.co_consts:
        for mode in ("eval", "exec") if isinstance(text, str) else ():
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    made = compile(text, ran.code.co_filename, mode, flags, dont_inherit=True)
                if bytecode_digest(made) == digest:
                    return True
            except (SyntaxError, ValueError):
                continue
    return False


def _function(ran: Ran, live: FunctionType | None, subject: Subject) -> Finding:
    code = ran.code
    module = boundary.module_name(live.__globals__ if live is not None else ran.namespace)
    qualname = live.__qualname__ if live is not None else code.co_qualname
    target, paste = _declaration(ran, qualname, subject.code)
    # What has neither a name nor a file was made from text at run time.
    kind = "function" if paste else "text"
    name = f"{module}.{qualname}" if module and code.co_name != "<module>" else qualname
    return Finding(kind, name, Place(code.co_filename, code.co_firstlineno, name), ran.caller, live, target, paste)


def _declaration(ran: Ran, qualname: str, home: CodeType | None) -> tuple[Any, str]:
    """Return what to add to `depends=` for a function, as a value and as text: by its name, else by its file."""
    space, code = ran.namespace, ran.code
    at_home = home is not None and home.co_filename == code.co_filename
    if at_home or _is_importable(space):
        prefix = "" if at_home else f"{space['__name__']}."
        variables = [(name, value) for name, value in list(space.items()) if name.isidentifier()]
        for name, value in ((qualname, _look_up(space, qualname)), *variables):
            found = _find(value, code, f"{prefix}{name}")
            if found is not None:
                return found
        # A function made by another one that nothing holds by name: its code counts with the one that makes it.
        maker = qualname.partition(".<locals>")[0]
        value = _look_up(space, maker)
        if type(value) is FunctionType and contains(value.__code__, code):
            return value, f"{prefix}{maker}"
    if os.path.isfile(code.co_filename):
        return code.co_filename, _path_text(code.co_filename, home)
    return None, ""


def _look_up(space: dict[str, Any], path: str) -> Any:
    first, *rest = path.split(".")
    value = space.get(first)
    for name in rest:
        value = getattr(value, name, None)
    return value


def _find(value: Any, code: CodeType, text: str, depth: int = 3) -> tuple[Any, str] | None:
    """Return the callable in a value that some code belongs to, and how to write it; looks into tables."""
    if type(value) is FunctionType and value.__code__ is code:
        return value, text
    if not depth:
        return None
    if type(value) is property:
        parts = [(getattr(value, name), f"{text}.{name}") for name in ("fget", "fset", "fdel")]
    elif type(value) is dict:
        parts = [(part, f"{text}[{key!r}]") for key, part in list(value.items()) if type(key) in (str, int)]
    elif type(value) in (list, tuple):
        parts = [(part, f"{text}[{index}]") for index, part in enumerate(list(value))]
    else:
        is_wrapper = type(value) is FunctionType or type(value).__module__ in ("builtins", "functools")
        behind = [getattr(value, name, None) for name in _BEHIND] if is_wrapper and callable(value) else []
        is_found = any(_find(part, code, text, depth - 1) is not None for part in behind if part is not None)
        return (value, text) if is_found else None
    found = (_find(part, code, name, depth - 1) for part, name in parts)
    return next((one for one in found if one is not None), None)


def _is_importable(space: dict[str, Any]) -> bool:
    """Tell whether an `import` would find a module again."""
    name = space.get("__name__")
    module: ModuleType | None = sys.modules.get(name) if isinstance(name, str) else None
    if module is None or vars(module) is not space or name == "__main__":
        return False
    above = sys.modules.get(name.rpartition(".")[0]) if isinstance(name, str) else None
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        spec = find(name, getattr(above, "__path__", None)) if find is not None else None
        if spec is not None:
            return bool(spec.origin == getattr(module, "__file__", None))
    return False


def _path_text(path: str, home: CodeType | None) -> str:
    """Return how to write the path of a file of code: from the function's own file, if it is near."""
    folder = os.path.dirname(home.co_filename) if home is not None else ""
    if folder and path.startswith(os.path.join(folder, "")):
        return f"Path(__file__).parent / {_quoted(os.path.relpath(path, folder))}"
    return _quoted(path)


def _quoted(path: str) -> str:
    text = repr(path)[1:-1]
    return repr(path) if '"' in text else f'"{text}"'


def _paths(values: Any, depth: int = 3) -> Iterator[str]:
    """Yield the texts and paths among the arguments."""
    for value in values:
        if isinstance(value, str | os.PathLike):
            text = os.fspath(value)
            if isinstance(text, str):
                yield text
        elif depth and isinstance(value, list | tuple | dict):
            yield from _paths(value.values() if isinstance(value, dict) else value, depth - 1)


def _stands_at(path: str, signed: str) -> bool:
    """Tell whether a file is one that an argument was signed by, or in such a folder."""
    return path == signed or path.startswith(os.path.join(signed, ""))


def _names(given: str, path: str) -> bool:
    """Tell whether an argument names a file: as its path, as a folder above it, or as a part of its name."""
    full = os.path.abspath(os.path.expanduser(given)) if given else ""
    if full and (full == path or path.startswith(os.path.join(full, ""))) and full != os.getcwd():
        return True
    return len(given) >= _SHORTEST_NAME and given in os.path.basename(path)
