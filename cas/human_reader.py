"""The reader of readable argument texts: a recursive descent over `name=value,...`; nothing is evaluated.

Knows the grammar and no more; `cas.human` writes what is read here and owns what the two agree on.
"""

from __future__ import annotations

import contextlib
import re
import struct

from cas.errors import InvalidInputError
from cas.filename import unescape, unescape_bytes
from cas.form import Shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

DEPTH = 64
"""Containers nested deeper than this stand as `nested(list)`; also what the reader will descend."""

_TOKEN = re.compile(r"[A-Za-z0-9_%+\-](?:[\w.\-+% ]*[\w\-])?", re.ASCII)
WORDS = {"None": None, "True": True, "False": False, "Ellipsis": ...}
_INTEGER = re.compile(r"-?[0-9]{1,700}|-?0x[0-9a-f]+")
_FLOAT = re.compile(r"-?(?:[0-9]+\.[0-9]+(?:e[+-]?[0-9]+)?|[0-9]+e[+-]?[0-9]+|inf|nan)")
_COMPLEX = re.compile(r"[-+0-9.einf]{1,99}j")


class _NotAWord:
    """The type of the answer that a bare text is a string, which None could not tell from the word `None`."""


NOT_A_WORD = _NotAWord()


def literal(text: str) -> object:
    """Return the value of a bare text that is a literal, or `NOT_A_WORD` if it is a string."""
    if text in WORDS:
        return WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text, 16 if "x" in text else 10)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _COMPLEX.fullmatch(text):
        with contextlib.suppress(ValueError):
            number = complex(text)
            # Only as `repr` writes it: `j` alone, which `complex` would take, is a name.
            return number if repr(number).strip("()") == text else NOT_A_WORD
    return NOT_A_WORD


def _nan(raw: str) -> float:
    """Return the NaN of these eight bytes in hexadecimal."""
    number: float = struct.unpack(">d", bytes.fromhex(raw).rjust(8, b"\0")[:8])[0]
    return number


CONSTRUCTORS: dict[str, Callable[[list[object]], object]] = {
    "set": set,
    "frozenset": frozenset,
    "complex": lambda parts: complex(*parts),  # type: ignore[call-overload]
}


class Reader:
    """A recursive-descent reader of what `human_encode` writes."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def arguments(self) -> list[tuple[str, object]]:
        """Read `name=value,...` to the end of the text."""
        if self.text == "()":
            return []
        pairs = [self.argument()]
        while self.skip(","):
            pairs.append(self.argument())
        if self.at < len(self.text):
            raise self.error("a comma or the end")
        return pairs

    def argument(self) -> tuple[str, object]:
        """Read one `name=value`."""
        stars = 0
        while self.skip("@"):
            stars += 1
        name = self.value(0)
        if not isinstance(name, str):
            raise self.error("the name of an argument")
        self.expect("=")
        return "*" * stars + name, self.value(0)

    def value(self, depth: int) -> object:
        """Read one value."""
        if depth > DEPTH:
            raise self.error(f"at most {DEPTH} nested values")
        if self.skip("("):
            return tuple(self.items(")", depth))
        if self.skip("["):
            return self.items("]", depth)
        if self.skip("{"):
            return self.braces(depth)
        if self.skip("b'"):
            return unescape_bytes(self.until("'"))
        if self.skip("'"):
            return unescape(self.until("'"))
        return self.word(depth)

    def word(self, depth: int) -> object:
        """Read a bare word, or a constructor `kind(...)`."""
        match = _TOKEN.match(self.text, self.at)
        if match is None:
            raise self.error("a value")
        self.at = match.end()
        if not self.skip("("):
            return self.bare(match[0])
        if match[0] == "nan":
            return self.build(_nan, self.until(")"))
        if match[0] in CONSTRUCTORS:
            return self.build(CONSTRUCTORS[match[0]], self.items(")", depth))
        return Shown(match[0], unescape(self.balanced()))

    def bare(self, text: str) -> object:
        """Return the literal or the string that a bare word is."""
        value = literal(text)
        if value is not NOT_A_WORD:
            return value
        if not (text[0].isalpha() or text[0] == "_"):
            self.at -= len(text)
            raise self.error("a value")
        return unescape(text)

    def items(self, end: str, depth: int) -> list[object]:
        """Read values separated by commas, up to and with the closing sign."""
        found: list[object] = []
        while not self.skip(end):
            found.append(self.value(depth + 1))
            if not self.skip(","):
                self.expect(end)
                break
        return found

    def braces(self, depth: int) -> object:
        """Read the rest of a dict, or of a set that is not empty."""
        keys: list[object] = []
        values: list[object] = []
        while not self.skip("}"):
            keys.append(self.value(depth + 1))
            if values or self.text.startswith("=", self.at):
                self.expect("=")
                values.append(self.value(depth + 1))
            if not self.skip(","):
                self.expect("}")
                break
        if keys and not values:
            return self.build(set, keys)
        return self.build(dict, zip(keys, values, strict=True))

    def build(self, make: Callable[..., object], parts: object) -> object:
        """Make a value of its parts, or say that they do not fit."""
        try:
            return make(parts)
        except (TypeError, ValueError):
            raise self.error("parts that fit before this") from None

    def until(self, end: str) -> str:
        """Return the text up to the sign `end`, and step behind it."""
        start, stop = self.at, self.text.find(end, self.at)
        if stop < 0:
            raise self.error(f"a closing {end}")
        self.at = stop + 1
        return self.text[start:stop]

    def balanced(self) -> str:
        """Return the text up to the parenthesis that closes one opened before, and step behind it."""
        start, depth = self.at, 1
        for position in range(start, len(self.text)):
            depth += (self.text[position] == "(") - (self.text[position] == ")")
            if depth == 0:
                self.at = position + 1
                return self.text[start:position]
        raise self.error("a closing )")

    def skip(self, sign: str) -> bool:
        """Step over `sign` if it is next."""
        found = self.text.startswith(sign, self.at)
        self.at += len(sign) * found
        return found

    def expect(self, sign: str) -> None:
        """Step over `sign`, which must be next."""
        if not self.skip(sign):
            raise self.error(sign)

    def error(self, expected: str) -> InvalidInputError:
        """Return the error that something else was expected here."""
        seen = self.text[self.at : self.at + 20] or "the end"
        return InvalidInputError(
            f"expected {expected} at character {self.at + 1} of the arguments in a file name, got {seen!r}",
            "copy the whole file name, as `cas ls --alias` prints it",
        )
