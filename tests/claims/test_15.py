"""What lesson 15 says but does not show: claims that circulate, numbers in its text, answers to learners' questions."""

import inspect
import itertools
import math

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from helpers import describe_net, load_data_fashion_mnist, output_size, recipe, train_ch6
from helpers.exercises import find
from helpers.networks import bn_lenet, lenet
from helpers.scaling import clock, levers
from helpers.scaling.sync_batch_norm import synchronised
from helpers.training.execution import Execution
from helpers.training.guards import gains_by_channels_last
from helpers.widgets import RooflineExplorer
from helpers.widgets.nets.roofline_layers import Convolution

from ..claims import definitions_of

CPU = torch.device("cpu")
OWN = {"channels": 32, "kernel_size": 3, "side": 28, "batch_size": 4, "depthwise": False, "dtype": "float32"}
SIZES_AND_RATES = (32, 0.01), (256, 0.01), (256, 0.08)


@pytest.fixture(scope="module")
def lesson():
    """What the lesson imports and defines."""
    names = definitions_of("15_scaling_up")
    names.update(device=CPU)
    return names


@pytest.fixture(scope="module")
def pictures():
    """A thousand training pictures, in batches of 64."""
    return load_data_fashion_mnist(64, num_train=1_000, num_test=10, device="cpu")[0]


def test_the_hour_is_what_nine_tenths_of_32_times_the_devices_leave_of_29():
    assert 256 / 8 == 32 and 0.95 < 29 / (0.9 * 32) < 1.05


# Where do the seconds go? ---------------------------------------------------------------------------------


def test_sums_depend_on_their_order():
    a, b, c = torch.tensor([1e8, -1e8, 1.0])
    assert (a + b) + c == 1 and a + (b + c) == 0


def test_results_agree_up_to_rounding_and_not_bit_for_bit():
    X, K = torch.randn(8, 16, 28, 28), torch.randn(32, 16, 3, 3)
    exact = F.conv2d(X.double(), K.double())
    off = (F.conv2d(X, K) - exact).abs().max() / exact.abs().max()
    assert 0 < off < 1e-5


def test_the_clock_waits_for_a_device_with_a_queue_and_not_for_a_cpu(monkeypatch):
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: waited.append("cuda"))
    monkeypatch.setattr(torch.mps, "synchronize", lambda: waited.append("mps"))
    for place in ("cpu", "cuda", "mps"):
        clock(torch.device(place))
    assert waited == ["cuda", "mps"]


def test_amdahls_law(lesson):
    amdahl, forever = lesson["amdahl"], float("inf")
    assert amdahl(0.5, forever) == 2 and amdahl(0.1, forever) == pytest.approx(1.11, abs=0.01)
    for p, s in itertools.product((0.1, 0.5, 0.9), (1, 2, 100)):
        assert amdahl(p, s) <= 1 / (1 - p) and amdahl(p, s) == pytest.approx(1 / (p / s + 1 - p))
    assert f"guess = {[2, round(amdahl(0.5, 4), 3)]}" == find("15.p1").solution


def test_the_stopwatch_gives_each_operation_its_seconds_by_name(lesson, monkeypatch):
    ticks = itertools.count()  # a clock that ticks once a look
    monkeypatch.setitem(lesson, "clock", lambda device: next(ticks))
    net, X = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3)), torch.randn(1, 1, 8, 8)
    wanted = net(X)
    for calls in (1, 10):
        with lesson["StopWatch"](calls) as watch:
            found = net(X)
            found.sum().backward()
        assert torch.equal(found, wanted)
        assert watch.spent["convolution"] == watch.spent["convolution_backward"] == pytest.approx(2 / calls)
        assert watch.spent["relu"] == pytest.approx(1 / calls)


def test_backward_has_twice_the_multiply_adds_of_a_convolution():
    X, layer = torch.randn(2, 3, 9, 9, requires_grad=True), nn.Conv2d(3, 4, 3)
    with FlopCounterMode(display=False) as forward:
        Y = layer(X)
    with FlopCounterMode(display=False) as backward:
        Y.sum().backward()
    assert backward.get_total_flops() == 2 * forward.get_total_flops() > 0


# How fast could it be? ------------------------------------------------------------------------------------


def test_what_is_no_convolution_hardly_multiplies_and_moves_bytes_all_the_same():
    rows = list(describe_net(recipe("resnet18", "cpu").build(), (64, 1, 32, 32)))
    others = [row for row in rows if row.type not in ("Conv2d", "Linear")]
    assert all(row.multiply_adds == 0 for row in others)
    assert sum(row.activation_bytes for row in others) > sum(row.activation_bytes for row in rows) / 2


