"""The `.npy` format without numpy: its header, written and read.

Versions 1.0 to 3.0 of NEP 1, https://numpy.org/neps/nep-0001-npy-format.html.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from cas.errors import IntegrityError

if TYPE_CHECKING:
    from typing import Any

_MAGIC = b"\x93NUMPY"
_ALIGNMENT = 64


class Header(NamedTuple):
    """What an `.npy` file says of its array: dtype as numpy spells it, memory order, shape."""

    dtype: Any
    fortran_order: bool
    shape: tuple[int, ...]


def write_header(header: Header) -> bytes:
    """Return the bytes that stand before an array's own, padded so that those are aligned."""
    text = repr({"descr": header.dtype, "fortran_order": header.fortran_order, "shape": header.shape})
    room = len(_MAGIC) + 4 + len(text) + 1
    padded = f"{text}{' ' * (-room % _ALIGNMENT)}\n".encode("latin1")
    return _MAGIC + b"\x01\x00" + len(padded).to_bytes(2, "little") + padded


def read_header(file: BinaryIO) -> Header:
    """Read a header, and leave the file where the array's own bytes begin.

    Raises:
        IntegrityError: It is not one.
    """
    start = file.read(8)
    width = 2 if start[6:7] == b"\x01" else 4
    length = int.from_bytes(file.read(width), "little")
    try:
        if start[:6] != _MAGIC:
            raise ValueError("no magic bytes")
        fields = ast.literal_eval(file.read(length).decode("latin1" if start[6] < 3 else "utf-8"))
        return Header(fields["descr"], bool(fields["fortran_order"]), tuple(fields["shape"]))
    except (ValueError, SyntaxError, LookupError, TypeError) as error:
        raise IntegrityError(
            f"expected an array in .npy form, found something else: {error}", "run `cas fsck`"
        ) from error
