"""The pictures of the nets: what the stored files show is what the nets are."""

import re
import runpy
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import matplotlib
import pytest
import torch
from PIL import ImageFont
from torch import nn

from helpers import networks
from helpers.anatomy import describe_net
from helpers.anatomy.architecture import IMAGES, PICTURES, build, describe_layer, output_shapes, read_stages
from helpers.anatomy.architecture_picture import COLORS, length
from helpers.drawing import svg
from helpers.networks import Paths, Residual

SIZES = {"googlenet": 224, "resnet18": 96}
FONTS = Path(matplotlib.get_data_path(), "fonts", "ttf")
SMALL = {nn.ReLU: "ReLU", nn.Sigmoid: "sigmoid", nn.BatchNorm2d: "BN", nn.Dropout: "dropout 0.5", nn.Flatten: "flatten"}


def stored(name):
    """The elements of a stored picture in the order they are drawn."""
    return list(ET.parse(IMAGES / f"{name}.svg").getroot().iter())


def kind_of(node):
    return node.tag.split("}")[1]


def boxes(name):
    """[(kind, words)] of a stored picture's boxes: a filled rectangle and the white text after it."""
    found, kinds = [], {color: kind for kind, color in COLORS.items()}
    for node in stored(name):
        if kind_of(node) == "rect" and node.get("fill") in kinds:
            found.append((kinds[node.get("fill")], ""))
        elif kind_of(node) == "text" and node.get("fill") == "#fff":
            found[-1] = (found[-1][0], f"{found[-1][1]} {node.text}")
    return [(kind, " ".join(re.sub(r"[,\s]+", " ", words).split())) for kind, words in found]


def shapes(name):
    """The shapes beside the arrows in the order of the flow, equal neighbours once."""
    words = [node.text for node in stored(name) if kind_of(node) == "text" and node.get("fill") == svg.GREY]
    return unrepeated(tuple(map(int, word.split("×"))) for word in words if re.fullmatch(r"\d+(×\d+)*", word))


def unrepeated(items):
    items = list(items)
    return [item for i, item in enumerate(items) if i == 0 or item != items[i - 1]]


def words_of(layer):
    """What a box must say about a layer of a net."""
    if isinstance(layer, nn.Linear):
        return "dense", f"dense {layer.out_features}"
    if isinstance(layer, nn.AdaptiveAvgPool2d):
        return "pool", "global average pool"
    window, stride, padding = (
        (size if isinstance(size, tuple) else (size, size)) for size in (layer.kernel_size, layer.stride, layer.padding)
    )
    steps = (f" /{stride[0]}" if stride[0] > 1 else "") + (f" pad {padding[0]}" if padding[0] else "")
    if isinstance(layer, nn.Conv2d):
        return "conv", f"{window[0]}×{window[1]} conv {layer.out_channels}{steps}"
    return "pool", f"{window[0]}×{window[1]} {'max' if isinstance(layer, nn.MaxPool2d) else 'average'} pool{steps}"


def opened(module, whole=(Paths, Residual)):
    """The layers of a module; blocks of the kinds in `whole` are not opened."""
    if isinstance(module, whole) or not list(module.children()):
        return [module]
    return [layer for child in module.children() for layer in opened(child, whole)]


def expected_boxes(layers):
    """How often each (kind, words) must be drawn for these layers, activations and the like left out."""
    drawn = (nn.Conv2d, nn.Linear, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d)
    return Counter(words_of(layer) for layer in layers if isinstance(layer, drawn))


@pytest.mark.parametrize("name", PICTURES)
def test_the_stored_picture_is_what_the_code_draws_now(name):
    assert (IMAGES / f"{name}.svg").read_text(encoding="utf-8") == PICTURES[name]() + "\n"


def test_the_module_writes_all_pictures_to_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["architecture", str(tmp_path)])
    monkeypatch.delitem(sys.modules, "helpers.anatomy.architecture")
    runpy.run_module("helpers.anatomy.architecture", run_name="__main__")
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.svg" for name in PICTURES}
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (IMAGES / path.name).read_bytes()


@pytest.mark.parametrize("name", SIZES)
def test_every_layer_of_the_net_is_drawn_with_its_numbers(name):
    drawn = [box for box in boxes(name) if box[0] not in ("small", "block")]
    layers = opened(build(getattr(networks, name)), whole=Paths)
    assert Counter(drawn) == expected_boxes(layers)
    small = [word for kind, words in boxes(name) if kind == "small" for word in re.findall(r"dropout 0.5|\w+", words)]
    assert Counter(small) == Counter(SMALL[type(layer)] for layer in layers if type(layer) in SMALL)


