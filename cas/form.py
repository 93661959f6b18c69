"""The form: msgpack with extension codes, in which arguments and results are written; here it is read.

Owns the way from bytes back to values. Python's own types come back as themselves; what only `memo` understands comes
back as a `Shown`. Executes and imports nothing that the bytes name (I7), and must not know numpy.
"""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import date, datetime, time, timedelta, timezone
from os.path import isfile, join, normpath
from types import MappingProxyType

from msgpack import unpackb

from cas import extension as ext
from cas.description import describe
from cas.errors import Explained, IntegrityError
from cas.extension import BUILTIN_CLASSES
from cas.shown import Shown, show, to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from typing_extensions import Buffer

    Extension = Callable[[int, Any], Any]
    """Given a code and the body of a leaf, or the elements after a tag: a value, or NotImplemented."""

_FAULTS = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, struct.error, RecursionError)

__all__ = ["Shown", "show", "to_json", "unpack"]


def unpack(data: Buffer, extension: Extension | None = None) -> Any:
    """Return the value that a form holds.

    Args:
        data: The bytes of one form.
        extension: Asked first about each extension; NotImplemented leaves it to this module.

    Raises:
        IntegrityError: The bytes are not a form.
    """
    reader = _Reader(extension)
    try:
        value = unpackb(
            data,
            ext_hook=reader.leaf,
            list_hook=reader.array,
            strict_map_key=False,
            unicode_errors="surrogatepass",
        )
    except Explained:
        raise  # of this module or of `extension`; some are also ValueError or KeyError
    except _FAULTS as error:
        raise _malformed(str(error) or type(error).__name__) from error
    if reader.open_tags:
        raise _malformed("a tag that opens no array")
    return value


class _Reader:
    """One reading of one form: builds values from the inside out, as msgpack meets them."""

    __slots__ = ("extension", "open_tags")

    def __init__(self, extension: Extension | None) -> None:
        self.extension = extension
        self.open_tags = 0

    def leaf(self, code: int, body: bytes) -> Any:
        """Build the value of a leaf, or note a tag."""
        if code >= ext.FIRST_TAG:
            if body:
                raise _malformed(f"tag {code} with a body")
            self.open_tags += 1
            return ext.Tag(code)
        if self.extension is not None:
            value = self.extension(code, body)
            if value is not NotImplemented:
                return value
        build = _LEAVES.get(code)
        if build is None:
            raise _malformed(f"extension code {code}")
        return build(body)

    def array(self, elements: list[Any]) -> Any:
        """Build the value of a tagged array; a plain one is a list."""
        if not elements or type(elements[0]) is not ext.Tag:
            return elements
        self.open_tags -= 1
        code = int(elements.pop(0))
        if self.extension is not None:
            value = self.extension(code, elements)
            if value is not NotImplemented:
                return value
        build = _TAGGED.get(code)
        return describe(code, elements) if build is None else build(elements)


def _malformed(seen: str) -> IntegrityError:
    return IntegrityError(
        f"a form: expected msgpack with known extension codes, got {seen}",
        "the bytes are damaged or were written by a newer version; run `cas fsck`",
    )


_CONSTANTS: dict[str, Any] = {"Ellipsis": ..., "NotImplemented": NotImplemented}


def _constant(body: bytes) -> Any:
    name = body.decode()
    return _CONSTANTS[name] if name in _CONSTANTS else Shown("constant", name)


def _big_int(body: bytes) -> int:
    return int.from_bytes(body, "big", signed=True)


def _complex(body: bytes) -> complex:
    return complex(*struct.unpack(">dd", body))


def _decimal(body: bytes) -> Any:
    from decimal import Decimal  # noqa: PLC0415 - slow to load, seldom needed

    return Decimal(body.decode("ascii"))


def _date(body: bytes) -> Any:
    return date(*struct.unpack(">HBB", body))


def _timedelta(body: bytes) -> Any:
    return timedelta(*struct.unpack(">iii", body))


def _uuid(body: bytes) -> Any:
    from uuid import UUID  # noqa: PLC0415 - slow to load, seldom needed

    return UUID(bytes=body)


def _zone(body: bytes) -> Any:
    # `ZoneInfo` falls back to importing a package whose name is made from the key, so a key is only looked up where
    # it names a file of the system's own database (I7).
    import zoneinfo  # noqa: PLC0415 - slow to load, seldom needed

    key = body.decode()
    relative = not key.startswith("/") and normpath(key) == key and not key.startswith("..") and "\0" not in key
    if relative and any(isfile(join(folder, key)) for folder in zoneinfo.TZPATH):
        return zoneinfo.ZoneInfo(key)
    return Shown("time zone", key)


