"""Large blobs as files: one immutable file each, named by its digest.

Keeps I1 (a final name holds complete bytes: temporary file, write, fsync if it is worth it, rename) and I2.
Knows nothing of entries; who may remove a blob, and when, is decided above.
"""

from __future__ import annotations

import os
import threading

from blake3 import blake3

from cas.blob import BlobFile
from cas.digest import digest_parts, parallel_hasher
from cas.errors import CasError, IntegrityError, NotFoundError
from cas.local.layout import cannot_read, cannot_write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cas.entry import Parts
    from cas.local.layout import Layout

# A thread that hashes beside the one that writes pays from here on; below, starting it costs more.
_OVERLAP_FROM = 1 << 20
# How much a write or an update of the hash takes at once: large enough to release the interpreter lock seldom.
_CHUNK = 4 << 20

Stamp = tuple[int, int, int]
"""Size, time of the inode's last change in nanoseconds, inode: what a file looked like when last verified.

The time is not that of the last modification, which any program can set back."""


class Blobs:
    """The blob files of one store."""

    def __init__(self, layout: Layout, trusted: Callable[[bytes], Stamp | None]) -> None:
        self._layout = layout
        self._trusted = trusted

    def write(self, parts: Parts, durable: bool) -> tuple[bytes, Stamp]:
        """Store the joined parts as a blob, unless it stands there already.

        Durability: with `durable`, bytes and name are on the disk when this returns.

        Raises:
            StorageError: The disk is full or failed.
            ReadOnlyError: The folder does not take writes.
        """
        views = tuple(memoryview(part).cast("B") for part in parts)
        try:
            if sum(len(view) for view in views) < _OVERLAP_FROM:
                digest = digest_parts(views)
                if self._stands(digest, durable):
                    return digest, self.stamp(digest)
            return self._write_anew(views, durable)
        except CasError:
            raise  # some are OSErrors too, and say already what they mean
        except OSError as error:
            raise cannot_write(error, self._layout.blobs) from error

    def _write_anew(self, views: tuple[memoryview, ...], durable: bool) -> tuple[bytes, Stamp]:
        # Random, since a container may give its processes the same number again and again.
        temporary = os.path.join(self._layout.temporary, f"{os.getpid()}-{os.urandom(8).hex()}")
        try:
            try:
                digest = _write_and_hash(temporary, views, durable)
            except FileNotFoundError:
                os.makedirs(self._layout.temporary, mode=0o700, exist_ok=True)  # lost, as an empty folder may be
                digest = _write_and_hash(temporary, views, durable)
            return digest, self._settle(temporary, digest, durable)
        except BaseException:
            _unlink(temporary)
            raise

    def _stands(self, digest: bytes, durable: bool) -> bool:
        """Return whether a verified file of that digest is there; a doubtful one is written again."""
        try:
            if self.stamp(digest) != self._trusted(digest):
                return False
        except NotFoundError:
            return False
        if durable:
            path = self._layout.blob(digest)
            _sync(path)
            _sync(os.path.dirname(path))
        return True

    def _settle(self, temporary: str, digest: bytes, durable: bool) -> Stamp:
        """Give a complete temporary file its final name, unless a verified twin has it."""
        if self._stands(digest, durable):
            _unlink(temporary)
            return self.stamp(digest)
        path = self._layout.blob(digest)
        try:
            os.rename(temporary, path)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            os.rename(temporary, path)
            if durable:
                _sync(self._layout.blobs)
        if durable:
            _sync(os.path.dirname(path))
        return self.stamp(digest)

    def stamp(self, digest: bytes) -> Stamp:
        """Return what the blob's file looks like now; NotFoundError if there is none."""
        try:
            status = os.stat(self._layout.blob(digest))
        except FileNotFoundError:
            raise NotFoundError(
                f"blob {digest.hex()} is not in {self._layout.blobs}",
                "`cas fsck --repair` drops the entries that need it; they are computed again when next called",
            ) from None
        except OSError as error:
            raise cannot_read(error, self._layout.blob(digest)) from error
        return status.st_size, status.st_ctime_ns, status.st_ino

    def verify(self, digest: bytes) -> BlobFile:
        """Hash the blob's file and return it; IntegrityError if its bytes are not what its name says (I2)."""
        path = self._layout.blob(digest)
        size = self.stamp(digest)[0]
        try:
            found = parallel_hasher().update_mmap(path).digest()
        except OSError as error:
            raise cannot_read(error, path) from error
        if found != digest:
            raise IntegrityError(
                f"blob {digest.hex()} holds other bytes than its name says",
                "it is in quarantine and will be computed again; check the disk if this happens more than once",
            )
        return BlobFile(digest, path, size)

    def list(self) -> Iterator[BlobFile]:
        """Yield every blob file, unverified."""
        for fan in _names(self._layout.blobs):
            folder = os.path.join(self._layout.blobs, fan)
            for name in _names(folder):
                path = os.path.join(folder, name)
                if self._layout.part_of_store(os.path.relpath(path, self._layout.root)):
                    try:
                        yield BlobFile(bytes.fromhex(name), path, os.stat(path).st_size)
                    except FileNotFoundError:
                        continue  # removed since the folder was read

    def remove(self, digest: bytes) -> int:
        """Remove a blob's file and return its size; 0 if there was none."""
        path = self._layout.blob(digest)
        try:
            size = os.stat(path).st_size
            os.unlink(path)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise cannot_write(error, path) from error
        return size

    def quarantine(self, digest: bytes) -> None:
        """Move a blob's file out of the way; no error if it is not there."""
        try:
            os.makedirs(self._layout.quarantine, mode=0o700, exist_ok=True)
            os.rename(self._layout.blob(digest), os.path.join(self._layout.quarantine, digest.hex()))
        except FileNotFoundError:
            return
        except OSError as error:
            raise cannot_write(error, self._layout.quarantine) from error


