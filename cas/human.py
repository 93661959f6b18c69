"""Argument values as readable text that is safe as a file name, and back.

`channel=3,rate=250.0,bands=(4,8),method=welch,note='a, b'`: Python's own literals with `=` for a dict's `:`,
with strings bare where nothing else could be meant, and with `%XX` for what a file name cannot hold.
Inside double quotes the text is also safe in a shell. Values that have no literal stand as `kind(text)`, which is
for the eye: they come back as `Shown`. docs/query.md has the grammar. Reading never evaluates anything.
"""

from __future__ import annotations

import math
import re
import struct
import unicodedata
from urllib.parse import unquote_to_bytes

from cas.errors import InvalidInputError
from cas.form import Shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

CUT = "~cut"
"""Ends a text that was too long; a complete one cannot end so, `~` stands only within quotes or parentheses."""

_DEPTH = 64
"""Containers nested deeper than this stand as `list(...)`; also what the reader will descend."""

_BARE = re.compile(r"[A-Za-z_](?:[\w.\- ]*[\w\-])?", re.ASCII)
_WORDS = {"None": None, "True": True, "False": False, "Ellipsis": ...}
_INTEGER = re.compile(r"-?[0-9]+|-?0x[0-9a-f]+")
_FLOAT = re.compile(r"-?(?:[0-9]+\.[0-9]+(?:e[+-]?[0-9]+)?|[0-9]+e[+-]?[0-9]+|inf|nan)")
_COMPLEX = re.compile(r"[-+0-9.e]*j|[-+0-9.eainf]*j")
_UNSAFE = frozenset('<>:"/\\|?*%$`!')
"""Refused by Windows, by a path, or (the last three) read by a shell within double quotes."""

_EXTENSION = re.compile(r"(?:\.[A-Za-z][A-Za-z0-9]*)+$")
_QUIET_NAN = struct.pack(">d", math.nan)


def human_encode(arguments: Sequence[tuple[str, object]]) -> str:
    """Return named values as readable text, safe as (part of) a file name; `()` if there are none."""
    if not arguments:
        return "()"
    text = ",".join(f"{_name(name)}={_write(value)}" for name, value in arguments)
    # The last dots, when they look like the extension of a file, or it could not be told from a real one.
    return _EXTENSION.sub(lambda match: match[0].replace(".", "%2E"), text)


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
    return _Reader(unicodedata.normalize("NFC", text)).arguments()


def escape(text: str, keep: Callable[[str], bool] = str.isprintable) -> str:
    """Return `text` with `%XX` for the UTF-8 bytes of each character that is unsafe or not to `keep`.

    Letters beyond ASCII stay if Unicode's normal form (NFC) leaves the text as it is: else the name of a file might
    be changed by the file system that holds it.
    """
    stable = text.isascii() or unicodedata.is_normalized("NFC", text)
    return "".join(c if _is_safe(c, stable) and keep(c) else _percent(c) for c in text)


def unescape(text: str) -> str:
    """Return what `escape` was given."""
    return unquote_to_bytes(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")


def shorten(text: str, limit: int) -> str:
    """Return `text` cut to at most `limit` bytes of UTF-8 and ending in `~cut`, if it is longer than that."""
    raw = text.encode("utf-8")
    if len(raw) <= limit:
        return text
    kept = raw[: limit - len(CUT)].decode("utf-8", "ignore")
    return re.sub(r"%[0-9A-F]?$", "", kept) + CUT


def _is_safe(character: str, stable: bool) -> bool:
    if character.isascii():
        return character.isprintable() and character not in _UNSAFE
    return stable and character.isprintable() and unicodedata.category(character)[0] in "LNS"


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))


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
    if depth >= _DEPTH:
        return f"{type(value).__name__}(...)"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_write(k, depth + 1)}={_write(v, depth + 1)}" for k, v in value.items()) + "}"
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
    if _BARE.fullmatch(text) and _word(text) is _NOT_A_WORD:
        return text
    return "'" + escape(text, lambda character: character != "'") + "'"


def _bytes(data: bytes) -> str:
    plain = (chr(byte) for byte in data)
    return "b'" + "".join(c if _is_safe(c, False) and c != "'" else f"%{ord(c):02X}" for c in plain) + "'"


def _integer(number: int) -> str:
    # Python refuses to write very long integers in decimals (and takes quadratic time to do it).
    return str(number) if number.bit_length() < 2048 else hex(number)


def _float(number: float) -> str:
    raw = struct.pack(">d", number)
    return f"nan({raw.hex()})" if number != number and raw != _QUIET_NAN else repr(number)  # noqa: PLR0124 - a NaN


def _complex(number: complex) -> str:
    real, imaginary = _float(number.real), _float(number.imag)
    if "nan" in real + imaginary:
        return f"complex({real},{imaginary})"
    return repr(number).strip("()")


def _shown(kind: str, text: str) -> str:
    """Return `kind(text)`; parentheses in the text stay where they are balanced."""
    balanced = not re.sub(r"[^()]", "", text) or _is_balanced(text)
    word = re.sub(r"\W", "_", kind, flags=re.ASCII) or "value"
    return f"{word}({escape(text, lambda c: balanced or c not in '()')})"


def _is_balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return False
    return depth == 0


_CONTAINERS = {tuple: "()", list: "[]", dict: "{}", set: "{}", frozenset: "()"}
_WRITERS: dict[type, Callable[..., str]] = {
    **{type(value): str for value in _WORDS.values()},
    int: _integer,
    float: _float,
    complex: _complex,
    str: _string,
    bytes: _bytes,
}
