"""Codec `tree/1`: containers of anything safe, as a form.

Owns how results of built-in types, numpy arrays and numpy scalars are stored together: a large array inside is a blob
of its own in npy form, so that results that share an array share its bytes. Nothing in the bytes is executed (I7).
"""

from __future__ import annotations

import sys

from msgpack import unpackb

from cas import extension as ext
from cas.extension import BUILTIN_CLASSES, head
from memo.canonical import values
from memo.canonical.containers import BUILTINS
from memo.canonical.scalars import SCALARS, pack, write_str
from memo.canonical.walk import DEPTH, Refused, Walk
from memo.codecs.body import bytes_of
from memo.errors import CodecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cas.blob import BlobFile
    from cas.entry import Parts
    from memo.canonical.walk import Writer
    from memo.codecs import OpenBlob, Write

name = "tree/1"

# First bytes of a msgpack None, bool, int, float, str or bytes.
_PLAIN = frozenset((*range(0x80), *range(0xA0, 0xC1), *range(0xC2, 0xC7), *range(0xCA, 0xD4), *range(0xD9, 0xDC)))
_PLAIN |= frozenset(range(0xE0, 0x100))
# The one type of `memo.canonical.values` that a form does not give back: compiling a pattern could take for ever.
_PATTERN = "Pattern"
_SEQUENCES = frozenset(("list", "tuple", "set", "frozenset", "deque"))
_MAPPINGS = frozenset(("dict", "OrderedDict", "Counter", "defaultdict"))
# Deeper containers are left to pickle.
_DEPTH = DEPTH // 2
# A child blob costs a file and a read of it; below this, the array stands in the form.
_CHILD_FROM = 8192


def takes(value: object) -> bool:
    """Return whether a value, and all that is in it, comes back exactly."""
    return type(value) in SCALARS or _takes(value, _DEPTH)


def _takes(value: Any, depth: int) -> bool:
    kind = type(value)
    if kind in SCALARS:
        return True
    if kind not in _table and values.find(kind) is None:
        return kind.__module__ == "numpy" and _takes_numpy(value)
    if kind is type:
        return _is_builtin(value)
    kind_name = kind.__name__
    if kind_name in _SEQUENCES:
        return _takes_all(value, depth)
    if kind_name in _MAPPINGS:
        factory = getattr(value, "default_factory", None)
        known = factory is None or (type(factory) is type and _is_builtin(factory))
        return known and _takes_all(value, depth) and _takes_all(value.values(), depth)
    if kind is slice:
        return _takes_all((value.start, value.stop, value.step), depth)
    if kind_name in ("time", "datetime"):
        zone = value.tzinfo
        return zone is None or (values.find(type(zone)) is not None and getattr(zone, "key", "") is not None)
    if kind_name == "ZoneInfo":
        return value.key is not None
    return kind_name != _PATTERN


def _takes_all(elements: Any, depth: int) -> bool:
    if SCALARS.issuperset(map(type, elements)):
        return True
    return depth > 0 and all(_takes(element, depth - 1) for element in elements)


def _is_builtin(value: type) -> bool:
    return BUILTIN_CLASSES.get(value.__name__) is value


def _takes_numpy(value: Any) -> bool:
    numpy = sys.modules["numpy"]
    if type(value) is numpy.ndarray:
        from memo.codecs import npy  # noqa: PLC0415 - it loads numpy, which most values do without

        return npy.keeps(value.dtype)
    return isinstance(value, numpy.generic) and type(value) is value.dtype.type and value.dtype.char in _SCALAR_CHARS


_SCALAR_CHARS = frozenset("?bBhHiIlLqQefdgFDGSUMm")


def encode(value: object, write: Write) -> tuple[Parts, str]:
    """Return the form of a value; its large arrays go through `write`, each once."""
    from memo.codecs.summary import summarize  # noqa: PLC0415 - a hit does without

    walk = Walk(_table, _Other(write))
    try:
        walk.write(value)
    except Refused as refusal:
        where = refusal.path("value")
        raise CodecError(
            f"tree: {where}: expected a value of a safe type, got {refusal.reason}", refusal.hint
        ) from None
    return tuple(walk.out) if len(walk.out) < 2 else (b"".join(walk.out),), summarize(value)


class _Other:
    """The writer of numpy's values inside one result, and of the standard library's."""

    __slots__ = ("children", "write")

    def __init__(self, write: Write) -> None:
        self.write = write
        # By identity: the same array twice in one result is hashed and written once.
        self.children: dict[int, bytes] = {}

    def __call__(self, walk: Walk, value: Any) -> None:
        """Write one value of a type outside the table."""
        kind = type(value)
        if kind.__module__ == "numpy" and _takes_numpy(value):
            if kind is sys.modules["numpy"].ndarray:
                self._write_array(walk, value)
            else:
                _write_scalar(walk, value)
            return
        writer = values.find(kind) if kind.__name__ != _PATTERN else None
        if writer is None:
            raise Refused(f"a {kind.__module__}.{kind.__qualname__}", "leave it to `choose`, which takes pickle for it")
        walk.table[kind] = writer
        writer(walk, value)

    def _write_array(self, walk: Walk, value: Any) -> None:
        from memo.codecs import npy  # noqa: PLC0415 - it loads numpy, which most values do without

        plain = value.dtype.names is None
        if plain and value.nbytes < _CHILD_FROM:
            flags = value.flags
            fortran = flags.f_contiguous and not flags.c_contiguous
            walk.out.append(head(ext.STORED_ARRAY, 4) + pack(value.dtype.str) + pack([*value.shape]))
            walk.out.append(pack(fortran) + pack(value.tobytes("F" if fortran else "C")))
            return
        child = self.children.get(id(value))
        if child is None:
            child = self.children[id(value)] = self.write(npy.parts_of(value))
        walk.out.append(head(ext.CHILD_ARRAY, 3) + pack(child))
        walk.out.append(pack(value.dtype.str if plain else str(value.dtype)) + pack([*value.shape]))


