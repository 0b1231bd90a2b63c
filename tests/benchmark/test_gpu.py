"""benchmark gpu, small and on the CPU: the same code as on a GPU, every part of it."""

import json
import subprocess

import pytest
import torch

from helpers.benchmark import gpu, gpu_table
from helpers.benchmark.gpu import MODES, NOTEBOOKS, Mode, kernel_rates, measure_gpu, products_in, rate, replayed, tried
from helpers.benchmark.gpu_table import BOOKS, accuracies, convolutions, gpu_tables, said, speeds, store_gpu
from helpers.place import course_folder
from helpers.training import RECIPES

from ..examples import bars

SMALL = dict(nets=("lenet", "bn_lenet"), modes=("float32", "bfloat16, channels last"), spell=0.01, batch_size=4,
             num_epochs=1, notebooks=(), tell=lambda *words, **options: None)  # fmt: skip


def here(pieces, args, seconds, keep):
    """Run a step in this process."""
    for piece in pieces(*args):
        keep(piece)
    return ""


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """What is found, and the file that keeps it."""
    path = tmp_path_factory.mktemp("gpu") / "gpu.json"
    data = bars(24, 28, batch_size=8), bars(10, 28)
    return measure_gpu("cpu", **SMALL, data=data, path=path, run=here), path


def test_every_net_of_the_course_has_the_books_rate_beside_it_and_every_notebook_is_replayed():
    assert list(BOOKS) == list(RECIPES) and list(MODES)[0] == "float32" and MODES["float32"] == Mode()
    numbers = [path.name[:2] for path in (course_folder() / "notebooks").glob("[0-9]*.ipynb")]
    assert sorted(NOTEBOOKS) == sorted(numbers)


def test_all_parts_are_measured_written_and_told(measured):
    found, path = measured
    assert all(rate > 0 for rates in found["images_per_second"].values() for rate in rates.values())
    for net, rates in found["images_per_second"].items():
        best = found["fastest"][net]
        assert rates[best] == max(rates.values()) and {"float32", best} == set(found["trained"][net])
        assert all(0 <= run["test_accuracy"] <= 1 and run["seconds"] > 0 for run in found["trained"][net].values())
    assert all(set(rates) == {"F.conv2d"} and rates["F.conv2d"] > 0 for rates in found["kernels"].values())
    assert "failed" not in found and json.loads(path.read_text()) == found
    assert "| bn_lenet, float32 |" in said(found) and f"| {BOOKS['lenet']:,} |" in said(found)
    assert "torch" in said(found) and found["device"] == "cpu"


def test_what_a_step_found_before_it_ended_early_is_kept_and_the_others_go_on(tmp_path):
    def ends_early(pieces, args, seconds, keep):
        keep(next(pieces(*args)))
        return "its process ended with code -9"

    found = measure_gpu("cpu", **SMALL, data=(bars(24, 28, batch_size=8), bars(10, 28)), path=tmp_path / "gpu.json",
                        run=lambda step, *rest: (ends_early if step is gpu.rates else here)(step, *rest))  # fmt: skip
    assert found["images_per_second"].keys() == {"lenet"}
    assert found["failed"] == {"rates": "its process ended with code -9"}
    assert found["trained"].keys() == {"lenet", "bn_lenet"} and len(found["kernels"]) == 2
    assert json.loads((tmp_path / "gpu.json").read_text()) == found and "FAILED rates" in said(found)


def test_each_step_has_its_share_of_the_time_and_none_goes_beyond_the_end(monkeypatch):
    now, limits = [100.0], {}
    monkeypatch.setattr(gpu.time, "monotonic", lambda: now[0])

    def slow(step, args, seconds, keep):
        limits[step.__name__] = seconds
        now[0] += 200
        return f"stopped after {seconds:.0f} s"

    found = measure_gpu("cpu", budget=500.0, run=slow, tell=lambda *words, **options: None)
    assert limits == {"rates": 125.0, "trained": 175.0, "kernels": 50.0, "replayed": -100.0}
    assert found["failed"].keys() == limits.keys() and list(found["fastest"]) == []


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


def test_what_fails_is_a_line_and_kernels_that_disagree_fail(monkeypatch):
    assert tried(lambda: 3, "a", "b") == {"a": {"b": 3}}
    monkeypatch.setattr(gpu.F, "conv2d", lambda X, K: torch.rand(3))  # another answer at each call
    failed = tried(lambda: kernel_rates(next(iter(gpu.LAYERS)), torch.device("cpu"), 0.01), "kernels", "3×3")
    assert list(failed) == ["failed"] and "not close" in failed["failed"]["kernels, 3×3"]


def test_a_replay_that_takes_too_long_is_stopped_and_says_so(monkeypatch):
    monkeypatch.setattr(gpu.time, "monotonic", lambda: 100.0)

    def run(command, timeout, **options):
        assert command[1:3] == ["-m", "tests.replay"] and timeout == (7 if command[3] == "15" else 3.5)
        if command[3] == "15":
            raise subprocess.TimeoutExpired(command, timeout)
        return subprocess.CompletedProcess(command, 0, "07_lenet: ran after 4 s\n", "")

    monkeypatch.setattr(gpu.subprocess, "run", run)
    assert list(replayed(("07", "15"), 107.0)) == [{"replay": {"07": ["07_lenet: ran after 4 s"]}},
                                               {"replay": {"15": ["15: stopped after 7 s"]}}]  # fmt: skip


def test_a_gpus_results_stand_in_the_readme_and_the_notebooks_once_they_are_stored(measured, tmp_path, monkeypatch):
    found = measured[0] | {"device": "cuda:0"}
    readme, path = tmp_path / "README.md", tmp_path / "gpu.json"
    readme.write_text("before\n" + gpu_table.readme_part(None) + "after\n", encoding="utf-8")
    monkeypatch.setattr(gpu_table.load_gpu, "__defaults__", (path,))
    assert gpu_tables(speeds, accuracies, convolutions) == []
    for _ in range(2):
        store_gpu(found, path, readme)
        assert readme.read_text(encoding="utf-8") == "before\n" + gpu_table.readme_part(found) + "after\n"
    tables = gpu_tables(speeds, accuracies, convolutions)
    assert [len(table) for table in tables] == [3, 1 + sum(map(len, found["trained"].values())), 3]
    assert all(table.markdown() in readme.read_text(encoding="utf-8") for table in tables)
    with pytest.raises(ValueError, match="only a GPU's are kept"):
        store_gpu(found | {"device": "cpu"}, path, readme)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_nothing_is_measured_but_what_another_machine_found_is_read(measured, tmp_path):
    assert "no CUDA device" in gpu.gpu_part(True, tmp_path / "gpu.json") and not (tmp_path / "gpu.json").exists()
    assert gpu.gpu_part(False, found=gpu_table.load_gpu(measured[1])) == said(measured[0])
