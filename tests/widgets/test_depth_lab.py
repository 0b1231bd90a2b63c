"""DepthLab against the net written by hand."""

import copy
import html
import json
import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from helpers.data import ImageBatches
from helpers.drawing import svg
from helpers.widgets import DepthLab
from helpers.widgets.kit import trainer
from helpers.widgets.kit.driver import drive
from helpers.widgets.kit.short_run import fresh_net
from helpers.widgets.nets.depth_lab import MOST, PROBE, tower


def pictures(count, *, shuffle=False, seed=0):
    """A stand-in for Fashion-MNIST at 14 px: one bright bar per class at its own height, and noise."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 10
    images = torch.randint(0, 60, (count, 1, 14, 14), generator=generator)
    for image, label in zip(images, labels, strict=True):
        image[0, label + 1 : label + 4, 2:12] += 180
    names = [f"class {i}" for i in range(10)]
    return ImageBatches(images.to(torch.uint8), labels, 20, classes=names, mean=0.2, std=0.3, shuffle=shuffle)


@pytest.fixture
def lab(monkeypatch):
    monkeypatch.setitem(trainer.BUDGETS, "quick", (640, 50))
    lab = DepthLab(pictures(200, shuffle=True), pictures(60, seed=9), blocks=3)
    yield lab
    lab.stop()
    lab.wait()


def by_hand(blocks, skip, batch_norm):
    """The same net written layer by layer, as a function of a list of (weight, bias) and the picture."""
    layers = [layer for layer in fresh_net(lambda: tower(blocks, skip, batch_norm), 0).modules()]
    convolutions = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    dense = layers[-1]

    def norm(X):
        if not batch_norm:
            return X
        mean, variance = X.mean((0, 2, 3), keepdim=True), X.var((0, 2, 3), keepdim=True, correction=0)
        return (X - mean) / (variance + 1e-5).sqrt()

    def forward(X):
        X = norm(F.conv2d(X, convolutions[0].weight, convolutions[0].bias, stride=2, padding=1)).relu()
        for first, second in zip(convolutions[1::2], convolutions[2::2], strict=True):
            Y = norm(F.conv2d(X, first.weight, first.bias, padding=1)).relu()
            Y = norm(F.conv2d(Y, second.weight, second.bias, padding=1))
            X = (X + Y if skip else Y).relu()
        return dense(X.mean((2, 3)))

    return forward, [layer.weight for layer in convolutions]


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_gradients_are_those_of_the_net_written_by_hand(lab, skip, batch_norm):
    lab.update(blocks=4, skip=skip, batch_norm=batch_norm)
    forward, weights = by_hand(4, skip, batch_norm)
    gradients = []
    for i in (0, 1):
        X, y = lab.train_iter.batch(range(i * PROBE, (i + 1) * PROBE))
        gradients.append(torch.autograd.grad(F.cross_entropy(forward(X), y), weights))
    lengths = [gradient.norm().item() for gradient in gradients[0]]
    cosines = [((a * b).sum() / a.norm() / b.norm()).item() for a, b in zip(*gradients, strict=True)]
    assert lab.result["lengths"] == pytest.approx(lengths, rel=1e-3) and len(lengths) == 9
    assert lab.result["cosines"] == pytest.approx(cosines, abs=1e-3)


def test_with_and_without_skip_the_layers_are_the_same():
    for batch_norm in (False, True):
        plain, residual = (tower(5, skip, batch_norm) for skip in (False, True))
        shapes = [[p.shape for p in net.parameters()] for net in (plain, residual)]
        assert shapes[0] == shapes[1] and plain(torch.zeros(2, 1, 14, 14)).shape == (2, 10)
    assert DepthLab(pictures(80), pictures(20)).result["params"] == sum(p.numel() for p in tower(12, 1, 1).parameters())


def test_what_skip_and_batch_norm_do_to_the_gradient(lab):
    first = {}
    for skip in (False, True):
        for batch_norm in (False, True):
            lab.update(blocks=MOST, skip=skip, batch_norm=batch_norm)
            first[skip, batch_norm] = lab.result["lengths"][0]
            assert len(lab.result["lengths"]) == len(lab.result["cosines"]) == 2 * MOST + 1
    assert first[False, False] < 1e-6 < 0.01 < first[False, True], "plain: gone, but not with batch norm"
    lab.update(skip=False, batch_norm=False)
    assert max(lab.result["lengths"]) < 1e-6, "no biases: behind, the signal is gone as the gradient is in front"
    assert min(first[True, False], first[True, True]) > 0.01


def test_a_run_trains_the_tower_and_says_so(lab):
    lab.update(blocks=1, skip=True)
    lab.button["run"].click()
    lab.wait()
    run = lab.result["runs"][-1]
    assert run.end == "done" and run.settings == {
        "blocks": 1, "skip": True, "batch_norm": True, "lr": 0.2, "batch_size": 128}  # fmt: skip
    assert run.steps == 640 // 128 and "1 block, residual, with batch norm, lr 0.2" in lab.describe(lab.result)
    lab.skip = False
    lab.button["run"].click()
    lab.wait()
    assert len(lab.result["runs"]) == 2 and run.points != lab.result["runs"][-1].points
    assert all(len(lab.says({**run.settings, "blocks": MOST, "skip": skip})) <= 45 for skip in (False, True))


def test_no_global_random_number_is_drawn_and_a_start_is_computed_once(lab, monkeypatch):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    lab.update(blocks=2)
    lab.button["run"].click()
    lab.wait()
    assert torch.equal(torch.get_rng_state(), before)
    kept = copy.copy(lab.result["lengths"])
    monkeypatch.setattr("helpers.widgets.nets.depth_lab.start", None)
    lab.lr = 0.5  # the net is the same
    assert lab.result["lengths"] == kept and not lab.errors


def test_plain_and_residual_lie_over_each_other(lab):
    """The thin curve is the net that the thick one would be with the other switch."""
    for skip in (False, True):
        lab.update(blocks=4, skip=skip)
        other = lab.result["other_lengths"], lab.result["other_cosines"]
        lab.update(skip=not skip)
        assert (lab.result["lengths"], lab.result["cosines"]) == other
    assert lab.picture.count(">plain<") == lab.picture.count(">residual<") == 1


def test_plain_is_blue_and_residual_orange_as_in_the_lesson(lab):
    """The chosen net has the thick line, the other kind the dashed one; a run has its kind's colour."""
    for skip, thick, thin in ((False, svg.BLUE, svg.ORANGE), (True, svg.ORANGE, svg.BLUE)):
        lab.skip = skip
        assert lab.picture.count(f'stroke="{thick}" stroke-width="2.5"') == 3, "two curves and the key"
        assert lab.picture.count(f'stroke="{thin}" stroke-width="1.3" stroke-dasharray="5 3"') == 3
        lab.run()
        lab.wait()
    curves = [re.search(rf'data-link="{name}"><polyline [^>]*stroke="([^"]*)"', lab.picture).group(1) for name in "AB"]
    assert curves == [svg.BLUE, svg.ORANGE]


