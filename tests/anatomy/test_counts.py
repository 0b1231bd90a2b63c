"""helpers.anatomy.describe_net against known counts and torch's own counter."""

import copy
import threading

import pytest
import torch
import torchvision
from torch import nn
from torch.nn.utils import parametrizations
from torch.utils.flop_counter import FlopCounterMode

from helpers.anatomy import describe_net, receptive_field

from ..torchvision_nets import FAMILIES, check_counts


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10),
    )  # fmt: skip


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


@pytest.mark.parametrize("name", FAMILIES)
def test_one_of_each_of_torchvisions_families(name):
    check_counts(name)


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
    assert table.params == 51 and table.uncounted == [] and table.multiply_adds == 18  # the product of matrices too


def test_what_nobody_can_count_is_said():
    class Deformed(nn.Module):
        def __init__(self):
            super().__init__()
            self.offset, self.deformed = nn.Conv2d(1, 18, 3), torchvision.ops.DeformConv2d(1, 2, 3)

        def forward(self, X):
            return self.deformed(X, self.offset(X))

    table = describe_net(Deformed(), (1, 1, 6, 6))
    assert table.uncounted == ["deformed"] and table.multiply_adds == 16 * 9 * 18 and "2,592 + ?" in repr(table)
    assert describe_net(nn.Bilinear(3, 4, 5), ((2, 3), (2, 4))).uncounted == ["net"]


@pytest.mark.parametrize("options", [{}, {"bidirectional": True, "num_layers": 2}, {"proj_size": 2}])
def test_recurrent_layers_count_each_step(options):
    layer = nn.LSTM(3, 4, **options)
    table = describe_net(layer, (5, 2, 3))
    matrices = sum(weight.numel() for name, weight in layer.named_parameters() if "weight" in name)
    assert table.multiply_adds == 5 * 2 * matrices and table.uncounted == []
    steps = nn.LSTMCell(3, 4)
    assert describe_net(nn.LSTM(3, 4), (1, 2, 3)).multiply_adds == describe_net(steps, (2, 3)).multiply_adds


def test_outputs_that_are_tuples():
    table = describe_net(nn.LSTM(3, 4), (5, 2, 3))
    assert table[0].output_shape == (5, 2, 4)
    assert table[0].activation_bytes == 4 * (5 * 2 * 4 + 2 * 4 + 2 * 4)


class Attention(nn.Module):
    """Self-attention over the pixels, by torch's function or by hand, and a projection by name."""

    def __init__(self, fused):
        super().__init__()
        self.fused, self.to_qkv, self.out = fused, nn.Conv2d(4, 12, 1), nn.Conv2d(4, 4, 1)

    def forward(self, X):
        q, k, v = self.to_qkv(input=X).flatten(2).transpose(1, 2).chunk(3, dim=-1)
        weights = torch.einsum("nic,njc->nij", q, k).softmax(-1) if not self.fused else None
        Y = nn.functional.scaled_dot_product_attention(q, k, v) if self.fused else weights @ v
        return X + self.out(input=Y.transpose(1, 2).reshape(X.shape))


@pytest.mark.parametrize("fused", [True, False])
def test_products_without_a_layer_count_where_they_stand(fused):
    table = describe_net(Attention(fused), (2, 4, 5, 6))
    assert [(row.name, row.multiply_adds) for row in table] == [
        ("to_qkv", 2 * 12 * 4 * 30), ("out", 2 * 4 * 4 * 30), ("net", 2 * 2 * 30 * 30 * 4)]  # fmt: skip
    assert table[-1].params == 0 and not table.uncounted


def test_attention_of_torch_counts_whole():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    products = 3 * 10 * (8 * 24 + 8 * 8 + 2 * 8 * 16) + 3 * 2 * 10 * 10 * 8
    fast = torch.backends.mha.get_fastpath_enabled()
    assert describe_net(layer, (3, 10, 8)).multiply_adds == products
    assert torch.backends.mha.get_fastpath_enabled() == fast


