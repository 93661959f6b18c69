"""Writers of the values of other people's libraries, by value and never by how a library keeps them in memory.

Owns which module knows which library, and the form they share: package, class, an outline for people to read, and the
digest of the content. No library is ever imported for it: a value cannot be a library's that is not loaded.
"""

from __future__ import annotations

import sys

from cas import extension as ext
from cas.digest import digest
from cas.extension import head, leaf
from memo.canonical.scalars import write_str
from memo.canonical.walk import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from memo.canonical.walk import Walk, Writer

_MODULES = {
    "PIL": "images",
    "jax": "tensors",
    "jaxlib": "tensors",
    "pandas": "frames",
    "polars": "polars",
    "pyarrow": "arrow",
    "scipy": "sparse",
    "torch": "tensors",
    "xarray": "labelled",
}


def find(cls: type) -> Writer | None:
    """Return the writer of a class of a library's, or None."""
    module: object = cls.__module__
    if not isinstance(module, str):  # a class may define the attribute as it likes
        return None
    package = module.partition(".")[0]
    if package not in _MODULES and _is_frame(cls):
        package = "pandas"
    if package not in _MODULES or package not in sys.modules:
        return None
    home = f"memo.canonical.libraries.{_MODULES[package]}"
    writer: Writer | None = __import__(home, fromlist=["find"]).find(cls)
    return writer


def _is_frame(cls: type) -> bool:
    """Return whether a class of somebody else's is made from one of pandas' frames or series."""
    pd: Any = sys.modules.get("pandas")
    # A pandas that is still being imported has no frames yet.
    return pd is not None and issubclass(cls, (getattr(pd, "DataFrame", ()), getattr(pd, "Series", ())))


def write_library(
    walk: Walk, value: Any, outline: str, write: Callable[[Walk], None], name: str | None = None, short: bool = False
) -> None:
    """Write a value of a library: what `write` writes enters by its digest.

    The class goes by package and name, since libraries move their classes between inner modules.

    Args:
        walk: The walk.
        value: The value.
        outline: What a person sees of it, such as `[1000 x 5]`; it is part of the form, so made of its content alone.
        write: Writes the content, as one value.
        name: Of the class, where a library's own name for it is not the one that people know.
        short: The outline says it all, and the content stands as it is.
    """
    cls = type(value)
    if not walk.enter(value):
        return
    walk.out.append(head(ext.LIBRARY, 4))
    write_str(walk, cls.__module__.partition(".")[0])
    write_str(walk, name or cls.__qualname__)
    write_str(walk, outline)
    out, walk.out = walk.out, []
    try:
        write(walk)
    except Refused:
        raise
    except Exception as error:  # the library's code: whatever it raises, the path says where
        raise Refused(
            f"a {cls.__qualname__} that {cls.__module__.partition('.')[0]} failed to read: {error!r}",
            "pass the values in it as arrays, or register its class with memo.register_canonical",
        ) from error
    content, walk.out = b"".join(walk.out), out
    out.append(content if short else leaf(ext.DIGEST, digest(content)))
    walk.leave(value)


def write_part(walk: Walk, step: str, write: Callable[[Walk, Any], None], part: Any) -> None:
    """Write a part of a value; `step` is how a refusal leads to it."""
    try:
        write(walk, part)
    except Refused as refusal:
        refusal.steps.append(step)
        raise
