"""Codecs: value ↔ bytes, each with a stable name and version.

Owns which codec takes which value, and loads a codec only when it is needed. A codec is a module, or an object, with
`name`, `takes`, `encode` and `decode`. Under `auto` a value goes to the safest codec that keeps it exactly.
"""

from __future__ import annotations

import sys

from memo.errors import CodecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from cas.blob import BlobFile
    from cas.entry import Parts

    Write = Callable[[Parts], bytes]
    """Stores a child blob and returns its digest."""

    OpenBlob = Callable[[bytes], BlobFile | bytes]
    """Returns the verified file of a child blob; or its bytes, if it had to be unpacked."""

    class Codec(Protocol):
        """A way to store a value and to have it back, equal in type and bits."""

        name: str

        def takes(self, value: object) -> bool:
            """Return whether this codec keeps a value exactly."""

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


# Each in the module of its name, loaded when it is first needed: npy loads numpy, arrow pyarrow.
_CURRENT = {name: f"{name}/1" for name in ("npy", "tree", "sparse", "arrow", "mat", "hdf5", "text", "json", "pickle")}
# What a call came to that is no value; nobody asks for them by name.
_UNASKED = frozenset({"raised/1", "stream/1"})
# Whose values have a codec of their own.
_HOMES = {"scipy": "sparse/1", "pandas": "arrow/1", "polars": "arrow/1", "pyarrow": "arrow/1"}

_loaded: dict[str, Codec] = {}
_registered: dict[str, Codec] = {}


def by_name(name: str) -> Codec:
    """Return a codec by name and version.

    Raises:
        CodecError: There is none; the entry was written by a newer version.
    """
    codec = _loaded.get(name)
    return _load(name) if codec is None else codec


def choose(value: object) -> Codec:
    """Return the codec that takes a value: the safest one that keeps it exactly."""
    own = own_codec(value)
    if own is not None:
        return own
    kind = type(value)
    # Only where numpy is loaded can a value be an array.
    if kind.__module__ == "numpy" and issubclass(kind, sys.modules["numpy"].ndarray):
        npy = by_name("npy/1")
        if npy.takes(value):
            return npy
    tree = by_name("tree/1")
    return tree if tree.takes(value) else by_name("pickle/1")


def own_codec(value: object) -> Codec | None:
    """Return the codec made for values of this kind, the user's first; None if there is none that takes it."""
    for codec in _registered.values():
        if codec.takes(value):
            return codec
    name = _HOMES.get(str(type(value).__module__).partition(".")[0])
    if name is None:
        return None
    own = by_name(name)
    return own if own.takes(value) else None


def codec_for(value: object, asked: str | Callable[[object], Codec] = "auto", compress: str | None = None) -> Codec:
    """Return the codec to store a value with; one that is asked for may refuse the value when it encodes it.

    Args:
        value: The value.
        asked: "auto", a codec by name ("mat") or by name and version ("mat/1"), or what chooses one for a value.
        compress: None, "zstd", or "auto": only if a sample of the bytes shrinks by a fifth or more.

    Raises:
        CodecError: There is no such codec or compression, or it lacks a package.
    """
    codec = choose(value) if asked == "auto" else named(asked) if isinstance(asked, str) else asked(value)
    if not compress:
        return codec
    from memo.codecs.compression import compressed  # noqa: PLC0415 - few ask for it

    return compressed(codec, value, compress)


def named(asked: str) -> Codec:
    """Return the codec that a person asks for, such as "mat" or "mat/1".

    Raises:
        CodecError: There is none.
    """
    mine = [name for name in _registered if asked in (name, name.partition("/")[0])]
    known = _CURRENT.get(asked, asked)
    if not mine and known not in _CURRENT.values():
        there = ", ".join(("auto", *_CURRENT, *_registered))
        raise CodecError(f"codec {asked!r}: expected one of {there}", "a codec of your own needs memo.register_codec")
    return by_name(mine[-1] if mine else known)


def register_codec(codec: Codec) -> None:
    """Have values stored by a codec of your own: it is asked first, in the order of registration.

    Register it wherever the function's module is imported, so that a process that reads has it too. Its `decode` runs
    on bytes that others may have written: it must not execute them.

    Args:
        codec: Has `name` ("mine/1"; another way to write needs another number), `takes`, `encode` and `decode`.

    Raises:
        CodecError: It is no codec, or has the name of one of memo's.
    """
    name: Any = getattr(codec, "name", None)
    title, _, number = name.partition("/") if isinstance(name, str) else ("", "", "")
    if not title.isidentifier() or not number.isdecimal() or title in _CURRENT:
        raise CodecError(
            f"expected a codec with a name and version of its own, such as 'mine/1', found {name!r}",
            f"choose another name than {', '.join(_CURRENT)}",
        )
    for method in ("takes", "encode", "decode"):
        if not callable(getattr(codec, method, None)):
            raise CodecError(f"codec {name}: expected a method {method}", "see memo.codecs.Codec")
    _registered[name] = _loaded[name] = codec


def unregister_codec(codec: Codec) -> None:
    """Forget a codec of your own; one that never was registered is no error.

    What is stored by it stays stored, and is computed again wherever the codec is not registered.
    """
    if _registered.pop(codec.name, None) is not None:
        for name in (codec.name, f"{codec.name}+zstd"):
            _loaded.pop(name, None)


def validate_for_matfile(value: object, name: str = "result") -> bool:
    """Return True if a value fits into a MATLAB file and comes back from it exactly.

    Raises:
        CodecError: It does not; the message names the part, such as `result["2nd"]`. It is a ValueError.
    """
    from memo.codecs.mat import validate  # noqa: PLC0415 - only for whoever asks

    return validate(value, name)


def validate_for_numpy(value: object, name: str = "result") -> bool:
    """Return True if a value is an array, or numbers in nested sequences, that a `.npy` file keeps exactly.

    Raises:
        CodecError: It is not; the message names the part and its dtype. It is a ValueError.
    """
    from memo.codecs.npy import validate  # noqa: PLC0415 - it loads numpy

    return validate(value, name)


def _load(name: str) -> Codec:
    base, plus, wrapper = name.partition("+")
    codec: Codec
    if plus and wrapper == "zstd":
        from memo.codecs.compression import Compressed  # noqa: PLC0415 - few ask for it

        codec = Compressed(by_name(base))
    elif name in _CURRENT.values() or name in _UNASKED:
        codec = getattr(__import__("memo.codecs", fromlist=[base[:-2]]), base[:-2])
    else:
        raise CodecError(
            f"codec {name!r}: expected one of {', '.join((*_CURRENT.values(), *_registered))}",
            "a codec of your own must be registered before its results are read, see memo.register_codec; else the "
            "entry was written by a newer version: upgrade, or remove it with `cas rm`",
        )
    _loaded[name] = codec
    return codec