def test_the_nine_inception_blocks_show_their_channels():
    blocks = [paths for stage in networks.INCEPTIONS for paths in stage]
    assert len(blocks) == 9
    said = [" ".join(re.sub(r"[,\s]+", " ", f"Inception {str(paths)[1:-1]}").split()) for paths in blocks]
    assert [words for kind, words in boxes("googlenet") if kind == "block"] == said


@pytest.mark.parametrize("name", SIZES)
def test_the_shapes_beside_the_arrows_are_those_of_a_forward_pass(name):
    net = build(getattr(networks, name)).eval()
    X = torch.zeros(1, 1, SIZES[name], SIZES[name], device="meta")
    seen = [tuple(X.shape[1:])]
    for layer in opened(net):
        X = layer(X)
        seen.append(tuple(X.shape[1:]))
    assert shapes(name) == unrepeated(seen)
    assert shapes(name)[-1] == (10,)


@pytest.mark.parametrize("name", SIZES)
def test_a_pass_without_numbers_gives_the_shapes_of_a_real_one(name):
    make, shape = getattr(networks, name), (1, 1, SIZES[name], SIZES[name])
    assert output_shapes(build(make), shape) == output_shapes(make(), shape)
    assert read_stages(build(make), shape) == read_stages(make(), shape)


@pytest.mark.parametrize("name", SIZES)
def test_the_caption_and_the_text_alternative_give_the_totals(name):
    net = build(getattr(networks, name))
    table = describe_net(net, (1, 1, SIZES[name], SIZES[name]))
    totals = f"{sum(p.numel() for p in net.parameters()):,} parameters, {table.multiply_adds:,} multiply-adds"
    root, *nodes = stored(name)
    assert any(totals in (node.text or "") for node in nodes)
    assert totals in root.get("aria-label")


def test_the_inception_picture_shows_the_four_paths_and_their_sum():
    block = build(networks.googlenet)[2][0]
    drawn = Counter(box for box in boxes("inception") if box[0] not in ("small", "block"))
    assert drawn == expected_boxes(block.modules())
    outputs = [path(torch.zeros(1, 192, 28, 28, device="meta")).shape[1] for path in block.paths]
    (joined,) = [words for kind, words in boxes("inception") if kind == "block"]
    assert joined == f"concatenate along the channels: {' + '.join(map(str, outputs))} = {sum(outputs)}"
    assert shapes("inception")[0] == (192, 28, 28) and shapes("inception")[-1] == (sum(outputs), 28, 28)
    params, table = sum(p.numel() for p in block.parameters()), describe_net(block, (1, 192, 28, 28))
    assert f"{params:,} parameters, {table.multiply_adds:,} multiply-adds" in stored("inception")[0].get("aria-label")


def test_the_residual_picture_shows_the_plain_block_and_both_forms():
    net = build(networks.resnet18)
    plain, same, changed = build(lambda: Residual(64, 64, skip=False)), net[1][0], net[2][0]
    assert isinstance(same.shortcut, nn.Identity) and isinstance(changed.shortcut, nn.Conv2d)
    drawn = Counter(box for box in boxes("residual") if box[0] != "small")
    assert drawn == expected_boxes([*plain.modules(), *same.modules(), *changed.modules()])
    small = Counter(words for kind, words in boxes("residual") if kind == "small")
    assert small == {"batch norm": 6, "ReLU": 6}
    label = stored("residual")[0].get("aria-label")
    for block in (same, changed):
        table = describe_net(block, (1, 64, 24, 24))
        assert f"{sum(p.numel() for p in block.parameters()):,} parameters, {table.multiply_adds:,}" in label
    assert sum(p.numel() for p in plain.parameters()) == sum(p.numel() for p in same.parameters())
    assert shapes("residual") == [(64, 24, 24), (128, 12, 12), (64, 24, 24), (128, 12, 12)]
    words = Counter(node.text for node in stored("residual") if kind_of(node) == "text")
    assert (words["g(x)"], words["g(x) + x"], words["g(x) + conv(x)"]) == (3, 1, 1)


