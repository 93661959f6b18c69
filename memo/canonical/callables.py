"""Writers of functions, methods and partials given as values.

Owns how something to call is named; its code joins the key as a root of the fingerprint.
"""

from __future__ import annotations

import sys
import types
from sysconfig import get_paths

from cas import extension as ext
from cas.extension import array_header, head
from memo.canonical.containers import write_elements, write_named
from memo.canonical.names import is_named, write_class, write_module, write_name
from memo.canonical.scalars import write_str
from memo.canonical.values import write_mapping_proxy
from memo.canonical.walk import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memo.canonical.walk import Walk, Writer


def write_function(walk: Walk, value: Any) -> None:
    """Write a function by name; its code is in the fingerprint, unless it is an installed package's.

    Of an installed package the fingerprint holds the version only, which does not tell two closures of one factory
    apart: there, a function that no name leads to is written with its code and what it captured.
    """
    written_out = type(value) is types.FunctionType and not is_named(value) and _is_installed(value.__code__)
    if written_out and not walk.enter(value):
        return
    walk.out.append(head(ext.FUNCTION, 3 if written_out else 2))
    write_name(walk, value)
    if written_out:
        captured = [cell.cell_contents for cell in value.__closure__ or ()]
        parts = {"code": _code(value.__code__), "closure": captured, "defaults": value.__defaults__}
        write_named(walk, {**parts, "keyword_defaults": value.__kwdefaults__})
        walk.leave(value)


def _is_installed(code: types.CodeType) -> bool:
    paths = get_paths()
    return code.co_filename.startswith((paths["purelib"], paths["platlib"], paths["stdlib"], "<frozen"))


def _code(code: types.CodeType) -> list[Any]:
    """Return what a code object does, as plain values."""
    constants = [_code(value) if isinstance(value, types.CodeType) else value for value in code.co_consts]
    return [sys.version_info[:2], code.co_code, code.co_names, constants]


def write_method(walk: Walk, value: Any) -> None:
    """Write a bound method by its function and what it is bound to."""
    if not walk.enter(value):
        return
    walk.out.append(head(ext.METHOD, 2))
    write_function(walk, value.__func__)
    _write_owner(walk, value.__self__)
    walk.leave(value)


def write_builtin(walk: Walk, value: Any) -> None:
    """Write a function of a C module, such as math.sin, or a bound method of a built-in value."""
    owner = value.__self__
    if owner is None or isinstance(owner, types.ModuleType):
        walk.out.append(head(ext.FUNCTION, 2))
        write_name(walk, value)
        return
    if not walk.enter(value):
        return
    walk.out.append(head(ext.METHOD, 2))
    write_str(walk, value.__name__)
    _write_owner(walk, owner)
    walk.leave(value)


def _write_owner(walk: Walk, owner: Any) -> None:
    try:
        walk.write(owner)
    except Refused as refusal:
        refusal.steps.append(".__self__")
        raise


def write_descriptor(walk: Walk, value: Any) -> None:
    """Write a method of a C class taken from the class, such as str.upper."""
    walk.out.append(head(ext.METHOD, 2))
    write_str(walk, value.__name__)
    write_class(walk, value.__objclass__)


def write_partial(walk: Walk, value: Any) -> None:
    """Write a partial by its function and its arguments; the order of keywords is no part of it."""
    if not walk.enter(value):
        return
    walk.out.append(head(ext.PARTIAL, 4))
    walk.write(value.func)
    walk.out.append(array_header(len(value.args)))
    write_elements(walk, value.args)
    write_named(walk, dict(sorted(value.keywords.items(), key=_name_of)), '["{}"]')
    write_named(walk, dict(sorted(vars(value).items(), key=_name_of)))
    walk.leave(value)


def _name_of(item: tuple[object, object]) -> str:
    return str(item[0])


KINDS: dict[type, Writer] = {
    types.FunctionType: write_function,
    types.BuiltinFunctionType: write_builtin,
    types.MethodType: write_method,
    types.MethodDescriptorType: write_descriptor,
    types.WrapperDescriptorType: write_descriptor,
    types.ClassMethodDescriptorType: write_descriptor,
    types.ModuleType: write_module,
    types.MappingProxyType: write_mapping_proxy,
}
