"""The picture of a gradient: its sums are autograd's, its panels the outputs that a number takes part in."""

import itertools

import pytest
import torch
from torch.nn import functional as F

from helpers.drawing import svg
from helpers.drawing.gradient import CELL, SMALL, show_gradient
from helpers.drawing.words import minus

X, K, DOUT = torch.arange(9.0).reshape(3, 3), torch.arange(4.0).reshape(2, 2), torch.tensor([[1.0, 2], [3, 4]])


def test_the_sum_is_written_out():
    assert repr(show_gradient(X, K, DOUT, "K", (1, 0))) == (
        "gradient of weight K[1, 0], through outputs (0, 0), (0, 1), (1, 0), (1, 1): 3·1 + 4·2 + 6·3 + 7·4 = 57"
    )
    assert repr(show_gradient(X, K, DOUT, "b")).endswith("1·1 + 1·2 + 1·3 + 1·4 = 10")
    assert repr(show_gradient(X, K, DOUT, "X", (0, 1))) == (
        "gradient of pixel X[0, 1], through outputs (0, 0), (0, 1): 1·1 + 0·2 = 1")  # fmt: skip
    assert "(−1)·(−2)" in repr(show_gradient(-X[:2, 1:2], K[:1, :1], torch.tensor([[-2.0], [1]]), "K", (0, 0)))


@pytest.mark.parametrize("shape, kernel", [((3, 3), (2, 2)), ((2, 5), (1, 3)), ((4, 3), (2, 3))])
def test_every_sum_is_that_of_autograd(shape, kernel):
    image, weights = torch.randint(-5, 6, shape).float(), torch.randint(-5, 6, kernel).float()
    image, weights, bias = (array.requires_grad_() for array in (image, weights, torch.zeros(1)))
    Y = F.conv2d(image[None, None], weights[None, None], bias)[0, 0]
    dout = torch.randint(-5, 6, Y.shape).float()
    Y.backward(dout)
    for of, array in (("K", weights), ("X", image)):
        for at in itertools.product(*map(range, array.shape)):
            shown = show_gradient(image, weights, dout, of, at)
            assert repr(shown).endswith(minus(f"= {svg.number(array.grad[at].item())}"))
    assert repr(show_gradient(image, weights, dout, "b")).endswith(minus(f"= {svg.number(bias.grad.item())}"))


@pytest.mark.parametrize("of, at, panels", [("K", (0, 1), 4), ("b", None, 4), ("X", (1, 1), 4), ("X", (2, 1), 2),
                                            ("X", (2, 2), 1)])  # fmt: skip
def test_a_panel_for_each_output_with_the_window_and_the_number_marked(of, at, panels):
    drawn = show_gradient(X, K, DOUT, of, at).svg
    assert drawn.count(">output (") == panels
    assert drawn.count(f'width="{2 * CELL}" height="{2 * CELL}" fill="none" fill-opacity="1" '
                       f'stroke="{svg.ORANGE}"') == panels  # fmt: skip
    assert drawn.count(f'width="{CELL - 6}" height="{CELL - 6}"') == (0 if of == "b" else panels)
    assert drawn.count(f'stroke="{svg.BLUE}"') == panels and drawn.count(">×3<") == panels
    assert drawn.count(f'width="{SMALL}" height="{SMALL}" fill="{svg.GREY}"') == 3 * panels, "the others stay empty"


@pytest.mark.parametrize("arguments, words", [
    ((X, K, DOUT[:1], "b"), r"dout has shape \(1, 2\) and the output \(2, 2\)"),
    ((X, K, DOUT, "W", (0, 0)), "of is 'W', must be 'K', 'b' or 'X'"),
    ((X, K, DOUT, "K", (2, 0)), r"at is \(2, 0\), but K has 2×2 places"),
    ((X, K, DOUT, "X"), "at is None, but X has 3×3 places"),
    ((torch.ones(4, 4), K, torch.ones(3, 3), "b"), "9 outputs are too many to draw, at most 6"),
])  # fmt: skip
def test_what_cannot_be_drawn_is_said(arguments, words):
    with pytest.raises(ValueError, match=words):
        show_gradient(*arguments)
