"""What a file of a kind can keep, and which functions can be cached at all: True, or a ValueError that says why."""

from __future__ import annotations

from types import FunctionType, MethodType

from memo import codecs
from memo.errors import UnstableFunction
from memo.fingerprint.closure import CONTAINERS, refuse_mutable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class MutableClosure(UnstableFunction, ValueError):  # noqa: N818 - says what it is
    """A function captures something that can change between its calls; names the variable."""


def validate_for_matfile(x: object) -> bool:
    """Return True if a value can be stored in a MATLAB file, and comes back from it as it is.

    Raises:
        CodecError: It cannot; the message names the part, such as `x[1]["a"]`, and its dtype. It is a ValueError.
    """
    return codecs.validate_for_matfile(x, "x")


def validate_for_numpy(x: object) -> bool:
    """Return True if arrays, numbers, or nested sequences of them can be stored in a `.npy` file without a pickle.

    Raises:
        CodecError: They cannot; the message names the part, such as `x[1]`, and its dtype. It is a ValueError.
    """
    return codecs.validate_for_numpy(x, "x")


def verify_function_closure(f: Any, allow_mutable_bindings: bool = False) -> bool:
    """Return True if nothing that a function captures can change between its calls.

    Args:
        f: The function, and what it wraps, and the functions that it captures.
        allow_mutable_bindings: Let them.

    Raises:
        MutableClosure: A captured variable can; the message names it. It is a ValueError.
    """
    if not allow_mutable_bindings:
        try:
            _verify(f.__func__ if isinstance(f, MethodType) else f, set())
        except UnstableFunction as error:
            raise MutableClosure(error.message, error.hint) from None
    return True


def _verify(function: Any, seen: set[int]) -> None:
    refuse_mutable(function)
    while type(function) is FunctionType and id(function) not in seen:
        seen.add(id(function))
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            try:
                value = cell.cell_contents
            except ValueError:  # not yet filled
                continue
            if isinstance(value, FunctionType):
                _verify(value, seen)
            part = _mutable_part(value)
            if part is not None:
                raise UnstableFunction(
                    f"{function.__qualname__} captures the variable {name!r}, a {type(value).__name__} with a {part} "
                    "inside that can change between calls; expected captured values that cannot",
                    f"pass {name!r} as an argument, or say allow_mutable_bindings=True",
                )
        function = function.__dict__.get("__wrapped__")


def _mutable_part(value: object) -> str | None:
    """Return the type of a mutable container inside a tuple, at any depth."""
    for part in value if type(value) is tuple else ():
        if isinstance(part, CONTAINERS) or type(part).__name__ == "ndarray":
            return type(part).__name__
        inner = _mutable_part(part)
        if inner is not None:
            return inner
    return None
