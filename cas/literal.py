"""Arguments as the text of Python literals, plain or compressed and in base64: the mode `repr` of an alias.

Reading walks a parsed tree of literals; nothing is evaluated. Unlike the mode `human` this takes only values
that have a literal, and does not keep the sign or the payload of a NaN.
"""

from __future__ import annotations

import ast
import base64
import binascii
import math
import warnings
import zlib

from cas.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_LIMIT = 1 << 24
"""Bytes that a compressed text may unpack to: a few bytes can stand for gigabytes."""

_ATOMS = (type(None), bool, int, float, complex, str, bytes, type(...))
_NAMES = {"nan": math.nan, "inf": math.inf, "Ellipsis": ...}


def repr_encode(arguments: Sequence[tuple[str, object]], *, compressed: bool = True, base64encode: bool = True) -> str:
    """Return named values as the `repr` of a list of pairs, safe as a file name if `base64encode`.

    Raises:
        InvalidInputError: A value has no literal.
    """
    pairs = [(name, value) for name, value in arguments]
    _check(pairs)
    try:
        raw = repr(pairs).encode("utf-8")
    except ValueError as error:  # an integer beyond the digits that Python writes
        raise InvalidInputError(f"a value has no literal: {error}", "use the mode human") from None
    if compressed:
        raw = zlib.compress(raw, 9)
    if base64encode:
        return base64.urlsafe_b64encode(raw).decode("ascii")
    return raw.decode("latin-1" if compressed else "utf-8")


def repr_decode(text: str, *, compressed: bool = True, base64encode: bool = True) -> list[tuple[str, object]]:
    """Return the named values that `repr_encode` wrote.

    Raises:
        InvalidInputError: The text is not such a text.
    """
    try:
        raw = text.encode("latin-1" if compressed and not base64encode else "utf-8")
        if base64encode:
            raw = base64.b64decode(raw, altchars=b"-_", validate=True)
        if compressed:
            raw = _decompress(raw)
        pairs = read_literal(raw.decode("utf-8"))
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError, zlib.error) as error:
        reason = "it is not base64" if isinstance(error, binascii.Error) else str(error)
        raise InvalidInputError(
            f"expected arguments in the mode repr, got {text[:40]!r}: {reason}",
            "give `compressed` and `base64encode` as they were when it was written",
        ) from None
    if not isinstance(pairs, list) or not all(_is_pair(pair) for pair in pairs):
        raise InvalidInputError("expected a list of (name, value) in the mode repr", "see cas.modes")
    return pairs


def _check(value: object) -> None:
    """Refuse a value that has no literal."""
    if type(value) in (list, tuple, set, frozenset):
        parts = list(value)  # type: ignore[call-overload]
    elif isinstance(value, dict) and type(value) is dict:
        parts = [*value, *value.values()]
    elif type(value) in _ATOMS:
        return
    else:
        raise InvalidInputError(f"{type(value).__name__} has no literal", "use the mode human")
    for part in parts:
        _check(part)


def _decompress(raw: bytes) -> bytes:
    stream = zlib.decompressobj()
    data = stream.decompress(raw, _LIMIT)
    if not stream.eof:
        raise ValueError("it is incomplete, or larger than 16 MiB")
    return data


def _is_pair(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str)


def read_literal(text: str, constructors: Mapping[str, Callable[..., object]] | None = None) -> object:
    """Return the value of a literal.

    Args:
        text: One line.
        constructors: What `name(value, ...)` makes in it, by name, of values that have no literal of their own.

    Raises:
        ValueError: The text is anything else; a SyntaxError or what a constructor raises says so too.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd escapes in foreign text
        tree = ast.parse(text, mode="eval")
    line = text.encode("utf-8")
    if b"\n" in line:
        raise ValueError("a literal stands on one line")
    return _Literals(line, constructors or {}).value(tree.body)


class _Literals:
    """The values of a parsed line of literals."""

    def __init__(self, line: bytes, constructors: Mapping[str, Callable[..., object]]) -> None:
        self.line = line
        self.constructors = constructors

    def value(self, node: ast.expr) -> object:
        """Return the value of a node."""
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Tuple(elts=parts):
                return tuple(self.values(parts))
            case ast.List(elts=parts):
                return self.values(parts)
            case ast.Set(elts=parts):
                return set(self.values(parts))
            case ast.Dict(keys=keys, values=values):
                return dict(zip(self.values(keys), self.values(values), strict=True))
            case ast.Name(id=name) if name in _NAMES:
                return _NAMES[name]
            case ast.Call(func=ast.Name(id="set"), args=[], keywords=[]):
                return set()
            case ast.Call(func=ast.Name(id="frozenset"), args=parts, keywords=[]) if len(parts) < 2:
                return frozenset(*self.values(parts))
            case ast.Call(func=ast.Name(id=name), args=parts, keywords=[]) if name in self.constructors:
                return self.constructors[name](*self.values(parts))
        return self.number(node)

    def values(self, nodes: Sequence[ast.expr | None]) -> list[object]:
        """Return the values of nodes."""
        if None in nodes:
            raise ValueError("** is not a literal")
        return [self.value(node) for node in nodes if node is not None]

    def number(self, node: ast.expr) -> int | float | complex:
        """Return a number with a sign or an imaginary part, exactly: -0.0 and (-0-0j) keep their signs."""
        text = self.line[node.col_offset : node.end_col_offset].decode("utf-8")
        kinds: tuple[Callable[[str], int | float | complex], ...] = (int, float, complex)
        for kind in kinds:
            try:
                return kind(text)
            except ValueError:
                continue
        raise ValueError(f"{text[:40]!r} is not a literal")
