"""Widgets of notebook 04: a window over several channels, the channels of a photo mixed, the cost of a layer."""

import functools
import html
import itertools
import math
import pathlib
import re

import matplotlib
import pytest
import torch
import traitlets as T
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageFont
from torch import nn
from torch.nn import functional as F

from helpers import describe_net, load_photo
from helpers.widgets import ChannelMixer, ChannelWalk, CostCalculator, svg
from helpers.widgets.channel_mixer import KINDS as CHANNELS
from helpers.widgets.channel_mixer import LARGEST, PRESETS
from helpers.widgets.cost_calculator import GROUPED, KINDS, PLAIN, SEPARABLE, divisors
from helpers.widgets.driver import drive


@pytest.fixture(autouse=True)
def strict(monkeypatch):
    """Errors in callbacks raise."""
    monkeypatch.setenv("CNN_COURSE_STRICT", "1")


@pytest.mark.parametrize("widget", [ChannelMixer, ChannelWalk, CostCalculator])
def test_every_control_moves_the_picture(widget):
    assert drive(widget()) > 20


# The channel walk ---------------------------------------------------------------------------------------


def shown(picture):
    """Return the numbers in the cells of a picture, row by row, and its other texts."""
    texts = re.findall(r"<text [^>]*>([^<]*)</text>", picture)
    cells = [float(text) for text in texts if re.fullmatch(r"-?\d+", text)]
    return cells, [text for text in texts if not re.fullmatch(r"-?\d+", text)]


def test_the_walk_starts_on_the_numbers_of_the_text():
    result = ChannelWalk().result
    assert result["X"].flatten(1).tolist() == [list(range(9)), list(range(1, 10))]
    assert result["K"].flatten(1).tolist() == [[o + k for k in (0, 1, 2, 3, 1, 2, 3, 4)] for o in range(3)]
    assert result["Y"].tolist() == [[[56, 72], [104, 120]], [[76, 100], [148, 172]], [[96, 128], [192, 224]]]
    assert result["subtotals"].tolist() == [19, 37] and result["place"] == (0, 0, 0)


def test_the_answers_beside_the_walk_are_right():
    walk = ChannelWalk()
    assert walk.update(size=5).result["Y"][0].numel() == 16 and walk.result["K"][0].numel() == 8
    assert walk.update(size=3, output=1).result["subtotals"].tolist() == [27, 49]
    result = walk.update(output=0, in_channels=3).result
    assert result["K"][0, 2].flatten().tolist() == [2, 3, 4, 5] and result["subtotals"].tolist() == [19, 37, 63]
    assert result["Y"][0, 0, 0] == 119 and (len(result["Y"]), result["K"].numel()) == (3, 36)
    before = walk.update(in_channels=2).result
    after = walk.update(bias=-56).result
    assert before["K"].numel() == 24 and after["Y"][0].tolist() == [[0, 16], [48, 64]]
    assert torch.equal(after["Y"][1:], before["Y"][1:])


