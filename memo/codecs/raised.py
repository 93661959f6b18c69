"""Codec `raised/1`: an exception that a call raised, as its class's name and what it was made of.

Owns how an exception comes back: the class is looked up among loaded modules, and the exception is made by the built-in
class beneath it, past any `__init__`, `__new__` or `__reduce__` of its own (I7). Its traceback is kept as text, which
its cause tells; nothing else of its frames is.
"""

from __future__ import annotations

import time
import traceback
import types

from memo.canonical.names import public_name
from memo.codecs import by_name, choose
from memo.codecs.body import bytes_of
from memo.codecs.instances import lookup
from memo.codecs.summary import shorten, summarize
from memo.errors import CodecError, Raised, RaisedEarlier

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cas.blob import BlobFile
    from cas.entry import Parts
    from memo.codecs import OpenBlob, Write

name = "raised/1"

# What a traceback's text may take; of a longer one the end is kept, which says most.
_TOLD = 16_000
_HEAP_TYPE = 1 << 9
# Past whatever a class of the user's has under these names.
_DICT: Any = vars(BaseException)["__dict__"]


def takes(value: object) -> bool:
    """Return whether a value is an exception that a call raised."""
    return type(value) is Raised


def encode(value: object, write: Write) -> tuple[Parts, str]:
    """Return the name of the codec of its parts, and these parts.

    Raises:
        CodecError: It would not come back as it is.
    """
    if type(value) is not Raised:
        raise CodecError(f"raised: expected what a call raised, got {summarize(value)}", "leave the codec to memo")
    error = value.error
    cls = type(error)
    module = public_name(cls.__module__)
    if lookup(cls.__module__, cls.__qualname__) is not cls or any(vars(kind).get("__slots__") for kind in _own(cls)):
        raise CodecError(
            f"raised: expected an exception whose class a module has by name, got a {cls.__module__}."
            f"{cls.__qualname__}",
            "define the class at the top of a module, without __slots__",
        )
    _, arguments, *state = _native(cls).__reduce__(error)
    attributes = dict(state[0]) if state and state[0] else {}
    again = _make(cls, arguments, attributes)
    if len(again.args) != len(error.args) or vars(again).keys() != vars(error).keys():
        raise CodecError(f"raised: expected a {cls.__qualname__} to be made again from its args", "leave it unstored")
    content = module, cls.__qualname__, arguments, attributes, _told(error)
    codec = choose(content)
    parts, _ = codec.encode(content, write)
    label = codec.name.encode()
    return (bytes([len(label)]) + label, *parts), _summary(error)


def decode(body: bytes | BlobFile, open_blob: OpenBlob) -> object:
    """Raise the exception, as a `Raised` that carries it.

    Raises:
        Raised: The bytes are those of an exception.
        CodecError: They are not, or its class is not loaded.
    """
    data = bytes_of(body)
    length = 1 + data[0] if data else 0
    codec = data[1:length].decode("ascii", "replace")
    if codec.partition("/")[0] in ("raised", "stream"):
        raise CodecError(f"raised: expected the parts of an exception, got {codec}", "run `cas fsck`")
    content = by_name(codec).decode(data[length:], open_blob)
    if type(content) is not tuple or len(content) != 5:
        raise CodecError("raised: expected the five parts of an exception, got other bytes", "run `cas fsck`")
    module, qualname, arguments, attributes, told = content
    cls = lookup(module, qualname)
    if cls is None or not issubclass(cls, Exception):
        raise CodecError(
            f"raised: expected the exception {module}.{qualname}, which no loaded module has",
            f"import {module} at the top of the module of the cached function: no stored name causes an import",
        )
    error = _make(cls, arguments, attributes)
    cause = RaisedEarlier(str(told), "it is stored: f.cache.refresh(...) computes anew")
    BaseException.__setattr__(error, "__cause__", cause)
    raise Raised(error)


def _summary(error: Exception) -> str:
    return shorten(" ".join(f"raised {type(error).__qualname__}: {error}".split()))


def _own(cls: type) -> list[type]:
    return [kind for kind in cls.__mro__ if kind.__flags__ & _HEAP_TYPE]


def _native(cls: type) -> Any:
    """Return the built-in class beneath an exception's class."""
    return next(kind for kind in cls.__mro__ if issubclass(kind, BaseException) and not kind.__flags__ & _HEAP_TYPE)


def _make(cls: type[Exception], arguments: Any, attributes: dict[str, Any]) -> Exception:
    """Return an exception with these arguments and attributes, none of its class's own code run."""
    native = _native(cls)
    try:
        error: Exception = native.__new__(cls, *arguments)
        native.__init__(error, *arguments)
        own = _DICT.__get__(error)
        for attribute, value in attributes.items():
            field = _native_field(native, attribute)
            if field is None:
                own[attribute] = value
            else:
                field.__set__(error, value)
    except (TypeError, ValueError, AttributeError) as wrong:
        raise CodecError(
            f"raised: expected a {cls.__qualname__} to be made again from its args, got {wrong}", "leave it unstored"
        ) from wrong
    return error


def _native_field(native: type, attribute: str) -> Any:
    """Return where a built-in class keeps an attribute outside `__dict__`; None if it does not."""
    found: Any = getattr(native, attribute, None) if not attribute.startswith("__") else None
    return found if isinstance(found, types.MemberDescriptorType | types.GetSetDescriptorType) else None


def _told(error: Exception) -> str:
    """Return when and where an exception was raised, as text."""
    text = "".join(traceback.format_exception(error))[-_TOLD:]
    return f"raised at {time.strftime('%Y-%m-%d %H:%M:%S %z')}, stored, and raised again:\n{text.rstrip()}"
