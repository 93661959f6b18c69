"""The extension codes of a form, and how a tagged value begins.

Owns the codes: arguments and results are both written with them, and a code never changes its meaning (I5).
A leaf is a msgpack extension whose body is the value's own bytes. A tag is an extension with an empty body; it is the
first element of a msgpack array, whose further elements are the parts of the value. A tag stands nowhere else, so a
list never looks like a tagged value (I6).
"""

from __future__ import annotations

# Leaves: the body is the value.
BIG_INT = 1  # two's complement, big-endian, as few bytes as hold the sign
COMPLEX = 2  # two big-endian binary64
BYTEARRAY = 3
CONSTANT = 4  # the name of a singleton, such as Ellipsis
DECIMAL = 5  # its text
DATE = 6  # year (2 bytes), month, day
TIMEDELTA = 7  # days, seconds, microseconds: three big-endian int32
ZONE = 8  # key of the time zone database
UUID = 9
DIGEST = 10  # stands for content too long to be written out
BACK = 11  # one byte: which of the containers around it stands here again, 1 for the innermost

# Tags of Python's own types: the elements that follow.
TUPLE = 32  # elements
SET = 33  # elements, sorted by their bytes
FROZENSET = 34  # elements, sorted by their bytes
ORDERED_DICT = 35  # dict
DEFAULT_DICT = 36  # factory, dict
COUNTER = 37  # dict
DEQUE = 38  # longest length or None, elements
RANGE = 39  # start, stop, step
SLICE = 40  # start, stop, step
DATETIME = 41  # year, month, day, hour, minute, second, microsecond, fold, time zone
TIME = 42  # hour, minute, second, microsecond, fold, time zone
TIMEZONE = 43  # offset, then the name if it has one
FRACTION = 44  # numerator, denominator
PATH = 45  # name of the class in pathlib, text
MEMORYVIEW = 46  # format, shape, bytes in C order or their digest
PATTERN = 47  # pattern, flags
BUILTIN_ARRAY = 48  # type code, bytes
MAPPING_PROXY = 49  # mapping
DICT_VIEW = 50  # name of the class, mapping

# Tags of what only `memo` understands; a reader without it shows them.
CLASS = 64  # module, qualified name, then a number if the name does not lead to it
FUNCTION = 65  # module, qualified name, then a number if the name does not lead to it
MODULE = 66  # name
METHOD = 67  # name, what it is bound to
PARTIAL = 68  # function, positional, keyword, attributes
ENUM = 69  # module, qualified name, member or None, value
DATACLASS = 70  # module, qualified name, fields, other attributes
NAMEDTUPLE = 71  # module, qualified name, fields, other attributes
INSTANCE = 72  # module, qualified name, attributes
SUBCLASS = 73  # module, qualified name, content as the base type, attributes
KEYED = 74  # module, qualified name, what __memo_key__ returned
ELIDED = 75  # kind, length, digest of the bytes left out
LIBRARY = 76  # package, class, outline, content or the digest of its form
REDUCED = 77  # module, qualified name, what __reduce_ex__ returned, element by element
FILE = 78  # module and qualified name of the path's class, kind, bytes in all, digest of what stands there

# Tags of numpy values. A dtype is its string, or a list that spells it out.
ARRAY = 80  # dtype, shape, bytes in C order or their digest or a list of elements
SCALAR = 81  # dtype, bytes or text
DTYPE = 82  # dtype
MASKED = 83  # array of data, array of mask or None, fill value, whether the mask is hard
STORED_ARRAY = 84  # dtype, shape, whether in Fortran order, bytes as they stand in memory
CHILD_ARRAY = 85  # digest of a blob in npy form, dtype, shape

# Tags of results alone.
PLACED_ARRAY = 96  # number of its place in the same file, dtype, shape, whether in Fortran order
CHILD = 97  # codec, summary, digest of a blob, or None and the bytes that it would hold
SPELLED_ARRAY = 98  # dtype spelled out, shape, whether in Fortran order, array of the bytes in memory
OBJECT_ARRAY = 99  # shape, whether in Fortran order, list of elements in that order
STRING_ARRAY = 100  # missing value, whether to coerce, shape, list of elements in C order
VIEW = 101  # name of the class in numpy, array
STORED_MASKED = 102  # array, mask or None, fill value as an array or None, whether the mask is hard, and shared
SPARSE = 103  # name of the class in scipy.sparse, shape, arrays and lists by name, flags by name
RANDOM = 104  # name of the class in numpy.random, state by name
PANDAS = 105  # name of the class in pandas, or of what it has for missing, then what it is made of
ADDRESS = 106  # name of the class in ipaddress, text

FIRST_TAG = TUPLE

# The classes that a reader gives back from their names: the interpreter's own, which do nothing when they are called.
BUILTIN_CLASSES: dict[str, type] = {
    cls.__name__: cls
    for cls in (bool, bytearray, bytes, complex, dict, float, frozenset, int, list, object, set, str, tuple, type)
}


class Tag(int):
    """The mark that opens a tagged array, once read; its number is the code."""

    __slots__ = ()


def leaf(code: int, body: bytes) -> bytes:
    """Return the bytes of a leaf."""
    size = len(body)
    if size in _FIXED:
        return bytes((_FIXED[size], code)) + body
    if size < 1 << 8:
        return bytes((0xC7, size, code)) + body
    if size < 1 << 16:
        return b"\xc8" + size.to_bytes(2, "big") + bytes((code,)) + body
    return b"\xc9" + size.to_bytes(4, "big") + bytes((code,)) + body


_FIXED = {1: 0xD4, 2: 0xD5, 4: 0xD6, 8: 0xD7, 16: 0xD8}


def head(code: int, count: int) -> bytes:
    """Return the bytes that open a tagged array of `count` elements after its tag."""
    return array_header(count + 1) + bytes((0xC7, 0, code))


def array_header(count: int) -> bytes:
    """Return the bytes that open a msgpack array of `count` elements."""
    if count < 16:
        return bytes((0x90 | count,))
    if count < 1 << 16:
        return b"\xdc" + count.to_bytes(2, "big")
    return b"\xdd" + count.to_bytes(4, "big")


def map_header(count: int) -> bytes:
    """Return the bytes that open a msgpack map of `count` pairs."""
    if count < 16:
        return bytes((0x80 | count,))
    if count < 1 << 16:
        return b"\xde" + count.to_bytes(2, "big")
    return b"\xdf" + count.to_bytes(4, "big")
