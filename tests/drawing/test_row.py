"""Tables side by side: equal cells, the numbers that were given, marks where they belong."""

import re

import numpy as np
import pytest
import torch

from helpers.drawing import svg
from helpers.drawing.row import CELL, show_row
from helpers.drawing.words import minus

X, Y = np.arange(6).reshape(2, 3), torch.tensor([[1.5, -2.0]], requires_grad=True)


def test_the_numbers_are_said_and_drawn_in_equal_cells():
    shown = show_row({"X": X, "Y": Y})
    assert repr(shown) == "X: 0 1 2, 3 4 5; Y: 1.5 −2"
    assert shown.svg.count(f'width="{CELL}" height="{CELL}"') == 8
    assert [minus(f">{svg.number(value)}</text>") in shown.svg for value in (0, 5, 1.5, -2)] == [True] * 4


def test_grey_without_signs_and_two_colours_with_them():
    def fills(table):
        cells = re.findall(rf'width="{CELL}" height="{CELL}" fill="#(..)(..)(..)"', show_row({"": table}).svg)
        return [tuple(int(part, 16) for part in cell) for cell in cells]

    assert all(red == green == blue for red, green, blue in fills(X)) and fills(X)[-1] == (255, 255, 255)
    positive, negative = fills(Y)
    assert positive[0] > positive[2] and negative[2] > negative[0]


def test_signs_and_marks_stand_where_they_belong():
    shown = show_row({"X": X, "Y": Y}, signs="=", marks={"X": [(0, 1, 2, 2), (1, 0)]}).svg
    assert shown.count(">=<") == 1
    assert f'x="{4 + CELL}" y="26" width="{2 * CELL}" height="{2 * CELL}"' in shown, (
        "the window is framed from (0, 1) on"
    )
    assert f'x="7" y="{26 + CELL + 3}" width="{CELL - 6}"' in shown
    assert shown.count(f'stroke="{svg.ORANGE}"') == shown.count(f'stroke="{svg.PURPLE}"') == 1


def test_titles_and_signs_must_fit():
    with pytest.raises(ValueError, match="marks for 'Z', but the tables are X, Y"):
        show_row({"X": X, "Y": Y}, marks={"Z": [(0, 0)]})
    with pytest.raises(ValueError, match="2 signs between 2 tables: give 1, or none"):
        show_row({"X": X, "Y": Y}, signs="·=")