def test_flops_count_a_multiply_add_as_two():
    with FlopCounterMode(display=False) as counted:
        torch.ones(3, 4) @ torch.ones(4, 5)
    assert counted.get_total_flops() == 2 * 3 * 4 * 5


def test_the_work_and_the_bytes_of_the_layer():
    layer, X = nn.Conv2d(32, 32, 3, padding=1, bias=False), torch.zeros(4, 32, 28, 28)
    work = describe_net(layer, X.shape).multiply_adds
    moved = 4 * (X.numel() + layer(X).numel() + layer.weight.numel())
    assert f"guess = {[work, moved]}" == find("15.p2").solution and work / moved == pytest.approx(34.42, abs=0.01)


@pytest.fixture(scope="module")
def explorer():
    """An explorer whose device does 70 G/s from 14 GB/s of memory, and each layer in a millisecond."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Convolution, "seconds", lambda *key: 1e-3)
        patch.setattr("helpers.widgets.nets.roofline_explorer.peak_rate", lambda *args, **options: 70e9)
        patch.setattr("helpers.widgets.nets.roofline_explorer.copy_rate", lambda *args, **options: 14e9)
        yield RooflineExplorer(CPU)


def seen(explorer, **change):
    return explorer.update(**OWN | change).result


def test_a_depthwise_layer_has_a_thirtieth_of_the_intensity_and_memory_limits_it(explorer):
    full, depthwise = seen(explorer), seen(explorer, depthwise=True)
    assert 33 < full["intensity"] < 35 and 1 < depthwise["intensity"] < 1.2
    assert (full["limited_by"], depthwise["limited_by"]) == ("arithmetic", "memory")
    assert full["multiply_adds"] == 32 * depthwise["multiply_adds"]
    gain = full["multiply_adds"] / full["roof"] * depthwise["roof"] / depthwise["multiply_adds"]
    assert gain < 32  # at best, in time


def test_a_window_of_one_uses_a_number_once_instead_of_nine_times(explorer):
    three, one = seen(explorer), seen(explorer, kernel_size=1)
    assert 8 < three["intensity"] / one["intensity"] < 9 and one["bytes"] > 0.95 * three["bytes"]


def test_16_bits_are_half_the_bytes(explorer):
    assert seen(explorer, dtype="bfloat16")["intensity"] == 2 * seen(explorer)["intensity"]


def test_the_call_limits_a_tiny_layer_and_a_batch_shares_it():
    tiny, batch = (Convolution(1, 1, 3, 7, size) for size in (1, 16))
    assert tiny.multiply_adds == 49 * 9 == 441
    rates = [layer.multiply_adds / layer.seconds(CPU, torch.float32) for layer in (tiny, batch)]
    assert rates[1] > 3 * rates[0] and rates[0] < levers.matmul_rate(CPU, side=256, seconds=0.05) / 10


# The levers -----------------------------------------------------------------------------------------------


def test_there_is_nothing_to_decode_and_nothing_to_copy(pictures):
    assert round(60_000 * 28 * 28 / 1e6) == 47
    X, y = pictures.batch(range(4))
    assert pictures.images.dtype == torch.uint8 and X.device == y.device == pictures.images.device


def trained(pictures, batch_size, lr, seed, **options):
    """Train LeNet with ReLU on 4,000 pictures, as the lesson does; return its history."""
    batches = levers.loader(pictures, levers.Levers(in_memory=True, batch_size=batch_size))
    torch.manual_seed(seed)
    net = lenet(activation=nn.ReLU, pooling=nn.MaxPool2d)
    return train_ch6(net, batches, pictures, 4, lr, "cpu", seed=seed, live=False, **options)


@pytest.mark.parametrize("seed", range(3))
def test_the_learning_rate_grows_with_the_batch(pictures, seed):
    small, slow, scaled = (trained(pictures, size, lr, seed).loss[-1] for size, lr in SIZES_AND_RATES)
    assert small < slow - 0.2 and scaled < slow - 0.2


def test_channels_last_changes_the_steps_and_nothing_else():
    X = torch.arange(24).reshape(1, 3, 2, 4)
    last = X.to(memory_format=torch.channels_last)
    assert torch.equal(X, last) and X.shape == last.shape
    assert X.stride() == (24, 8, 4, 1) and last.stride() == (24, 1, 12, 3)
    assert last.permute(0, 2, 3, 1).flatten().tolist() == [8 * c + p for p in range(8) for c in range(3)]


def test_which_nets_take_channels_last_on_a_cpu():
    X = torch.randn(2, 1, 28, 28)
    assert gains_by_channels_last(lenet(), X, CPU) and not gains_by_channels_last(bn_lenet(), X, CPU)


def test_what_16_bits_lose():
    def kept(number, dtype):
        return torch.tensor(number, dtype=dtype).item()

    assert kept(1.003, torch.bfloat16) == 1 != kept(1.003, torch.float16)
    assert kept(1e-8, torch.float16) == 0 != kept(1e-8, torch.bfloat16)
    assert kept(1e5, torch.float16) == math.inf > kept(1e5, torch.bfloat16)
    for dtype, exponent, behind in ((torch.float32, 8, 23), (torch.bfloat16, 8, 7), (torch.float16, 5, 10)):
        info = torch.finfo(dtype)
        assert info.eps == 2**-behind and info.bits == 1 + exponent + behind
        assert math.log2(info.max) == pytest.approx(2 ** (exponent - 1), abs=0.01)


def test_where_a_weight_ends_after_a_thousand_small_steps():
    ends = []
    for dtype in (torch.float32, torch.bfloat16):
        weight = torch.ones((), dtype=dtype)
        for _ in range(1_000):
            weight += 0.001
        ends.append(weight.item())
    assert abs(ends[0] - 2) < 1e-3 and ends[1] == 1
    assert f"guess = {[round(end) for end in ends]}" == find("15.p3").solution


def test_loss_scaling_keeps_the_digits_of_small_gradients():
    gradient = torch.tensor([3e-8, 2e-5, 1e-3])
    lost = gradient.half().float()
    kept = (gradient * 2**16).half().float() / 2**16
    assert lost[0] != 0 and abs(lost[0] / gradient[0] - 1) > 0.5  # only the last bit of float16 is left
    assert torch.allclose(kept, gradient, rtol=1e-3, atol=0)


def test_mixed_precision_keeps_weights_and_loss_in_32_bits():
    net = lenet(activation=nn.ReLU)
    logits, loss = Execution(net, CPU, amp=True).forward(torch.randn(2, 1, 28, 28), torch.arange(2))
    loss.backward()
    assert logits.dtype == torch.bfloat16 and loss.dtype == torch.float32
    assert all(p.dtype == p.grad.dtype == torch.float32 for p in net.parameters())


@pytest.mark.parametrize("seed", range(3))
def test_mixed_precision_costs_no_accuracy(pictures, seed):
    plain, mixed = (trained(pictures, 32, 0.05, seed, amp=amp) for amp in (False, True))
    assert plain.loss != mixed.loss and abs(plain.loss[-1] - mixed.loss[-1]) < 0.15
    assert abs(plain.test_acc[-1] - mixed.test_acc[-1]) < 0.1


def test_gains_alone_do_not_multiply(lesson):
    both = 1 / (0.5 / 4 + 0.5 / 4)  # each half 4 times faster
    assert both == 4 and lesson["amdahl"](0.5, 4) == 1.6 and both > 1.6**2
    shared = 1 / (0.5 + 0.5 / 4 / 4)  # both on the same half
    assert shared < 1.6**2


# A kernel of our own --------------------------------------------------------------------------------------


def test_the_tiles_of_the_output(lesson):
    size, X, K = lesson["BLOCK"], (2, 40, 9, 11), (36, 40, 3, 2)
    H, W = (output_size(n, k, stride=s, padding=p) for n, k, s, p in zip(X[2:], K[2:], (2, 1), (1, 2), strict=True))
    tiles = [math.ceil(H * W / size), math.ceil(K[0] / size)]
    assert size == 32 and (H, W) == (5, 14)
    assert f"guess = {[*tiles, tiles[0] * tiles[1] * X[0]]}" == find("15.p4").solution


def test_the_kernel_is_as_the_text_reads_it(lesson):
    kernel = lesson["corr2d_kernel"]
    source = inspect.getsource(getattr(kernel, "fn", kernel))
    words = "tl.program_id", "tl.arange", "for i in range(KH)", "for j in range(KW)", "other=0.0", "tl.dot", "total +="
    assert all(word in source for word in words)
    assert source.count("tl.store") == 1 and source.index("tl.store") > source.index("total +=")


# Several processes ----------------------------------------------------------------------------------------


def test_gradients_count_by_the_pictures(lesson, pictures):
    net = lenet(activation=nn.ReLU)
    whole = lesson["gradient"](net, *pictures.batch(range(48)))
    assert whole.shape == (sum(p.numel() for p in net.parameters()),)
    plain, weighted = (lesson["distance"](net, pictures, 16, weights) for weights in ((1 / 2, 1 / 2), (1 / 3, 2 / 3)))
    assert weighted < 1e-4 < 0.01 < plain


def test_halves_with_batch_norms_of_their_own_have_another_gradient_the_more_norms_the_farther(lesson, pictures):
    large, _ = recipe("resnet18", "cpu", num_train=100, num_test=10).load()
    deep, shallow, norms = [], [], (nn.BatchNorm1d, nn.BatchNorm2d)
    for seed in range(5):
        torch.manual_seed(seed)
        nets = recipe("resnet18", "cpu").build(), bn_lenet()
        for net, found, data in zip(nets, (deep, shallow), (large, pictures), strict=True):
            found.append(lesson["distance"](net, data, 24, (1 / 2, 1 / 2)))
    assert [sum(isinstance(layer, norms) for layer in net.modules()) for net in nets] == [17, 4]
    assert 0.7 < min(deep) and max(deep) < 1.5 and 0.1 < min(shallow) and max(shallow) < 0.3


def test_batch_norms_share_their_statistics_in_two_talks_a_layer(monkeypatch):
    """Of two processes that hold the same slice: what each sends, forward and backward."""
    talks, X = [], torch.randn(4, 5, 6, 6, requires_grad=True)
    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    monkeypatch.setattr(dist, "get_world_size", lambda: 2)
    monkeypatch.setattr(dist, "all_gather", lambda into, own: [talks.append(own.shape), *(s.copy_(own) for s in into)])
    monkeypatch.setattr(dist, "all_reduce", lambda sums: [talks.append(sums.shape), sums.mul_(2)])
    Y = synchronised(nn.BatchNorm2d(5))(X)
    (Y**3).sum().backward()
    assert talks == [(3, 5), (2, 5)]  # mean, variance and how many there are; two sums per channel


@pytest.mark.parametrize("p", [2, 3, 4, 7])
def test_the_ring_adds_up_and_sends_less_than_twice_the_vector(lesson, p):
    vectors = torch.randn(p, p, 2)
    states, sent = lesson["ring"](vectors)
    torch.testing.assert_close(states[-1], vectors.sum(dim=0).expand(p, p, 2))
    done = (states[p - 1] - vectors.sum(dim=0)).abs().amax(dim=2) < 1e-4
    assert done.sum(dim=1).tolist() == [1] * p, "after p - 1 rounds each holds one finished piece"
    assert len(states) - 1 == 2 * (p - 1) and sent == 2 * (p - 1) / p * vectors[0].numel() < 2 * vectors[0].numel()
    if p == 4:
        assert f"guess = {[len(states) - 1, sent]}" == find("15.p5").solution


# Search ---------------------------------------------------------------------------------------------------


def test_what_the_search_took():
    assert 800 * 28 == 22_400


# Questions learners ask -----------------------------------------------------------------------------------


@pytest.mark.parametrize("net", ["lenet", "alexnet", "resnet18"])
def test_the_cpu_profile_is_slimmer(net):
    slim, full = recipe(net, "cpu"), recipe(net, "gpu")
    assert slim.num_epochs < full.num_epochs and slim.input_shape[-1] <= full.input_shape[-1]
    assert slim.options.get("width", 1) <= full.options.get("width", 1)


def test_four_times_the_batch_halves_the_noise(lesson, pictures):
    net, scatter = lenet(activation=nn.ReLU), {}
    for size in (16, 64):
        rows = (range(i * size, (i + 1) * size) for i in range(14))
        draws = torch.stack([lesson["gradient"](net, *pictures.batch(part)) for part in rows])
        scatter[size] = draws.std(dim=0).norm().item()
    assert 1.5 < scatter[16] / scatter[64] < 2.7


def test_starting_kernels_takes_longer_than_lenets_arithmetic():
    work = 3 * 64 * describe_net(lenet(), (1, 1, 28, 28)).multiply_adds
    assert 79e6 < work < 81e6 and 2e-6 < work / 30e12 < 3e-6
    assert 60 * 5e-6 / (work / 30e12) > 100


def test_half_makes_the_weights_16_bit_numbers_and_loses_small_steps():
    assert all(weight.dtype == torch.float16 for weight in lenet().half().parameters())
    assert torch.tensor(1.0).half() + 0.0004 == 1 and torch.tensor(1.0) + 0.0004 != 1


def test_twelve_bytes_a_parameter_before_the_first_activation():
    net = recipe("resnet18", "gpu").build()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net(torch.randn(2, 1, 32, 32)).sum().backward()
    optimizer.step()
    held = [(p, p.grad, optimizer.state[p]["momentum_buffer"]) for p in net.parameters()]
    total = sum(tensor.nbytes for three in held for tensor in three)
    assert total == 12 * sum(p.numel() for p in net.parameters()) and round(total / 1e6) == 134
