"""FeatureMaps: every layer is the net run layer by layer, and the net is left alone."""

import math

import pytest
import torch
from torch import nn

from helpers.drawing import svg
from helpers.widgets import FeatureMaps, LearningRateLab, PictureLab
from helpers.widgets.kit.driver import drive

from ..examples import CLASSES, lenet_like


def test_activations_are_the_net_run_layer_by_layer(net, test_iter):
    maps = FeatureMaps(net, test_iter)
    reference = lenet_like().eval()
    for index in (0, 17, 39):
        maps.index = index
        X, y = test_iter.batch([index])
        assert torch.equal(maps.result["X"], X) and maps.result["y"] == int(y)
        assert list(maps.result["activations"]) == [str(i) for i in range(12)]
        with torch.no_grad():
            for i, layer in enumerate(reference):
                X = layer(X.clone())
                if not isinstance(reference[min(i + 1, 11)], nn.ReLU):
                    torch.testing.assert_close(maps.result["activations"][str(i)], X[0])


def test_an_inplace_relu_does_not_overwrite_the_layer_before_it(net, test_iter):
    activations = FeatureMaps(net, test_iter).result["activations"]
    assert activations["4"].min() < 0 == activations["5"].min()
    assert torch.equal(activations["4"].relu(), activations["5"])


def test_the_callers_net_is_left_alone(net, test_iter):
    state = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    net(torch.randn(4, 1, 28, 28)).sum().backward()
    state = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    gradients, random = [p.grad.clone() for p in net.parameters()], torch.get_rng_state()
    net[8].eval()
    maps, lab = FeatureMaps(net, test_iter), PictureLab(net, test_iter)
    maps.update(index=5, layer=4, channel=3)
    lab.update(index=5, rotate=30)
    assert [module.training for module in net] == [i != 8 for i in range(12)]
    assert not any(module._forward_hooks for module in net.modules())
    assert all(torch.equal(tensor, state[name]) for name, tensor in net.state_dict().items())
    assert all(torch.equal(p.grad, g) for p, g in zip(net.parameters(), gradients, strict=True))
    assert all(p.requires_grad for p in net.parameters()) and torch.equal(torch.get_rng_state(), random)


def test_later_training_shows(net, test_iter):
    maps = FeatureMaps(net, test_iter)
    with torch.no_grad():
        net[0].weight.zero_()
        net[0].bias.fill_(0.25)
    maps.refresh()
    assert (maps.result["activations"]["0"] == 0.25).all()


