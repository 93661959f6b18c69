"""Hashes as the original wrote them: SHA-224 of a text, in base64 that is safe in names, without the `=`."""

from __future__ import annotations

import base64
import hashlib
import sys

from memo.neurotools.originals.written import as_written
from memo.neurotools.text import is_plain, write_text


def base64hash(obj: object) -> str:
    """Return the hash of an object, 38 characters: of a text in UTF-8, of bytes, of anything else by its `repr`.

    The `repr` is that of numpy 1.23; but an array counts with all its elements.
    """
    return _encode(_digest(obj))


def base64hash10bytes(obj: object) -> str:
    """Return the first ten bytes of the hash of an object, 14 characters."""
    return _encode(_digest(obj)[:10])


def _digest(obj: object) -> bytes:
    if not isinstance(obj, bytes):
        text = obj if isinstance(obj, str) else _written(obj)
        obj = text.encode("utf-8", "surrogatepass")
    return hashlib.sha224(obj).digest()


def _written(value: object) -> str:
    """Return the `repr` of a value, with its parts as the original's versions wrote them."""
    if type(value) is tuple:
        return f"({', '.join(map(_written, value))}{',' * (len(value) == 1)})"
    if type(value) is list:
        return f"[{', '.join(map(_written, value))}]"
    if type(value) is dict:
        return "{" + ", ".join(f"{_written(key)}: {_written(part)}" for key, part in value.items()) + "}"
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray) and is_plain(value):
        return write_text(value)
    return repr(as_written(value))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")
