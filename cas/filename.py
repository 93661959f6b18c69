"""Text as part of a file name that Linux, macOS, Windows and an object store all hold as it is, and back.

What one of them refuses or would change is written `%XX`. Double quotes are enough to paste it into a shell.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata

from cas.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

NAME_LIMIT = 255
"""Bytes that the common file systems grant to one name."""

EXTENSION_ROOM = 15
"""Bytes of those kept free for an extension, such as `.npy` or `.npy.partial`."""

CUT = "~cut"
"""Ends a text that was too long for a name."""

EXTENSION = re.compile(r"(?:\.[A-Za-z][A-Za-z0-9]*)+$")
"""The extension of a file name: dots each followed by a letter, as no number has them."""

_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_ESCAPES = re.compile(r"(?:%[89A-F][0-9A-F])+$")
_UNSAFE = frozenset('<>:"/\\|?*%$`!')
"""Refused by Windows, part of a path or an escape, or read by a shell within double quotes (the last)."""

_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?=\.|$)|[. ]", re.IGNORECASE)


def escape(text: str, keep: Callable[[str], bool] = str.isprintable) -> str:
    """Return `text` with `%XX` for the UTF-8 bytes of each character that is unsafe or not to `keep`.

    Letters and signs beyond ASCII stay only where Unicode's normal form C leaves the text as it is: a file
    system may hand a name back in another form.
    """
    stable = unicodedata.is_normalized("NFC", text)
    return "".join(c if is_safe(c, stable) and keep(c) else _percent(c) for c in text)


def unescape(text: str) -> str:
    """Return what `escape` was given.

    Raises:
        InvalidInputError: The `%XX` in it are not UTF-8.
    """
    try:
        return unescape_bytes(text).decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise InvalidInputError(
            f"expected each %XX of a name to be UTF-8, got {text[:80]!r}", "copy the whole name"
        ) from None


def unescape_bytes(text: str) -> bytes:
    """Return the bytes of an escaped text, which need not be UTF-8."""
    raw = text.encode("utf-8", "surrogatepass")
    return _ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode("ascii")), raw)


def is_safe(character: str, stable: bool = False) -> bool:
    """Return whether every file system keeps this character; beyond ASCII only in a `stable` text."""
    if character.isascii():
        return character.isprintable() and character not in _UNSAFE
    # Marks are left out: next to a letter they combine, and which form is kept depends on the file system.
    return stable and character.isprintable() and unicodedata.category(character)[0] in "LNS"


def shorten(text: str, limit: int) -> str:
    """Return an escaped text cut to at most `limit` bytes of UTF-8, and ending in `~cut`, if it is longer."""
    raw = text.encode("utf-8")
    if len(raw) <= limit:
        return text
    kept = raw[: limit - len(CUT)].decode("utf-8", "ignore")
    return _whole(re.sub(r"%[0-9A-F]?$", "", kept)) + CUT


def folder(name: str) -> str:
    """Return a folder's name: not empty, hidden or reserved by Windows, no dot or space at its end."""
    text = escape(name, lambda character: character != "~")
    if _RESERVED.match(text):
        text = _percent(text[0]) + text[1:]
    if text.endswith((".", " ")):
        text = text[:-1] + _percent(text[-1])
    return shorten(text, NAME_LIMIT - EXTENSION_ROOM) or "%"


def unfolder(text: str) -> str:
    """Return the name that `folder` was given."""
    return "" if text == "%" else unescape(text)


def _whole(text: str) -> str:
    """Return a text without the first of the `%XX` of a character whose last ones were cut off."""
    for end in (len(text), -3, -6, -9):
        tail = _ESCAPES.search(text[:end])
        with contextlib.suppress(UnicodeDecodeError):
            if tail:
                unescape_bytes(tail[0]).decode("utf-8", "surrogatepass")
            return text[:end]
    return text  # bytes that are no text


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
