"""Codec `json/1`: plain values as JSON, for whoever would rather read them; asked for by name.

Takes what JSON gives back as it was: None, bool, int, finite float, str, and lists and dicts of these, with text as
keys. Anything else is refused, never written as something like it.
"""

from __future__ import annotations

import json
import math

from memo.codecs.body import bytes_of
from memo.codecs.summary import summarize
from memo.errors import CodecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from cas.blob import BlobFile
    from cas.entry import Parts
    from memo.codecs import OpenBlob, Write

name = "json/1"

# Python's own parser refuses integers of more than 4300 digits.
_LONG_INT_BITS = 14_000
_DEPTH = 100


def takes(value: object) -> bool:
    """Return whether JSON gives a value back as it is."""
    return _misfit(value, "value", _DEPTH) is None


def encode(value: object, write: Write) -> tuple[Parts, str]:
    """Return JSON in UTF-8, indented, keys in their order.

    Raises:
        CodecError: Part of the value would not come back as it is; the message names it.
    """
    misfit = _misfit(value, "value", _DEPTH)
    if misfit is not None:
        raise CodecError(f"json: {misfit}", 'ask for codec="tree", which keeps it')
    return (json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1).encode() + b"\n",), summarize(value)


def decode(body: bytes | BlobFile, open_blob: OpenBlob) -> object:
    """Return a fresh value.

    Raises:
        CodecError: The bytes are not JSON as this codec writes it.
    """
    try:
        return json.loads(bytes_of(body).decode(), parse_constant=_refuse, object_pairs_hook=_mapping)
    except (ValueError, RecursionError) as error:
        if isinstance(error, CodecError):
            raise
        raise CodecError(f"json: expected JSON, got {error}", "run `cas fsck`") from error


def _misfit(value: Any, path: str, depth: int) -> str | None:
    """Return where and why JSON would not give a value back; None if it would."""
    kind = type(value)
    if value is None or kind is bool:
        return None
    if kind is int and value.bit_length() <= _LONG_INT_BITS:
        return None
    if kind is float and math.isfinite(value):
        return None
    if kind is str and value.isascii():
        return None
    if kind is str:
        return None if _is_unicode(value) else f"{path}: expected Unicode, got a lone surrogate"
    if kind in (list, dict) and depth == 0:
        return f"{path}: expected at most {_DEPTH} containers in each other"
    if kind is list:
        misfits = (_misfit(element, f"{path}[{index}]", depth - 1) for index, element in enumerate(value))
        return next((misfit for misfit in misfits if misfit is not None), None)
    if kind is dict:
        return _misfit_of_mapping(value, path, depth)
    return f"{path}: expected a value that JSON has, got {summarize(value)}"


def _misfit_of_mapping(value: dict[Any, Any], path: str, depth: int) -> str | None:
    for key, content in value.items():
        if type(key) is not str or not _is_unicode(key):
            return f"{path}: expected text as keys, got {key!r:.60}"
        misfit = _misfit(content, f'{path}["{key}"]', depth - 1)
        if misfit is not None:
            return misfit
    return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise CodecError("json: expected each key once in an object", "run `cas fsck`")
    return found


def _refuse(constant: str) -> NoReturn:
    raise CodecError(f"json: expected finite numbers, got {constant}", "run `cas fsck`")
