"""One call → what it did: the user's code that ran, and what it read or changed beyond its arguments.

Owns the hooks: Python's profile function in the threads of the call, and one audit hook a process, which Python
cannot remove and which does nothing between audits. Traces may stand inside each other, and side by side in several
threads: `memo.auditing.witnesses` says which of them see what. Functions of threads that ran before are seen on Python
3.12 and later.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from memo.auditing import builtin, events, functions, witnesses
from memo.auditing.places import CALL, Place, is_of_the_call, place_of, users_frame
from memo.auditing.randomness import NUMPY, GlobalStates, twister_position
from memo.auditing.witnesses import Moment, active
from memo.fingerprint import boundary

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator
    from types import CodeType, FrameType
    from typing import Any

    from memo.auditing.functions import Act

# Flags of the code of generators and coroutines.
_SUSPENDABLE = 0x20 | 0x80 | 0x100 | 0x200
_ELSEWHERE = Place("", 0, "a thread that ran before the call")
_starting = threading.RLock()
_hooked = False
# What new threads were profiled by before the first of the traces.
_foreign: Any = None
# Where numpy's global generator stands in its state, and where it stood at the last look; None once it is found out.
_position: Any = None
_last = 0
# What is known of code objects, by identity; they are kept alive, so that their identities stay theirs.
_dull: set[int] = set()
# The user's, and noted by the one trace that is running.
_settled: set[int] = set()
_acts: dict[int, Act] = {}
_users: set[int] = set()
_kept: list[CodeType] = []


class Ran(NamedTuple):
    """Code of the user's that ran, the module it ran in, and the code and the place that called it."""

    code: CodeType
    namespace: dict[str, Any]
    called_by: CodeType | None
    caller: Place


