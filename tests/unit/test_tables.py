"""Code tables in a store: kept, found again, and never in the way of a call."""

from __future__ import annotations

import pytest

import cas
from memo.tables import StoredTables


def test_table_is_found_by_another_opening(store):
    """What one holder of a store puts, another gets."""
    StoredTables(store).put(b"name", b"table")
    assert StoredTables(cas.open(store.location)).get(b"name") == b"table"
    assert StoredTables(store).get(b"other") is None


class Broken:
    """A store that fails."""

    def __init__(self, writable):
        self.writable = writable
        self.asked = []

    def recall(self, name):
        """Fail."""
        raise cas.StorageError("broken", "hint")

    def remember(self, name, body):
        """Fail."""
        self.asked.append(name)
        raise cas.StorageError("broken", "hint")


@pytest.mark.parametrize("writable", [True, False])
def test_failing_store_costs_only_the_table(writable):
    """A store that fails gives no table and takes none; a read-only one is not asked to."""
    broken = Broken(writable)
    tables = StoredTables(broken)
    assert tables.get(b"name") is None
    assert tables.put(b"name", b"table") is None
    assert broken.asked == [b"name"] * writable
