"""Codec `tree/1`: containers of anything safe, as a form.

Owns how results of built-in types, numpy's, and those made of them are stored together: a large array inside is a
blob of its own in npy form, so that results that share an array share its bytes; a value with a codec of its own, such
as a DataFrame, is a blob of that codec. Nothing in the bytes is executed (I7).
"""

from __future__ import annotations

import sys

from msgpack import unpackb

from cas import extension as ext
from cas.extension import BUILTIN_CLASSES, head
from memo.canonical import values
from memo.canonical.containers import BUILTINS
from memo.canonical.scalars import SCALARS, pack, write_str
from memo.canonical.walk import AGAIN, DEPTH, HEAVY, Refused, Walk
from memo.codecs import own_codec
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
# The types of `memo.canonical.values` that a form gives back; compiling a pattern, for one, could take for ever.
_VALUES = frozenset(("date", "time", "datetime", "timedelta", "timezone", "ZoneInfo", "Decimal", "Fraction", "UUID"))
_VALUES |= frozenset(("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath", "array"))
_VALUES |= frozenset(("OrderedDict", "defaultdict", "Counter", "deque"))
_SEQUENCES = frozenset(("list", "tuple", "set", "frozenset", "deque"))
_MAPPINGS = frozenset(("dict", "OrderedDict", "Counter", "defaultdict"))
# Deeper containers are left to pickle.
_DEPTH = DEPTH // 2
# A child blob costs a file and a read of it; below this, the array stands in the form.
_CHILD_FROM = 8192


def takes(value: object) -> bool:
    """Return whether a value, and all that is in it, comes back exactly."""
    return type(value) in SCALARS or _takes(value, _DEPTH, _Parts())


class _Parts:
    """How many parts there are to write, and which have many parts of their own: those may not be met over and over.

    A form writes what is shared as often as it is met, which doubles at every step of a chain of pairs.
    """

    __slots__ = ("again", "count", "heavy")

    def __init__(self) -> None:
        self.count = 0
        self.again = 0
        # Each is kept, so that no other gets its identity, with its number of parts, and how deep it may be.
        self.heavy: dict[int, tuple[object, int, int]] = {}


def _takes(value: Any, depth: int, met: _Parts) -> bool:
    if type(value) in SCALARS:
        return True
    known = met.heavy.get(id(value))
    if known is not None and known[2] <= depth:
        met.count += known[1]
        met.again += known[1]
        return met.again <= AGAIN
    before = met.count
    met.count += 1
    found = _takes_parts(value, depth, met)
    if met.count - before >= HEAVY:
        met.heavy[id(value)] = value, met.count - before, depth
    return found


def _takes_parts(value: Any, depth: int, met: _Parts) -> bool:
    kind = type(value)
    if kind not in _table and _find(kind) is None:
        return _takes_other(value, depth, met)
    if kind is type:
        return _is_builtin(value)
    kind_name = kind.__name__
    if kind_name in _SEQUENCES:
        return _takes_all(value, depth, met)
    if kind_name in _MAPPINGS:
        factory = getattr(value, "default_factory", None)
        known = factory is None or (type(factory) is type and _is_builtin(factory))
        return known and _takes_all(value, depth, met) and _takes_all(value.values(), depth, met)
    if kind is slice:
        return _takes_all((value.start, value.stop, value.step), depth, met)
    if kind_name in ("time", "datetime"):
        zone = value.tzinfo
        return zone is None or (_find(type(zone)) is not None and getattr(zone, "key", "") is not None)
    if kind_name == "ZoneInfo":
        return value.key is not None
    return True


def _find(kind: type) -> Writer | None:
    """Return the writer of a type of the standard library that comes back from a form."""
    return values.find(kind) if kind.__name__ in _VALUES else None


def _takes_all(elements: Any, depth: int, met: _Parts) -> bool:
    if SCALARS.issuperset(map(type, elements)):
        return True
    return depth > 0 and all(_takes(element, depth - 1, met) for element in elements)


def _takes_other(value: Any, depth: int, met: _Parts) -> bool:
    """Return whether numpy's values, those made of simpler ones, and those with a codec of their own come back."""
    if type(value).__module__ == "numpy" and _is_plain(value):
        return True
    from memo.codecs.composites import take_apart  # noqa: PLC0415 - most results hold none

    apart = take_apart(value)
    return own_codec(value) is not None if apart is None else depth > 0 and _takes_all(apart[1], depth - 1, met)


def _is_builtin(value: type) -> bool:
    return BUILTIN_CLASSES.get(value.__name__) is value


def _is_plain(value: Any) -> bool:
    """Return whether a value of numpy's is an array that `.npy` keeps, or a scalar of a plain dtype."""
    numpy = sys.modules["numpy"]
    if isinstance(value, numpy.ndarray):
        from memo.codecs import npy  # noqa: PLC0415 - it loads numpy, which most values do without

        return npy.takes(value)
    return isinstance(value, numpy.generic) and type(value) is value.dtype.type and value.dtype.char in _SCALAR_CHARS


