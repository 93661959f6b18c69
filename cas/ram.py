"""The RAM tier: a local store in the memory of this machine, bounded, shared by all processes of one user.

Owns where it stands and how large it may be. It ends with the machine's uptime, and is meant to stand before others.
"""

from __future__ import annotations

import os
import re
import stat

from cas.errors import InvalidInputError, ReadOnlyError
from cas.gc import plan
from cas.local.layout import cannot_write
from cas.local.opened import open_local
from cas.local.room import Bound
from cas.units import parse_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cas.store import Store

_MEMORY = "/dev/shm"  # noqa: S108 - the folder below it is this user's alone, which is checked
_SMALLEST = 1_000_000
# Without a size: of what the file system has, since a tier that takes all would starve its users.
_SHARE = 4


def open_ram(name: str, options: Mapping[str, str], create: bool, writable: bool) -> Store:
    """Return the store of that name in memory.

    Args:
        name: Letters, digits, `.`, `_` and `-`.
        options: `size`, such as `2GB`; else a quarter of the memory that such files may take.
        create: Make it if there is none.
        writable: Ask for writing.

    Raises:
        InvalidInputError: The name or an option has no meaning.
        ReadOnlyError: The folder for such stores is another user's.
    """
    if not re.fullmatch(r"\w[\w.-]*", name, re.ASCII):
        raise InvalidInputError(
            f"expected letters, digits and . _ - as the name of a store in memory, found {name!r}", "such as mem://fast"
        )
    unknown = set(options) - {"size"}
    if unknown:
        raise InvalidInputError(
            f"expected no option but size for mem://{name}, found {', '.join(sorted(unknown))}", "such as ?size=2GB"
        )
    home = _home(create)
    size = parse_size(options["size"]) if options else _share_of(home)
    if size < _SMALLEST:
        raise InvalidInputError(f"expected at least 1 MB for mem://{name}, found {size} bytes", "give a larger ?size=")
    location = f"mem://{name}" + (f"?size={options['size']}" if options else "")
    return open_local(os.path.join(home, name), create, writable, Bound(location, size, _choose))


def _choose(store: Store, size: int) -> tuple[list[bytes], list[bytes]]:
    """Return what is least worth keeping, so that the rest takes so many bytes at most; see `cas.gc.worth`."""
    chosen = plan(store, max_size=size)
    return [drop.key for drop in chosen.drops], list(chosen.blobs)


def _home(create: bool) -> str:
    """Return the folder of this user's stores in memory, which no other user can look into."""
    memory = _MEMORY if os.access(_MEMORY, os.W_OK) else _temporary()
    home = os.path.join(memory, f"cas-{os.getuid()}")
    try:
        if create:
            os.makedirs(home, mode=0o700, exist_ok=True)
        found = os.lstat(home)
    except FileNotFoundError:
        return home
    except OSError as error:
        raise cannot_write(error, home) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ReadOnlyError(
            f"expected a folder of this user alone, found another at {home}",
            "remove it, if it is yours, or ask its owner to; other users could read or change what is stored there",
        )
    return home


def _temporary() -> str:
    import tempfile  # noqa: PLC0415 - only where the system has no folder in memory

    return tempfile.gettempdir()


def _share_of(home: str) -> int:
    there = home if os.path.exists(home) else os.path.dirname(home)
    found = os.statvfs(there)
    return found.f_blocks * found.f_frsize // _SHARE
