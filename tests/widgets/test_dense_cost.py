"""DenseCost: its counts are PyTorch's own."""

import html
import json
import math
import re

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from helpers.drawing import svg
from helpers.drawing.words import count
from helpers.widgets import DenseCost
from helpers.widgets.kit.driver import drive
from helpers.widgets.layers.dense_cost import LEFT, WIDTH

from .looks import assert_texts_stand_apart, smallest_font
from .test_hand import moved


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


ENDS = [dict(megapixels=12.0), dict(megapixels=50.0, channels=16, hidden=1000, kernel_size=11),
        dict(megapixels=0.1, channels=1, hidden=10, kernel_size=1)]  # fmt: skip


@pytest.mark.parametrize("values", ENDS)
def test_the_factor_is_said_and_so_is_whether_a_gpu_holds_it(values):
    widget = DenseCost(**values)
    dense, convolution = widget.result["dense"], widget.result["convolution"]
    assert f"× {count(round(dense['weights'] / convolution['weights']))}" in widget.picture
    ratio = convolution["multiply_adds"] // dense["multiply_adds"]
    assert (f"× {ratio}<" if ratio > 1 else ">equal<") in widget.picture
    assert ("holds it" in widget.picture) == (dense["training_bytes"] <= 80e9)
    assert ("1 channel," in widget.describe(widget.result)) == (values.get("channels") == 1)


@pytest.mark.parametrize("values", ENDS)
def test_its_texts_are_readable_and_stand_apart(values):
    picture = DenseCost(**values).picture
    assert smallest_font(picture) >= 11 and svg.size(picture) == svg.size(DenseCost().picture)
    assert_texts_stand_apart(picture)


def bars(widget):
    """Return {quantity and layer: (bar's length in px, the axis that a drag moves)}."""
    lengths = re.findall(r'<rect x="228" y="[\d.]+" width="([\d.]+)" height="18" fill="#', widget.picture)
    axes = [json.loads(html.unescape(told))["across"] for told in re.findall(r'data-touch="([^"]*)"', widget.picture)]
    return list(zip(map(float, lengths), axes, strict=True))


def test_a_bar_follows_the_hand_on_its_log_axis():
    """The value that the browser makes of a place is the one whose bar ends there."""
    widget = DenseCost()
    for i, (length, axis) in enumerate(bars(widget)):
        at_the_end = axis["first"] * (axis["last"] / axis["first"]) ** (length / WIDTH)
        assert at_the_end == pytest.approx(axis["at"], rel=2e-3), "a press on the end of a bar moves nothing"
        new = 24.0 if axis["name"] == "megapixels" else 5
        moved(widget, (axis["name"], [], new))
        grown = 10 ** ((bars(widget)[i][0] - length) / WIDTH * 15)
        power = 1 if axis["name"] == "megapixels" else 2
        assert math.log10(grown) == pytest.approx(power * math.log10(new / axis["at"]), abs=2e-2)
        moved(widget, (axis["name"], [], axis["at"]))
    assert LEFT == 228 and widget.result["dense"]["weights"] == 3_600_000_000
