"""`cas get`: a stored result as plain files, or on stdout."""

from __future__ import annotations

import io
import math
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import click

from cas.cli.options import open_store, store_option
from cas.cli.output import json_text
from cas.errors import ConflictError, IntegrityError, InvalidInputError, StorageError
from cas.lookup import find_entry
from cas.tree import Array, Child, nested, read_tree, tree_json

if TYPE_CHECKING:
    from cas.entry import Entry
    from cas.store import Store

# More than this is no reading matter; it belongs in a file.
_PRINTED_ELEMENTS = 1000
_CHUNK = 4 << 20
# Codecs whose bytes are a plain file of their own kind, and those that a person can read.
_TEXTS = ("text", "json")
_FILES = ("npy", "mat", "hdf5", "arrow", *_TEXTS)
_ENDINGS = {"arrow/1": ".arrow"}
_COMPRESSED = "+zstd"
# JSON of more characters stands on one line.
_INDENTED = 4000


@click.command("get")
@click.argument("entry")
@click.option("-o", "--output", metavar="PATH", help="Where to: out.npy, out.json, or a folder.")
@click.option("--force", is_flag=True, help="Overwrite what is there.")
@click.option("--raw", is_flag=True, help="Write the stored bytes as they are.")
@store_option
def get_command(entry: str, output: str | None, force: bool, raw: bool, location: str | None) -> None:
    """Write the result of ENTRY to PATH, or to stdout.

    An array is a .npy file; what is stored as mat, hdf5, arrow (Feather), text or json is a file of that kind. Other
    values are JSON if PATH ends in .json; else PATH is a folder, with tree.json and a .npy file for each array.
    Nothing that is stored is executed: a pickle comes out as bytes only, with --raw.
    """
    store = open_store(location)
    source = _Source(store, find_entry(store, entry))
    target = None if output is None else _Target(output, force)
    kind = "raw" if raw else source.codec.partition("/")[0]
    if target is not None:
        target.check()
    if kind in ("tree", "sparse"):
        try:
            _get_tree(source, target)
        except RecursionError:
            raise InvalidInputError(
                "the result is nested too deeply for JSON", "write its stored bytes with --raw"
            ) from None
    elif kind == "raw":
        _get_bytes(source.root(), target)
    elif kind in _FILES:
        _get_bytes(source.unpacked(source.root()), target, kind in _TEXTS)
    else:
        raise InvalidInputError(
            f"the result is stored as {source.entry.codec}, which only Python can read",
            f"call {source.entry.function.name} in Python, or write the bytes as they are with --raw",
        )


class _Source(NamedTuple):
    """The entry whose result is wanted, and its store."""

    store: Store
    entry: Entry

    @property
    def codec(self) -> str:
        """The codec, whether its bytes are compressed or not."""
        return self.entry.codec.removesuffix(_COMPRESSED)

    def root(self) -> bytes | str:
        """Return the verified root blob: its bytes, or the path of its file."""
        found = self.store.fetch(self.entry.key)
        if found is None:
            raise IntegrityError(f"the entry {self.entry.key.hex()} is gone", "another process removed it")
        return found[2] if found[2] is not None else self.store.open_blob(found[1]).path

    def body(self) -> bytes:
        """Return the bytes of the verified root blob, as the codec made them."""
        root = self.unpacked(self.root())
        return root if isinstance(root, bytes) else _read(root)

    def child(self, digest: bytes) -> bytes | str:
        """Return a verified child blob, as the codec made it: its bytes, or the path of its file."""
        return self.unpacked(self.store.open_blob(digest).path)

    def open_child(self, digest: bytes) -> BinaryIO:
        """Return a child blob to be read."""
        child = self.child(digest)
        return io.BytesIO(child) if isinstance(child, bytes) else open(child, "rb")

    def unpacked(self, blob: bytes | str) -> bytes | str:
        """Return a blob as the codec made it, before it was compressed."""
        if not self.entry.codec.endswith(_COMPRESSED):
            return blob
        try:
            import zstandard  # noqa: PLC0415 - only for what is compressed
        except ImportError:
            raise InvalidInputError(
                "the result is compressed, and the package zstandard is not installed", "pip install 'cas-memo[zstd]'"
            ) from None
        frame = blob if isinstance(blob, bytes) else _read(blob)
        try:
            content: bytes = zstandard.ZstdDecompressor().decompress(frame)
        except zstandard.ZstdError as error:
            raise IntegrityError(
                f"expected a Zstandard frame, found something else: {error}", "run `cas fsck`"
            ) from error
        return content


