"""`cas.open`: from a location to the store that stands there."""

from __future__ import annotations

import os

from cas.errors import InvalidInputError
from cas.local.opened import open_local
from cas.location import is_url, parse_url, places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cas.store import Store


def open(
    location: str | os.PathLike[str] | Store | Sequence[str | os.PathLike[str] | Store] | None = None,
    *,
    create: bool = True,
    writable: bool = True,
) -> Store:
    """Open the store at a location, and make it if there is none.

    Args:
        location: A folder; a shared store, `file:///folder`, or one in this process's memory, `memory://name`; a
            bounded store in this machine's memory, `mem://name?size=2GB`. Several, or a text with commas between them,
            are tiers, fast to slow, and make a chain; an open store may be one. Without a location, see
            `cas.location.places`. A folder that holds a shared store, or one on a network file system, is opened as a
            shared store behind a store on this machine.
        create: Make the store if there is none; else NotFoundError.
        writable: Ask for writing. A folder that takes no writes is opened for reading all the same.

    Returns:
        The one store of this process at that location.

    Raises:
        InvalidInputError: Something that is not a store stands there, or a store of a newer format.
        NotFoundError: There is no store, and it was not to be made.
        ReadOnlyError: There is no store, and none can be made there.
    """
    found = places(location)
    if len(found) > 1:
        return _open_chain(found, create, writable)
    place = found[0]
    if not isinstance(place, str):
        return place
    if is_url(place):
        return _open_url(place, create, writable)
    if _is_local(place):
        return open_local(place, create, writable)
    return _open_behind_local(place, create, writable)


def _open_chain(found: Sequence[str | Store], create: bool, writable: bool) -> Store:
    from cas.tiers import open_chain  # noqa: PLC0415 - few stores have tiers, and hits of the others must not wait

    def open_tier(place: str, make: bool) -> Store:
        if is_url(place):
            return _open_url(place, make, writable)
        if _is_local(place):
            return open_local(place, make, writable)
        from cas.objects.opened import open_folder  # noqa: PLC0415 - few stores are shared

        return open_folder(place, make, writable)

    return open_chain(found, open_tier, create, writable)


def _open_url(url: str, create: bool, writable: bool) -> Store:
    scheme, name, options = parse_url(url)
    if scheme == "mem":
        from cas.ram import open_ram  # noqa: PLC0415 - few stores are in memory

        return open_ram(name, options, create, writable)
    if scheme not in ("file", "memory"):
        raise InvalidInputError(
            f"expected a store in a folder or in memory, found {url!r}",
            "name a folder, file:///folder for a shared store alone, or memory://name",
        )
    from cas.objects import opened  # noqa: PLC0415 - few stores are shared, and hits of the others must not wait
    from cas.objects.blobs import GRACE  # noqa: PLC0415
    from cas.units import parse_duration  # noqa: PLC0415

    unknown = set(options) - {"grace"}
    if unknown:
        raise InvalidInputError(
            f"expected no option but grace in {url!r}, found {', '.join(sorted(unknown))}", "such as ?grace=12h"
        )
    grace = parse_duration(options["grace"]) if options else GRACE
    if scheme == "file":
        return opened.open_folder(name, create, writable, grace)
    return opened.open_memory(name, create, writable, grace)


def _is_local(folder: str) -> bool:
    """Return whether a store at a folder is, or would be, one of this machine alone.

    A store that already stands there says it by itself; else the file system does.
    """
    try:
        with os.scandir(folder) as found:
            names = {entry.name for entry in found}
        empty = not names
    except OSError:
        names, empty = set(), False
    if "v1" in names and "index.sqlite" not in names:
        return False
    from cas.network import file_system, is_network  # noqa: PLC0415 - reads a file of the system

    network = is_network(file_system(folder))
    if network and "index.sqlite" in names:
        import warnings  # noqa: PLC0415 - only when there is something to say

        from cas.errors import StoreWarning  # noqa: PLC0415

        warnings.warn(
            f"the store {folder} is an SQLite database on a network file system, where hosts that write at once may"
            " damage it\nhint: move its results into a shared store: `cas export NEW_FOLDER`, then use that folder",
            StoreWarning,
            stacklevel=4,
        )
        return True
    # An empty folder that once held a shared store is where its disk is not mounted.
    return not network and not (empty and os.path.exists(_near(folder)))


def _near(folder: str) -> str:
    """Return where this host keeps the store that stands before the shared one in a folder."""
    import platformdirs  # noqa: PLC0415 - only when a store is to be made, or is shared
    from blake3 import blake3  # noqa: PLC0415

    name = blake3(os.fsencode(os.path.realpath(folder))).hexdigest()[:16]
    return os.path.join(platformdirs.user_cache_dir("cas", appauthor=False), "near", name)


def _open_behind_local(folder: str, create: bool, writable: bool) -> Store:
    """Open the shared store in a folder behind a store of this host, in which hits are fast."""
    near = _near(folder)
    if not (create and writable) and not os.path.exists(near):  # looking leaves no trace
        from cas.objects.opened import open_folder  # noqa: PLC0415 - few stores are shared

        return open_folder(folder, create, writable)
    return _open_chain([near, folder], create, writable)
