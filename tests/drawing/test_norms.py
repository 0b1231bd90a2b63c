"""Which numbers share a mean: the colours say what PyTorch's layers do, and every number stands in its cell."""

import re

import pytest
import torch
from torch import nn

from helpers.drawing.norms import KINDS, show_norms

X = torch.arange(2 * 4 * 1 * 3.0).reshape(2, 4, 1, 3) ** 2
LAYERS = {
    "batch": nn.BatchNorm2d(4), "layer": nn.GroupNorm(1, 4), "instance": nn.InstanceNorm2d(2),
    "group": nn.GroupNorm(2, 4),
}  # fmt: skip


def colours(still, channels):
    """The colours of each map's numbers, (N, C) sets."""
    found = re.findall(r'<rect [^>]*fill="(#\w+)"[^>]*fill-opacity="0.3"', still.svg)
    maps = [set(found[i : i + 3]) for i in range(0, len(found), 3)]
    return [maps[i : i + channels] for i in range(0, len(maps), channels)]


@pytest.mark.parametrize("kind", KINDS)
def test_those_of_one_colour_are_normalised_together(kind):
    """A map's output depends on another one exactly where both have its colour."""
    given = (X[:, :2] if kind == "instance" else X).clone().requires_grad_()
    drawn, layer = colours(show_norms(given, kind), given.shape[1]), LAYERS[kind]
    for n in range(2):
        for c in range(given.shape[1]):
            (gradient,) = torch.autograd.grad(layer(given)[n, c, 0, 0], given)
            alike = [[other == drawn[n][c] for other in row] for row in drawn]
            assert (gradient.abs().sum((2, 3)) > 0).tolist() == alike, (n, c)


def test_a_group_has_as_many_numbers_as_it_says():
    said = repr(show_norms(X, "batch", "layer", "group"))
    assert said.startswith("2×4×1×3, 2 pictures, 4 channels; batch: 6 numbers share a mean; layer: 12 numbers")
    assert said.endswith("group: 6 numbers share a mean")
    assert repr(show_norms(X[:, :2], "instance")).endswith("instance: 3 numbers share a mean")
    dense = repr(show_norms(torch.ones(3, 2), "batch"))
    assert dense == "3×2, 3 pictures, 2 features; batch: 3 numbers share a mean"


def test_every_number_is_written_and_nothing_that_is_computed():
    drawn = show_norms(torch.tensor([[1.0, 2, 3], [6, 6, 6]]), "batch")
    assert re.findall(r">(-?[\d.]+)</text>", drawn.svg) == ["1", "2", "3", "6", "6", "6"]


def test_names_of_columns_do_not_touch():
    drawn = show_norms(torch.ones(2, 3), "batch")
    first, second, _ = (float(x) for x in re.findall(r'<text x="(\S+)"[^>]*>feature', drawn.svg))
    assert second - first > len("feature 0") * 6.6


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"X has 3 axes, \(1, 2, 3\)"):
        show_norms(torch.ones(1, 2, 3), "batch")
    with pytest.raises(ValueError, match="give one or more of batch, layer"):
        show_norms(X, "weight")
    with pytest.raises(ValueError, match="give one or more"):
        show_norms(X)
    with pytest.raises(ValueError, match="instance makes 8 groups of X, more than 4 colours"):
        show_norms(X, "instance")
