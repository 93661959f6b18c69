"""The files that the original wrote: told from ours, and read back to the call and its result.

Owns the form of those files. An `.npy` of the original is an object array, so a pickle inside: without trust it is not
read (I7). Writes nothing.
"""

from __future__ import annotations

import os
import pickle
from collections import namedtuple
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from memo.errors import CodecError

if TYPE_CHECKING:
    from collections.abc import Callable

EMPTY = "0 bytes: the original failed while it wrote the file"
UNTRUSTED = "a pickle, and pickles run code as they are read"
TRUNCATED = "truncated"
FOREIGN = "not a file of the original"

VIEW_MARK = b"\x80\x05\x8c\x09memo view0"
"""A pickle of ours puts this text on the stack and drops it again, so that it is told from one of the original."""

_HEAD = 256
_LOOKED_AT = 5000
_STOP = b"."
_MAT_VARIABLE = "varargout"


class Original(namedtuple("Original", "args kwargs result")):
    """What one file of the original says: `function(*args, **kwargs)` returned `result`.

    Attributes:
        args: As the caller gave them; None of a `.mat` file, which changes their types.
        kwargs: Likewise.
        result: What the call returned; of a `.mat` file, what it makes of that.
    """

    __slots__ = ()


class Unreadable(CodecError):  # noqa: N818 - says what it is
    """A file of the original that gives no result; `reason` says why, apart from the path."""

    def __init__(self, path: str, reason: str, hint: str) -> None:
        super().__init__(f"{path}: expected a call and its result, found {reason}", hint)
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return Unreadable, (self.path, self.reason, self.hint)


def is_original(path: str) -> bool:
    """Return whether a file holds something that memo did not write, such as what the original neurotools did."""
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except (OSError, ValueError):
        return False
    if not head:
        return False  # the original failed while it wrote
    method = path.rpartition(".")[2]
    if method == "npy":
        return head.startswith(b"\x93NUMPY") and b"'descr': '|O'" in head
    if method == "pickle":
        return not head.startswith(VIEW_MARK)
    return method == "mat" and b"written by memo" not in head[:116]


def has_originals(folder: str) -> bool:
    """Return whether a folder holds files of the original, as far as one can tell by looking at some thousands.

    To be asked first: the original's name for a large array takes seconds to make.
    """
    try:
        with os.scandir(folder) as found:
            names = [entry.path for entry in islice(found, _LOOKED_AT)]
    except OSError:
        return False
    return len(names) == _LOOKED_AT or any(map(is_original, names))


def read_original(path: str, trust: bool = False) -> Original:
    """Return what a file of the original holds.

    Args:
        path: Ends in `.npy`, `.pickle` or `.mat`.
        trust: Unpickle what is in it, which runs the code that its writer chose.

    Raises:
        Unreadable: It holds no call and result, or needs trust.
    """
    read = _READERS.get(os.path.splitext(path)[1])
    if read is None:
        raise _foreign(path, f"expected one of {', '.join(_READERS)}")
    try:
        if not os.path.getsize(path):
            raise Unreadable(path, EMPTY, "nothing is lost with it: the call is computed again")
        if not is_original(path):
            raise _foreign(path, "a view of memo's own, or damaged")
        with open(path, "rb") as file:
            return read(path, file, trust)
    except OSError as error:
        raise Unreadable(path, error.strerror or str(error), "see that it can be read") from error


def _read_npy(path: str, file: BinaryIO, trust: bool) -> Original:
    from numpy.lib import format as npy  # noqa: PLC0415 - heavy, and pickles do without

    try:
        read_header: Callable[[BinaryIO], Any] = {
            (1, 0): npy.read_array_header_1_0,
            (2, 0): npy.read_array_header_2_0,
        }[npy.read_magic(file)]
        shape, _, dtype = read_header(file)
    except (ValueError, KeyError) as error:
        raise _foreign(path, str(error)) from error
    if not dtype.hasobject:
        raise _foreign(path, f"an array of {dtype}")
    found = _unpickled(path, file, trust)
    if shape != (2,) or getattr(found, "shape", None) != (2,):
        raise _foreign(path, f"an object array of shape {shape}")
    return _original(path, tuple(found))


def _read_pickle(path: str, file: BinaryIO, trust: bool) -> Original:
    return _original(path, _unpickled(path, file, trust))


def _read_mat(path: str, file: BinaryIO, trust: bool) -> Original:
    from scipy.io import loadmat  # noqa: PLC0415 - heavy, and few caches hold any

    try:
        _, result = loadmat(file, variable_names=[_MAT_VARIABLE])[_MAT_VARIABLE][0]
    except OSError:
        raise
    except Exception as error:  # a damaged file makes scipy raise anything
        raise _foreign(path, f"{type(error).__name__}: {error}") from error
    return Original(None, None, result)


_READERS: dict[str, Callable[[str, BinaryIO, bool], Original]] = {
    ".npy": _read_npy,
    ".pickle": _read_pickle,
    ".mat": _read_mat,
}
METHODS = tuple(_READERS)
"""The endings of the files that the original wrote."""


def _unpickled(path: str, file: BinaryIO, trust: bool) -> Any:
    """Return what the pickle in the rest of a file makes."""
    start = file.tell()
    file.seek(-1, os.SEEK_END)
    if file.read(1) != _STOP:
        raise Unreadable(path, TRUNCATED, "nothing can be had from it: the call is computed again")
    if not trust:
        raise Unreadable(
            path, UNTRUSTED, "if you or people you trust wrote it, say so: --trust, or trust=True in Python"
        )
    file.seek(start)
    try:
        return _Unpickler(file).load()
    except Exception as error:  # the classes' own code runs here and may raise anything
        raise Unreadable(
            path,
            f"a pickle that cannot be read here: {type(error).__name__}: {error}",
            "a class in it has moved, or its package is not installed; else it is damaged",
        ) from error


class _Unpickler(pickle.Unpickler):
    """Finds what numpy 1 kept in `numpy.core`, which numpy 2 warns of or has moved."""

    def find_class(self, module: str, name: str) -> Any:
        """Return a class or function by name."""
        if module.startswith("numpy.core."):
            import numpy as np  # noqa: PLC0415 - as above

            if not np.__version__.startswith("1."):
                module = "numpy._core." + module.removeprefix("numpy.core.")
        return super().find_class(module, name)


def _original(path: str, found: Any) -> Original:
    """Return the call and result that were pickled, if that is what they are."""
    try:
        (args, items), result = found
        kwargs = dict(items)
    except (TypeError, ValueError):
        raise _foreign(path, f"a {type(found).__name__}") from None
    if type(args) is not tuple or not all(type(name) is str for name in kwargs):
        raise _foreign(path, "arguments of another form")
    return Original(args, kwargs, result)


def _foreign(path: str, seen: str) -> Unreadable:
    return Unreadable(path, f"{FOREIGN}: {seen}", "it is left as it is")
