"""Arguments of an earlier version as the present one takes them: the signature is what a present call would have."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cas
from memo.adopting.translation import Translation
from memo.canonical import LONG, encode_arguments
from memo.errors import AdoptionRefused
from memo.keys import Keys
from memo.signature import Parameters

TABLE = list(range(LONG // 2))


def translation(old: tuple[str, ...], present) -> Translation:
    """Return the translation from those parameters to a function's."""
    return Translation(old, Keys(present))


def present(extra=1.5, /, b=0, *rest, a, table=TABLE, **options):
    """Have parameters of every kind."""


def plain(c=1, b=2, a=3):
    """Have parameters with defaults."""


OLD = ("a", "b", "*rest", "**options")


@settings(deadline=None, max_examples=40)
@given(
    st.integers() | st.text(max_size=3),
    st.sampled_from(["short", "x" * (LONG // 2), "x" * LONG, ["long"] * LONG]),
    st.lists(st.integers(), max_size=3).map(tuple),
    st.dictionaries(st.sampled_from("uvwxyz"), st.floats(), max_size=4),
)
def test_signature_is_that_of_a_present_call(a, b, rest, options):
    """Short or long, in another order, and with new parameters, the signature is the one a present call would have."""
    found = translation(OLD, present)
    old = [a, b, rest, dict(sorted(options.items()))]
    values = found.values(old)
    assert values == [1.5, b, rest, a, TABLE, old[-1]]
    expected, _ = encode_arguments(values, Parameters(present).names)
    signature, _ = encode_arguments(old, OLD)
    assert found.signature(signature) == expected
    shuffled = [*values[:-1], dict(reversed(options.items()))]
    assert found.old_signature(shuffled) == signature


def test_equal_parameters_keep_the_bytes():
    """Where nothing changed, a signature is taken as it is, whatever it holds."""
    assert translation(("c", "b", "a"), plain).signature(b"anything") == b"anything"


@pytest.mark.parametrize("names", [("a",), ("b", "a"), ("a", "b", "c"), ()])
def test_order_is_the_present_one(names):
    """Values stand where the present function has their parameters, defaults where there were none."""
    found = translation(names, plain)
    given = dict(zip(names, "xyz", strict=False))
    assert found.values(list(given.values())) == [given.get("c", 1), given.get("b", 2), given.get("a", 3)]


REFUSED = [
    (("gone", "a"), lambda a: a, "the parameter 'gone', which is gone", "keep 'gone' with a default"),
    (("a", "*rest"), lambda a: a, r"'\*rest', which is gone", "keep 'rest'"),
    (("a",), lambda a, new: a, "'new' is new and has no default", "give it the default"),
    (("a",), lambda a, *, new: a, "'new' is new and has no default", "give it the default"),
    (("a",), lambda a, *new: a, r"'\*new' is new", "leave *new out"),
    (("a",), lambda a, **new: a, r"'\*\*new' is new", "leave **new out"),
    (("*args",), lambda args: args, r"'\*args', which is gone", "keep 'args'"),
    ((), lambda f=lambda: 1: f, "default of the new parameter 'f' is code of yours", "let the default be None"),
    ((), lambda f=[Translation]: f, "default of the new parameter 'f' is code of yours", "let the default be None"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "function", "message", "hint"), REFUSED)
def test_parameters_that_do_not_match_are_refused(old, function, message, hint):
    """A parameter that is gone, or new and without a plain default, is named, and the mend is told."""
    with pytest.raises(AdoptionRefused, match=message) as refused:
        translation(old, function)
    assert hint in refused.value.hint


@pytest.mark.parametrize("signature", [b"", b"\x91\x01\x01", b"\x92\x01\x02", b"\x90", b"\xc1"])
def test_damaged_signatures(signature):
    """Bytes that are no signature of the earlier version raise IntegrityError."""
    with pytest.raises(cas.IntegrityError):
        translation(("a",), plain).signature(signature)
