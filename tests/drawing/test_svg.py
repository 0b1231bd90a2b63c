"""The drawing functions: right colours, right numbers, well-formed SVG, a PNG that shows it."""

import base64
import io
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from helpers.drawing import svg


def pixels(tile):
    data = re.search(r"base64,([^\"]+)", tile).group(1)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


def test_a_signed_tile_is_centred_on_zero_and_shares_the_limit():
    rgb = pixels(svg.tile(np.array([[-2.0, 0.0, 2.0, 1.0]]), 0, 0, 40, 10, colors="signed", limit=2.0)).astype(int)
    blue, white, red, half = rgb[0]
    assert blue[2] > blue[0] + 50 and red[0] > red[2] + 50 and white.min() > 240
    assert red[0] - red[2] > 0 and half[2] > red[2], "half the value is paler"


def test_a_grey_tile_runs_from_black_to_white_and_cuts_off():
    rgb = pixels(svg.tile(np.array([[0.0, 0.5, 1.0, 7.0, -3.0]]), 0, 0, 40, 10, limit=1.0))
    assert rgb[0, :, 0].tolist() == [0, 128, 255, 255, 0]


def test_an_rgb_tile_keeps_its_colours():
    image = np.random.default_rng(0).random((4, 5, 3))
    assert np.abs(pixels(svg.tile(image, 0, 0, 50, 40)) / 255 - image).max() <= 0.5 / 255 + 1e-6


def test_a_matrix_shows_its_numbers_and_leaves_faint_cells_empty():
    drawn = svg.matrix(np.array([[1.0, -2.5], [0.125, 7]]), 0, 0, faint=[[False, False], [False, True]])
    assert re.findall(r">([^<>]+)</text>", drawn) == ["1", "−2.5", "0.125"]
    assert "<image" in svg.matrix(np.zeros((17, 3)), 0, 0)


@pytest.mark.parametrize("faint", [None, np.ones((2, 3))])
def test_cells_of_a_matrix_may_be_wider_than_high(faint):
    drawn = svg.matrix(np.zeros((2, 3)), 10, 20, 40, high=25, faint=faint)
    boxes = re.findall(r'<rect x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"', drawn)
    assert boxes == [(str(10 + 40 * j), str(20 + 25 * i), "40", "25") for i in range(2) for j in range(3)]
    assert 'width="720" height="25"' in svg.matrix(np.zeros((1, 18)), 0, 0, 40, high=25)


@pytest.mark.parametrize("values", [np.zeros((3, 3)), np.full((2, 2), 5.0)])
def test_constant_matrices_draw(values):
    ET.fromstring(svg.picture(100, 100, svg.matrix(values, 0, 0), label="constant"))


@pytest.mark.parametrize(
    ("value", "shown"), [(3.0, "3"), (-0.5, "-0.5"), (1 / 3, "0.333"), (-0.0001, "0"), (12345.0, "1.2e+04"),
                         (float("nan"), "nan"), (float("-inf"), "-inf"), (None, "")]
)  # fmt: skip
def test_numbers_are_short(value, shown):
    assert svg.number(value) == shown


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 10), (-3, 4), (0, 0.037), (1e-6, 2e-6), (0, 123456)])
def test_ticks_are_few_round_and_inside(low, high):
    ticks = svg.ticks(low, high)
    assert 2 <= len(ticks) <= 6 and low - 1e-9 <= ticks[0] and ticks[-1] <= high + 1e-9
    steps = np.diff(ticks)
    assert np.allclose(steps, steps[0]) and f"{steps[0]:e}"[0] in "125"


def test_a_curve_leaves_out_what_is_not_finite_and_cuts_off_what_is_outside():
    drawn = svg.curve([(0, 0), (1, float("nan")), (1, 5), (2, 1)], 10, 10, 100, 50, (0, 2), (0, 1))
    assert re.search(r'points="([^"]+)"', drawn).group(1) == "10,60 60,10 110,10"


def test_a_picture_is_well_formed_and_escapes_its_label():
    drawn = svg.picture(
        200, 100, svg.text(5, 5, "a < b & c"), svg.arrow(0, 0, 5, 5), svg.axes(40, 10, 100, 50, (0, 1), (0, 1)),
        svg.legend(0, 0, ["one", "two", "three", "four", "five"]), label='say "1 < 2"',
    )  # fmt: skip
    root = ET.fromstring(drawn)
    assert root.get("aria-label") == 'say "1 < 2"' and root.get("role") == "img"
    assert svg.size(drawn) == (200, 100)


def test_a_still_has_readable_ink_on_a_transparent_ground():
    plain = svg.picture(60, 30, svg.text(30, 20, "MMMM", size=14), label="ink")
    image = np.asarray(Image.open(io.BytesIO(svg.to_png(plain))))
    assert image.shape == (60, 120, 4)
    ink = image[image[..., 3] > 250]
    assert len(ink) > 100 and np.abs(ink[:, :3].astype(int) - 117).max() < 10
    captioned = Image.open(io.BytesIO(svg.to_png(plain, caption="window 2")))
    assert captioned.size == (120, 100)


def test_a_listing_below_a_picture_is_escaped_and_not_part_of_the_still():
    picture = svg.picture(40, 20, svg.rect(2, 2, 30, 10), label="a box")
    below = svg.listing("if a < b & c:\n    pass", 2)
    assert "if a &lt; b &amp; c:\n    pass</pre>" in below and "height:2.6em" in below
    assert svg.to_png(picture + below) == svg.to_png(picture)


def test_moved_parts_keep_their_own_coordinates():
    assert svg.moved(3, 4.5, svg.rect(0, 0, 1, 1)) == f'<g transform="translate(3,4.5)">{svg.rect(0, 0, 1, 1)}</g>'