class _Target(NamedTuple):
    """Where a result goes: files appear there whole or not at all."""

    path: str
    force: bool

    def check(self) -> None:
        """Refuse to overwrite, before anything is read."""
        if os.path.lexists(self.path) and not self.force:
            raise ConflictError(f"{self.path} exists", "name another path, or overwrite it with --force")

    def write(self, content: bytes | str) -> None:
        """Write bytes, or a copy of the file at a path."""
        if os.path.isdir(self.path):
            raise InvalidInputError(f"expected a file to write, found the folder {self.path}", "add a file name")
        try:
            _write_whole(self.path, content)
        except OSError as error:
            raise self.failure(error) from error

    def failure(self, error: OSError) -> StorageError:
        """Return the error that tells a person why nothing was written."""
        where = error.filename or self.path
        return StorageError(
            f"cannot write {where}: {error.strerror}", "name a path that can be written", error.errno, where
        )


def _write_whole(path: str, content: bytes | str) -> None:
    temporary = f"{path}.{os.getpid()}.part"
    try:
        if isinstance(content, bytes):
            with open(temporary, "xb") as file:
                file.write(content)
        else:
            shutil.copyfile(content, temporary)
        os.replace(temporary, path)
    except BaseException:
        if os.path.lexists(temporary):
            os.unlink(temporary)
        raise


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _get_bytes(root: bytes | str, target: _Target | None, readable: bool = False) -> None:
    """Write a blob as it is; that of most codecs is a plain file of its kind."""
    if target is not None:
        target.write(root)
        return
    if sys.stdout.isatty() and not readable:
        raise InvalidInputError("the result is binary, which a terminal cannot show", "name a file with -o PATH")
    stdout = sys.stdout.buffer
    if isinstance(root, bytes):
        stdout.write(root)
        return
    with open(root, "rb") as file:
        shutil.copyfileobj(file, stdout, _CHUNK)


def _get_tree(source: _Source, target: _Target | None) -> None:
    """Write a tree as JSON, as one array, or as a folder, whatever the path says."""
    value = read_tree(source.body())

    def written(array: Array | Child) -> Any:
        if isinstance(array, Child):
            return {"codec": array.codec, "summary": array.summary}
        if target is None and _elements(array) > _PRINTED_ELEMENTS:
            raise InvalidInputError(
                f"the result holds an array of {_elements(array):,} elements, too many to print",
                "write it with -o: out.json, or a folder",
            )
        return nested(array, source.open_child)

    if target is None:
        click.echo(_json(tree_json(value, written)), nl=False)
    elif target.path.endswith(".json"):
        target.write(_json(tree_json(value, written)).encode("utf-8", "backslashreplace"))
    elif target.path.endswith(".npy"):
        if not isinstance(value, Array):
            raise InvalidInputError(
                f"expected a result that is one array, found {source.entry.summary}",
                "end PATH in .json, or name a folder: it gets tree.json and a .npy file for each array",
            )
        target.write(_blob_of(source, value))
    else:
        _write_folder(source, value, target)


def _write_folder(source: _Source, value: Any, target: _Target) -> None:
    """Write tree.json and the arrays beside it; an array that stands in several places is one file."""
    folder = f"{target.path.rstrip('/')}.{os.getpid()}.part"
    names: dict[bytes, str] = {}
    written: list[str] = []

    def write(array: Array | Child) -> Any:
        name = names.get(array.digest) if array.digest else None
        if name is None:
            ending = _ENDINGS.get(array.codec, ".bin") if isinstance(array, Child) else ".npy"
            name = f"{len(written)}{ending}"
            _write_whole(os.path.join(folder, name), _blob_of(source, array))
            written.append(name)
            names[array.digest] = name
        if isinstance(array, Child):
            return {"file": name, "codec": array.codec, "summary": array.summary}
        return {"npy": name, "dtype": array.dtype, "shape": list(array.shape)}

    try:
        os.mkdir(folder)
        _write_whole(
            os.path.join(folder, "tree.json"), _json(tree_json(value, write)).encode("utf-8", "backslashreplace")
        )
        _put_in_place(folder, target.path)
    except OSError as error:
        raise target.failure(error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _put_in_place(folder: str, path: str) -> None:
    """Give a complete folder its name; where one stands already, its files are replaced one by one."""
    if not os.path.isdir(path):
        os.replace(folder, path)
        return
    for name in sorted(os.listdir(folder)):
        os.replace(os.path.join(folder, name), os.path.join(path, name))


def _blob_of(source: _Source, part: Array | Child) -> bytes | str:
    """Return a part of a tree as a file of its own: its bytes, or the path of the blob that is one."""
    if part.digest:
        return source.child(part.digest)
    return part.content if isinstance(part, Child) else part.npy()


def _elements(array: Array) -> int:
    return math.prod(array.shape)


def _json(value: Any) -> str:
    text = json_text(value)
    # Indented, an array would take a line for each number.
    return (json_text(value, indent=2) if len(text) < _INDENTED else text) + "\n"