def test_calls_past_the_hooks_are_not_lost():
    class Past(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.dense = nn.Conv2d(1, 2, 3), nn.Linear(4, 3)

        def forward(self, X):
            return nn.functional.linear(self.conv.forward(X), self.dense.weight)

    table = describe_net(Past(), (1, 1, 6, 6))
    assert table.multiply_adds == 2 * 16 * 9 + 2 * 4 * 4 * 3 and table.params == 20 + 15
    assert [(row.name, row.output_shape) for row in table] == [
        ("net", (1, 2, 4, 3)), ("conv", None), ("dense", None)]  # fmt: skip


@pytest.mark.parametrize("wrap", [parametrizations.weight_norm, parametrizations.spectral_norm,
                                  parametrizations.orthogonal])  # fmt: skip
@pytest.mark.parametrize("bias", [True, False])
def test_a_parametrized_layer_is_one_layer(wrap, bias):
    net = nn.Sequential(wrap(nn.Conv2d(2, 3, 3, bias=bias)), nn.ReLU(), wrap(nn.Linear(4, 4, bias=bias)))
    table = describe_net(net, (1, 2, 6, 6))
    assert [(row.name, row.type, row.multiply_adds) for row in table] == [
        ("0", "Conv2d", 3 * 16 * 18), ("1", "ReLU", 0), ("2", "Linear", 3 * 4 * 4 * 4)]  # fmt: skip
    assert table.params == sum(row.params for row in table) == sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize("whole", [True, False])
def test_a_compiled_net_that_has_run(whole):
    inner = lenet()
    net = torch.compile(inner, backend="eager") if whole else inner
    if not whole:
        inner[3] = torch.compile(inner[3], backend="eager")
    net(torch.zeros(1, 1, 28, 28))
    assert list(describe_net(net, (1, 1, 28, 28))) == list(describe_net(lenet(), (1, 1, 28, 28)))
    assert list(receptive_field(net, (1, 1, 28, 28))) == list(receptive_field(lenet(), (1, 1, 28, 28)))
    if whole:
        inner.compile(backend="eager")
        assert describe_net(inner, (1, 1, 28, 28)).multiply_adds == 416_520


def test_a_scripted_net_is_refused():
    net = torch.jit.trace(nn.Sequential(nn.Conv2d(1, 2, 3)), torch.zeros(1, 1, 8, 8))
    for function in (describe_net, receptive_field):
        with pytest.raises(ValueError, match="scripted"):
            function(net, (1, 1, 8, 8))


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.picture, self.mask = nn.Conv2d(3, 2, 3), nn.Conv2d(1, 2, 3)

    def forward(self, picture, mask, scale=2):
        return scale * (self.picture(picture) + self.mask(mask))


class Entry(Pair):
    def forward(self, batch):
        return super().forward(batch["picture"], batch["mask"])


@pytest.mark.parametrize("net, several", [
    (Pair(), ((1, 3, 8, 8), (1, 1, 8, 8))), (Pair(), [(1, 3, 8, 8), (1, 1, 8, 8)]),
    (Pair(), {"mask": (1, 1, 8, 8), "picture": (1, 3, 8, 8)}),
    (Entry(), {"picture": (1, 3, 8, 8), "mask": [1, 1, 8, 8]}),
])  # fmt: skip
def test_several_inputs(net, several):
    assert describe_net(net, several).multiply_adds == 2 * 36 * (27 + 9)
    fields = receptive_field(net, several)
    assert [row.type for row in fields] == ["Conv2d", "Conv2d", "add"] and {row.size for row in fields} == {(3, 3)}
    with pytest.raises(ValueError, match="channels"):
        describe_net(Pair(), ((1, 1, 8, 8), (1, 1, 8, 8)))


def test_what_a_net_keeps_stays_its_own():
    class Keeper(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.lock, self.kept = nn.Conv2d(1, 2, 3), threading.Lock(), []
            self.squared = lambda X: self.conv(X) ** 2

        def forward(self, X):
            with self.lock:
                self.kept.append(self.squared(X))
            return self.kept[-1]

    net = Keeper()
    net(torch.zeros(1, 1, 8, 8))
    assert describe_net(net, (1, 1, 8, 8)).multiply_adds == 2 * 36 * 9 and len(net.kept) == 1
    assert [row.name for row in describe_net(net, (1, 1, 8, 8))] == ["conv"]


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
    "a tensor": (nn.Conv2d(1, 2, 3), torch.zeros(1, 1, 8, 8), TypeError, r"input_shape is tensor.* must be whole"),
    "no input": (nn.Conv2d(1, 2, 3), {}, ValueError, "conv2d"),
    "one number": (nn.Conv2d(1, 2, 3), 8, TypeError, "input_shape is 8, must be whole"),
}


@pytest.mark.parametrize("function", [describe_net, receptive_field])
@pytest.mark.parametrize("net, shape, error, words", BAD.values(), ids=BAD)
def test_bad_input_is_named(function, net, shape, error, words):
    with pytest.raises(error, match=words) as caught:
        function(net, shape)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_a_field_needs_the_batch_axis():
    with pytest.raises(ValueError, match=r"Conv2d needs 2 axes after \(N, C\), the input has 1"):
        receptive_field(nn.Conv2d(1, 2, 3), (1, 8, 8))
    sizes = torch.Size([1, 1, 8, 8])
    assert describe_net(nn.Conv2d(1, 2, 3), sizes)[0].output_shape == (1, 2, 6, 6)
