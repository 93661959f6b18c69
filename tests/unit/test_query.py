"""The expression language of `--where`."""

from __future__ import annotations

import ast
import math
import re
import sys
import time
from collections import deque
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cas.entry import Entry, FunctionRecord
from cas.errors import InvalidInputError
from cas.fields import FIELDS, lookup
from cas.form import Shown
from cas.query import compile_query

DAY = 86400.0
NOW = datetime(2025, 3, 1, tzinfo=UTC).timestamp()
ENTRY = Entry(
    key=bytes(range(32)),
    function=FunctionRecord(b"\xab" * 32, "analysis.spectra", "multitaper", ("rate", "*rest")),
    signature=b"",
    codec="npy/1",
    digest=b"\x01" * 32,
    inline=True,
    size=50_000_000,
    blobs=(),
    summary="float64[129, 400]",
    cost=9000.0,
    created=NOW - 10 * DAY,
    used=NOW - 2 * DAY,
    provenance={"python": "3.11.7"},
)
ARGUMENTS: dict[str, object] = {
    "tapers": 7,
    "rate": 250.0,
    "gain": math.nan,
    "limit": math.inf,
    "method": "welch",
    "text": "7",
    "flag": True,
    "off": False,
    "none": None,
    "bands": (4, 8),
    "edges": [4.0, 8.0],
    "config": {"alpha": 2, "deep": {"beta": [1, 2]}, 3: "three"},
    "labels": frozenset({"a", "b"}),
    "signal": Shown("array", "float64[1000]~ab12", {}),
    "settings": Shown("dataclass", "Settings(order=4)", {"order": 4}),
    "path": PurePosixPath("data/rec1.npy"),
    "day": date(2024, 5, 1),
    "exact": Decimal("1.5"),
    "raw": b"ab\0",
    "window": range(10**18),
    "recent": deque([1, 2]),
    "z": 1 + 2j,
    "über": 1,
    "huge": 10**6000,
    "scale": Shown("scalar", "np.float64(2.5)", 2.5),
    "noise": Shown("scalar", "np.float64(nan)", math.nan),
    "set": Shown("scalar", "np.bool(True)", True),
    "unset": Shown("scalar", "np.bool(False)", False),
    "word": Shown("scalar", "np.U('a')", "a"),
    "taper": Shown("enum", "Taper.HANN", "hann"),
    "order": Shown("enum", "Order.THIRD", 3),
}
ROW = lookup(ENTRY, ARGUMENTS, NOW)


def matches(text: str) -> bool:
    """Return whether the row matches, with every name known."""
    query = compile_query(text)
    query.check_names(ARGUMENTS)
    return query.matches(ROW)


