"""A value that code captures → its canonical digest, or, if functions and objects are in it, its parts.

The canonical form of arguments serves for data; what holds code (a table of functions, an instance of the project's
own class) is taken apart here, so that `memo.fingerprint.dependencies` can follow what it finds.
"""

from __future__ import annotations

from types import FunctionType, MappingProxyType, MemberDescriptorType

from cas.digest import digest
from memo.canonical import encode_arguments
from memo.fingerprint.boundary import ask
from memo.fingerprint.code import local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

IMMUTABLE = frozenset({type(None), bool, int, float, complex, str, bytes, type(Ellipsis), type(NotImplemented), range})
CONTAINERS = frozenset({list, tuple, dict, set, frozenset})


def plain_digest(value: object) -> bytes | None:
    """Return the digest of a value's canonical form; None if it is not data through and through."""
    if value is Ellipsis or value is NotImplemented:
        return digest(repr(value).encode())
    try:
        form, met = encode_arguments([value], ("value",))
    except Exception:  # noqa: BLE001 - refused, too deep, or an object of anyone's that cannot be asked
        return None
    return None if met else digest(form)


def is_mutable(value: object) -> bool:
    """Tell whether a plain value can change in place."""
    pending = [value]
    while pending:
        part = pending.pop()
        kind = type(part)
        if kind in (tuple, frozenset):
            pending.extend(part)  # type: ignore[arg-type]
        elif kind not in IMMUTABLE and kind.__module__ not in ("datetime", "decimal", "fractions", "re", "uuid"):
            return True
    return False


def members(value: Any) -> list[tuple[str, object]]:
    """Return a container's parts, labelled in an order that does not depend on the hash seed."""
    kind = type(value)
    if kind in (list, tuple):
        return [(f"{place:08}", part) for place, part in enumerate(value)]
    if kind in (dict, MappingProxyType):
        parts: list[tuple[str, object]] = []
        for place, (key, part) in enumerate(value.items()):
            parts += [(f"{place:08}k", key), (f"{place:08}v", part)]
        return parts
    return [(f"{place:08}", part) for place, part in enumerate(sorted(value, key=_sort_key))]


def _sort_key(part: object) -> bytes:
    found = plain_digest(part)
    if found is not None:
        return found
    if type(part) is FunctionType:
        return b"~" + part.__qualname__.encode("utf-8", "surrogatepass") + local(part).digest
    try:
        # What is code in it goes by name here: enough for an order, which then does not depend on the hash seed.
        return b"~" + encode_arguments([part], ("value",))[0]
    except Exception:  # noqa: BLE001 - refused, or an object of anyone's that cannot be asked
        module, name = getattr(part, "__module__", ""), getattr(part, "__qualname__", type(part).__qualname__)
        return f"~{module}.{name}".encode()


def content(value: object) -> tuple[object, list[tuple[str, object]]] | None:
    """Return what an object holds by way of a built-in base class, and what else its kind of container has.

    The first is of a built-in type or an array; None if the object's class has no such base.
    """
    # Lazy: only code that holds objects needs it, and most holds functions and plain data.
    from memo.canonical.instances import content_of  # noqa: PLC0415 - as said above

    held: Any = value.args if isinstance(value, BaseException) else content_of(value)
    extra = [(name, getattr(held, name)) for name in ("default_factory", "maxlen", "shape") if hasattr(held, name)]
    if held is None:
        return None
    if isinstance(held, dict):
        return dict(held), extra
    if type(held).__name__ == "deque":
        return list(held), extra
    if getattr(getattr(held, "dtype", None), "hasobject", False) and not held.dtype.names:
        return list(held.ravel()), extra
    return held, []


def content_digest(value: object) -> bytes | None:
    """Return the digest of what an object holds by way of a built-in base; None if it is no longer plain."""
    found = content(value)
    return plain_digest(found[0]) if found is not None else None


def attributes(value: object) -> dict[str, object] | None:
    """Return the dictionary of an object's own attributes; None if it has none."""
    found = ask(value, "__dict__")
    return found if isinstance(found, dict) else None


def state(value: object) -> dict[str, object]:
    """Return an object's own attributes, from its `__dict__` and its slots."""
    found: dict[str, object] = dict(attributes(value) or {})
    for name, slot in slots(type(value)).items():
        try:
            found[name] = slot.__get__(value)
        except AttributeError:
            continue
    return found


def slots(kind: type) -> dict[str, Any]:
    """Return the slots of a class and its bases: a property of the same name in a subclass does not hide them."""
    found: dict[str, Any] = {}
    for cls in reversed(kind.__mro__):
        own = {name: slot for name, slot in vars(cls).items() if type(slot) is MemberDescriptorType}
        if "__slots__" not in vars(cls):
            # An extension type, which shows its attributes by the same means, and its inner workings by such names.
            own = {name: slot for name, slot in own.items() if not name.startswith("__")}
        found |= own
    return found
