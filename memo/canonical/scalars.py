"""Writers of scalars and of raw content, and the packer they share.

Owns what msgpack may be given to write by itself. Keeps I6: exact types only.
"""

from __future__ import annotations

import struct
import sys

from msgpack import Packer

from cas import extension as ext
from cas.digest import digest
from cas.extension import head, leaf
from memo.canonical.walk import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from memo.canonical.walk import Walk

# Types that msgpack writes by itself, injectively, wherever they stand. Its packer also takes bytearray, memoryview,
# ExtType and Timestamp without a word, and two types for one: hence the check of exact types before every call.
SCALARS: frozenset[type] = frozenset((type(None), bool, int, float, str, bytes))
# Longer content is written as its digest: a signature stays small, and the digest is as good a name.
INLINE = 128

# Shared by all threads, which is safe because it calls nothing back: no `default`, and exact scalars only.
pack: Callable[[Any], bytes] = Packer(strict_types=True).pack
# Text with lone surrogates, such as a file name that is not UTF-8; slower, so only where `pack` refuses.
_pack_surrogates: Callable[[Any], bytes] = Packer(strict_types=True, unicode_errors="surrogatepass").pack


def pack_scalars(values: list[Any]) -> bytes:
    """Return the form of a list of exact scalars: the caller has checked that every type is in `SCALARS`.

    Raises:
        OverflowError: An integer has more than 64 bits; walk instead.
        ValueError: Text holds a lone surrogate, or is longer than 4 GiB; walk instead.
    """
    return pack(values)


def write_scalar(walk: Walk, value: object) -> None:
    """Write None, a bool or a float."""
    walk.out.append(pack(value))


def write_int(walk: Walk, value: int) -> None:
    """Write an integer of any size."""
    try:
        walk.out.append(pack(value))
    except OverflowError:
        walk.out.append(leaf(ext.BIG_INT, value.to_bytes((value.bit_length() + 8) // 8, "big", signed=True)))


def write_str(walk: Walk, value: str) -> None:
    """Write text, lone surrogates included."""
    try:
        walk.out.append(pack(value))
    except UnicodeEncodeError:
        walk.out.append(_pack_surrogates(value))
    except ValueError:
        raise _too_long(value) from None


def write_bytes(walk: Walk, value: bytes) -> None:
    """Write bytes."""
    try:
        walk.out.append(pack(value))
    except ValueError:
        raise _too_long(value) from None


def _too_long(value: str | bytes) -> Refused:
    return Refused(f"{type(value).__name__} of {len(value)}, longer than 4 GiB", "pass it as a numpy array of uint8")


def write_complex(walk: Walk, value: complex) -> None:
    """Write a complex number, bits and all."""
    walk.out.append(leaf(ext.COMPLEX, struct.pack(">dd", value.real, value.imag)))


def write_bytearray(walk: Walk, value: bytearray) -> None:
    """Write a bytearray."""
    walk.out.append(leaf(ext.BYTEARRAY, bytes(value)))


def write_memoryview(walk: Walk, value: memoryview) -> None:
    """Write what a memoryview shows, whatever its strides."""
    try:
        layout, content = value.format, value.tobytes()
    except (ValueError, NotImplementedError) as error:
        raise Refused(f"a memoryview that cannot be read: {error}", "pass it before it is released") from None
    if set(layout) & set("OP"):
        raise Refused(f"a memoryview of pointers, of format {layout!r}", "pass the array itself")
    if sys.byteorder == "big":  # formats are in the order of the machine unless they say so
        layout = f">{layout}"
    walk.out.append(head(ext.MEMORYVIEW, 3) + pack(layout) + pack(list(value.shape or ())))
    write_content(walk, content)


def write_content(walk: Walk, content: bytes) -> None:
    """Write the content of an array: itself if it is short, else its digest."""
    if len(content) <= INLINE:
        walk.out.append(pack(content))
    else:
        walk.out.append(leaf(ext.DIGEST, digest(content)))


def write_constant(walk: Walk, value: object) -> None:
    """Write Ellipsis or NotImplemented by name."""
    walk.out.append(leaf(ext.CONSTANT, repr(value).encode()))
