"""train_ch6, its guards and its history: the book's own result, whole steps, a picture, a sentence per failure."""

import base64
import io
import math
import re
import signal
import sys
import threading
import time
import xml.etree.ElementTree as ET
from queue import Empty

import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from helpers.data import ImageBatches
from helpers.drawing import svg
from helpers.networks import BatchNorm
from helpers.training import (
    Cosine,
    evaluate_accuracy,
    evaluate_accuracy_gpu,
    profile,
    train_ch6,
    train_epoch,
    try_gpu,
)
from helpers.training import history as history_module
from helpers.training.checks import check_training
from helpers.training.guards import (
    evaluation,
    gains_by_channels_last,
    held_interrupts,
    in_channels_last,
    seeded,
    try_out,
)
from helpers.training.history import HEIGHT, MOST_POINTS, WIDTH, History, LiveCurve, Reading, duration, picture, thinned

CPU = torch.device("cpu")


def lenet(seed=0, act=nn.Sigmoid, norm=False, in_channels=1, num_classes=10):
    """The book's LeNet, with batch norm and dropout where asked."""
    torch.manual_seed(seed)
    norms = [nn.BatchNorm2d(6)] if norm else []
    return nn.Sequential(
        nn.Conv2d(in_channels, 6, 5, padding=2), *norms, act(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), act(),
        nn.AvgPool2d(2), nn.Flatten(), nn.Linear(400, 120), act(), nn.Dropout(0.2 if norm else 0.0),
        nn.Linear(120, num_classes))  # fmt: skip


def small(outputs=3):
    """A net for pictures (N, 1, 4, 4)."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, outputs))


def batches(count, size=6, side=4, classes=3, channels=1):
    """Pictures X (size, channels, side, side) whose brightest row of pixels tells the class y (size,)."""
    generator, made = torch.Generator().manual_seed(1), []
    for _ in range(count):
        y = torch.randint(classes, (size,), generator=generator)
        X = torch.randn(size, channels, side, side, generator=generator)
        X[torch.arange(size), :, y % side] += 3
        made.append((X, y))
    return made


def run(net, data, num_epochs=1, lr=0.1, test=None, device=CPU, **options):
    return train_ch6(net, data, test or data, num_epochs, lr, device, live=False, **options)


def weights(net):
    return [value.clone() for value in net.state_dict().values()]


def same(net, other):
    return all(torch.equal(a, b) for a, b in zip(weights(net), weights(other), strict=True))


# ---- what it computes ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("options", [{}, {"act": nn.ReLU, "norm": True}], ids=["LeNet", "with batch norm and dropout"])
@pytest.mark.parametrize("channels_last", [False, None], ids=["plain order", "chosen order"])
def test_it_ends_with_the_weights_of_the_books_own_function(monkeypatch, capsys, options, channels_last):
    """Same net, batches and seed, shuffled by a DataLoader: bit for bit where the order in memory is the same."""
    d2l = pytest.importorskip("d2l.torch")

    monkeypatch.setattr(d2l, "Animator", lambda **kwargs: type("Silent", (), {"add": lambda *args: None})())
    X, y = map(torch.cat, zip(*batches(7, size=20, side=28, classes=10), strict=True))
    loaders = [DataLoader(TensorDataset(X, y), 24, shuffle=shuffle) for shuffle in (True, False)]
    book, ours = lenet(3, **options), lenet(3, **options)
    torch.manual_seed(5)
    d2l.train_ch6(book, *loaders, 3, 0.3, CPU)
    torch.manual_seed(5)
    history = train_ch6(ours, *loaders, 3, 0.3, CPU, live=False, channels_last=channels_last)
    if channels_last is False or options:
        assert same(book, ours)
    else:
        for a, b in zip(weights(book), weights(ours), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)
    numbers = [f"{values[-1]:.3f}" for values in (history.loss, history.train_acc, history.test_acc)]
    assert "loss {}, train acc {}, test acc {}".format(*numbers) in capsys.readouterr().out
    assert not ours.training


def test_it_learns_on_the_training_device():
    net, data = small(), batches(12)
    history = train_ch6(net, data, batches(4), 8, 0.2, seed=0, live=False)
    assert next(net.parameters()).device == try_gpu() and history.device == str(try_gpu())
    assert history.test_acc[-1] > 0.9 and history.loss[-1] < history.loss[0] / 2


@pytest.mark.parametrize("count", range(1, 7))
def test_few_batches_an_epoch(count):
    history = run(small(), batches(count), num_epochs=2)
    shares = [epoch for epoch, *_ in history.readings]
    assert len(shares) == 2 * min(count, 6) and shares[-1] == 2.0 and shares == sorted(set(shares))


@pytest.mark.parametrize("count", [10, 12, 23])
def test_about_five_readings_an_epoch_hold_running_means(count):
    data, net = batches(count), small()
    readings = list(train_epoch(net, data, torch.optim.SGD(net.parameters(), lr=0), CPU, count))
    assert 5 <= len(readings) <= 8 and readings[-1].share == 1.0
    assert sum(reading.images for reading in readings) == count * 6
    with torch.no_grad():  # at lr 0 the net stays the same
        X, y = map(torch.cat, zip(*data, strict=True))
        assert readings[-1].loss == pytest.approx(float(nn.functional.cross_entropy(net(X), y)), rel=1e-5)
        assert readings[-1].accuracy == pytest.approx(evaluate_accuracy(net, data))


def test_a_ragged_last_batch_counts_by_its_images():
    data = [*batches(2), tuple(part[:1] for part in batches(1)[0])]
    net = small()
    *_, last = train_epoch(net, data, torch.optim.SGD(net.parameters(), lr=0), CPU, 3)
    losses = [nn.functional.cross_entropy(net(X), y, reduction="sum") for X, y in data]
    assert last.loss == pytest.approx(sum(losses).item() / 13, rel=1e-5)


class Fetched(TorchDispatchMode):
    """Counts how often a number is fetched from a tensor."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func == torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


