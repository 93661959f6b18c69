"""Codec `text/1`: one text as UTF-8, for whoever would rather read it; asked for by name."""

from __future__ import annotations

from memo.codecs.body import bytes_of
from memo.codecs.summary import summarize
from memo.errors import CodecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cas.blob import BlobFile
    from cas.entry import Parts
    from memo.codecs import OpenBlob, Write

name = "text/1"


def takes(value: object) -> bool:
    """Return whether a value is text that UTF-8 can hold."""
    try:
        return type(value) is str and value.encode() is not None
    except UnicodeEncodeError:
        return False


def encode(value: object, write: Write) -> tuple[Parts, str]:
    """Return the text as UTF-8.

    Raises:
        CodecError: The value is no text, or holds half of a character.
    """
    if type(value) is not str:
        raise CodecError(f"text: value: expected a str, got {summarize(value)}", 'ask for codec="json" or "tree"')
    try:
        return (value.encode(),), summarize(value)
    except UnicodeEncodeError as error:
        raise CodecError(
            f"text: value[{error.start}]: expected a character, got a lone surrogate", 'ask for codec="tree"'
        ) from None


def decode(body: bytes | BlobFile, open_blob: OpenBlob) -> str:
    """Return the text.

    Raises:
        CodecError: The bytes are no UTF-8.
    """
    try:
        return bytes_of(body).decode()
    except UnicodeDecodeError as error:
        raise CodecError(f"text: expected UTF-8, got {error}", "run `cas fsck`") from error
