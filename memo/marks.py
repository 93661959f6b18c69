"""Which parameters are annotated with `memo.Content`, so that paths in their arguments count by what stands there.

Owns how an annotation is read, and which parts of a marked argument are paths. A mark that is overlooked would leave
the name of a file in the key (promise 1), so one that may be there and cannot be read, or cannot be told to which
argument it belongs, is refused.
"""

from __future__ import annotations

import builtins
import os
import sys
from functools import partial
from types import FunctionType

import cas
from memo.errors import UnstableArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType
    from typing import Any

    from memo.signature import Parameters

_MARK = "Content"
# The modules of classes that hold a path and nothing else.
_PLAIN = frozenset({"builtins", "pathlib", "posix", "nt"})
# What stands for another annotation, by the name of its class, and where it has that.
_STANDING_FOR = {
    "ForwardRef": "__forward_arg__", "TypeAliasType": "__value__", "NewType": "__supertype__", "TypeVar": "__bound__",
}  # fmt: skip


def marked(function: Any, parameters: Parameters) -> list[str]:
    """Return the parameters whose annotation says `memo.Content`, wherever in it.

    Of a function that is not yet all defined, as far as its annotations can be read by now.

    Raises:
        InvalidInputError: An annotation has the mark and cannot be read, or is none of a parameter.
    """
    annotated = _inner(function)
    if annotated is None:
        return []
    where = _origin(annotated)
    said = annotated.__annotations__.items()
    found = [name for name, annotation in said if name != "return" and _says(where, annotation, set())]
    known = {name.lstrip("*"): name for name in parameters.names} if type(function) is FunctionType else {}
    for name in found:
        if name not in known:
            raise cas.InvalidInputError(
                f"the parameter {name!r} is annotated with memo.Content, and what is cached takes it as one of "
                f"{', '.join(parameters.names)}",
                "write @memo.cached below other decorators, and directly on a function (of a functools.partial or a "
                "bound method, on one that calls it); or leave the mark out, and call with memo.File(path)",
            )
    return [known[name] for name in found]


def by_content(value: Any, name: str) -> Any:
    """Return an argument with each path in it, also in lists, tuples and dicts, to be signed by what stands there."""
    from memo.files import File, Held  # noqa: PLC0415 - only where files are arguments

    if value is None or isinstance(value, File):
        return value
    if isinstance(value, str | bytes | os.PathLike):
        # What a class of its own may hold beside the path counts too; and then, as a part of it, the path.
        is_plain = type(value).__module__.partition(".")[0] in _PLAIN
        return Held(value) if is_plain else (Held(value), value)
    if type(value) in (list, tuple):
        return type(value)(by_content(part, name) for part in value)
    if type(value) is dict:
        return {key: by_content(part, name) for key, part in value.items()}
    raise UnstableArgument(
        f"{name}: expected a path for memo.Content, or a list, tuple or dict of paths, got {type(value).__qualname__}",
        "pass a path, or leave memo.Content out of the annotation",
    )


def contents(values: Any) -> Iterator[str]:
    """Yield the paths among values that count by what stands there."""
    from memo.files import File, Held  # noqa: PLC0415 - whoever asks has loaded it

    for value in values:
        if isinstance(value, File):
            yield str(value)
        elif isinstance(value, Held):
            yield os.fsdecode(value.path)
        elif type(value) in (list, tuple):
            yield from contents(value)
        elif type(value) is dict:
            yield from contents(value.values())


def _inner(function: Any) -> FunctionType | None:
    """Return the function that has the annotations; None if there is none."""
    for _ in range(100):
        if type(function) is FunctionType:
            return function
        if isinstance(function, partial):
            function = function.func
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        else:
            function = getattr(function, "__func__", None) or vars(type(function)).get("__call__")
    return None


def _origin(function: FunctionType) -> FunctionType:
    """Return the function whose module has the names that the annotations have."""
    while type(inner := getattr(function, "__wrapped__", None)) is FunctionType:
        function = inner
    return function


