"""Opening of files that others may have put there: a plain file and nothing else.

A link may lead out of the store, a device has no end, and a pipe waits for ever.
"""

from __future__ import annotations

import errno
import os
import stat

_HOW = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class NotPlainError(OSError):
    """What stands there is no plain file, and no folder."""


def open_plain(path: str) -> tuple[int, os.stat_result]:
    """Open a plain file for reading; return its descriptor and its status.

    Raises:
        NotPlainError: It is a link, a pipe, a device or a socket.
        OSError: It cannot be opened, or is a folder.
    """
    try:
        file = os.open(path, _HOW)
    except OSError as error:
        # A link, or a pipe or socket that nobody is at the other end of.
        if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENXIO):
            raise NotPlainError(error.errno, "it is no plain file", path) from error
        raise
    try:
        status = os.fstat(file)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if not stat.S_ISREG(status.st_mode):
            raise NotPlainError(errno.ENXIO, "it is no plain file", path)
    except BaseException:
        os.close(file)
        raise
    return file, status


def read_plain(path: str, most: int | None = None) -> bytes:
    """Return the bytes of a plain file, not many more than `most`; see `open_plain` for what it raises."""
    file, status = open_plain(path)
    try:
        # One byte more than it should have: a file that did not grow is read by one call.
        room = status.st_size + 1 if most is None else min(status.st_size, most) + 1
        data = os.read(file, room)
        if len(data) == status.st_size or len(data) == room:
            return data
        parts = [data]
        while len(data) and (room := room - len(data)) > 0:
            data = os.read(file, room)
            parts.append(data)
        return b"".join(parts)
    finally:
        os.close(file)
