"""A bucket: named byte strings, each put whole and replaced whole. What a shared store stands on.

Knows names and bytes; what they mean is decided above.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Seen(NamedTuple):
    """What an object looked like.

    Attributes:
        size: Its length in bytes.
        changed: When it was put or renewed, seconds since the epoch by the bucket's own clock.
        mark: Another one whenever its bytes may be others.
    """

    size: int
    changed: float
    mark: object


class Bucket(Protocol):
    """Named byte strings.

    Durability: an object put with `durable` is on the disk when `put` returns, where the bucket is on one.
    Concurrency: `put` is atomic: a reader sees the old object or the new one, whole. Any thread, any process, any host.
    """

    location: str

    def get(self, name: str) -> bytes | None:
        """Return an object's bytes; None if there is none."""

    def put(self, name: str, parts: tuple[memoryview, ...], durable: bool = False) -> None:
        """Store an object, in place of an earlier one."""

    def put_all(self, objects: Sequence[tuple[str, tuple[memoryview, ...]]], durable: bool = False) -> None:
        """Store several objects in that order; with `durable`, all of them are on the disk at the end."""

    def look(self, name: str) -> Seen | None:
        """Return what an object looks like; None if there is none."""

    def renew(self, name: str) -> Seen | None:
        """Make an object as young as if it were put now; None if there is none, or that cannot be done."""

    def names(self, prefix: str) -> Iterator[str]:
        """Yield the names that begin with `prefix`, which ends at a slash or is empty."""

    def delete(self, name: str) -> bool:
        """Remove an object; return whether there was one."""

    def delete_old(self, name: str, before: float) -> int:
        """Remove an object unless it is younger than `before`, and return its size; 0 if it stays or is not there."""

    def move(self, name: str, to: str) -> bool:
        """Give an object another name; False if there is none."""

    def aside(self, name: str) -> str:
        """Return a new temporary name for an object, which says what the object is."""

    def now(self) -> float:
        """Return the time by the clock that `Seen.changed` is told by."""

    def file(self, name: str, seen: Seen, again: bool) -> str:
        """Return a file that holds the object's bytes, for reading; FileNotFoundError if there is none.

        Args:
            name: The object.
            seen: What it looks like.
            again: Not a copy that was made before.
        """

    def path(self, name: str) -> str:
        """Return what a person calls the object: where it stands, or would."""

    def name(self, path: str) -> str | None:
        """Return the name of the object that a person calls so; None if it is not in this bucket."""

    def is_leftover(self, name: str) -> bool | None:
        """Return whether a name is that of an unfinished `put` whose writer is gone; None if nobody can tell."""

    def forked(self) -> None:
        """Start anew in a child process."""

    def close(self) -> None:
        """Let go of what reading made."""
