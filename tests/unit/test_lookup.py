"""Lookup: from what a person types to one function, one version or one entry, never by a guess."""

from __future__ import annotations

import pytest

import cas
from cas.alias import alias
from cas.lookup import find_entry, find_function, find_version, names_version
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


def test_version_by_its_code(store):
    """A function and the start of a version's code, from four characters on and in either case, find the version."""
    records = [function(number) for number in range(2)]
    for number, record in enumerate(records):
        put(store, number, record=record)
    for record in records:
        code = record.fingerprint.hex()
        for text in (f"spectrum@{code}", f"analysis:spectrum@{code[:4]}", f" analysis.spectrum@{code[:9].upper()}\n"):
            assert find_version(store, text).fingerprint == record.fingerprint


@pytest.mark.parametrize("text", ["spectrum", "spectrum@", "spectrum@abc", "spectrum@wxyz", "spectrum@" + "0" * 65])
def test_what_is_no_name_of_a_version(store, text):
    """Without an `@`, or with too little or something else behind it, it is bad input; what there is is told."""
    put(store, 1)
    with pytest.raises(cas.InvalidInputError) as refused:
        find_version(store, text)
    known = f"there are {FUNCTION.fingerprint.hex()[:8]}"
    assert refused.value.hint == (
        known if "@" in text else "`cas ls FUNCTION --versions` shows the code of each version"
    )


def test_version_that_is_not_there(store):
    """A code that no version has is not found, and those there are told."""
    put(store, 1)
    with pytest.raises(cas.NotFoundError) as refused:
        find_version(store, f"spectrum@{function(1).fingerprint.hex()}")
    assert refused.value.hint == f"there are {FUNCTION.fingerprint.hex()[:8]}"
    with pytest.raises(cas.NotFoundError, match="no function 'walk'"):
        find_version(store, "walk@0000")


def test_prefix_of_several_versions(store):
    """A code that several versions start with is refused, with the codes it stands for."""
    for number in range(2):
        put(store, number, record=cas.FunctionRecord(b"\7\7" + bytes([number]) * 30, "m", "f", ("number",)))
    with pytest.raises(cas.ConflictError) as refused:
        find_version(store, "f@0707")
    assert str(refused.value) == "'0707' stands for several versions of m.f: 0707010101010101, 0707000000000000"
    assert find_version(store, "f@070700").fingerprint[2] == 0


def test_an_alias_with_an_at_is_no_version(store):
    """An alias whose arguments hold an `@` names an entry; `FUNCTION@CODE` names a version."""
    text = alias("analysis", "spectrum", FUNCTION.fingerprint, key(1), ("number",), ["me@1234"])
    assert "@" in text
    assert not names_version(text)
    assert not names_version(text.rpartition("/")[2])
    assert not names_version(key(1).hex())
    assert names_version("analysis.spectrum@1234")
    assert names_version("added.run@1234")


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
