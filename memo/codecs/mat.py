"""Codec `mat/1`: a value as a plain `.mat` file, which MATLAB and Octave open as the variable `result`.

Owns what they see: a dict is a structure, a sequence a cell array (or a row, if it holds numbers of one type), text a
row of characters, None an empty matrix. What MATLAB does not have stands as a form in a second variable, `memo_form`,
at the head of the file, so that the value comes back with its own types, shapes and bits.
"""

from __future__ import annotations

import re

import numpy as np

from memo.canonical.walk import Refused
from memo.codecs import matfile, scattered
from memo.codecs.outline import Outline, numeric_row, outline
from memo.codecs.places import PlacedFile, Places
from memo.codecs.summary import summarize
from memo.errors import CodecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cas.blob import BlobFile
    from cas.entry import Parts
    from memo.codecs import OpenBlob, Write
    from memo.codecs.matfile import Pieces

name = "mat/1"

_NAME = re.compile("[A-Za-z][A-Za-z0-9_]{0,62}")
_KEYWORDS = frozenset(
    [
        "break",
        "case",
        "catch",
        "classdef",
        "continue",
        "else",
        "elseif",
        "end",
        "for",
        "function",
        "global",
        "if",
        "otherwise",
        "parfor",
        "persistent",
        "return",
        "spmd",
        "switch",
        "try",
        "while",
    ]
)
# Tag of the variable, its flags, its dimensions, its name, and the tag of its data.
_BEFORE_FORM = 8 + 16 + 16 + 24 + 8


def takes(value: object) -> bool:
    """Return whether MATLAB has something like the value, and it comes back exactly."""
    try:
        return validate(value)
    except CodecError:
        return False


def validate(value: object, root: str = "result") -> bool:
    """Return True if a value fits into a MAT-file.

    Raises:
        CodecError: It does not; the message names the part.
    """
    _Writer().write(value, root)
    return True


def encode(value: object, write: Write) -> tuple[Parts, str]:
    """Return the bytes of a `.mat` file; an array in Fortran order is not copied.

    Raises:
        CodecError: MATLAB has nothing like some part of the value; the message names it.
    """
    writer = _Writer()
    pieces = writer.write(value, "result")
    matfile.place(pieces)
    form = np.frombuffer(writer.places.form(value, "mat"), np.uint8)
    form_pieces = matfile.numbers("memo_form", form, None)
    if max(matfile.size_of(pieces), len(form)) > matfile.LARGEST:
        raise CodecError("mat: result: expected at most 2 GB, which is all a .mat file holds", 'ask for codec="hdf5"')
    parts = [matfile.HEADER, *form_pieces, *pieces]
    return tuple(part.buffer() if isinstance(part, matfile.Data) else part for part in parts), summarize(value)


def decode(body: bytes | BlobFile, open_blob: OpenBlob) -> object:
    """Return a fresh value; a large array in Fortran order is mapped.

    Raises:
        CodecError: The bytes are not what this codec writes.
        IntegrityError: The form in them is none.
    """
    file = PlacedFile(body, "mat")
    begin = len(matfile.HEADER)
    if bytes(file.data[:begin]) != matfile.HEADER:
        raise file.malformed("another header")
    size = int.from_bytes(file.data[begin + 4 : begin + 8], "little")
    return file.read(begin + _BEFORE_FORM, begin + 8 + size)


class _Writer:
    """Makes what MATLAB sees of one value."""

    def __init__(self) -> None:
        self.places = Places()

    def write(self, value: object, root: str) -> Pieces:
        """Return the variable `result`; a CodecError names the part that MATLAB has nothing for."""
        try:
            return self._pieces(value, "result")
        except Refused as refusal:
            where = refusal.path(root)
            raise CodecError(
                f"mat: {where}: expected what a MATLAB file can hold, got {refusal.reason}", refusal.hint
            ) from None
        except RecursionError:
            raise CodecError(f"mat: {root}: expected a flatter value", 'ask for codec="auto"') from None

    def _pieces(self, value: object, name: str = "") -> Pieces:
        seen = outline(value)
        if seen.kind == "numbers":
            return self._numbers(seen.content, name)
        if seen.kind == "text":
            return matfile.characters(name, seen.content)
        if seen.kind == "nothing":
            return matfile.numbers(name, np.zeros((0, 0)), None)
        if seen.kind == "mapping":
            return self._structure(seen, name)
        if seen.kind == "sparse":
            return _sparse(seen.content, name)
        return self._cells(seen, name)

    def _numbers(self, value: Any, name: str) -> Pieces:
        dtype = matfile.stored_dtype(value.dtype)
        if dtype is None or len(value.shape) > 32 or max(value.shape, default=0) > matfile.LARGEST:
            raise Refused(f"an array of dtype {value.dtype}", "convert it to a dtype and a shape that MATLAB has")
        entry = None
        if value.dtype.char != "e" or _survives(value):
            entry = self.places.add(value, dtype, True, 2 if value.dtype.kind == "c" else 1)
        return matfile.numbers(name, value, entry)

    def _structure(self, seen: Outline, name: str) -> Pieces:
        fields = {}
        for step, field, content in seen.members():
            if type(field) is not str or not _NAME.fullmatch(field) or field in _KEYWORDS:
                refusal = Refused("what is not a MATLAB name", "use letters, digits and _, a letter first, 63 at most")
                refusal.steps.append(step)
                raise refusal
            fields[field] = self._member(step, content)
        return matfile.structure(name, fields)

    def _cells(self, seen: Outline, name: str) -> Pieces:
        row = numeric_row(seen)
        if row is not None:
            return matfile.numbers(name, row, None)
        members = [self._member(step, content) for step, _, content in seen.members()]
        return matfile.cells(name, seen.shape, members)

    def _member(self, step: str, content: object) -> Pieces:
        try:
            return self._pieces(content)
        except Refused as refusal:
            refusal.steps.append(step)
            raise


def _survives(value: Any) -> bool:
    """Return whether half precision comes back from single with all its bits, which not every NaN does."""
    return bool(value.astype("f4").astype(value.dtype).tobytes() == value.tobytes())


def _sparse(value: Any, name: str) -> Pieces:
    """Return a sparse matrix as MATLAB has it: by columns, sorted, of doubles or logical."""
    if value.ndim != 2:
        raise Refused(f"a sparse array of {value.ndim} dimensions", "MATLAB has sparse matrices only")
    columns = scattered.clean(value).tocsc(copy=True)
    columns.sum_duplicates()
    if columns.data.dtype.kind not in "biufc" or columns.data.dtype.itemsize > 16:
        raise Refused(f"a sparse matrix of dtype {columns.data.dtype}", "convert it to float64")
    return matfile.sparse(name, columns.shape, columns.indices, columns.indptr, columns.data)
