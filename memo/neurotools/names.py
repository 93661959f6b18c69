"""The file names of neurotools: `module.name.code` + `.hash.key`, as folders and a file `hash.key.npy`.

Names are the original's, byte for byte, wherever it had one that could be read back. Ours are within 255 bytes with
their extension, and hold only what Linux, macOS and Windows keep. Two signatures have two names also where upper and
lower case are one: the hash of 80 bits differs. Two random hashes agree but for case with a probability of 2e-21 (a
character of 64 agrees with one of 0.028, thirteen of them and one of four signs: 0.028**13 / 4), so that even a million
files in one folder have a chance of 1e-9; and then the keys must agree likewise.
"""

from __future__ import annotations

import base64
import functools
import itertools
import os
import pickle
import re
import unicodedata
import zlib
from typing import TYPE_CHECKING, Any

from cas.errors import InvalidInputError
from cas.filename import escape, folder, shorten, unescape
from memo.neurotools.arguments import argument_signature, by_name
from memo.neurotools.encodings import MODES, find_mode, human_decode, human_encode
from memo.neurotools.hashing import base64hash, base64hash10bytes
from memo.neurotools.source import function_signature
from memo.neurotools.text import omits, write_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from memo.neurotools.arguments import Signature
    from memo.neurotools.encodings import Mode

__all__ = [
    "base64hash",
    "base64hash10bytes",
    "file_string_to_signature",
    "get_cache_path",
    "human_decode",
    "human_encode",
    "locate_cached",
    "signature_to_file_string",
]

EXTENSIONS = ("npy", "mat", "pickle", "hdf5")
NAME_LIMIT = 255 - len(".pickle")
"""Bytes of a name, so that the longest extension fits as well."""

_HASH = 14
_LONG_HASH = 38
_UNPACKED_LIMIT = 1 << 24  # a few bytes can stand for gigabytes
_TRUNCATED = re.compile(rf"[A-Za-z0-9_-]{{{_LONG_HASH}}}")
_FAULTS = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    EOFError,
    ImportError,
    RecursionError,
    MemoryError,
    pickle.UnpicklingError,
)
_EXTENSION = re.compile(rf"\.(?:{'|'.join(EXTENSIONS)})$")
_ENTRY = re.compile(rf"(?:^|(?<=\.))([A-Za-z0-9_-]{{{_HASH}}})\.")


def signature_to_file_string(
    f: Callable[..., Any],
    sig: Any,
    mode: str = "repr",
    compressed: bool = True,
    base64encode: bool = True,
    truncate: bool = True,
) -> str:
    """Return the file name of a call, without extension: `module.name.code.hash.key`.

    Args:
        f: The function.
        sig: What `argument_signature` gave.
        mode: How the arguments are written: "repr", "json", "pickle", or "human".
        compressed: Compress them with zlib; needs `base64encode`.
        base64encode: Write them in base64; else as they are, with `%XX` for what a file system refuses.
        truncate: Put a hash in place of arguments that are too long for a name.

    Raises:
        InvalidInputError: The mode cannot write the arguments; they are too long; or there is no such encoding. It is
            a ValueError.
    """
    _check_encoding(compressed, base64encode)
    text = write_text(sig)  # once: of a large array it takes long
    key = _encode(find_mode(mode), sig, text, compressed, base64encode)
    short = base64hash10bytes(text)
    *function, code = _folders(f)
    # Only names far longer than people give are cut: the code tells those functions apart.
    front = f"{shorten('.'.join(function), NAME_LIMIT - 2 * _HASH - _LONG_HASH - 3)}.{code}.{short}"
    size = len(key.encode())
    if len(f"{front}.".encode()) + size <= NAME_LIMIT and not omits(text):
        return f"{front}.{key}"
    if not truncate:
        raise InvalidInputError(
            f"{'.'.join(function)}: expected a name of {NAME_LIMIT} bytes, "
            f"got {'an array' if omits(text) else f'{size} of arguments'}",
            "say truncate=True: the name then has a hash of the arguments, and the entry the arguments themselves",
        )
    return f"{front}.{base64hash(key)}"


