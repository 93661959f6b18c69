"""Reading a form: Python's own values come back, the rest is shown, and damage is an error, never a crash."""

from __future__ import annotations

import json
import math
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cas import extension as ext
from cas import form
from cas.errors import CasError, IntegrityError, NotFoundError
from memo.canonical import encode


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=40))
def test_noise_is_an_error_or_a_value(data):
    """Any bytes are read as a value or refused with IntegrityError, and what was read can be shown."""
    try:
        value = form.unpack(data)
    except IntegrityError:
        return
    form.show(value)
    json.dumps(form.to_json(value), allow_nan=False)


SAMPLES = [
    *([1, (2, {3: {4}}), 2**70, 1j, ...], {"a": bytearray(b"x")}, np.arange(3.0), np.arange(99), np.float32(1), np.sin),
    *(
        np.array(["2020", "NaT"], "M8[D]"),
        np.zeros(2, [("a", "f8"), ("b", "O")]),
        np.ma.array([1], mask=[1]),
        np.int8(3),
    ),
    *(pathlib.Path("x"), range(3), slice(1), np.dtype("f8"), np.array("é"), np.array([1j]), np.array([b"a"]), print),
]


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_damaged_forms_are_an_error_or_a_value(data):
    """A form with one byte changed, or cut short, is read or refused, never a crash."""
    body = bytearray(encode(data.draw(st.sampled_from(SAMPLES))))
    where = data.draw(st.integers(0, len(body) - 1))
    body[where] = data.draw(st.integers(0, 255))
    cut = bytes(body[: data.draw(st.integers(0, len(body)))])
    for damaged in (bytes(body), cut):
        try:
            value = form.unpack(damaged)
        except IntegrityError:
            continue
        form.show(value)
        json.dumps(form.to_json(value), allow_nan=False)


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"\xc1", b"\x92\x01", b"\x01\x02", b"\xc7\x00\x20", b"\x92\x01\xc7\x00\x20", b"\x81\x90\x01"),
        *(b"\x91" * 5000, b"\x92\xc7\x00\x20" * 5000, b"\x93\xc7\x00\x20\xc7\x00\x20\x01", b"\xdd\xff\xff\xff\xff"),
        *(
            ext.leaf(99 - 70, b"x"),
            ext.leaf(ext.DECIMAL, b"abc"),
            ext.leaf(ext.DATE, bytes(4)),
            ext.leaf(ext.UUID, b""),
        ),
        *(ext.head(99, 1) + b"\x01", ext.head(ext.RANGE, 1) + b"\xc0", ext.head(ext.PATH, 2) + b"\xa2os\xa1x"),
        *(ext.head(ext.DEFAULT_DICT, 2) + b"\x01\x80", ext.head(ext.ENUM, 1) + b"\x01", ext.leaf(ext.TUPLE, b"x")),
        *(ext.head(ext.ARRAY, 3) + b"\xa3<f8\x91\x01\xc4\x01x", ext.head(ext.SET, 1) + b"\x90"),
    ],
)
def test_malformed_forms_are_refused(data):
    """What is no form raises IntegrityError with a hint."""
    with pytest.raises(IntegrityError) as caught:
        form.unpack(data)
    assert "cas fsck" in caught.value.hint


