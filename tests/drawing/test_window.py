"""A window on a picture, drawn: the numbers are PyTorch's, the marks stand where they belong."""

import base64
import io
import re

import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from helpers.drawing import svg
from helpers.drawing.window import CELL, show_pool, show_window
from helpers.drawing.words import minus

X, K = torch.arange(9.0).reshape(3, 3), torch.arange(4.0).reshape(2, 2)


def test_the_sum_is_written_out():
    assert repr(show_window(X, K)) == "3×3 input, 2×2 kernel, 2×2 output; row 0, column 0: 0·0 + 1·1 + 3·2 + 4·3 = 19"
    assert repr(show_window(X, K, (1, 1), bias=-20)).endswith("4·0 + 5·1 + 7·2 + 8·3 + (−20) = 23")
    assert "1·(−1)" in repr(show_window(torch.ones(1, 2), torch.tensor([[1.0, -1.0]])))


@pytest.mark.parametrize("padding, stride", [(0, 1), (1, 1), (1, 2), (2, 3)])
def test_every_element_is_that_of_conv2d(padding, stride):
    image, kernel = torch.randint(0, 5, (4, 5)).float(), torch.randint(-3, 4, (3, 2)).float()
    Y = F.conv2d(image[None, None], kernel[None, None], padding=padding, stride=stride)[0, 0]
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            shown = show_window(image, kernel, (i, j), padding=padding, stride=stride)
            assert repr(shown).endswith(minus(f"= {svg.number(Y[i, j].item())}"))
            frames = re.findall(rf'width="(\S+)" height="(\S+)"[^>]*stroke="{svg.ORANGE}"', shown.svg)
            assert frames == [(f"{2 * CELL}", f"{3 * CELL}"), (f"{CELL}", f"{CELL}")]
    ring = (4 + 2 * padding) * (5 + 2 * padding) - 20
    assert shown.svg.count('stroke-dasharray="2 3"') == ring, "each zero of the padding is dotted"


@pytest.mark.parametrize("sides, stride", [(((1, 0), (1, 0)), (1, 1)), (((0, 1), (0, 2)), (1, 2)), (1, (3, 2))])
def test_sides_and_steps_of_their_own_are_those_of_conv2d(sides, stride):
    (top, bottom), (left, right) = ((sides, sides),) * 2 if sides == 1 else sides
    Y = F.conv2d(F.pad(X, (left, right, top, bottom))[None, None], K[None, None], stride=stride)[0, 0]
    for i, j in ((i, j) for i in range(Y.shape[0]) for j in range(Y.shape[1])):
        shown = show_window(X, K, (i, j), padding=sides, stride=stride)
        assert repr(shown).endswith(minus(f"= {svg.number(Y[i, j].item())}"))
        corner = f'x="{4 + j * stride[1] * CELL}" y="{30 + i * stride[0] * CELL}" width="{2 * CELL}"'
        assert corner in shown.svg, "the window stands where it is"
    dotted = (3 + top + bottom) * (3 + left + right) - 9
    assert shown.svg.count('stroke-dasharray="2 3"') == dotted


def test_several_windows_have_a_colour_and_a_sum_each():
    places = [(0, 0), (0, 1), (1, 0), (1, 1)]
    shown = show_window(X, K, places, padding=1, stride=(3, 2))
    assert re.findall(r"= (\d+)", repr(shown)) == ["0", "8", "6", "8"]
    for color in svg.ACCENTS:
        assert shown.svg.count(f'stroke="{color}"') == 2 and shown.svg.count(f'fill="{color}"') == 1
    with pytest.raises(ValueError, match="5 windows at once are too many"):
        show_window(torch.zeros(2, 6), K, [(0, column) for column in range(5)])


