"""The user's signing key: 32 random bytes in the user's configuration folder, made on first use.

Owns where it stands and who may read it. Several processes that make it at once end with one key.
"""

from __future__ import annotations

import os
from contextlib import suppress

from memo.errors import CodecError

SIZE = 32
_NAME = "key"
_MEND = "make the folder writable, or name another in the environment variable CAS_CONFIG_DIR"

# Reading it costs three system calls; it does not change while a process runs.
_known: dict[str, bytes] = {}


def folder() -> str:
    """Return the folder of the key: CAS_CONFIG_DIR, or the platform's folder for configuration."""
    named = os.environ.get("CAS_CONFIG_DIR")
    if named:
        return named
    from platformdirs import user_config_dir  # noqa: PLC0415 - only a pickle needs it

    return user_config_dir("cas")


def signing_key() -> bytes:
    """Return the user's key, made if there is none.

    Raises:
        CodecError: It cannot be read or made, or others can read it.
    """
    where = folder()
    key = _known.get(where)
    if key is None:
        try:
            key = _known[where] = _read(where) or _make(where)
        except OSError as error:
            raise CodecError(f"signing key: expected to read or make one in {where}, got {error}", _MEND) from error
    return key


def _read(where: str) -> bytes | None:
    path = os.path.join(where, _NAME)
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            key = file.read(SIZE + 1)
    except FileNotFoundError:
        return None
    if os.name == "posix" and mode & 0o077:
        raise CodecError(
            f"signing key: expected {path} to be readable by you alone, got mode {mode & 0o777:o}",
            f"if nobody else can have read it, `chmod 600 {path}`; else remove it, and what it signed recomputes",
        )
    if len(key) != SIZE:
        raise CodecError(
            f"signing key: expected {SIZE} bytes in {path}, got {len(key)}",
            "restore it from a backup, or remove it: what it signed recomputes",
        )
    return key


def _make(where: str) -> bytes:
    """Write a new key under a name of its own, then link it into place: the first of several makers wins."""
    os.makedirs(where, mode=0o700, exist_ok=True)
    path = os.path.join(where, _NAME)
    draft = f"{path}.{os.getpid()}.{os.urandom(8).hex()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(os.urandom(SIZE))
            file.flush()
            os.fsync(file.fileno())  # a key lost to a power cut takes every pickle with it
        with suppress(FileExistsError):  # another process was first: its key is the user's
            os.link(draft, path)
    finally:
        os.unlink(draft)
    key = _read(where)
    if key is None:
        raise CodecError(f"signing key: {path} was removed while it was made", _MEND)
    return key
