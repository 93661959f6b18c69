"""The objects of entries, function records and pointers: readable by a person, and no bit of them can change unseen."""

from __future__ import annotations

import json

import msgpack
import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from cas.entry import Entry, FunctionRecord
from cas.objects import layout
from cas.objects.records import (
    read_entry,
    read_function,
    read_pointer,
    read_remembered,
    write_entry,
    write_function,
    write_pointer,
    write_remembered,
)
from cas.objects.sealed import seal, unseal
from tests.deposits import function, key

RECORD = function(0, "analysis", "spectrum")
INLINE = b"\x00small\xff"


def entry(**changes: object) -> Entry:
    """Return an entry that is stored inline."""
    given = {
        "key": key(1),
        "function": FunctionRecord(RECORD.fingerprint, "analysis", "spectrum", ("number", "*rest")),
        "signature": msgpack.packb([1.5, ["µ", None]]),
        "codec": "tree/1",
        "digest": blake3(INLINE).digest(),
        "inline": True,
        "size": 7,
        "blobs": (key(2), key(3)),
        "summary": "float64[3] für \udc80",
        "cost": 0.1,
        "created": 1e9 + 0.123456,
        "used": 1e9 + 5,
        "provenance": {"host": "here", "numpy": "2.1"},
    }
    return Entry(**(given | changes))


def test_entry_comes_back():
    """An entry and its inline result come back as they were, half surrogates included."""
    assert read_entry(write_entry(entry(), INLINE)) == (entry(), INLINE)
    large = entry(inline=False, digest=key(4))
    assert read_entry(write_entry(large, None)) == (large, None)


def test_entry_is_json_for_people():
    """The object of an entry is plain JSON with the arguments by name and the file of the result."""
    values = json.loads(write_entry(entry(inline=False, digest=key(4), summary="float64[3]"), None))
    assert values["function"] == "analysis.spectrum"
    assert values["arguments"] == {"number": 1.5, "*rest": ["µ", None]}
    assert (values["result"], values["codec"], values["cost"]) == ("float64[3]", "tree/1", 0.1)
    assert values["file"] == f"v1/blobs/{key(4).hex()[:2]}/{key(4).hex()}"
    assert values["stored"] == "2001-09-09T01:46:40Z"


def test_arguments_that_cannot_be_read_are_left_out():
    """An entry whose signature is no form is stored all the same, without readable arguments."""
    odd = entry(signature=b"\xc1")
    assert json.loads(write_entry(odd, INLINE))["arguments"] is None
    assert read_entry(write_entry(odd, INLINE)) == (odd, INLINE)
    assert layout.is_entry(layout.entry(odd.function, odd.key, odd.signature))


def test_function_record_comes_back():
    """A function record comes back with its manifest."""
    record = FunctionRecord(RECORD.fingerprint, "a", "b.<locals>.c", ("x",), b"\x00\xffmanifest", 12.5)
    assert read_function(write_function(record)) == record


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (write_entry(entry(), INLINE), read_entry),
        (write_function(RECORD), read_function),
        (
            write_pointer(key(1), layout.entry(RECORD, key(1), msgpack.packb([1]))),
            lambda data: read_pointer(key(1), data),
        ),
        (write_remembered(b"name", b"body"), lambda data: read_remembered(b"name", data)),
        (seal({"hits": 3}), unseal),
    ],
    ids=["entry", "function", "pointer", "memory", "values"],
)
def test_every_flipped_bit_is_seen(data, read):
    """An object in which any one bit is flipped, or that is cut or grown, is damaged."""
    assert read(data) is not None
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        assert read(bytes(flipped)) is None, bit
    for other in (b"", data[:-1], data + b"\n", data[1:]):
        assert read(other) is None


def test_pointer_and_memory_belong_to_their_names():
    """A pointer under another key's name, and a memory under another's, are damaged."""
    name = layout.entry(RECORD, key(1), msgpack.packb([1]))
    assert read_pointer(key(1), write_pointer(key(1), name)) == name
    assert read_pointer(key(2), write_pointer(key(1), name)) is None
    assert read_pointer(key(2), write_pointer(key(2), name)) is None
    assert read_pointer(key(1), write_pointer(key(1), f"../{name}")) is None
    assert read_remembered(b"other", write_remembered(b"name", b"body")) is None


def test_sealed_text_that_is_no_record_is_damaged():
    """What carries a right check but not the fields of a record is damaged, not an error."""
    for values in ({}, {"inline": None}, json.loads(write_entry(entry(), INLINE)) | {"key": 5}):
        assert read_entry(seal({name: value for name, value in values.items() if name != "check"})) is None
        assert read_function(seal({"fingerprint": 3})) is None


@given(
    st.dictionaries(st.text(min_size=1).filter(lambda name: name != "check"), st.text() | st.floats(allow_nan=False))
)
def test_sealed_values_come_back(values):
    """Named values of any text and number come back as they were."""
    assert unseal(seal(values)) == values


def test_names_are_told_apart():
    """What a name is follows from the name alone."""
    name = layout.entry(RECORD, key(1), msgpack.packb([1]))
    assert name == f"v1/entries/analysis/spectrum/{RECORD.fingerprint.hex()[:16]}/{key(1).hex()[:40]}.number=1.json"
    assert layout.is_entry(name)
    assert not layout.is_entry(name.removesuffix(".json"))
    assert not layout.is_entry(name.replace("/analysis", ""))
    assert not layout.is_entry(layout.blob(key(1)))
    assert layout.digest_of(layout.blob(key(1)), layout.BLOBS) == key(1)
    assert layout.digest_of(layout.key(key(1)), layout.BLOBS) is None
    assert layout.digest_of(f"{layout.BLOBS}00/{'ff' * 32}", layout.BLOBS) is None
    assert layout.digest_of(f"{layout.BLOBS}ff/{'FF' * 32}", layout.BLOBS) is None
    assert layout.is_function(layout.function(RECORD))
    assert layout.is_figures(f"{layout.figures(key(1))}{'0' * 32}")
    assert not layout.is_figures(f"{layout.figures(key(1))}x")
