"""A bucket over obstore: the memory of this process now, any object store that obstore speaks to.

obstore is imported only here, and only when such a store is opened.
A forked child has a copy of a memory as it was; what either writes then, the other does not see.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from typing import TYPE_CHECKING, Any

from cas.errors import InvalidInputError, ReadOnlyError, StorageError
from cas.objects.bucket import Seen
from cas.objects.layout import TEMPORARY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager


def memory() -> Any:
    """Return a new obstore store in memory.

    Raises:
        InvalidInputError: obstore is not installed.
    """
    return _obstore().store.MemoryStore()


class RemoteBucket:
    """The objects of one obstore store."""

    def __init__(self, location: str, objects: Any) -> None:
        self.location = location
        self._objects = objects
        self._errors = _obstore().exceptions
        self._copies = ""
        self._copied: dict[str, tuple[Seen, object]] = {}
        self._copying = threading.Lock()

    # Reading

    def get(self, name: str) -> bytes | None:
        """Return an object's bytes; None if there is none."""
        with self._explained("read", name):
            try:
                return bytes(self._objects.get(name).bytes())
            except FileNotFoundError:
                return None

    def look(self, name: str) -> Seen | None:
        """Return what an object looks like; None if there is none."""
        with self._explained("read", name):
            try:
                found = self._objects.head(name)
            except FileNotFoundError:
                return None
            return _seen(found)

    def names(self, prefix: str) -> Iterator[str]:
        """Yield the names below a prefix, in order."""
        with self._explained("list", prefix):
            # All at once: what a caller does between two of them must not hold up writers of a memory.
            found = [entry["path"] for chunk in self._objects.list(prefix or None) for entry in chunk]
        yield from sorted(name for name in found if name.startswith(prefix))

    def file(self, name: str, seen: Seen, again: bool) -> str:
        """Return a private copy of an object in the temporary folder of this process."""
        with self._copying:
            self._copies = self._copies or tempfile.mkdtemp(prefix="cas-")
            path = os.path.join(self._copies, name.replace("/", "_"))
            if not again and self._copied.get(path) == (seen, _stamp(path)):
                return path
            data = self.get(name)
            if data is None:
                raise FileNotFoundError(path)
            part = f"{path}.part"
            with open(part, "wb") as file:
                file.write(data)
            os.replace(part, path)
            self._copied[path] = seen, _stamp(path)
            return path

    def path(self, name: str) -> str:
        """Return the location of an object."""
        return f"{self.location}/{name}"

    def name(self, path: str) -> str | None:
        """Return the name of the object at a location; None if that is elsewhere."""
        start = f"{self.location}/"
        return path.removeprefix(start) if path.startswith(start) and ".." not in path.split("/") else None

    # Writing

    def put(self, name: str, parts: tuple[memoryview, ...], durable: bool = False) -> None:
        """Store an object; how durably is the object store's own promise."""
        with self._explained("write", name):
            self._objects.put(name, parts[0] if len(parts) == 1 else b"".join(parts))

    def put_all(self, objects: Sequence[tuple[str, tuple[memoryview, ...]]], durable: bool = False) -> None:
        """Store several objects in that order."""
        for name, parts in objects:
            self.put(name, parts, durable)

    def renew(self, name: str) -> Seen | None:
        """Return None: an object gets young only by being put again."""
        return None

    def delete(self, name: str) -> bool:
        """Remove an object; return whether there was one."""
        with self._explained("remove", name):
            if self.look(name) is None:
                return False
            try:
                self._objects.delete(name)
            except FileNotFoundError:
                return False
            return True

    def delete_old(self, name: str, before: float) -> int:
        """Remove an object unless it is younger than `before`; return its size."""
        seen = self.look(name)
        if seen is None or seen.changed > before:
            return 0
        self.delete(name)
        return seen.size

    def move(self, name: str, to: str) -> bool:
        """Give an object another name; False if there is none."""
        with self._explained("move", name):
            try:
                self._objects.rename(name, to)
            except FileNotFoundError:
                return False
            return True

    def aside(self, name: str) -> str:
        """Return a new temporary name for an object, which says what the object is."""
        return f"{TEMPORARY}{os.urandom(8).hex()}.{name.rpartition('/')[2]}"

    def now(self) -> float:
        """Return the time that an object put now gets."""
        probe = f"{TEMPORARY}{os.urandom(8).hex()}"
        self.put(probe, (memoryview(b"now"),))
        seen = self.look(probe)
        self.delete(probe)
        if seen is None:
            raise StorageError(f"{self.path(probe)} vanished as soon as it was put", "check who else removes objects")
        return seen.changed

    def is_leftover(self, name: str) -> bool | None:
        """Return None: nobody can tell who wrote an object."""
        return None

    def forked(self) -> None:
        """Start anew in a child, which leaves its parent's copies to the parent."""
        self._copying = threading.Lock()
        self._copies, self._copied = "", {}

    def close(self) -> None:
        """Remove the copies."""
        with self._copying:
            copies, self._copies, self._copied = self._copies, "", {}
        if copies:
            shutil.rmtree(copies, ignore_errors=True)

    def _explained(self, what: str, name: str) -> AbstractContextManager[None]:
        return _Explained(self._errors, what, self.path(name))


class _Explained:
    """Turns obstore's errors into those of a store."""

    def __init__(self, errors: Any, what: str, path: str) -> None:
        self._errors = errors
        self._what = what
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        said = str(error).partition("\n")[0]  # obstore adds the source of the error, in many lines
        if isinstance(error, (self._errors.PermissionDeniedError, self._errors.UnauthenticatedError, PermissionError)):
            raise ReadOnlyError(
                f"cannot {self._what} {self._path}: {said}", "check who may write there, and as whom you came"
            ) from error
        if isinstance(error, self._errors.BaseError):
            raise StorageError(f"cannot {self._what} {self._path}: {said}", "check the object store") from error


def _seen(found: Any) -> Seen:
    changed = found["last_modified"].timestamp()
    return Seen(found["size"], changed, (found["e_tag"], found["version"], changed))


def _stamp(path: str) -> object:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_size, status.st_ctime_ns, status.st_ino


def _obstore() -> Any:
    try:
        import obstore  # noqa: PLC0415 - an optional package of 40 ms
        import obstore.exceptions  # noqa: PLC0415
        import obstore.store  # noqa: PLC0415
    except ImportError as error:
        raise InvalidInputError(
            "a store in memory or in an object store needs the package obstore, which is not installed",
            "pip install 'cas-memo[shared]'",
        ) from error
    return obstore
