"""Codec `sparse/1`: a sparse array or matrix of scipy as a form; its large arrays are blobs of their own in npy form.

Two matrices of one pattern share the blobs of their indices.
"""

from __future__ import annotations

from cas import extension as ext
from memo.codecs import tree
from memo.codecs.composites import take_apart
from memo.codecs.summary import summarize
from memo.errors import CodecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cas.blob import BlobFile
    from cas.entry import Parts
    from memo.codecs import OpenBlob, Write

name = "sparse/1"


def takes(value: object) -> bool:
    """Return whether a value is a sparse array or matrix of scipy's own that comes back exactly."""
    return _is_sparse(value) and tree.takes(value)


def _is_sparse(value: object) -> bool:
    apart = take_apart(value)
    return apart is not None and apart[0] == ext.SPARSE


def encode(value: object, write: Write) -> tuple[Parts, str]:
    """Return the form of a sparse array or matrix.

    Raises:
        CodecError: It is none.
    """
    if not _is_sparse(value):
        raise CodecError(f"sparse: expected a sparse array or matrix of scipy, got {summarize(value)}", "use npy")
    return tree.form_of(value, tree.TreeWriter(write), "sparse"), summarize(value)


def decode(body: bytes | BlobFile, open_blob: OpenBlob) -> object:
    """Return a fresh sparse array or matrix.

    Raises:
        IntegrityError: The bytes are not a form.
        CodecError: They hold something else, or indices that lead out of the matrix.
    """
    value = tree.decode(body, open_blob)
    if not _is_sparse(value):
        raise CodecError(f"sparse: expected a sparse array or matrix, got a {type(value).__name__}", "run `cas fsck`")
    return value
