"""The modes in which arguments become text and are read back, by the seed's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cas.human import human_decode, human_encode
from cas.literal import repr_decode, repr_encode

if TYPE_CHECKING:
    from collections.abc import Callable


class Mode(NamedTuple):
    """A writer of named values and the reader that is its inverse."""

    encode: Callable[..., str]
    decode: Callable[..., list[tuple[str, object]]]


MODES = {
    "human": Mode(human_encode, human_decode),
    "repr": Mode(repr_encode, repr_decode),
}