class Nested(nn.Module):
    """Modules in modules, one ReLU that runs twice, one channel per class at the end."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Conv2d(3, 4, 3))
        self.relu, self.head = nn.ReLU(), nn.Conv2d(4, 10, 1)
        self.pool, self.unused = nn.AdaptiveAvgPool2d(1), nn.Linear(2, 2)

    def forward(self, X):
        return self.pool(self.head(self.relu(self.stem[1](self.relu(self.stem[0](X)))))).flatten(1)


def test_any_module_in_the_order_of_its_run(test_iter):
    maps = FeatureMaps(Nested(), test_iter)
    shapes = {name: tuple(output.shape) for name, output in maps.result["activations"].items()}
    assert shapes == {"stem.0": (3, 26, 26), "relu": (3, 26, 26), "stem.1": (4, 24, 24), "relu (2)": (4, 24, 24),
                      "head": (10, 24, 24), "pool": (10,)}  # fmt: skip
    maps.layer = 5
    assert all(name in maps.picture for name in CLASSES), "ten numbers at the end are named by the classes"


@pytest.mark.parametrize("layer, channels", [(0, 6), (4, 16), (7, 400), (11, 10)])
def test_the_channel_slider_follows_the_layer(net, test_iter, layer, channels):
    maps = FeatureMaps(net, test_iter, layer=7, channel=399)
    maps.layer = layer
    assert maps.controls["channel"].max == channels - 1 == maps.channel == maps.result["channel"]


def test_the_sentence_has_the_numbers_of_the_layer_and_the_channel(net, test_iter):
    maps = FeatureMaps(net, test_iter, index=3, layer=4, channel=2)
    with torch.no_grad():
        output = lenet_like().eval()[:5](test_iter.batch([3])[0])[0]
    numbers = [svg.number(value.item()) for value in (output.min(), output.max(), output[2].min(), output[2].max())]
    said = maps.describe(maps.result)
    assert "picture 3 (dress), layer net[4] Conv2d: 16 maps of 10×10" in said
    assert f"from {numbers[0]} to {numbers[1]}; channel 2 from {numbers[2]} to {numbers[3]}" in said


def test_one_scale_for_all_channels_signed_only_where_something_is_negative(net, test_iter):
    maps = FeatureMaps(net, test_iter)
    low, high = maps.result["activations"]["0"].aminmax()
    largest = svg.number(max(-low.item(), high.item()))
    assert f">-{largest}</text>" in maps.picture and f">{largest}</text>" in maps.picture
    maps.layer = 2  # behind the sigmoid
    assert f">{svg.number(maps.result['activations']['2'].max().item())}</text>" in maps.picture
    assert ">-" not in maps.picture


def test_every_layer_has_the_same_height(net, test_iter):
    maps = FeatureMaps(net, test_iter)
    sizes = set()
    for layer in range(12):
        maps.layer = layer
        sizes.add(svg.size(maps.picture))
    assert len(sizes) == 1


def test_a_long_net_shows_the_layers_around_the_chosen_one(test_iter):
    deep = nn.Sequential(*[nn.Conv2d(1, 1, 3, padding=1) for _ in range(30)])
    maps = FeatureMaps(deep, test_iter, layer=15)
    assert maps.picture.count(">Conv2d</text>") == 12 and "not shown: 9 before, 9 after" in maps.picture
    assert FeatureMaps(deep, test_iter).picture.count("not shown: 18 after") == 1


def test_a_module_of_one_layer_and_one_channel(test_iter):
    assert drive(FeatureMaps(nn.Conv2d(1, 1, 28), test_iter)) > 0
    maps = FeatureMaps(nn.Conv2d(1, 1, 3), test_iter)
    assert list(maps.result["activations"]) == ["net"] and maps.controls["channel"].max == 0


def test_every_control_of_the_feature_maps_works(net, test_iter):
    drive(FeatureMaps(net, test_iter))


def broken():
    net = lenet_like()
    nn.init.constant_(net[0].weight, math.nan)
    return net


class Sequences(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Flatten(2)

    def forward(self, X):
        return self.inner(X)


BAD_NETS = {
    "a loader first": (lambda data: FeatureMaps(data, data), TypeError, "must be a net"),
    "a DataLoader": (lambda _: FeatureMaps(nn.Flatten(), torch.utils.data.DataLoader([1])), TypeError, "test_iter"),
    "colour": (lambda data: FeatureMaps(nn.Conv2d(3, 6, 5), data), ValueError, "3 channels"),
    "diverged": (lambda data: FeatureMaps(broken(), data), ValueError, r"net\[0\].*diverged"),
    "lazy": (lambda data: FeatureMaps(nn.LazyConv2d(2, 3), data), ValueError, "run net.X. once"),
    "sequence": (lambda data: FeatureMaps(Sequences(), data), ValueError, r"inner gives shape \(1, 1, 784\)"),
    "lab: diverged": (lambda data: PictureLab(broken(), data), ValueError, "diverged"),
    "lab: classes": (lambda data: PictureLab(nn.Flatten(), data), ValueError, r"\(1, 784\).*10 classes"),
    "lab: a loader first": (lambda data: PictureLab(data, data), TypeError, "must be a net"),
    "rates: a list": (lambda data: LearningRateLab([1], data), TypeError, "train_iter and test_iter"),
}


@pytest.mark.parametrize("make, error, words", BAD_NETS.values(), ids=BAD_NETS)
def test_what_cannot_be_shown_is_named(test_iter, make, error, words):
    with pytest.raises(error, match=words):
        make(test_iter)