@pytest.mark.parametrize(
    "text",
    """tapers >= 5 and rate == 250
    tapers == 7.0
    4 < tapers <= 7 < 100
    not tapers < 5
    tapers != 8 and tapers != '7'
    method == 'welch' or tapers > 100
    method in ('welch', "hann")
    method not in ['hann']
    none is None and tapers is not None
    none == None
    flag and not off
    flag == True and off == False
    flag != 1 and tapers != True
    1 not in (True, 2)
    gain == nan and isnan(gain) and not isnan(rate)
    gain != 1 and limit == inf and -limit == -inf
    bands == (4, 8) and bands[0] == 4 and bands[-1] == 8
    bands != [4, 8] and edges == [4, 8]
    4 in bands and 5 not in bands
    len(bands) == 2 and max(bands) == 8 and min(3, tapers, 9) == 3
    abs(-tapers) + 1 == 8 and tapers * 2 - 1 == 13
    tapers / 2 == 3.5 and tapers // 2 == 3 and tapers % 2 == 1
    'wel' + 'ch' == method and bands + (1,) == (4, 8, 1)
    config["alpha"] > 1
    config["deep"]["beta"][1] == 2 and config[3] == 'three'
    'alpha' in config and 'gamma' not in config
    config == {"alpha": 2, "deep": {"beta": [1, 2]}, 3: "three"}
    labels == {'a', 'b'} and 'a' in labels
    signal == "float64[1000]~ab12"
    "float64" in signal and startswith(signal, "float64[")
    settings["order"] == 4 and 'order=4' in settings
    startswith(method, 'we') and method.endswith('ch')
    lower('WELCH') == method
    scale == 2.5 and scale > 2 and 2 * scale == 5 and -scale < 0 and abs(-scale) == 2.5 and scale in (1, 2.5)
    max(scale, 1) == 2.5 and noise == nan and isnan(noise) and 0 < scale < 3 and bands[order - 3] == 4
    set and not unset and set == True and set != 1 and unset == False
    word == 'a' and word in 'cat' and word.startswith('a') and lower(word) == 'a' and len(word) == 1
    taper == 'Taper.HANN' and taper == 'hann' and 'hann' == taper and taper != 'THIRD' and 'HANN' in taper
    taper.startswith('Taper.') and taper in ('boxcar', 'hann')
    order == 3 and order == 'Order.THIRD' and order > 2 and order in [3, 4] and order != 4 and order - 1 == 2
    path == 'data/rec1.npy' and 'rec1' in path and path.endswith('.npy')
    day >= '2024-01-01' and day == '2024-05-01'
    exact == 1.5 and exact > 1
    raw == b'ab\\x00' and b'a' in raw
    5 in window and 1.5 not in window and len(recent) == 2 and 2 in recent
    z == 1 + 2j
    über == 1
    size > 10MB and size < '1 GB'
    size == 50MB and size >= 0.05GB and 2 * 25MB == size
    cost > 2h and cost <= '2.5h' and '1h' < cost < '1d'
    age > '3d' and age < 2w and idle <= 2d
    created < '2025-02-25' and used >= '2025-02-20T12:00'
    used - created > 7d and size / 1e6 > 49
    result == 'float64[129, 400]' and 'float64' in result
    function == 'analysis.spectra.multitaper' and module == 'analysis.spectra' and qualname == 'multitaper'
    codec.startswith('npy') and version == 'abababababababab' and key.startswith('0001')
    entry.cost > 1h and entry.size == 50MB and provenance['python'] == '3.11.7'
    tapers == 7  # a comment
    'it is 10MB' == 'it is 10MB' and text == '7'""".splitlines(),
)
def test_expression_matches(text: str) -> None:
    """Each of these is true of the row."""
    assert matches(text) is True


@pytest.mark.parametrize(
    "text",
    """tapers > 7
    tapers == True
    flag == 1
    off == 0
    text == 7
    not flag
    1 in (True,)
    0 == False
    bands == (4, 8.5)
    edges == (4.0, 8.0)
    cost > 3h
    size > '1GB'
    age < '3d'
    created > '2025-02-25'
    'beta' in config
    signal == "float64[1000]"
    gain < 1
    4 < tapers < 5""".splitlines(),
)
def test_expression_does_not_match(text: str) -> None:
    """Each of these is false of the row (a bool is not a number, a list not a tuple), but has a meaning."""
    assert matches(text) is False
    assert matches(f"not ({text})") is True


@pytest.mark.parametrize(
    "text",
    """method < 5
    signal
    settings
    set + 1 == 2
    set < 3
    taper > 3
    flag < 2
    tapers < 'a'
    none > 1
    flag + 1 > 0
    bands[5] == 1
    bands['a'] == 1
    config["gamma"] == 1
    config[1][2] == 3
    tapers[0] == 1
    len(tapers) == 1
    len(signal) == 1
    tapers in 5
    5 in method
    tapers / 0 == 1
    tapers % 0 == 1
    tapers // 0.0 == 1
    z < 3
    method * 2 == 'a'
    method % 2 == 'a'
    -method == 'a'
    abs(method) == 1
    max(window) > 5
    max(none, 3) == 3
    huge * huge > 0
    huge * huge * huge * huge > 0
    huge / 3 > 1
    rate * huge > 1
    startswith(tapers, 'a')
    lower(none) == 'a'
    {bands: 1}[edges] == 1
    {edges: 1} == 1
    {edges} == 1
    exact[0] == 1""".splitlines(),
)
def test_what_has_no_meaning_does_not_match(text: str) -> None:
    """An operation that these values have no answer to is neither true nor false; the others still decide."""
    assert matches(text) is False
    assert matches(f"not ({text})") is False
    assert matches(f"({text}) or tapers == 7") is True
    assert matches(f"tapers == 7 or ({text})") is True
    assert matches(f"({text}) and tapers == 7") is False
    assert matches(f"not (({text}) and tapers == 8)") is True