def test_no_batch_waits_for_the_device(monkeypatch):
    """Numbers are fetched when they are read, about five times an epoch, however many batches there are."""
    lists, tolist = [], torch.Tensor.tolist
    monkeypatch.setattr(history_module, "LONGEST_WAIT", math.inf)
    monkeypatch.setattr(torch.Tensor, "tolist", lambda self: lists.append(1) or tolist(self))
    data = batches(60)
    with Fetched() as fetched:
        history = run(small(), data, num_epochs=2)
    evaluations, checks = 2, 4  # once for each evaluation; the labels of two first batches and of all of both loaders
    assert len(lists) == 2 * 5 + evaluations + checks <= 20
    assert fetched.count <= 1 and len(history.readings) == 60, "every other batch is a point"


def test_a_long_epoch_is_read_in_between_and_has_the_same_points(monkeypatch):
    """How often the device is asked follows the clock; the points, and when on_progress is called, do not."""
    data, counts, histories = batches(60), [], []
    for wait in (math.inf, 0.0):
        monkeypatch.setattr(history_module, "LONGEST_WAIT", wait)
        net, seen = small(), []
        readings = list(train_epoch(net, data, torch.optim.SGD(net.parameters(), lr=0.1), CPU, 60))
        assert sum(reading.images for reading in readings) == 360
        histories.append(run(small(), data, 2, seed=1, on_progress=lambda h, seen=seen: seen.append(h.epochs_done)))
        counts.append((len(readings), sum(reading.timed for reading in readings), len(seen)))
    assert counts == [(5, 0, 12), (30, 25, 12)]
    assert histories[0].readings == histories[1].readings and len(histories[0].readings) == 60
    assert [share for share, *_ in histories[0].readings][:3] == pytest.approx([2 / 60, 4 / 60, 6 / 60])


@pytest.mark.parametrize(("count", "points"), [(3, 3), (20, 20), (47, 47), (60, 30), (117, 31), (1000, 25)])
def test_an_epoch_has_one_point_a_batch_or_some_dozens(count, points):
    net, data = small(), batches(1) * count
    assert len(run(net, data, lr=0.0).readings) == points


def test_equal_seeds_give_equal_runs_and_leave_the_callers_random_state():
    images = ImageBatches(torch.randint(256, (40, 1, 4, 4), dtype=torch.uint8), torch.arange(40) % 3, 5,
                          classes="abc", shuffle=True)
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    first, second, third = (run(small(), images, 2, seed=seed) for seed in (1, 1, 2))
    torch.manual_seed(11)
    run(net := small(), images, 2, seed=1)
    torch.manual_seed(11)
    run(net, images, seed=4)
    assert torch.equal(torch.rand(3), expected)
    assert (first.readings, first.test_acc) == (second.readings, second.test_acc) and first.seed == 1
    assert first.readings != third.readings


def with_everything():
    """Layers with biases, norms of both kinds, dropout, lazy sizes."""
    return nn.Sequential(nn.LazyConv2d(4, 3), BatchNorm(4), nn.ReLU(), nn.Flatten(), nn.LazyLinear(8),
                         nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 3))  # fmt: skip


@pytest.mark.parametrize("kind", ["course", "course, own seed", "DataLoader", "DataLoader, own generator"])
def test_a_seed_repeats_a_run_bit_for_bit_whatever_came_before(kind):
    pictures, labels = torch.randint(256, (40, 1, 4, 4), dtype=torch.uint8), torch.arange(40) % 3
    if kind.startswith("course"):
        loader = ImageBatches(pictures, labels, 8, classes="abc", shuffle=True, seed=5 if "own" in kind else None)
    else:
        generator = torch.Generator().manual_seed(5) if "own" in kind else None
        loader = DataLoader(TensorDataset(pictures / 255, labels), 8, shuffle=True, generator=generator)
    net = with_everything()
    first = run(net, loader, 2, seed=7)
    ended = weights(net)
    run(net, loader, 3, lr=0.5)  # without a seed: the net, the loader and torch's random numbers have gone on
    torch.rand(9)
    again, other = run(net, loader, 2, seed=7), with_everything()
    fresh = run(other, loader, 2, seed=7)
    assert first.readings == again.readings == fresh.readings and first.test_acc == again.test_acc == fresh.test_acc
    for now in (net, other):
        assert all(torch.equal(a, b) for a, b in zip(ended, weights(now), strict=True))


def test_a_loader_with_a_generator_goes_on_afterwards_as_if_nobody_had_trained():
    loader = ImageBatches(torch.zeros(30, 1, 4, 4, dtype=torch.uint8), torch.arange(30) % 3, 30, classes="abc",
                          shuffle=True, seed=5)  # fmt: skip
    expected = next(iter(loader))[1], next(iter(loader))[1]
    loader.generator.manual_seed(5)
    assert torch.equal(next(iter(loader))[1], expected[0])
    run(small(), loader, 2, seed=3)
    assert torch.equal(next(iter(loader))[1], expected[1])


class Noisy(nn.Flatten):
    """Adds noise in evaluation mode too."""

    def forward(self, X):
        return super().forward(X + torch.rand_like(X))