def test_a_maximum_and_a_mean_are_written_out():
    said = "3×3 input, max of 2×2, 2×2 output; row 0, column 0: max(0, 1, 3, 4) = 4"
    assert repr(show_pool(X, 2)) == said
    assert repr(show_pool(X, 2, "avg", (1, 1))).endswith("row 1, column 1: (4 + 5 + 7 + 8) / 4 = 6")
    assert repr(show_pool(-X, 2, padding=1)).endswith("max(−∞, −∞, −∞, 0) = 0"), "padding never wins a maximum"
    assert repr(show_pool(X, 2, "avg", (3, 3), padding=1)).endswith("(8 + 0 + 0 + 0) / 4 = 2"), "and counts in a mean"


@pytest.mark.parametrize("mode, pool", [("max", F.max_pool2d), ("avg", F.avg_pool2d)])
@pytest.mark.parametrize("pool_size, padding, stride", [(2, 0, 1), (3, 1, 1), (3, 1, 2), (2, 1, 3)])
def test_every_pooled_element_is_that_of_pytorch(mode, pool, pool_size, padding, stride):
    image = torch.randint(-9, 9, (4, 5)).float()
    Y = pool(image[None, None], pool_size, stride, padding)[0, 0]
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            shown = show_pool(image, pool_size, mode, (i, j), padding=padding, stride=stride)
            assert repr(shown).endswith(minus(f"= {svg.number(Y[i, j].item())}"))
            frames = re.findall(rf'width="(\S+)" height="(\S+)"[^>]*stroke="{svg.ORANGE}"', shown.svg)
            assert frames == [(f"{pool_size * CELL}",) * 2, (f"{CELL}", f"{CELL}")]
            assert f"{Y.shape[0]}×{Y.shape[1]} output" in repr(shown)


@pytest.mark.parametrize(
    "change, said",
    [({"mode": "min"}, "must be 'max' or 'avg'"), ({"at": (0, 2)}, "2×2 elements, so none at row 0, column 2"),
     ({"pool_size": 4}, "4×4 window does not fit into 3×3")]
)  # fmt: skip
def test_a_pooling_that_cannot_be_shown_is_said(change, said):
    with pytest.raises(ValueError, match=said):
        show_pool(**({"X": X, "pool_size": 2} | change))


def test_numbers_with_a_sign_are_drawn_in_two_colours_and_padding_is_no_colour():
    assert 'fill="#000000"' in show_pool(X, 2).svg and 'fill="#000000"' not in show_pool(-X, 2).svg
    assert show_pool(X, 2, padding=1).svg.count(">−∞</text>") == 16


def test_the_rest_of_a_pooled_output_can_be_left_to_the_reader():
    hidden = show_pool(X, 3, padding=1, reveal=False).svg
    shown = show_pool(X, 3, padding=1).svg
    assert shown.count(">8</text>") - hidden.count(">8</text>") == 4


@pytest.mark.parametrize(
    "change, said",
    [({"at": (2, 0)}, "2×2 elements, so none at row 2"), ({"K": torch.ones(4, 2)}, "does not fit into 3×3")],
)
def test_what_cannot_be_shown_is_said(change, said):
    with pytest.raises(ValueError, match=said):
        show_window(**({"X": X, "K": K} | change))


def test_the_rest_of_the_output_can_be_left_to_the_reader():
    assert ">25</text>" in show_window(X, K).svg
    hidden = show_window(X, K, reveal=False).svg
    assert ">19</text>" in hidden and not any(f">{number}</text>" in hidden for number in (25, 37, 43))


def test_it_is_stored_as_a_picture_with_its_sentence_and_size():
    shown = show_window(X, K)
    data, metadata = shown._repr_mimebundle_()
    width, height = Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).size
    told = metadata["image/png"]
    assert (width, height) == pytest.approx((2 * told["width"], 2 * told["height"]), abs=2)
    assert told["alt"] == data["text/plain"] == repr(shown)


def test_the_tables_may_have_other_names():
    shown = show_window(X, K, names=("X", "dout", "dW"))
    assert repr(shown).startswith("3×3 X, 2×2 dout, 2×2 dW; ")
    assert [f">{name}<" in shown.svg for name in ("X", "dout", "dW", "kernel K")] == [True, True, True, False]
