"""The writer of content that comes in pieces, such as the chunks of a column: with the bytes of it in one piece."""

from __future__ import annotations

import numpy as np

from cas import extension as ext
from cas.digest import hasher_for
from cas.extension import leaf
from memo.canonical.scalars import INLINE, pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from memo.canonical.walk import Walk


def write_pieces(walk: Walk, size: int, pieces: Iterable[Any]) -> None:
    """Write the content of so many bytes that buffers and contiguous arrays make up.

    Itself if it is short, else its digest; the pieces are looked at one at a time.
    """
    views = (piece.view(np.uint8).data if isinstance(piece, np.ndarray) else piece for piece in pieces)
    if size <= INLINE:
        walk.out.append(pack(b"".join(views)))
        return
    hasher = hasher_for(size)
    for view in views:
        hasher.update(view)
    walk.out.append(leaf(ext.DIGEST, hasher.digest()))
