"""The writer of PIL's images: by class, mode, size, pixels, palette and `info`.

Owns what of an image counts. What does not: the file that it came from. One that holds several frames is refused,
since which of them a function looks at is up to it.
"""

from __future__ import annotations

import sys

from cas.extension import array_header
from memo.canonical.containers import write_dict, write_elements
from memo.canonical.libraries import write_library, write_part
from memo.canonical.scalars import write_content
from memo.canonical.walk import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memo.canonical.walk import Walk, Writer


def find(cls: type) -> Writer | None:
    """Return the writer of a class of PIL's, or None."""
    module: Any = sys.modules.get("PIL.Image")
    return write_image if module is not None and issubclass(cls, module.Image) else None


def write_image(walk: Walk, value: Any) -> None:
    """Write an image."""
    if getattr(value, "n_frames", 1) > 1:
        raise Refused("an image of several frames", "pass its path, or a list of copies of the frames")

    def write(walk: Walk) -> None:
        value.load()
        walk.out.append(array_header(5))
        write_elements(walk, (value.mode, value.size))
        write_content(walk, value.tobytes())
        walk.write(None if value.palette is None else (value.palette.mode, bytes(value.palette.tobytes())))
        write_part(walk, ".info", write_dict, dict(sorted(value.info.items(), key=lambda pair: str(pair[0]))))

    write_library(walk, value, f" {value.mode}[{value.width} x {value.height}]", write)
