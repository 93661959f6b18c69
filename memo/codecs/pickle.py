"""Codec `pickle/1`: what no safer codec takes, as a pickle signed with the user's own key.

Owns the signature and its check: bytes that this user's key did not sign are never unpickled (I7); and what becomes
of classes of a script, which is `__main__` in one process, and a module of its name, or nothing, in another.
"""

from __future__ import annotations

import io
import pickle
import sys
from hmac import compare_digest
from operator import attrgetter
from types import FunctionType

from cas.digest import SIZE, mac
from memo.canonical.names import public_name
from memo.codecs.body import bytes_of
from memo.codecs.kept import reduction
from memo.codecs.key import signing_key
from memo.codecs.summary import summarize
from memo.errors import CodecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cas.blob import BlobFile
    from cas.entry import Parts
    from memo.codecs import OpenBlob, Write

name = "pickle/1"
_MAIN = "__main__"


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
        content = _dumps(value)
    except (KeyboardInterrupt, SystemExit):
        raise  # somebody wants the process to stop
    except BaseException as error:  # the __reduce__ of any class may raise anything
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
        return _Unpickler(io.BytesIO(data[SIZE:])).load()
    except Exception as error:  # the classes' own code runs here and may raise anything
        raise CodecError(
            f"pickle: expected the classes that it was made of, got {type(error).__name__}: {error}",
            "a class has moved or changed since: compute it again",
        ) from error


class _Pickler(pickle.Pickler):
    """Names what belongs to a script by the script, since `__main__` is another module in another process."""

    def reducer_override(self, value: Any) -> Any:
        """Return how to find a class or function of `__main__`, and how to make what its own pickle would cut."""
        if not issubclass(type(value), type | FunctionType):
            return reduction(value)
        if value.__module__ != _MAIN:
            return NotImplemented
        return _of_module, (public_name(_MAIN), value.__qualname__)


def _dumps(value: object) -> bytes:
    file = io.BytesIO()
    _Pickler(file, protocol=5).dump(value)
    return file.getvalue()


class _Unpickler(pickle.Unpickler):
    """Finds what belongs to a script in `__main__` where that script runs, and nowhere else."""

    def find_class(self, module: str, name: str) -> Any:
        """Return a class or function by name."""
        if module in (_MAIN, public_name(_MAIN)):
            return _of_module(module, name)
        return super().find_class(module, name)


def _of_module(module: str, name: str) -> Any:
    """Return what a loaded module holds; `__main__` goes by the name of its script, or of the module it runs."""
    loaded = sys.modules[_MAIN] if module == public_name(_MAIN) else sys.modules.get(module)
    if loaded is None or (module == _MAIN and public_name(_MAIN) != _MAIN):
        raise ModuleNotFoundError(f"{name} of the script {module!r}, which is not what runs here")
    return attrgetter(name)(loaded)


def _key() -> bytes:
    # A key of its own for each codec and version: a signature means nothing elsewhere.
    return mac(signing_key(), name.encode())
