"""A store beside a dictionary: whatever is done to both, they hold the same."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import cas
from tests.deposits import assert_intact, call, flip, get, key, large, overwrite, put

NUMBERS = st.integers(0, 5)
CHILDREN = st.lists(st.integers(0, 4), max_size=3).map(tuple)
SIZE = 40_000


def body(number: int) -> bytes:
    """Return the bytes of a shared blob, too large to be inline."""
    return large(number, SIZE)


class StoreMachine(RuleBasedStateMachine):
    """Deposits that share blobs, forgetting, sweeping, reopening and damage, against a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(prefix="store-machine-", dir=memory))
        self.store = cas.open(self.folder / "store")
        self.entries: dict[int, tuple[bytes, tuple[int, ...]]] = {}
        self.costs: dict[int, float] = {}
        self.blobs: set[int] = set()
        self.memory: dict[bytes, bytes] = {}

    def teardown(self) -> None:
        """Let fsck look, and clear away."""
        assert_intact(self.store)
        self.store.close()
        shutil.rmtree(self.folder)

    def needed(self, number: int) -> list[int]:
        """Return the blobs in files that an entry needs."""
        root, children = self.entries[number]
        return sorted({*children, *(blob for blob in range(5) if root == body(blob))})

    @rule(number=NUMBERS, root=st.binary(max_size=30) | st.integers(0, 4).map(body), children=CHILDREN)
    def deposit(self, number: int, root: bytes, children: tuple[int, ...]) -> None:
        """Store or replace an entry."""
        cost = float(number % 2)
        put(self.store, number, root, tuple(map(body, children)), cost=cost)
        self.entries[number] = root, children
        self.costs[number] = cost
        self.blobs |= set(self.needed(number))

    @rule(number=NUMBERS, children=CHILDREN)
    def leave_without_commit(self, number: int, children: tuple[int, ...]) -> None:
        """Write blobs, and then think better of it."""
        with self.store.deposit(call(number), 0.0) as deposit:
            for child in children:
                deposit.write((body(child),))
        self.blobs |= set(children)

    @rule(numbers=st.sets(NUMBERS))
    def forget(self, numbers: set[int]) -> None:
        """Forget entries, some of which are not there."""
        present = numbers & set(self.entries)
        assert self.store.forget(map(key, numbers)) == len(present)
        for number in present:
            del self.entries[number]

    @rule(numbers=st.lists(st.tuples(NUMBERS, NUMBERS), max_size=3))
    def copy(self, numbers: list[tuple[int, int]]) -> None:
        """Give results to calls that have none."""
        made = 0
        for old, new in numbers:
            if old in self.entries and new not in self.entries:
                self.entries[new] = self.entries[old]
                made += 1
        assert self.store.copy([(key(old), call(new)) for old, new in numbers], {"copied": "yes"}).made == made

    @rule()
    def sweep(self) -> None:
        """Sweep everything that no entry needs."""
        kept = {blob for number in self.entries for blob in self.needed(number)}
        freed = self.store.sweep([blob.digest for blob in self.store.blobs()])
        assert freed == SIZE * len(self.blobs - kept)
        self.blobs &= kept

    @rule()
    def reopen(self) -> None:
        """Close the store and open it again."""
        self.store.close()
        self.store = cas.open(self.folder / "store")

    @precondition(lambda self: self.blobs)
    @rule(data=st.data(), bit=st.integers(0, SIZE * 8 - 1))
    def damage_blob(self, data: st.DataObject, bit: int) -> None:
        """Flip a bit of a blob's file: it is found, and whoever needs the blob is computed again."""
        blob = data.draw(st.sampled_from(sorted(self.blobs)))
        digest = blake3(body(blob)).digest()
        overwrite(self.store.open_blob(digest).path, lambda stored: flip(stored, bit))
        with pytest.raises(cas.IntegrityError):
            self.store.open_blob(digest)
        with pytest.raises(cas.NotFoundError):
            self.store.open_blob(digest)
        self.blobs.discard(blob)
        for number in [number for number in self.entries if blob in self.needed(number)]:
            root, children = self.entries[number]
            self.deposit(number, root, children)

    @precondition(lambda self: self.entries)
    @rule(data=st.data(), change=st.sampled_from(["CAST(body || x'00' AS BLOB)", "CAST(body || 'x' AS TEXT)", "1"]))
    def damage_row(self, data: st.DataObject, change: str) -> None:
        """Change a result inside the index: it is found, and the entry is gone."""
        number = data.draw(st.sampled_from(sorted(self.entries)))
        root, _ = self.entries[number]
        if root in map(body, range(5)):
            return
        with self.store.index.writing() as run:
            run(f"UPDATE entries SET body = {change} WHERE key = ?", (key(number),))
        with pytest.raises(cas.IntegrityError):
            self.store.fetch(key(number))
        del self.entries[number]

    @rule(name=st.sampled_from([b"a", b"b"]), kept=st.binary(max_size=5))
    def remember(self, name: bytes, kept: bytes) -> None:
        """Remember a few bytes."""
        self.store.remember(name, kept)
        self.memory[name] = kept

    @rule()
    def lose_what_may_be_lost(self) -> None:
        """Drop all that only saves time (I8)."""
        with self.store.index.writing() as run:
            run("DELETE FROM stamps")
            run("DELETE FROM cache")
        self.memory.clear()

    @invariant()
    def holds_the_same(self) -> None:
        """The store's entries, blobs, figures and memories are the model's."""
        for number in range(6):
            entry = self.entries.get(number)
            found = get(self.store, number)
            if entry is None:
                assert found is None
                continue
            assert found is not None
            root, children = entry
            expected = sorted({body(child) for child in children if body(child) != root})
            assert found == (root, expected)
        assert {entry.key for entry in self.store.entries()} == set(map(key, self.entries))
        assert {blob.digest for blob in self.store.blobs()} == {blake3(body(blob)).digest() for blob in self.blobs}
        assert sum(summary.entries for summary in self.store.functions()) == len(self.entries)
        weighed = {row[0]: set(row[6]) for row in self.store.weights()}
        assert weighed == {
            key(number): {blake3(body(blob)).digest() for blob in self.needed(number)} for number in self.entries
        }
        for name in (b"a", b"b"):
            assert self.store.recall(name) == self.memory.get(name)


SHORT = settings(max_examples=40, stateful_step_count=20, deadline=None)
LONG = settings(max_examples=1500, stateful_step_count=60, deadline=None)


class TestStore(StoreMachine.TestCase):
    """A few lives of a store."""

    settings = SHORT


@pytest.mark.soak
class TestStoreForLong(StoreMachine.TestCase):
    """Many long lives of a store."""

    settings = LONG