def _time(elements: list[Any]) -> Any:
    hour, minute, second, microsecond, fold, zone = elements
    if isinstance(zone, Shown):
        return Shown("time", f"{time(hour, minute, second, microsecond)} {zone.text}")
    return time(hour, minute, second, microsecond, zone, fold=fold)


def _datetime(elements: list[Any]) -> Any:
    year, month, day, hour, minute, second, microsecond, fold, zone = elements
    if isinstance(zone, Shown):
        return Shown("datetime", f"{datetime(year, month, day, hour, minute, second, microsecond)} {zone.text}")
    return datetime(year, month, day, hour, minute, second, microsecond, zone, fold=fold)


def _timezone(elements: list[Any]) -> Any:
    return timezone(*elements)


def _fraction(elements: list[Any]) -> Any:
    from fractions import Fraction  # noqa: PLC0415 - slow to load, seldom needed

    return Fraction(*elements)


_PATHS = ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")


def path(kind: str, text: str) -> Any:
    """Return a path; a concrete one of another operating system comes back as its pure kind."""
    import pathlib  # noqa: PLC0415 - slow to load, seldom needed

    if kind not in _PATHS:
        raise ValueError(f"a path of kind {kind!r}")
    try:
        return getattr(pathlib, kind)(text)
    except NotImplementedError:  # a concrete path of another operating system
        return getattr(pathlib, "Pure" + kind)(text)


def _deque(elements: list[Any]) -> Any:
    return deque(elements[1:], elements[0])


def _counter(elements: list[Any]) -> Any:
    (content,) = elements
    counter: Counter[Any] = Counter()
    dict.update(counter, content)
    return counter


def _ordered_dict(elements: list[Any]) -> Any:
    (content,) = elements
    return OrderedDict(content)


def _default_dict(elements: list[Any]) -> Any:
    factory, content = elements
    if isinstance(factory, Shown):
        return Shown("defaultdict", f"defaultdict({factory.text}, {show(content)})", content)
    if factory is not None and factory not in BUILTIN_CLASSES.values():
        raise TypeError("a defaultdict with a factory that is no class")
    return defaultdict(factory, content)


def _class(elements: list[Any]) -> Any:
    known = BUILTIN_CLASSES.get(elements[1]) if elements[0] == "builtins" else None
    return describe(ext.CLASS, elements) if known is None else known


def _memoryview(elements: list[Any]) -> Any:
    layout, shape, content = elements
    if layout == "B" and isinstance(content, bytes) and shape == [len(content)]:
        return memoryview(content)
    return describe(ext.MEMORYVIEW, elements)


def _builtin_array(elements: list[Any]) -> Any:
    from array import array  # noqa: PLC0415 - slow to load, seldom needed

    code, content = elements
    return array(code, content)


def _mapping_proxy(elements: list[Any]) -> Any:
    (content,) = elements
    return MappingProxyType(content)


_LEAVES: dict[int, Callable[[bytes], Any]] = {
    ext.BIG_INT: _big_int,
    ext.COMPLEX: _complex,
    ext.BYTEARRAY: bytearray,
    ext.CONSTANT: _constant,
    ext.DECIMAL: _decimal,
    ext.DATE: _date,
    ext.TIMEDELTA: _timedelta,
    ext.ZONE: _zone,
    ext.UUID: _uuid,
    ext.DIGEST: lambda body: Shown("digest", body.hex()),
    ext.BACK: lambda body: Shown("back", "<...>", body[0]),
}

_TAGGED: dict[int, Callable[[list[Any]], Any]] = {
    ext.TUPLE: tuple,
    ext.SET: set,
    ext.FROZENSET: frozenset,
    ext.ORDERED_DICT: _ordered_dict,
    ext.DEFAULT_DICT: _default_dict,
    ext.COUNTER: _counter,
    ext.DEQUE: _deque,
    ext.RANGE: lambda elements: range(*elements),
    ext.SLICE: lambda elements: slice(*elements),
    ext.DATETIME: _datetime,
    ext.TIME: _time,
    ext.TIMEZONE: _timezone,
    ext.FRACTION: _fraction,
    ext.PATH: lambda elements: path(*elements),
    ext.MEMORYVIEW: _memoryview,
    ext.BUILTIN_ARRAY: _builtin_array,
    ext.MAPPING_PROXY: _mapping_proxy,
    ext.CLASS: _class,
}
