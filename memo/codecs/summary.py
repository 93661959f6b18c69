"""What a listing shows of a result: its types and shapes, in one short line."""

from __future__ import annotations

import sys

from cas.shown import joined, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_WIDTH = 80
_DEPTH = 4
_BRACKETS: dict[type, tuple[str, str]] = {tuple: ("(", ")"), list: ("[", "]"), set: ("{", "}")}


def summarize(value: object) -> str:
    """Return one line of at most 80 characters, such as `(float64[129], float64[129, 400])`."""
    return shorten(_text(value, _DEPTH))


def shorten(text: str) -> str:
    """Return a line of at most 80 characters, in which half a character is spelled out: no store takes one."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


def _text(value: Any, depth: int) -> str:
    kind = type(value)
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray):
        prefix = "" if kind is numpy.ndarray else f"{kind.__name__} "
        return f"{prefix}{value.dtype.name}{list(value.shape)}"
    if kind in _BRACKETS and value:
        comma = "," if kind is tuple and len(value) == 1 else ""
        opening, closing = _BRACKETS[kind]
        return f"{opening}{_joined((_text(element, depth - 1) for element in value), depth)}{comma}{closing}"
    if kind is dict:
        pairs = (f"{key if type(key) is str else _text(key, 1)}: {_text(value[key], depth - 1)}" for key in value)
        return f"{{{_joined(pairs, depth)}}}"
    if kind.__module__ in ("builtins", "datetime", "decimal", "fractions", "pathlib", "pathlib._local"):
        return show(value, _WIDTH)
    if numpy is not None and isinstance(value, numpy.generic):
        return f"{value.dtype.name} {value!s:.60}"
    return f"{kind.__module__}.{kind.__qualname__}"


def _joined(texts: Iterable[str], depth: int) -> str:
    return joined(texts, _WIDTH) if depth > 0 else "…"