def _says(function: FunctionType, said: Any, above: set[int]) -> bool:
    """Return whether an annotation has the mark.

    Args:
        function: Whose annotation it is.
        said: The annotation.
        above: What it stands in, by identity: a type may be defined by itself.

    Raises:
        InvalidInputError: A field of a class in it has the mark.
    """
    if said is None or id(said) in above:
        return False
    if isinstance(said, str):
        said = _read(function, said)
        return not isinstance(said, str) and _says(function, said, above)
    above = above | {id(said)}
    if isinstance(said, type):
        _require_plain_fields(function, said, above)
        return False
    if type(said).__name__ in _STANDING_FOR:
        return _says(function, _part(said, _STANDING_FOR[type(said).__name__]), above)
    parts, metadata = getattr(said, "__args__", ()), getattr(said, "__metadata__", ())
    if type(parts) is not tuple or type(metadata) is not tuple or not parts:
        return False
    from memo.files import Content  # noqa: PLC0415 - only where an annotation has parts

    if any(mark is Content or isinstance(mark, Content) for mark in metadata):
        return True
    origin = getattr(said, "__origin__", None)
    if origin is getattr(sys.modules.get("typing"), "Literal", said):
        return False  # its parts are values
    return any(_says(function, part, above) for part in (origin, *parts))


def _require_plain_fields(function: FunctionType, cls: type, above: set[int]) -> None:
    """Refuse a class that has the mark on a field, where nothing looks for it."""
    if "memo.files" not in sys.modules:
        return  # nothing has loaded the mark
    for kind in cls.__mro__:
        for field, said in (vars(kind).get("__annotations__") or {}).items():
            if isinstance(said, str) and _MARK not in said and kind.__module__ != function.__module__:
                continue  # of a library's class these are many, and few can be read
            try:
                has_mark = _says(function, said, above)
            except cas.InvalidInputError:
                has_mark = not isinstance(said, str)
            if has_mark:
                raise cas.InvalidInputError(
                    f"expected memo.Content on parameters, found it on the field {field!r} of {cls.__qualname__}",
                    "leave the mark out, and give the field a memo.File(path)",
                )


def _part(said: Any, way: str) -> Any:
    try:
        return getattr(said, way, None)
    except Exception:  # noqa: BLE001 - `type X = ...` that names what is not defined yet, or somebody's property
        return None


def _read(function: FunctionType, text: str, depth: int = 0) -> Any:
    """Return the annotation that a text stands for; the text if it cannot be read and has no mark."""
    # A name in it may stand for an annotation with the mark, but only if something has loaded the mark.
    if _MARK not in text and "memo.files" not in sys.modules:
        return text
    try:
        code = compile(text, "<annotation>", "eval")
    except SyntaxError:
        return text  # it says something else than a type
    try:
        found = eval(code, function.__globals__, _around(function, code.co_names))  # noqa: S307 - as typing.get_type_hints does
    except Exception as error:  # the names may be there for type checkers only
        if _MARK not in code.co_names:
            return text
        raise cas.InvalidInputError(
            f"the annotation {text!r} cannot be evaluated where the function is defined: {error}",
            "import at the top of the module, also at run time, what stands in it",
        ) from error
    return _read(function, found, depth + 1) if isinstance(found, str) and depth < 2 else found


def _around(function: FunctionType, names: tuple[str, ...]) -> dict[str, Any]:
    """Return what the function, or the body that it is being defined in, has under names that are no globals."""
    known = function.__globals__
    wanted = [name for name in names if name not in known and not hasattr(builtins, name)]
    found: dict[str, Any] = {}
    if not wanted:
        return found
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - they stand nowhere else
    while frame is not None:
        if frame.f_globals is known:
            space = frame.f_locals
            found = {name: space[name] for name in wanted if name in space} | found
        frame = frame.f_back
    return found
