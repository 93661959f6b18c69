"""Codec `arrow/1`: a table or column of pandas, polars or pyarrow as an Arrow IPC file (Feather), not compressed.

Owns the file: its record batches, which any Arrow library opens, and the note in the metadata of its schema, from which
the table comes back exactly. A large column is mapped (I9). Nothing stored runs (I7): extension types, which a library
could register to unpickle, are refused before the file is opened. Needs the package pyarrow.
"""

from __future__ import annotations

from cas.errors import Explained
from memo.codecs.ipc import check_batches, check_file, malformed
from memo.codecs.mapping import private
from memo.codecs.places import Places, PlaceWriter, no_children
from memo.codecs.reading import read_form
from memo.codecs.tree import form_of
from memo.errors import CodecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cas.blob import BlobFile
    from cas.entry import Parts
    from memo.codecs import OpenBlob, Write

name = "arrow/1"

NOTE = b"memo"


def takes(value: object) -> bool:
    """Return whether a value is a table of pandas, polars or pyarrow that Arrow keeps exactly."""
    from memo.codecs.tabular import table_of  # noqa: PLC0415 - a hit does without

    try:
        table_of(value)
    except CodecError:
        return False
    return True


def encode(value: object, write: Write) -> tuple[Parts, str]:
    """Return the bytes of an Arrow file.

    Raises:
        CodecError: Part of the value would not come back exactly, which the message names; or pyarrow is missing.
    """
    from memo.codecs.tabular import table_of  # noqa: PLC0415 - a hit does without

    return tuple(_write(table_of(value))), _summary(value)


def decode(body: bytes | BlobFile, open_blob: OpenBlob) -> object:
    """Return a fresh table; large columns are mapped.

    Raises:
        CodecError: The bytes are not what this codec writes.
        IntegrityError: The form in them is none.
    """
    pa = pyarrow()
    data = private(body)
    check_file(data)
    try:
        check_batches(data)
        table = pa.ipc.open_file(pa.py_buffer(data)).read_all()
        table.validate(full=True)  # columns that point outside of the file would crash whoever reads them
        note, metadata = _note_of(table)
        kind = note["kind"]
        if kind == "pyarrow.Table":
            return table.replace_schema_metadata(metadata)
        if kind == "pyarrow.RecordBatch":
            return _batch_of(table).replace_schema_metadata(metadata)
        if kind == "pyarrow.Array":
            return _batch_of(table).column(0)
        if kind == "pyarrow.ChunkedArray":
            return table.column(0)
        if kind.startswith("polars."):
            return _polars_of(table.replace_schema_metadata(None), note)
        if kind.startswith("pandas."):
            from memo.codecs.frame_reader import Reader  # noqa: PLC0415 - it loads pandas

            return Reader(data).value(table, note)
    except Explained:
        raise
    except Exception as error:  # pyarrow and pandas have errors of many kinds for what makes no sense
        raise malformed(f"{type(error).__name__}: {error}") from error
    raise malformed(f"a {kind}")


def pyarrow() -> Any:
    """Return pyarrow.

    Raises:
        CodecError: It is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - only where a value needs it
        import pyarrow.ipc  # noqa: PLC0415 - likewise
    except ImportError as error:
        raise CodecError(
            "arrow: expected the package pyarrow, which is not installed", "pip install 'cas-memo[arrow]'"
        ) from error
    return pa


def note_bytes(note: dict[str, Any], root: str) -> bytes:
    """Return the form of what a table's columns do not say.

    Raises:
        CodecError: Something in it has no form; the message names it.
    """
    return b"".join(map(bytes, form_of(note, PlaceWriter(Places(), "arrow"), "arrow", root)))


def read_note(data: bytes) -> Any:
    """Return what `note_bytes` wrote."""
    return read_form(data, no_children)


def file_of(arrays: list[Any], names: list[str]) -> bytes:
    """Return columns of one length as an Arrow file without a note."""
    pa = pyarrow()
    return b"".join(_write(pa.Table.from_arrays(arrays, names=names)))


def columns_of(data: bytes) -> list[Any]:
    """Return the columns of an Arrow file; extension types in it were refused with the file around it."""
    pa = pyarrow()
    check_batches(data)
    table = pa.ipc.open_file(pa.py_buffer(data)).read_all()
    table.validate(full=True)
    return [whole(column) for column in table.columns]


def whole(column: Any) -> Any:
    """Return a column in one piece."""
    pa = pyarrow()
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _note_of(table: Any) -> tuple[dict[str, Any], Any]:
    """Return the note, and the metadata without it."""
    metadata = dict(table.schema.metadata or {})
    note = read_note(metadata.pop(NOTE))
    return note, None if note.get("bare") else metadata


class _Parts:
    """A file that keeps what is written into it: the columns' own buffers, not copied."""

    closed = False

    def __init__(self) -> None:
        self.parts: list[memoryview] = []
        self.size = 0

    def write(self, data: Any) -> None:
        """Keep a buffer."""
        self.parts.append(memoryview(data).cast("B"))
        self.size += self.parts[-1].nbytes

    def tell(self) -> int:
        """Return how much was written."""
        return self.size

    def flush(self) -> None:
        """Do nothing: what is kept is kept."""

    def close(self) -> None:
        """Do nothing."""


def _write(table: Any) -> list[memoryview]:
    pa = pyarrow()
    sink = _Parts()
    try:
        with (
            pa.PythonFile(sink, "w") as file,
            pa.ipc.new_file(file, table.schema, options=pa.ipc.IpcWriteOptions(compression=None)) as writer,
        ):
            if table.num_rows:
                writer.write_table(table)
            elif table.num_columns:  # a table of no rows is written as no batch, and its dictionaries are lost
                writer.write_batch(_batch_of(table))
    except pa.ArrowException as error:
        raise CodecError(f"arrow: value: expected a table that Arrow files hold, got {error}", "use pickle") from error
    return sink.parts


def _batch_of(table: Any) -> Any:
    """Return a table as one batch."""
    pa = pyarrow()
    columns = [whole(column) if column.num_chunks else pa.nulls(0, column.type) for column in table.columns]
    return pa.RecordBatch.from_arrays(columns, schema=table.schema)


def _polars_of(table: Any, note: dict[str, Any]) -> Any:
    try:
        import polars as pl  # noqa: PLC0415 - only where a value needs it
    except ImportError as error:
        raise CodecError("arrow: expected the package polars, which is not installed", "pip install polars") from error
    try:
        frame: Any = pl.from_arrow(table)
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # no Exception, and yet no wish to stop the process
            raise malformed(f"what polars cannot read: {error}") from error
        raise
    frame.columns = note["names"]  # an empty name becomes another on the way
    return frame.to_series(0) if note["kind"] == "polars.Series" else frame


def _summary(value: Any) -> str:
    """Return type, shape and columns in one short line."""
    kind = type(value)
    columns = getattr(value, "columns", None) if kind.__module__.partition(".")[0] != "pyarrow" else None
    if hasattr(value, "schema") and columns is None:
        columns = value.schema.names
    shape = "x".join(str(length) for length in getattr(value, "shape", (len(value),)))
    if columns is None:
        return f"{kind.__name__} {shape} {getattr(value, 'dtype', None) or value.type}"[:80]
    text = f"{kind.__name__} {shape}: {', '.join(str(column) for column in list(columns)[:40])}"
    return text if len(text) <= 80 else text[:79] + "…"
