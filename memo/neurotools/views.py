"""Views: the file at a location of neurotools that shows the result of an entry, for people and other programs.

Owns what such a file holds, how it comes into place whole (I1), and how it is told from a file that the original
wrote, which is never written over. Nothing is ever read back from a view: the result is in the store.
"""

from __future__ import annotations

import os
import pickle
import struct
from collections import namedtuple
from contextlib import suppress
from typing import TYPE_CHECKING

import cas
from cas.blob import BlobFile
from memo.codecs import by_name, choose
from memo.errors import CodecError
from memo.neurotools.originals.files import VIEW_MARK, is_original

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from cas import Store
    from cas.entry import Parts
    from cas.store import Fetched
    from memo.codecs import OpenBlob, Write

    Stamp = tuple[int, int, int]
    """Size, time of the last modification in nanoseconds, inode: what a file looked like when it was written."""

METHODS = ("npy", "mat", "pickle", "hdf5")
"""The methods of `disk_cacher`, which are the endings of its files."""

# The methods whose files are the very bytes of a codec.
_CODECS = {"npy": "npy/1", "mat": "mat/1", "hdf5": "hdf5/1"}
_NOTE = struct.Struct(">32s32s?3Q")


def stamp_of(path: str) -> Stamp | None:
    """Return what the file at a path looks like; None if there is none."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


class Note(namedtuple("Note", "key digest is_own stamp")):
    """What is known of a view: its entry's call key and root digest, whether the entry was here, and its stamp."""

    __slots__ = ()


class Preferred:
    """The codec of one result: that of a method, or the safest one if the method has nothing for some part of it.

    Args:
        method: Of `METHODS`.
        say: Told what is in the way.
        value: The result.
    """

    def __init__(self, method: str, say: Callable[[CodecError], None], value: object) -> None:
        self.name = _CODECS[method]
        self._say = say

    def takes(self, value: object) -> bool:
        """Return True: one of the two takes it."""
        return True

    def encode(self, value: object, write: Write) -> tuple[Parts, str]:
        """Return the parts of the root blob and a summary, and settle the name."""
        try:
            return by_name(self.name).encode(value, write)
        except CodecError as error:
            self._say(error)
            exact = choose(value)
            self.name = exact.name
            return exact.encode(value, write)

    def decode(self, body: bytes | BlobFile, open_blob: OpenBlob) -> object:
        """Return a fresh value."""
        return by_name(self.name).decode(body, open_blob)


