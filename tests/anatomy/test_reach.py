"""receptive_field against fields measured by gradients, and what it refuses."""

import copy

import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import parametrizations

from helpers.anatomy import receptive_field

from .test_counts import lenet


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(2, 4, 3, stride=2, padding=1), nn.Conv2d(4, 4, 5, padding=2)
        self.shortcut = nn.Conv2d(2, 4, 1, stride=2)

    def forward(self, X):
        return torch.relu(self.conv2(torch.relu(self.conv1(X))) + self.shortcut(X))


def measured(net, shape, position):
    """First and last input index per axis that has a gradient from the output at `position`, weights made positive."""
    net = copy.deepcopy(net).double().eval()
    for parameter in net.parameters():
        parameter.data = parameter.data.abs() + 0.1
    X = torch.ones(shape, dtype=torch.float64, requires_grad=True)
    (grad,) = torch.autograd.grad(net(X)[(0, slice(None), *position)].sum(), X)
    places = grad[0].sum(0).nonzero()
    return tuple(places.min(0).values.tolist()), tuple(places.max(0).values.tolist())


def compare_with_gradients(net, shape):
    """Hold the last row of receptive_field to the gradients of the first, a middle and the last output."""
    last = receptive_field(net, shape)[-1]
    with torch.no_grad():
        sizes = copy.deepcopy(net).eval()(torch.zeros(shape)).shape[2:]
    for position in {tuple(0 for _ in sizes), tuple(n // 2 for n in sizes), tuple(n - 1 for n in sizes)}:
        begin = [o + i * s for o, i, s in zip(last.offset, position, last.stride, strict=True)]
        end = [b + size - 1 for b, size in zip(begin, last.size, strict=True)]
        expected = (tuple(max(b, 0) for b in begin), tuple(min(e, n - 1) for e, n in zip(end, shape[2:], strict=True)))
        assert measured(net, shape, position) == expected, position


def test_field_of_lenet():
    fields = receptive_field(lenet(), (1, 1, 28, 28))
    assert [row.size[0] for row in fields] == [5, 5, 6, 14, 14, 16]
    assert [row.stride[0] for row in fields] == [1, 1, 2, 2, 2, 4]
    assert {row.offset for row in fields} == {(-2, -2)} and [row.name for row in fields] == list("012345")
    compare_with_gradients(lenet()[:6], (1, 1, 28, 28))


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_field_of_random_chains_is_what_gradients_measure(data):
    layers, channels = [], 1
    for _ in range(data.draw(st.integers(1, 4))):
        kernel = (data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4)))
        stride = (data.draw(st.integers(1, min(2, kernel[0]))), data.draw(st.integers(1, min(2, kernel[1]))))
        if data.draw(st.booleans()):
            dilation = data.draw(st.integers(1, 2)) if stride == (1, 1) else 1
            padding = tuple(data.draw(st.integers(0, (k - 1) // 2)) for k in kernel)
            layers += [nn.Conv2d(channels, 2, kernel, stride, padding, dilation), nn.ReLU()]
            channels = 2
        else:
            layers.append(nn.AvgPool2d(kernel, stride))
    net = nn.Sequential(*layers)
    fields = receptive_field(net, (1, 1, 90, 90))
    # Dilation leaves gaps between the pixels; the field is the span from the first to the last of them.
    last = fields[-1]
    with torch.no_grad():
        size = net(torch.zeros(1, 1, 90, 90)).shape[2:]
    position = tuple(n // 2 for n in size)
    begin = tuple(o + i * s for o, i, s in zip(last.offset, position, last.stride, strict=True))
    end = tuple(b + s - 1 for b, s in zip(begin, last.size, strict=True))
    assert measured(net, (1, 1, 90, 90), position) == (begin, end)
    assert len(fields) == len(layers)


OTHERS = {
    "residual": (Residual, (1, 2, 31, 31)),
    "1d": (lambda: nn.Sequential(nn.Conv1d(1, 2, 5, 2, 2), nn.AvgPool1d(3)), (1, 1, 60)),
    "3d": (lambda: nn.Sequential(nn.Conv3d(1, 1, (1, 2, 3)), nn.AvgPool3d(2)), (1, 1, 8, 9, 10)),
    "same": (lambda: nn.Sequential(nn.Conv2d(1, 1, (4, 3), padding="same", dilation=(1, 2))), (1, 1, 12, 12)),
    "valid": (lambda: nn.Conv2d(1, 1, 3, padding="valid"), (1, 1, 9, 9)),
    "global": (lambda: nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.AdaptiveAvgPool2d(1)), (1, 1, 9, 9)),
    "adaptive": (lambda: nn.AdaptiveAvgPool2d((3, 1)), (1, 1, 9, 4)),
    "zero padding": (lambda: nn.Sequential(nn.ZeroPad2d((1, 2, 0, 1)), nn.Conv2d(1, 1, 3, 2)), (1, 1, 12, 13)),
    "batch norm": (lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU()), (1, 1, 9, 9)),
}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("build, shape", OTHERS.values(), ids=OTHERS)
def test_field_of_other_nets_is_what_gradients_measure(build, shape):
    compare_with_gradients(build(), shape)


def test_branches_take_the_field_that_holds_all():
    fields = {row.name: row for row in receptive_field(Residual(), (1, 2, 31, 31))}
    assert list(fields) == ["conv1", "conv2", "shortcut", "add"]
    assert fields["shortcut"].size == (1, 1) and fields["conv2"].size == fields["add"].size == (11, 11)
    assert fields["add"].stride == (2, 2) and fields["add"].offset == (-5, -5)


@pytest.mark.parametrize("name, size", [("alexnet", 195), ("resnet18", 435 + 6 * 32)])
def test_field_of_torchvision_nets(name, size):
    net = getattr(torchvision.models, name)(weights=None)
    assert receptive_field(net, (1, 3, 224, 224))[-1].size == (size, size)


def test_what_cannot_be_followed_is_said():
    class Branching(nn.Module):
        def forward(self, X):
            return X if X.sum() > 0 else -X

    class Joined(nn.Module):
        def __init__(self):
            super().__init__()
            self.pool = nn.AvgPool2d(4)

        def forward(self, X):
            return X * self.pool(X)

    cases = {
        "cannot trace": Branching(),
        "different size or stride meet at mul": Joined(),
        "ConvTranspose2d": nn.ConvTranspose2d(1, 1, 3, padding=1),
        "Upsample": nn.Upsample(scale_factor=2),
        "Linear": nn.Linear(4, 4),
        "AdaptiveAvgPool2d": nn.AdaptiveAvgPool2d(3),
    }
    for words, net in cases.items():
        with pytest.raises(ValueError, match=words):
            receptive_field(net, (1, 1, 4, 4))


class Excited(nn.Module):
    """Squeeze and excite, in the ways in which nets write it."""

    def __init__(self, way):
        super().__init__()
        self.way, self.conv = way, nn.Conv2d(1, 4, 3, padding=1)
        self.dense, self.pool, self.point = nn.Linear(4, 4), nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 4, 1)

    def forward(self, X):
        X = self.conv(X)
        if self.way == "mean":
            return X * self.dense(X.mean((2, 3)))[:, :, None, None]
        if self.way == "view":
            return X * self.dense(self.pool(X).flatten(1)).sigmoid().view(-1, 4, 1, 1)
        return X * self.point(self.pool(X)).sigmoid()


class Mixed(nn.Module):
    """The channels or pixels leave (N, C, H, W) on their way, and come back."""

    def __init__(self, way):
        super().__init__()
        self.way, self.conv, self.norm = way, nn.Conv2d(1, 4, 3, padding=1), nn.LayerNorm(4)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, X):
        Y = X = self.conv(X)
        if self.way == "shuffle":
            Y = X.view(X.shape[0], 2, 2, *X.shape[2:]).transpose(1, 2).reshape(X.shape)
        if self.way == "attention":
            Z = X.flatten(2).transpose(1, 2)
            Y = self.attention(Z, Z, Z)[0].transpose(1, 2).unflatten(2, X.shape[2:])
        if self.way == "chunk":
            Y = torch.cat(X.chunk(2, dim=1), dim=1)
        if self.way == "channels last":
            Y = self.norm(X.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return self.conv(Y[:, :1]) + X if self.way == "slice" else X + Y


UNKNOWN = {
    **{f"excite by {way}": Excited(way) for way in ("mean", "view", "1x1")},
    **{way: Mixed(way) for way in ("shuffle", "attention", "chunk", "channels last", "slice")},
    "softmax of rows": nn.Sequential(nn.Conv2d(1, 2, 3), nn.Softmax(2)),
    "softmax of columns": nn.Sequential(nn.Conv2d(1, 2, 3), nn.LogSoftmax(dim=-1)),
    "circular": nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular")),
}


@pytest.mark.parametrize("net", UNKNOWN.values(), ids=UNKNOWN)
def test_what_leaves_the_maps_or_mixes_them_is_refused_with_the_way_out(net):
    with pytest.raises(ValueError, match="measured_field"):
        receptive_field(net, (1, 1, 8, 8))


def test_a_map_of_one_pixel_is_not_laid_over_a_larger_one():
    class Over(nn.Module):
        def __init__(self):
            super().__init__()
            self.whole = nn.Conv2d(1, 1, 6)

        def forward(self, X):
            return X + self.whole(X)

    with pytest.raises(ValueError, match=r"different size .* \(6, 6\) and \(1, 1\)"):
        receptive_field(Over(), (1, 1, 6, 6))


def test_inputs_of_two_sizes_do_not_meet():
    class Two(nn.Module):
        def forward(self, X, Z):
            return X + torch.relu(Z)

    assert receptive_field(Two(), ((1, 1, 6, 6), (1, 1, 6, 6)))[-1].size == (1, 1)
    with pytest.raises(ValueError, match="measured_field"):
        receptive_field(Two(), ((1, 1, 6, 6), (1, 1, 1, 1)))
    assert not receptive_field(Two(), ((1, 1, 6, 6), (6,)))  # a vector has no pixels: no branches meet


@pytest.mark.parametrize("layers, size", [
    ((nn.Softmax(dim=1), nn.Conv2d(4, 1, 3)), 5), ((nn.ReLU6(), nn.AvgPool2d(2)), 4),
    ((nn.ChannelShuffle(2), nn.AvgPool2d(2)), 4), ((parametrizations.weight_norm(nn.Conv2d(4, 2, 3)),), 5),
], ids=["softmax of channels", "relu6", "shuffle", "parametrized"])  # fmt: skip
def test_layers_that_stay_in_place_are_followed(layers, size):
    net = nn.Sequential(nn.Conv2d(1, 4, 3), *layers)
    assert receptive_field(net, (1, 1, 12, 12))[-1].size == (size, size)
    compare_with_gradients(net, (1, 1, 12, 12))


def test_forward_by_keyword_and_what_it_keeps():
    class Keyword(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.kept = nn.Conv2d(1, 1, 3, stride=2), []

        def forward(self, *, input, again=False):
            self.kept.append(input)
            return self.conv(input=self.conv(input=input))

    net = Keyword()
    assert [row.size for row in receptive_field(net, {"input": (1, 1, 20, 20)})] == [(3, 3), (7, 7)]
    assert net.kept == []
