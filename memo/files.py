"""Files as arguments, known by what stands in them: `memo.File`, `memo.Content`, and the digests behind both.

Owns when a digest may be used again without reading the file: only if nothing could have changed it unseen since.
Keeps I8: what is remembered of a file saves time, and no more.
"""

from __future__ import annotations

import os
import stat
import time
from threading import local

from msgpack import packb

from cas import extension as ext
from cas.digest import digest, hasher_for
from cas.extension import head, leaf
from memo import tables
from memo.canonical import WRITERS
from memo.canonical.names import write_name
from memo.canonical.scalars import pack
from memo.canonical.walk import Refused
from memo.errors import UnstableArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from memo.canonical.walk import Walk

    Stamp = tuple[int, int, int, int, int]
    """Size, times of modification and of the inode's change in nanoseconds, inode, device."""

# A stamp is trusted once the file had not changed for so many seconds before it was read. Times of files are as coarse
# as 2 s (FAT), or another machine's; and a write through a memory map leaves no new time on a page that is still to be
# written back, for which Linux takes up to 35 s.
SETTLED = 60.0
# File systems whose times do not tell of every write: what lies in memory is mapped without a trace, and the rest is
# made up when it is read.
_TIMELESS = frozenset((b"tmpfs", b"ramfs", b"hugetlbfs", b"proc", b"sysfs", b"cgroup2", b"debugfs", b"tracefs"))
# Smaller files are hashed sooner than the store remembers their digests.
_REMEMBERED_FROM = 256 << 10
_KNOWN_FILES = 100_000
_CHUNK = 4 << 20
_ATTEMPTS = 3
_met = local()


class File(str):
    """The path of a file or folder, as an argument that counts by what stands there, and not by its name.

    The function gets it as it is given: a text that opens as any path does. Of a folder, the names and contents of all
    that is in it count, down to the last; a link counts by where it points and by what it leads to.

    Args:
        path: A path of any kind.
    """

    __slots__ = ()
    __module__ = "memo"

    def __new__(cls, path: str | os.PathLike[str]) -> File:  # noqa: PYI034 - nobody derives from it
        """Return the path as a text."""
        return str.__new__(cls, os.fsdecode(path))

    def __init_subclass__(cls, /, **options: object) -> None:
        """Refuse to be derived from: what is no File itself would count by its name."""
        raise TypeError(f"{cls.__qualname__}: memo.File cannot be a base class; hold one in an attribute instead")

    def __repr__(self) -> str:
        return f"memo.File({str.__repr__(self)})"


class Content:
    """Marks a parameter whose paths count by what stands there: `path: Annotated[Path, memo.Content]`."""

    __module__ = "memo"


class Held:
    """A path of any type, to be signed by what stands there."""

    __slots__ = ("path",)

    def __init__(self, path: Any) -> None:
        self.path = path


def timeless_devices() -> set[int]:
    """Return the devices of file systems whose times do not tell of every write."""
    try:
        with open("/proc/self/mountinfo", "rb") as file:
            rows = [line.split() for line in file]
    except OSError:
        return set()  # not Linux
    found = [row[2].split(b":") for row in rows if row[row.index(b"-") + 1] in _TIMELESS]
    return {os.makedev(int(major), int(minor)) for major, minor in found}


