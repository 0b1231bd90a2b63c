"""A large PNG is kept in 256 colours, a small one as it is."""

import io

import numpy as np
from PIL import Image

from helpers.drawing.compact import LARGEST, compact


def png_of(pixels):
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def test_a_large_picture_becomes_small_and_stays_what_it_was():
    rows, columns = np.mgrid[:500, :600]
    noise = np.random.default_rng(0).integers(0, 12, (500, 600))
    pixels = np.stack([rows * 0.4 + noise, columns * 0.4 + noise, 120 + noise, np.where(columns < 40, 0, 255)], axis=2)
    large = png_of(pixels.astype(np.uint8))
    small = compact(large)
    assert len(large) > LARGEST and len(small) < 0.5 * len(large)
    with Image.open(io.BytesIO(small)) as image:
        assert image.size == (600, 500) and len(image.getcolors()) <= 256
        shown = np.asarray(image.convert("RGBA")).astype(float)
    assert (shown[:, :40, 3] == 0).all() and (shown[:, 40:, 3] == 255).all()
    assert np.abs(shown[:, 40:, :3] - pixels[:, 40:, :3]).mean() < 12


def test_a_small_picture_stays_as_it_is():
    png = png_of(np.zeros((20, 20, 4), np.uint8))
    assert compact(png) is png