@pytest.mark.parametrize(("name", "solid", "dashed"), [("resnet18", 5, 3), ("residual", 1, 1), ("googlenet", 0, 0)])
def test_each_skip_is_an_arc_dashed_where_a_convolution_lies_on_it(name, solid, dashed):
    arcs = [node.get("stroke-dasharray") for node in stored(name) if kind_of(node) == "path"]
    assert (arcs.count(None), len(arcs) - arcs.count(None)) == (solid, dashed)
    assert sum(kind_of(node) == "circle" for node in stored(name)) == solid + dashed


def measured(node):
    """Left, top, right, bottom of a text as DejaVu Sans draws it."""
    size, bold = float(node.get("font-size")), node.get("font-weight") == "bold"
    font = ImageFont.truetype(str(FONTS / f"DejaVuSans{'-Bold' * bold}.ttf"), 100)
    wide, x, y = font.getlength(node.text) * size / 100, float(node.get("x")), float(node.get("y"))
    left = x - {"start": 0, "middle": wide / 2, "end": wide}[node.get("text-anchor")]
    return left, y - 0.75 * size, left + wide, y + 0.1 * size


def edges(rect):
    x, y, width, height = (float(rect.get(key)) for key in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@pytest.mark.parametrize("name", PICTURES)
def test_nothing_is_cut_or_covered(name):
    root, *nodes = stored(name)
    width, height = float(root.get("width")), float(root.get("height"))
    assert width <= 980 and height <= 520
    texts = [(node, measured(node)) for node in nodes if kind_of(node) == "text"]
    filled = [edges(node) for node in nodes if kind_of(node) == "rect" and node.get("fill") in COLORS.values()]
    for node, place in texts:
        assert float(node.get("font-size")) >= 11
        assert 0 <= place[0] and place[2] <= width and 0 <= place[1] and place[3] <= height, node.text
        around = [box for box in filled if overlap(place, box)]
        if node.get("fill") == "#fff":
            assert any(box[0] < place[0] and place[2] < box[2] for box in around), f"{node.text} does not fit its box"
        else:
            assert not around, f"{node.text} is covered by a box"
    for i, (node, place) in enumerate(texts):
        assert not [other.text for other, there in texts[:i] if overlap(place, there)], node.text


@pytest.mark.parametrize("name", PICTURES)
def test_no_line_runs_through_a_text(name):
    nodes = stored(name)
    texts = [(node.text, measured(node)) for node in nodes if kind_of(node) == "text"]
    for node in nodes:
        if kind_of(node) != "polyline" or node.get("fill") != "none":
            continue
        points = [tuple(map(float, point.split(","))) for point in node.get("points").split()]
        for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
            line = min(x0, x1) - 0.7, min(y0, y1) - 0.7, max(x0, x1) + 0.7, max(y0, y1) + 0.7
            assert not [words for words, place in texts if overlap(place, line)]


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_reads_on_any_ground_and_to_any_reader(name):
    root, *nodes = stored(name)
    assert len(root.get("aria-label")) > 100 and root.get("role") == "img"
    assert not [node for node in [root, *nodes] if "currentColor" in node.attrib.values()]
    ground = [edges(node) for node in nodes if kind_of(node) == "rect"]
    assert not [box for box in ground if box[2] - box[0] >= float(root.get("width"))], "no ground of its own"


@pytest.mark.parametrize("color", COLORS.values())
def test_white_text_reads_on_every_box(color):
    parts = [int(color[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    assert 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05) >= 4.5


@pytest.mark.parametrize("words", ["3×3 conv, 512, /2, pad 1", "384, (192, 384), (48, 128)", "global average pool"])
def test_the_estimate_of_a_texts_length_is_close_and_not_too_short(words):
    real = ImageFont.truetype(str(FONTS / "DejaVuSans.ttf"), 100).getlength(words) * 0.12
    assert real <= length(words) <= 1.1 * real


def test_layers_without_words_are_refused():
    uneven = nn.Conv2d(1, 1, 3, stride=(1, 2))
    for layer in (nn.Tanh(), nn.Conv2d(4, 4, 3, groups=2), nn.MaxPool2d(2, dilation=2), uneven):
        with pytest.raises(ValueError, match="no words"):
            describe_layer(layer)
    kind, words = describe_layer(nn.Conv2d(3, 8, (3, 5), stride=2, padding=1))
    assert (kind, words.replace("\N{NO-BREAK SPACE}", " ")) == ("conv", "3×5 conv, 8, /2, pad 1")
