"""System calls on the files of a shared folder: written beside, made lasting, shared with a group, through no link.

Knows paths; what stands where is decided above.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_CHUNK = 4 << 20


def is_gone(error: OSError) -> bool:
    """Return whether a call failed since there is no such file, or, as NFS tells it, not any more."""
    return isinstance(error, FileNotFoundError | NotADirectoryError) or error.errno == errno.ESTALE


def write(path: str, parts: Iterable[memoryview], durable: bool, mode: int, others: tuple[int, int] | None) -> None:
    """Write a new file.

    Args:
        path: Where; nothing is there yet.
        parts: Its bytes.
        durable: Have them on the disk at the end.
        mode: Permission bits, less the umask.
        others: See `widen`.
    """
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        for view in parts:
            for start in range(0, len(view), _CHUNK):
                chunk = view[start : start + _CHUNK]
                while chunk:
                    chunk = chunk[os.write(file, chunk) :]
        if others is not None:
            widen(file, mode, others)
        if durable:
            os.fsync(file)
    finally:
        os.close(file)  # where NFS sends the bytes, and says so if it cannot


def widen(file: int | str, most: int, others: tuple[int, int]) -> None:
    """Let others do with a file or folder of this user what they may do with the store, whatever the umask says.

    Args:
        file: The file.
        most: The permission bits that it may have at all.
        others: Permission bits of the store's folder, and its group.
    """
    bits, group = others
    status = os.stat(file)
    mode = stat.S_IMODE(status.st_mode)
    missing = bits & most & ~mode
    with suppress(OSError):  # a file system without owners, or a group that this user is not in
        if status.st_gid != group:
            os.chown(file, -1, group)
        if missing:
            os.chmod(file, mode | missing)


def make(folder: str, others: tuple[int, int] | None) -> list[str]:
    """Make a folder and those above it; return which were not there."""
    made = []
    above = folder
    while not os.path.isdir(above):
        made.append(above)
        above = os.path.dirname(above)
    os.makedirs(folder, exist_ok=True)
    if others is not None:
        for path in reversed(made):
            widen(path, 0o777, others)
    return made


def sync_folder(folder: str) -> None:
    """Have the names in a folder on the disk."""
    file = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EBADF, errno.ENOTSUP):  # some file systems sync no folders
            raise
    finally:
        os.close(file)


def unlink(path: str) -> bool:
    """Remove a file; return whether there was one."""
    try:
        os.unlink(path)
    except OSError as error:
        if not is_gone(error):
            raise
        return False
    return True


def require_no_link(root: str, name: str) -> None:
    """Raise an OSError if a link stands in place of a folder below `root` on the way to an object."""
    end = name.find("/")
    while end > 0:
        path = f"{root}/{name[:end]}"
        with suppress(FileNotFoundError):
            if stat.S_ISLNK(os.lstat(path).st_mode):
                raise OSError(errno.ELOOP, "there is a link in place of a folder", path)
        end = name.find("/", end + 1)
