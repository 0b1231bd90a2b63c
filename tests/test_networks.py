"""helpers.networks: shapes, counts, and the net that notebook 07 writes out."""

import pathlib

import nbformat
import pytest
import torch
from torch import nn

from helpers.anatomy import describe_net
from helpers.networks import lenet

NOTEBOOK = pathlib.Path(__file__).parents[1] / "notebooks" / "07_lenet.ipynb"


def count(net):
    return sum(p.numel() for p in net.parameters())


def notebook_net():
    """The net that notebook 07 builds, from the source of its own cell."""
    cells = [cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    (source,) = [source for source in cells if source.startswith("net = nn.Sequential(")]
    scope = {"nn": nn}
    exec(source.split("\n)")[0] + "\n)", scope)
    return scope["net"]


def test_lenet_counts():
    table = describe_net(lenet(), (1, 1, 28, 28))
    assert table.params == count(lenet()) == 61_706
    assert table.multiply_adds == 416_520


@pytest.mark.parametrize("in_channels, num_classes, width", [(1, 10, 1.0), (3, 10, 1.0), (1, 26, 2.0), (4, 3, 0.01)])
def test_lenet_shapes(in_channels, num_classes, width):
    net = lenet(in_channels, num_classes, width)
    assert net(torch.zeros(2, in_channels, 28, 28)).shape == (2, num_classes)
    assert net[0].weight.shape == (max(1, round(6 * width)), in_channels, 5, 5)
    assert net[3].weight.shape[0] == max(1, round(16 * width))
    assert [net[i].out_features for i in (7, 9)] == [max(1, round(n * width)) for n in (120, 84)]


def test_lenet_modern_form_only_swaps_layers_without_weights():
    modern = lenet(activation=nn.ReLU, pooling=nn.MaxPool2d)
    assert [type(layer).__name__ for layer in modern[:6]] == ["Conv2d", "ReLU", "MaxPool2d"] * 2
    assert [type(layer).__name__ for layer in modern[7:]] == ["Linear", "ReLU", "Linear", "ReLU", "Linear"]
    modern.load_state_dict(lenet().state_dict())


@pytest.mark.parametrize("options", [{"in_channels": 0}, {"num_classes": -1}, {"width": 0.0}])
def test_lenet_rejects_sizes_that_are_not_positive(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        lenet(**options)


def test_lenet_is_the_net_of_the_notebook():
    theirs, ours = notebook_net(), lenet()
    assert [p.shape for p in theirs.parameters()] == [p.shape for p in ours.parameters()]
    assert [type(layer) for layer in theirs] == [type(layer) for layer in ours]
    theirs.load_state_dict(ours.state_dict())
    X = torch.randn(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert torch.equal(theirs(X), ours(X))
