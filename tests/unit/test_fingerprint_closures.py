"""What closures captured: refused where it can change, part of the fingerprint where it cannot."""

from __future__ import annotations

import numpy as np
import pytest

from memo.errors import UnstableFunction
from memo.fingerprint import fingerprint


def closure_over(value):
    """Return a function that captured a value."""

    def inner(x):
        return value, x

    return inner


@pytest.mark.parametrize(
    "value", [[1], {1: 2}, {1}, bytearray(b"a"), np.zeros(2)], ids=lambda value: type(value).__name__
)
def test_a_closure_over_a_mutable_value_is_refused_by_name(value):
    """Capturing a container that can change raises UnstableFunction with the variable's name and a hint."""
    with pytest.raises(UnstableFunction, match="'value'") as caught:
        fingerprint(closure_over(value))
    assert "allow_mutable_bindings" in caught.value.hint


def test_a_closure_that_counts_is_refused():
    """A captured variable that the function rebinds is refused as well."""
    count = 0

    def root(x):
        nonlocal count
        count += 1
        return x + count

    with pytest.raises(UnstableFunction, match="'count'"):
        fingerprint(root)


def test_an_allowed_mutable_binding_counts_by_its_value():
    """With `allow_mutable_bindings` a captured list is part of the fingerprint, and a change in it is seen."""
    value = [1]
    before = fingerprint(closure_over(value), allow_mutable_bindings=True)
    assert before.digest == fingerprint(closure_over([1]), allow_mutable_bindings=True).digest
    value.append(2)
    assert not before.is_current()
    assert fingerprint(closure_over(value), allow_mutable_bindings=True).digest != before.digest


@pytest.mark.parametrize(("first", "second"), [(1, 2), (1, 1.0), (1, True), ((1,), (2,)), ("a", b"a"), (None, 0)])
def test_closures_differ_by_what_they_captured(first, second):
    """Two closures of one factory share a fingerprint only if they captured the same."""
    assert fingerprint(closure_over(first)).digest != fingerprint(closure_over(second)).digest
    assert fingerprint(closure_over(first)).digest == fingerprint(closure_over(first)).digest


def test_a_rebound_cell_is_seen():
    """A captured variable that someone else rebinds makes the fingerprint stale."""
    value = 1

    def root(x):
        return x + value

    before = fingerprint(root)
    value = 2
    assert not before.is_current()
    assert fingerprint(root).digest != before.digest
