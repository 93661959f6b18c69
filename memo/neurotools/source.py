"""A function by its source: the text it was written as, and the code by which the original names its folder.

`function_signature` answers to the letter what neurotools did under Python 3.9: it finds the original's folders. What
decides whether a result may be served is the fingerprint, not this.
"""

from __future__ import annotations

import ast
import inspect
import sys
import warnings
from types import CodeType, FunctionType, MethodType
from weakref import WeakKeyDictionary

from cas.errors import InvalidInputError
from memo.neurotools.hashing import base64hash, base64hash10bytes
from memo.neurotools.originals.written import sanitize

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any

    Description = tuple[tuple[str, str], tuple[str | None, str, Any]]

_LONGEST = 1 << 20
# The `from __future__` switches, which `exec` hands on.
_FUTURE = 0x1FE0000


def get_source(f: Callable[..., Any]) -> str:
    """Return the source of a function, or of what is under all its decorators.

    Functions of files, notebooks and consoles, lambdas (with their whole line), and those of `exec` as long as the text
    is at hand: in `f.__source__`, or in a variable or constant of whoever called `exec` or calls this.

    Raises:
        InvalidInputError: There is none.
    """
    function = undecorated(f)
    text = _own_source(function)
    if text is None:
        text = _executed_source(function)
    if text is None:
        raise InvalidInputError(
            f"{function.__qualname__}: expected a function whose source is known, got one made by exec or eval",
            "keep the text that it was made of as its attribute `__source__`",
        )
    return text


def function_signature(f: Callable[..., Any]) -> str:
    """Return `module.name.code`, which names the folder of a function's results.

    The code is that of the original. Where it failed: keyword-only parameters count with their defaults, annotations
    only by the source, and a function without source by its bytecode.
    """
    function = undecorated(f)
    parts = _parts(function)
    known = _signatures.get(function)
    if known is None or any(old is not new for old, new in zip(known[0], parts, strict=True)):
        description = _describe(function)
        known = _signatures[function] = parts, ".".join((*description[0], base64hash10bytes(description)))
    return known[1]


def _parts(function: FunctionType) -> tuple[Any, ...]:
    """Return what a signature is made of, as it can be told without reading a file."""
    source = function.__dict__.get("__source__")
    name = function.__module__, function.__name__
    return (function.__code__, function.__defaults__, function.__kwdefaults__, function.__doc__, *name, source)


# Finding the source takes 0.3 ms and more; and once a file is edited under a running process, it is another one's.
_signatures: WeakKeyDictionary[FunctionType, tuple[tuple[Any, ...], str]] = WeakKeyDictionary()


def function_hash_no_subroutines(f: Callable[..., Any]) -> str:
    """Return a digest of a function's own source, docstring, name, module and parameters, the same in every process."""
    return base64hash(_describe(f))


def function_hash_with_subroutines(f: Callable[..., Any], force: bool = False) -> str:
    """Return a digest of a function with everything of the project that it calls or reads: its fingerprint.

    Args:
        f: The function.
        force: Must be True, as the original has it; else there is a warning, and it fails.

    Raises:
        NotImplementedError: Without `force`.
    """
    if not force:
        message = "function_hash_with_subroutines follows every call that a function can make, which takes time"
        warnings.warn(f"{message}\nhint: say force=True", stacklevel=2)
        error = NotImplementedError(f"{message}: expected force=True, got force=False")
        error.add_note("hint: say force=True; @memo.cached does this by itself")
        raise error
    from memo.fingerprint import fingerprint  # noqa: PLC0415 - only here

    # Docstrings count, as its page says; what a closure holds counts by its present value.
    return base64hash(fingerprint(undecorated(f), allow_mutable_bindings=True, docstrings=True).digest)


def undecorated(f: Any) -> FunctionType:
    """Return the function under all decorators.

    Raises:
        InvalidInputError: It is not one written in Python.
    """
    function = f.__func__ if isinstance(f, MethodType) else f
    try:
        function = inspect.unwrap(function)
    except ValueError:
        raise InvalidInputError(f"{f!r} wraps itself", "look at its attribute `__wrapped__`") from None
    function = function.__func__ if isinstance(function, MethodType) else function
    if not isinstance(function, FunctionType):
        raise InvalidInputError(
            f"expected a function written in Python, got {f!r}", "give the function that it calls, or write one around"
        )
    return function


