"""Widgets of notebook 01: what a dense layer costs, and the convolution integral."""

import math
import statistics

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from helpers.widgets import ConvolutionIntegral, DenseCost
from helpers.widgets.convolution_integral import EATEN, LEFT_OVER
from helpers.widgets.dense_cost import count, memory
from helpers.widgets.driver import drive


@pytest.fixture(autouse=True)
def strict(monkeypatch):
    """Errors in callbacks raise."""
    monkeypatch.setenv("CNN_COURSE_STRICT", "1")


@pytest.mark.parametrize("widget", [DenseCost, ConvolutionIntegral])
def test_every_control_moves_the_picture(widget):
    assert drive(widget()) > 10


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


@pytest.mark.parametrize(
    ("number", "words"), [(1, "1"), (2700, "2,700"), (3.6e9, "3.6 billion"), (9.68e13, "96.8 trillion")]
)
def test_counts_in_words(number, words):
    assert count(number) == words


@pytest.mark.parametrize(("size", "words"), [(40, "40 B"), (32_400, "32.4 kB"), (43.2e9, "43.2 GB")])
def test_sizes_with_units(size, words):
    assert memory(size) == words


def area(g, s):
    """Return the integral of the share g from 0 to s, in closed form."""
    s = max(s, 0.0)
    short = min(s, 4.0)
    return {"fades": 2 - 2 * math.exp(-s / 2), "shrinks": short - short**2 / 8, "stays 3 hours": min(s, 3.0)}[g]


def volume(g, s):
    """Return the integral of `area` from 0 to s, in closed form."""
    s = max(s, 0.0)
    short, three = min(s, 4.0), min(s, 3.0)
    return {
        "fades": 2 * s - 4 + 4 * math.exp(-s / 2),
        "shrinks": short**2 / 2 - short**3 / 24 + 2 * (s - short),
        "stays 3 hours": three**2 / 2 + 3 * (s - three),
    }[g]


def portions_left(f, g, x):
    """Return (f ∗ g)(x) in closed form: a meal from a to b leaves area(x − a) − area(x − b); the ramp by parts."""
    if f == "more and more":
        return (volume(g, x) - volume(g, x - 4)) / 4 - area(g, x - 4)
    meals = {"one meal": [(0, 2)], "three meals": [(0, 1), (4, 5), (8, 9)]}[f]
    return sum(area(g, x - start) - area(g, x - end) for start, end in meals)


@pytest.mark.parametrize("g", LEFT_OVER)
@pytest.mark.parametrize("f", EATEN)
def test_the_curve_is_the_closed_form(f, g):
    result = ConvolutionIntegral(f=f, g=g).result
    exact = torch.tensor([portions_left(f, g, x) for x in result["xs"].tolist()], dtype=torch.float64)
    torch.testing.assert_close(result["curve"], exact, atol=2e-4, rtol=0)
    assert exact.max() > 0.5


@pytest.mark.parametrize("g", LEFT_OVER)
@pytest.mark.parametrize("f", EATEN)
def test_the_area_is_the_closed_form_at_every_stop_of_the_slider(f, g):
    widget = ConvolutionIntegral(f=f, g=g)
    for tenths in range(0, 121, 5):
        widget.x = tenths / 10
        assert widget.result["amount"] == pytest.approx(portions_left(f, g, tenths / 10), abs=2e-4)


def test_the_point_lies_on_the_curve():
    widget = ConvolutionIntegral(f="three meals", g="shrinks")
    for x in (0.3, 4.7, 12.0):
        widget.x = x
        at = (widget.result["xs"] - x).abs().argmin()
        assert widget.result["curve"][at].item() == pytest.approx(widget.result["amount"], abs=1e-9)


def test_g_is_flipped_and_starts_at_x():
    result = ConvolutionIntegral(x=5.0, g="shrinks").result
    inside = (result["times"] > 1) & (result["times"] < 5)
    seen = result["flipped"][inside]
    assert (seen.diff() > 0).all() and not result["flipped"][result["times"] > 5].any()


@pytest.mark.parametrize(("x", "t", "words"), [(3.0, 1.0, "1 and 2 add up to 3"), (2.0, 5.0, "5 and -3 add up to 2")])
def test_the_arguments_add_up(x, t, words):
    widget = ConvolutionIntegral(x=x, t=t)
    assert words in widget.describe(widget.result)
    share = math.exp(-(x - t) / 2) if x >= t else 0.0
    assert widget.result["g(x-t)"] == pytest.approx(share)


def test_a_whole_meal_counts_before_anything_is_lost():
    widget = ConvolutionIntegral(f="one meal", g="stays 3 hours", x=2.5)
    assert widget.result["amount"] == pytest.approx(2.0)
    assert statistics.fmean(widget.result["eaten"].tolist()) * 16 == pytest.approx(2.0)
