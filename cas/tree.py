"""A stored tree of values, for tools other than Python: JSON, and its arrays as `.npy` files.

Reads with `cas.form`, so it executes nothing that is stored and needs no numpy.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from cas import extension as ext
from cas.description import dtype_text, plain_values
from cas.errors import IntegrityError, InvalidInputError
from cas.form import Shown, to_json, unpack
from cas.npy import Header, read_header, write_header

if TYPE_CHECKING:
    from collections.abc import Callable

# What numpy allows; each becomes a level of lists.
_DIMENSIONS = 64


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Array:
    """An array met in a tree: what it is, and its bytes, here or in a blob of their own in `.npy` form."""

    dtype: str
    shape: tuple[int, ...]
    fortran_order: bool = False
    content: bytes = b""
    digest: bytes = b""

    def npy(self) -> bytes:
        """Return the bytes of the `.npy` file; only for an array that has no blob of its own."""
        return write_header(Header(self.dtype, self.fortran_order, self.shape)) + self.content

    def __repr__(self) -> str:
        return f"{dtype_text(self.dtype)}{list(self.shape)}"


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Child:
    """A value met in a tree that has a codec of its own: the codec, what it is, and its bytes, here or in a blob."""

    codec: str
    summary: str
    digest: bytes = b""
    content: bytes = b""

    def __repr__(self) -> str:
        return self.summary


def read_tree(data: bytes | memoryview) -> Any:
    """Return the value that a tree holds, its arrays as `Array`, values with a codec of their own as `Child`.

    Raises:
        IntegrityError: The bytes are not a tree.
    """
    return unpack(data, _arrays)


def tree_json(value: Any, write: Callable[[Any], Any]) -> Any:
    """Return a tree as JSON can hold it, `write` saying what stands for an `Array` or a `Child`."""
    if isinstance(value, Array | Child):
        return write(value)
    if isinstance(value, Shown) and value.details is not None:
        return {"kind": value.kind, "text": value.text, "details": tree_json(value.details, write)}
    if isinstance(value, (list, tuple)):
        return [tree_json(element, write) for element in value]
    if isinstance(value, dict):
        if all(isinstance(key, str) for key in value):
            return {key: tree_json(content, write) for key, content in value.items()}
        return [[tree_json(part, write) for part in pair] for pair in value.items()]
    return to_json(value)


def nested(array: Array, open_blob: Callable[[bytes], BinaryIO]) -> Any:
    """Return an array as nested lists of plain values.

    Args:
        array: The array.
        open_blob: Opens a blob in `.npy` form.

    Raises:
        InvalidInputError: Its dtype has no plain values.
    """
    dtype: Any = array.dtype
    content, fortran_order = array.content, array.fortran_order
    if array.digest:
        with open_blob(array.digest) as file:
            dtype, fortran_order, _ = read_header(file)
            content = file.read()
    try:
        values = plain_values(dtype, content)
    except (ValueError, struct.error) as error:
        raise IntegrityError(f"expected an array of dtype {dtype}: {error}", "run `cas fsck`") from error
    if values is None or len(values) != math.prod(array.shape):
        raise InvalidInputError(
            f"an array of dtype {dtype} cannot be written as JSON", "give -o a folder: each array is a .npy file there"
        )
    shape = array.shape[::-1] if fortran_order else array.shape
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    return _nest(values, array.shape, strides[::-1] if fortran_order else strides, 0)


def _nest(values: list[Any], shape: tuple[int, ...], strides: list[int], start: int) -> Any:
    if not shape:
        return to_json(values[start])
    return [_nest(values, shape[1:], strides[1:], start + place * strides[0]) for place in range(shape[0])]


def _arrays(code: int, body: Any) -> Any:
    """Take arrays as they are; leave the rest to the form."""
    if code == ext.STORED_ARRAY:
        dtype, shape, fortran_order, content = body
        return Array(_checked(dtype, str), _shape(shape), bool(fortran_order), _checked(content, bytes))
    if code == ext.CHILD_ARRAY:
        digest, dtype, shape = body
        return Array(_checked(dtype, str), _shape(shape), digest=_checked(digest, bytes))
    if code == ext.CHILD:
        codec, summary, digest, content = body
        return Child(
            _checked(codec, str),
            _checked(summary, str),
            _checked(digest or b"", bytes),
            _checked(content or b"", bytes),
        )
    return NotImplemented


def _shape(value: Any) -> tuple[int, ...]:
    lengths = tuple(_checked(length, int) for length in value)
    if len(lengths) > _DIMENSIONS or min(lengths, default=0) < 0:
        raise ValueError(f"an array of shape {lengths}")
    return lengths


def _checked(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise ValueError(f"{type(value).__name__} in place of {kind.__name__}")
    return value
