"""The text of a query: its parsing, and the errors that point at a place in it."""

from __future__ import annotations

import ast
import re
import warnings

from cas.errors import InvalidInputError
from cas.fields import Quantity, quantity_of

_LENGTH = 2000
_EXAMPLE = "for example: tapers >= 5 and rate == 250; see docs/query.md"
_SLIPS = {
    r"(?<![=!<>])=(?!=)": "write == to compare",
    r"&&": "write `and`",
    r"\|\|": "write `or`",
    r"!(?!=)": "write `not`",
    r"\b0[0-9]": "write a number without leading zeros",
}
_TOKEN = re.compile(
    r"""'''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\"|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\""""
    r"""|(?<![\w.])(?P<quantity>[0-9][0-9_]*(?:\.[0-9]+)?[^\W\d_]+)(?![\w.])"""
)
"""A string, which is passed over, or a number with letters right behind it, which Python has no use for."""

_STAND_IN = {ord(digit): chr(0x16A0 + place) for place, digit in enumerate("0123456789._")}
"""Names that nobody writes (runes), a character for a character, so that the parser lets a quantity pass."""


class Source:
    """The text of one expression, on one line.

    Attributes:
        line: What was written.
        quantities: What the names of `parse` that stand in for quantities stand for.

    Raises:
        InvalidInputError: The text is empty or too long.
    """

    def __init__(self, text: str) -> None:
        line = re.sub(r"[\t\n\r\f\v]", " ", text).strip()
        if not line or len(line) > _LENGTH:
            seen = f"{len(line)} characters" if line else "an empty text"
            raise InvalidInputError(f"expected an expression of at most {_LENGTH} characters, got {seen}", _EXAMPLE)
        self.line = line
        self.quantities: dict[str, Quantity] = {}
        self._text = _TOKEN.sub(self._stand_in, line)

    def parse(self) -> ast.expr:
        """Return the tree of the line, with quantities such as `10MB` as names of the same length."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of an odd escape in a string
                return ast.parse(self._text, mode="eval").body
        except SyntaxError as error:
            # Python puts what is missing at the end at place 0.
            place = error.offset - 1 if error.offset else len(self.line)
            slips = [hint for slip, hint in _SLIPS.items() if re.search(slip, self.line)]
            raise self.error(error.msg, place, *slips[:1]) from None
        except (ValueError, RecursionError, MemoryError):
            raise self.error("too deeply nested, or not text", 0) from None

    def error(self, message: str, place: int, hint: str = "") -> InvalidInputError:
        """Return the error that points at a place of the line."""
        start = max(0, place - 60)
        caret = " " * min(place - start, len(self.line)) + "^"
        shown = f"  {self.line[start : start + 100]}\n  {caret}"
        return InvalidInputError(f"cannot read the expression: {message}\n{shown}", hint or _EXAMPLE)

    def refuse(self, node: ast.expr, message: str, hint: str = "") -> InvalidInputError:
        """Return the error that points at a node."""
        # Python counts bytes of UTF-8, and a stand-in has more of them than what it stands for.
        before = self._text.encode("utf-8")[: node.col_offset]
        return self.error(message, len(before.decode("utf-8", "ignore")), hint)

    def _stand_in(self, match: re.Match[str]) -> str:
        """Return a name in place of a quantity, as long as it, so that places in errors stay true."""
        quantity = quantity_of(match["quantity"]) if match["quantity"] else None
        if quantity is None:
            return match[0]
        name = match[0].translate(_STAND_IN)
        self.quantities[name] = quantity
        return name
