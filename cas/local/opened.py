"""The stores that this process has open: one for each folder, and what a fork and the end of the process do to them."""

from __future__ import annotations

import atexit
import os
import threading

from cas.errors import NotFoundError
from cas.local.layout import Layout
from cas.local.store import LocalStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cas.local.room import Bound

_opened: dict[tuple[str, bool], LocalStore] = {}
_opening = threading.Lock()
# Whether no thread was inside SQLite at the last fork.
_quiet = True
# Whether the hooks below brought the stores to rest for a fork that is under way.
_forking = False


def open_local(root: str, create: bool, writable: bool, bound: Bound | None = None) -> LocalStore:
    """Return this process's one store at `root`, made if there is none and `create`.

    Args:
        root: The folder.
        create: Make it if there is none.
        writable: Ask for writing.
        bound: How much it may take, if that is bounded; the last that is given counts.
    """
    root = os.path.realpath(root)
    with _opening:
        layout, new = Layout(root), False
        try:
            layout.check()
        except NotFoundError:
            if not (create and writable):
                raise
            new = True
        writable = writable and (new or os.access(root, os.W_OK))
        store = _opened.get((root, writable))
        if store is None:
            store = _opened[root, writable] = LocalStore(layout, writable, bound)
        if store.room is not None and bound is not None:
            store.room.size = bound.size
        if new:
            store.create()
        return store


def _before_fork() -> None:
    """Bring every store to rest, so that the child can close what it inherits."""
    global _quiet, _forking
    _opening.acquire()
    _forking = True
    _quiet = True
    for store in _opened.values():
        _quiet = store.index.before_fork() and _quiet


def _after_fork() -> None:
    global _forking
    if not _forking:
        return  # another thread imported this module while the fork was already under way
    _forking = False
    for store in _opened.values():
        store.index.after_fork()
    _opening.release()


def _forked() -> None:
    global _opening, _forking
    _opening, _forking = threading.Lock(), False
    for store in _opened.values():
        store.forked(_quiet)


def _close_all() -> None:
    for store in _opened.values():
        store.close()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_forked)
atexit.register(_close_all)
