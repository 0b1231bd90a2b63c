"""FeatureMaps: every layer is the net run layer by layer, and the net is left alone."""

import math

import pytest
import torch
from torch import nn

from helpers import receptive_field
from helpers.drawing import svg
from helpers.widgets import FeatureMaps, LearningRateLab, PictureLab
from helpers.widgets.kit.driver import drive

from ..examples import CLASSES, lenet_like
from ..inside.test_layers import Last
from .looks import areas, inside, smallest_font, touched


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
    assert ", layer net[4] Conv2d: 16 maps of 10×10" in said and said.startswith("picture 3 (dress; ")
    assert f"from {numbers[0]} to {numbers[1]}; channel 2 from {numbers[2]} to {numbers[3]}" in said


def test_one_scale_for_all_channels_signed_only_where_something_is_negative(net, test_iter):
    maps = FeatureMaps(net, test_iter)
    low, high = maps.result["activations"]["0"].aminmax()
    largest = svg.number(max(-low.item(), high.item()))
    assert f">−{largest}</text>" in maps.picture and f">{largest}</text>" in maps.picture
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


def test_a_long_net_is_shown_in_pages_of_equal_length(test_iter):
    deep = nn.Sequential(*[nn.Conv2d(1, 1, 3, padding=1) for _ in range(45)])
    maps = FeatureMaps(deep, test_iter, layer=15)
    assert maps.picture.count(">Conv2d</text>") == 15
    assert ">◂ 15 before</text>" in maps.picture and ">15 after ▸</text>" in maps.picture
    touched(maps, "layers 15 before")
    assert maps.layer == 0 and "before</text>" not in maps.picture and ">30 after ▸</text>" in maps.picture
    touched(maps, "layers 30 after")
    assert maps.layer == 15


def test_the_layers_the_maps_and_the_pictures_are_tiles_to_click(net, test_iter):
    maps = FeatureMaps(net, test_iter, index=3, layer=4, channel=2)
    held = {"layers": ("layer", 4, 12, 0, 11), "maps": ("channel", 2, 16, 0, 15),
            "test pictures": ("index", 3, 18, 0, 39)}  # fmt: skip
    for label, told in held.items():
        axis = areas(maps)[label]["across"]
        assert tuple(axis[key] for key in ("name", "at", "count", "low", "high")) == told
    touched(maps, "later test pictures")
    assert maps.index == 18 and areas(maps)["test pictures"]["across"]["first"] == 18
    for layer, direction in ((8, "across"), (11, "down")):
        maps.layer = layer
        axis = areas(maps)["values"][direction]
        assert (axis["name"], axis["count"]) == ("channel", maps.result["layer"].output.numel())


@pytest.mark.parametrize("layer, shape", [(0, (28, 28)), (3, (14, 14)), (6, (5, 5))])
def test_the_pixel_that_is_held_and_what_it_sees(net, test_iter, layer, shape):
    """The window is that of `receptive_field`; pixels outside it move nothing."""
    maps = FeatureMaps(net, test_iter, layer=layer, channel=1)
    row = next(row for row in receptive_field(net, (1, 1, 28, 28)) if row.name == str(layer))
    for down, across, place in ((0.0, 0.0, (0, 0)), (1.0, 1.0, (shape[0] - 1, shape[1] - 1)), (0.5, 0.3, None)):
        maps.update(down=down, across=across)
        result = maps.result
        i, j = place or (int(0.5 * shape[0]), int(0.3 * shape[1]))
        assert result["place"] == (i, j) and result["value"] == float(result["activations"][str(layer)][1, i, j])
        top, left = row.offset[0] + i * row.stride[0], row.offset[1] + j * row.stride[1]
        assert result["window"] == (top, left, top + row.size[0], left + row.size[1])
        assert f"at row {i}, column {j}: {svg.number(result['value'])}, from {row.size[0]}×" in maps.describe(result)
        for label in ("pixel", "window"):
            axes = areas(maps)[label]
            assert axes["down"]["at"] == pytest.approx((i + 0.5) / shape[0])
            assert axes["across"]["step"] == pytest.approx(1 / shape[1])
    maps.layer = 9
    assert maps.result["place"] is None and "pixel" not in areas(maps) and maps.result["value"] == float(
        maps.result["activations"]["9"][1])  # fmt: skip


def test_it_says_what_the_net_predicts(net, test_iter):
    maps = FeatureMaps(net, test_iter, index=7)
    with torch.no_grad():
        likely = lenet_like().eval()(test_iter.batch([7])[0])[0].softmax(0)
    torch.testing.assert_close(maps.result["logits"].softmax(0), likely)
    values, order = likely.sort(descending=True)
    assert f"the net says {CLASSES[order[0]]}, {values[0]:.3f}" in maps.describe(maps.result)
    assert all(f">{value:.3f}<" in maps.picture for value in values[:3])
    convolution = FeatureMaps(nn.Conv2d(1, 2, 3), test_iter)
    assert convolution.result["logits"] is None and "the net says" not in convolution.picture


@pytest.mark.parametrize("layer, channel", [(0, 5), (4, 15), (6, 3), (7, 399), (11, 9)])
def test_every_text_can_be_read(net, test_iter, layer, channel):
    maps = FeatureMaps(net, test_iter, index=39, layer=layer, channel=channel)
    assert smallest_font(maps.picture) >= 11 or layer == 6, "numbers in the cells of a map may be smaller"
    inside(maps.picture)


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


@pytest.mark.parametrize("channels", [8, 7, 20, 28])
def test_maps_with_their_channels_last_are_shown_as_maps(test_iter, channels):
    """As in Swin: the very pictures of the net that has its channels in front."""
    shown = [FeatureMaps(Last(last, channels, 0), test_iter, layer=2, channel=5) for last in (True, False)]
    outputs = [widget.result["layer"].output for widget in shown]
    assert [widget.result["layer"].name for widget in shown] == ["turned", "turned"]
    assert outputs[0].shape == (channels, 7, 7) and torch.equal(*outputs)
    assert shown[0].picture == shown[1].picture


class Windows(nn.Module):
    """Cuts its maps into windows, as attention does: several rows for one picture."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Identity()

    def forward(self, X):
        return self.inner(X.unflatten(2, (4, 7)).unflatten(4, (4, 7)).permute(0, 2, 4, 3, 5, 1).flatten(0, 2))


BAD_NETS = {
    "a loader first": (lambda data: FeatureMaps(data, data), TypeError, "must be a net"),
    "a DataLoader": (lambda _: FeatureMaps(nn.Flatten(), torch.utils.data.DataLoader([1])), TypeError, "test_iter"),
    "colour": (lambda data: FeatureMaps(nn.Conv2d(3, 6, 5), data), ValueError, "3 channels"),
    "diverged": (lambda data: FeatureMaps(broken(), data), ValueError, r"net\[0\].*diverged"),
    "lazy": (lambda data: FeatureMaps(nn.LazyConv2d(2, 3), data), ValueError, "run net.X. once"),
    "windows": (lambda data: FeatureMaps(Windows(), data), ValueError, r"inner gives shape \(16, 1, 7, 7\) for one"),
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
