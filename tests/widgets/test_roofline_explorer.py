"""RooflineExplorer: what it counts is what the layer does, what it measures is a rate."""

import math
import re

import pytest
import torch
from torch import nn

from helpers import describe_net, networks
from helpers.scaling import copy_rate, peak_rate
from helpers.widgets import RooflineExplorer
from helpers.widgets.kit.driver import drive
from helpers.widgets.nets.roofline_explorer import NUM_LAYERS
from helpers.widgets.nets.roofline_layers import Convolution, convolutions_of_resnet18
from helpers.widgets.nets.roofline_picture import inside, rate

CPU = torch.device("cpu")


@pytest.fixture(scope="module", autouse=True)
def _short_measurements():
    """Runs of a millisecond, and the fewest for the rates: nothing here asks how exact they are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("helpers.scaling.levers.LEAST", 0.001)
        patch.setattr("helpers.widgets.nets.roofline_explorer.peak_rate", shortest(peak_rate))
        patch.setattr("helpers.widgets.nets.roofline_explorer.copy_rate", shortest(copy_rate))
        yield


def shortest(measure):
    """The measurement of a rate in its fewest runs, however long it was to last."""
    return lambda *args, **_: measure(*args, seconds=0)


@pytest.fixture(scope="module")
def explorer():
    return RooflineExplorer(CPU)


@pytest.mark.parametrize("values", [
    {}, {"channels": 8, "kernel_size": 5, "side": 7, "batch_size": 16}, {"depthwise": True},
    {"dtype": "bfloat16", "kernel_size": 1}, {"channels": 1, "side": 7, "batch_size": 1},
])  # fmt: skip
def test_the_counts_are_those_of_the_layer(explorer, values):
    start = {"channels": 32, "kernel_size": 3, "side": 28, "batch_size": 4, "depthwise": False, "dtype": "float32"}
    result = explorer.update(**start | values).result
    c, k, n = explorer.channels, explorer.kernel_size, explorer.batch_size
    layer = nn.Conv2d(c, c, k, padding=k // 2, groups=c if explorer.depthwise else 1, bias=False)
    X = torch.zeros(n, c, explorer.side, explorer.side)
    assert result["multiply_adds"] == describe_net(layer, X.shape).multiply_adds
    numbers = 2 * X.numel() + layer.weight.numel()
    assert result["bytes"] == numbers * (2 if explorer.dtype == "bfloat16" else 4)
    assert result["intensity"] == pytest.approx(result["multiply_adds"] / result["bytes"])
    feed = result["intensity"] * result["bandwidth"]
    assert result["roof"] == min(result["peak"], feed)
    assert result["limited_by"] == ("arithmetic" if feed > result["peak"] else "memory")
    assert 0 < result["rate"] < 20 * result["peak"]


def test_each_setting_is_measured_once(explorer, monkeypatch):
    explorer.update(channels=8, side=14, batch_size=1, depthwise=False, dtype="float32")
    before = explorer.result["rate"]
    monkeypatch.setattr(Convolution, "seconds", lambda *key: pytest.fail("measured again"))
    explorer.refresh()
    assert explorer.result["rate"] == before and not explorer.errors


def test_the_rate_follows_the_time(explorer, monkeypatch):
    monkeypatch.setattr(Convolution, "seconds", lambda *key: 0.5)
    result = explorer.update(channels=128, kernel_size=5, side=28, batch_size=16, dtype="float32").result
    assert result["rate"] == 2 * result["multiply_adds"]
    assert f"measured {rate(result['rate'])}" in explorer.describe(result)
    del explorer._rates[Convolution(128, 128, 5, 28, 16), torch.float32]


def test_a_batch_is_as_large_as_suits_the_device(explorer, monkeypatch):
    assert explorer.controls["batch_size"].max == 16
    with monkeypatch.context() as patch:
        patch.setattr(explorer, "device", torch.device("cuda"))
        patch.setattr(Convolution, "seconds", lambda *key: 1.0)
        assert explorer.update(batch_size=512).result["multiply_adds"] % 512 == 0
        assert (explorer.controls["batch_size"].max, explorer.batch_size) == (512, 512) and not explorer.errors
        explorer._rates.clear()
    assert explorer.update(batch_size=512).batch_size == 16, "no further than the device goes"


def test_a_layer_that_takes_long_runs_less_often(monkeypatch):
    calls = []
    monkeypatch.setattr("helpers.widgets.nets.roofline_layers.calls_of_a_run", lambda call, device: 64)
    monkeypatch.setattr("helpers.widgets.nets.roofline_layers.seconds_a_call",
                        lambda call, device, count: calls.append(count) or lasts)  # fmt: skip
    for lasts, runs in ((1e-5, 3), (0.2, 1)):
        calls.clear()
        assert Convolution(1, 1, 1, 7, 1).seconds(CPU, torch.float32) == lasts and calls == [64] * runs


def test_every_control_moves_the_picture(explorer):
    explorer.update(channels=8, side=7, batch_size=1, kernel_size=3, depthwise=False, dtype="float32")
    drive(explorer)


def test_the_layers_are_those_of_resnet18():
    layers, rows = convolutions_of_resnet18(4), []
    for row in describe_net(networks.resnet18(), (4, 1, 96, 96)):
        rows += [row] if row.type == "Conv2d" else []
    assert len(layers) == len(rows) == NUM_LAYERS
    assert [layer.multiply_adds for layer in layers] == [row.multiply_adds for row in rows]
    assert [layer.shapes[2] for layer in layers] == [tuple(row.output_shape) for row in rows]
    assert str(layers[5]) == "3×3, 64 to 128 channels, 24×24 pixels, stride 2"


def test_pointing_at_a_layer_gives_its_numbers_and_a_setting_brings_the_own_one_back(explorer):
    explorer.update(channels=8, kernel_size=3, side=7, batch_size=1, depthwise=False, dtype="float32")
    own = explorer.result["points"][0]
    explorer._picture.send = lambda told: None
    explorer._picture._handle_custom_msg({"id": 1, "do": "set", "values": [["layer", [], 6]]}, [])
    result, layer = explorer.result, convolutions_of_resnet18(4)[5]
    assert result["multiply_adds"] == layer.multiply_adds and result["bytes"] == layer.bytes(torch.float32)
    assert explorer.describe(result).startswith(f"Convolution 6 of ResNet-18, {layer}: ")
    assert (result["intensity"], result["rate"]) == result["points"][6] and result["points"][0] == own
    dots = set(re.findall(r'aria-label="dot, convolution (\d+)', explorer.picture))
    assert len(dots) == len(set(convolutions_of_resnet18(4))), "one dot for each that differs"
    explorer.kernel_size = 1
    assert explorer.layer == 0 and explorer.describe(explorer.result).startswith("Your layer, 1×1, 8 to 8 channels")


def test_the_roof_starts_at_the_edge_of_the_plot():
    assert inside([(-2.0, 6.0), (1.0, 9.0), (4.0, 9.0)], (7.0, 10.0)) == [(-1.0, 7.0), (1.0, 9.0), (4.0, 9.0)]
    assert inside([(-2.0, 8.0), (1.0, 9.0), (4.0, 9.0)], (7.0, 10.0))[0] == (-2.0, 8.0)


@pytest.mark.parametrize("value, words", [(5, "5 /s"), (61.3e9, "61.3 G/s"), (2e15, "2e+03 T/s"), (999e3, "999 k/s")])
def test_rates_in_words(value, words):
    assert rate(value) == words and math.isfinite(value)
