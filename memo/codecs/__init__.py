"""Codecs: value ↔ bytes, each with a stable name and version.

Owns which codec takes which value, and loads a codec only when it is needed. A codec is a module: `name`, `takes`,
`encode`, `decode`.
"""

from __future__ import annotations

import sys

from memo.errors import CodecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from cas.blob import BlobFile
    from cas.entry import Parts

    Write = Callable[[Parts], bytes]
    """Stores a child blob and returns its digest."""

    OpenBlob = Callable[[bytes], BlobFile]
    """Returns the verified file of a child blob."""

    class Codec(Protocol):
        """A way to store a value and to have it back, equal in type and bits."""

        name: str

        def takes(self, value: object) -> bool:
            """Return whether this codec keeps a value exactly, by its types alone."""

        def encode(self, value: object, write: Write) -> tuple[Parts, str]:
            """Return the parts of the root blob and a summary; child blobs go through `write`.

            Raises:
                CodecError: The value cannot be stored exactly.
            """

        def decode(self, body: bytes | BlobFile, open_blob: OpenBlob) -> object:
            """Return a fresh value.

            Raises:
                CodecError: The bytes are not what this codec writes, or it refuses them.
                IntegrityError: The bytes are no form.
            """


_loaded: dict[str, Codec] = {}


def by_name(name: str) -> Codec:
    """Return a codec by name and version.

    Raises:
        CodecError: There is none; the entry was written by a newer version.
    """
    codec = _loaded.get(name)
    return _load(name) if codec is None else codec


def choose(value: object) -> Codec:
    """Return the codec that takes a value: the safest one that keeps it exactly."""
    kind = type(value)
    # Only where numpy is loaded can a value be an array.
    if kind.__module__ == "numpy" and kind is sys.modules["numpy"].ndarray:
        npy = by_name("npy/1")
        if npy.takes(value):
            return npy
    tree = by_name("tree/1")
    return tree if tree.takes(value) else by_name("pickle/1")


def _load(name: str) -> Codec:
    # Each when it is first needed: npy loads numpy, pickle its standard module.
    codec: Codec
    if name == "tree/1":
        from memo.codecs import tree as codec  # noqa: PLC0415 - as said above
    elif name == "npy/1":
        from memo.codecs import npy as codec  # noqa: PLC0415 - as said above
    elif name == "pickle/1":
        from memo.codecs import pickle as codec  # noqa: PLC0415 - as said above
    else:
        raise CodecError(
            f"codec {name!r}: expected one of npy/1, tree/1, pickle/1",
            "the entry was written by a newer version: upgrade, or remove it with `cas rm`",
        )
    _loaded[name] = codec
    return codec
