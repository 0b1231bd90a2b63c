"""InceptionExplorer: an Inception block, its channels and its costs."""

import html
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from helpers import describe_net
from helpers.drawing import svg
from helpers.networks import Paths, googlenet, inception
from helpers.widgets import InceptionExplorer
from helpers.widgets.kit.driver import drive
from helpers.widgets.kit.layout import inside_of
from helpers.widgets.nets.inception_explorer import CHANNELS, OWN, PRESETS

numbers = st.integers(1, 40)


def counts(layers, in_channels, size):
    """Return the costs that describe_net finds."""
    table = describe_net(layers, (1, in_channels, size, size))
    return {"params": table.params, "multiply_adds": table.multiply_adds}


def agrees(result):
    """Compare the result with the block itself, its paths, and the layers beside it."""
    c, size = result["channels"], result["size"]
    n = c["in_channels"]
    block = inception(n, c["c1"], (c["reduce3"], c["out3"]), (c["reduce5"], c["out5"]), c["c4"])
    assert counts(block, n, size) == {name: result[name] for name in ("params", "multiply_adds")}
    for path, found in zip(block.paths, result["paths"], strict=True):
        out = describe_net(path, (1, n, size, size))[-1].output_shape
        assert {"out": out[1], **counts(path, n, size)} == found and out[2:] == (size, size)
    whole = nn.ModuleList(nn.Conv2d(n, p["out"], k, padding=k // 2)
                          for p, k in zip(result["paths"], (1, 3, 5, 1), strict=True))  # fmt: skip
    others = {"no 1×1 before": Paths(*whole)}
    others |= {f"{k}×{k}": nn.Conv2d(n, result["out"], k, padding=k // 2) for k in (3, 5)}
    assert {name: counts(layer, n, size) for name, layer in others.items()} == result["others"]
    scope = {}
    exec(result["code"], scope)
    assert [p.shape for p in scope["block"].parameters()] == [p.shape for p in block.parameters()]


@settings(max_examples=25, deadline=None)
@given(numbers, numbers, numbers, numbers, numbers, numbers, numbers, st.integers(1, 12))
def test_the_counts_are_those_of_the_block(n, c1, reduce3, out3, reduce5, out5, c4, size):
    channels = dict(zip(CHANNELS, (n, c1, reduce3, out3, reduce5, out5, c4), strict=True))
    explorer = InceptionExplorer(size=size, **channels)
    assert explorer.result["channels"] == channels and explorer.block == OWN
    agrees(explorer.result)


@pytest.mark.parametrize("name", ["3a", "4c", "5b"])
def test_presets_agree_too(name):
    agrees(InceptionExplorer(block=name).result)


def test_it_starts_on_the_numbers_of_the_text():
    result = InceptionExplorer().result
    assert result["block"] == "3a" and result["out"] == 256 and result["params"] == 163_696
    assert result["multiply_adds"] == 128_049_152 and result["others"]["3×3"]["params"] == 442_624
    assert result["others"]["5×5"]["params"] == 1_229_056 and result["others"]["no 1×1 before"]["params"] == 393_472


def test_presets_are_the_nine_blocks_of_the_net():
    blocks = [module for module in googlenet().modules() if isinstance(module, Paths)]
    explorer, found = InceptionExplorer(), []
    for name, (size, _) in PRESETS.items():
        explorer.block = name
        found.append(explorer.result["params"])
        assert explorer.size == size == {"3": 28, "4": 14, "5": 7}[name[0]]
    assert found == [sum(p.numel() for p in block.parameters()) for block in blocks] and len(found) == 9


def test_block_and_channels_follow_each_other():
    explorer = InceptionExplorer()
    explorer.c4 = 33
    assert explorer.block == OWN == explorer.controls["block"].value
    explorer.c4 = 32
    assert explorer.block == "3a"
    explorer.size = 5
    assert explorer.block == "3a" and explorer.result["size"] == 5
    explorer.controls["block"].value = "4e"
    assert (explorer.in_channels, explorer.c1, explorer.out5, explorer.size) == (528, 256, 128, 14)
    assert explorer.controls["in_channels"].value == 528 and explorer.result["out"] == 832
    explorer.block = OWN
    assert explorer.in_channels == 528 and explorer.block == OWN
    explorer.update(reduce3=161)
    explorer.update(reduce3=160)
    assert explorer.block == "4e"


def test_every_control_moves_the_picture():
    assert drive(InceptionExplorer()) > 30


def test_the_picture_keeps_its_size_and_carries_the_code():
    explorer = InceptionExplorer()
    low = {name: 1 for name in (*CHANNELS, "size")}
    high = {name: explorer.traits()[name].max for name in low}
    sizes = set()
    for values in (low, high):
        explorer.update(**values)
        sizes.add(svg.size(explorer.picture))
        assert f"block = inception({values['in_channels']}, {values['c1']}," in explorer.picture
        assert explorer.describe(explorer.result).split(";")[0] in explorer.picture
        for x, size, words in re.findall(
            r'<text x="([\d.]+)"[^>]*font-size="([\d.]+)" text-anchor="start"[^>]*>([^<]*)', explorer.picture
        ):
            assert float(x) + 0.62 * float(size) * len(words) <= 960, words
    assert len(sizes) == 1


@pytest.mark.parametrize("in_channels", [1, 1024])
@pytest.mark.parametrize("inside", [1, 256])
@pytest.mark.parametrize("out", [1, 256])
def test_the_ends_of_the_sliders_are_readable(in_channels, inside, out):
    explorer = InceptionExplorer(
        in_channels=in_channels, c1=out, reduce3=inside, out3=out, reduce5=inside, out5=out, c4=out, size=112
    )
    picture = explorer.picture
    assert all(float(size) >= 11 for size in re.findall(r'font-size="([\d.]+)" text-anchor', picture))
    assert "(0%)" not in picture and "(0.00 ×)" not in picture
    lines = re.findall(r'<text x="([\d.]+)"[^>]*font-size="11" text-anchor="start"[^>]*>([^<]*)', picture)
    compared = [(float(x), words) for x, words in lines if float(x) < 480]
    assert len(compared) == 8
    for x, words in compared:  # each half has 480 px, the other begins behind it
        assert x + 6.9 * len(words) <= 480, words
    shares = [float(share) for share in re.findall(r"\(([\d.e-]+) ×\)", picture)]
    costs = explorer.result["others"].values()
    for i, name in enumerate(("params", "multiply_adds")):
        for shown, cost in zip(shares[3 * i : 3 * i + 3], costs, strict=True):
            assert shown == pytest.approx(cost[name] / explorer.result[name], rel=0.5, abs=0.005 if shown > 0.1 else 0)


def test_the_bar_of_channels_is_shared_in_proportion():
    explorer = InceptionExplorer()
    found = re.findall(r'<rect [^>]*width="40" height="([\d.]+)"', explorer.picture)
    *pieces, whole = map(float, found)
    assert [round(piece / whole, 3) for piece in pieces] == [0.25, 0.5, 0.125, 0.125]


def test_each_number_is_dragged_in_its_box():
    """The eight numbers of the block are areas; two channels a px, none of them a control above the picture."""
    explorer = InceptionExplorer(block="4c")
    found = {}
    for label, told in re.findall(r'aria-label="([^"]*)" data-touch="([^"]*)"', explorer.picture):
        axis = json.loads(html.unescape(told))["across"]
        found[axis["name"]] = label
        trait = explorer.traits()[axis["name"]]
        assert (axis["as"], axis["at"]) == ("shift", getattr(explorer, axis["name"]))
        span = 24 if axis["name"] == "size" else 256
        assert (axis["low"], axis["high"], axis["span"]) == (trait.min, trait.max, span)
    assert set(found) == {*CHANNELS, "size"}
    assert found["reduce3"] == "path 2, 1×1, reduce3 128: drag it to the side, or use the arrow keys"
    above = [control for control in explorer.controls.values() if control in list(inside_of(explorer))]
    assert above == [explorer.controls["block"]]


def test_a_drag_changes_the_block_as_the_sliders_did():
    explorer = InceptionExplorer()
    explorer._picture._handle_custom_msg({"id": 1, "do": "set", "values": [["reduce3", [], 165]]}, [])
    assert explorer.block == OWN and ">◂ 165 ▸<" in explorer.picture
    agrees(explorer.result)
    explorer._picture._handle_custom_msg({"id": 2, "do": "set", "values": [["reduce3", [], 9000]]}, [])
    assert explorer.reduce3 == 512 and not explorer.errors
