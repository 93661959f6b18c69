"""How a form of a result is read back: what `cas.form` leaves to the codecs.

Owns arrays, scalars, child blobs, and what must not be approximated. Executes and imports nothing that the bytes
name (I7); whatever is wrong with them is a CodecError or an IntegrityError.
"""

from __future__ import annotations

from cas import extension as ext
from cas import form
from cas.errors import Explained
from cas.extension import BUILTIN_CLASSES
from memo.codecs.shapes import check_count
from memo.errors import CodecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from memo.codecs import OpenBlob

_MEND = "run `cas fsck`"
_SCALAR_CHARS = frozenset("?bBhHiIlLqQefdgFDGSUMm")
# What arguments hold and results do not, up to the first code that only results have.
_COMPOSITE = frozenset((ext.ENUM, ext.DATACLASS, ext.NAMEDTUPLE, ext.INSTANCE, ext.DTYPE, ext.PATTERN))
_COMPOSITE |= frozenset(range(ext.SPELLED_ARRAY, ext.ADDRESS + 1))
# What `cas.form` gives back as it was.
_LEFT = frozenset(range(ext.FIRST_TAG + 32)) - frozenset((ext.CONSTANT, ext.ZONE, ext.DIGEST, ext.BACK, ext.PATH))
_LEFT -= frozenset((ext.MEMORYVIEW, ext.PATTERN, ext.MAPPING_PROXY, ext.DICT_VIEW))
_CONSTANTS = (b"Ellipsis", b"NotImplemented")


def read_form(data: Any, open_blob: OpenBlob, placed: Callable[..., Any] | None = None) -> Any:
    """Return the value that the form of a result holds, fresh.

    Args:
        data: The bytes of the form.
        open_blob: Opens a child blob.
        placed: Builds an array from its number, dtype, shape and order, where arrays stand in the same file.

    Raises:
        IntegrityError: The bytes are not a form.
        CodecError: The form holds what no codec writes, or refers to what is not here.
    """
    try:
        return form.unpack(data, _Reader(open_blob, placed))
    except Explained:
        raise
    except Exception as error:  # of the user's classes as keys, of numpy for shapes that cannot be
        raise CodecError(f"tree: expected the form of a result, got {type(error).__name__}: {error}", _MEND) from error


class _Reader:
    """What the reading of a form leaves to the codecs."""

    __slots__ = ("open_blob", "placed")

    def __init__(self, open_blob: OpenBlob, placed: Callable[..., Any] | None) -> None:
        self.open_blob = open_blob
        self.placed = placed

    def __call__(self, code: int, body: Any) -> Any:
        """Build one value, or leave it to `cas.form`."""
        if code in _LEFT:
            return NotImplemented
        if code == ext.CHILD_ARRAY:
            from memo.codecs import npy  # noqa: PLC0415 - it loads numpy, which most values do without

            return npy.decode(self.open_blob(_digest(body[0])), self.open_blob)
        if code == ext.STORED_ARRAY:
            return _stored_array(*body)
        if code == ext.SCALAR:
            return _scalar(*body)
        if code == ext.ZONE:
            return _zone(body.decode())
        if code == ext.PATH:
            return _path(*body)
        if code in _COMPOSITE:
            from memo.codecs.composites import put_together  # noqa: PLC0415 - most results hold none

            return put_together(code, body)
        if code == ext.CHILD:
            return self._child(*body)
        if code == ext.PLACED_ARRAY and self.placed is not None:
            return self.placed(*body)
        if not _is_known(code, body):
            raise CodecError(f"tree: expected values of safe types, got extension code {code}", _MEND)
        return NotImplemented

    def _child(self, codec: str, _summary: str, digest: bytes | None, content: bytes | None) -> Any:
        from memo.codecs import by_name  # noqa: PLC0415 - a hit without such a child does without

        if not isinstance(codec, str) or codec.partition("/")[0] in ("tree", "pickle", "raised", "stream"):
            raise CodecError(f"tree: expected a child of a codec of its own, got {codec!r}", _MEND)
        body = content if digest is None else self.open_blob(_digest(digest))
        if body is None:
            raise CodecError("tree: expected a child with its digest or its bytes, got neither", _MEND)
        return by_name(codec).decode(body, self.open_blob)


def _digest(value: Any) -> bytes:
    if type(value) is not bytes or len(value) != 32:
        raise CodecError(f"tree: expected the digest of a blob, got {value!r:.60}", _MEND)
    return value


def _is_known(code: int, body: Any) -> bool:
    """Return whether a class or a constant is one of Python's own, which `cas.form` gives back as itself."""
    if code == ext.CLASS:
        return bool(body[0] == "builtins" and body[1] in BUILTIN_CLASSES)
    return code == ext.CONSTANT and body in _CONSTANTS


def _stored_array(dtype: str, shape: list[int], fortran: bool, content: bytes) -> Any:
    import numpy as np  # noqa: PLC0415 - only where a value needs it

    order: Any = "F" if fortran else "C"
    kind = np.dtype(dtype)
    if kind.hasobject or kind.names is not None or kind.subdtype is not None:
        raise CodecError(f"tree: expected an array of a plain dtype, got {dtype}", _MEND)
    check_count([*shape, kind.itemsize], len(content))
    value = np.empty(shape, kind, order)
    if len(content):
        value[...] = np.ndarray(shape, kind, content, order=order)
    return value


def _scalar(dtype: str, content: Any) -> Any:
    import numpy as np  # noqa: PLC0415 - only where a value needs it

    if dtype == "<U" and type(content) is str:
        return np.str_(content)
    if dtype == "|S" and type(content) is bytes:
        return np.bytes_(content)
    kind = np.dtype(dtype)
    if kind.char not in _SCALAR_CHARS or len(content) != kind.itemsize:
        raise CodecError(f"tree: expected a scalar of a plain dtype, got {dtype}", _MEND)
    return np.frombuffer(content, kind, 1)[0]


def _zone(key: str) -> Any:
    import zoneinfo  # noqa: PLC0415 - slow to load, seldom needed

    try:
        return zoneinfo.ZoneInfo(key)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise CodecError(f"tree: expected a known time zone, got {key!r}", "install the tzdata package") from error


def _path(kind: str, text: str) -> Any:
    value = form.path(kind, text)
    if type(value).__name__ != kind:
        raise CodecError(f"tree: a {kind} cannot exist on this system", "return a str or a PurePath instead")
    return value