def file_string_to_signature(
    filename: str, mode: str = "repr", compressed: bool = True, base64encode: bool = True
) -> Any:
    """Return the signature that `signature_to_file_string` wrote, here or in the original.

    Args:
        filename: The name, with or without folders, `module.name.code.` and extension; or the key alone.
        mode: As it was written.
        compressed: Likewise.
        base64encode: Likewise.

    Raises:
        InvalidInputError: The name lost its arguments, was damaged, or written otherwise. It is a ValueError.
    """
    reader = find_mode(mode)
    _check_encoding(compressed, base64encode)
    name = _EXTENSION.sub("", os.path.basename(filename.replace("\\", "/")))
    # Without base64 the key may have dots of its own: of all places where it could begin, the hash tells the right one.
    starts = [match for match in _ENTRY.finditer(name) if not base64encode or "." not in name[match.end() :]]
    keys = [(match[1], name[match.end() :]) for match in starts] or [("", name)]
    if _TRUNCATED.fullmatch(keys[-1][1]):
        raise InvalidInputError(
            f"{filename}: expected arguments in the name, got only their hash: they were too long for a name",
            "scan_cachedir reads the arguments from the entry itself",
        )
    seen: Exception = ValueError("no key in it")
    for (short, key), is_raw in itertools.product(keys, (False, True)):
        try:
            data = _decode(reader, key, compressed, base64encode, is_raw)
            sig = reader.decode(data)
            if not short or short in (base64hash10bytes(write_text(sig)), base64hash10bytes(data)):
                return sig
            seen = ValueError("its hash is that of other arguments")
        except _FAULTS as error:
            seen = error
    raise InvalidInputError(
        f"{filename}: expected a name with arguments in the mode {mode}, compressed={compressed}, "
        f"base64encode={base64encode}: {seen or type(seen).__name__}",
        getattr(seen, "hint", "") or "give the mode with which it was written; scan_cachedir reads the entry itself",
    )


@by_name
def get_cache_path(cache_root: str | os.PathLike[str], f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> str:
    """Return the folder of a function's results, with a `/` at its end; the arguments make no difference."""
    root = os.fspath(cache_root)
    return "/".join((root.rstrip("/") if root.strip("/") else root[:-1], *_folders(f), ""))


@by_name
def locate_cached(
    cache_root: str | os.PathLike[str], f: Callable[..., Any], method: str, /, *args: Any, **kwargs: Any
) -> tuple[str, Signature, str, str, str]:
    """Return where the result of the call `f(*args, **kwargs)` is, whether it is there or not.

    Args:
        cache_root: The folder of the cache, with its identifier.
        f: The function.
        method: The extension: "npy", "mat", "pickle", or "hdf5".
        *args: The arguments of the call.
        **kwargs: Likewise.

    Returns:
        The file name without extension, as `signature_to_file_string` gives it; the signature of the arguments; the
        folder; the name of the file in it; and the path of the file.
    """
    sig = argument_signature(f, *args, **kwargs)
    fn = signature_to_file_string(f, sig)
    filename = ".".join(fn.rsplit(".", 2)[1:]) + f".{method}"
    path = get_cache_path(cache_root, f)
    return fn, sig, path, filename, path + filename


def _folders(f: Callable[..., Any]) -> tuple[str, ...]:
    """Return the parts of a function's signature as names that every file system takes, such as `%3Clambda%3E`."""
    return _as_folders(function_signature(f))


@functools.lru_cache(maxsize=1024)
def _as_folders(signature: str) -> tuple[str, ...]:
    return tuple(folder(part) for part in signature.split("."))


def _check_encoding(compressed: bool, base64encode: bool) -> None:
    if compressed and not base64encode:
        raise InvalidInputError(
            "expected compressed=False with base64encode=False: compressed bytes are no text",
            "say compressed=False for a name that people can read, or base64encode=True",
        )


def _encode(mode: Mode, sig: Any, text: str, compressed: bool, base64encode: bool) -> str:
    """Return the key of a name, of whatever length."""
    data = text.encode() if mode is MODES["repr"] else mode.encode(sig)
    if compressed:
        data = zlib.compress(data)
    if base64encode:
        return base64.urlsafe_b64encode(data).decode("ascii")
    text = data.decode(mode.charset)
    if mode.is_safe:
        return text
    text = escape(text)
    # Windows drops a dot at the end.
    return text if not text.endswith((".", " ")) else f"{text[:-1]}%{ord(text[-1]):02X}"


def _decode(mode: Mode, key: str, compressed: bool, base64encode: bool, is_raw: bool) -> bytes:
    """Return what a key was made of; `is_raw` if it was by the original, which left `%` as it was."""
    if base64encode:
        data = base64.b64decode(key, altchars=b"-_", validate=True)
        return _unpack(data) if compressed else data
    if is_raw:
        return key.encode(mode.charset)
    text = unicodedata.normalize("NFC", key)  # some file systems hand a name back decomposed
    return (text if mode.is_safe else unescape(text)).encode(mode.charset)


def _unpack(data: bytes) -> bytes:
    stream = zlib.decompressobj()
    try:
        found = stream.decompress(data, _UNPACKED_LIMIT)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if not stream.eof:
        raise ValueError("it is incomplete, or larger than 16 MiB")
    return found