class Trace:
    """What one call did.

    Attributes:
        ran: The user's functions that ran, by the identity of their code.
        seen: What else happened: kind and name → the place that did it first.
        paths: Absolute paths of files → as they were given by the code that opened them.
        made: Files and folders that the call itself made, and variables and random states that it set.
        notes: What happened that is not undeclared, and what could not be seen.
        imported: The user's modules that were imported meanwhile.
    """

    def __init__(self) -> None:
        self.ran: dict[int, Ran] = {}
        self.seen: dict[tuple[str, str], Place] = {}
        self.paths: dict[str, str] = {}
        self.made: set[tuple[str, str]] = set()
        self.notes: list[str] = []
        self.imported: list[str] = []
        self.states = GlobalStates()
        self._awaiting: list[FrameType] = []

    def call(self, forward: Callable[..., Any], *arguments: Any) -> Any:
        """Return what `forward` returns, while everything that it does is noted."""
        with _tracing(self):
            return forward(*arguments)

    def consume(self, forward: Callable[..., Any], *arguments: Any) -> tuple[Any, int]:
        """Take all items of the generator that `forward` returns; return what it returns, and how many they were."""
        with _tracing(self):
            live, count = forward(*arguments), 0
            while True:
                try:
                    next(live)
                except StopIteration as end:
                    return end.value, count
                count += 1

    async def wait(self, forward: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        """Return what the coroutine returns that `forward` returns; other tasks of its loop are not noted."""
        # Each time the coroutine goes on, so do those that await it, which are not of the call.
        frame: FrameType | None = sys._getframe()  # noqa: SLF001 - as sys documents it
        while frame is not None:
            self._awaiting += [frame] * bool(frame.f_code.co_flags & _SUSPENDABLE)
            frame = frame.f_back
        try:
            with _tracing(self, by_task=True):
                return await forward(*arguments)
        finally:
            self._awaiting.clear()

    def see(self, kind: str, name: str, place: Place) -> None:
        """Note something that happened, unless it is known or of the call's own making."""
        if (kind, name) not in self.made:
            self.seen.setdefault((kind, name), place)

    def see_code(self, frame: FrameType, from_before: bool) -> bool:
        """Note that a function of the user's began to run; return whether it is noted, now or before."""
        code = frame.f_code
        if id(code) in self.ran:
            return True
        if frame in self._awaiting or not is_of_the_call(frame):
            return False
        caller = users_frame(frame.f_back)
        if from_before:
            self.ran[id(code)] = Ran(code, frame.f_globals, None, _ELSEWHERE)
        elif caller is None:
            self.ran[id(code)] = Ran(code, frame.f_globals, None, CALL)
        else:
            self.ran[id(code)] = Ran(code, frame.f_globals, caller.f_code, place_of(caller))
        return True

    def see_random(self, names: Iterable[str], frame: FrameType | None) -> None:
        """Note the global random states that were used while a frame of the user's ran."""
        for name in names:
            self.see("random", name, place_of(frame, exact=False) if frame is not None else CALL)


def foreign_profiler() -> object:
    """Return what else profiles this thread: tracing would end it, and Python has no way to start it again."""
    profiler = sys.getprofile()
    return None if profiler is _profile else profiler


@contextmanager
def _tracing(trace: Trace, by_task: bool = False) -> Iterator[None]:
    thread = threading.get_ident()
    modules = set(sys.modules)
    witnesses.enter(trace, thread, by_task)
    _begin(trace)
    trace.states.begin()
    sys.setprofile(_profile)
    try:
        yield
    finally:
        is_idle = witnesses.leave(trace, thread, by_task)
        theirs = sys.getprofile()
        if theirs is not _profile:
            trace.notes.append("the call set a profiler of its own; what ran after that is not in this report")
        elif is_idle:
            sys.setprofile(None)
        trace.see_random(trace.states.take(), None)
        _end(trace)
        if theirs is not _profile:
            sys.setprofile(theirs)
        fresh = sorted(set(sys.modules) - modules)
        trace.imported += [
            name
            for name in fresh
            # Compiled packages make modules of their own that have no file.
            if getattr(sys.modules.get(name), "__file__", None) and boundary.origin_of_module(name) == boundary.PROJECT
        ]


def _begin(trace: Trace) -> None:
    """Set the hooks, unless they are: for the first of the traces."""
    global _hooked, _foreign, _position, _last
    with _starting:
        if not active:
            _foreign = threading.getprofile()
        if not _hooked:
            _hooked = True
            sys.addaudithook(_audit)
        active.append(trace)
        _settled.clear()
        _position = twister_position()
        _last = _position.value if _position is not None else 0
        if sys.version_info >= (3, 12):
            threading.setprofile_all_threads(_profile)
        threading.setprofile(_profile_new_thread)


def _end(trace: Trace) -> None:
    """Undo what `_begin` did; the last trace takes the hooks of all threads with it."""
    with _starting:
        active.remove(trace)
        _settled.clear()
        if active:
            return
        _forget()
        if sys.version_info >= (3, 12):
            threading.setprofile_all_threads(None)
        threading.setprofile(_foreign)


def _forget() -> None:
    witnesses.forget()
    for table in (_dull, _settled, _acts, _users, _kept):
        table.clear()


def _profile_new_thread(frame: FrameType, event: str, argument: Any) -> None:
    """Find out, as a thread begins to run, which traces started it."""
    witnesses.begin_thread()
    sys.setprofile(_profile if active else None)


def _profile(frame: FrameType, event: str, argument: Any) -> None:
    """See one event; what is known and not watched costs a few comparisons.

    An exception here would end in the user's function: whatever goes wrong is noted, and their call goes on.
    """
    if event == "call":
        code = id(frame.f_code)
        if code not in _dull and (code not in _settled or (_position is not None and _position.value != _last)):
            _guarded(_see_call, frame)
    elif event == "c_call":
        watched = builtin.WATCHED.get(id(getattr(argument, "__self__", None)))
        if watched is not None:
            _guarded(watched, Moment(frame), argument.__name__)
    elif _position is not None and _position.value != _last and id(frame.f_code) in _users and event == "return":
        _guarded(_see_movement, frame)


def _see_call(frame: FrameType) -> None:
    if not active:  # a thread that outlives the call that started it
        sys.setprofile(None)
        return
    code = frame.f_code
    act = _acts.get(id(code))
    if act is not None:
        act(Moment(frame))
    elif id(code) in _users or functions.is_users(frame):
        _see_users(frame)
    else:
        act = functions.WATCHED.get((frame.f_globals.get("__name__"), code.co_qualname))
        _kept.append(code)
        if act is None:
            _dull.add(id(code))
        else:
            _acts[id(code)] = act
            act(Moment(frame))


def _see_users(frame: FrameType) -> None:
    code = frame.f_code
    if id(code) not in _users:
        _kept.append(code)
        _users.add(id(code))
    seen, moment = True, Moment(frame)
    for trace in moment.traces:
        seen &= trace.see_code(frame, moment.from_before)
    if seen and moment.traces and len(active) == 1:
        _settled.add(id(code))
    if _position is not None and _position.value != _last:
        _see_movement(frame.f_back)


def _see_movement(frame: FrameType | None) -> None:
    """Note in the traces of this thread that numpy's state moved while `frame` ran; the others need not wonder."""
    global _last, _position
    traces, _ = witnesses.here()
    for trace in active:
        moved = trace.states.take()
        if trace in traces:
            trace.see_random(moved, users_frame(frame))
    _last = _position.value if _position is not None else 0
    if all(("random", NUMPY) in trace.seen for trace in active):
        _position = None  # one finding is enough


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    """See one event of Python's own auditing; between audits it costs one comparison."""
    if active and event in events.WATCHED:
        _guarded(events.WATCHED[event], Moment(sys._getframe(1)), arguments)  # noqa: SLF001 - as sys documents it


def _guarded(see: Callable[..., None], *arguments: Any) -> None:
    try:
        see(*arguments)
    except Exception as error:  # noqa: BLE001 - said in the report
        note = f"something was not understood, please report it: {type(error).__name__}: {error}"
        for trace in active:
            if note not in trace.notes:
                trace.notes.append(note)


os.register_at_fork(after_in_child=_forget)
