"""benchmark gpu, small and on the CPU: the same code as on a GPU, every part of it."""

import json
import subprocess

import pytest
import torch

from helpers.benchmark import gpu
from helpers.benchmark.gpu import BOOKS, MODES, Mode, as_text, measure_gpu, products_in, rate, replayed
from helpers.training import RECIPES

from ..examples import bars


@pytest.fixture(scope="module")
def found():
    data = bars(24, 28, batch_size=8), bars(10, 28)
    return measure_gpu("cpu", ("lenet", "bn_lenet"), ("float32", "bfloat16, channels last"), budget=2.0, batch_size=4,
                       data=data, num_epochs=1, replay=False)  # fmt: skip


def test_every_net_of_the_course_has_the_books_rate_beside_it():
    assert list(BOOKS) == list(RECIPES) and list(MODES)[0] == "float32" and MODES["float32"] == Mode()


def test_all_parts_are_measured_and_told(found):
    assert all(rate > 0 for rates in found["images_per_second"].values() for rate in rates.values())
    for net, rates in found["images_per_second"].items():
        best = found["fastest"][net]
        assert rates[best] == max(rates.values()) and {"float32", best} == set(found["trained"][net])
        assert all(0 <= run["test_accuracy"] <= 1 and run["seconds"] > 0 for run in found["trained"][net].values())
    assert all(set(rates) == {"F.conv2d"} and rates["F.conv2d"] > 0 for rates in found["kernels"].values())
    said = as_text(found)
    assert "| bn_lenet | float32 |" in said and f"| {BOOKS['lenet']:,} |" in said and "torch" in said
    assert json.loads(json.dumps(found)) == found, "it can be stored"


def test_a_rate_is_calls_times_amount_by_the_seconds(monkeypatch):
    clock = [0.0]

    def step():
        clock[0] += 0.5

    monkeypatch.setattr(gpu.time, "perf_counter", lambda: clock[0])
    assert rate(step, 10, torch.device("cpu"), seconds=20.0) == 20.0


def test_tf32_is_allowed_only_inside():
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    for mode in MODES.values():
        with products_in(mode):
            assert torch.backends.cuda.matmul.allow_tf32 is torch.backends.cudnn.allow_tf32 is mode.tf32
    assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == before


def test_a_replay_that_takes_too_long_is_stopped_and_says_so(monkeypatch):
    def late(command, timeout, **options):
        assert command[1:3] == ["-m", "tests.replay"]
        raise subprocess.TimeoutExpired(command, timeout, output=b"00_start_here: ran after 4 s")

    monkeypatch.setattr(gpu.subprocess, "run", late)
    assert replayed(7) == {"all_ran": False, "said": ["00_start_here: ran after 4 s", "stopped after 7 s"]}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_nothing_is_stored(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu, "STORED", tmp_path / "gpu.json")
    assert "no CUDA device" in gpu.gpu_part(True) and not (tmp_path / "gpu.json").exists()