_SCALAR_CHARS = frozenset("?bBhHiIlLqQefdgFDGSUMm")


def encode(value: object, write: Write) -> tuple[Parts, str]:
    """Return the form of a value; its large arrays go through `write`, each once."""
    from memo.codecs.summary import summarize  # noqa: PLC0415 - a hit does without

    return form_of(value, TreeWriter(write)), summarize(value)


def form_of(value: object, other: Writer, codec: str = "tree", root: str = "value") -> Parts:
    """Return the form of a value, `other` writing what is of no built-in type.

    Raises:
        CodecError: Something in it has no place in a form; the message names the path to it.
    """
    walk = Walk(_table, other)
    try:
        walk.write(value)
    except Refused as refusal:
        where = refusal.path(root)
        raise CodecError(
            f"{codec}: {where}: expected a value of a safe type, got {refusal.reason}", refusal.hint
        ) from None
    return tuple(walk.out) if len(walk.out) < 2 else (b"".join(walk.out),)


class TreeWriter:
    """The writer of what is of no built-in type inside one result.

    Args:
        write: Stores a child blob and returns its digest.
    """

    def __init__(self, write: Write) -> None:
        self.write = write
        # By identity, and kept, so that no other array gets the same: one array is hashed and written once.
        self.children: dict[int, tuple[Any, bytes]] = {}

    def __call__(self, walk: Walk, value: Any) -> None:
        """Write one value of a type outside the table."""
        kind = type(value)
        if kind.__module__ == "numpy" and _is_plain(value):
            if isinstance(value, sys.modules["numpy"].ndarray):
                self.write_array(walk, value)
            else:
                _write_scalar(walk, value)
            return
        writer = _find(kind)
        if writer is not None:
            walk.table[kind] = writer
            writer(walk, value)
            return
        from memo.codecs.composites import write_composite  # noqa: PLC0415 - most results hold none

        if not write_composite(walk, value) and not self.write_child(walk, value):
            raise Refused(f"a {kind.__module__}.{kind.__qualname__}", "leave it to `choose`, which takes pickle for it")

    def write_array(self, walk: Walk, value: Any) -> None:
        """Write an array that `.npy` keeps: here if it is small, else as a blob."""
        from memo.codecs import npy  # noqa: PLC0415 - it loads numpy, which most values do without

        plain = value.dtype.names is None
        if plain and value.nbytes < _CHILD_FROM:
            write_small_array(walk, value)
            return
        _, child = self.children.get(id(value), (None, b""))
        if not child:
            child = self.write(npy.parts_of(value))
            self.children[id(value)] = value, child
        walk.out.append(head(ext.CHILD_ARRAY, 3) + pack(child))
        walk.out.append(pack(value.dtype.str if plain else str(value.dtype)) + pack([*value.shape]))

    def write_child(self, walk: Walk, value: Any) -> bool:
        """Write a value by the codec made for its kind: here if it is small, else as a blob; False if there is none."""
        codec = own_codec(value)
        if codec is None:
            return False
        parts, summary = codec.encode(value, self.write)
        small = sum(memoryview(part).nbytes for part in parts) < _CHILD_FROM
        walk.out.append(head(ext.CHILD, 4) + pack(codec.name) + pack(summary))
        walk.out.append(pack(None) + pack(b"".join(parts)) if small else pack(self.write(parts)) + pack(None))
        return True


def write_small_array(walk: Walk, value: Any) -> None:
    """Write an array of a plain dtype with its content."""
    if value.dtype.char in "gG":
        from memo.codecs.npy import without_padding  # noqa: PLC0415 - numpy is loaded, long doubles are rare

        value = without_padding(value)
    flags = value.flags
    fortran = flags.f_contiguous and not flags.c_contiguous
    walk.out.append(head(ext.STORED_ARRAY, 4) + pack(value.dtype.str) + pack([*value.shape]))
    walk.out.append(pack(fortran) + pack(value.tobytes("F" if fortran else "C")))


def _write_scalar(walk: Walk, value: Any) -> None:
    kind = value.dtype.char
    walk.out.append(head(ext.SCALAR, 2))
    if kind == "U":
        walk.out.append(pack("<U"))
        write_str(walk, str.__str__(value))
    elif kind == "S":
        walk.out.append(pack("|S") + pack(bytes.__getitem__(value, slice(None))))
    else:
        if kind in "gG":
            from memo.codecs.npy import without_padding  # noqa: PLC0415 - numpy is loaded, long doubles are rare

            value = without_padding(value)
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
    return _read_form(data, open_blob)


def _read_form(data: bytes, open_blob: OpenBlob) -> Any:
    """Read a form, which a hit of a scalar does without: the reader is loaded once, in place of this function."""
    global _read_form  # an import in `decode` would cost each hit 0.4 µs
    from memo.codecs.reading import read_form  # noqa: PLC0415 - as said above

    _read_form = read_form
    return read_form(data, open_blob)