def test_on_fashion_mnist_it_starts_with_a_stored_run_of_each_kind():
    data = pictures(80)
    assert DepthLab(data, pictures(20)).runs == []
    data.source = "Fashion-MNIST"
    assert DepthLab(data, pictures(20), seed=1).runs == [], "they began with other weights"
    lab = DepthLab(data, pictures(20))
    plain, residual = lab.result["runs"]
    assert plain.settings | {"skip": True} == residual.settings == lab.settings() | {"skip": True}
    assert plain.points[-1][1] > residual.points[-1][1] + 0.2, "the one hangs back that the lesson is about"
    assert lab.picture.count(" steps, stored<") == 2 and lab.describe(lab.result).count("steps, stored") == 2
    assert "next run: the same as A, change a setting" in lab.picture and lab.result["slot"] == 2
    lab.button["clear"].click()
    assert lab.runs == []


def test_the_depth_is_dragged_in_both_panels(lab):
    found = re.findall(r'aria-label="([^"]*3 blocks: drag[^"]*)" data-touch="([^"]*)"', lab.picture)
    axes = [json.loads(html.unescape(told))["across"] for _, told in found]
    assert [(axis["name"], axis["at"], axis["low"], axis["last"]) for axis in axes] == [("blocks", 3, 1, MOST)] * 2
    areas = re.findall(r'<rect [^>]*y="(\d+)"[^>]*aria-label="[^"]*drag', lab.picture)
    assert areas == ["52", "52"], "the ring of the focus would cut the title above the frame"
    lab._picture.send = lambda told: None
    lab._picture._handle_custom_msg({"id": 1, "do": "set", "values": [["blocks", [], 99]]}, [])
    assert lab.blocks == MOST and len(lab.result["lengths"]) == 2 * MOST + 1


def test_nothing_leaves_the_picture(lab):
    lab.update(blocks=MOST, skip=False, batch_norm=False)
    assert min(lab.result["lengths"]) < 1e-8 and "smallest" in lab.describe(lab.result)
    assert "nan" not in lab.picture and "inf" not in lab.picture.replace("infinite", "")


def test_every_control_of_the_depth_lab_works(lab):
    drive(lab)
    assert "3 blocks, plain, with batch norm: 8 layers" in lab.describe(lab.result)
