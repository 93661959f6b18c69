"""The canonical form: a value as bytes, injective over type and value, the same in every process.

Owns the way from arguments to a signature. Different types or values never share bytes, equal values of one type
always do, whatever their layout, identity or sharing (I6); no hash seed, platform or version of Python shows (I5).
What counts: the type; `0.0` and `-0.0` apart, a NaN by its bits; the order of a dict; the three numbers of a range; the
attributes of an instance. What does not: the order of a set, of an instance's attributes; strides and order of an
array. Loads numpy only if a value is numpy's.
"""

from __future__ import annotations

from cas.extension import array_header
from memo.canonical.containers import BUILTINS
from memo.canonical.scalars import SCALARS, pack_scalars
from memo.canonical.walk import Refused, Walk
from memo.errors import UnstableArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memo.canonical.walk import Writer

__all__ = ["LONG", "SCALARS", "WRITERS", "encode", "encode_arguments", "pack_scalars"]

# Bytes of a signature that are stored with each result.
LONG = 4096


def _write_other(walk: Walk, value: object) -> None:
    # Most calls have arguments of built-in types alone: the rules for the rest stay unloaded until one has not.
    from memo.canonical.objects import write_other  # noqa: PLC0415 - as said above

    walk.other = write_other
    write_other(walk, value)


# By exact type; what is found for a class once, or registered by the user, is kept here.
WRITERS: dict[type, Writer] = dict(BUILTINS)


def encode(value: object, path: str = "value") -> bytes:
    """Return the canonical form of one value.

    A function or class inside is written by name alone; whoever must see its code takes `encode_arguments`.

    Args:
        value: Anything.
        path: How an error names it.

    Raises:
        UnstableArgument: Something in it has no stable form; the message names the path to it.
    """
    return b"".join(_walk([value], (path,))[0].out)


def encode_arguments(values: list[Any], names: tuple[str, ...]) -> tuple[bytes, tuple[Any, ...]]:
    """Return a signature, and the classes and functions met in it, in the order they were met.

    Of a signature longer than `LONG` bytes, the longest arguments are given by their digests.

    Args:
        values: The bound arguments, in the order of the parameters.
        names: The parameters.

    Raises:
        UnstableArgument: An argument has no stable form; the message names the path to it.
    """
    walk, ends = _walk(values, names)
    signature = array_header(len(values)) + b"".join(walk.out)
    if len(signature) > LONG:
        # Most signatures are short: what cuts a long one stays unloaded.
        from memo.canonical.abridgement import abridge  # noqa: PLC0415 - as said above

        starts = [0, *ends[:-1]]
        forms = [b"".join(walk.out[start:end]) for start, end in zip(starts, ends, strict=True)]
        signature = array_header(len(values)) + b"".join(abridge(forms, LONG))
    return signature, tuple(walk.roots.values())


def _walk(values: list[Any], names: tuple[str, ...]) -> tuple[Walk, list[int]]:
    """Return the walk over all values, and where in its output each one ends."""
    walk, ends = Walk(WRITERS, _write_other, cyclic=True), []
    index = 0
    try:
        for index, value in enumerate(values):  # noqa: B007 - the index is for the refusal
            WRITERS.get(type(value), walk.other)(walk, value)
            ends.append(len(walk.out))
    except Refused as refusal:
        path = refusal.path(names[index].lstrip("*"))
        raise UnstableArgument(
            f"{path}: expected a value with a stable form, got {refusal.reason}", refusal.hint
        ) from refusal.__cause__
    except RecursionError:
        name = names[index].lstrip("*")
        raise UnstableArgument(
            f"{name}: expected a value that fits into Python's recursion limit, got one nested too deep",
            "pass a flatter value, or call from a shallower stack",
        ) from None
    except Exception as error:  # a class has its say in what can be seen of it, and may raise anything
        name = names[index].lstrip("*")
        raise UnstableArgument(
            f"{name}: expected a value whose state can be seen, got {type(error).__name__}: {error}",
            "mend the class that raised it, or say what identifies its objects: by memo.register_canonical",
        ) from error
    return walk, ends
