"""What train_ch6 and evaluate_accuracy refuse before a weight changes, and what a seed cannot govern."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, TensorDataset

from helpers.training import Cosine, evaluate_accuracy, train_ch6

from .test_loop import CPU, batches, run, same, small, weights

GOOD = batches(3)
X, Y = GOOD[0]


class Reads(Dataset):
    """Forty pictures; `spoil` changes one late in the set."""

    def __init__(self, spoil=lambda X, y: (X, y)):
        self.spoil = spoil

    def __len__(self):
        return 40

    def __getitem__(self, i):
        picture, label = X[i % 6], int(Y[i % 6])
        return self.spoil(picture, label) if i == 33 else (picture, label)


def forty(spoil):
    return DataLoader(Reads(spoil), 8)


LATE = {  # what is wrong with a batch behind the first: what is said of it
    "label": (lambda X, y: (X, y + 9), r"labels go from 0 to (9|1\d) and the net has 3 outputs"),
    "label -100": (lambda X, y: (X, -100), "labels go from -100"),
    "nan": (lambda X, y: (X * math.nan, y), "1 of 40 pictures of test_iter hold nan or infinite numbers"),
    "infinite": (lambda X, y: (X / 0, y), "1 of 40 pictures of test_iter hold nan"),
}


@pytest.mark.parametrize("case", LATE)
@pytest.mark.parametrize("kind", ["loader", "list", "tensors"])
def test_a_test_set_that_is_bad_late_costs_no_epoch(case, kind):
    spoil, words = LATE[case]
    loader = forty(spoil)
    if kind == "tensors":
        loader = DataLoader(TensorDataset(*map(torch.cat, zip(*loader, strict=True))), 8)
    net, seen = small(), []
    before = weights(net)
    with pytest.raises(ValueError, match=words):
        run(net, GOOD, 2, test=list(loader) if kind == "list" else loader, on_progress=seen.append)
    assert not seen and all(map(torch.equal, before, weights(net)))


@pytest.mark.parametrize("name", ["train_iter", "test_iter"])
def test_batches_of_another_size_or_kind_late_in_a_list(name):
    for late, error, words in (
        ((torch.zeros(6, 1, 5, 5), Y), ValueError, "takes 8 numbers and gets 18"),
        ((X.double(), Y), TypeError, "hold torch.float64"), ((X.movedim(1, 3), Y), ValueError, "channels last"),
        ((X, Y[:5]), ValueError, "for each of 6 pictures"),
    ):
        net, arguments = small(), {"train_iter": GOOD, "test_iter": GOOD} | {name: [*GOOD, late]}
        before = weights(net)
        with pytest.raises(error, match=words):
            train_ch6(net, **arguments, num_epochs=1, lr=0.1, device=CPU, live=False)
        assert all(map(torch.equal, before, weights(net)))


def test_the_look_through_the_test_set_draws_no_random_numbers():
    def trained(test):
        torch.manual_seed(5)
        run(net := small(), DataLoader(TensorDataset(X, Y), 2, shuffle=True), 2, test=test)
        return net, torch.rand(3)

    generator = torch.Generator().manual_seed(1)
    shuffled = DataLoader(TensorDataset(X, Y), 2, shuffle=True, generator=generator)
    (a, drawn), (b, again) = trained(shuffled), trained([(X, Y)])
    assert same(a, b) and torch.equal(drawn, again)


class Answers(nn.Module):
    """Gives other logits than (N, classes): one row for all, two for each, in training (N, classes, 1, 1)."""

    def __init__(self, way):
        super().__init__()
        self.way, self.dense = way, nn.Linear(16, 3)

    def forward(self, X):
        if self.way == "one row":
            return self.dense(X.flatten(1)).mean(0, keepdim=True)
        if self.way == "halves":
            return self.dense(torch.cat([X, X]).flatten(1))
        logits = self.dense(X.flatten(1))
        return logits[:, :, None, None] if self.training else logits


@pytest.mark.parametrize("way, words", [
    ("one row", "returns 1 rows of logits for {} pictures"), ("halves", "rows of logits for {} pictures"),
    ("maps in training", r"returns \(2, 3, 1, 1\)"),
])  # fmt: skip
def test_there_is_one_row_of_logits_for_each_picture(way, words):
    if "training" not in way:
        with pytest.raises(ValueError, match=words.format(6)):
            evaluate_accuracy(Answers(way), GOOD)
    net = Answers(way)
    before = weights(net)
    with pytest.raises(ValueError, match=words.format(2)):
        run(net, GOOD)
    assert all(map(torch.equal, before, weights(net)))


ARGUMENTS = {
    "a rate that is negative": ({"lr": lambda share: -0.1}, ValueError, r"lr\(0\) must be finite and not negative"),
    "a rate that is nothing": ({"lr": lambda share: None}, TypeError, r"lr\(0\) must be a number, not None"),
    "a rate that is nan": ({"lr": lambda share: math.nan}, ValueError, r"lr\(0\) must be finite"),
    "a huge whole rate": ({"lr": 10**400}, ValueError, "lr must be finite"),
    "a rate as a tensor": ({"lr": torch.tensor(0.1)}, TypeError, "lr must be a number"),
    "a seed as text": ({"seed": "7"}, TypeError, "seed must be a whole number or None, not '7'"),
    "a seed as a fraction": ({"seed": 7.0}, TypeError, "seed must be a whole number"),
    "a seed that is true": ({"seed": True}, TypeError, "seed must be a whole number"),
    "a seed that is too large": ({"seed": 2**64}, ValueError, r"seed must lie between"),
    "no function": ({"on_progress": 5}, TypeError, "on_progress must be a function of the History, not 5"),
    "an unknown device": ({"device": "gpu"}, ValueError, "device 'gpu' cannot be used here"),
    "a device that is not there": ({"device": "cuda:77"}, ValueError, "device 'cuda:77' cannot be used here"),
    "a device that holds no numbers": ({"device": "meta"}, ValueError, "device 'meta' cannot be used here"),
    "a net without numbers": ({"net": small().to("meta")}, ValueError, "device meta, which hold no numbers"),
    "a set": ({"test_iter": TensorDataset(X, Y)}, TypeError, r"test_iter is a TensorDataset, must give batches"),
    "a tensor": ({"train_iter": X}, TypeError, "train_iter is a Tensor, must give batches"),
    "a dict": ({"train_iter": {"X": X}}, TypeError, "train_iter is a dict, must give batches"),
    "epochs as text": ({"num_epochs": "3"}, TypeError, "num_epochs must be a whole number, not '3'"),
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_every_argument_is_looked_at_before_a_weight_changes(case):
    changes, error, words = ARGUMENTS[case]
    net = small()
    before = weights(net)
    arguments = {"net": net, "train_iter": GOOD, "test_iter": GOOD, "num_epochs": 1, "lr": 0.1, "device": CPU}
    with pytest.raises(error, match=words) as caught:
        train_ch6(**arguments | changes, live=False)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400 and not hasattr(caught.value, "history")
    assert all(map(torch.equal, before, weights(net))) and net.training and net[0].weight.device == CPU


@pytest.mark.parametrize("highest", [math.nan, -1, "0.1", None])
def test_a_cosine_needs_a_rate(highest):
    with pytest.raises((TypeError, ValueError), match="lr must be"):
        Cosine(highest)


@pytest.mark.parametrize("net, said", [(nn.Flatten, "is the class Flatten"), (None, "not a NoneType")])
def test_what_is_no_net_has_no_accuracy(net, said):
    with pytest.raises(TypeError, match=said):
        evaluate_accuracy(net, GOOD)


def test_numbers_of_other_kinds_are_numbers():
    for lr in (np.float32(0.1), Fraction(1, 10), np.float64(0.1), lambda share: Fraction(1, 10)):
        run(net := small(), GOOD, np.int64(1), lr, seed=np.int64(7))
        run(other := small(), GOOD, 1, float(lr(0) if callable(lr) else lr), seed=7)
        assert same(net, other)


def test_a_rate_that_becomes_none_in_the_midst_carries_the_history():
    with pytest.raises(TypeError, match=r"lr\(0\.\d+\) must be a number, not None") as caught:
        run(net := small(), batches(10), 2, lr=lambda share: 0.1 if share < 0.7 else None)
    assert len(caught.value.history.test_acc) == 1 and not net.training


# ---- what a seed governs -------------------------------------------------------------------------------------

def loader_with(kind):
    """A loader that goes on with a generator of its sampler."""
    data, generator = TensorDataset(X, Y), torch.Generator().manual_seed(3)
    sampler = RandomSampler(data, generator=generator)
    if kind == "sampler":
        return DataLoader(data, 2, sampler=sampler)
    return DataLoader(data, batch_sampler=BatchSampler(sampler, 2, drop_last=False))


@pytest.mark.parametrize("kind", ["sampler", "batch sampler"])
def test_a_seed_reaches_the_generator_of_a_sampler_and_leaves_it(kind):
    loader, untouched = loader_with(kind), loader_with(kind)
    first, again = (run(small(), loader, 3, seed=7, test=GOOD) for _ in range(2))
    assert first.readings == again.readings
    assert torch.equal(torch.cat([y for _, y in loader]), torch.cat([y for _, y in untouched]))


def test_attention_starts_anew_with_a_seed():
    class Attends(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention, self.head = nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(16, 3)

        def forward(self, X):
            rows = X[:, 0]
            return self.head(self.attention(rows, rows, rows)[0].flatten(1))

    net = Attends()
    assert run(net, GOOD, 2, seed=7).readings == run(net, GOOD, 2, seed=7).readings


class Scaled(nn.Module):
    """A layer that nobody can draw anew."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(2, 1, 1))

    def forward(self, X):
        return self.scale * X


@pytest.mark.parametrize("layer, named", [
    (Scaled(), r"1 \(Scaled\)"), (parametrizations.weight_norm(nn.Conv2d(2, 2, 1)), r"1 \(ParametrizedConv2d\)"),
])  # fmt: skip
def test_what_a_seed_cannot_start_anew_is_said(layer, named, recwarn):
    net = nn.Sequential(nn.Conv2d(1, 2, 3), layer, nn.Flatten(), nn.Linear(8, 3))
    with pytest.warns(UserWarning, match=f"the seed does not govern the weights of {named}: without"):
        run(net, GOOD, seed=7)
    recwarn.clear()
    run(net, GOOD)
    run(net, GOOD, seed=7, init=False)
    run(small(), GOOD, seed=7)
    assert not [warning for warning in recwarn if "govern" in str(warning.message)], "said without need"
