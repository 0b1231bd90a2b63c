"""The levers are really pulled, the parts of a step add up, the rates are those of the clock."""

import time

import pytest
import torch
from torch import nn

from helpers.data import ImageBatches
from helpers.scaling import levers
from helpers.scaling.levers import Levers, Pictures, compare_levers, loader, matmul_rate, time_of_parts, train_for

CPU = torch.device("cpu")


def pictures(count=40, **options):
    images = torch.randint(256, (count, 1, 12, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    options = {"mean": 0.4, "std": 0.2, **options}
    return ImageBatches(images, torch.arange(count) % 3, 8, classes="abc", **options)


def build():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))


@pytest.mark.parametrize("options", [{}, {"standardize": False}, {"resize": 20}])
def test_both_loaders_give_the_same_pictures(options):
    batches = pictures(**options)
    usual, ours = (loader(batches, Levers(in_memory=held, batch_size=16)) for held in (False, True))
    assert [len(y) for _, y in usual] == [len(y) for _, y in ours] == [16, 16, 8]
    one, two = Pictures(batches)[7][0], batches.batch([7])[0][0]
    assert one.shape == two.shape and (one - two).abs().max() < 0.03 and Pictures(batches)[7][1] == 1
    assert not torch.equal(next(iter(ours))[1], batches.labels[:16]), "the order is drawn"


def test_each_lever_changes_what_is_measured(monkeypatch):
    seen = []

    def record(net, batches, setting, seconds):
        seen.append(setting)
        return {Levers(): 100.0, Levers(in_memory=True): 150.0, Levers(amp=True): 80.0}.get(setting, 101.0), 0.5

    monkeypatch.setattr(levers, "train_for", record)
    speeds = compare_levers(build, pictures(), rounds=2, larger_batch=32, compile="eager")
    assert [round(speed.gain, 2) for speed in speeds] == [1, 1.5, 1.01, 1.01, 0.8, 1.01, 1.5]
    assert seen[:6] == seen[6:12] and len(set(seen[:6])) == 6 and seen[-2:] == [Levers(), Levers(in_memory=True)]
    assert speeds[2].levers.batch_size == 32 and speeds[5].levers.compile == "eager"


@pytest.mark.parametrize("setting", [
    Levers(), Levers(in_memory=True), Levers(channels_last=True), Levers(amp=True), Levers(compile="eager"),
])  # fmt: skip
def test_a_run_trains_for_the_time_it_is_given_and_keeps_the_random_state(setting):
    net, state, start = build(), torch.get_rng_state(), time.perf_counter()
    before = net[0].weight.detach().clone()
    rate, first = train_for(net, pictures(), setting, 0.05)
    assert time.perf_counter() - start > 0.05 and rate > 0 and first > 0
    assert not torch.equal(before, net[0].weight) and net[0].weight.is_contiguous()
    assert torch.equal(state, torch.get_rng_state())


def test_the_rate_is_that_of_the_clock(monkeypatch):
    monkeypatch.setattr(levers, "step", lambda execution, X, y, optimizer: time.sleep(0.01) or len(y))
    rate, first = train_for(build(), pictures(64), Levers(in_memory=True, batch_size=16), 0.2)
    assert 20 < rate < 1_600 and 0.01 <= first < 2  # at most 16 pictures in 10 ms


def test_the_parts_of_a_step(monkeypatch):
    slow = pictures()
    take = slow._take
    monkeypatch.setattr(ImageBatches, "_take", lambda self, rows: time.sleep(0.02) or take(rows))
    parts = time_of_parts(build(), slow, Levers(in_memory=True), steps=3)
    assert list(parts) == ["load", "transfer", "forward", "backward", "update"]
    assert parts["load"] >= 0.02 and all(seconds >= 0 for seconds in parts.values())


def test_nothing_to_train_on():
    with pytest.raises(ValueError, match="no batch to train on"):
        train_for(build(), pictures(0), Levers(in_memory=True), 0.1)


def test_the_rate_of_a_product_of_matrices():
    rates = [matmul_rate(CPU, side=side, seconds=0.05) for side in (16, 256)]
    assert 0 < rates[0] < rates[1], "small products leave the units waiting"


def test_the_rates_are_work_over_time(monkeypatch):
    seconds = iter(range(1_000))  # a clock that ticks once a look
    monkeypatch.setattr(levers, "clock", lambda device: next(seconds))
    assert matmul_rate(CPU, side=16) == 16**3
    assert levers.copy_rate(CPU, 1 << 12) == 2 << 12  # read and written
    assert levers.conv_rate(CPU, batch_size=1) == 28 * 28 * 128 * 128 * 25
    monkeypatch.setattr(levers, "matmul_rate", lambda *args, **options: 3.0)
    monkeypatch.setattr(levers, "conv_rate", lambda *args, **options: 4.0)
    assert levers.peak_rate(CPU) == 4


def test_where_no_compiler_is_at_hand_nothing_is_translated(monkeypatch):
    monkeypatch.setattr("helpers.training.execution.shutil.which", lambda name: None)
    assert levers.usual_compiler(CPU) == "eager"
    monkeypatch.setattr("helpers.training.execution.shutil.which", lambda name: name)
    assert levers.usual_compiler(CPU) is True and levers.usual_compiler(torch.device("mps")) == "eager"
