"""From a stored signature back to the arguments of its call.

Nothing that is stored runs, and nothing is imported: built-in types, small arrays, members of enums and instances of
the project's classes are rebuilt if their class is loaded; functions and classes as arguments are not, since the store
would then choose what is called (I7). What is rebuilt is written anew and compared with what is stored, so it is
exactly what the call was given (I6).
"""

from __future__ import annotations

import sys
from enum import Enum
from io import BytesIO
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any

from msgpack import Unpacker
from msgpack.exceptions import UnpackException

from cas import extension as ext
from cas.errors import IntegrityError
from cas.form import unpack
from memo.canonical import encode
from memo.canonical.names import public_name
from memo.errors import MemoError
from memo.fingerprint.dependencies import is_project

if TYPE_CHECKING:
    from collections.abc import Callable


def replay(signature: bytes, names: tuple[str, ...]) -> tuple[list[Any] | None, str]:
    """Return the arguments of a call, or None and the name of the first that cannot be rebuilt.

    Args:
        signature: As an entry has it.
        names: The parameters of the function that it is a signature of.
    """
    try:
        forms = split(signature)
    except IntegrityError:
        forms = []
    if len(forms) != len(names):
        return None, "its arguments"
    values = []
    for name, form in zip(names, forms, strict=True):
        try:
            values.append(unpack(form, _rebuild))
            whole = encode(values[-1], name) == form
        except (IntegrityError, MemoError):
            whole = False
        if not whole:
            return None, name.lstrip("*")
    return values, ""


def split(signature: bytes) -> list[bytes]:
    """Return the form of each argument.

    Raises:
        IntegrityError: The bytes are not a signature.
    """
    unpacker = Unpacker(BytesIO(signature), max_buffer_size=0)
    forms = []
    try:
        for _ in range(unpacker.read_array_header()):
            start = unpacker.tell()
            unpacker.skip()
            forms.append(signature[start : unpacker.tell()])
        if unpacker.tell() != len(signature):
            raise ValueError("more bytes than arguments")
    except (ValueError, UnpackException) as error:
        raise IntegrityError("expected a signature, found other bytes", "run `cas fsck`") from error
    return forms


def find_named(name: str) -> Any:
    """Return the loaded class or function of that module and qualified name; None if there is none.

    Looks in dictionaries only, so that nothing runs on the way.
    """
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:length])
        loaded = sys.modules.get(module)
        if loaded is None and "__main__" in sys.modules and module == public_name("__main__"):
            loaded = sys.modules["__main__"]
        found: Any = loaded
        for part in parts[length:]:
            found = getattr(found, "__dict__", {}).get(part)
        if found is not None:
            return found
    return None


def _rebuild(code: int, body: Any) -> Any:
    """Build one value that only `memo` knows; NotImplemented where it cannot be built."""
    build = _BUILDERS.get(code)
    if build is None:
        return NotImplemented
    try:
        return build(*body)
    except Exception:  # noqa: BLE001 - damaged bytes, or a class of the user's that has changed: it cannot be built
        return NotImplemented


def _array(dtype: Any, shape: list[int], content: Any) -> Any:
    import numpy as np  # noqa: PLC0415 - only where a value needs it

    return np.frombuffer(content, np.dtype(dtype)).reshape(shape).copy()


def _scalar(dtype: Any, content: Any) -> Any:
    import numpy as np  # noqa: PLC0415 - only where a value needs it

    if dtype == "<U":
        return np.str_(content)
    return np.bytes_(content) if dtype == "|S" else np.frombuffer(content, dtype, 1)[0]


def _dtype(dtype: str) -> Any:
    import numpy as np  # noqa: PLC0415 - only where a value needs it

    return np.dtype(dtype)


def _enum(module: str, qualname: str, member: str | None, _value: Any) -> Any:
    cls = find_named(f"{module}.{qualname}")
    if not (isinstance(cls, type) and issubclass(cls, Enum)):
        return NotImplemented
    return cls.__members__.get(member or "", NotImplemented)


def _instance(module: str, qualname: str, *states: dict[str, Any]) -> Any:
    """Return an instance with the attributes it had; its class's own `__init__` does not run."""
    cls = find_named(f"{module}.{qualname}")
    if not isinstance(cls, type) or not is_project(cls):
        return NotImplemented
    value: Any = object.__new__(cls)
    for state in states:
        for name, content in state.items():
            if _has_setter(cls, name):
                return NotImplemented
            object.__setattr__(value, name, content)
    return value


def _has_setter(cls: type, name: str) -> bool:
    """Tell an attribute that a property or the like would set, by code of the class's; slots have none."""
    found = next((owner.__dict__[name] for owner in cls.__mro__ if name in owner.__dict__), None)
    return hasattr(type(found), "__set__") and type(found) is not MemberDescriptorType


def _namedtuple(module: str, qualname: str, fields: dict[str, Any], attributes: dict[str, Any]) -> Any:
    cls = find_named(f"{module}.{qualname}")
    if not (isinstance(cls, type) and issubclass(cls, tuple) and is_project(cls)) or attributes:
        return NotImplemented
    return tuple.__new__(cls, fields.values())


_BUILDERS: dict[int, Callable[..., Any]] = {
    ext.ARRAY: _array,
    ext.SCALAR: _scalar,
    ext.DTYPE: _dtype,
    ext.ENUM: _enum,
    ext.INSTANCE: _instance,
    ext.DATACLASS: _instance,
    ext.NAMEDTUPLE: _namedtuple,
}
