"""Codec `pickle/1`: what no safer codec takes, as a pickle signed with the user's own key.

Owns the signature and its check: bytes that this user's key did not sign are never unpickled (I7).
"""

from __future__ import annotations

import pickle
from hmac import compare_digest

from cas.digest import SIZE, mac
from memo.codecs.body import bytes_of
from memo.codecs.key import signing_key
from memo.codecs.summary import summarize
from memo.errors import CodecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cas.blob import BlobFile
    from cas.entry import Parts
    from memo.codecs import OpenBlob, Write

name = "pickle/1"


def takes(value: object) -> bool:
    """Return True: pickle is asked last, and only trying shows what it cannot store."""
    return True


def encode(value: object, write: Write) -> tuple[Parts, str]:
    """Return signature and pickle.

    Raises:
        CodecError: The value cannot be pickled, or there is no key to sign with.
    """
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if hasattr(type(value), "__next__"):
        raise CodecError(f"pickle: expected a value, got a {kind}, which can be read only once", "return a list of it")
    key = _key()
    try:
        content = pickle.dumps(value, protocol=5)
    except Exception as error:  # the __reduce__ of any class may raise anything
        raise CodecError(
            f"pickle: expected a value that can be stored, got a {kind}: {error}",
            "return plain values or arrays, or give the class a __getstate__ that leaves out what cannot be stored",
        ) from error
    return (mac(key, content), content), summarize(value)


def decode(body: bytes | BlobFile, open_blob: OpenBlob) -> object:
    """Return a fresh value, if this user's key signed it.

    Raises:
        CodecError: Another key signed it, or none; or what it needs is gone from the code.
    """
    data = memoryview(bytes_of(body))
    if not compare_digest(mac(_key(), data[SIZE:]), bytes(data[:SIZE])):
        raise CodecError(
            "pickle: expected a signature of this user's key, got another; it was not unpickled",
            "compute it again here, or have its owner return plain values or arrays, which need no signature",
        )
    try:
        return pickle.loads(data[SIZE:])  # noqa: S301 - signed by this user
    except Exception as error:  # the classes' own code runs here and may raise anything
        raise CodecError(
            f"pickle: expected the classes that it was made of, got {type(error).__name__}: {error}",
            "a class has moved or changed since: compute it again",
        ) from error


def _key() -> bytes:
    # A key of its own for each codec and version: a signature means nothing elsewhere.
    return mac(signing_key(), name.encode())
