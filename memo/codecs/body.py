"""The bytes of a root blob, wherever the store keeps them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cas.blob import BlobFile


def bytes_of(body: bytes | BlobFile) -> bytes:
    """Return the bytes of a root blob that stands in the index or in a file."""
    if isinstance(body, bytes):
        return body
    with open(body.path, "rb") as file:
        return file.read()