def _describe(f: Callable[..., Any]) -> Description:
    """Return all that the code of a function is made of, in the original's order."""
    function = undecorated(f)
    source = _own_source(function)
    if source is None:
        from memo.fingerprint.code import local  # noqa: PLC0415 - only for what `exec` made

        source = f"<bytecode {local(function).digest.hex()}>"
    module = function.__module__ or "__main__"  # what `exec` makes may have none
    return (module, function.__name__), (_doc(function), source, sanitize(_parameters(function)))


def _own_source(function: FunctionType) -> str | None:
    """Return the source that belongs to a function wherever it is asked for, so that its code is always the same."""
    try:
        return inspect.getsource(function)
    except (OSError, TypeError, IndexError, SyntaxError):
        pass
    kept = getattr(function, "__source__", None)
    if isinstance(kept, str):
        return kept
    from memo.fingerprint.code import local  # noqa: PLC0415 - only for what `inspect` does not find

    return local(function).source


def _parameters(function: FunctionType) -> tuple[Any, ...]:
    """Return names, `*rest`, `**options` and defaults, as `inspect.getargspec` once did."""
    code = function.__code__
    regular, named = code.co_argcount, code.co_argcount + code.co_kwonlyargcount
    extra = list(code.co_varnames[named : named + 2])
    rest = extra.pop(0) if code.co_flags & inspect.CO_VARARGS else None
    options = extra.pop(0) if code.co_flags & inspect.CO_VARKEYWORDS else None
    found = (list(code.co_varnames[:regular]), rest, options, function.__defaults__)
    if not code.co_kwonlyargcount:
        return found
    return (*found, ("*", *code.co_varnames[regular:named]), function.__kwdefaults__)


def _doc(function: FunctionType) -> str | None:
    """Return the docstring as `inspect.getdoc` cleaned it until Python 3.12: every kind of blank is indentation."""
    doc = function.__doc__ if function.__doc__ is not None else inspect.getdoc(function)
    if not isinstance(doc, str):
        return None
    lines = doc.expandtabs().split("\n")
    indents = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    margin = min(indents, default=sys.maxsize)
    lines = [lines[0].lstrip(), *(line[margin:] if indents else line for line in lines[1:])]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return "\n".join(lines)


def _executed_source(function: FunctionType) -> str | None:
    """Return the lines of a function that `exec` or `eval` made; None if the text is nowhere to be found.

    Looked for among the variables and constants of the callers and of the function's own module. A text counts only if
    compiling it gives the very code of the function.
    """
    for text in dict.fromkeys(_texts(function)):
        found = _part(text, function.__code__)
        if found is not None:
            return found
    return None


def _texts(function: FunctionType) -> Iterator[str]:
    """Yield every text in sight that may define the function."""
    word = "lambda" if function.__name__ == "<lambda>" else f"def {function.__code__.co_name}"
    for value in _values(function):
        if type(value) is str and len(value) < _LONGEST and word in value:
            yield value


def _values(function: FunctionType) -> Iterator[object]:
    for name, value in list(function.__globals__.items()):
        yield value
        if type(value) is FunctionType and name != function.__name__:
            yield from _constants(value.__code__)
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the only way to those who called
    while frame is not None:
        yield from list(frame.f_locals.values())
        yield from _constants(frame.f_code)
        frame = frame.f_back


def _constants(code: CodeType) -> Iterator[object]:
    for constant in code.co_consts:
        yield constant
        if isinstance(constant, CodeType):
            yield from _constants(constant)


def _part(text: str, wanted: CodeType) -> str | None:
    """Return the lines of the definition, if compiling the text gives the code that is wanted."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the text may be anyone's
            tree = ast.parse(text)
            module = compile(tree, wanted.co_filename, "exec", wanted.co_flags & _FUTURE, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if wanted not in _constants(module):
        return None
    lines = text.splitlines(keepends=True)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            first = min([node.lineno, *(part.lineno for part in getattr(node, "decorator_list", ()))])
            if first == wanted.co_firstlineno:
                return "".join(lines[first - 1 : node.end_lineno]).rstrip("\n") + "\n"
    return None