def test_reading_imports_and_runs_nothing():
    """Names in a form stay names: no module is imported for them, not even one named as a time zone."""
    module = "wave_of_nothing"
    items = [
        ext.head(ext.CLASS, 2) + b"\xa4wave\xa4open",
        ext.head(ext.FUNCTION, 2) + b"\xa4wave\xa4open",
        ext.head(ext.ENUM, 4) + b"\xa4wave\xa4open\xa1a\x01",
        ext.head(ext.INSTANCE, 3) + b"\xa4wave\xa4open\x80",
        ext.leaf(ext.ZONE, b"wave/x"),
        ext.leaf(ext.ZONE, b"../../etc/passwd"),
        ext.leaf(ext.CONSTANT, module.encode()),
    ]
    program = (
        "import sys; from cas import form; import zoneinfo\n"
        f"items = {items!r}\n"
        "before = set(sys.modules)\n"
        "print([type(form.unpack(item)).__name__ for item in items], sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{['Shown'] * len(items)} []"


def test_extension_hook_is_asked_first():
    """`extension` may take any code, decline with NotImplemented, and raise errors of its own."""
    seen = []

    def hook(code, body):
        seen.append((code, body))
        return "mine" if code == ext.TUPLE else NotImplemented

    assert form.unpack(encode([(1, 2), 2**64]), hook) == ["mine", 2**64]
    assert seen == [(ext.TUPLE, [1, 2]), (ext.BIG_INT, (2**64).to_bytes(9, "big"))]

    def missing(code, body):
        raise NotFoundError("no blob")

    with pytest.raises(NotFoundError, match="no blob"):
        form.unpack(encode((1,)), missing)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((1, "1"), ("1", "'1'"), (None, "None"), (True, "True"), (1.5, "1.5"), (b"a", "b'a'"), ((1,), "(1,)")),
        *(([1, "a"], "[1, 'a']"), ({"k": (1, 2)}, "{'k': (1, 2)}"), ({"b", "a"}, "{'a', 'b'}"), (set(), "set()")),
        *((2**2000, hex(2**2000)[:59] + "…"), (slice(1, None), "slice(1, None)"), (int, "int"), (..., "...")),
        *(
            (np.arange(3.0), "float64[3](0.0, 1.0, 2.0)"),
            (np.array(1, ">i2"), ">int16[](1)"),
            (np.int8(3), "np.int8(3)"),
        ),
        *(
            (np.zeros((9, 9)), "float64[9, 9]~"),
            (np.datetime64("2020-01-02"), "np.datetime64[D]('2020-01-02T00:00:00')"),
        ),
        *((np.dtype("f4"), "dtype(float32)"), (np.sin, "numpy.sin"), (np.str_("é"), "np.U('é')"), (print, "print")),
        *(
            (np.array(["a"]), "U1[1]('a')"),
            (np.zeros(1, "O"), "object[1](0)"),
            (np.ones(2, "?"), "bool[2](True, True)"),
        ),
        ("x" * 1000, "'" + "x" * 58 + "…"),
        (list(range(1000)), str(list(range(1000)))[:59] + "…"),
    ],
)
def test_show(value, text):
    """A value is one line of at most sixty characters that tells it from its like."""
    shown = form.show(form.unpack(encode(value)))
    assert shown.startswith(text) if text.endswith("~") else shown == text
    assert len(shown) <= 60


def test_show_of_long_values_costs_little():
    """A million elements, or a nest of a hundred, are cut without being written out."""
    assert form.show(list(range(10**6)), 20) == "[0, 1, 2, 3, 4, 5, …"
    value: object = 1
    for _ in range(100):
        value = [value] * 50
    assert len(form.show(value)) == 60


def test_to_json():
    """Values become what JSON can hold, and keys that would collide become pairs."""
    value = {
        "n": math.nan,
        "i": -math.inf,
        "b": b"\xff",
        "t": (1, {2}),
        "c": 1j,
        "p": pathlib.Path("a"),
        "big": 2**2000,
    }
    assert form.to_json(form.unpack(encode(value))) == {
        "n": "nan",
        "i": "-inf",
        "b": "ff",
        "t": [1, [2]],
        "c": "1j",
        "p": "a",
        "big": hex(2**2000),
    }
    assert form.to_json({1: "a", "1": "b"}) == [[1, "a"], ["1", "b"]]
    assert form.to_json(form.unpack(encode(np.float64(2)))) == {
        "kind": "scalar",
        "text": "np.float64(2.0)",
        "details": 2.0,
    }


def test_shown_is_a_frozen_value():
    """A Shown compares by what it shows, can be a key, and cannot be changed."""
    one = form.unpack(encode(np.sin))
    assert one == form.Shown("function", "numpy.sin")
    assert {one: 1}[form.Shown("function", "numpy.sin")] == 1
    with pytest.raises(AttributeError):
        one.text = "x"


def test_details_of_scalars_and_enums_are_plain():
    """A numpy scalar, an enum and an instance give their plain values to queries."""
    assert form.unpack(encode(np.int16(-7))).details == -7
    assert form.unpack(encode(np.array([1.5, 2.5]))).details == [1.5, 2.5]
    assert form.unpack(encode(np.float16(0.5))).details == 0.5


def test_errors_are_of_the_store():
    """A form that does not parse is an error that a store's handler expects."""
    with pytest.raises(CasError):
        form.unpack(b"\xc1")
