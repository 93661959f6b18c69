"""`codec=` and `compress=`: in which form a result is stored. What comes back is the same."""

from __future__ import annotations

import numpy as np
import pytest

import cas
import memo
from memo.codecs.body import bytes_of

ARRAY = np.arange(40_000.0).reshape(200, 200)


def make(tmp_path, **options):
    """Return a cached function that returns what it is given."""

    @memo.cached(store=tmp_path / "store", memory=False, **options)
    def give(value):
        return value

    return give


@pytest.mark.parametrize(
    ("codec", "value"),
    [
        ("auto", ARRAY),
        ("npy", ARRAY),
        ("npy/1", ARRAY),
        ("tree", [1, (2.5, None)]),
        ("json", {"a": [1, 2.5, None]}),
        ("text", "one\ntwo"),
        ("pickle", {1: ARRAY}),
        ("mat", ARRAY),
        ("hdf5", {"trace": ARRAY}),
    ],
)
@pytest.mark.parametrize("compress", [None, "zstd", "auto"])
def test_result_is_stored_as_asked_and_comes_back_as_it_was(tmp_path, codec, value, compress):
    """Each codec, compressed or not, returns a fresh, equal value."""
    give = make(tmp_path, codec=codec, compress=compress)
    give(value)
    again, third = give(value), give(value)
    assert type(again) is type(value)
    np.testing.assert_equal(again, value)
    assert (give.cache.stats().misses, give.cache.stats().hits) == (1, 2)
    stored = next(give.cache.entries()).codec
    assert stored.startswith("npy/1" if codec == "auto" else codec.partition("/")[0] + "/")
    if compress == "zstd":
        assert stored.endswith("+zstd")
    if not isinstance(value, str):
        assert again is not third


def test_codec_is_no_part_of_the_key(tmp_path):
    """What another codec stored is a hit, and a refresh writes it anew."""
    plain, other = make(tmp_path), make(tmp_path, codec="mat")
    plain(ARRAY)
    assert np.array_equal(other(ARRAY), ARRAY)
    assert other.cache.stats().misses == 0
    other.cache.refresh(ARRAY)
    assert [entry.codec for entry in other.cache.entries()] == ["mat/1"]
    assert np.array_equal(plain(ARRAY), ARRAY)


def test_value_that_does_not_fit_is_returned_and_said_aloud(tmp_path):
    """The warning says what the codec has against it."""
    give = make(tmp_path, codec="npy")
    with pytest.warns(memo.CacheWarning, match="not stored: npy: expected"):
        assert give({"a": 1}) == {"a": 1}
    assert list(give.cache.entries()) == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"codec": "jpeg"}, "jpeg"),
        ({"codec": None}, "codec="),
        ({"compress": "gzip"}, "compress="),
        ({"compress": True}, "compress="),
        ({"readonly": 1}, "readonly="),
        ({"store_args": "yes"}, "store_args="),
    ],
)
def test_unknown_form_is_refused(options, text):
    """The mistake is named where the function is decorated."""
    with pytest.raises((cas.InvalidInputError, memo.CodecError), match=text):
        memo.cached(**options)


class Mass:
    """What only a codec of the user's knows how to store as text."""

    def __init__(self, grams):
        self.grams = grams


class MassCodec:
    """Stores masses as text."""

    name = "mass/1"

    def takes(self, value):
        """Take a mass."""
        return type(value) is Mass

    def encode(self, value, write):
        """Return its number."""
        return (repr(value.grams).encode(),), f"{value.grams} g"

    def decode(self, body, open_blob):
        """Return a mass."""
        return Mass(float(bytes_of(body)))


@pytest.fixture
def mass_codec():
    """Register a codec for one test."""
    codec = MassCodec()
    memo.register_codec(codec)
    yield codec
    memo.unregister_codec(codec)


@pytest.mark.parametrize("options", [{}, {"compress": "zstd"}, {"codec": "mass"}, {"min_cost": "auto"}])
def test_a_codec_of_the_users_stores_results(tmp_path, mass_codec, options):
    """A registered codec is chosen for its values, and reads them back in any combination of options."""

    @memo.cached(store=tmp_path / "store", memory=False, **options)
    def weigh(grams):
        sum(range(100_000))
        return Mass(grams)

    assert [weigh(2.5).grams, weigh(2.5).grams] == [2.5, 2.5]
    assert [(entry.codec.partition("+")[0], entry.summary) for entry in weigh.cache.entries()] == [("mass/1", "2.5 g")]
    assert weigh.cache.stats().hits == 1


def test_a_codec_that_is_unregistered_is_no_longer_asked(tmp_path, mass_codec):
    """What it stored is computed again, said aloud, and stored otherwise."""
    give = make(tmp_path)
    give([Mass(1.0)])
    packed = make(tmp_path, compress="zstd")
    packed(Mass(2.0))
    memo.unregister_codec(mass_codec)
    memo.unregister_codec(mass_codec)
    for function, value in ((give, [Mass(1.0)]), (packed, Mass(2.0))):
        with pytest.warns(memo.CacheWarning, match="mass/1"):
            function(value)
        function(value)
    assert {entry.codec for entry in give.cache.entries()} == {"pickle/1", "pickle/1+zstd"}
    with pytest.raises(memo.CodecError, match="mass"):
        memo.cached(codec="mass")
