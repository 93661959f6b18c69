"""A signature as one line of text, exactly: what `repr` writes, and calls for the values that have no literal.

Plain values are written as `repr` does, so that their names are the original's. Where `repr` is not exact or not the
same in every process (sets, NaNs, numpy), the text is ours: `scalar(1.5, '<f4')`, `array([1, 2], '<i8', (2,))`,
`form(b'...')`. Equal texts mean equal values and types. Reading runs nothing (I7).
"""

from __future__ import annotations

import math
import struct
import sys

from cas.errors import Explained, InvalidInputError
from cas.literal import read_literal
from cas.shown import Shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

DEPTH = 64
"""Containers nested deeper than this have no text: Python's parser would not read it back everywhere."""

ARRAY_LIMIT = 1 << 20
"""Bytes from which on an array is told by its digest, for good: nobody stores it only to list the calls."""

TEXT_LIMIT = 1 << 12
"""Bytes from which on the elements of an array are left out: no file name has room for them, and they take long."""

_OMITTED = "omitted"

ARRAY_KINDS = "biufcSUMm"
_QUIET_NAN = struct.pack(">d", math.nan)
_READABLE_BITS = 10_000  # beyond 4300 digits Python refuses to write an integer in decimals


class Verbatim:
    """Stands for a value by the text that the original wrote for it, where ours is another."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Verbatim) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


def write_text(value: object, depth: int = 0) -> str:
    """Return the text of a value.

    Raises:
        InvalidInputError: Something in it cannot be written so that it comes back.
    """
    kind = type(value)
    if depth > DEPTH:
        raise InvalidInputError(f"expected at most {DEPTH} nested containers, got more", "pass a flatter value")
    if kind in _CONTAINERS:
        return _container(value, depth + 1)
    if kind in _WRITERS:
        return _WRITERS[kind](value)
    if kind in (type(None), bool, str, bytes, type(...), Shown, Verbatim):
        return repr(value)
    return _other(value)


def read_text(text: str) -> object:
    """Return the value that `write_text` wrote, or that the original wrote as a literal.

    Raises:
        InvalidInputError: The text is no such text.
    """
    try:
        return read_literal(text, _CONSTRUCTORS)
    except Explained:
        raise
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError, struct.error) as error:
        raise InvalidInputError(
            f"expected the text of a signature, got {text[:60]!r}: {error}",
            "scan_cachedir reads the arguments from the entry itself",
        ) from None


def omits(text: str) -> bool:
    """Return whether elements were left out of the text of a signature, which are to be had from the entry."""
    return f"Shown({_OMITTED!r}, " in text


def _container(value: Any, depth: int) -> str:
    kind = type(value)
    if kind is dict:
        return "{" + ", ".join(f"{write_text(k, depth)}: {write_text(v, depth)}" for k, v in value.items()) + "}"
    parts = [write_text(part, depth) for part in value]
    if kind is list:
        return f"[{', '.join(parts)}]"
    if kind is tuple:
        return f"({', '.join(parts)}{',' * (len(parts) == 1)})"
    text = "{" + ", ".join(sorted(parts)) + "}" if parts else ""  # the order of a set is another in each process
    return text if kind is set and parts else f"{kind.__name__}({text})"


def _integer(number: int) -> str:
    return repr(number) if number.bit_length() < _READABLE_BITS else f"integer({hex(number)!r})"


def _float(number: float) -> str:
    raw = struct.pack(">d", number)
    return f"nan({raw!r})" if number != number and raw != _QUIET_NAN else repr(number)


def _complex(number: complex) -> str:
    parts = _float(number.real), _float(number.imag)
    return f"complex({', '.join(parts)})" if "nan(" in "".join(parts) else repr(number)


def _other(value: object) -> str:
    """Return the text of a numpy value, or of one that its canonical form brings back, such as a date."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray | numpy.generic) and is_plain(value):
        return _array(value) if isinstance(value, numpy.ndarray) else _scalar(value)
    if numpy is not None and isinstance(value, numpy.dtype) and value.names is None and value.kind in ARRAY_KINDS:
        return f"dtype({value.str!r})"
    form = _form(value)
    if form is None:
        raise InvalidInputError(
            f"a value of type {type(value).__qualname__} has no text that it could be read back from",
            "argument_signature(f, ...) puts the digest of such a value into the signature",
        )
    return f"form({form!r})"


def has_text(value: object) -> bool:
    """Return whether a value can be written so that it comes back."""
    try:
        write_text(value)
    except InvalidInputError:
        return False
    return True


