"""The writer of PIL's images: by class, mode, size, pixels, palette and `info`.

Owns what of an image counts. What does not: the file that it came from. One that holds several frames is refused,
since which of them a function looks at is up to it.
"""

from __future__ import annotations

import sys

from cas.extension import array_header
from memo.canonical.attributes import further, write_attributed
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
    """Write an image, and what was set on it, as in `image.label = 3`."""
    write_attributed(walk, value, further(value, _own_names(type(value))), _write_pixels)


def _own_names(cls: type) -> frozenset[str]:
    """Return the names in the code of PIL that makes and reads such images: what was set by others has none of them."""
    known = _names.get(cls)
    if known is None:
        found: set[str] = set()
        for klass in cls.__mro__:
            members = [*vars(klass).values(), *vars(sys.modules.get(klass.__module__, object)).values()]
            for member in members:
                function = getattr(member, "fget", member)
                found.update(getattr(getattr(function, "__code__", None), "co_names", ()))
            found.update(vars(klass).get("__annotations__", ()))
        known = _names[cls] = frozenset(found)
    return known


_names: dict[type, frozenset[str]] = {}


def _write_pixels(walk: Walk, value: Any) -> None:
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
