"""Widgets of notebook 04: mixing the channels of a photo, and what a convolution costs."""

import math
import re

import pytest
import torch
import traitlets as T
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from helpers import describe_net, load_photo
from helpers.widgets import ChannelMixer, CostCalculator, svg
from helpers.widgets.channel_mixer import KINDS as CHANNELS
from helpers.widgets.channel_mixer import LARGEST, PRESETS
from helpers.widgets.cost_calculator import GROUPED, KINDS, PLAIN, SEPARABLE, divisors
from helpers.widgets.driver import drive


@pytest.fixture(autouse=True)
def strict(monkeypatch):
    """Errors in callbacks raise."""
    monkeypatch.setenv("CNN_COURSE_STRICT", "1")


@pytest.mark.parametrize("widget", [ChannelMixer, CostCalculator])
def test_every_control_moves_the_picture(widget):
    assert drive(widget()) > 20


# The channel mixer --------------------------------------------------------------------------------------


def convolution(rows):
    """Return nn.Conv2d(3, len(rows), 1) with these rows (R, G, B, bias)."""
    layer, rows = nn.Conv2d(3, len(rows), 1), torch.tensor(rows)
    layer.load_state_dict({"weight": rows[:, :3, None, None], "bias": rows[:, 3]})
    return layer


@pytest.mark.parametrize("photo", ["flower", "china"])
@pytest.mark.parametrize("preset", PRESETS)
@torch.no_grad()
def test_the_mix_is_a_convolution(photo, preset):
    result = ChannelMixer(picture_name=photo, preset=preset, row=199, column=0).result
    X = load_photo(photo, color=True)
    Y = convolution(PRESETS[preset])(X[None])[0]
    assert torch.equal(result["X"], X)
    torch.testing.assert_close(result["output"], Y)
    torch.testing.assert_close(torch.tensor(result["mixed"]), Y[:, 199, 0])
    torch.testing.assert_close(torch.tensor(result["pixel"]), X[:, 199, 0])


@pytest.mark.parametrize("rows", [*PRESETS.values(), [[-4.0, 0.125, 4.0, 0.5]], [[0.1, 0.2, 0.3, -0.4]] * 3])
def test_the_code_makes_the_output(rows):
    mixer = ChannelMixer(weights=rows)
    namespace = {}
    exec(mixer.result["code"], namespace)
    torch.testing.assert_close(namespace["Y"], mixer.result["output"], atol=1e-5, rtol=1e-5)
    assert mixer.result["code"].splitlines()[0] in mixer._code.value


def test_grey_of_grey_is_grey_and_presets_do_what_they_say():
    mix = {name: torch.tensor(rows) for name, rows in PRESETS.items()}
    for name in ("grey (mean)", "grey (luma)"):
        assert mix[name][:, :3].sum().item() == pytest.approx(1)
    for name in ("red − green", "blue − yellow"):
        assert mix[name].sum().item() == 0
    X = load_photo("flower", color=True)
    output = {name: ChannelMixer(preset=name).result["output"] for name in PRESETS}
    torch.testing.assert_close(output["grey (luma)"][0], load_photo("flower"))
    torch.testing.assert_close(output["swap red, blue"], X.flip(0))
    torch.testing.assert_close(output["negative"], 1 - X)
    assert torch.equal(output["identity"], X) and torch.equal(output["red only"][0], X[0])


@pytest.mark.parametrize(
    ("rows", "low", "high"),
    [
        (PRESETS["sepia"], 0, 1), (PRESETS["red − green"], -1, 1), ([[2.0, 0, 0, 0]], 0, 1),
        ([[3.0, -3, 0, 0]], -1, 1), ([[1.015, 0, 0, 0]], 0, 1), ([[-1.0, 0, 0, 0]] * 3, 0, 1),
    ],  # fmt: skip
)
def test_it_says_what_is_cut_off(rows, low, high):
    mixer = ChannelMixer(weights=rows)
    Y = mixer.result["output"]
    share = ((Y < low - 1e-5) | (Y > high + 1e-5)).float().mean().item()
    assert mixer.result["clipped"] == pytest.approx(share) and mixer.result["signed"] == (low < 0)
    scale = "−1 to 1" if low < 0 else "0 to 1"
    negative = (Y < -1e-5).float().mean().item()
    said = f"{percent(negative)} of the values are negative; {percent(share)} lie outside {scale}"
    assert said in mixer.describe(mixer.result)
    assert all(f"{line}</text>" in mixer.picture for line in (f"{said} and are cut off").split("; "))


def percent(share):
    """Whole percent, but never 0% for a few values or 100% for nearly all."""
    rounded = f"{share:.0%}"
    return {("0%", False): "under 1%", ("100%", False): "over 99%"}.get((rounded, share in (0, 1)), rounded)


def test_preset_weights_and_channels_follow_each_other():
    mixer = ChannelMixer()
    editor = mixer.controls["weights"]
    mixer.preset = "sepia"
    assert mixer.outputs == CHANNELS[1] and mixer.weights == PRESETS["sepia"] == editor.value
    editor._boxes[2][1].value = 0.5
    assert mixer.preset == "own" and mixer.weights[2][1] == 0.5 and mixer.result["W"][2, 1] == 0.5
    mixer.outputs = CHANNELS[0]
    assert mixer.weights == PRESETS["sepia"][:1] and mixer.result["output"].shape == (1, 200, 200)
    assert [row.layout.visibility for row in editor._rows] == ["visible", "hidden", "hidden"]
    mixer.weights = torch.tensor([[1.0, -1.0, 0.0, 0.0]])
    assert mixer.preset == "red − green"
    mixer.outputs = CHANNELS[1]
    assert mixer.weights == PRESETS["red − green"] * 3 and mixer.preset == "own"


@pytest.mark.parametrize("bad", [[[1, 2, 3]], [[1, 2, 3, 4]] * 2, [[5.0, 0, 0, 0]], [[math.nan, 0, 0, 0]], "red", 3])
def test_weights_that_make_no_mix_are_refused(bad):
    mixer = ChannelMixer()
    before = mixer.weights
    with pytest.raises(T.TraitError):
        mixer.weights = bad
    assert mixer.weights == before and not mixer.errors


def test_the_picture_keeps_its_size():
    mixer = ChannelMixer()
    ends = [[[-LARGEST] * 4], [[LARGEST] * 4] * 3, PRESETS["opponent"]]
    assert len({svg.size(mixer.update(weights=rows, row=199, column=199).picture) for rows in ends}) == 1


# The cost calculator ------------------------------------------------------------------------------------


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