def is_plain(value: Any) -> bool:
    """Return whether a numpy array or scalar is of numpy's own class and of numbers, text, bytes or dates."""
    dtype = value.dtype
    if dtype.kind not in ARRAY_KINDS or (dtype.kind in "fc" and dtype.itemsize > 8 * (1 + (dtype.kind == "c"))):
        return False
    return type(value) is dtype.type or type(value).__name__ in ("ndarray", "ArgumentArray")


def _form(value: object) -> bytes | None:
    """Return the canonical form of a value that comes back from it, such as a date or a path; else None."""
    from cas.form import unpack  # noqa: PLC0415 - few arguments are of such a type
    from memo.canonical import encode  # noqa: PLC0415 - likewise

    try:
        form = encode(value)
        back = unpack(form)
        return form if type(back) is type(value) and encode(back) == form else None
    except Explained:
        return None


def _scalar(value: Any) -> str:
    dtype = value.dtype
    if dtype.kind in "SU":
        return f"scalar({write_text(value.item())}, {dtype.str!r})"
    return f"scalar({_elements(value)[1:-1]}, {dtype.str!r})"


def _array(value: Any) -> str:
    if value.nbytes > TEXT_LIMIT:
        import numpy as np  # noqa: PLC0415 - loaded already, by whoever made the array

        told = describe(np.asarray(value))
        return repr(told if value.nbytes > ARRAY_LIMIT else Shown(_OMITTED, told.text))
    return f"array({_elements(value)}, {value.dtype.str!r}, {value.shape!r})"


def _elements(value: Any) -> str:
    """Return the elements as a list, or as bytes where a list would not bring the same bits back."""
    import numpy as np  # noqa: PLC0415 - loaded already, by whoever made the array

    flat = np.ascontiguousarray(np.asarray(value).reshape(-1))
    whole = flat.view(flat.dtype.str.replace("M8", "i8").replace("m8", "i8")[:3]) if flat.dtype.kind in "mM" else flat
    elements: list[object] = whole.tolist()
    raw = flat.tobytes()
    exact = np.array(elements, whole.dtype).tobytes() == raw
    return write_text(elements) if exact else f"[{raw!r}]"


def describe(value: Any, links: Iterable[bytes] = ()) -> Shown:
    """Return what stands for a value that has no text: its class, and the digest of its canonical form.

    Args:
        value: Anything with a canonical form.
        links: Digests that count as well.
    """
    from cas.digest import digest_parts  # noqa: PLC0415 - few arguments are of such a type
    from memo.canonical import encode  # noqa: PLC0415 - likewise

    name = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in type(value).__name__)
    return Shown(name, digest_parts((encode(value), *links)).hex()[:40])


def _read_array(elements: list[Any], layout: str, shape: tuple[int, ...]) -> object:
    return _read_elements(elements, layout).reshape(shape)


def _read_scalar(element: Any, layout: str) -> object:
    import numpy as np  # noqa: PLC0415 - only names with numpy's values need it

    dtype = np.dtype(layout)
    return dtype.type(element) if dtype.kind in "SU" else _read_elements([element], layout)[0]


def _read_elements(elements: list[Any], layout: str) -> Any:
    import numpy as np  # noqa: PLC0415 - as above

    dtype = np.dtype(layout)
    if dtype.kind not in ARRAY_KINDS:
        raise ValueError(f"an array of dtype {dtype}")
    if len(elements) == 1 and isinstance(elements[0], bytes) and dtype.kind != "S":
        return np.frombuffer(elements[0], dtype).copy()
    return np.array(elements, np.int64).view("i8").astype(dtype) if dtype.kind in "mM" else np.array(elements, dtype)


def _read_dtype(layout: str) -> object:
    import numpy as np  # noqa: PLC0415 - as above

    return np.dtype(layout)


def _read_form(form: bytes) -> object:
    from cas.form import unpack  # noqa: PLC0415 - few arguments are of such a type

    return unpack(form)


_CONTAINERS = frozenset((tuple, list, dict, set, frozenset))
_WRITERS: dict[type, Callable[[Any], str]] = {int: _integer, float: _float, complex: _complex}
_CONSTRUCTORS: dict[str, Callable[..., object]] = {
    "integer": lambda text: int(text, 16),
    "nan": lambda raw: struct.unpack(">d", raw)[0],
    "complex": complex,
    "scalar": _read_scalar,
    "array": _read_array,
    "dtype": _read_dtype,
    "form": _read_form,
    "Shown": Shown,
}
