"""The argument signature of a call: bound, defaulted and sorted by name.

`(((name, value), ...), varargs)`, where varargs is None if there are none. Not lossy, as the original's is: a list
stays a list and an array an array. A value that cannot be written down (a frame, a function, an object) stands in it as
the digest of its canonical form, so that a signature compares by value and can name a file. It changes no argument.
"""

from __future__ import annotations

import functools
import inspect
import sys
from types import MethodType

from memo.errors import UnstableArgument
from memo.neurotools.text import DEPTH, describe, has_text, is_plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    Pairs = tuple[tuple[str, Any], ...]
    Function = TypeVar("Function", bound=Callable[..., Any])
    Signature = tuple[Pairs, tuple[Any, ...] | None]

_ATOMS = frozenset((type(None), bool, int, float, complex, str, bytes, type(...)))


def by_name(function: Function) -> Function:
    """Return a function that takes the parameters before its `/` also by name, as the original did.

    Where such a name is given and the parameter as well, it is an argument of the call that the rest of them make.
    """
    parameters = inspect.signature(function).parameters.values()
    names = [one.name for one in parameters if one.kind is inspect.Parameter.POSITIONAL_ONLY]

    @functools.wraps(function)
    def taking(*args: Any, **kwargs: Any) -> Any:
        for name in names[len(args) :]:
            if name not in kwargs:
                break  # it is missing, and the function says so
            args += (kwargs.pop(name),)
        return function(*args, **kwargs)

    return taking  # type: ignore[return-value]


@by_name
def argument_signature(f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Signature:
    """Return the signature of the call `f(*args, **kwargs)`.

    Args:
        f: The function; a decorated one counts as what it wraps, a method's object as its first argument.
        *args: The arguments of the call.
        **kwargs: Likewise.

    Raises:
        TypeError: The arguments do not fit the parameters; or (`UnstableArgument`) one has no stable form.
    """
    pairs, rest = bind(f, args, kwargs)
    signed = tuple((name, _signed(value, name)) for name, value in pairs)
    return signed, tuple(_signed(value, f"varargs[{index}]") for index, value in enumerate(rest)) or None


def bind(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Pairs, tuple[Any, ...]]:
    """Return the arguments of a call by parameter, defaults included, sorted by name; and what `*rest` takes.

    Raises:
        TypeError: They do not fit.
    """
    function: Any = f
    if isinstance(function, MethodType):
        function, args = function.__func__, (function.__self__, *args)
    try:
        parameters = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise TypeError(f"expected a function whose parameters are known, got {f!r}: {error}") from None
    try:
        bound = parameters.bind(*args, **kwargs)
    except TypeError as error:
        name = getattr(function, "__name__", type(function).__name__)
        raise TypeError(f"{name}{parameters}: expected arguments that fit, got a call with {error}") from None
    bound.apply_defaults()
    found: dict[str, Any] = {}
    rest: tuple[Any, ...] = ()
    extra: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        kind = parameters.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            rest = value
        elif kind is inspect.Parameter.VAR_KEYWORD:
            extra = value
        else:
            found[name] = value
    # A positional-only parameter and one of `**options` may share a name: the parameter goes first.
    return tuple(sorted([*found.items(), *extra.items()], key=lambda pair: pair[0])), rest


def _signed(value: Any, path: str, depth: int = 1) -> Any:
    """Return a value as it stands in a signature, in containers of its own."""
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind in (tuple, list, set, frozenset, dict):
        nested = depth < DEPTH - 2  # what stands around it in the signature counts too
        return _signed_container(value, path, depth + 1) if nested else _described(value, path)
    numpy = sys.modules.get("numpy")
    if numpy is not None and kind is numpy.ndarray and is_plain(value):
        from memo.neurotools.array import as_argument  # noqa: PLC0415 - loads numpy

        return as_argument(value)
    return value if has_text(value) else _described(value, path)


def _signed_container(value: Any, path: str, depth: int) -> Any:
    if isinstance(value, dict):
        return {_signed(k, f"{path} key", depth): _signed(v, f"{path}[{k!r}]", depth) for k, v in value.items()}
    if isinstance(value, set | frozenset):
        return type(value)(_signed(part, path, depth) for part in value)
    return type(value)(_signed(part, f"{path}[{index}]", depth) for index, part in enumerate(value))


def _described(value: Any, path: str) -> Any:
    """Return what stands for a value without a text; the code of functions and classes in it counts."""
    from memo.canonical import encode_arguments  # noqa: PLC0415 - few arguments are of such a type
    from memo.fingerprint import fingerprint  # noqa: PLC0415 - likewise

    _, roots = encode_arguments([value], (path,))
    try:
        links = [fingerprint(root, allow_mutable_bindings=True).digest for root in roots]
        return describe(value, links)
    except UnstableArgument as error:
        raise UnstableArgument(error.message.replace("value", path, 1), error.hint) from error.__cause__
