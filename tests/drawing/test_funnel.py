"""The funnels of a stack: what they say is what a gradient says."""

import re

import pytest
import torch
from torch.nn import functional as F

from helpers.drawing import svg
from helpers.drawing.funnel import show_fields


@pytest.mark.parametrize("layers", [[(3, 2, 1), (3, 1, 1)], [(3, 1, 2), (3, 1, 2)], [(2, 2, 1)], [(3, 1, 1)] * 3])
def test_the_pixels_are_those_with_a_gradient(layers):
    n = 14
    X = torch.zeros(1, 1, n, requires_grad=True)
    Y = X
    for k, s, d in layers:
        Y = F.conv1d(Y, torch.ones(1, 1, k), stride=s, dilation=d)
    seen = [torch.autograd.grad(y, X, retain_graph=True)[0].nonzero()[:, 2].tolist() for y in Y[0, 0, :2]]
    told = repr(show_fields(n, layers))
    assert told == "; ".join(f"output {i} sees the pixels {', '.join(map(str, row))}" for i, row in enumerate(seen))


def test_every_element_is_drawn_over_what_it_reads():
    drawn = show_fields(9, [(3, 2, 1), (3, 1, 1)]).svg
    assert drawn.count("<polyline") == 4 * 3 + 2 * 3 + 2, "a line for each weight, a bracket for each output"
    assert drawn.count('fill="#fff"') == 9 + 4 + 2 and drawn.count(">7 pixels</text>") == 2
    shares = re.findall(rf'fill="{svg.ORANGE}"', re.sub(r"<text[^>]*>", "", drawn))
    assert len(shares) == 7 + 3 + 1, "the pixels, elements and the output of the first funnel"


def test_one_output_has_one_funnel():
    assert repr(show_fields(3, [(3, 1, 1)])) == "output 0 sees the pixels 0, 1, 2"
    assert "kernel 3, stride 1, dilation 2" in show_fields(5, [(3, 1, 2)]).svg


def test_a_layer_that_does_not_fit_is_said():
    with pytest.raises(ValueError, match="layer 2 reaches over 3 elements and gets 2"):
        show_fields(4, [(3, 1, 1), (3, 1, 1)])
