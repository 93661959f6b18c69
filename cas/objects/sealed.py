"""JSON with a check: objects that a person can read, and in which a flipped bit is seen.

The text ends in a line of its own, the digest of the bytes before that line, so that every bit counts:

    {
      "codec": "npy/1",
      "check": "<BLAKE3 of all bytes before this line, in hexadecimal>"
    }
"""

from __future__ import annotations

import json

from blake3 import blake3

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

_TAIL = '  "check": "{}"\n}}\n'
_TAIL_LENGTH = len(_TAIL.format("0" * 64))
_plain, _escaped = json.JSONEncoder(ensure_ascii=False).encode, json.JSONEncoder().encode
# More lists and objects than any text of ours holds; in memory each takes thirty times what it does in the text.
_MOST_CONTAINERS = 1_000_000


def seal(values: Mapping[str, Any]) -> bytes:
    """Return named values as JSON, one a line, with a check over them."""
    try:
        body = _lines(values, _plain)
    except UnicodeEncodeError:  # half of a surrogate pair, as Python's text may hold
        body = _lines(values, _escaped)
    return body + _TAIL.format(blake3(body).hexdigest()).encode()


def unseal(data: bytes) -> dict[str, Any] | None:
    """Return the values that were sealed; None if not every bit is as it was."""
    body = data[:-_TAIL_LENGTH]
    if data[len(body) :] != _TAIL.format(blake3(body).hexdigest()).encode():
        return None
    if data.count(b"[") + data.count(b"{") > _MOST_CONTAINERS:
        return None
    try:
        values = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, dict):
        return None
    del values["check"]
    return values


def _lines(values: Mapping[str, Any], encode: Callable[[Any], str]) -> bytes:
    lines = [f"  {_escaped(name)}: {encode(value)},\n" for name, value in values.items()]
    return f"{{\n{''.join(lines)}".encode()
