"""The canonical form of PIL's images: class, mode, size, pixels, palette and `info` count."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from cas import form
from memo.canonical import encode
from memo.errors import UnstableArgument


def test_what_one_sees_counts():
    """Mode, size, pixels, palette, `info` and class tell images apart."""
    image = Image.new("RGB", (4, 3), (1, 2, 3))
    dotted, noted, palette = image.copy(), image.copy(), image.convert("P")
    dotted.putpixel((2, 1), (1, 2, 4))
    noted.info["dpi"] = (72, 72)
    recolored = palette.copy()
    recolored.putpalette([5] * 768)
    values = [image, dotted, noted, palette, recolored, image.convert("RGBA"), image.resize((3, 4)), image.convert("L")]
    assert len({encode(value) for value in values}) == len(values)
    assert encode(image.copy()) == encode(image)
    assert form.unpack(encode(image)).text.partition("~")[0] == "Image RGB[4 x 3]"


def test_an_image_of_a_file_counts_by_its_pixels():
    """Two openings of one file have one form, loaded or not; one of several frames is refused."""
    file = io.BytesIO()
    frames = [Image.new("L", (2, 2), shade) for shade in (0, 9)]
    frames[0].save(file, "PNG")
    one, other = Image.open(file), Image.open(file)
    other.load()
    assert encode(one) == encode(other) != encode(frames[0])
    moving = io.BytesIO()
    frames[0].save(moving, "GIF", save_all=True, append_images=frames[1:])
    with pytest.raises(UnstableArgument, match="several frames"):
        encode(Image.open(moving))
