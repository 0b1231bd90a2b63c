"""DenseCost: its counts are PyTorch's own."""


import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from helpers.widgets import DenseCost
from helpers.widgets.kit.driver import drive


def test_every_control_moves_the_picture():
    assert drive(DenseCost()) > 10


def multiply_adds(layer, X):
    """Count with PyTorch's own counter: two operations are one multiply-add."""
    with FlopCounterMode(display=False) as counter:
        layer(X)
    return counter.get_total_flops() // 2


def test_dense_cost_starts_on_the_numbers_of_the_text():
    widget = DenseCost()
    assert widget.result["dense"]["weights"] == 3_600_000_000
    assert widget.result["dense"]["bytes"] == 14_400_000_000 and widget.result["convolution"]["weights"] == 2_700
    for words in ("3.6 billion weights", "14.4 GB", "43.2 GB in training", "2,700", "32.4 billion"):
        assert words in widget.describe(widget.result)


@pytest.mark.parametrize(
    ("height", "width", "channels", "hidden", "kernel_size"),
    [(3000, 4000, 3, 100, 3), (1000, 1000, 1, 1000, 11), (400, 500, 16, 10, 1)],
)
def test_dense_cost_counts_as_pytorch_does(height, width, channels, hidden, kernel_size):
    megapixels = height * width / 1e6
    widget = DenseCost(megapixels=megapixels, channels=channels, hidden=hidden, kernel_size=kernel_size)
    photo = torch.empty(1, channels, height, width, device="meta")  # sizes without memory
    dense = nn.Linear(photo.numel(), hidden, bias=False, device="meta")
    convolution = nn.Conv2d(channels, hidden, kernel_size, padding=kernel_size // 2, bias=False, device="meta")
    for layer, X, counts in (
        (dense, photo.flatten(1), widget.result["dense"]),
        (convolution, photo, widget.result["convolution"]),
    ):
        assert counts["weights"] == layer.weight.numel()
        assert counts["bytes"] == layer.weight.numel() * layer.weight.element_size()
        assert counts["multiply_adds"] == multiply_adds(layer, X)


def test_training_memory_is_what_sgd_with_momentum_keeps():
    layer = nn.Linear(50, 20, bias=False)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1, momentum=0.9)
    layer(torch.ones(1, 50)).sum().backward()
    optimizer.step()
    kept = [layer.weight, layer.weight.grad, optimizer.state[layer.weight]["momentum_buffer"]]
    counts = DenseCost().result["dense"]
    assert sum(part.nbytes for part in kept) / layer.weight.nbytes == counts["training_bytes"] / counts["bytes"]


def test_the_ratio_depends_on_pixels_and_kernel_only():
    ratios = []
    for channels, hidden in ((1, 10), (3, 100), (16, 1000)):
        result = DenseCost(channels=channels, hidden=hidden, kernel_size=5).result
        ratios.append(result["dense"]["weights"] / result["convolution"]["weights"])
    assert ratios == [pytest.approx(12e6 / 25)] * 3
