"""CostCalculator: its costs are those of the real layers."""

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from helpers import describe_net
from helpers.drawing import svg
from helpers.widgets import CostCalculator
from helpers.widgets.kit.driver import drive
from helpers.widgets.layers.cost_calculator import GROUPED, KINDS, PLAIN, SEPARABLE, divisors


def test_every_control_moves_the_picture():
    assert drive(CostCalculator()) > 20


def net(kind, c_i, c_o, k, groups):
    """Return the layer of that kind, made without the widget's code."""
    same = {"padding": k // 2}
    if kind == SEPARABLE:
        return nn.Sequential(nn.Conv2d(c_i, c_i, k, groups=c_i, **same), nn.Conv2d(c_i, c_o, 1))
    return nn.Conv2d(c_i, c_o, k, groups=groups if kind == GROUPED else 1, **same)


channels, sizes = st.integers(1, 40), st.integers(1, 12)


@settings(max_examples=40, deadline=None)
@given(channels, channels, st.sampled_from(range(1, 12, 2)), sizes, st.integers(1, 4), st.data())
def test_costs_are_those_of_the_real_layers(c_i, c_o, k, size, batch, data):
    groups = data.draw(st.sampled_from(divisors(c_i, c_o)))
    widget = CostCalculator(
        in_channels=c_i, out_channels=c_o, kernel_size=k, size=size, batch=batch, groups=groups, kind=GROUPED
    )
    for kind in KINDS:
        widget.kind = kind
        layers = net(kind, c_i, c_o, k, groups)
        table = describe_net(layers, (batch, c_i, size, size))
        counts = widget.result[kind]
        assert counts["parameters"] == table.params
        assert counts["multiply-adds"] == table.multiply_adds
        assert counts["activation memory, fp32"] == table.activation_bytes
        written = eval(widget.result["code"], {"nn": nn})
        shapes = [parameter.shape for parameter in layers.parameters()]
        assert [parameter.shape for parameter in written.parameters()] == shapes


def test_it_starts_on_the_numbers_of_the_text():
    widget = CostCalculator()
    assert widget.result[PLAIN]["multiply-adds"] == 1_024_000_000 and widget.result[PLAIN]["parameters"] == 250_100
    assert "100 · 100 · 5² · 64² · 1 = 1.024 billion" in widget.picture


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 512), st.integers(1, 512), st.integers(1, 512))
def test_groups_always_divide_both_channels(c_i, c_o, groups):
    widget = CostCalculator(in_channels=c_i, out_channels=c_o, groups=groups)
    slider = widget.controls["groups"]
    assert c_i % widget.groups == c_o % widget.groups == 0 and widget.groups <= groups
    assert not any(c_i % g == c_o % g == 0 for g in range(widget.groups + 1, groups + 1)), "the nearest below"
    assert slider.value == widget.groups and slider.options[0] == 1 and slider.options[-1] == math.gcd(c_i, c_o)


def test_groups_follow_the_channels():
    widget = CostCalculator(groups=100)
    widget.in_channels = 64
    assert widget.groups == 4 == widget.controls["groups"].value == widget.result["symbols"]["g"]
    widget.controls["groups"].value = 2
    assert widget.groups == 2 and widget.result[GROUPED]["multiply-adds"] * 2 == widget.result[PLAIN]["multiply-adds"]
    assert widget._hooks.ranges[widget.controls["groups"]] == (1, 2, 4), "not hung anew: End goes to the old end"
    widget.out_channels = 1
    assert widget.groups == 1 and widget.controls["groups"].options == (1,)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("end", [1, 512])
def test_the_numbers_in_the_formulas_give_the_results(kind, end):
    values = {"in_channels": end, "out_channels": end, "kernel_size": min(end, 11), "size": min(end, 256)}
    widget = CostCalculator(kind=kind, batch=min(end, 256), groups=end, **values)
    formulas = re.findall(r">([^<]*) = ([^<]*) = [^<]*</text>", widget.picture)
    assert len(formulas) == 3
    for text in formulas:
        expression = text[1].replace("B", "").replace("·", "*").replace("²", "**2")
        assert int(eval(expression)) in widget.result[kind].values()


def test_the_calculator_keeps_its_size_and_its_bars_inside():
    widget, pictures = CostCalculator(), []
    for kind in KINDS:
        for end in (1, 512):
            widget.update(in_channels=end, out_channels=513 - end, kernel_size=11, size=256, batch=256, kind=kind)
            pictures.append(widget.picture)
    assert len({svg.size(picture) for picture in pictures}) == 1
    for picture in pictures:
        width = svg.size(picture)[0]
        texts = re.findall(r'<text x="([\d.]+)"[^>]*font-size="([\d.]+)" text-anchor="start"[^>]*>([^<]*)', picture)
        assert len(texts) > 15
        for x, size, words in texts:
            assert float(x) + 0.62 * float(size) * len(words) <= width, words
