"""Where everything in a local store stands, and how an empty one is made.

Owns every path and the format version. Knows nothing of SQL or of what a blob holds.
"""

from __future__ import annotations

import os

from cas.errors import InvalidInputError, NotFoundError, ReadOnlyError, StorageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

FORMAT = 1
_FORMAT_TEXT = f"cas store, format {FORMAT}\n"
_CACHEDIR_TAG = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This folder is a cas store: it holds computed results and may be recomputed.\n"
    "# The signature is that of the Cache Directory Tagging Specification, https://bford.info/cachedir/\n"
)
_NOT_A_STORE = "name an empty or a new folder, or one that `cas` made"


class Layout:
    """The paths of one store."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.format = os.path.join(root, "FORMAT")
        self.index = os.path.join(root, "index.sqlite")
        self.blobs = os.path.join(root, "blobs")
        self.temporary = os.path.join(root, "temporary")
        self.quarantine = os.path.join(root, "quarantine")
        self.claims = os.path.join(root, "locks", "claims")
        self.writing = os.path.join(root, "locks", "writing")
        self.sweeping = os.path.join(root, "locks", "sweeping")
        self.gate = os.path.join(root, "locks", "gate")
        self.room = os.path.join(root, "locks", "room")
        self.occupied = os.path.join(root, "locks", "occupied")

    def blob(self, digest: bytes) -> str:
        """Return where the blob of that digest stands, if it does."""
        name = digest.hex()
        return os.path.join(self.blobs, name[:2], name)

    def part_of_store(self, relative: str) -> bool:
        """Return whether a path, relative to the root, has a place in a store."""
        folder, _, rest = relative.partition(os.sep)
        if folder == "blobs":
            fan, _, name = rest.partition(os.sep)
            return len(name) == 64 and name[:2] == fan and not set(name) - set("0123456789abcdef")
        if folder == "quarantine":
            return True
        return relative in _PARTS

    def strays(self) -> Iterator[str]:
        """Yield files here that have no place in a store, temporary files of living writers left out."""
        for folder, _, names in os.walk(self.root):
            for name in sorted(names):
                path = os.path.join(folder, name)
                if folder == self.temporary and writer_lives(name):
                    continue
                if not self.part_of_store(os.path.relpath(path, self.root)):
                    yield path

    def remove_stray(self, path: str) -> None:
        """Remove one of `strays`."""
        relative = os.path.relpath(path, self.root)
        if relative.startswith(os.pardir) or self.part_of_store(relative):
            raise InvalidInputError(f"expected a stray file of {self.root}, found {path}", "see `cas fsck`")
        try:
            os.unlink(path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise cannot_write(error, path) from error

    def create(self) -> None:
        """Make an empty store here, or leave the one that stands here alone.

        Many processes may do so at once: each step may be repeated. The index is made next, and `FORMAT` comes last.

        Raises:
            InvalidInputError: The folder holds something else.
            ReadOnlyError: The folder cannot be made or written.
        """
        try:
            if os.path.isdir(self.root) and not set(os.listdir(self.root)) <= _TOP:
                raise InvalidInputError(
                    f"expected a store or an empty folder, found other files in {self.root}", _NOT_A_STORE
                )
            os.makedirs(self.root, mode=0o700, exist_ok=True)
            for folder in (self.blobs, self.temporary, os.path.dirname(self.claims)):
                os.makedirs(folder, mode=0o700, exist_ok=True)
            for name, text in (("CACHEDIR.TAG", _CACHEDIR_TAG), (".gitignore", "*\n")):
                self._write_whole(os.path.join(self.root, name), text)
        except (FileExistsError, NotADirectoryError) as error:
            raise InvalidInputError(
                f"expected a folder for the store, found a file: {error.filename}", _NOT_A_STORE
            ) from error
        except OSError as error:
            raise cannot_write(error, self.root) from error

    def holds_results(self) -> bool:
        """Return whether a whole store stands here, in which blobs were written."""
        return os.path.exists(self.format) and any(files for _, _, files in os.walk(self.blobs))

    def complete(self) -> None:
        """Say that a whole store stands here."""
        try:
            self._write_whole(self.format, _FORMAT_TEXT)
        except OSError as error:
            raise cannot_write(error, self.root) from error

    def _write_whole(self, path: str, text: str) -> None:
        """Write a small file so that no reader ever sees a part of it (I1), even if the power fails."""
        if os.path.exists(path):
            return
        temporary = os.path.join(self.temporary, f"{os.getpid()}-{os.path.basename(path)}")
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)

    def check(self) -> None:
        """Make sure that a store of a format known here stands at the root.

        Raises:
            NotFoundError: There is nothing here.
            InvalidInputError: Something else is here, or a newer store.
        """
        try:
            with open(self.format, encoding="utf-8", errors="replace") as file:
                text = file.read(200)
        except (FileNotFoundError, NotADirectoryError):
            raise self._absent() from None
        except OSError as error:
            raise cannot_read(error, self.format) from error
        if text != _FORMAT_TEXT:
            raise InvalidInputError(
                f"expected a store of format {FORMAT}, found {text.strip()!r} in {self.format}",
                "it was made by a newer cas: update this one (pip install -U cas-memo), or name another store"
                if text.startswith("cas store")
                else _NOT_A_STORE,
            )

    def _absent(self) -> NotFoundError | InvalidInputError:
        """Return what to say where no `FORMAT` stands: there is nothing, or something else."""
        try:
            names = set(os.listdir(self.root))
        except FileNotFoundError:
            names = set()
        except NotADirectoryError:
            names = {self.root}
        if names <= _TOP:
            return NotFoundError(
                f"there is no store at {self.root}", "the first result that a function stores makes one"
            )
        return InvalidInputError(f"expected a store, found something else at {self.root}", _NOT_A_STORE)


_PARTS = frozenset(
    {"FORMAT", "CACHEDIR.TAG", ".gitignore", "index.sqlite"}
    | {"index.sqlite-wal", "index.sqlite-shm", "index.sqlite-journal"}
    | {os.path.join("locks", name) for name in ("claims", "writing", "sweeping", "gate", "room", "occupied")}
)
_TOP = frozenset({path.partition(os.sep)[0] for path in _PARTS} | {"blobs", "temporary", "quarantine"})


def cannot_read(error: OSError, path: str) -> StorageError:
    """Return the error that tells a person why a read failed, and the mend."""
    where = error.filename or path
    return StorageError(
        f"cannot read {where}: {error.strerror or error}", "check who owns it, and the disk", error.errno, where
    )


def cannot_write(error: OSError, path: str) -> ReadOnlyError | StorageError:
    """Return the error that tells a person why a write failed, and the mend."""
    import errno  # noqa: PLC0415 - only when something failed

    where = error.filename or path
    reason = error.strerror or str(error)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ReadOnlyError(
            f"cannot write {where}: {reason}",
            "make the folder writable, or name another store with store= or CAS_STORE",
        )
    hint = "check the disk and its file system"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        hint = "free space on the disk: `cas gc --max-size 10GB` removes the results least worth keeping"
    return StorageError(f"cannot write {where}: {reason}", hint, error.errno, where)


def writer_lives(temporary: str) -> bool:
    """Return whether the writer of a temporary file, named after its process, still runs."""
    owner = temporary.partition("-")[0]
    if not owner.isdecimal():
        return False
    try:
        os.kill(int(owner), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    # One that was killed and that nobody waits for, as in a container without an init, has a number and no life.
    try:
        with open(f"/proc/{owner}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[:1] not in ([b"Z"], [b"X"])
    except OSError:
        return True
