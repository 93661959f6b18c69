"""Codec `hdf5/1`: a value as a plain HDF5 file, which any HDF5 tool opens.

Owns what they see, below the link `result`: arrays and scalars are datasets, containers are groups, and the attribute
`python` says what a thing was. The form that the value comes back from stands in the user block, the room before an
HDF5 file that its format leaves to whoever wrote it. No time of writing is kept: equal values share a blob.
Writing needs the package h5py; reading does not.
"""

from __future__ import annotations

import numpy as np

from memo.canonical.walk import Refused
from memo.codecs import scattered
from memo.codecs.outline import Outline, numeric_row, outline
from memo.codecs.places import MAGIC, PlacedFile, Places
from memo.codecs.summary import summarize
from memo.errors import CodecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cas.blob import BlobFile
    from cas.entry import Parts
    from memo.codecs import OpenBlob, Write

name = "hdf5/1"

# The smallest user block; a larger one has a power of two times its size.
_BLOCK = 512
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_ALIGN = 64


def takes(value: object) -> bool:
    """Return whether HDF5 has something like the value, and it comes back exactly."""
    try:
        encode(value, _unused)
    except CodecError:
        return False
    return True


def encode(value: object, write: Write) -> tuple[Parts, str]:
    """Return user block and file.

    Raises:
        CodecError: HDF5 has nothing like some part of the value, or h5py is missing.
    """
    writer = _Writer()
    image = writer.write(value)
    form = writer.places.form(value, "hdf5")
    size = _BLOCK
    while size < len(form):
        size *= 2
    return (form.ljust(size, b"\0"), image), summarize(value)


def decode(body: bytes | BlobFile, open_blob: OpenBlob) -> object:
    """Return a fresh value; a large array is mapped.

    Raises:
        CodecError: The bytes are not what this codec writes.
        IntegrityError: The form in them is none.
    """
    file = PlacedFile(body, "hdf5")
    start = len(MAGIC) + 16
    needed = start + sum(int.from_bytes(file.data[start - n : start - n + 8], "little") for n in (16, 8))
    size = _BLOCK
    while size < needed:
        size *= 2
    if bytes(file.data[size : size + len(_SIGNATURE)]) != _SIGNATURE:
        raise file.malformed("no HDF5 file behind the user block")
    return file.read(0, size)


def _unused(_: object) -> bytes:
    return b""


