"""What a person sees of a value: a cell of a table, and JSON.

Owns `Shown`, which stands for a value that only `memo` could rebuild. Must not know numpy or anything of the user's.
"""

from __future__ import annotations

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, NoReturn

_DEPTH = 200
# Python refuses to write longer integers in decimal (sys.int_info.default_max_str_digits), and nobody reads them.
_LONG_INT_BITS = 1024


class Shown:
    """A value that is only looked at: its kind, its text, and what is inside it if a person may ask.

    Attributes:
        kind: Such as "array", "scalar", "enum", "instance", "function", "elided".
        text: For a table cell, such as `float64[129, 400]~3fa9c2d1`.
        details: A dict of fields, a list of elements, the plain value of a scalar or an enum, or None.
    """

    __slots__ = ("details", "kind", "text")

    kind: str
    text: str
    details: Any

    def __init__(self, kind: str, text: str, details: Any = None) -> None:
        for name, value in (("kind", kind), ("text", text), ("details", details)):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"Shown.{name} is read-only")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shown) and (self.kind, self.text) == (other.kind, other.text)

    def __hash__(self) -> int:
        return hash((self.kind, self.text))

    def __repr__(self) -> str:
        return f"Shown({self.kind!r}, {self.text!r})"


def show(value: object, width: int = 60) -> str:
    """Return one line of at most `width` characters that tells a value from its like."""
    text = _text(value, width, _DEPTH)
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def to_json(value: object) -> Any:
    """Return a value as JSON can hold it: bytes as hexadecimal, what is not finite as text."""
    return _json(value, _DEPTH)


def _text(value: Any, room: int, depth: int) -> str:
    """Return the text of a value; what lies beyond `room` may be missing, so that long values cost little."""
    if depth == 0:
        return "…"
    write = _TEXTS.get(type(value).__name__)
    return repr(value) if write is None else write(value, room, depth - 1)


def joined(texts: Iterable[str], room: int) -> str:
    """Join texts with commas, stopping once they fill `room`."""
    pieces: list[str] = []
    for text in texts:
        pieces.append(text)
        room -= len(text) + 2
        if room < 0:
            break
    return ", ".join(pieces)


def _elements(value: Iterable[Any], room: int, depth: int) -> str:
    return joined((_text(element, room, depth) for element in value), room)


def _sorted_elements(value: Iterable[Any], room: int, depth: int) -> str:
    # By text: the order of a set depends on the hash seed, a listing should not.
    return joined(sorted(_text(element, room, depth) for element in value), room)


def _pairs(value: dict[Any, Any], room: int, depth: int) -> str:
    pairs = value.items()
    return joined((f"{_text(key, room, depth)}: {_text(content, room, depth)}" for key, content in pairs), room)


def _tuple_text(value: tuple[Any, ...], room: int, depth: int) -> str:
    return f"({_elements(value, room, depth)}{',' if len(value) == 1 else ''})"


def _set_text(value: set[Any], room: int, depth: int) -> str:
    return f"{{{_sorted_elements(value, room, depth)}}}" if value else "set()"


def _deque_text(value: Any, room: int, depth: int) -> str:
    limit = "" if value.maxlen is None else f", maxlen={value.maxlen}"
    return f"deque([{_elements(value, room, depth)}]{limit})"


def _default_dict_text(value: Any, room: int, depth: int) -> str:
    return f"defaultdict({_text(value.default_factory, room, depth)}, {{{_pairs(value, room, depth)}}})"


def _int_text(value: int, *_: int) -> str:
    return repr(value) if value.bit_length() <= _LONG_INT_BITS else hex(value)


def _slice_text(value: slice, room: int, depth: int) -> str:
    ends = (value.start, value.stop) if value.step is None else (value.start, value.stop, value.step)
    return f"slice({', '.join(_text(end, room, depth) for end in ends)})"


_TEXTS: dict[str, Callable[[Any, int, int], str]] = {
    "Shown": lambda value, room, depth: value.text,
    "str": lambda value, room, depth: repr(value[: room + 1]),
    "bytes": lambda value, room, depth: repr(value[: room + 1]),
    "bytearray": lambda value, room, depth: f"bytearray({bytes(value[: room + 1])!r})",
    "memoryview": lambda value, room, depth: f"memoryview({bytes(value[: room + 1])!r})",
    "int": _int_text,
    "list": lambda value, room, depth: f"[{_elements(value, room, depth)}]",
    "tuple": _tuple_text,
    "dict": lambda value, room, depth: f"{{{_pairs(value, room, depth)}}}",
    "set": _set_text,
    "frozenset": lambda value, room, depth: f"frozenset({{{_sorted_elements(value, room, depth)}}})",
    "OrderedDict": lambda value, room, depth: f"OrderedDict({{{_pairs(value, room, depth)}}})",
    "Counter": lambda value, room, depth: f"Counter({{{_pairs(value, room, depth)}}})",
    "mappingproxy": lambda value, room, depth: f"mappingproxy({{{_pairs(value, room, depth)}}})",
    "defaultdict": _default_dict_text,
    "deque": _deque_text,
    "slice": _slice_text,
    "type": lambda value, room, depth: value.__name__,
    "Fraction": lambda value, room, depth: f"{_int_text(value.numerator)}/{_int_text(value.denominator)}",
    "ellipsis": lambda value, room, depth: "...",
    "array": lambda value, room, depth: f"array({value.typecode!r}, [{_elements(value, room, depth)}])",
    **dict.fromkeys(
        ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"),
        lambda value, room, depth: repr(str(value)[: room + 1]),
    ),
    **dict.fromkeys(
        ("Decimal", "UUID", "date", "datetime", "time", "timedelta", "timezone", "ZoneInfo"),
        lambda value, room, depth: str(value),
    ),
}


def _json(value: Any, depth: int) -> Any:
    if depth == 0:
        return "…"
    name = type(value).__name__
    if name in ("NoneType", "bool"):
        return value
    if name == "str":
        return value.encode("utf-8", "backslashreplace").decode()  # lone surrogates are not Unicode text
    if name == "int":
        return value if value.bit_length() <= _LONG_INT_BITS else hex(value)
    if name == "float":
        return value if math.isfinite(value) else str(value)
    if name in ("bytes", "bytearray", "memoryview"):
        return bytes(value).hex()
    if name in ("list", "tuple", "deque", "array"):
        return [_json(element, depth - 1) for element in value]
    if name in ("set", "frozenset"):
        return [_json(element, depth - 1) for element in sorted(value, key=show)]
    if name in ("dict", "OrderedDict", "defaultdict", "Counter", "mappingproxy"):
        return _json_mapping(value, depth)
    if name == "Shown":
        details = {} if value.details is None else {"details": _json(value.details, depth - 1)}
        return {"kind": value.kind, "text": value.text, **details}
    if name.endswith("Path"):
        return str(value)
    return _text(value, 1 << 20, _DEPTH)


def _json_mapping(value: dict[Any, Any], depth: int) -> Any:
    names = [_json(key, 1) if type(key) is str else show(key, 1 << 20) for key in value]
    contents = _contents(value, depth)
    if len(set(names)) == len(names):
        return dict(zip(names, contents, strict=True))
    return [[_json(key, depth - 1), content] for key, content in zip(value, contents, strict=True)]


def _contents(value: dict[Any, Any], depth: int) -> Iterator[Any]:
    return (_json(content, depth - 1) for content in value.values())


def printable(text: str) -> str:
    """Return text with control characters written out: a foreign store shall not steer the terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
