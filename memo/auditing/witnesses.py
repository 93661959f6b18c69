"""Which traces see what happens: by the thread it happens in, and by the task.

Each trace sees the thread of its call and the threads that are started from there. Of a coroutine's thread it sees the
task of its call and the tasks that are started from there, since others take turns with them. What happens in threads
that ran before counts for every trace.
"""

from __future__ import annotations

import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING

from memo.auditing.places import CALL, blame

if TYPE_CHECKING:
    from types import FrameType

    from memo.auditing.places import Place, Policy
    from memo.auditing.trace import Trace

# The traces that are running.
active: list[Trace] = []
# By thread: the traces that see all of it. One that is not here was running before, and counts for all.
_members: dict[int, list[Trace]] = {}
_children: dict[threading.Thread, list[Trace]] = {}
# By task: the traces of coroutines that see it. A task begins with those of the task that starts it.
_awaiting: ContextVar[tuple[Trace, ...]] = ContextVar("memo.auditing", default=())
# Threads in which nothing but coroutines was traced at first → the coroutines that are.
_loops: dict[int, int] = {}


class Moment:
    """Something that happens in a thread: the frame that does it, and the traces that see it."""

    def __init__(self, frame: FrameType) -> None:
        self.frame = frame
        self.traces, self.from_before = here()

    def blame(self, policy: Policy) -> Place | None:
        """Return the place in the user's code that answers for it."""
        return blame(self.frame, policy, None if self.from_before else CALL)

    def see(self, kind: str, name: str, policy: Policy) -> None:
        """Note it in every trace that sees it, if somebody answers for it."""
        place = self.blame(policy)
        if place is not None:
            for trace in self.traces:
                trace.see(kind, name, place)

    def adopt(self, thread: threading.Thread) -> None:
        """Let the traces see a thread that is about to start, if they saw the one that starts it from its start."""
        if not self.from_before:
            _children[thread] = list(self.traces)


def here() -> tuple[list[Trace], bool]:
    """Return the traces that see what happens here, and whether it happens in a thread that ran before all of them."""
    held = _members.get(threading.get_ident())
    awaiting = [trace for trace in _awaiting.get() if trace in active]
    if held is None and not awaiting:
        return active, True
    return [*(held or ()), *awaiting], False


def enter(trace: Trace, thread: int, by_task: bool) -> None:
    """Let a trace see a thread; with `by_task`, no more of it than the task that runs now and those started by it."""
    if not by_task:
        _members[thread] = [*_members.get(thread, ()), trace]
        return
    _awaiting.set((*_awaiting.get(), trace))
    if thread in _loops or thread not in _members:
        _members.setdefault(thread, [])
        _loops[thread] = _loops.get(thread, 0) + 1


def leave(trace: Trace, thread: int, by_task: bool) -> bool:
    """Undo what `enter` did, in whatever order coroutines end; return whether nothing sees the thread any more."""
    if by_task:
        _awaiting.set(tuple(other for other in _awaiting.get() if other is not trace))
        if thread in _loops:
            _loops[thread] -= 1
    else:
        _members[thread] = [other for other in _members.get(thread, ()) if other is not trace]
    is_idle = not _members.get(thread) and not _loops.get(thread)
    if is_idle:
        _loops.pop(thread, None)
        _members.pop(thread, None)
    return is_idle


def begin_thread() -> None:
    """Find out, in a thread that begins, which traces started it."""
    traces = _children.pop(threading.current_thread(), None)
    _members.pop(threading.get_ident(), None)  # of a thread that ended, and had the same number
    if traces is not None:
        _members[threading.get_ident()] = traces


def forget() -> None:
    """Start again with no trace at all."""
    for table in (active, _members, _children, _loops):
        table.clear()