def test_missing_argument_does_not_match() -> None:
    """An entry of a version that had no such parameter does not match, whatever is asked of it."""
    query = compile_query("added == 3")
    query.check_names([*ARGUMENTS, "added"])
    assert query.matches(ROW) is False
    assert compile_query("added != 3").matches(ROW) is False
    assert compile_query("added != 3 or tapers == 7").matches(ROW) is True


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("tapers = 5", 7, "invalid syntax", "=="),
        ("tapers >=", 9, "invalid syntax", "for example"),
        ("(tapers", 0, "never closed", "for example"),
        ("tapers && rate", 8, "invalid syntax", "`and`"),
        ("tapers || rate", 8, "invalid syntax", "`or`"),
        ("a == 1 & b", 5, "operation", "`and`"),
        ("a | b", 0, "operation", "`or`"),
        ("1 + ~a", 4, "sign", "`not`"),
        ("a == 2**9", 5, "operation", "powers"),
        ("a == 'x' * 9", 5, "text cannot", "query.md"),
        ("a == '%d' % 9", 5, "text cannot", "query.md"),
        ("a == 9 * b'x'", 9, "text cannot", "query.md"),
        ("__import__('os')", 0, "no such function", "startswith"),
        ("a.b.c('x')", 0, "no such function", "startswith"),
        ("len(obj=1)", 0, "no such function", "startswith"),
        ("abs()", 0, "abs takes 1 value, got 0", "functions"),
        ("startswith('a')", 0, "startswith takes 2 values, got 1", "functions"),
        ("config.alpha > 1", 0, "not in the language", 'config["alpha"]'),
        ("().__class__", 0, "not in the language", "config"),
        ("bands[0:2]", 6, "not in the language", "one element"),
        ("a is True", 0, "only goes with None", "=="),
        ("lambda: 1", 0, "not in the language", "query.md"),
        ("a and [i for i in b]", 6, "not in the language", "query.md"),
        ("(a := 1)", 1, "not in the language", "query.md"),
        ("1 if a else 2", 0, "not in the language", "query.md"),
        ("f'{a}'", 0, "not in the language", "in quotes"),
        ("[*a]", 1, "not in the language", "query.md"),
        ("{**a}", 0, "not in the language", "query.md"),
        ("a; b", 1, "invalid syntax", "for example"),
        ("import os", 0, "invalid syntax", "for example"),
        ("size > 10MB and é + ~b", 20, "sign", "`not`"),
        ("-" * 80 + "1", 61, "too deeply", "split"),
        ("'abc", 0, "unterminated", "for example"),
    ],
)
def test_error_points_at_the_place(text: str, place: int, message: str, hint: str) -> None:
    """What is not in the language is refused with a caret under the place, and a hint."""
    with pytest.raises(InvalidInputError) as caught:
        compile_query(text)
    first, line, caret = caught.value.message.split("\n")
    assert message in first
    assert line == f"  {text[max(0, place - 60) :][:100]}"
    assert caret == "  " + " " * min(place, 60) + "^"
    assert hint in caught.value.hint


@pytest.mark.parametrize("text", ["", "  \n ", "a" * 2001, "(" * 300, "not " * 450 + "a", "a\0b", "a == '\ud800'"])
def test_text_out_of_bounds_is_refused(text: str) -> None:
    """An empty, long, deep or undecodable text is refused, not a crash."""
    with pytest.raises(InvalidInputError) as caught:
        compile_query(text)
    assert caught.value.hint


def test_lines_and_tabs_are_spaces() -> None:
    """An expression may be broken over lines."""
    assert matches("\n tapers > 5\n\tand rate == 250\n")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("taperss > 5", "did you mean tapers?"),
        ("Rate == 3", "did you mean rate?"),
        ("entry.sise > 3", "did you mean entry.size?"),
        ("flag == true", "did you mean True?"),
        ("method == qqq", "in quotes"),
        ("coast > 1h", "did you mean cost?"),
    ],
)
def test_unknown_name_is_refused(text: str, hint: str) -> None:
    """A name that is neither argument nor field raises with the names there are, and the closest."""
    query = compile_query(text)
    with pytest.raises(InvalidInputError, match="no argument or field") as caught:
        query.check_names(ARGUMENTS)
    assert "tapers" in caught.value.message
    assert "created" in caught.value.message
    assert hint in caught.value.hint


