"""The levers are really pulled, the parts of a step add up, the rates are those of the clock."""

import math
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


def compared(monkeypatch, factors, pair):
    """What `compare_levers` returns where each lever makes training so many times faster, amp with channels last
    `pair` times, and nothing before the data are in memory; and the settings in the order of their runs."""
    seen = []

    def record(net, batches, setting, seconds):
        seen.append(setting)
        rate = 100.0
        if setting.in_memory:
            both = setting.amp and setting.channels_last
            found = {"memory": True, "batch": setting.batch_size > 64, "amp": setting.amp and not both,
                     "last": setting.channels_last and not both, "compile": bool(setting.compile)}  # fmt: skip
            rate *= math.prod(factors[name] for name, pulled in found.items() if pulled) * (pair if both else 1)
        return rate, 0.5

    monkeypatch.setattr(levers, "train_for", record)
    return compare_levers(build, pictures(), rounds=2, larger_batch=128, compile="eager"), seen


def test_each_lever_is_pulled_on_the_best_so_far(monkeypatch):
    factors = {"memory": 4.0, "batch": 0.9, "amp": 1.01, "last": 0.8, "compile": 1.5}
    speeds, seen = compared(monkeypatch, factors, pair=2.0)
    assert [(speed.name, round(speed.gain, 2), speed.kept) for speed in speeds] == [
        ("none", 1, False), ("data in memory", 4, True), ("batches of 128", 0.9, False),
        ("mixed precision", 1.01, False),
        ("channels last", 0.8, False), ("both of these", 2, True), ("compiled", 1.5, True), ("those kept", 12, True),
    ]  # fmt: skip
    best = Levers(in_memory=True, amp=True, channels_last=True, compile="eager")
    assert speeds[-1].levers == speeds[-2].levers == best and speeds[-1].images_per_second == pytest.approx(1200)
    assert seen[:4] == [Levers(), Levers(in_memory=True)] * 2, "in turn"
    assert seen[8:12] == seen[12:16] and len(set(seen[8:12])) == 4 and seen[-2:] == [Levers(), best]
    assert speeds[2].levers == Levers(in_memory=True, batch_size=128)


def test_the_faster_of_two_levers_that_belong_together_stays_alone(monkeypatch):
    factors = {"memory": 1.0, "batch": 1.01, "amp": 0.5, "last": 1.3, "compile": 1.0}
    speeds, _ = compared(monkeypatch, factors, pair=0.4)
    assert [speed.name for speed in speeds if speed.kept] == ["those kept"], "channels last needs the data in memory"
    speeds, _ = compared(monkeypatch, {**factors, "memory": 1.1}, pair=0.4)
    assert [speed.name for speed in speeds if speed.kept] == ["data in memory", "channels last", "those kept"]
    assert speeds[-1].levers == Levers(in_memory=True, channels_last=True)


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


@pytest.mark.parametrize(("lasts", "calls"), [(1e-5, 1024), (0.004, 4), (0.02, 1)])
def test_short_calls_share_a_look_at_the_clock(monkeypatch, lasts, calls):
    now, looks = [0.0], []

    def call():
        now[0] += lasts

    def look(device):
        looks.append(now[0])
        now[0] += 1e-4  # waiting for the device
        return now[0]

    monkeypatch.setattr(levers, "clock", look)
    found = levers.calls_of_a_run(call, CPU)
    assert calls / 2 <= found <= calls
    seconds = levers.least_seconds(call, CPU, 0.1)
    assert lasts <= seconds < lasts * 1.1 and len(looks) < 100


def test_where_no_compiler_is_at_hand_nothing_is_translated(monkeypatch):
    monkeypatch.setattr("helpers.training.execution.shutil.which", lambda name: None)
    assert levers.usual_compiler(CPU) == "eager"
    monkeypatch.setattr("helpers.training.execution.shutil.which", lambda name: name)
    assert levers.usual_compiler(CPU) is True and levers.usual_compiler(torch.device("mps")) == "eager"


def test_on_a_gpu_a_c_compiler_is_needed_too(monkeypatch):
    cuda = torch.device("cuda")
    monkeypatch.setattr(levers, "check_compiler", lambda device, backend: None)  # Triton is there
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(levers.shutil, "which", lambda name: name if name == "g++" else None)
    assert levers.usual_compiler(cuda) == "eager"
    monkeypatch.setattr(levers.shutil, "which", lambda name: name if name == "clang" else None)
    assert levers.usual_compiler(cuda) is True
    monkeypatch.setattr(levers.shutil, "which", lambda name: None)
    monkeypatch.setenv("CC", "/some/where/cc")
    assert levers.usual_compiler(cuda) is True
