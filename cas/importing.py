"""Importers: how the caches of other software come into a store, found by their entry points.

Owns what an importer is and what it reports. The packages that know those caches bring the importers, in the entry
point group `cas.importers`; `cas` need not know them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from cas.errors import NotFoundError

if TYPE_CHECKING:
    from cas.progress import Progress
    from cas.store import Store

GROUP = "cas.importers"


class Brought(NamedTuple):
    """What came of the files of one version of a function that could be read.

    Attributes:
        function: `module.name`, as the other software has it.
        code: What the other software calls this version of its code.
        made: How many results are in the store now and were not before; in a dry run, how many would be.
        kept: How many calls had a result in the store already, which stays.
        aside: Why these results are not served to calls of the present function; empty if they are.
    """

    function: str
    code: str
    made: int
    kept: int
    aside: str = ""


class Unread(NamedTuple):
    """Files of one version of a function that gave no result, all for the same reason.

    Attributes:
        function: `module.name`, as the other software has it.
        reason: Why they were not read.
        files: Their paths.
        hint: What to do about it.
    """

    function: str
    reason: str
    files: tuple[str, ...]
    hint: str


class Report(NamedTuple):
    """What became of a whole cache."""

    brought: tuple[Brought, ...]
    unread: tuple[Unread, ...]


class Importer(Protocol):
    """Brings the cache of some other software into a store; changes nothing of that cache."""

    def __call__(
        self, folder: str, store: Store | None, *, trust: bool, dry_run: bool, progress: Progress | None
    ) -> Report:
        """Read a folder and store what can be read.

        Args:
            folder: Where the cache is.
            store: Where it goes; None in a dry run before there is a store.
            trust: Unpickle what is there, and import the modules of its functions: both run code.
            dry_run: Store nothing, and report what would be.
            progress: Told how many files have been read.
        """


def find_importer(name: str) -> Importer:
    """Return the importer of that name.

    Raises:
        NotFoundError: No installed package has one.
    """
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow to load, and only importing needs it

    points = entry_points(group=GROUP)
    if name not in points.names:
        there = ", ".join(sorted(points.names)) or "none"
        raise NotFoundError(f"no importer {name!r} is installed", f"there {'are' if ',' in there else 'is'} {there}")
    importer: Importer = points[name].load()
    return importer
