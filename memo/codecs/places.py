"""Arrays at places of one file, and the form that says what became of the rest.

Owns how `mat` and `hdf5` come back exactly: what other tools see of a value is approximate (MATLAB has no tuples, HDF5
no None), so beside it stands the form of the value, in which an array is the number of its place. Reading takes the
form and the places and nothing else: the bytes of the foreign format are never parsed, so nothing in them can do harm
(I7), a large array is mapped where it stands (I9), and reading needs no library.
"""

from __future__ import annotations

import mmap

import numpy as np

from cas import extension as ext
from cas.extension import head
from memo.canonical.scalars import pack
from memo.canonical.walk import Refused
from memo.codecs import numerics
from memo.codecs.composites import write_composite
from memo.codecs.mapping import MAP_FROM, private
from memo.codecs.reading import read_form
from memo.codecs.shapes import count_of
from memo.codecs.tree import TreeWriter, form_of, write_small_array
from memo.errors import CodecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from cas.blob import BlobFile
    from memo.canonical.walk import Walk

    Array = np.ndarray[Any, Any]

MAGIC = b"memo form 1\n"


class Places:
    """The arrays that were put into a file, found again by the memory they occupy."""

    def __init__(self) -> None:
        self.entries: list[list[Any]] = []
        self._known: dict[tuple[Any, ...], tuple[Array, int]] = {}

    def add(self, value: Array, stored: np.dtype[Any], fortran: bool, offsets: int = 1) -> list[Any]:
        """Note that an array has a place; return its entry, whose offsets are filled in once they are known.

        Args:
            value: The array.
            stored: The dtype of its bytes in the file.
            fortran: Whether they stand in Fortran order there.
            offsets: 2 if real and imaginary parts stand apart.
        """
        # The array is kept, so that no other one gets its memory while the file is made.
        self._known[_memory_of(value)] = value, len(self.entries)
        entry = [[0] * offsets, stored.str if stored.names is None else numerics.spell(stored), fortran]
        self.entries.append(entry)
        return entry

    def find(self, value: Array) -> int | None:
        """Return the number of an array's place, None if it has none."""
        known = self._known.get(_memory_of(value))
        return None if known is None else known[1]

    def form(self, value: object, codec: str) -> bytes:
        """Return what stands beside the places: their table, and the form of the value.

        Raises:
            CodecError: Something in the value has no form; the message names the path to it.
        """
        form = b"".join(form_of(value, PlaceWriter(self, codec), codec, "result"))
        table = pack(self.entries)
        return MAGIC + len(table).to_bytes(8, "little") + len(form).to_bytes(8, "little") + table + form


def _memory_of(value: Array) -> tuple[Any, ...]:
    return value.__array_interface__["data"][0], value.shape, value.strides, value.dtype.str


class PlaceWriter(TreeWriter):
    """Writes an array that has a place as its number, any other with its content: there are no child blobs.

    Args:
        places: The arrays that have a place.
        codec: For messages.
    """

    def __init__(self, places: Places, codec: str) -> None:
        super().__init__(no_children)
        self.places = places
        self.codec = codec

    def write_array(self, walk: Walk, value: Any) -> None:
        """Write an array that `.npy` keeps."""
        number = self.places.find(value)
        if number is not None:
            fortran = value.flags.f_contiguous and not value.flags.c_contiguous
            walk.out.append(head(ext.PLACED_ARRAY, 4) + pack(number) + pack(numerics.spell(value.dtype)))
            walk.out.append(pack([*value.shape]) + pack(fortran))
        elif value.dtype.names is None:
            write_small_array(walk, value)
        else:
            write_composite(walk, value)

    def write_child(self, walk: Walk, value: Any) -> bool:
        """Refuse a value with a codec of its own."""
        kind = type(value)
        raise Refused(f"a {kind.__module__}.{kind.__qualname__}", f'{self.codec} cannot keep it: ask for codec="auto"')


def no_children(_: object) -> NoReturn:
    """Stand where child blobs are written or opened, and there are none."""
    raise CodecError("expected a form without child blobs", "run `cas fsck`")


class PlacedFile:
    """A file of places, opened to be read: its bytes are private to one decoding.

    Args:
        body: The root blob.
        codec: For messages.
    """

    def __init__(self, body: bytes | BlobFile, codec: str) -> None:
        self.codec = codec
        self.data: Any = private(body)
        self.base = 0
        self._table: list[Any] = []
        self._handed_out: set[int] = set()

    def read(self, start: int, base: int) -> Any:
        """Return the value whose form starts at a position, its places counted from another.

        Raises:
            CodecError: There is no form there, or a place lies outside of the file.
            IntegrityError: The form is none.
        """
        begin = start + len(MAGIC) + 16
        if bytes(self.data[start : start + len(MAGIC)]) != MAGIC or len(self.data) < begin:
            raise self.malformed("no form of memo's")
        table, form = (int.from_bytes(self.data[begin - n : begin - n + 8], "little") for n in (16, 8))
        end = begin + table + form
        if end > len(self.data):
            raise self.malformed("a form that ends early")
        self.base = base
        self._table = read_form(bytes(self.data[begin : begin + table]), no_children)
        return read_form(bytes(self.data[begin + table : end]), no_children, self._array)

    def _array(self, number: int, spelled: Any, shape: list[int], fortran: bool) -> Any:
        offsets, stored, stored_fortran = self._table[number]
        kind, dtype = numerics.respell(stored), numerics.respell(spelled)
        if kind.hasobject or dtype.hasobject:
            raise self.malformed(f"an array of dtype {dtype}")
        if kind.itemsize == 0 or dtype.itemsize > 2 * kind.itemsize:  # it would grow from nothing
            raise self.malformed(f"an array of dtype {dtype} in bytes of {kind}")
        count_of(shape)
        # numpy checks that the place lies inside.
        raw: list[Any] = [
            np.ndarray(shape, kind, self.data, self.base + offset, order="F" if stored_fortran else "C")
            for offset in offsets
        ]
        either = raw[0].flags.c_contiguous and raw[0].flags.f_contiguous
        as_it_was = len(raw) == 1 and kind == dtype and (either or bool(stored_fortran) == fortran)
        if as_it_was and self._may_hand_out(number, raw[0]):
            return raw[0]
        value: Any = np.empty(shape, dtype, "F" if fortran else "C")
        if len(raw) == 2:
            value.real, value.imag = raw
        elif dtype.kind in "mMb" and kind.kind in "iu":
            value[...] = raw[0].view(dtype.newbyteorder(kind.byteorder))
        else:
            value[...] = raw[0]
        return value

    def _may_hand_out(self, number: int, raw: Array) -> bool:
        """Return whether an array may be used where it stands: a large one, once, since two would share their bytes."""
        if not isinstance(self.data, mmap.mmap) or raw.nbytes < MAP_FROM or not raw.flags.aligned:
            return False
        first = number not in self._handed_out
        self._handed_out.add(number)
        return first

    def malformed(self, seen: str) -> CodecError:
        """Return the error for bytes that are no such file."""
        return CodecError(f"{self.codec}: expected a file that memo wrote, got {seen}", "run `cas fsck`")