def test_names_are_those_asked_for() -> None:
    """A query knows the names it asks for, without functions, constants and quantities."""
    query = compile_query("len(bands) > 1 and gain == nan and size > 10MB or entry.cost < '1h'")
    assert query.names == {"bands", "gain", "size", "entry.cost"}


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("size > 3d", "10MB"),
        ("size > 'big'", "10MB"),
        ("cost > 10MB", "2h"),
        ("'3 apples' < age", "30d"),
        ("used > 3d", "idle"),
        ("created < '10d'", "age"),
        ("used - created > 10MB", "30d"),
        ("entry.size > '3d'", "10MB"),
        ("not (tapers == 1 or -size > '3d')", "10MB"),
    ],
)
def test_quantity_of_another_kind_is_refused(text: str, hint: str) -> None:
    """A field is only compared with what it measures; a time span against a moment would be ambiguous."""
    query = compile_query(text)
    with pytest.raises(InvalidInputError, match="cannot be compared") as caught:
        query.check_names(ARGUMENTS)
    assert hint in caught.value.hint


def test_argument_hides_a_field() -> None:
    """An argument named as a field takes its name; the field stays in reach as `entry.<field>`."""
    row = lookup(ENTRY, {"size": "large", "cost": 3, "nan": 1}, NOW)
    for text in ("size == 'large'", "entry.size == 50MB", "cost == 3", "entry.cost > '2h'", "nan == 1"):
        query = compile_query(text)
        query.check_names(["size", "cost"])
        assert query.matches(row) is True


def test_every_field_is_in_the_lookup() -> None:
    """The table of fields and the values of an entry agree, plain and as `entry.<field>`."""
    assert lookup(ENTRY, {}, NOW).keys() == FIELDS.keys() | {f"entry.{field}" for field in FIELDS}


def test_hostile_expressions_take_no_time() -> None:
    """The largest numbers, texts and ranges that an expression can ask for are bounded."""
    started = time.process_time()
    for text in ("+".join(["method"] * 50) + " == 'a'", "max(" + "9," * 98 + "9) > huge * huge", "9" * 1990 + "> 0"):
        assert compile_query(text).matches(ROW) is text.startswith("9")
    for text in ("-1 in window", "window == 5", "'5' in window", "window[-1] == 5", "huge % 7 > 9", "window in bands"):
        assert compile_query(text).matches(ROW) is False
    with pytest.raises(InvalidInputError, match="too deeply"):
        compile_query("9*" * 990 + "9 > 0")
    assert time.process_time() - started < 1


WORDS = re.findall(
    r"\S+",
    r"""tapers rate method bands config signal size cost age used nan entry.size len abs max startswith and or not
    in is None True ( ) [ ] { } , : . == != < <= > >= + - * / // % ** & | ~ 1 2.5 10MB 3d '10MB' 'a' "b" b'c' 10**9
    if else lambda for := @ = __class__ __import__ f'{1}' 1j 0 -1 # \ ' é ᚠ""",
)


@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join) | st.text(max_size=40))
@settings(max_examples=600, deadline=1000)
def test_any_text_is_answered_or_refused(text: str) -> None:
    """No text is executed, hangs, or fails with anything but the query's own error."""
    before = set(sys.modules)
    try:
        query = compile_query(text)
        query.check_names(ARGUMENTS)
    except InvalidInputError as error:
        answer = error.message
    else:
        answer = query.matches(ROW)
    assert isinstance(answer, bool | str)
    assert set(sys.modules) - before == set()


@given(
    st.recursive(
        st.sampled_from(["tapers", "rate", "7", "250.0", "2", "3.5", "-1"]),
        lambda part: (
            st.builds("({} {} {})".format, part, st.sampled_from(["+", "-", "*", "<", "<=", "==", "!=", ">"]), part)
            | st.builds("({} {} {})".format, part, st.sampled_from(["and", "or"]), part)
            | st.builds("(not {})".format, part)
        ),
        max_leaves=8,
    )
)
@settings(max_examples=300, deadline=None)
def test_answers_are_those_of_python(text: str) -> None:
    """On numbers alone the language has Python's own meaning, wherever no bool is used as a number."""
    tree = ast.parse(text, mode="eval")
    for node in ast.walk(tree):
        parts = [node.left, node.right] if isinstance(node, ast.BinOp) else []
        parts = [node.left, *node.comparators] if isinstance(node, ast.Compare) else parts
        if any(isinstance(part, ast.Compare | ast.BoolOp) or _is_not(part) for part in parts):
            return
    assert matches(text) is bool(eval(text, {"__builtins__": {}}, {"tapers": 7, "rate": 250.0}))


def _is_not(node: ast.expr) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
