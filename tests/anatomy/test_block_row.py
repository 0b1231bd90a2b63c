"""helpers.anatomy.block_row: names and shapes of a net's blocks, which `show_blocks` takes."""

import pytest
from torch import nn

from helpers import show_blocks
from helpers.anatomy import block_row
from helpers.networks import lenet


def test_lenet_is_a_row_of_eight_blocks():
    row = block_row(lenet(), (1, 1, 28, 28))
    assert row == [
        ("", (1, 28, 28)), ("conv 5×5", (6, 28, 28)), ("mean 2×2, stride 2", (6, 14, 14)),
        ("conv 5×5", (16, 10, 10)), ("mean 2×2, stride 2", (16, 5, 5)), ("dense", (120,)), ("dense", (84,)),
        ("dense", (10,)),
    ]  # fmt: skip
    assert "conv 5×5 6×28×28" in repr(show_blocks(row))


def test_windows_strides_and_nested_layers_have_their_names():
    net = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 4, (3, 5), stride=(1, 2)), nn.ReLU()), nn.MaxPool2d((2, 3)),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2),
    )  # fmt: skip
    names, shapes = zip(*block_row(net, (1, 3, 8, 17)), strict=True)
    assert names == ("", "conv 3×5, stride 1×2", "max 2×3, stride 2×3", "mean", "dense")
    assert shapes == ((3, 8, 17), (4, 6, 7), (4, 3, 2), (4, 1, 1), (2,))


def test_an_input_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="given an input of shape"):
        block_row(lenet(), (1, 3, 28, 28))