class _Writer:
    """Makes the HDF5 file of one value."""

    def __init__(self) -> None:
        try:
            import h5py  # noqa: PLC0415 - only for whoever writes HDF5
        except ImportError as error:
            raise CodecError(
                "hdf5: expected the package h5py, which is not installed", "pip install 'cas-memo[hdf5]'"
            ) from error
        self.h5py: Any = h5py
        self.places = Places()
        self.linked: list[tuple[Any, list[Any]]] = []

    def write(self, value: object) -> bytes:
        """Return the bytes of the file; a CodecError names the part that HDF5 has nothing for."""
        layout = {"alignment_threshold": _ALIGN, "alignment_interval": _ALIGN, "libver": ("earliest", "v108")}
        with self.h5py.File("memo", "w", driver="core", backing_store=False, **layout) as file:
            try:
                self._write(file, "result", value)
            except Refused as refusal:
                where = refusal.path("result")
                raise CodecError(
                    f"hdf5: {where}: expected what an HDF5 file can hold, got {refusal.reason}", refusal.hint
                ) from None
            except RecursionError:
                raise CodecError("hdf5: result: expected a flatter value", 'ask for codec="auto"') from None
            file.flush()
            for dataset, entry in self.linked:
                entry[0][0] = dataset.id.get_offset() or 0
            image: bytes = file.id.get_file_image()
        return image

    def _write(self, group: Any, link: str, value: Any) -> None:
        seen = outline(value)
        kind = type(value)
        if seen.kind == "numbers":
            made = self._numbers(group, link, seen.content)
        elif seen.kind == "text":
            made = self._texts(group, link, [seen.content], ())
        elif seen.kind == "nothing":
            made = group.create_dataset(link, data=self.h5py.Empty("f8"), track_times=False)
        elif seen.kind == "sparse":
            made = self._sparse(group, link, value)
        else:
            made = self._sequence(group, link, seen) or self._group(group, link, seen)
        public = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        made.attrs["python"] = np.bytes_(public.encode("utf-8", "replace"))

    def _numbers(self, group: Any, link: str, value: Any) -> Any:
        dtype = _stored_dtype(value.dtype)
        if dtype is None or value.ndim > 32:
            raise Refused(f"an array of dtype {value.dtype}", "convert it to a dtype that HDF5 has")
        place = self.places.find(value)
        if place is not None and value.size:
            group[link] = self.linked[place][0]
            return group[link]
        content = np.ascontiguousarray(value).reshape(value.shape).view(dtype) if value.dtype != dtype else value
        made = group.create_dataset(link, data=np.asarray(content, order="C"), dtype=dtype, track_times=False)
        if value.size:
            self.linked.append((made, self.places.add(value, dtype, False)))
        if value.dtype.kind in "mM":
            made.attrs["dtype"] = np.bytes_(value.dtype.str)
        return made

    def _texts(self, group: Any, link: str, texts: list[str], shape: tuple[int, ...]) -> Any:
        """Write text of one length, the shorter padded with zeros."""
        content = [text.encode("utf-8", "surrogatepass") for text in texts]
        width = max(map(len, content), default=0) or 1
        dtype = self.h5py.string_dtype("utf-8", width)
        data = np.array(content, dtype).reshape(shape, order="F")
        return group.create_dataset(link, data=data, dtype=dtype, track_times=False)

    def _sequence(self, group: Any, link: str, seen: Outline) -> Any:
        """Write a sequence of numbers, or of text, as one dataset; return None if it is neither."""
        if seen.kind != "sequence" or not seen.content:
            return None
        row = numeric_row(seen)
        if row is not None:
            return group.create_dataset(link, data=row, track_times=False)
        if all(type(element) is str for element in seen.content):
            return self._texts(group, link, seen.content, seen.shape)
        return None

    def _group(self, group: Any, link: str, seen: Outline) -> Any:
        """Write a group of members; where keys are no names of links, they are numbered and stand in attributes."""
        made = group.create_group(link)
        members = list(seen.members())
        named = seen.kind == "mapping" and all(_is_link(key) for _, key, _ in members)
        for number, (step, key, content) in enumerate(members):
            inner = key if named else str(number)
            try:
                self._write(made, inner, content)
            except Refused as refusal:
                refusal.steps.append(step)
                raise
            if seen.kind == "mapping" and not named:
                made[inner].attrs["key"] = np.bytes_(f"{key!r:.200}".encode("utf-8", "backslashreplace"))
        return made

    def _sparse(self, group: Any, link: str, value: Any) -> Any:
        """Write a sparse matrix by its coordinates."""
        made = group.create_group(link)
        entries = scattered.clean(value).tocoo()
        for axis, coords in enumerate(entries.coords):
            made.create_dataset(f"axis{axis}", data=coords, track_times=False)
        made.create_dataset("shape", data=np.array(value.shape, "i8"), track_times=False)
        if _stored_dtype(entries.data.dtype) != entries.data.dtype:
            raise Refused(f"a sparse matrix of dtype {entries.data.dtype}", "convert it to float64")
        made.create_dataset("data", data=entries.data, track_times=False)
        return made


def _stored_dtype(dtype: np.dtype[Any]) -> np.dtype[Any] | None:
    """Return the dtype of an array's bytes in an HDF5 file; None if there is none."""
    if dtype.kind in "mM":
        return np.dtype("<i8").newbyteorder(">" if dtype.str[0] == ">" else "<")
    return dtype if dtype.char in "?bBhHiIlLqQefdFD" else None


def _is_link(key: object) -> bool:
    return type(key) is str and key not in ("", ".") and "/" not in key and "\0" not in key and key.isprintable()
