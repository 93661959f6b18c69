"""What a person sees of an ingredient: the lines of a function, what a value looks like."""

from __future__ import annotations

import re

from memo.fingerprint.code import local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from memo.fingerprint.node import Node

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_LINE = 80
_LINES = 1000
_LENGTH = 2000


def shown(node: Node) -> str | None:
    """Return a function's own lines, or a value as text; None if there is nothing to show."""
    if node.kind == "function":
        return local(node.value).source
    if node.kind == "initial":
        return node.value if isinstance(node.value, str) else None
    if node.kind == "value":
        return _value(node.value)
    return None


def _value(value: object) -> str:
    """Return a value as text, a long table with a line for each element: so that a diff names the one that changed."""
    whole = as_text(value)
    brackets = _BRACKETS.get(type(value))
    if len(whole) <= _LINE or brackets is None:
        return whole
    opening, closing = brackets
    lines = [f"    {line}," for line in _elements(value)]
    if len(lines) > _LINES:
        lines = [*lines[:_LINES], f"    ... {len(lines):,} in all"]
    return "\n".join([opening, *lines, closing])


_BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    dict: ("{", "}"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
}


def _elements(value: object) -> Iterable[str]:
    if isinstance(value, dict):
        return (f"{as_text(key)}: {as_text(part)}" for key, part in value.items())
    if isinstance(value, list | tuple):
        return map(as_text, value)
    return sorted(map(as_text, value))  # type: ignore[call-overload]  # the order of a set is the hash seed's


def as_text(value: object) -> str:
    """Return what a value looks like, without addresses."""
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - a class of the user's may raise anything, and this is only shown
        text = f"<{type(value).__name__}: {type(error).__name__}>"
    text = _ADDRESS.sub("", text)  # it is another one in each process
    return text if len(text) <= _LENGTH else f"{text[: _LENGTH - 1]}…"
