"""The list of ingredients: what stands in it, and how it is packed."""

from __future__ import annotations

import pytest

from memo.fingerprint import fingerprint
from memo.fingerprint.manifest import Ingredient, Manifest

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


def test_a_packed_manifest_comes_back():
    """Packing and unpacking give the same ingredients."""
    made = Manifest(
        [Ingredient("function", "a.b", "project", b"\1" * 32, "def b(): ...\ud800"), Ingredient("note", "n", "", b"")]
    )
    assert Manifest.unpack(made.pack()) == made
    assert made[0].source == "def b(): ...\ud800"
    assert made[1].source is None


def test_packed_sources_are_small():
    """Sources are compressed: a thousand lines take less than a tenth of their size."""
    source = "\n".join(f"    value_{n} = compute(value_{n - 1})" for n in range(1000))
    made = Manifest([Ingredient("function", "a.b", "project", b"\1" * 32, source)])
    assert len(made.pack()) < len(source) / 4


@pytest.mark.parametrize("data", [b"", b"damage", Manifest().pack()[:-3]])
def test_other_bytes_are_refused(data):
    """Bytes that are no manifest raise ValueError."""
    with pytest.raises(ValueError, match="expected a packed manifest"):
        Manifest.unpack(data)
