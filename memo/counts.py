"""What cached functions count, on its way into their stores: before a process ends, and never twice after a fork."""

from __future__ import annotations

import atexit
import os
import sys
from weakref import WeakSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Counting(Protocol):
        """Counts its hits."""

        def record_hits(self) -> None:
            """Hand them to the store."""

        def drop_counts(self) -> None:
            """Forget them."""


_counting: WeakSet[Counting] = WeakSet()


def record_at_end(caller: Counting) -> None:
    """Have a caller record its hits when this process ends."""
    # Registered anew, and so after the store's own, to run before the store closes.
    atexit.unregister(_record_all)
    atexit.register(_record_all)
    _record_at_end_of_worker()
    _counting.add(caller)


def _record_all() -> None:
    for caller in list(_counting):
        caller.record_hits()


def _record_at_end_of_worker() -> None:
    """Have a worker of `multiprocessing` record its hits: it ends without running the handlers of `atexit`."""
    process, util = sys.modules.get("multiprocessing.process"), sys.modules.get("multiprocessing.util")
    if process is not None and util is not None and process.parent_process() is not None:
        util.Finalize(None, _record_all, exitpriority=0)


def _become_worker(_: object) -> None:
    _record_at_end_of_worker()


def _forked() -> None:
    """Leave what the parent counted to the parent."""
    for caller in list(_counting):
        caller.drop_counts()
    util = sys.modules.get("multiprocessing.util")
    if util is not None and _counting:
        # It forgets all that is to be done at the end before it does what is registered here.
        util.register_after_fork(_become_worker, _become_worker)


os.register_at_fork(after_in_child=_forked)
