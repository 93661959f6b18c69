"""Where two values differ, in words: whole if short, by their place if long, with the type if they look alike."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import pathlib

import numpy as np
import pytest

from cas.contrast import contrast
from memo.canonical import encode


@dataclasses.dataclass
class Settings:
    rate: float
    name: str


LONG = "one two three four five six seven eight nine ten eleven twelve thirteen"
CONFIG = {"rate": 250.0, "bands": {"alpha": [8, 12]}, "note": LONG}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (5, 7, [("", "5", "7")]),
        (None, "hann", [("", "None", "'hann'")]),
        ({"a": 1}, {"a": 2}, [("", "{'a': 1}", "{'a': 2}")]),
        (np.arange(3.0), np.arange(3), [("", "float64[3](0.0, 1.0, 2.0)", "int64[3](0, 1, 2)")]),
    ],
)
def test_short_values_stand_side_by_side(old, new, told):
    """Values that fit in half a line are shown whole."""
    assert contrast(encode(old), encode(new)) == told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (1, True, [("", "1 (int)", "True (bool)")]),
        (1, 1.0, [("", "1 (int)", "1.0 (float)")]),
        (1, np.float64(1), [("", "1", "np.float64(1.0)")]),
        (0.0, -0.0, [("", "0.0", "-0.0")]),
        (decimal.Decimal(1), 1, [("", "1 (Decimal)", "1 (int)")]),
        ("a/b", pathlib.PurePosixPath("a/b"), [("", "'a/b' (str)", "'a/b' (PurePosixPath)")]),
    ],
)
def test_what_looks_alike_shows_its_type(old, new, told):
    """Values that print alike, or count as equal, are told apart by their types."""
    assert contrast(encode(old), encode(new)) == told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (CONFIG, {**CONFIG, "rate": 500.0}, [('["rate"]', "250.0", "500.0")]),
        (CONFIG, {**CONFIG, "bands": {"alpha": [8, 13]}}, [('["bands"]["alpha"][1]', "12", "13")]),
        (CONFIG, {**CONFIG, "new": 1}, [('["new"]', "nothing", "1")]),
        ({**CONFIG, "gone": 1}, CONFIG, [('["gone"]', "1", "nothing")]),
        ({"b": 1, "a": LONG}, {"a": LONG, "b": 1}, [("", "in the order ['b', 'a']", "in the order ['a', 'b']")]),
        (list(range(99)), [*range(50), 7, *range(51, 99)], [("[50]", "50", "7")]),
        (list(range(99)), list(range(100)), [("", "99 elements", "100 elements")]),
        (list(range(99)), list(range(1, 99)), [("", "99 elements", "98 elements"), ("[0]", "0", "1")]),
        (set(range(99)), {*range(98), -1}, [("", "with 98", "with -1")]),
        (Settings(1.0, LONG), Settings(2.0, LONG), [(".rate", "1.0", "2.0")]),
        (np.arange(12.0), np.arange(12.0) + (np.arange(12) == 7), [(".flat[7]", "7.0", "8.0")]),
        (
            Settings(1.0, "a"),
            Settings(1.0, pathlib.PurePosixPath("a")),
            [(".name", "'a' (str)", "'a' (PurePosixPath)")],
        ),
        ([1, *range(40)], [True, *range(40)], [("[0]", "1 (int)", "True (bool)")]),
    ],
)
def test_of_long_values_the_place_is_told(old, new, told):
    """Of values that are long, or look alike as a whole, the places inside where they differ are told."""
    assert contrast(encode(old), encode(new)) == told


def test_of_long_texts_the_surroundings_are_shown():
    """Two texts with the same beginning are shown around where they part, with the place."""
    ((where, old, new),) = contrast(encode(f"SELECT {LONG} FROM a"), encode(f"SELECT {LONG} FROM b"))
    assert (where, old[-8:], new[-8:]) == (f"[{len(LONG) + 13}]", " FROM a'", " FROM b'")
    assert len(old) < 30
    ((where, old, new),) = contrast(encode(10**300), encode(10**300 + 1))
    assert (where, old[-3:], new[-3:]) == ("", "000", "001")


def test_many_places_are_cut():
    """Of values that differ in more than a few places, the first ones are told, and that there are more."""
    told = contrast(encode(list(range(50))), encode(list(range(1, 51))))
    assert [place.where for place in told] == ["[0]", "[1]", "[2]", "[3]", " and elsewhere"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (float("nan"), -float("nan")),
        (
            datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
            datetime.datetime(2020, 1, 1, fold=1, tzinfo=datetime.UTC),
        ),
        ([float("nan"), LONG], [-float("nan"), LONG]),
    ],
)
def test_what_does_not_show_is_told_by_a_digest(old, new):
    """Values of other bytes that look the same in every part get the start of a digest each."""
    ((where, was, now),) = contrast(encode(old), encode(new))
    assert where == ""
    assert was != now
    assert was.rpartition("~")[0] == now.rpartition("~")[0] != ""


@pytest.mark.parametrize("damaged", [b"\xc1", b"", b"\x92\x01", b"\xd4\x7f\x00"])
def test_what_is_no_form_is_unreadable(damaged):
    """Bytes of a store that are no form are said to be unreadable, and never fail."""
    ((_, was, now),) = contrast(damaged, encode(1))
    assert was.startswith("unreadable~")
    assert now.startswith("unreadable~")
    assert was != now


def test_deep_values_do_not_overflow():
    """Values nested as deep as msgpack reads are compared without an error."""
    ((_, was, now),) = contrast(b"\x91" * 500 + b"\x01", b"\x91" * 500 + b"\x02")
    assert was != now
