"""Sizes and durations as people write and read them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cas.errors import InvalidInputError
from cas.units import format_age, format_duration, format_size, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("10", 10),
        ("10B", 10),
        ("10GB", 10**10),
        ("10 gb", 10**10),
        ("2k", 2000),
        ("1M", 10**6),
        ("1.5GiB", 3 * 2**29),
        ("1KiB", 1024),
        ("0.1GB", 10**8),
        ("1_000MB", 10**9),
        (" 3 TiB ", 3 * 2**40),
        ("1.0005kB", 1000),
    ],
)
def test_size_is_read(text: str, size: int) -> None:
    """A size in decimal or binary units is exact whole bytes, upper and lower case alike."""
    assert parse_size(text) == size
    assert type(parse_size(text)) is int


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "10XB", "1e3", "ten", "10GB 5MB", "1__0", "nan", "9" * 40])
def test_what_is_no_size_is_refused(text: str) -> None:
    """A text that is no size raises with an example of one in the hint."""
    with pytest.raises(InvalidInputError, match="expected a size") as caught:
        parse_size(text)
    assert "10GB" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90.0),
        ("1.5h", 5400.0),
        ("12h", 43200.0),
        ("30d", 2592000.0),
        ("2w", 1209600.0),
        ("1y", 31536000.0),
        ("5m", 300.0),
        ("5 min", 300.0),
        ("250ms", 0.25),
        ("310µs", 310e-6),
        ("310\N{GREEK SMALL LETTER MU}s", 310e-6),
        ("1h30m", 5400.0),
        ("1d 12h", 129600.0),
        ("3 Days", 259200.0),
    ],
)
def test_duration_is_read(text: str, seconds: float) -> None:
    """A duration in one unit or several, abbreviated or not, is seconds."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "h", "-3d", "3 months", "1h30", "1h,2m", "inf s", "9" * 40 + "s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """A number without a unit, or anything else, raises with examples in the hint."""
    with pytest.raises(InvalidInputError, match="expected a duration") as caught:
        parse_duration(text)
    assert "30d" in caught.value.hint


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (1234, "1.2 kB"),
        (99_949, "99.9 kB"),
        (99_950, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (1_200_000_000, "1.2 GB"),
        (10**22, "10000 EB"),
        (-5000, "-5 kB"),
    ],
)
def test_size_is_written(size: int, text: str) -> None:
    """A size has one decimal below a hundred, and never rounds up to a thousand of its unit."""
    assert format_size(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (25e-9, "25 ns"),
        (310e-6, "310 µs"),
        (0.05, "50 ms"),
        (0.99996, "1 s"),
        (3.1, "3.1 s"),
        (59.99, "1 min"),
        (90, "1.5 min"),
        (2.4 * 3600, "2.4 h"),
        (40 * 86400, "40 d"),
        (2 * 365 * 86400, "2 y"),
    ],
)
def test_duration_is_written(seconds: float, text: str) -> None:
    """A duration is written in the unit in which it is at least one."""
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "now"), (0.9, "now"), (59.9, "59 s"), (60, "1 min"), (7199, "1 h"), (86400 * 12.9, "12 d"), (4e7, "1 y")],
)
def test_age_is_written_in_whole_units(seconds: float, text: str) -> None:
    """An age counts what has passed in full, and a clock that was set back gives no negative one."""
    assert format_age(seconds) == text


@given(st.integers(0, 10**20))
def test_written_size_reads_back_within_its_rounding(size: int) -> None:
    """A written size is itself a size, within the half unit of its last digit."""
    assert parse_size(format_size(size)) == pytest.approx(size, rel=0.05)


@given(st.floats(1e-9, 1e10))
def test_written_duration_reads_back_within_its_rounding(seconds: float) -> None:
    """A written duration is itself a duration, within the half unit of its last digit."""
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, rel=0.06)


@given(st.text())
@settings(max_examples=200)
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes the readers fail with anything but their own error."""
    for parse in (parse_size, parse_duration):
        try:
            assert parse(text) >= 0
        except InvalidInputError:
            continue
