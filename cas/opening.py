"""`cas.open`: from a location to the store that stands there."""

from __future__ import annotations

from cas.local.opened import open_local
from cas.location import locate

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

    from cas.store import Store


def open(location: str | os.PathLike[str] | None = None, *, create: bool = True, writable: bool = True) -> Store:
    """Open the store at a location, and make it if there is none.

    Args:
        location: A folder; without one, see `cas.location.locate`.
        create: Make the store if there is none; else NotFoundError.
        writable: Ask for writing. A folder that takes no writes is opened for reading all the same.

    Returns:
        The one store of this process at that location.

    Raises:
        InvalidInputError: Something that is not a store stands there, or a store of a newer format.
        NotFoundError: There is no store, and it was not to be made.
        ReadOnlyError: There is no store, and none can be made there.
    """
    return open_local(locate(location), create, writable)
