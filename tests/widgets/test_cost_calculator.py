"""CostCalculator: its costs are those of the real layers."""

import html
import json
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from helpers import describe_net
from helpers.drawing import svg
from helpers.drawing.words import count, memory
from helpers.widgets import CostCalculator
from helpers.widgets.kit.driver import drive
from helpers.widgets.layers.cost_calculator import GROUPED, KINDS, PLAIN, SEPARABLE, divisors
from helpers.widgets.layers.cost_picture import FORMULAS

from .looks import assert_texts_stand_apart, smallest_font
from .test_hand import moved


def test_every_control_moves_the_picture():
    assert drive(CostCalculator()) > 20


def formulas(widget):
    """Return (symbols, numbers, result) of each formula in the picture, in the order of its texts."""
    texts = re.findall(r"<text [^>]*>([^<]*)</text>", widget.picture)
    for quantity in FORMULAS:
        start = texts.index(quantity) + 1
        end = next(i for i in range(start, len(texts)) if texts[i].startswith("= "))
        symbols, numbers, inside = [], [], iter(texts[start:end])
        for token in inside:
            symbols.append(token)
            numbers.append(next(inside) + (next(inside) if token.endswith("²") else ""))
        yield " ".join(symbols), " ".join(numbers), texts[end][2:]


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
    assert list(formulas(widget))[1] == ("cₒ · cᵢ · k² · m² · N", "100 · 100 · 5² · 64² · 1", "1.024 billion")


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


def test_a_drag_of_the_channels_through_a_prime_does_not_lose_the_groups():
    widget = CostCalculator(kind=GROUPED, groups=20)
    for channels, groups in ((101, 1), (150, 10), (184, 4), (400, 20)):
        moved(widget, ("in_channels", [], channels))
        assert (widget.groups, widget.controls["groups"].value) == (groups, groups)
    widget.controls["groups"].value = 5
    moved(widget, ("in_channels", [], 101))
    moved(widget, ("in_channels", [], 100))
    assert widget.groups == 5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("end", [1, 512])
def test_the_numbers_in_the_formulas_give_the_results(kind, end):
    values = {"in_channels": end, "out_channels": end, "kernel_size": min(end, 11), "size": min(end, 256)}
    widget = CostCalculator(kind=kind, batch=min(end, 256), groups=end, **values)
    shown = list(formulas(widget))
    for (symbols, numbers, total), quantity in zip(shown, FORMULAS, strict=True):
        value = int(eval(numbers.replace("\u00a0B", "").replace("·", "*").replace("²", "**2")))
        assert value == widget.result[kind][quantity] and symbols == FORMULAS[quantity][kind]
        assert total == (memory(value) if "memory" in quantity else count(value))


def test_the_calculator_keeps_its_size_and_its_bars_inside():
    widget, pictures = CostCalculator(), []
    for kind in KINDS:
        for end in (1, 512):
            widget.update(in_channels=end, out_channels=513 - end, kernel_size=11, size=256, batch=256, kind=kind)
            pictures.append(widget.picture)
    assert len({svg.size(picture) for picture in pictures}) == 1
    for picture in pictures:
        assert_texts_stand_apart(picture)
        assert smallest_font(picture) >= 11


def test_the_hand_drags_numbers_and_clicks_a_kind():
    widget = CostCalculator()
    moved(widget, ("kind", [], SEPARABLE), ("in_channels", [], 64), ("kernel_size", [], 3))
    layer = nn.Sequential(nn.Conv2d(64, 64, 3, padding=1, groups=64), nn.Conv2d(64, 100, 1))
    assert widget.result[SEPARABLE]["parameters"] == sum(weights.numel() for weights in layer.parameters())
    assert widget.groups == 4 and widget.controls["kind"].value == SEPARABLE
    moved(widget, ("size", [], 999), ("batch", [], -1), ("out_channels", [], 0))
    assert (widget.size, widget.batch, widget.out_channels) == (256, 1, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_every_number_of_a_formula_but_the_groups_can_be_dragged(kind):
    widget = CostCalculator(kind=kind)
    axes = [json.loads(html.unescape(told)) for told in re.findall(r'data-touch="([^"]*)"', widget.picture)]
    dragged = [axis["down"]["name"] for axis in axes if "down" in axis]
    signs = "".join(FORMULAS[quantity][kind] for quantity in FORMULAS)
    assert len(dragged) == sum(signs.count(symbol) for symbol in ("cᵢ", "cₒ", "k", "m", "N"))
    assert sum("set" in axis for axis in axes) == 9 and all(
        axis["down"]["step"] == 2 for axis in axes if axis.get("down", {}).get("name") == "kernel_size"
    )