@pytest.mark.parametrize("size", [3, 4, 5])
@pytest.mark.parametrize("c_i", [1, 2, 3])
@pytest.mark.parametrize("c_o", [1, 2, 3])
def test_every_position_of_the_walk_agrees_with_pytorch(size, c_i, c_o):
    walk, outputs = ChannelWalk(in_channels=c_i, out_channels=c_o, size=size), size - 1
    biases = [-60, 7, 60][:c_o]
    for o, bias in enumerate(biases):
        walk.update(output=o, bias=bias)
    Y = F.conv2d(walk.result["X"][None], walk.result["K"], torch.tensor(biases, dtype=torch.float32))[0]
    assert walk.result["b"].tolist() == biases
    for o, position in itertools.product(range(c_o), range(outputs**2)):
        result = walk.update(output=o, position=position).result
        place = (o, position // outputs, position % outputs)
        assert torch.equal(result["Y"], Y) and result["place"] == place
        assert result["products"].sum(dim=(1, 2)).tolist() == result["subtotals"].tolist()
        assert result["subtotals"].sum() + biases[o] == Y[place]
        subtotals = " + ".join(f"{value:g}" for value in result["subtotals"].tolist())
        said = f"{subtotals} + bias {biases[o]} = {Y[place]:g}.".replace("-", "−")
        assert walk.describe(result).endswith(said)


def test_the_picture_of_the_walk_holds_its_numbers():
    walk = ChannelWalk(in_channels=3, size=5, output=2, bias=-60, position=6)
    result, (cells, words) = walk.result, shown(walk.picture)
    channels = zip(*(result[name] for name in ("X", "products", "subtotals")), result["K"][2], strict=True)
    numbers = [[*X.flatten(), *K.flatten(), *products.flatten(), total] for X, products, total, K in channels]
    assert cells == [float(number) for number in (*sum(numbers, []), *result["Y"].flatten())]
    for channel, (window, K) in enumerate(zip(result["X"][:, 1:3, 2:4], result["K"][2], strict=True)):
        line = " + ".join(f"{x:g}·{k:g}" for x, k in zip(window.flatten(), K.flatten(), strict=True))
        assert line in words and f"slice K[2, {channel}]" in words
        assert eval(line.replace("·", "*")) == result["subtotals"][channel]
    assert "output Y[2], bias −60" in words and f"= {result['Y'][2, 1, 2]:g}" in words


def test_the_window_stands_at_the_same_place_in_every_channel():
    walk = ChannelWalk(in_channels=3, size=4, output=1, position=5)
    frames = re.findall(r'<rect x="([\d.]+)"[^>]* width="([\d.]+)"[^>]*stroke="#e67e22"', walk.picture)
    assert len(frames) == 4 and len(set(frames[:3])) == 1 and frames[3] != frames[0]
    assert [float(width) for _, width in frames] == [62, 62, 62, 41], "two cells of 31 px; one in the output"


def test_each_map_keeps_its_bias():
    walk = ChannelWalk()
    walk.bias = 5
    walk.output = 1
    assert walk.bias == 0 == walk.controls["bias"].value
    walk.controls["bias"].value = -20
    assert walk.result["b"].tolist() == [5, -20, 0] and walk.result["Y"][:, 0, 0].tolist() == [61, 56, 96]
    walk.out_channels = 1
    assert (walk.output, walk.bias, walk.controls["bias"].value) == (0, 5, 5) and walk.result["b"].tolist() == [5]
    walk.update(out_channels=3, output=1)
    assert walk.bias == -20 and walk.result["Y"][1, 0, 0] == 56
    assert ChannelWalk(output=2, bias=3).result["b"].tolist() == [0, 0, 3]
    assert ChannelWalk().result["b"].tolist() == [0, 0, 0], "a new walk begins with none"


def test_playing_walks_over_the_output():
    walk, seen = ChannelWalk(), []
    for step in range(walk.play.max + 1):
        walk.play.value = step
        seen.append(walk.result["Y"][walk.result["place"]].item())
    assert seen == [56, 72, 104, 120]
    walk.size = 5
    assert walk.play.max == walk.controls["position"].max == 15
    walk.position = 15
    walk.size = 3
    assert (walk.position, walk.play.value, walk.play.max) == (3, 3, 3)


@pytest.mark.parametrize("c_i", [1, 2, 3])
@pytest.mark.parametrize("c_o", [1, 2, 3])
def test_the_call_makes_the_layer(c_i, c_o):
    walk = ChannelWalk(in_channels=c_i, out_channels=c_o)
    layer, result = eval(walk.result["call"], {"nn": nn}), walk.result
    assert layer.weight.shape == result["K"].shape and layer.bias.shape == result["b"].shape
    layer.load_state_dict({"weight": result["K"], "bias": result["b"]})
    assert torch.equal(layer(result["X"][None])[0], result["Y"])
    line = html.unescape(re.search("<pre[^>]*>(.*)</pre>", walk.picture).group(1))
    shapes = f"weight {tuple(layer.weight.shape)}, bias {tuple(layer.bias.shape)}"
    assert line == f"{result['call']}  # {shapes}: {layer.weight.numel()} + {c_o} numbers"


def test_the_walk_keeps_its_size_and_its_text_readable():
    walk, sizes = ChannelWalk(), set()
    ends = {"in_channels": (1, 2, 3), "out_channels": (1, 2, 3), "size": (3, 4, 5), "bias": (-60, 60)}
    for values in itertools.product(*ends.values()):
        for end in (0, 15):
            walk.update(**dict(zip(ends, values, strict=True)), output=min(end, values[1] - 1))
            walk.position = min(end, walk.controls["position"].max)
            sizes.add(svg.size(walk.picture))
            assert all(float(size) >= 11 for size in re.findall(r'font-size="([\d.]+)"', walk.picture))
            assert_texts_stand_apart(walk.picture)
    assert len(sizes) == 1


def assert_texts_stand_apart(picture):
    """Assert that no text leaves the picture or touches another."""
    width, height = svg.size(picture)
    pattern = r'<text x="([\d.]+)" y="([\d.]+)" font-size="([\d.]+)" text-anchor="(\w+)"([^>]*)>([^<]*)'
    boxes = []
    for x, y, size, anchor, style, words in re.findall(pattern, picture):
        wide = ink(html.unescape(words), "bold" in style) * float(size)
        left = float(x) - (wide / 2 if anchor == "middle" else 0)
        boxes.append((left, left + wide, float(y) - 0.75 * float(size), float(y), words))
    for left, right, top, bottom, words in boxes:
        assert left >= 0 and right <= width and top >= 0 and bottom <= height, words
    for a, b in itertools.combinations(boxes, 2):
        assert a[1] <= b[0] or b[1] <= a[0] or a[3] <= b[2] or b[3] <= a[2], (a, b)


@functools.cache
def ink(words, bold):
    """Return the width of words in DejaVu Sans, in units of the font's size."""
    fonts = pathlib.Path(matplotlib.get_data_path(), "fonts", "ttf")
    return ImageFont.truetype(str(fonts / f"DejaVuSans{'-Bold' * bold}.ttf"), 100).getlength(words) / 100


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
    assert mixer.result["code"].splitlines()[0] in mixer.picture


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