def test_the_look_at_the_first_batch_draws_no_random_numbers():
    net = nn.Sequential(Noisy(), nn.Linear(16, 3))
    torch.manual_seed(0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    assert try_out(net, X, CPU).shape == (2, 3)
    assert torch.equal(torch.rand(2), expected) and net.training


@pytest.mark.parametrize("lr", [Cosine(0.2), lambda share: 0.3 - 0.1 * share])
def test_a_rate_that_changes_is_that_of_the_share_done(lr):
    ours, by_hand, data = small(), small(), batches(4)
    run(ours, data, num_epochs=2, lr=lr, init=False)
    for step, (X, y) in enumerate(data * 2):
        by_hand.zero_grad()
        nn.functional.cross_entropy(by_hand(X), y).backward()
        with torch.no_grad():
            for p in by_hand.parameters():
                p -= lr(step / 8) * p.grad
    for a, b in zip(weights(ours), weights(by_hand), strict=True):
        torch.testing.assert_close(a, b)


def test_the_cosine_falls_from_its_highest_to_0():
    assert [round(Cosine(0.2)(share), 6) for share in (0, 0.5, 1)] == [0.2, 0.1, 0.0]
    assert Cosine(0.2)(0.25) > 0.15 > Cosine(0.2)(0.5) > 0.05 > Cosine(0.2)(0.75)
    assert repr(Cosine(0.2)) == "cosine from 0.2"
    with pytest.raises(RuntimeError, match="lr=1e\\+30 is too large"):
        run(small(), batches(6), num_epochs=4, lr=Cosine(1e30))


def test_it_trains_in_training_mode_and_tests_in_evaluation_mode():
    class Watching(nn.Linear):
        def forward(self, X):
            modes.append((self.training, torch.is_grad_enabled(), len(X)))
            return super().forward(X.flatten(1))

    modes = []
    net = Watching(16, 3).eval()
    run(net, batches(2), 2, test=batches(1, size=5))
    epoch = [(True, True, 6), (True, True, 6), (False, False, 5)]
    assert modes == [(False, False, 2)] * 2 + [(True, False, 2), *epoch, *epoch] and not net.training


def test_init_false_goes_on_from_the_weights_of_the_net():
    net, data = small(), batches(5)
    run(net, data, 3, seed=0)
    kept = weights(net)
    run(net, data, lr=0.0, init=False)
    assert all(map(torch.equal, kept, weights(net)))
    run(net, data, lr=0.0, seed=1)
    assert not torch.equal(kept[0], net[0].weight)


def test_lazy_layers_learn_their_sizes_and_get_the_books_weights():
    def lazy():
        torch.manual_seed(0)
        return nn.Sequential(nn.LazyConv2d(2, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3))

    assert run(lazy(), batches(12), 8, 0.2, seed=0).test_acc[-1] > 0.9
    run(net := lazy(), batches(1), lr=0.0)
    largest = net[3].weight.abs().max()
    assert net[3].weight.shape == (3, 8) and largest <= (6 / 11) ** 0.5, "Xavier's bound for 8 inputs and 3 outputs"
    assert largest > 8**-0.5, "beyond PyTorch's own"


# ---- evaluation ----------------------------------------------------------------------------------------------

def test_evaluate_accuracy_counts_hits_and_restores_each_mode():
    net, data = lenet(norm=True), batches(3, side=28, classes=10)
    net.train()
    net[1].eval()
    net[1].running_mean += 0.5
    modes, state = [module.training for module in net.modules()], weights(net)
    accuracy = evaluate_accuracy_gpu(net, data)
    assert [module.training for module in net.modules()] == modes and True in modes and False in modes
    assert all(map(torch.equal, state, weights(net)))
    net.eval()
    X, y = map(torch.cat, zip(*data, strict=True))
    assert accuracy == pytest.approx((net(X).argmax(1) == y).float().mean().item())
    assert evaluate_accuracy is evaluate_accuracy_gpu


def test_evaluate_accuracy_takes_any_function_and_keeps_no_graph():
    graphs = []

    def brightest_row(X):
        graphs.append((X * torch.ones(1, requires_grad=True)).requires_grad)
        return X.sum(dim=(1, 3))

    assert evaluate_accuracy(brightest_row, batches(4)) > 0.8 and graphs == [False] * 4
    with pytest.raises(ValueError, match="no batch"):
        evaluate_accuracy(brightest_row, [])
    with pytest.raises(ValueError, match="takes 1 channels.* have 2"):
        evaluate_accuracy(small(), batches(1, channels=2))


def test_evaluation_restores_the_mode_after_an_error():
    net = small()
    with pytest.raises(KeyError), evaluation(net):
        assert not net[0].training and not torch.is_grad_enabled()
        raise KeyError
    assert net[0].training and net.training and torch.is_grad_enabled()


# ---- the order in memory -------------------------------------------------------------------------------------

class Viewing(nn.Module):
    """A net that needs its feature map in the plain order."""

    def __init__(self):
        super().__init__()
        self.convolution, self.dense = nn.Conv2d(1, 2, 3), nn.Linear(8, 3)

    def forward(self, X):
        return self.dense(self.convolution(X).view(len(X), -1))


def test_which_nets_take_channels_last():
    X = batches(1)[0][0]
    dense = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))

    def normed(width):
        return nn.Sequential(nn.Conv2d(1, width, 3), nn.BatchNorm2d(width), nn.Flatten(), nn.Linear(4 * width, 3))

    chosen = [gains_by_channels_last(net, X, CPU) for net in (small(), dense, normed(7), normed(8), Viewing())]
    assert chosen == [True, False, False, True, False]
    assert not gains_by_channels_last(small(), X, torch.device("meta")), "on another device"
    assert run(Viewing(), batches(12), 8, 0.2, seed=0).test_acc[-1] > 0.8


@pytest.mark.parametrize("channels_last", [None, True, False])
@pytest.mark.parametrize("came_in", [torch.contiguous_format, torch.channels_last])
def test_the_net_comes_back_in_its_own_order(channels_last, came_in):
    net = lenet().to(memory_format=came_in)
    before, seen = [p.stride() for p in net.parameters()], []
    parameters = list(net.parameters())
    data = batches(3, side=28, classes=10)
    run(net, data, channels_last=channels_last,
        on_progress=lambda _: seen.append(net[3].weight.is_contiguous(memory_format=torch.channels_last)))
    assert [p.stride() for p in net.parameters()] == before
    assert all(map(lambda p, q: p is q, parameters, net.parameters())), "the parameters stay the same objects"
    assert all(seen) == (channels_last is not False or came_in is torch.channels_last)


