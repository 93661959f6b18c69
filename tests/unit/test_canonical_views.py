"""Views of dicts, files in memory, random generators, and what somebody has set on a library's object."""

from __future__ import annotations

import collections
import io
import ipaddress
import random

import pandas as pd
import pytest
from PIL import Image

import memo
from cas import form
from memo.canonical import encode
from memo.errors import UnstableArgument


class Seeded(random.Random):
    __slots__ = ("stream",)


def set_on(value, name="label", content=1):
    """Return a value with an attribute."""
    setattr(value, name, content)
    return value


def moved(file, count):
    """Return a file from which something was read."""
    file.read(count)
    return file


def drawn(generator):
    """Return a generator that has drawn a number."""
    generator.gauss(0, 1)
    return generator


KINDS = {
    "views": [
        lambda: {1: 2}.keys(),
        lambda: {1: 2}.values(),
        lambda: {1: 2}.items(),
        lambda: {1: 3}.keys(),
        lambda: {1: 2, 3: 4}.items(),
        lambda: {3: 4, 1: 2}.items(),
        lambda: collections.OrderedDict({1: 2}).keys(),
        lambda: collections.defaultdict(int, {1: 2}).keys(),
        lambda: {1: 2},
        lambda: [1],
    ],
    "files": [
        lambda: io.BytesIO(b"ab"),
        lambda: moved(io.BytesIO(b"ab"), 1),
        lambda: io.BytesIO(b"ac"),
        lambda: set_on(io.BytesIO(b"ab"), "name", "x"),
        lambda: io.StringIO("ab"),
        lambda: moved(io.StringIO("ab"), 1),
        lambda: io.StringIO("ab", newline=None),
        lambda: io.StringIO("ab", newline=""),
        lambda: b"ab",
    ],
    "generators": [
        lambda: random.Random(1),
        lambda: random.Random(2),
        lambda: drawn(random.Random(1)),
        lambda: set_on(random.Random(1)),
        lambda: set_on(random.Random(1), content=2),
        lambda: Seeded(1),
        lambda: set_on(Seeded(1)),
        lambda: set_on(Seeded(1), "stream"),
    ],
    "addresses": [
        lambda: ipaddress.ip_network("10.0.0.0/8"),
        lambda: set_on(ipaddress.ip_network("10.0.0.0/8")),
        lambda: ipaddress.ip_interface("10.0.0.0/8"),
    ],
    "indexes": [
        lambda: pd.Index([1, 2]),
        lambda: set_on(pd.Index([1, 2])),
        lambda: set_on(pd.MultiIndex.from_product([[1], [2]])),
        lambda: pd.Series([1.0, 2.0], index=pd.Index([1, 2])),
        lambda: pd.Series([1.0, 2.0], index=set_on(pd.Index([1, 2]))),
    ],
    "images": [
        lambda: Image.new("L", (2, 2)),
        lambda: set_on(Image.new("L", (2, 2))),
        lambda: set_on(Image.new("L", (2, 2)), content=2),
    ],
}


@pytest.mark.parametrize("makers", KINDS.values(), ids=KINDS)
def test_what_one_sees_counts(makers):
    """No two of a kind share a form, one made twice has one form, and a person sees what it is."""
    forms = [encode(make()) for make in makers]
    assert len(set(forms)) == len(forms)
    assert forms == [encode(make()) for make in makers]
    assert all(form.show(form.unpack(found)) for found in forms)


def test_use_does_not_count():
    """What a library works out and keeps on its object, because somebody asked, leaves the form."""
    index, network = pd.date_range("2020", periods=3, freq="D"), ipaddress.ip_network("10.0.0.0/8")
    before = encode([index, network])
    assert index.is_unique
    assert index.get_loc(index[1]) == 1
    assert network.broadcast_address
    assert not network.is_global
    assert encode([index, network]) == before
    for kind in ("PNG", "JPEG", "GIF", "TIFF", "BMP"):
        file = io.BytesIO()
        Image.new("L", (3, 2), 5).save(file, kind)
        image = Image.open(file)
        before = encode(image)
        image.getexif()
        image.getpixel((0, 0))
        assert encode(image) == before != encode(set_on(image))


def test_views_and_files_are_shown_as_what_they_are():
    """A listing tells the view from the dict, and where in a file one stands."""
    assert form.show(form.unpack(encode({"a": 1}.keys()))) == "dict_keys({'a': 1})"
    assert form.show(form.unpack(encode(moved(io.BytesIO(b"ab"), 1)))) == "BytesIO(content=b'ab', position=1)"


def test_what_has_no_content_is_refused():
    """A file that is closed, and a generator that asks the system, have nothing to be told by."""
    closed = io.BytesIO(b"a")
    closed.close()
    with pytest.raises(UnstableArgument, match="closed"):
        encode(closed)
    with pytest.raises(UnstableArgument, match="SystemRandom"):
        encode(random.SystemRandom())


def test_reading_moves_the_file_and_is_said(tmp_path):
    """A cached function is served for a file of equal content and place; that it moves the file is warned of."""

    @memo.cached(store=tmp_path / "store")
    def read(file):
        return file.read()

    for _ in range(2):
        for count, rest in ((0, b"abc"), (1, b"bc")):
            file = moved(io.BytesIO(b"abc"), count)
            if read.cache.contains(file):
                assert read(file) == rest
                assert file.tell() == count
            else:
                with pytest.warns(memo.CacheWarning, match="changed an argument"):
                    assert read(file) == rest
    assert read.cache.stats().hits == 2
