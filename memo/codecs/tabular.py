"""Which values are tables or columns of pandas, polars or pyarrow, and how they become one Arrow table with a note.

Owns what the codec `arrow` takes; what would not come back exactly is refused by its name. Nothing here is needed to
read.
"""

from __future__ import annotations

import sys

from memo.codecs.arrow import NOTE, note_bytes, pyarrow
from memo.codecs.ipc import check_extensions
from memo.codecs.summary import summarize
from memo.errors import CodecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def table_of(value: object) -> Any:
    """Return a value as an Arrow table with a note."""
    kind = type(value)
    home = str(kind.__module__).partition(".")[0]
    find = _TABLES.get(home)
    if find is None or not _is_of(sys.modules.get(home), kind):
        raise CodecError(
            f"arrow: value: expected a table or a column of pandas, polars or pyarrow, got {summarize(value)}",
            'ask for codec="auto"',
        )
    return _noted(*find(value, f"{home}.{kind.__name__}"))


def _is_of(module: Any, kind: type) -> bool:
    """Return whether a class is one that a library shows."""
    return any(getattr(place, kind.__name__, None) is kind for place in (module, getattr(module, "arrays", None)))


def _pandas_apart(value: Any, title: str) -> tuple[Any, dict[str, Any]]:
    pd: Any = sys.modules["pandas"]
    if not isinstance(value, (pd.DataFrame, pd.Series, pd.Index, pd.api.extensions.ExtensionArray)):
        raise _no_table(title)
    pyarrow()
    from memo.codecs.frames import Writer  # noqa: PLC0415 - it loads pandas

    return Writer().table(value) if isinstance(value, (pd.DataFrame, pd.Series)) else Writer().lone(value)


def _arrow_apart(value: Any, title: str) -> tuple[Any, dict[str, Any]]:
    pa = pyarrow()
    if isinstance(value, pa.Array):
        return pa.Table.from_arrays([_one_dictionary(pa.chunked_array([value]))], ["value"]), {"kind": "pyarrow.Array"}
    if isinstance(value, pa.ChunkedArray):
        if value.num_chunks != 1 and not (value.num_chunks and all(map(len, value.chunks))):
            raise CodecError("arrow: value: expected chunks that are not empty", "use value.combine_chunks()")
        return pa.Table.from_arrays([_one_dictionary(value)], ["value"]), {"kind": title}
    if not isinstance(value, (pa.Table, pa.RecordBatch)):
        raise _no_table(title)
    table: Any = value if isinstance(value, pa.Table) else pa.Table.from_batches([value])
    if NOTE in (table.schema.metadata or {}):
        raise CodecError("arrow: value.schema.metadata: expected no key b'memo', which is memo's own", "rename it")
    for column in table.columns:
        _one_dictionary(column)
    return table, {"kind": title, "bare": table.schema.metadata is None}


def _no_table(title: str) -> CodecError:
    return CodecError(f"arrow: value: expected a table or a column, got a {title}", 'ask for codec="auto"')


def _one_dictionary(column: Any) -> Any:
    """Return a column.

    Raises:
        CodecError: Its chunks have several dictionaries.
    """
    if _has_several_dictionaries(column):
        raise CodecError("arrow: value: expected one dictionary for all chunks of a column", "unify its dictionaries")
    return column


def _has_several_dictionaries(column: Any) -> bool:
    if not hasattr(column.type, "index_type") or column.num_chunks < 2:
        return False
    first = column.chunk(0).dictionary
    return not all(chunk.dictionary.equals(first) for chunk in column.chunks)


def _noted(table: Any, note: dict[str, Any]) -> Any:
    metadata = {**(table.schema.metadata or {}), NOTE: note_bytes(note, "value")}
    table = table.replace_schema_metadata(metadata)
    check_extensions(bytes(table.schema.serialize()))
    return table


def _polars_apart(value: Any, title: str) -> tuple[Any, dict[str, Any]]:
    """Return the table of a DataFrame or Series of polars, and its note."""
    if title not in ("polars.DataFrame", "polars.Series"):
        raise _no_table(title)
    pyarrow()
    pl = sys.modules["polars"]
    frame = value.to_frame() if title == "polars.Series" else value
    if not frame.width and frame.height:
        raise CodecError("arrow: value: expected columns, got rows without any", "return their number")
    if any("\0" in name for name in frame.columns):  # where polars panics
        raise CodecError("arrow: value: expected names that Arrow has, got one with a zero character", "rename it")
    try:
        table = frame.rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
        back = pl.from_arrow(table)
    except BaseException as error:  # polars has errors of many kinds for what Arrow does not have
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise  # somebody wants the process to stop
        raise CodecError(f"arrow: value: expected columns that Arrow has, got {error}", "use pickle") from error
    for (column, dtype), kept in zip(frame.schema.items(), back.dtypes, strict=True):
        if kept != dtype:
            raise CodecError(f'arrow: value["{column}"]: expected a dtype that Arrow has, got {dtype}', "use pickle")
    return table.replace_schema_metadata(None), {"kind": title, "names": frame.columns}


_TABLES: dict[str, Any] = {"pandas": _pandas_apart, "polars": _polars_apart, "pyarrow": _arrow_apart}