def test_the_order_comes_back_after_an_error():
    net = lenet()
    before = [p.stride() for p in net.parameters()]
    with pytest.raises(KeyError), in_channels_last(net):
        assert [p.stride() for p in net.parameters()] != before
        raise KeyError
    assert [p.stride() for p in net.parameters()] == before


# ---- stopping ------------------------------------------------------------------------------------------------

def stepped(net, data, count, lr=0.1):
    """The net after `count` plain steps."""
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    for X, y in data[:count]:
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(X), y).backward()
        optimizer.step()
    return net


@pytest.fixture
def interruptible():
    """Ctrl-C raises KeyboardInterrupt, also where a shell has started the tests in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("place", ["loading", "step"])
def test_an_interrupt_leaves_whole_steps_and_the_history_so_far(monkeypatch, interruptible, place):
    """A real SIGINT, while batch 24 of 2 x 16 is loaded or inside the optimizer's step on it."""
    class Loader(list):
        served = 0

        def __iter__(self):
            for batch in list.__iter__(self):
                self.served += 1
                if place == "loading" and self.served == 24 + 1:  # the first one is looked at before
                    signal.raise_signal(signal.SIGINT)
                yield batch

    def step(self, closure=None, taken=[]):  # noqa: B006  (the list counts the calls)
        taken.append(1)
        values = [p for group in self.param_groups for p in group["params"]]
        for i, parameter in enumerate(values):
            if place == "step" and len(taken) == 24 and i == 1:
                signal.raise_signal(signal.SIGINT)
            with torch.no_grad():
                parameter.add_(parameter.grad, alpha=-0.1)

    data, net, expected = batches(16), small(), small()
    plain = stepped(stepped(expected, data, 16), data, 8 if place == "step" else 7)
    monkeypatch.setattr(torch.optim.SGD, "step", step)
    history = run(net, Loader(data), 9, test=data, init=False, channels_last=False)
    assert history.interrupted and len(history.loss) == len(history.train_acc) == len(history.test_acc) == 1
    for a, b in zip(weights(net), weights(plain), strict=True):
        torch.testing.assert_close(a, b)
    assert "stopped in epoch 2 of 9, the net keeps what it has learned" in repr(history)
    assert not net.training and 0 <= evaluate_accuracy(net, data) <= 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_held_interrupts_come_after_the_block(interruptible):
    done = []
    with pytest.raises(KeyboardInterrupt):
        with held_interrupts():
            signal.raise_signal(signal.SIGINT)
            done.append("block")
        done.append("after")
    with held_interrupts(drop=True):
        signal.raise_signal(signal.SIGINT)
    assert done == ["block"] and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_it_trains_in_a_second_thread():
    histories = []
    thread = threading.Thread(target=lambda: histories.append(run(small(), batches(4))))
    thread.start()
    thread.join()
    assert len(histories[0].test_acc) == 1


def test_on_progress_watches_and_stops():
    seen, net = [], small()
    history = run(net, batches(10), 5, on_progress=lambda h: seen.append(h.epochs_done) or h.epochs_done >= 1.5)
    assert history.interrupted and seen[-1] == history.epochs_done == 1.6 and len(history.test_acc) == 1
    assert seen == sorted(seen) and not net.training
    assert not run(small(), batches(10), 1, on_progress=lambda h: len(h.test_acc) == 1).interrupted


# ---- what can go wrong ---------------------------------------------------------------------------------------

