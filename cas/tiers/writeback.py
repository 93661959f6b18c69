"""The copying of entries to other tiers, in the background, and what is left to do after a crash.

What is to be copied is in the journal of the tier that has it before anybody can see it, so that a process that dies
leaves it to the next one that opens the chain. The thread is a daemon that ends when idle; a forked child starts
without it and without what its parent has to do.
"""

from __future__ import annotations

import threading
from collections import deque

from cas.errors import ConflictError, NotFoundError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Protocol

    from cas.store import Store
    from cas.tiers.tier import Tier

    class Journal(Protocol):
        """What a local store writes down of entries that it is to pass on; see `cas.local.unsent`."""

        def knows(self, tier: str) -> bool:
            """Return whether entries were ever to be passed on to a tier."""

        def introduce(self, tier: str) -> None:
            """Remember that there is such a tier."""

        def add(self, tier: str, key: bytes, durable: bool) -> str:
            """Write down that an entry is to be passed on; return the name of that."""

        def waiting(self, tier: str) -> list[tuple[bytes, str]]:
            """Return key and name of what is to be passed on."""

        def remove(self, tier: str, name: str) -> None:
            """Write down that an entry has been passed on."""

        def forget(self, keys: Iterable[bytes]) -> None:
            """Pass none of these entries on."""

    Task = tuple[Tier, Tier, bytes, str, bool]
    """From where, to where, which entry, its name in the journal or nothing, whether it replaces what is there."""

# Seconds for which an idle thread keeps its connections: shorter than a person waits, longer than between two misses.
_LINGER = 5.0
# How often an entry is read again that changes while it is copied.
_ATTEMPTS = 3


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
        self._queued: set[tuple[str, bytes, bool]] = set()
        self._changed = threading.Condition()
        # Held while one entry is copied: whoever removes entries waits, or the copy would bring them back.
        self.copying = threading.RLock()
        self._thread: threading.Thread | None = None
        self._ending = False

    def add(self, source: Tier, target: Tier, key: bytes, name: str = "", replace: bool = False) -> None:
        """Have an entry copied soon."""
        with self._changed:
            if not name:  # a promotion, which every hit asks for until it is done
                if (target.name, key, replace) in self._queued:
                    return
                self._queued.add((target.name, key, replace))
            self._waiting.append((source, target, key, name, replace))
            self._wake()

    def _wake(self) -> None:
        if self._thread is None:
            self._ending = False
            thread = threading.Thread(target=self._work, name="cas-tiers", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return  # the interpreter is ending, or out of threads: `flush` does the work
            self._thread = thread
        else:
            self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._waiting and (self._ending or not self._changed.wait(_LINGER)) and not self._waiting:
                    self._thread = None
                    return
            self._drain()

    def resume(self) -> None:
        """Take up what earlier processes left, if the tiers that it is for are there."""
        for source, target in self._pairs():
            journal, store = source.journal, target.writing()
            if journal is None or store is None:
                continue
            try:
                known = {task[3] for task in self._waiting}
                for key, name in journal.waiting(target.name):
                    if name not in known:
                        self.add(source, target, key, name, replace=True)
            except OSError as error:
                source.fail(error)

    def _pairs(self) -> list[tuple[Tier, Tier]]:
        return [(source, target) for source in self._tiers for target in self._tiers if source is not target]

    def flush(self) -> None:
        """Copy all that waits, in this thread; what a tier does not take stays in the journal."""
        self.resume()
        self._drain()
        with self.copying:
            return  # the other thread is done with its last entry as well

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
        for tier in self._tiers:
            if tier.journal is not None:
                tier.journal.forget(gone)

    def forked(self) -> None:
        """Start anew in a child: what the parent has to do is the parent's."""
        self._start_anew()

    def _drain(self) -> None:
        while True:
            with self.copying:
                try:
                    task = self._waiting.popleft()
                except IndexError:
                    return
                self._copy(task)

    def _copy(self, task: Task) -> None:
        source, target, key, name, replace = task
        self._queued.discard((target.name, key, replace))
        from_store, to_store = source.reading(), target.writing()
        if from_store is None or to_store is None:
            return  # it stays in the journal
        if target.is_gone():
            return
        try:
            copy_entry(from_store, to_store, key, replace)
            target.works()
            if name and source.journal is not None:
                source.journal.remove(target.name, name)
        except OSError as error:
            target.fail(error, writing=True)
        except Exception as error:  # noqa: BLE001 - the thread goes on with the other entries, and somebody is told
            self._say(f"a result in {source.location} could not be copied to {target.location}: {error}")


def copy_entry(source: Store, target: Store, key: bytes, replace: bool) -> None:
    """Copy an entry as it is at this moment; one that is gone, or larger than the target may hold, is passed over."""
    from cas.transfer import send  # noqa: PLC0415 - the path of a hit copies nothing

    for attempt in range(_ATTEMPTS):
        try:
            entry = source.entry(key)
            if entry.size <= getattr(target, "largest", entry.size):
                send(entry, source, target, replace=replace)
        except (ConflictError, NotFoundError):
            if source.fetch(key) is None:
                return
            if attempt + 1 == _ATTEMPTS:
                raise
        else:
            return