def _write_scalar(walk: Walk, value: Any) -> None:
    kind = value.dtype.char
    walk.out.append(head(ext.SCALAR, 2))
    if kind == "U":
        walk.out.append(pack("<U"))
        write_str(walk, str.__str__(value))
    elif kind == "S":
        walk.out.append(pack("|S") + pack(bytes.__getitem__(value, slice(None))))
    else:
        walk.out.append(pack(value.dtype.str) + pack(value.tobytes()))


def _write_class(walk: Walk, value: type) -> None:
    """Write a built-in class, which can be the factory of a defaultdict."""
    if not _is_builtin(value):
        raise Refused(f"the class {value.__qualname__}", "return its name")
    walk.out.append(head(ext.CLASS, 2) + pack("builtins") + pack(value.__name__))


_table: dict[type, Writer] = {**BUILTINS, type: _write_class}
del _table[memoryview]


def decode(body: bytes | BlobFile, open_blob: OpenBlob) -> object:
    """Return a fresh value: no two decodings share anything that can change.

    Raises:
        IntegrityError: The bytes are not a form.
        CodecError: The form holds what this codec does not write.
    """
    data = body if type(body) is bytes else bytes_of(body)
    if data and data[0] in _PLAIN:
        try:
            return unpackb(data, unicode_errors="surrogatepass")
        except ValueError:
            pass  # the reader below says what is wrong
    from cas import form  # noqa: PLC0415 - a hit of a scalar does without

    return form.unpack(data, _Reader(open_blob))


class _Reader:
    """What the reading of a form leaves to this codec: arrays, scalars, and what must not be approximated."""

    __slots__ = ("open_blob",)

    def __init__(self, open_blob: OpenBlob) -> None:
        self.open_blob = open_blob

    def __call__(self, code: int, body: Any) -> Any:
        """Build one value, or leave it to `cas.form`."""
        if code == ext.CHILD_ARRAY:
            from memo.codecs import npy  # noqa: PLC0415 - it loads numpy, which most values do without

            return npy.read_file(self.open_blob(body[0]))
        if code == ext.STORED_ARRAY:
            return _stored_array(*body)
        if code == ext.SCALAR:
            return _scalar(*body)
        if code == ext.ZONE:
            return _zone(body.decode())
        if code == ext.PATH:
            return _path(*body)
        if code in _UNSAFE or (code == ext.CLASS and (body[0] != "builtins" or body[1] not in BUILTIN_CLASSES)):
            raise CodecError(f"tree: expected values of safe types, got extension code {code}", "run `cas fsck`")
        return NotImplemented


_UNSAFE = frozenset((ext.DIGEST, ext.PATTERN, ext.MEMORYVIEW, ext.MAPPING_PROXY)) | frozenset(range(ext.FUNCTION, 84))


def _stored_array(dtype: str, shape: list[int], fortran: bool, content: bytes) -> Any:
    import numpy as np  # noqa: PLC0415 - only where a value needs it

    order: Any = "F" if fortran else "C"
    kind = np.dtype(dtype)
    if kind.hasobject or kind.names is not None:
        raise CodecError(f"tree: expected an array of a plain dtype, got {dtype}", "run `cas fsck`")
    return np.ndarray(shape, kind, content, order=order).copy(order)


def _scalar(dtype: str, content: Any) -> Any:
    import numpy as np  # noqa: PLC0415 - only where a value needs it

    if dtype == "<U":
        return np.str_(content)
    if dtype == "|S":
        return np.bytes_(content)
    kind = np.dtype(dtype)
    if kind.char not in _SCALAR_CHARS:
        raise CodecError(f"tree: expected a scalar of a plain dtype, got {dtype}", "run `cas fsck`")
    return np.frombuffer(content, kind, 1)[0]


def _zone(key: str) -> Any:
    import zoneinfo  # noqa: PLC0415 - slow to load, seldom needed

    try:
        return zoneinfo.ZoneInfo(key)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise CodecError(f"tree: expected a known time zone, got {key!r}", "install the tzdata package") from error


def _path(kind: str, text: str) -> Any:
    from cas.form import path  # noqa: PLC0415 - as in `decode`

    value = path(kind, text)
    if type(value).__name__ != kind:
        raise CodecError(f"tree: a {kind} cannot exist on this system", "return a str or a PurePath instead")
    return value