def broken(error, in_training=False):
    """A net whose forward raises the error; with `in_training`, only then."""
    class Broken(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = small()

        def forward(self, X):
            if self.training or not in_training:
                raise error
            return self.net(X)

    return Broken()


class Pair(nn.Linear):
    def __init__(self):
        super().__init__(1, 1)

    def forward(self, X):
        return X, X


GOOD = batches(3)
X, Y = GOOD[0]


class Endless(IterableDataset):
    def __iter__(self):
        return iter([])


class Labelled(list):
    """Batches whose labels are at hand all at once, one of them no class."""

    labels = torch.tensor([0, 1, 7])


class Spoiled(Dataset):
    """Sixty pictures, one of which late has a label that is no class."""

    def __len__(self):
        return 60

    def __getitem__(self, i):
        return X[i % 6], Y[i % 6] + 9 * (i == 50)


CASES = {
    "channels": (lambda: small(), batches(3, channels=3), r"takes 1 channels.* have 3 \(X has.*in_channels=3"),
    "size": (lambda: small(), batches(3, side=5), r"Sequential, given a batch of shape \(6, 1, 5, 5\): .*mat1"),
    "advice on size": (lambda: small(), batches(3, side=5), "takes 8 numbers and gets 18, change its in_features"),
    "kernel": (lambda: nn.Sequential(nn.Conv2d(1, 3, 5)), GOOD, r"\(4 x 4\).*\(5 x 5\).*padding or a smaller kernel"),
    "stride 0": (lambda: nn.Sequential(nn.Conv2d(1, 3, 2, stride=0)), GOOD, r"Conv2d \(0\) has stride=\(0, 0\), make"),
    "stride -1": (lambda: nn.Sequential(nn.Conv2d(1, 1, 1), nn.MaxPool2d(2, stride=-1)), GOOD,
                  "MaxPool2d .1. has stride=-1, make it"),
    "empty batch": (lambda: small(), [(X[:0], Y[:0])], r"a batch has shape \(0, 1, 4, 4\): give it at least one"),
    "later empty batch": (lambda: small(), [*GOOD, (X[:0], Y[:0])], r"a batch has shape \(0, 1, 4, 4\)"),
    "no channel axis": (lambda: nn.Sequential(nn.Conv2d(1, 3, 3)), [(X[:, 0], Y)], r"\(6, 4, 4\).*X.unsqueeze\(1\)"),
    "classes": (lambda: small(2), GOOD, "labels go from 0 to 2 and the net has 2 outputs.*one output per class"),
    "negative": (lambda: small(), [(X, Y - 1)], "labels go from -1"),
    "later label": (lambda: small(), [(X, Y), (X, Y + 3)], "labels go from 0 to 5 and the net has 3 outputs"),
    "one-hot": (lambda: small(), [(X, nn.functional.one_hot(Y, 3))], r"one class number \(int64\) for each of 6"),
    "float labels": (lambda: small(), [(X, Y.float())], "one class number.*float32"),
    "tuple": (Pair, GOOD, r"logits of shape \(N, classes\), and returns tuple"),
    "feature map": (lambda: nn.Sequential(nn.Conv2d(1, 3, 3)), GOOD, r"returns \(2, 3, 2, 2\): end it with"),
    "empty": (lambda: small(), [], "train_iter is empty: it must give at least one batch"),
    "claims a length": (lambda: small(), DataLoader(TensorDataset(X[:1], Y[:1]), 2, drop_last=True), "is empty"),
}


@pytest.mark.parametrize("case", CASES)
def test_one_sentence_for_what_does_not_fit(case):
    make, data, sentence = CASES[case]
    net = make()
    modes = [module.training for module in net.modules()]
    with pytest.raises(ValueError, match=sentence) as caught:
        run(net, data, test=GOOD)
    assert "\n" not in str(caught.value)
    assert [module.training for module in net.modules()] == modes


@pytest.mark.parametrize("X, sentence", [
    ((255 * X).byte(), r"hold torch.uint8 and the net's weights float32: take X.to\(torch.float32\) / 255$"),
    ((255 * X).long(), r"hold torch.int64 .* / 255$"),
    (X.double(), r"hold torch.float64 and the net's weights float32: take X.to\(torch.float32\)$"),
    (X.numpy(), "must be two tensors, not ndarray and Tensor: torch.from_numpy"),
], ids=["bytes", "integers", "float64", "array"])  # fmt: skip
def test_one_sentence_for_numbers_of_another_kind(X, sentence):
    with pytest.raises(TypeError, match=sentence):
        run(small(), [(X, Y)], test=GOOD)
    if isinstance(X, torch.Tensor):
        with pytest.raises(TypeError, match=sentence):
            evaluate_accuracy(small(), [(X, Y)])


def test_an_error_about_something_else_is_not_put_down_to_the_dtype():
    tokens = [(torch.zeros(6, 2, dtype=torch.int64), Y)]
    run(nn.Sequential(nn.Embedding(5, 2), nn.Flatten(), nn.Linear(4, 3)), tokens)
    with pytest.raises(ValueError, match="takes 5 numbers and gets 4"):
        run(nn.Sequential(nn.Embedding(5, 2), nn.Flatten(), nn.Linear(5, 3)), tokens)


class Once(list):
    """Batches that can be gone through once."""

    def __iter__(self):
        while left := list.__len__(self):
            yield self.pop(left - 1)

    def __len__(self):
        return 3


class Heads(nn.Linear):
    """A net that answers twice in training, as GoogLeNet's heads do."""

    def forward(self, X):
        logits = super().forward(X.flatten(1))
        return (logits, logits) if self.training else logits


FROZEN = small().requires_grad_(False)
CONV = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 3))
NAN = X.clone()
NAN[2, 0, 1, 1] = math.nan
ARGUMENTS = {
    "epochs are no whole number": ({"num_epochs": 1.5}, TypeError, "num_epochs must be a whole number, not 1.5"),
    "epochs are true": ({"num_epochs": True}, TypeError, "num_epochs must be a whole number, not True"),
    "no epoch": ({"num_epochs": 0}, ValueError, "num_epochs must be at least 1, not 0"),
    "lr inf": ({"lr": math.inf}, ValueError, "lr must be finite and not negative, not inf"),
    "lr nan": ({"lr": math.nan}, ValueError, "not nan"),
    "lr negative": ({"lr": -0.1}, ValueError, "not -0.1"),
    "lr text": ({"lr": "0.1"}, TypeError, "lr must be a number, or a function of .* not '0.1'"),
    "lr None": ({"lr": None}, TypeError, "not None"),
    "a class": ({"net": nn.Flatten}, TypeError, r"the net is the class Flatten: call it, as in Flatten\(\)"),
    "a function": ({"net": lambda X: X}, TypeError, "must be an nn.Module, not a function"),
    "no weights": ({"net": nn.Flatten()}, ValueError, "Flatten has no weights to learn"),
    "frozen": ({"net": FROZEN}, ValueError, r"all weights are frozen: net.requires_grad_\(True\)"),
    "three parts": ({"train_iter": [(X, Y, Y)]}, ValueError, r"a batch must be a pair \(X, y\).* and is 3 parts"),
    "pictures alone": ({"train_iter": [X]}, ValueError, "a batch must be a pair .* and is a Tensor"),
    "channels last": ({"net": CONV, "train_iter": [(X.movedim(1, 3), Y)]}, ValueError, r"X.permute\(0, 3, 1, 2\)"),
    "rows": ({"net": CONV, "train_iter": [(X.flatten(1), Y)]}, ValueError, r"X.reshape\(-1, 1, 4, 4\)"),
    "heads in training alone": ({"net": Heads(16, 3)}, ValueError,
                                r"in training the net returns a tuple, not logits.*aux_logits=False"),
    "no length": ({"train_iter": DataLoader(Endless())}, TypeError, "train_iter needs a length.* not a DataLoader"),
    "test labels one-hot": ({"test_iter": [(X, nn.functional.one_hot(Y))]}, ValueError, "one class number"),
    "test labels (N, 1)": ({"test_iter": [(X, Y[:, None])]}, ValueError, r"one class number.* shape \(6, 1\)"),
    "one test label": ({"test_iter": [(X, Y[:1])]}, ValueError, r"for each of 6 pictures.* shape \(1,\)"),
    "later test label": ({"test_iter": [(X, Y), (X, Y - 100)]}, ValueError, "labels go from -100 to 2"),
    "later test label of a set": ({"test_iter": Labelled(GOOD)}, ValueError, "labels go from 0 to 7"),
    "test pictures": ({"test_iter": batches(2, side=5)}, ValueError, "takes 8 numbers and gets 18"),
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_wrong_arguments_cost_neither_a_weight_nor_an_epoch(case):
    changes, error, words = ARGUMENTS[case]
    net = changes.get("net", small())
    before = weights(net) if isinstance(net, nn.Module) else []
    arguments = {"net": net, "train_iter": GOOD, "test_iter": GOOD, "num_epochs": 1, "lr": 0.1, "device": CPU} | changes
    with pytest.raises(error, match=words) as caught:
        train_ch6(**arguments, live=False)
    assert "\n" not in str(caught.value) and not hasattr(caught.value, "history")
    assert all(torch.equal(a, b) for a, b in zip(before, weights(net) if before else [], strict=True))


def test_a_last_batch_of_one_is_named_before_the_epoch_where_batch_norm_needs_two():
    flat = nn.Sequential(nn.Flatten(), nn.Linear(16, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
    wide = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))
    alone = [*GOOD, (X[:1], Y[:1])]
    loader = DataLoader(TensorDataset(torch.cat([X, X[:1]]), torch.cat([Y, Y[:1]])), 3)
    for data in (alone, loader):
        with pytest.raises(ValueError, match="last batch holds a single picture.*drop_last=True"):
            run(flat, data, test=GOOD)
        run(wide, data, test=GOOD)
    run(flat, GOOD)


def test_the_try_in_training_mode_changes_nothing():
    net = with_everything()
    run(net, GOOD)
    net.eval()
    net[1].train()
    before, modes = weights(net), [module.training for module in net.modules()]
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    check_training(net, X, CPU)
    assert torch.equal(torch.rand(2), expected)
    assert all(map(torch.equal, before, weights(net))) and modes == [module.training for module in net.modules()]


@pytest.mark.parametrize("data, words", [
    ([(X, Y), (X, Y + 3)], "6 of 12 labels are no class of the net: they must be 0 to 2"),
    ([(X.movedim(1, 3), Y)], r"channels last.*X.permute\(0, 3, 1, 2\)"),
    ([(X.flatten(1), Y)], r"X.reshape\(-1, 1, 4, 4\)"), ([(X, Y, Y)], "3 parts"),
    ([(NAN, Y)], "the net's answer to 1 of 6 pictures is nan"),
    ([(X, Y[:, None])], "one class number"), ([(X, nn.functional.one_hot(Y))], "one class number"),
])  # fmt: skip
def test_an_accuracy_is_a_share_of_pictures_or_a_sentence(data, words):
    with pytest.raises(ValueError, match=words):
        evaluate_accuracy(small(), data)


def test_maps_are_no_logits():
    with pytest.raises(ValueError, match=r"returns \(6, 3, 2, 2\): end it with"):
        evaluate_accuracy(nn.Conv2d(1, 3, 3), GOOD)


def stopping(history, error=KeyError):
    if len(history.test_acc) == 1:
        raise error("on_progress")


@pytest.mark.parametrize("how, error", [
    ({"on_progress": stopping}, KeyError), ({"on_progress": lambda h: stopping(h, SystemExit)}, SystemExit),
    ({"data": DataLoader(Spoiled(), 6), "test": GOOD}, ValueError),
    ({"lr": lambda share: 0.1 if share < 0.5 else 1e38}, RuntimeError),
])  # fmt: skip
def test_an_error_in_the_midst_of_training_carries_the_history(how, error):
    net = small()
    with pytest.raises(error) as caught:
        run(net, how.pop("data", batches(10)), 2, **how)
    assert isinstance(caught.value.history, History) and len(caught.value.history.readings) >= 1
    assert not net.training and not any(module.training for module in net.modules())


def test_one_sentence_for_batches_that_cannot_be_read():
    with pytest.raises(ValueError, match="test_iter is empty"):
        train_ch6(small(), GOOD, [], 1, 0.1, CPU, live=False)
    with pytest.raises(TypeError, match="train_iter needs a length.* not a generator"):
        run(small(), (batch for batch in GOOD), test=GOOD)
    with pytest.raises(ValueError, match="train_iter gave no batch: it must give all of them anew in each epoch"):
        run(small(), Once(GOOD), 2, test=GOOD)
    with pytest.raises(ValueError, match="train_iter gave no batch"):
        run(small(), Once([]), test=GOOD)


@pytest.mark.parametrize("in_training", [False, True])
@pytest.mark.parametrize("error", [torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
                                   MemoryError(), RuntimeError("MPS backend out of memory")])
def test_one_sentence_when_memory_runs_out(error, in_training):
    sentence = r"not enough memory for a batch of shape \(6, 1, 4, 4\): take a smaller batch_size"
    with pytest.raises(RuntimeError, match=sentence) as caught:
        run(broken(error, in_training), GOOD)
    assert caught.value.__cause__ is error


def test_memory_really_runs_out():
    class Huge(nn.Linear):
        def forward(self, X):
            return torch.empty(2**48) if self.training else super().forward(X.flatten(1))

    with pytest.raises(RuntimeError, match="not enough memory for a batch") as caught:
        run(Huge(16, 3), GOOD)
    assert "allocate" in str(caught.value.__cause__)


@pytest.mark.parametrize(("net", "lr"), [(small(), 1e30), (small(), 1e38)])
def test_one_sentence_when_the_loss_is_not_a_number(net, lr):
    with pytest.raises(RuntimeError, match=r"the loss became (nan|inf) in epoch 1: lr=.* try lr=.*pictures"):
        run(net, batches(10), 3, lr)


def test_an_error_in_the_readers_own_code_stays_as_it_is():
    with pytest.raises(AttributeError, match="no attribute 'mistyped'"):
        run(broken(AttributeError("no attribute 'mistyped'")), GOOD)


# ---- history and picture -------------------------------------------------------------------------------------

def finished(epochs=2, of=2):
    """A history with round numbers, 100 images and 0.5 s an epoch of which 0.1 s evaluation."""
    history = History(of, "cpu", 7)
    for epoch in range(epochs):
        for i in range(5):
            history.read(Reading((i + 1) / 5, 20, 2.0 / (epoch + 1), 0.4))
        history.end_epoch(Reading(1.0, 20, 2.0 / (epoch + 1), 0.4), 0.3 + epoch / 10)
    history.seconds, history.evaluation_seconds = 0.5 * epochs, 0.1 * epochs
    return history


def test_history_in_one_line():
    history = finished()
    assert repr(history) == "loss 1.000, train acc 0.400, test acc 0.400, 200 images/s on cpu"
    assert history.training_images_per_second == pytest.approx(250) and history.num_images == 200
    assert (history.loss, history.train_acc, history.test_acc) == ([2.0, 1.0], [0.4, 0.4], [0.3, 0.4])
    assert history.readings[0] == (0.2, 2.0, 0.4) and history.seconds_left == 0
    nothing = History(3, "cpu")
    nothing.interrupted = True
    assert repr(nothing).startswith("nothing measured yet on cpu; stopped in epoch 1 of 3")


def test_the_clock_is_a_wall_clock():
    class Slow(list):
        def __iter__(self):
            time.sleep(0.05)
            return list.__iter__(self)

    before = time.perf_counter()
    history = train_ch6(small(), Slow(GOOD), Slow(GOOD), 2, 0.1, CPU, live=False)
    assert 0.2 <= history.seconds <= time.perf_counter() - before, "loading and evaluation count"
    assert 0.1 <= history.evaluation_seconds <= history.seconds - 0.1
    assert history.images_per_second == pytest.approx(36 / history.seconds)


def test_history_plots_itself():
    import matplotlib.pyplot as plt

    ax = finished().plot()
    assert [line.get_label() for line in ax.lines] == ["loss", "train acc", "test acc"]
    assert ax.lines[2].get_xdata().tolist() == [1, 2] and ax.get_xlabel() == "epoch"
    assert len(finished(epochs=0).plot(plt.figure().add_subplot()).lines) == 0
    plt.close("all")


def test_the_picture_says_the_numbers_and_keeps_its_size():
    drawn = [picture(finished(epochs, 3)) for epochs in (0, 1, 3)]
    roots = [ET.fromstring(text) for text in drawn]
    assert {svg.size(text) for text in drawn} == {(WIDTH, HEIGHT)} and all("currentColor" in text for text in drawn)
    labels = [root.get("aria-label") for root in roots]
    assert labels[0] == "epoch 1 of 3; starting on cpu" and all(root.get("role") == "img" for root in roots)
    assert labels[1] == ("epoch 2 of 3 · loss 2.000 · train acc 0.400 · test acc 0.300; "
                         "200 images/s on cpu, 1.0 s left")
    assert labels[2].endswith("test acc 0.500; 200 images/s on cpu, took 1.5 s")
    stopped = finished(1, 3)
    stopped.interrupted = True
    assert re.match(r"stopped in epoch 2 of 3 .*, took 0\.5 s$", ET.fromstring(picture(stopped)).get("aria-label"))
    bars = [float(next(r for r in root.iter() if r.get("fill") == svg.BLUE and r.get("height") == "10").get("width"))
            for root in roots]
    assert bars == [0, 100, 300]


def test_the_picture_survives_large_losses_and_long_runs():
    history = finished(1, 500)
    history.readings.append((1.2, 1e9, 0.1))
    history.readings += [(1.2 + i / 1000, 1e9, 0.1) for i in range(5000)]
    assert len(picture(history)) < 20_000
    points = [(i, i) for i in range(10_001)]
    assert len(thinned(points)) <= MOST_POINTS + 1 and thinned(points)[-1] == points[-1]
    assert thinned(points[:9]) == points[:9]


@pytest.mark.parametrize(("seconds", "text"), [(0.42, "0.4 s"), (9.96, "10 s"), (59.6, "1 min 00 s"),
                                               (200, "3 min 20 s"), (7500, "2 h 05 min")])
def test_durations_are_short(seconds, text):
    assert duration(seconds) == text


def test_outside_jupyter_one_line_or_none(capsys):
    history = train_ch6(small(), GOOD, GOOD, 2, 0.1, CPU)
    assert capsys.readouterr().out == f"{history}\n"
    run(small(), GOOD, 2)
    assert capsys.readouterr() == ("", "")


def test_drawings_are_not_more_frequent_than_ten_a_second(monkeypatch):
    curve, shown = LiveCurve(), []
    monkeypatch.setattr(curve, "in_jupyter", True)
    monkeypatch.setattr("IPython.display.display", lambda bundle, **_: shown.append(bundle) or curve)
    monkeypatch.setattr(curve, "update", lambda bundle, **_: shown.append(bundle), raising=False)
    for _ in range(50):
        curve.draw(finished())
    curve.finish(finished())
    assert len(shown) < 10 and "image/png" in shown[-1] and "image/png" not in shown[0]


# ---- in a real kernel ----------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def kernel():
    """A Jupyter kernel of this Python; a call runs a cell and returns its messages as (type, content)."""
    from ipykernel.kernelspec import get_kernel_dict
    from jupyter_client import KernelManager
    from jupyter_client.kernelspec import KernelSpec

    manager = KernelManager()
    manager._kernel_spec = KernelSpec(**get_kernel_dict() | {"argv": [sys.executable, *get_kernel_dict()["argv"][1:]]})
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=60)

    def cell(code, interrupt_when=None):
        client.execute(code)
        messages = []
        while not messages or messages[-1] != ("status", {"execution_state": "idle"}):
            try:
                message = client.get_iopub_msg(timeout=60)
            except Empty:
                pytest.fail(f"the kernel is silent after {messages[-3:]}")
            messages.append((message["msg_type"], message["content"]))
            if interrupt_when and interrupt_when(messages):
                manager.interrupt_kernel()
                interrupt_when = None
        return messages

    cell("import torch; from torch import nn; from helpers.training import *; torch.set_num_threads(1)\n"
         "net = nn.Sequential(nn.Conv2d(1, 6, 5), nn.Flatten(), nn.Linear(3456, 10))\n"
         "data = [(torch.randn(64, 1, 28, 28), torch.randint(10, (64,)))] * 20")
    yield cell
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def pictures(messages):
    return [(kind, content) for kind, content in messages if kind.endswith("display_data")]