class Digests:
    """The digests of files, found anew only where a file may have changed.

    Attributes:
        reads: How many files were read to the end.

    Args:
        clock: Seconds since the epoch.
        timeless: The devices whose files may change without a new time; asked about each device once.
    """

    def __init__(
        self, clock: Callable[[], float] = time.time, timeless: Callable[[], set[int]] = timeless_devices
    ) -> None:
        self.reads = 0
        self._clock = clock
        self._timeless = timeless
        self._is_timeless: dict[int, bool] = {}
        self._known: dict[str, tuple[Stamp, bytes]] = {}
        self._seen: dict[str, tuple[Stamp, float]] = {}

    def look(self, path: str) -> tuple[str, int, bytes]:
        """Return whether a path is a `file` or a `folder`, its bytes in all, and the digest of what stands there."""
        status = os.stat(path)
        if stat.S_ISREG(status.st_mode):
            return "file", *self._file(os.path.abspath(path))
        if stat.S_ISDIR(status.st_mode):
            return "folder", *self._folder(os.path.abspath(path), ())
        raise Refused(f"{path!r}, which is neither a file nor a folder", "read it outside, and pass what was read")

    def _file(self, path: str) -> tuple[int, bytes]:
        for _ in range(_ATTEMPTS):
            before = self._clock()
            # Opened, because a network file system looks anew only then; by number, which is three times as fast.
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                stamp = _stamp(os.fstat(file))
                found = self._recall(path, stamp)
                if found is not None:
                    self._note(path, stamp)
                    return stamp[0], found
                found = self._read(file, stamp[0])
                is_same = _stamp(os.fstat(file)) == stamp == _stamp(os.stat(path))
            finally:
                os.close(file)
            if is_same:
                self._note(path, stamp)
                if before - max(stamp[1], stamp[2]) / 1e9 > SETTLED and self._tells(stamp[4]):
                    self._remember(path, stamp, found)
                return stamp[0], found
        raise _changing(path)

    def _note(self, path: str, stamp: Stamp) -> None:
        """Note since when a file has been seen as it is: who reads it meanwhile may have read another content."""
        seen, since = self._seen.get(path, (stamp, 0.0))
        if seen != stamp:
            since = time.perf_counter()
        elif len(self._seen) >= _KNOWN_FILES:
            self._seen.clear()
        self._seen[path] = stamp, since
        _met.touched = max(getattr(_met, "touched", 0.0), since)

    def _read(self, file: int, size: int) -> bytes:
        # Not through a memory map: a file that is cut short meanwhile would end the process.
        self.reads += 1
        hasher, buffer = hasher_for(size), memoryview(bytearray(max(min(size, _CHUNK), 4096)))
        while count := os.readv(file, [buffer]):
            hasher.update(buffer[:count])
        return hasher.digest()

    def _recall(self, path: str, stamp: Stamp) -> bytes | None:
        known = self._known.get(path)
        if known is not None and known[0] == stamp:
            return known[1]
        if stamp[0] < _REMEMBERED_FROM or tables.kept is None:
            return None
        body = tables.kept.get(_name(path))
        if body is None or len(body) < 32 or body[:-32] != packb(stamp):
            return None
        self._known[path] = stamp, body[-32:]
        return body[-32:]

    def _remember(self, path: str, stamp: Stamp, found: bytes) -> None:
        if len(self._known) >= _KNOWN_FILES:
            self._known.clear()
        self._known[path] = stamp, found
        if stamp[0] >= _REMEMBERED_FROM and tables.kept is not None:
            tables.kept.put(_name(path), packb(stamp) + found)

    def _tells(self, device: int) -> bool:
        """Return whether each change of a file of the device leaves a new time."""
        if device not in self._is_timeless:
            self._is_timeless[device] = device in self._timeless()
        return not self._is_timeless[device]

    def _folder(self, path: str, above: tuple[tuple[int, int], ...]) -> tuple[int, bytes]:
        """Return the bytes of all files in a folder, and the digest of its names and what they stand for."""
        for _ in range(_ATTEMPTS):
            before = os.stat(path)
            here = before.st_dev, before.st_ino
            if here in above:
                return 0, b""  # a link has led back: what is here is told above
            size, rows = 0, []
            with os.scandir(path) as entries:
                found = sorted(entries, key=lambda entry: os.fsencode(entry.name))
            for entry in found:
                length, row = self._entry(entry, (*above, here))
                size += length
                rows.append(row)
            after = os.stat(path)
            if (before.st_mtime_ns, before.st_ctime_ns) == (after.st_mtime_ns, after.st_ctime_ns):
                return size, digest(pack(rows))
        raise _changing(path)

    def _entry(self, entry: os.DirEntry[str], above: tuple[tuple[int, int], ...]) -> tuple[int, list[Any]]:
        row: list[Any] = [os.fsencode(entry.name)]
        if entry.is_symlink():
            row += "link", os.fsencode(os.readlink(entry.path))
            if not os.path.exists(entry.path):
                return 0, row
        if entry.is_file():
            size, found = self._file(entry.path)
            return size, [*row, "file", found]
        if entry.is_dir():
            size, found = self._folder(entry.path, above)
            return size, [*row, "folder", found]
        raise Refused(f"a folder with {entry.path!r}, which is neither a file nor a folder", "pass the files by name")


digests = Digests()


def write_file(walk: Walk, path: Any) -> None:
    """Write a path by its class and by what stands there; refuse it if nothing does, or it cannot be read."""
    _met.count = getattr(_met, "count", 0) + 1
    try:
        kind, size, found = digests.look(os.fsdecode(path))
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        raise Refused(
            f"the path {os.path.abspath(os.fsdecode(path))!r}, {'where nothing is' if missing else str(error)}",
            "give the path of a file or a folder that can be read, absolute or from the current folder",
        ) from error
    walk.out.append(head(ext.FILE, 5))
    cls = type(path)
    module = cls.__module__.partition(".")[0]  # which module inside pathlib has a class changes between versions
    if cls is File or module in ("builtins", "pathlib"):
        walk.out += pack(module), pack(cls.__qualname__)
    else:
        write_name(walk, cls)
    walk.out += pack(kind), pack(size), leaf(ext.DIGEST, found)


def require_unchanged(
    encode: Callable[[list[Any]], tuple[bytes, Any]], values: list[Any], signature: bytes, began: float
) -> None:
    """Refuse a call whose files are not what they were when it was signed, or were something else meanwhile.

    Raises:
        UnstableArgument: One of its arguments has changed, and there are files among them.
    """
    before, _met.touched = getattr(_met, "count", 0), 0.0
    try:
        after = encode(values)[0]
    except Exception:  # noqa: BLE001 - what could be read before the call, and cannot be after it, has changed
        after = b""
    if (after != signature or _met.touched > began) and getattr(_met, "count", 0) != before:
        raise UnstableArgument(
            "a file among its arguments changed while it ran",
            "call it when nothing writes to the file; a function that changes its input cannot be cached",
        )


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev


def _name(path: str) -> bytes:
    return b"file " + digest(os.fsencode(path))


def _changing(path: str) -> Refused:
    return Refused(f"{path!r}, which changed while it was read", "call it when nothing writes there")


WRITERS[File] = write_file
WRITERS[Held] = lambda walk, value: write_file(walk, value.path)
