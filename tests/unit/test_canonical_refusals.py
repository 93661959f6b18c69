"""What has no canonical form: refused by name of the path, with a way out, and never by a crash."""

from __future__ import annotations

import io
import os
import re
import sys
import threading
import zoneinfo

import numpy as np
import pytest

from cas import form
from memo.canonical import encode, encode_arguments
from memo.errors import UnstableArgument

# A time zone file without a name: version 1, one type, no offset (RFC 8536).
UTC = b"TZif" + bytes(16) + bytes(19) + b"\1\0\0\0\4" + bytes(6) + b"UTC\0"


def test_depth():
    """Two hundred nested containers have a form and come back; a thousand are refused, not a RecursionError."""
    for wrap in (
        lambda inner: [inner],
        lambda inner: (inner,),
        lambda inner: {"k": inner},
        lambda inner: {(1,): inner},
    ):
        value: object = [2**70]
        for _ in range(199):
            value = wrap(value)
        assert form.unpack(encode(value)) == value
        for _ in range(800):
            value = wrap(value)
        with pytest.raises(UnstableArgument, match="nested deeper"):
            encode(value)


def test_recursion_limit_of_the_caller():
    """A call from deep in the stack is refused with the argument's name, not with a RecursionError."""
    value: object = [2**70]
    for _ in range(150):
        value = [value]

    def deep(left: int) -> bytes:
        return deep(left - 1) if left else encode(value, "config")

    with pytest.raises(UnstableArgument, match=r"config: .*recursion limit"):
        deep(sys.getrecursionlimit() - 150)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: os.fdopen(os.open(os.devnull, os.O_RDONLY)), "an open"),
        (lambda: iter([1]), "read only once"),
        (lambda: (number for number in ()), "read only once"),
        (threading.Lock, "one process"),
        (threading.Event, "one process"),
        (object, "identity"),
        (lambda: re.match("a", "a"), "cannot be seen"),
        (lambda: zoneinfo.ZoneInfo.from_file(io.BytesIO(UTC)), "without a key"),
    ],
)
def test_unstable_values_are_refused_with_their_path(make, reason):
    """What cannot be the same in another process is refused, naming the path and a way out."""
    value = make()
    with pytest.raises(UnstableArgument, match=rf'config\["rng"\]\[0\].*: .*{reason}') as caught:
        encode_arguments([1, {"rng": [value]}], ("x", "config"))
    assert caught.value.hint
    getattr(value, "close", lambda: None)()


def test_memoryviews_that_cannot_be_read():
    """A released view, and a view of pointers, are refused."""
    released = memoryview(b"a")
    released.release()
    for value in (released, memoryview(np.array([1, None], object))):
        with pytest.raises(UnstableArgument, match="memoryview"):
            encode(value)


def test_class_without_a_module_name():
    """A class that hides its module's name is no reason to crash."""

    class Odd:
        __module__ = property(lambda self: "odd")

    assert encode(Odd()) == encode(Odd())


def test_star_parameters_are_named_without_stars():
    """A refusal in `*rest` names it as the user reads it."""
    with pytest.raises(UnstableArgument, match=r"^rest\[1\]: "):
        encode_arguments([(1, object())], ("*rest",))
