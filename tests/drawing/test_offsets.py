"""The picture of offsets: every pixel stands where its distance from the unit puts it."""

import re

import pytest

from helpers.drawing import svg
from helpers.drawing.offsets import CELL, show_offsets


@pytest.mark.parametrize("unit, pixel, offset", [
    ((1, 3), (3, 2), "(2, −1)"), ((4, 1), (2, 5), "(−2, 4)"), ((0, 0), (0, 0), "(0, 0)")])  # fmt: skip
def test_it_says_the_offset(unit, pixel, offset):
    assert repr(show_offsets(unit, pixel)).endswith(f"(a, b) = (k − i, l − j) = {offset}")


def frames(shown, color):
    """The left upper corners of the frames of one colour, and their widths, in cells."""
    found = re.findall(rf'<rect x="(\S+)" y="(\S+)" width="(\S+)" height="\S+" [^>]*stroke="{color}"', shown.svg)
    return [tuple(float(number) / CELL for number in frame) for frame in found]


@pytest.mark.parametrize("unit, pixel", [((1, 3), (3, 2)), ((0, 5), (5, 0)), ((2, 2), (2, 3))])
def test_the_pixel_lies_from_the_unit_as_far_on_the_right_as_on_the_left(unit, pixel):
    shown = show_offsets(unit, pixel)
    units, pixels = frames(shown, svg.ORANGE), frames(shown, svg.BLUE)
    assert len(units) == len(pixels) == 2
    for (x0, y0, _), (x1, y1, _) in zip(units, pixels, strict=True):
        assert (y1 - y0, x1 - x0) == pytest.approx((pixel[0] - unit[0], pixel[1] - unit[1]), abs=1e-2)


@pytest.mark.parametrize("unit", [(0, 0), (1, 3), (3, 3)])
def test_the_picture_lies_in_the_table_where_the_unit_puts_it_and_all_else_is_dotted(unit):
    shown = show_offsets(unit, unit, size=4)
    assert shown.svg.count('stroke-dasharray="2 3"') == 7 * 7 - 4 * 4
    places = [(float(x), float(y)) for x, y in re.findall(r'<text x="(\S+)" y="(\S+)"[^>]*>0</text>', shown.svg)]
    (unit_x, unit_y, _) = frames(shown, svg.ORANGE)[1]
    pixel_0 = [(x / CELL - 0.5 - unit_x, y / CELL - unit_y) for x, y in places]
    assert any(dx == pytest.approx(-unit[1], abs=0.01) and -unit[0] < dy < 1 - unit[0] for dx, dy in pixel_0)


def test_the_reach_is_framed():
    shown = show_offsets((1, 3), (3, 2), reach=1)
    ((x, y, width),) = frames(shown, svg.GREEN)
    unit_x, unit_y, _ = frames(shown, svg.ORANGE)[1]
    assert (x, y, width) == pytest.approx((unit_x - 1, unit_y - 1, 3), abs=1e-2)
    assert not frames(show_offsets((1, 3), (3, 2)), svg.GREEN)


@pytest.mark.parametrize("unit, pixel, name", [((6, 0), (0, 0), "unit"), ((0, 0), (0, -1), "pixel")])
def test_a_place_outside_the_picture_is_refused(unit, pixel, name):
    with pytest.raises(ValueError, match=rf"{name} \(.*\) is not in a picture of 6×6 pixels"):
        show_offsets(unit, pixel)
