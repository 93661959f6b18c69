"""`cas get`: a stored result as plain files, or on stdout."""

from __future__ import annotations

import math
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from cas.cli.options import open_store, store_option
from cas.cli.output import json_text
from cas.errors import ConflictError, IntegrityError, InvalidInputError, StorageError
from cas.lookup import find_entry
from cas.tree import Array, nested, read_tree, tree_json

if TYPE_CHECKING:
    from cas.entry import Entry
    from cas.store import Store

# More than this is no reading matter; it belongs in a file.
_PRINTED_ELEMENTS = 1000
_CHUNK = 4 << 20
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

    An array is a .npy file. Other values are JSON if PATH ends in .json; else PATH is a folder, with tree.json and
    a .npy file for each array. Nothing that is stored is executed: a pickle comes out as bytes only, with --raw.
    """
    store = open_store(location)
    source = _Source(store, find_entry(store, entry))
    target = None if output is None else _Target(output, force)
    kind = "raw" if raw else source.entry.codec.partition("/")[0]
    if target is not None:
        target.check()
    if kind == "tree":
        try:
            _get_tree(source, target)
        except RecursionError:
            raise InvalidInputError(
                "the result is nested too deeply for JSON", "write its stored bytes with --raw"
            ) from None
    elif kind in ("raw", "npy"):
        _get_bytes(source, target)
    else:
        raise InvalidInputError(
            f"the result is stored as {source.entry.codec}, which only Python can read",
            f"call {source.entry.function.name} in Python, or write the bytes as they are with --raw",
        )


class _Source(NamedTuple):
    """The entry whose result is wanted, and its store."""

    store: Store
    entry: Entry

    def root(self) -> bytes | str:
        """Return the verified root blob: its bytes, or the path of its file."""
        found = self.store.fetch(self.entry.key)
        if found is None:
            raise IntegrityError(f"the entry {self.entry.key.hex()} is gone", "another process removed it")
        return found[2] if found[2] is not None else self.store.open_blob(found[1]).path

    def body(self) -> bytes:
        """Return the bytes of the verified root blob."""
        root = self.root()
        if isinstance(root, bytes):
            return root
        with open(root, "rb") as file:
            return file.read()


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


def _get_bytes(source: _Source, target: _Target | None) -> None:
    """Write the root blob as it is; that of the npy codec is a plain `.npy` file."""
    root = source.root()
    if target is not None:
        target.write(root)
        return
    if sys.stdout.isatty():
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

    def written(array: Array) -> Any:
        if target is None and _elements(array) > _PRINTED_ELEMENTS:
            raise InvalidInputError(
                f"the result holds an array of {_elements(array):,} elements, too many to print",
                "write it with -o: out.json, or a folder",
            )
        return nested(array, source.store.open_blob)

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
        target.write(_npy(source.store, value))
    else:
        _write_folder(source.store, value, target)


def _write_folder(store: Store, value: Any, target: _Target) -> None:
    """Write tree.json and the arrays beside it; an array that stands in several places is one file."""
    folder = f"{target.path.rstrip('/')}.{os.getpid()}.part"
    names: dict[bytes, str] = {}
    written: list[str] = []

    def write(array: Array) -> Any:
        name = names.get(array.digest) if array.digest else None
        if name is None:
            name = f"{len(written)}.npy"
            _write_whole(os.path.join(folder, name), _npy(store, array))
            written.append(name)
            names[array.digest] = name
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


def _npy(store: Store, array: Array) -> bytes | str:
    """Return the `.npy` form of an array: its bytes, or the path of the blob that is one."""
    return store.open_blob(array.digest).path if array.digest else array.npy()


def _elements(array: Array) -> int:
    return math.prod(array.shape)


def _json(value: Any) -> str:
    text = json_text(value)
    # Indented, an array would take a line for each number.
    return (json_text(value, indent=2) if len(text) < _INDENTED else text) + "\n"
