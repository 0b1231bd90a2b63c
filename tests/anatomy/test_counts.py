"""helpers.anatomy against known counts, torch's own counter, and receptive fields measured by gradients."""

import copy

import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from helpers.anatomy import describe_net, receptive_field


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10),
    )  # fmt: skip


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(2, 4, 3, stride=2, padding=1), nn.Conv2d(4, 4, 5, padding=2)
        self.shortcut = nn.Conv2d(2, 4, 1, stride=2)

    def forward(self, X):
        return torch.relu(self.conv2(torch.relu(self.conv1(X))) + self.shortcut(X))


def flops(net, shape):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(torch.zeros(shape))
    return counter.get_total_flops()


def test_lenet():
    table = describe_net(lenet(), (1, 1, 28, 28))
    assert (table.params, table.multiply_adds) == (61_706, 416_520)
    assert [row.params for row in table if row.params] == [156, 2416, 48_120, 10_164, 850]
    assert [row.multiply_adds for row in table if row.params] == [117_600, 240_000, 48_000, 10_080, 840]
    assert table[3].output_shape == (1, 16, 10, 10) and table[3].type == "Conv2d" and table[3].name == "3"
    assert table[0].activation_bytes == 4 * 6 * 28 * 28 and table[6].activation_bytes == 0  # flatten is a view
    assert table.activation_bytes == sum(row.activation_bytes for row in table) and table.uncounted == []


@pytest.mark.parametrize("name, params", [("alexnet", 61_100_840), ("resnet18", 11_689_512)])
def test_torchvision_nets(name, params):
    net, shape = getattr(torchvision.models, name)(weights=None), (1, 3, 224, 224)
    table = describe_net(net, shape)
    assert table.params == sum(row.params for row in table) == params
    assert 2 * table.multiply_adds == flops(net.eval(), shape)


LAYERS = {
    "conv1d": (lambda: nn.Conv1d(4, 6, 5, stride=2, padding=1, groups=2), (3, 4, 20)),
    "conv2d": (lambda: nn.Conv2d(4, 8, (3, 2), stride=(1, 2), dilation=2, groups=4), (2, 4, 11, 9)),
    "conv3d": (lambda: nn.Conv3d(2, 3, (1, 2, 3), padding=1), (2, 2, 4, 5, 6)),
    "transposed1d": (lambda: nn.ConvTranspose1d(4, 6, 4, stride=2, groups=2), (2, 4, 7)),
    "transposed2d": (lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1), (2, 4, 5, 6)),
    "transposed3d": (lambda: nn.ConvTranspose3d(2, 3, 2, stride=2), (1, 2, 3, 3, 3)),
    "linear": (lambda: nn.Linear(7, 5), (2, 3, 7)),
}


@pytest.mark.parametrize("build, shape", LAYERS.values(), ids=LAYERS)
def test_multiply_adds_are_half_the_flops(build, shape):
    net = build()
    table = describe_net(net, shape)
    assert 2 * table.multiply_adds == flops(net, shape) > 0
    assert table[0].output_shape == tuple(net(torch.zeros(shape)).shape)


def test_counts_grow_with_the_batch():
    one, eight = (describe_net(lenet(), (n, 1, 28, 28)) for n in (1, 8))
    assert eight.multiply_adds == 8 * one.multiply_adds
    assert eight.activation_bytes == 8 * one.activation_bytes and eight.params == one.params


def test_a_layer_used_twice():
    shared = nn.Linear(5, 5)
    table = describe_net(nn.Sequential(shared, nn.ReLU(), shared), (2, 5))
    assert [(row.name, row.params, row.multiply_adds) for row in table] == [("0", 30, 50), ("1", 0, 0), ("0", 0, 50)]
    assert table.params == 30 and table.multiply_adds == 100


def test_weights_tied_between_layers_count_once():
    net = nn.Sequential(nn.Linear(5, 5, bias=False), nn.Linear(5, 5, bias=False))
    net[1].weight = net[0].weight
    assert describe_net(net, (1, 5)).params == 25


def test_shared_memory_counts_once():
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(inplace=True), nn.Dropout(), nn.Flatten(), nn.ReLU())
    assert [row.activation_bytes for row in describe_net(net, (1, 1, 4, 4))] == [128, 0, 0, 0, 128]
    assert describe_net(net.double(), (1, 1, 4, 4))[0].activation_bytes == 256


def test_unused_and_unknown_layers_are_said():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale, self.used, self.unused = nn.Parameter(torch.ones(3)), nn.Linear(3, 3), nn.Linear(3, 9)

        def forward(self, X):
            return self.used(X) @ torch.diag(self.scale)

    table = describe_net(Odd(), (1, 3))
    assert [(row.name, row.output_shape, row.params) for row in table] == [
        ("used", (1, 3), 12), ("net", (1, 3), 3), ("unused", None, 36)]  # fmt: skip
    assert table.params == 51 and table.uncounted == ["net"] and "9 + ?" in repr(table)


def test_outputs_that_are_tuples():
    table = describe_net(nn.LSTM(3, 4), (5, 2, 3))
    assert table[0].output_shape == (5, 2, 4) and table.uncounted == ["net"]
    assert table[0].activation_bytes == 4 * (5 * 2 * 4 + 2 * 4 + 2 * 4)