class Views:
    """The views of one cache root.

    Args:
        root: The folder that they stand below.
        store: Where its entries are, and notes of what each view looked like when it was written. Notes only save
            time (I8): without one a view is written again, and its absence does not mean that somebody removed it.
    """

    def __init__(self, root: str, store: Store) -> None:
        self.root = root
        self.store = store

    def note(self, path: str) -> Note | None:
        """Return what is known of the view that was last written at a path."""
        body = self.store.recall(self._name(path))
        if not body or len(body) != _NOTE.size:
            return None
        key, digest, is_own, *stamp = _NOTE.unpack(body)
        return Note(key, digest, is_own, (stamp[0], stamp[1], stamp[2]))

    def was_removed(self, path: str, key: bytes) -> bool:
        """Return whether the view of a call was written, and somebody removed it since."""
        if stamp_of(path) is not None:
            return False
        note = self.note(path)
        return note is not None and note.key == key

    def show(self, path: str, key: bytes, value: object, source: Store, anew: bool = False) -> Stamp | None:
        """Make sure that the file at a path shows the entry of a call; return what it looks like, None if none does.

        A file of the original stays as it is.

        Args:
            path: Where it is to stand.
            key: The call key.
            value: The result.
            source: A store that has the entry; it may be on its way to this one.
            anew: Write it also if it seems to be there: the entry has just been stored.

        Raises:
            OSError: It could not be written.
            CodecError: Its form has nothing for some part of the value.
        """
        mine = self.store.fetch(key) if path and self.store is not source else None
        fetched = mine or (source.fetch(key) if path else None)
        if fetched is None:
            return None
        is_own = mine is not None or self.store is source
        now, note = stamp_of(path), self.note(path)
        if now is not None:
            is_there = not anew and note is not None and (note.key, note.digest, note.stamp) == (key, fetched[1], now)
            # One that was made before its entry came here is made once more, as another name of the blob.
            if (is_there and note is not None and note.is_own >= is_own) or is_original(path):
                return now
        stamp = self._write(path, fetched, value, self.store if is_own else source)
        self.store.remember(self._name(path), _NOTE.pack(key, fetched[1], is_own, *stamp))
        return stamp

    def forget(self, path: str) -> None:
        """Remove the view at a path, and what is known of it; a file of the original stays."""
        if self.note(path) is not None:
            self.store.remember(self._name(path), b"")
        if not is_original(path):
            with suppress(FileNotFoundError, NotADirectoryError):
                os.unlink(path)

    def sweep(self, folder: str, source: Store) -> None:
        """Remove the views below a folder whose entries are gone, as after `cas gc`: they keep disk space for nothing.

        Args:
            folder: Files that stand there without being views are left alone.
            source: The store that would have the entries.
        """
        for place, _, names in os.walk(folder):
            for path in (os.path.join(place, name) for name in names):
                note = self.note(path)
                if note is not None and note.stamp == stamp_of(path) and source.created(note.key) is None:
                    self.forget(path)

    def _name(self, path: str) -> bytes:
        # Relative, so that a cache that is moved as a whole keeps them.
        return b"view\0" + os.fsencode(path.removeprefix(self.root + os.sep))

    def _write(self, path: str, fetched: Fetched, value: object, source: Store) -> Stamp:
        method = path.rpartition(".")[2]
        codec, digest, data, *_ = fetched
        if codec != _CODECS.get(method):
            return self._settle(path, lambda temporary: _save(temporary, _writing(method, value)))
        if data is not None:
            return self._settle(path, lambda temporary: _save(temporary, lambda file: file.write(data)))
        blob = source.open_blob(digest)
        stamp = self._settle(path, lambda temporary: _link(blob, temporary))
        with suppress(cas.CasError):
            source.open_blob(digest)  # a link is a change of the inode: the next hit would hash the file again
        return stamp

    def _settle(self, path: str, make: Callable[[str], None]) -> Stamp:
        """Give a new file its name once it is complete, so that nobody ever sees a part of it (I1)."""
        folder = os.path.dirname(path)
        os.makedirs(folder, exist_ok=True)
        # Where `cas fsck` looks for what killed processes left.
        aside = os.path.join(self.store.location, "temporary")
        name = f"{os.getpid()}-{os.urandom(8).hex()}"
        temporary = os.path.join(aside if os.path.isdir(aside) else folder, name)
        try:
            make(temporary)
            stamp = stamp_of(temporary)
            os.replace(temporary, path)
        finally:
            # Renaming one of two names of a file onto the other leaves both, and says nothing.
            with suppress(FileNotFoundError):
                os.unlink(temporary)
        return stamp or (0, 0, 0)


def _writing(method: str, value: object) -> Callable[[BinaryIO], object]:
    """Return what writes a value as files of a method hold it."""
    if method == "npy":
        from memo.neurotools.likeness import write_likeness  # noqa: PLC0415 - it loads numpy

        return lambda file: write_likeness(file, value)
    if method == "pickle":
        return lambda file: _pickle(file, value)
    parts, _ = by_name(_CODECS[method]).encode(value, _refuse)
    return lambda file: file.writelines(parts)


def _pickle(file: BinaryIO, value: object) -> None:
    file.write(VIEW_MARK)
    try:
        pickle.dump(value, file, protocol=5)
    except OSError:
        raise
    except Exception as error:  # the classes' own code runs here and may raise anything
        raise CodecError(f"pickle: {error}", "the result is in the store all the same") from error


def _refuse(parts: Parts) -> bytes:
    raise CodecError("expected one file, got a value of several")


def _save(path: str, write: Callable[[BinaryIO], object]) -> None:
    with open(path, "xb") as file:
        write(file)


def _link(blob: BlobFile, path: str) -> None:
    """Make a file another name of a blob, which takes no space; or a copy where that cannot be, or could be written."""
    try:
        if not os.stat(blob.path).st_mode & 0o222:
            os.link(blob.path, path)
            return
    except OSError:
        pass  # another file system, or one without links
    import shutil  # noqa: PLC0415 - seldom

    shutil.copyfile(blob.path, path)
