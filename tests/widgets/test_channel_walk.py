"""ChannelWalk against PyTorch, at every position."""

import html
import itertools
import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from helpers.drawing import svg
from helpers.widgets import ChannelWalk
from helpers.widgets.kit.driver import drive

from .looks import assert_texts_stand_apart
from .test_hand import moved


def test_every_control_moves_the_picture():
    assert drive(ChannelWalk()) > 20


def shown(picture):
    """Return the numbers in the cells of a picture, row by row, and its other texts."""
    texts = re.findall(r"<text [^>]*>([^<]*)</text>", picture)
    cells = [float(text.replace("−", "-")) for text in texts if re.fullmatch(r"−?\d+", text)]
    return cells, [text for text in texts if not re.fullmatch(r"−?\d+", text)]


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
        said = f"{subtotals} + bias {biases[o]} = {Y[place]:g}."
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
    frames = re.findall(r'<rect x="([\d.]+)"[^>]* width="([\d.]+)"[^>]*stroke="#ad5800" stroke-width="3"', walk.picture)
    assert len(frames) == 4 and len(set(frames[:3])) == 1 and frames[3] != frames[0]
    assert [float(width) for _, width in frames] == [64, 64, 64, 44], "two cells of 32 px; one in the output"


def test_the_hand_drags_the_window_and_clicks_a_map():
    walk = ChannelWalk(size=5)
    moved(walk, ("row", [], 2), ("column", [], 3))
    assert (walk.result["place"], walk.position, walk.play.value) == ((0, 2, 3), 11, 11)
    moved(walk, ("output", [], 2))
    assert walk.result["place"] == (2, 2, 3) and walk.result["Y"][2, 2, 3] == walk.result["products"].sum()
    walk.position = 6
    assert (walk.row, walk.column) == (1, 2) and "at row 1, column 2" in walk.picture
    moved(walk, ("row", [], 99), ("column", [], 99))
    assert walk.position == 15
    walk.size = 3
    assert (walk.row, walk.column, walk.position) == (1, 1, 3)
    assert ChannelWalk(size=4, row=2, column=1).position == 7
    assert walk.picture.count('role="button"') == 2 and walk.picture.count('role="application"') == 3


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