def _write_and_hash(path: str, views: tuple[memoryview, ...], durable: bool) -> bytes:
    """Write the views to a new read-only file and return their digest."""
    size = sum(len(view) for view in views)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)
    try:
        if size < _OVERLAP_FROM:
            hasher = blake3()
            for view in views:
                _write_all(file, view)
                hasher.update(view)
            digest = hasher.digest()
        else:
            digest = _overlap(file, views, size)
        if durable:
            os.fsync(file)
    finally:
        os.close(file)
    return digest


def _overlap(file: int, views: tuple[memoryview, ...], size: int) -> bytes:
    """Hash in a second thread while this one writes (29 ms for 100 MB, against 55 one after the other)."""
    hasher = blake3()
    hashed = False

    def hash_all() -> None:
        nonlocal hashed
        for view in views:
            for start in range(0, len(view), _CHUNK):
                hasher.update(view[start : start + _CHUNK])
        hashed = True

    thread = threading.Thread(target=hash_all, name="cas-hash")
    try:
        thread.start()
    except RuntimeError:  # the interpreter is ending, or the system is out of threads
        thread = threading.current_thread()
    try:
        if hasattr(os, "posix_fallocate"):
            _reserve(file, size)
        for view in views:
            _write_all(file, view)
    finally:
        if thread is not threading.current_thread():
            thread.join()
    # A thread that ran out of memory, or never ran, leaves half a hash, which must not become a name (I2).
    return hasher.digest() if hashed else digest_parts(views)


def _reserve(file: int, size: int) -> None:
    """Ask for the space at once, so that a full disk is met before hours of writing."""
    import errno  # noqa: PLC0415 - only for large blobs

    try:
        os.posix_fallocate(file, 0, size)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
            raise


def _write_all(file: int, view: memoryview) -> None:
    for start in range(0, len(view), _CHUNK):
        chunk = view[start : start + _CHUNK]
        while chunk:
            chunk = chunk[os.write(file, chunk) :]


def _sync(path: str) -> None:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
