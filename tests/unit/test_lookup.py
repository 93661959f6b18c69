"""Lookup: from what a person types to one function or one entry, never by a guess."""

from __future__ import annotations

import pytest

import cas
from cas.alias import alias
from cas.lookup import find_entry, find_function
from tests.deposits import FUNCTION, function, key, put


def names(store: cas.Store, text: str) -> list[tuple[str, str]]:
    """Return module and qualified name of what was found."""
    return [(found.module, found.qualname) for found in find_function(store, text)]


def test_function_by_name_or_its_end(store):
    """A full name, one with a colon, and an end from a dot on all find the function, all its versions."""
    put(store, 1, record=function(0, "a.b", "C.run"))
    put(store, 2, record=function(1, "a.b", "C.run"))
    for text in ("a.b.C.run", "a.b:C.run", "b.C.run", "C.run", "run"):
        assert names(store, text) == [("a.b", "C.run")] * 2
    for text in ("un", "", "a.b", "C", "*"):
        with pytest.raises(cas.NotFoundError):
            find_function(store, text)


def test_full_name_goes_before_the_end_of_another(store):
    """A name that is one function's in full is that function, though another ends in it."""
    put(store, 1, record=function(0, "b", "run"))
    put(store, 2, record=function(0, "a.b", "run"))
    assert names(store, "b.run") == [("b", "run")]
    with pytest.raises(cas.ConflictError) as refused:
        find_function(store, "run")
    assert str(refused.value) == "'run' stands for 2 functions: a.b:run, b:run"


def test_dots_that_divide_otherwise(store):
    """Two functions whose full names read alike are told apart by the colon."""
    put(store, 1, record=function(0, "a", "b.run"))
    put(store, 2, record=function(0, "a.b", "run"))
    with pytest.raises(cas.ConflictError):
        find_function(store, "a.b.run")
    assert names(store, "a:b.run") == [("a", "b.run")]


def test_slip_gets_a_suggestion(store):
    """A mistyped function is answered with the one that is meant."""
    put(store, 1)
    for text in ("spectrun", "analisys.spectrum"):
        with pytest.raises(cas.NotFoundError) as refused:
            find_function(store, text)
        assert refused.value.hint == "did you mean analysis.spectrum?"
    with pytest.raises(cas.NotFoundError) as refused:
        find_function(store, "zzz")
    assert refused.value.hint == "`cas ls` lists the functions that have results"


def test_entry_by_key_or_alias(store):
    """Any prefix of a key from four characters on, in either case, and the alias find the entry."""
    put(store, 1)
    entry = store.entry(key(1))
    text = alias("analysis", "spectrum", FUNCTION.fingerprint, key(1), ("number",), [1])
    hexadecimal = key(1).hex()
    for name in (hexadecimal, hexadecimal[:4], hexadecimal[:5], hexadecimal.upper(), f" {hexadecimal}\n", text):
        assert find_entry(store, name) == entry
    assert find_entry(store, text.rpartition("/")[2]) == entry
    assert find_entry(store, f"{text}.npy") == entry


@pytest.mark.parametrize("text", ["", "abc", "xyzw", "0" * 65, "a/b", "%"])
def test_what_is_no_name_of_an_entry(store, text):
    """What can be neither a key nor an alias is bad input."""
    with pytest.raises(cas.InvalidInputError) as refused:
        find_entry(store, text)
    assert refused.value.hint


def test_entry_that_is_not_there(store):
    """A key that the store does not hold is not found."""
    put(store, 1)
    for text in (key(2).hex(), key(1).hex()[:8] + key(2).hex()[:8]):
        with pytest.raises(cas.NotFoundError):
            find_entry(store, text)


def test_prefix_of_several_entries(store):
    """A prefix of several keys is refused, with the keys it stands for."""
    keys = sorted(b"\7\7" + bytes([number]) * 30 for number in range(12))
    for this in keys:
        with store.deposit(cas.Call(this, FUNCTION, b"\x91\1"), 0.0) as deposit:
            deposit.commit(cas.Result("tree/1", (b"\1",), "int", {}))
    with pytest.raises(cas.ConflictError) as refused:
        find_entry(store, "0707")
    assert keys[0].hex()[:16] in str(refused.value)
    assert find_entry(store, "07070b").key == keys[11]
