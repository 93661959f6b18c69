"""Shapes of arrays as bytes of a store give them, checked before any memory is asked for."""

from __future__ import annotations

from math import prod

from memo.errors import CodecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# As many as numpy has.
_DIMENSIONS = 64


def count_of(shape: Any) -> int:
    """Return how many elements an array of a shape has.

    Raises:
        CodecError: It is no shape.
    """
    whole = type(shape) in (tuple, list) and len(shape) <= _DIMENSIONS
    if not whole or not all(type(length) is int and 0 <= length < 1 << 63 for length in shape):
        raise CodecError(f"expected the shape of an array, got {shape!r:.60}", "run `cas fsck`")
    return prod(shape)


def check_count(shape: Any, count: int) -> None:
    """Check that an array of a shape has so many elements, or bytes if they have one each.

    Raises:
        CodecError: It is no shape, or one of another number.
    """
    if count_of(shape) != count:
        raise CodecError(f"expected {count_of(shape)} elements of an array, got {count}", "run `cas fsck`")
