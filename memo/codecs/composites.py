"""Composites: values made of simpler values, taken apart for a form and put together again.

Owns where each kind is looked for. Which parts a value has is the business of `instances`, `numerics` and `sparse`;
the parts are values that `tree` takes, or other composites. Loaded only once a result holds one.
"""

from __future__ import annotations

from cas import extension as ext
from cas.extension import head
from memo.canonical.containers import write_elements, write_named
from memo.codecs import instances
from memo.errors import CodecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memo.canonical.walk import Walk

    Apart = tuple[int, list[Any]]
    """The code of the kind, and the parts that stand after it in a form."""

# Modules of the standard library whose values are made anew from a text, and the codes of these.
_STANDARD = frozenset(("ipaddress", "re"))
_TEXTS = frozenset((ext.ADDRESS, ext.PATTERN))
_INSTANCES = frozenset((ext.ENUM, ext.DATACLASS, ext.NAMEDTUPLE, ext.INSTANCE))


def take_apart(value: Any) -> Apart | None:
    """Return the parts that a value is made of; None if it is no composite that comes back exactly."""
    home = str(type(value).__module__).partition(".")[0]
    if home == "numpy":
        from memo.codecs import numerics  # noqa: PLC0415 - it loads numpy, which is there if a value is numpy's

        return numerics.take_apart(value)
    if home == "scipy":
        from memo.codecs import scattered  # noqa: PLC0415 - likewise

        return scattered.take_apart(value)
    if home == "pandas":
        from memo.codecs import labels  # noqa: PLC0415 - likewise

        return labels.take_apart(value)
    if home in _STANDARD:
        from memo.codecs import standard  # noqa: PLC0415 - few results hold one

        return standard.take_apart(value)
    return instances.take_apart(value)


def put_together(code: int, parts: list[Any]) -> Any:
    """Return the value that has these parts.

    Raises:
        CodecError: They are not the parts of such a value.
    """
    if code in _INSTANCES:
        return instances.put_together(code, parts)
    if code == ext.SPARSE:
        from memo.codecs import scattered  # noqa: PLC0415 - it loads scipy.sparse

        return scattered.put_together(*parts)
    if code == ext.PANDAS:
        from memo.codecs import labels  # noqa: PLC0415 - it loads pandas

        return labels.put_together(parts)
    if code in _TEXTS:
        from memo.codecs import standard  # noqa: PLC0415 - few results hold one

        return standard.put_together(code, parts)
    from memo.codecs import numerics  # noqa: PLC0415 - it loads numpy

    try:
        return numerics.put_together(code, parts)
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, MemoryError) as error:
        if isinstance(error, CodecError):
            raise
        raise CodecError(f"tree: expected the parts of a value of numpy's, got {error}", "run `cas fsck`") from error


def write_composite(walk: Walk, value: Any) -> bool:
    """Write the parts of a composite; False if the value is none."""
    apart = take_apart(value)
    if apart is None:
        return False
    code, parts = apart
    walk.enter(value)
    walk.out.append(head(code, len(parts)))
    if code in _INSTANCES:
        for part in parts:  # so that a refusal says `.field`
            write_named(walk, part) if type(part) is dict else walk.write(part)
    else:
        write_elements(walk, parts)
    walk.leave(value)
    return True
