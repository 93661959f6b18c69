"""Code object → what it is, told apart from where it stands: its digest, its references, its source.

The running code object is the truth. Source text is a translation table, made by compiling the text: it says which
syntax tree (and so which digest, the same under every Python) belongs to a given bytecode. Code that no text explains,
because the file was edited since or never existed, is named by its bytecode and the version of Python. Keeps I5, I8.
"""

from __future__ import annotations

import os
import sys
from types import FunctionType

from cas.digest import digest
from memo.fingerprint.bytecode import bytecode_digest
from memo.fingerprint.text import settled_text, source_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any, Protocol

    from memo.fingerprint.references import References

    class TableCache(Protocol):
        """Bytes kept between processes; losing them loses time only (I8)."""

        def get(self, key: bytes) -> bytes | None:
            """Return what was put under `key`, or None."""

        def put(self, key: bytes, value: bytes) -> None:
            """Keep `value` under `key`."""


TABLE_VERSION = b"memo/table/7"
PYTHON = f"{sys.implementation.cache_tag}-{sys.hexversion:x}-{sys.flags.optimize}"
# The `from __future__` switches that a function inherits, such as those of a notebook's session.
FUTURE_FLAGS = 0x1FE0000


class Local:
    """What one code object is by itself.

    Attributes:
        digest: Of its syntax tree, or of its bytecode if no text explains it.
        documented: Digest of the docstrings in it.
        annotated: Digest of the annotations of the functions and classes inside it.
        references: What it names.
        text: The source text of its file; None if none explains it.
        lines: First and last line in `text`.
    """

    __slots__ = ("annotated", "digest", "documented", "lines", "references", "text")

    def __init__(
        self, digest: bytes, read: tuple[bytes, bytes], references: References, text: str | None, lines: tuple[int, int]
    ) -> None:
        self.digest = digest
        self.documented, self.annotated = read
        self.references = references
        self.text = text
        self.lines = lines

    @property
    def source(self) -> str | None:
        """The lines it was written as, if they are known."""
        if self.text is None:
            return None
        first, last = self.lines
        return "\n".join(self.text.splitlines()[first - 1 : last])


class Statement:
    """A statement that runs when a module is loaded; see `memo.fingerprint.statements`."""

    __slots__ = ("attributes", "digest", "imports", "loads", "scope", "source", "touched")

    def __init__(self, row: Any, lines: list[str]) -> None:
        self.scope: str = row[0]
        self.digest: bytes = row[1]
        self.touched: frozenset[str] = frozenset(row[2])
        self.loads: list[tuple[str, ...]] = [tuple(chain) for chain in row[3]]
        self.attributes: list[str] = row[4]
        self.imports: list[tuple[int, str, str, str]] = row[5]
        self.source = "\n".join(lines[row[6] - 1 : row[7]])


class MemoryCache:
    """The table cache of a process that has no better one."""

    def __init__(self) -> None:
        self._kept: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes | None:
        """Return what was put under `key`, or None."""
        return self._kept.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        """Keep `value` under `key`."""
        self._kept[key] = value


table_cache: TableCache = MemoryCache()
_tables: dict[tuple[str, int], dict[bytes, list[object]]] = {}
_statements: dict[str, list[Statement]] = {}
_locals: dict[int, tuple[CodeType, Local]] = {}


def local(function: FunctionType) -> Local:
    """Return what a function's code is, read once for each code object."""
    code = function.__code__
    known = _locals.get(id(code))
    if known is not None and known[0] is code:
        return known[1]
    found = _describe(code, source_text(code, function.__globals__))
    _locals[id(code)] = code, found
    return found


def _describe(code: CodeType, text: str | None) -> Local:
    # Lazy: `opcode` and its tables serve only functions that have no fingerprint yet.
    from memo.fingerprint.references import References, references  # noqa: PLC0415

    bytecode = bytecode_digest(code)
    row = _table(text, code.co_flags & FUTURE_FLAGS).get(bytecode) if text is not None else None
    if row is None:
        tagged = digest(b"bytecode\0" + PYTHON.encode() + b"\0" + bytecode)
        return Local(tagged, (b"", b""), references(code), None, (0, 0))
    tree, documented, annotated, first, last, packed = row
    return Local(tree, (documented, annotated), References.unpack(packed), text, (first, last))  # type: ignore[arg-type]


def rows_of(space: dict[str, Any]) -> list[Statement] | None:
    """Return the statements that a module was loaded with; None if no text is sure to be the one that was loaded."""
    path = space.get("__file__")
    text = settled_text(path) if isinstance(path, str) else None
    if text is None:
        return None
    own = os.path.basename(str(path))
    for value in list(space.values()):
        if type(value) is not FunctionType or value.__globals__ is not space:
            continue
        if os.path.basename(value.__code__.co_filename) == own and local(value).text != text:
            return None
    if text not in _statements:
        lines = text.splitlines()
        _statements[text] = [Statement(row, lines) for row in _kept(b"statements/1", text, 0, _parse_statements)]
    return _statements[text]


def _parse_statements(text: str, flags: int) -> Any:
    from memo.fingerprint.statements import statements  # noqa: PLC0415 - loads `ast`; see `_parse_table`

    return statements(text)


def _table(text: str, flags: int) -> dict[bytes, list[object]]:
    table = _tables.get((text, flags))
    if table is None:
        table = _tables[text, flags] = _load_table(text, flags)
    return table


def _load_table(text: str, flags: int) -> dict[bytes, list[object]]:
    table: dict[bytes, list[object]] = _kept(TABLE_VERSION, text, flags, _parse_table)
    return table


def _parse_table(text: str, flags: int) -> Any:
    # Lazy: parsing loads `ast`, 7 ms, which a process whose tables are kept never needs.
    from memo.fingerprint.syntax import translate  # noqa: PLC0415

    return translate(text, flags)


def _kept(version: bytes, text: str, flags: int, parse: Callable[[str, int], Any]) -> Any:
    """Return what is known of a text, kept from an earlier process or made now."""
    from msgpack import packb, unpackb  # noqa: PLC0415 - once for each file

    encoded = text.encode("utf-8", "surrogatepass")
    key = digest(b"\0".join((version, PYTHON.encode(), b"%x" % flags, encoded)))
    kept = table_cache.get(key)
    # A damaged table is one to make again: a name missing in it would be a dependency missed.
    if kept is not None and digest(kept[32:]) == kept[:32]:
        return unpackb(kept[32:], strict_map_key=False)
    packed = packb(parse(text, flags))
    table_cache.put(key, digest(packed) + packed)
    # Unpacked anew, so that the first process sees the same lists as the later ones.
    return unpackb(packed, strict_map_key=False)
