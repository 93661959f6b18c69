"""What other people's objects hold: the project's functions, and the settings that they were made with.

What such an object keeps for itself as it runs (compiled code, counters, caches) is left out, as is what is of this
process or this machine only.
"""

from __future__ import annotations

from gc import get_referents
from types import FunctionType, MethodType, ModuleType

from memo.fingerprint import boundary
from memo.fingerprint.constants import CONTAINERS, IMMUTABLE, attributes, plain_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Where wrappers keep the function that they wrap.
WRAPPED = ("__wrapped__", "py_func", "pyfunc", "func")
# Addresses of classes (pydantic), times and paths (joblib), numbers of types (numba), what was dispatched (functools).
UNTOLD = frozenset(("cls_ref", "core_schema", "timestamp", "func_id", "_code", "_method_cache"))
# How many objects of compiled code may stand between a value and the function that it calls.
HIDDEN_DEPTH = 2
ATTRIBUTES_LIMIT = 200


def held(value: Any, own: dict[str, object], has_content: bool) -> dict[str, object]:
    """Return what counts of an object of someone else's class, by attribute.

    Args:
        value: The object.
        own: All of its attributes.
        has_content: It holds something by way of a built-in base class as well.
    """
    wrapped = {at: boundary.ask(value, at) for at in WRAPPED}
    wrapped = {at: part for at, part in wrapped.items() if type(part) in (FunctionType, MethodType)}
    if callable(value) and (wrapped or "__wrapped__" in own):
        return {**_told(value, own), **(wrapped or {"__wrapped__": value.__wrapped__})}
    kernel = boundary.ask(boundary.ask(boundary.ask(value, "kernel_ir"), "func_id"), "func")
    if kernel is not None:  # of `numba.stencil`, which keeps its function nowhere else
        return {**_told(value, {at: part for at, part in own.items() if at != "id"}), "kernel": kernel}
    found = {at: part for at, part in own.items() if not _is_untold(at, part)}
    if len(found) > ATTRIBUTES_LIMIT:
        return {}
    if not attributes(value) and not isinstance(value, BaseException):
        found |= _hidden(value, bool(found) or has_content)
    return found


def _told(value: Any, own: dict[str, object]) -> dict[str, object]:
    """Return the settings of a wrapper of a function; its other attributes it fills itself as it runs."""
    public = {at: part for at, part in own.items() if not at.startswith("_") and at not in UNTOLD}
    plain = (*IMMUTABLE, *CONTAINERS)
    told = {at: part for at, part in public.items() if type(part) in plain and plain_digest(part) is not None}
    told["targetoptions"] = boundary.ask(value, "targetoptions")
    if boundary.module_of(type(value)).startswith("numba."):
        # The types that a function is compiled for, if they are fixed; otherwise they come with the calls.
        if getattr(value, "_can_compile", True) is False:
            told["signatures"] = repr(value.signatures)
        if getattr(value, "_frozen", False) is True:
            told["signatures"] = repr(value.types)
        told["signature"] = getattr(value, "signature", None)
    return {at: part for at, part in told.items() if part is not None}


def _hidden(value: Any, is_told: bool) -> dict[str, object]:
    """Return what an object of compiled code holds: the project's functions in it, or what a copy is made from."""
    kind = type(value)
    if kind.__module__ == "_struct":
        return {"format": value.format}
    found = {f"calls {position}": part for position, part in enumerate(hidden_code(value))}
    if kind.__name__ == "ufunc":
        return {"name": value.__name__, "nin": value.nin, "nout": value.nout, **found}
    return found if found or is_told or hasattr(kind, "__next__") else _reduced(value)


def hidden_code(value: object, depth: int = HIDDEN_DEPTH) -> list[object]:
    """Return the project's functions that an object of compiled code holds, as the garbage collector sees them."""
    if attributes(value):
        return []
    found: list[object] = []
    for part in get_referents(value):
        function = part.__func__ if type(part) is MethodType else part
        if type(function) is FunctionType:
            if boundary.origin_of_code(function.__code__.co_filename, function.__globals__) == boundary.PROJECT:
                found.append(part)
        elif depth and not issubclass(type(part), (type, ModuleType, dict)):
            found += hidden_code(part, depth - 1)
    return found


def _reduced(value: Any) -> dict[str, object]:
    """Return what pickling would take of an object; nothing if it cannot be pickled."""
    try:
        parts = value.__reduce_ex__(4)
    except Exception:  # noqa: BLE001 - other people's code may raise anything
        return {}
    if not isinstance(parts, tuple):
        return {}
    named = dict(zip(("args", "state", "items", "pairs"), parts[1:5], strict=False))
    if len(parts[1]) and parts[1][0] is type(value):
        named["args"] = parts[1][1:]
    read = {at: list(part) if at in ("items", "pairs") else part for at, part in named.items() if part is not None}
    return {at: part for at, part in read.items() if type(part) not in CONTAINERS or len(part)}


def _is_untold(name: str, value: object) -> bool:
    """Tell what is of this process only, and functions that someone else's code wrote at run time for its object."""
    if name in UNTOLD or (name == "name" and type(value) is str and "#" in value):  # numba: `Model#7f99<...>`
        return True
    function = value.__func__ if type(value) is MethodType else value
    return type(function) is FunctionType and "__name__" not in function.__globals__


def is_made(function: FunctionType) -> bool:
    """Tell a function that another one made for what it captured, which it does not change."""
    code = function.__code__
    if "<locals>" not in code.co_qualname:
        return False
    from opcode import opmap  # noqa: PLC0415 - a process whose tables are kept needs it for nothing else

    return opmap["STORE_DEREF"] not in code.co_code[::2]


def is_setting(value: object) -> bool:
    """Tell what such a function may have captured to go by: plain data, functions, classes, and tuples of them."""
    if type(value) is tuple:
        return all(map(is_setting, value))
    return type(value) in IMMUTABLE or type(value) is FunctionType or isinstance(value, type)