def result(messages):
    return [content["data"]["text/plain"] for kind, content in messages if kind == "execute_result"]


def test_a_stopped_kernel_returns_the_history_and_a_net_to_use(kernel):
    messages = kernel("history = train_ch6(net, data, data, 10_000, 0.01); history",
                      interrupt_when=lambda seen: len(pictures(seen)) == 4)
    assert not [content for kind, content in messages if kind in ("error", "stream")]
    assert re.search(r"stopped in epoch \d+ of 10000, the net keeps what it has learned", result(messages)[0])
    messages = kernel("history.interrupted, not net.training, len(history.loss) == len(history.test_acc) < 10_000, "
                      "0 <= evaluate_accuracy(net, data) <= 1, bool(net(data[0][0]).isfinite().all())")
    assert result(messages) == ["(True, True, True, True, True)"]
    assert "stopped" not in result(kernel("train_ch6(net, data, data, 1, 0.01)"))[0], "and it trains again"


def test_one_display_that_is_redrawn_and_ends_as_a_still(kernel):
    shown = pictures(kernel("history = train_ch6(net, data, data, 3, 0.01)"))
    assert [kind for kind, _ in shown] == ["display_data"] + ["update_display_data"] * (len(shown) - 1)
    assert len({content["transient"]["display_id"] for _, content in shown}) == 1 and len(shown) > 1
    assert all(ET.fromstring(content["data"]["text/html"]).get("role") == "img" for _, content in shown)
    last = shown[-1][1]
    still = Image.open(io.BytesIO(base64.b64decode(last["data"]["image/png"])))
    assert still.size == (2 * WIDTH, 2 * HEIGHT) and last["metadata"]["image/png"]["width"] == WIDTH
    assert re.fullmatch(r"loss \d\.\d{3}, train acc .*, test acc .* images/s on \w+", last["data"]["text/plain"])
    assert last["metadata"]["image/png"]["alt"] == last["data"]["text/plain"]
    assert not pictures(kernel("train_ch6(net, data, data, 1, 0.01, live=False)"))


