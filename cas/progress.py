"""How long work tells how far it is: a callback, and iterators that call it.

Knows nothing of terminals; `cas.cli` draws a bar, other callers may do as they like.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

Progress = Callable[[str, int, int | None], None]
"""Told (what is being done, how many are done, of how many if that is known) now and then."""

T = TypeVar("T")

# Seldom enough to cost nothing beside reading a row.
_EVERY = 256
# One transaction each: long enough to be quick, short enough that a writer waits for half a second at most.
BATCH = 20_000


def told(values: Iterable[T], text: str, progress: Progress | None) -> Iterator[T]:
    """Yield `values`, telling how many have passed."""
    done = 0
    for done, value in enumerate(values, 1):
        if progress is not None and not done % _EVERY:
            progress(text, done, None)
        yield value
    if progress is not None and done:
        progress(text, done, done)


def batches(values: Sequence[T], text: str, progress: Progress | None) -> Iterator[Sequence[T]]:
    """Yield `values` in pieces of up to `BATCH`, telling how many are done."""
    for start in range(0, len(values), BATCH):
        yield values[start : start + BATCH]
        if progress is not None:
            progress(text, min(start + BATCH, len(values)), len(values))
