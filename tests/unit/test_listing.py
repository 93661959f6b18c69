"""Rows: arguments decoded, sorted, cut; and the functions they belong to."""

from __future__ import annotations

import math
from decimal import Decimal

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cas
from cas import listing
from tests.deposits import FUNCTION, function, key, put


def put_argument(store: cas.Store, number: int, value: object) -> None:
    """Store an entry with that argument."""
    with store.deposit(cas.Call(key(number), FUNCTION, msgpack.packb([value])), 0.0) as deposit:
        deposit.commit(cas.Result("tree/1", (b"\1",), "int", {}))


def arguments(rows: object) -> list[object]:
    """Return the one argument of each row."""
    return [row.arguments["number"] for row in rows]


def test_arguments_are_decoded_by_name(store):
    """A row holds the entry and its arguments by name, the stars left out."""
    record = cas.FunctionRecord(b"\1" * 32, "m", "f", ("x", "*rest", "**options"))
    with store.deposit(cas.Call(key(1), record, msgpack.packb([1, [2], {"a": 3}])), 0.0) as deposit:
        deposit.commit(cas.Result("tree/1", (b"\1",), "int", {}))
    (row,) = listing.list_entries(store, ("m", "f"))
    assert row.entry == store.entry(key(1))
    assert row.arguments == {"x": 1, "rest": [2], "options": {"a": 3}}


def test_only_the_named_function_is_listed(store):
    """A function's rows leave out the entries of others; without one, all come."""
    put(store, 1)
    put(store, 2, record=function(0, "analysis", "other"))
    assert arguments(listing.list_entries(store, ("analysis", "other"))) == [2]
    assert arguments(listing.list_entries(store)) == [2, 1]
    assert arguments(listing.list_entries(store, ("analysis", "nothing"))) == []


def test_page_reads_no_more_than_it_shows(store):
    """The first page of a listing by a field decodes its own rows and no others (I9)."""
    for number in range(50):
        put(store, number)
    decoded = []
    rows = listing.list_entries(store, matches=lambda row: decoded.append(row) is None, limit=3)
    assert arguments(rows) == [49, 48, 47]
    assert len(decoded) == 3


def test_orders(store):
    """Rows come by an argument or a field, up or down."""
    for number in (3, 1, 2):
        put(store, number, cost=number / 10)

    def listed(order: str) -> list[object]:
        return arguments(listing.list_entries(store, order=listing.parse_order(order, ["number"]), limit=2))

    assert listed("number") == [1, 2]
    assert listed("-number") == [3, 2]
    assert listed("cost") == [1, 2]
    assert listed("-entry.cost") == [3, 2]
    assert listed("age") == listed("-created") == [2, 1]
    assert listed("-age") == listed("created") == [3, 1]


def test_argument_hides_a_field(store):
    """An argument called as a field is sorted by; the field stays in reach."""
    assert listing.parse_order("-size", ["size"]) == listing.Order(None, "size", descending=True)
    assert listing.parse_order("-entry.size", ["size"]) == listing.Order("-size")
    with pytest.raises(cas.InvalidInputError) as refused:
        listing.parse_order("nothing", ["size"])
    assert "size, created" in refused.value.hint


MIXED = [None, -1, 2.5, 3, math.nan, "a", "b", (1, "x"), (2, None), b"\0", Decimal(1)]


@given(st.permutations(range(len(MIXED))))
def test_values_of_any_types_have_one_order(order):
    """Arguments of any types can be sorted together, always in the same order."""
    ranked = sorted((MIXED[place] for place in order), key=listing._rank)
    assert list(map(repr, ranked)) == list(map(repr, sorted(MIXED, key=listing._rank)))
    assert ranked[:4] == [None, -1, 2.5, 3]


@given(st.lists(st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=3))), st.integers(1, 5))
def test_top_of_a_listing_is_the_start_of_all_of_it(values, limit):
    """With a limit, the rows are the first of those that come without one (fast equals slow)."""
    rows = [listing.Row(None, {"x": value}) for value in values]
    for descending in (False, True):
        order = listing.Order(None, "x", descending)
        everything = list(listing._sorted(iter(rows), order, None))
        assert list(listing._sorted(iter(rows), order, limit))[:limit] == everything[:limit]


def test_rows_without_the_argument_come_last(store):
    """Versions that lack the argument that is sorted by come after those that have it."""
    put(store, 1)
    lacking = cas.FunctionRecord(b"\2" * 32, "analysis", "spectrum", ("other",))
    put(store, 2, record=lacking)
    put(store, 3)
    for order in ("number", "-number"):
        rows = list(listing.list_entries(store, order=listing.parse_order(order, ["number", "other"])))
        assert rows[-1].entry.key == key(2)
        assert len(rows) == 3


def test_unreadable_arguments_do_not_stop_a_listing(store):
    """An entry whose arguments cannot be decoded is a row that says so."""
    with store.deposit(cas.Call(key(1), FUNCTION, b"\xc1"), 0.0) as deposit:
        deposit.commit(cas.Result("tree/1", (b"\1",), "int", {}))
    put(store, 2)
    rows = list(listing.list_entries(store, order=listing.parse_order("number", ["number"])))
    assert arguments(rows) == [2, listing.UNREADABLE]
    assert rows[1].alias.startswith("analysis/spectrum/")


def test_functions_take_their_versions_together(store):
    """A function's figures are the sums over its versions, and the last used comes first."""
    put(store, 1, cost=1.0)
    put(store, 2, cost=2.0, record=function(1))
    put(store, 3, cost=4.0, record=function(0, "analysis", "other"))
    store.record_hits(function(1).fingerprint, 3, 6.0, [])
    rows = {row.name: row for row in listing.function_rows(store)}
    spectrum = rows["analysis.spectrum"]
    assert (spectrum.versions, spectrum.entries, spectrum.size, spectrum.cost) == (2, 2, 10, 3.0)
    assert (spectrum.hits, spectrum.saved) == (3, 6.0)
    assert rows["analysis.other"].versions == 1


def test_json_of_a_row(store):
    """A row for machines has ISO times and decoded arguments."""
    put_argument(store, 1, math.nan)
    (row,) = listing.list_entries(store)
    written = listing.row_json(row)
    assert written["arguments"] == {"number": "nan"}
    assert written["created"] == listing.iso(row.entry.created)
    assert "alias" not in written
    assert listing.iso(0.25) == "1970-01-01T00:00:00.250Z"
