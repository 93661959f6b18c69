"""The copying of entries to other tiers, in the background, and what is left to do after a crash.

What is to be copied is in the journal of the tier that has it before anybody can see it, so that a process that dies
leaves it to the next one that opens the chain. The thread is a daemon that waits until its process has nothing to
store, copies many small entries at once, and ends when idle; a forked child starts without it and without what its
parent has to do.
"""

from __future__ import annotations

import threading
import time
from collections import deque

from cas.tiers.tier import FAILURES
from cas.tiers.travel import copy_small, pass_on, promote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cas.tiers.tier import Tier

    Task = tuple[Tier, Tier, bytes, int, bool]
    """From where, to where, which entry, its row in the journal or 0, whether it replaces what is there."""

# Seconds for which an idle thread keeps its connections: shorter than a person waits, longer than between two misses.
_LINGER = 5.0
# Seconds without anything new after which the thread begins: beside a loop of puts, each would take three times as
# long. And for how long it waits at most.
_QUIET = 0.02
_LATEST = 2.0
# Small entries that are copied in one transaction, which takes some milliseconds: so long others wait for the target.
_AT_ONCE = 200


class WriteBack:
    """The copying between the tiers of one chain.

    Args:
        tiers: The tiers, fast to slow.
        say: Told what could not be copied.
    """

    def __init__(self, tiers: Sequence[Tier], say: Callable[[str], None]) -> None:
        self._tiers = tiers
        self._say = say
        self._start_anew()

    def _start_anew(self) -> None:
        self._waiting: deque[Task] = deque()
        # What goes by itself: large entries, and those that changed while they were copied.
        self._single: deque[Task] = deque()
        self._queued: set[tuple[str, bytes, bool]] = set()
        # Tiers that did not take what they were to have.
        self._behind: set[Tier] = set()
        self._added = 0.0
        self._changed = threading.Condition()
        # Held while entries are copied: whoever flushes or removes waits until they are there.
        self.copying = threading.RLock()
        self._thread: threading.Thread | None = None
        self._asleep = False
        self._ending = False

    def add(self, source: Tier, target: Tier, key: bytes, row: int = 0, replace: bool = False) -> None:
        """Have an entry copied soon."""
        with self._changed:
            if not row:  # a promotion, which every hit asks for until it is done
                if (target.name, key, replace) in self._queued:
                    return
                self._queued.add((target.name, key, replace))
            self._waiting.append((source, target, key, row, replace))
            self._added = time.monotonic()
            self._wake()

    def _wake(self) -> None:
        if self._thread is None:
            self._ending = self._asleep = False
            thread = threading.Thread(target=self._work, name="cas-tiers", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return  # the interpreter is ending, or out of threads: `flush` does the work
            self._thread = thread
        elif self._asleep:
            self._changed.notify()

    def _work(self) -> None:
        while self._wait():
            self._drain()

    def _wait(self) -> bool:
        """Wait until there is something to do and nothing else is done; False if the thread is to end."""
        with self._changed:
            if not self._waiting and not self._ending:
                self._asleep = True
                self._changed.wait(_LINGER)
                self._asleep = False
            if not self._waiting:
                self._thread = None
                return False
            latest = time.monotonic() + _LATEST
            while not self._ending and (now := time.monotonic()) < min(self._added + _QUIET, latest):
                self._changed.wait(min(self._added + _QUIET, latest) - now)
            return True

    def resume(self) -> None:
        """Take up what earlier processes left, if the tiers that it is for are there."""
        for source, target in self._pairs():
            journal, store = source.journal, target.writing()
            if journal is None or store is None:
                continue
            try:
                with self._changed:
                    known = {task[3] for tasks in (self._waiting, self._single) for task in tasks}
                for key, row in journal.waiting(target.name):
                    if row not in known:
                        self.add(source, target, key, row, replace=True)
            except FAILURES as error:
                source.fail(error)

    def _pairs(self) -> list[tuple[Tier, Tier]]:
        return [(source, target) for source in self._tiers for target in self._tiers if source is not target]

    def flush(self) -> None:
        """Copy all that waits, in this thread; what a tier does not take stays in the journal."""
        self.resume()
        self._drain()
        with self.copying:
            return  # the other thread is done with its last entries as well

    def stop(self) -> None:
        """Copy all that waits, and end the thread, so that its connections can be closed."""
        self.flush()
        with self._changed:
            thread, self._ending = self._thread, True
            self._changed.notify_all()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def drop(self, keys: Iterable[bytes]) -> None:
        """Copy none of these entries any more; to be called with `copying` held."""
        gone = set(keys)
        with self._changed:
            self._waiting = deque(task for task in self._waiting if task[2] not in gone)
            self._single = deque(task for task in self._single if task[2] not in gone)
            self._queued = {name for name in self._queued if name[1] not in gone}
        for tier in self._tiers:
            try:
                if tier.journal is not None and tier.writing() is not None:
                    tier.journal.forget(gone)
            except FAILURES as error:
                tier.fail(error, writing=True)

    def forked(self) -> None:
        """Start anew in a child: what the parent has to do is the parent's."""
        self._start_anew()

    def _drain(self) -> None:
        while True:
            with self.copying:
                tasks = self._next()
                if not tasks:
                    return
                self._copy(tasks)

    def _next(self) -> list[Task]:
        """Take what is to be copied next: one entry, or the next ones that go from one tier to one other."""
        with self._changed:
            if self._single:
                return [self._single.popleft()]
            tasks: list[Task] = []
            while self._waiting and len(tasks) < _AT_ONCE and (not tasks or _alike(self._waiting[0], tasks[0])):
                tasks.append(self._waiting.popleft())
            self._queued.difference_update((task[1].name, task[2], task[4]) for task in tasks)
            return tasks

    def _copy(self, tasks: list[Task]) -> None:
        source, target, key, row, replace = tasks[0]
        if source.reading() is None or target.writing() is None or target.is_gone():
            self._behind.add(target)
            return  # they stay in the journal
        try:
            upward = bool(row) and self._tiers.index(target) < self._tiers.index(source)
            if len(tasks) > 1:
                self._single.extend(tasks if upward else copy_small(tasks))
            elif replace:
                pass_on(source, target, key, row, upward)
            else:
                promote(source, target, key)
            target.works()
        except OSError as error:
            self._behind.add(target)
            target.fail(error, writing=True)
        except Exception as error:  # noqa: BLE001 - the thread goes on with the other entries, and somebody is told
            if len(tasks) > 1:
                self._single.extend(tasks)
            else:
                self._say(f"a result in {source.location} could not be copied to {target.location}: {error}")
        else:
            if target in self._behind:  # it is there again, and gets what it missed
                self._behind.discard(target)
                self.resume()


def _alike(task: Task, other: Task) -> bool:
    return task[0] is other[0] and task[1] is other[1] and task[4] == other[4]
