"""The source of a function that `exec` or `eval` made: no file has it, but the text is often still at hand.

Looked for among the variables and constants of the callers and of the function's own module. A text counts only if
compiling it gives the very code of the function.
"""

from __future__ import annotations

import ast
import sys
import warnings
from types import CodeType, FunctionType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_LONGEST = 1 << 20
# The `from __future__` switches, which `exec` hands on.
_FUTURE = 0x1FE0000


def find_text(function: FunctionType) -> str | None:
    """Return the lines of a function in the text that it was made of; None if the text is nowhere to be found."""
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
