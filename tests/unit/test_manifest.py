"""The list of ingredients: what stands in it, and how it is packed."""

from __future__ import annotations

import zlib

import msgpack
import numpy as np
import pytest

import cas
from cas.manifest import Ingredient, Manifest, agree
from memo.fingerprint import fingerprint
from memo.fingerprint.node import fold_rows

RATE = 250.0


def helper(x):
    """Scale."""
    return x * RATE


def test_every_ingredient_is_named_with_its_origin_and_source():
    """Functions carry their lines, values what they look like; the function itself comes first."""

    def root(x):
        return helper(x)

    found = fingerprint(root).manifest
    assert found[0].name.endswith("root")
    assert {(one.kind, one.name.rpartition(".")[2], one.origin) for one in found} >= {
        ("function", "helper", "project"),
        ("value", "RATE", "project"),
    }
    assert next(one.source for one in found if one.name.endswith("RATE")) == "250.0"


def test_links_lead_to_what_an_ingredient_refers_to():
    """A function's links name the global it reads, and stand at the place where that is."""

    def root(x):
        return helper(x)

    found = fingerprint(root).manifest
    read = next(one for one in found if one.name.endswith(".helper"))
    assert [(label, found[at].source) for label, at in read.links] == [("g:RATE", "250.0")]


def test_the_fingerprint_is_folded_from_its_manifest():
    """The digest follows from the digests and links that the manifest lists, notes left out."""

    def root(x):
        return [helper(y) for y in sorted(x)]

    made = fingerprint(root, version=2)
    rows = [(one.digest, one.links) for one in made.manifest if one.kind != "note"]
    assert fold_rows(rows) == made.digest


def test_a_long_table_is_shown_line_by_line():
    """Each element has a line of its own, so that a diff shows which one changed; a set in one order."""
    table = {f"channel {number}": number / 10 for number in range(30)}
    names = frozenset(table)

    def root(x):
        return table[x] if x in names else 0

    shown = {one.name.rpartition(" ")[2]: one.source for one in fingerprint(root, allow_mutable_bindings=True).manifest}
    assert shown["c:table"].splitlines()[:2] == ["{", "    'channel 0': 0.0,"]
    assert shown["c:names"].splitlines()[1:3] == ["    'channel 0',", "    'channel 1',"]


def test_no_address_is_shown():
    """What a table of functions looks like is the same in every process."""
    table = (np.sin, np.hanning)

    def root(x):
        return [function(x) for function in table]

    shown = {one.name.rpartition(" ")[2]: one.source for one in fingerprint(root).manifest}
    assert shown["c:table"] == "(<ufunc 'sin'>, <function hanning>)"


def test_a_packed_manifest_comes_back():
    """Packing and unpacking give the same ingredients."""
    made = Manifest(
        [
            Ingredient("function", "a.b", "project", b"\1" * 32, "def b(): ...\ud800", (("g:n", 1), ("g:m", 0))),
            Ingredient("note", "n", "", b""),
        ]
    )
    assert Manifest.unpack(made.pack()) == made
    assert made[0].source == "def b(): ...\ud800"
    assert made[1].source is None


def test_packed_sources_are_small():
    """Sources are compressed: a thousand lines take less than a quarter of their size."""
    source = "\n".join(f"    value_{n} = compute(value_{n - 1})" for n in range(1000))
    made = Manifest([Ingredient("function", "a.b", "project", b"\1" * 32, source)])
    assert len(made.pack()) < len(source) / 4


def _packed(*row):
    return zlib.compress(msgpack.packb([2, [list(row)]]))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"damage",
        Manifest().pack()[:-3],
        zlib.compress(msgpack.packb([1, []])),
        zlib.compress(msgpack.packb({})),
        _packed("function", "a", "project", b"", None),
        _packed("function", "a", "project", b"", None, ["g:b", 7]),
        _packed("function", "a", "project", b"", None, ["g:b"]),
        _packed("function", ["a"], "project", b"", None, []),
    ],
)
def test_other_bytes_are_refused(data):
    """Bytes that are no manifest of this version raise IntegrityError, whatever is wrong with them."""
    with pytest.raises(cas.IntegrityError, match="expected a packed manifest"):
        Manifest.unpack(data)


def _manifest(**digests):
    return Manifest(Ingredient("function", name, "project", digest) for name, digest in digests.items())


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"f": b"1"}, {"f": b"1", "Model": b"2"}, True),
        ({"f": b"1", "Other": b"3"}, {"f": b"1", "Model": b"2"}, True),
        ({"f": b"1", "Model": b"2"}, {"f": b"1", "Model": b"3"}, False),
        ({"f": b"1"}, {"f": b"2"}, False),
    ],
)
def test_manifests_agree_if_nothing_that_both_name_differs(one, other, same):
    """What only one of two versions has came with the classes of its arguments."""
    assert agree(_manifest(**one), _manifest(**other)) is same
    assert agree(_manifest(**other), _manifest(**one)) is same