OUTPUT = """import ipywidgets as W
out, button = W.Output(), W.Button()
def run(_=None):
    print("before")
    train_ch6(net, data, data, 3, 0.01)
"""


@pytest.mark.parametrize("call", ["with out: run()", "button.on_click(out.capture()(run)); button.click()",
                                  "panel = W.interactive(lambda x: run(), x=3)", "W.interact(lambda x: run(), x=3)",
                                  "shown = W.interactive_output(lambda x: run(), {'x': W.IntSlider(3)})",
                                  "inner = W.Output()\nwith out, inner: run()"])
def test_inside_an_output_widget_the_picture_is_a_widget(kernel, call):
    """Browsers pass over update_display_data there; and what else the Output shows stays."""
    messages = kernel(f"{OUTPUT}\n{call}")
    kinds = [kind for kind, _ in messages]
    assert "update_display_data" not in kinds and "error" not in kinds
    assert "clear_output" not in kinds or "interact" in call, "what stands in the Output stays"
    shown = [content["data"] for kind, content in messages if kind == "display_data"]
    views = [data["application/vnd.jupyter.widget-view+json"]["model_id"] for data in shown if "loss" in str(data)]
    said = [data["text/plain"] for data in shown if "loss" in data["text/plain"]]
    assert len(views) == len(said) == 1 and re.match(r"loss \d", said[0])
    drawn = [content["data"]["state"]["value"] for kind, content in messages
             if kind == "comm_msg" and content["comm_id"] == views[0]]
    label = ET.fromstring(drawn[-1]).get("aria-label")
    assert drawn and re.search(r"epoch 3 of 3 .* test acc .*, took ", label)
    assert [kind for kind, _ in pictures(kernel("history = train_ch6(net, data, data, 1, 0.01)"))][1:]


# ---- device and profile --------------------------------------------------------------------------------------

def test_try_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [str(try_gpu(i)) for i in (0, 1, 2)] == ["cuda:0", "cuda:1", "cpu"]


def test_profile(monkeypatch):
    monkeypatch.delenv("CNN_COURSE_PROFILE", raising=False)
    for there, chosen in ((True, "gpu"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert profile() == chosen
    monkeypatch.setenv("CNN_COURSE_PROFILE", "quick")
    assert profile() == "quick"
    monkeypatch.setenv("CNN_COURSE_PROFILE", "fast")
    with pytest.raises(ValueError, match="'fast': set it to one of gpu, cpu, quick"):
        profile()


def test_seeded_does_nothing_without_a_seed():
    torch.manual_seed(0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    with seeded(None):
        first = torch.rand(1)
    assert torch.equal(torch.cat([first, torch.rand(1)]), expected)
