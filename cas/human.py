"""Argument values as readable text that is safe as a file name, and back.

`channel=3,rate=250.0,bands=(4,8),method=welch,note='a, b'`: Python's own literals with `=` for a dict's `:`,
with strings bare where nothing else could be meant, and with `%XX` for what a file name cannot hold.
Inside double quotes the text is also safe in a shell. Values that have no literal stand as `kind(text)`, for
the eye: they come back as `Shown`. docs/query.md has the grammar.
"""

from __future__ import annotations

import math
import re
import struct
import unicodedata

from cas.errors import InvalidInputError
from cas.filename import CUT, EXTENSION, escape, is_safe
from cas.form import Shown
from cas.human_reader import CONSTRUCTORS, DEPTH, NOT_A_WORD, WORDS, Reader, literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_BARE = re.compile(r"[A-Za-z_](?:[\w.\- ]*[\w\-])?", re.ASCII)
_QUIET_NAN = struct.pack(">d", math.nan)


def human_encode(arguments: Sequence[tuple[str, object]]) -> str:
    """Return named values as readable text, safe as (part of) a file name; `()` if there are none."""
    if not arguments:
        return "()"
    text = ",".join(f"{_name(name)}={_write(value)}" for name, value in arguments)
    # The last dots, when they look like the extension of a file, or it could not be told from a real one.
    return EXTENSION.sub(lambda match: match[0].replace(".", "%2E"), text)


def human_decode(text: str) -> list[tuple[str, object]]:
    """Return the named values that `human_encode` wrote; what has no literal comes back as `Shown`.

    Raises:
        InvalidInputError: The text is not such a text, or was cut.
    """
    if text.endswith(CUT):
        raise InvalidInputError(
            "the arguments in this file name are incomplete: they were too long for one, and were cut",
            "the entry itself has them all: `cas show` with the characters before the first dot",
        )
    # Some file systems (HFS+) hand a name back decomposed.
    return Reader(unicodedata.normalize("NFC", text)).arguments()


def _name(name: str) -> str:
    """Return a parameter's name; the stars of `*rest` and `**options`, which Windows refuses, become `@`."""
    bare = name.lstrip("*")
    return "@" * (len(name) - len(bare)) + _string(bare)


def _write(value: object, depth: int = 0) -> str:
    """Return one value as text."""
    kind = type(value)
    if isinstance(value, Shown):
        return _shown(value.kind, value.text)
    if kind in _CONTAINERS:
        return _container(value, depth)  # type: ignore[arg-type]
    writer = _WRITERS.get(kind)
    return writer(value) if writer else _shown(kind.__name__, str(value))


def _container(value: Iterable[object], depth: int) -> str:
    """Return a container as text."""
    if depth >= DEPTH:
        return f"nested({type(value).__name__})"
    if isinstance(value, dict):
        items = (f"{_write(key, depth + 1)}={_write(part, depth + 1)}" for key, part in value.items())
        return "{" + ",".join(items) + "}"
    parts = [_write(part, depth + 1) for part in value]
    if isinstance(value, set | frozenset):
        parts.sort()
        if not parts or isinstance(value, frozenset):
            return f"{type(value).__name__}({','.join(parts)})"
    if isinstance(value, tuple) and len(parts) == 1:
        return f"({parts[0]},)"
    start, end = _CONTAINERS[type(value)]
    return start + ",".join(parts) + end


def _string(text: str) -> str:
    """Return a string bare if it looks like a name and nothing else could be meant by it, else quoted."""
    if _BARE.fullmatch(text) and literal(text) is NOT_A_WORD:
        return text
    return "'" + escape(text, lambda character: character != "'") + "'"


def _bytes(data: bytes) -> str:
    plain = (chr(byte) for byte in data)
    return "b'" + "".join(c if is_safe(c) and c != "'" else f"%{ord(c):02X}" for c in plain) + "'"


def _integer(number: int) -> str:
    # Python refuses to write very long integers in decimals (and takes quadratic time to do it).
    return str(number) if number.bit_length() < 2048 else hex(number)


def _float(number: float) -> str:
    raw = struct.pack(">d", number)
    return f"nan({raw.hex()})" if number != number and raw != _QUIET_NAN else repr(number)


def _complex(number: complex) -> str:
    real, imaginary = _float(number.real), _float(number.imag)
    if "nan" in real + imaginary:
        return f"complex({real},{imaginary})"
    return repr(number).strip("()")


def _shown(kind: str, text: str) -> str:
    """Return `kind(text)`; parentheses in the text stay where they are balanced."""
    if text.startswith(f"{kind}(") and text.endswith(")"):
        text = text[len(kind) + 1 : -1]  # `range(0, 3)` names its kind already
    balanced = _is_balanced(text)
    word = re.sub(r"\W", "_", kind, flags=re.ASCII) or "value"
    word += "_" * (word == "nan" or word in CONSTRUCTORS)
    return f"{word}({escape(text, lambda c: balanced or c not in '()')})"


def _is_balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return False
    return depth == 0


_CONTAINERS: dict[type, tuple[str, str]] = {
    tuple: ("(", ")"),
    list: ("[", "]"),
    dict: ("{", "}"),
    set: ("{", "}"),
    frozenset: ("(", ")"),
}
_WRITERS: dict[type, Callable[..., str]] = {
    **{type(value): str for value in WORDS.values()},
    int: _integer,
    float: _float,
    complex: _complex,
    str: _string,
    bytes: _bytes,
    memoryview: lambda value: _shown("memoryview", str(value.tobytes())),
    type: lambda value: _shown("type", value.__qualname__),
}
