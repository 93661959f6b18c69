"""What must be at rest in other threads when a process forks: the late imports of this project.

A module's import lock, held by a thread that the child does not have, would keep the child waiting for ever, and the
module would stay half made. Python mends only the one lock that all imports share.
"""

from __future__ import annotations

import sys
import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

# Longer than any import takes; a fork is held up no longer than this.
_PATIENCE = 2.0
_OURS = frozenset({"memo", "cas"})


def wait_for_imports() -> None:
    """Wait until no other thread is in the middle of an import that this project asked for."""
    me = threading.get_ident()
    give_up = time.monotonic() + _PATIENCE
    while any(
        _imports(frame)
        for thread, frame in sys._current_frames().items()  # noqa: SLF001 - documented
        if thread != me
    ):
        if time.monotonic() > give_up:
            return
        time.sleep(0.0005)


def _imports(frame: FrameType | None) -> bool:
    """Return whether a thread is inside an import that a module of this project began."""
    inside = False
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib."):
            inside = True
        elif inside:
            if str(frame.f_globals.get("__name__")).partition(".")[0] in _OURS:
                return True
            inside = False
        frame = frame.f_back
    return False