def test_nothing_about_the_net_changes():
    inner = nn.Sequential(nn.ReLU(), nn.Conv2d(2, 2, 3)).eval()
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(), inner)
    before, modes = copy.deepcopy(net.state_dict()), [module.training for module in net.modules()]
    random_state = torch.get_rng_state()
    describe_net(net, (2, 1, 8, 8)), receptive_field(net, (2, 1, 8, 8))
    with pytest.raises(ValueError, match=r"\(2, 3, 8, 8\).*channels"):
        describe_net(net, (2, 3, 8, 8))
    assert [module.training for module in net.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in net.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())
    assert torch.equal(torch.get_rng_state(), random_state) and type(net) is nn.Sequential


def test_random_state_survives_a_net_that_draws():
    class Noise(nn.Module):
        def forward(self, X):
            return X + torch.randn(3)

    random_state = torch.get_rng_state()
    describe_net(Noise(), (1, 3))
    assert torch.equal(torch.get_rng_state(), random_state)


def test_a_net_on_the_meta_device_costs_nothing():
    with torch.device("meta"):
        net = nn.Sequential(nn.Flatten(), nn.Linear(36_000_000, 100))
    table = describe_net(net, (1, 3, 3000, 4000))
    assert table.params == 3_600_000_100 and table.multiply_adds == 3_600_000_000
    assert [row.activation_bytes for row in table] == [0, 400]


def test_lazy_layers_stay_lazy():
    net = nn.Sequential(nn.LazyLinear(3))
    for function in (describe_net, receptive_field):
        with pytest.raises(ValueError, match="call it once"):
            function(net, (1, 5))
    assert nn.parameter.is_lazy(net[0].weight)


def test_tables_print():
    table, fields = describe_net(lenet(), (1, 1, 28, 28)), receptive_field(lenet(), (1, 1, 28, 28))
    lines = repr(table).splitlines()
    assert len(lines) == 14 and lines[-1].split() == ["total", "61,706", "416,520", f"{table.activation_bytes:,}"]
    assert "1 × 6 × 28 × 28" in lines[1] and "117,600" in lines[1]
    assert table._repr_html_().count("<tr>") == 14 and "61,706" in table._repr_html_()
    assert "16 × 16" in repr(fields).splitlines()[-1] and fields[-1].size == (16, 16)
    assert repr(describe_net(nn.Sequential(), (1, 3)))


# Receptive field ---------------------------------------------------------------------------------------------


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
        "different stride": Joined(),
        "ConvTranspose2d": nn.ConvTranspose2d(1, 1, 3, padding=1),
        "Upsample": nn.Upsample(scale_factor=2),
        "Linear": nn.Linear(4, 4),
        "AdaptiveAvgPool2d": nn.AdaptiveAvgPool2d(3),
    }
    for words, net in cases.items():
        with pytest.raises(ValueError, match=words):
            receptive_field(net, (1, 1, 4, 4))


BAD = {
    "kernel": (nn.Conv2d(1, 2, 5), (1, 1, 4, 4), ValueError, r"\(1, 1, 4, 4\).*\(4 x 4\).*\(5 x 5\).*smaller kernel"),
    "pool": (nn.MaxPool2d(5), (1, 1, 4, 4), ValueError, "4x4.* larger pictures or a smaller window"),
    "stride 0": (nn.Sequential(nn.Conv2d(1, 2, 3, stride=0)), (1, 1, 8, 8), ValueError,
                 r"Conv2d \(0\) has stride=\(0, 0\), make it at least 1"),
    "stride -1": (nn.AvgPool2d(2, stride=-1), (1, 1, 8, 8), ValueError, "AvgPool2d has stride=-1, make it at least 1"),
    "padding": (nn.Conv2d(1, 2, 3, padding=-1), (1, 1, 8, 8), ValueError, r"padding=\(-1, -1\), make it at least 0"),
    "channels": (nn.Conv2d(1, 2, 3), (1, 3, 8, 8), ValueError, "takes 1 channels, build it with in_channels=3"),
    "empty batch": (nn.Conv2d(1, 2, 3), (0, 1, 8, 8), ValueError, r"\(0, 1, 8, 8\), each number must be at least 1"),
    "negative size": (nn.Conv2d(1, 2, 3), (1, 1, -8, 8), ValueError, "each number must be at least 1"),
    "fraction": (nn.Conv2d(1, 2, 3), (1, 1, 8.5, 8), TypeError, "8.5.* must be whole numbers"),
    "one number": (nn.Conv2d(1, 2, 3), 8, TypeError, "input_shape is 8, must be whole"),
}


@pytest.mark.parametrize("function", [describe_net, receptive_field])
@pytest.mark.parametrize("net, shape, error, words", BAD.values(), ids=BAD)
def test_bad_input_is_named(function, net, shape, error, words):
    with pytest.raises(error, match=words):
        function(net, shape)


def test_a_field_needs_the_batch_axis():
    with pytest.raises(ValueError, match=r"Conv2d needs 2 axes after \(N, C\), the input has 1"):
        receptive_field(nn.Conv2d(1, 2, 3), (1, 8, 8))
    sizes = torch.Size([1, 1, 8, 8])
    assert describe_net(nn.Conv2d(1, 2, 3), sizes)[0].output_shape == (1, 2, 6, 6)
