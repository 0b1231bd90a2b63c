"""The depth lab's stored runs: made by its own training, and what it gives today."""

import itertools
import json

import pytest
import torch

from helpers.benchmark.depth import PICTURES, depth_runs, store
from helpers.data import load_data_fashion_mnist
from helpers.widgets import DepthLab
from helpers.widgets.kit import trainer
from helpers.widgets.kit.short_run import Run, train_run
from helpers.widgets.nets.depth_lab import STORED

from ..widgets.test_depth_lab import pictures


def test_what_is_stored_is_what_the_lab_trains(monkeypatch, tmp_path):
    monkeypatch.setitem(trainer.BUDGETS, "quick", (640, 50))
    data = pictures(200, shuffle=True), pictures(60, seed=9)
    measured = depth_runs(data)
    store(measured, tmp_path / "runs.json")
    runs = [Run(**run) for run in json.loads((tmp_path / "runs.json").read_text(encoding="utf-8"))["runs"]]
    lab = DepthLab(*data, skip=True)
    lab.run()
    lab.wait()
    assert [run.settings["skip"] for run in runs] == [False, True] and measured["num_train"] == 200
    for point, want in zip(runs[1].points, lab.runs[0].points, strict=True):
        assert point == pytest.approx(list(want), abs=1e-4)


@pytest.fixture
def one_thread():
    """As in the stored runs: two threads add up in another order, and a deep plain net makes much of that."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_the_stored_runs_begin_as_they_would_today(one_thread):
    """The first tenth of each, trained anew: more would take its time."""
    train_iter, test_iter = load_data_fashion_mnist(128, **PICTURES)
    if train_iter.source != "Fashion-MNIST":
        pytest.skip("the digits are here in place of Fashion-MNIST")
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    budget, num_test = trainer.BUDGETS["cpu"]
    assert (stored["num_train"], num_test) == (PICTURES["num_train"], PICTURES["num_test"])
    lab = DepthLab(train_iter, test_iter)
    for run in stored["runs"]:
        build = lambda settings=run["settings"]: lab.build(settings, 10)  # noqa: E731
        again = train_run(Run(run["settings"], 0), build, train_iter, test_iter, budget, stored["seed"], lambda _: None)
        *_, begun = itertools.islice(again, 2)
        for (images, loss, accuracy), (seen, lost, right) in zip(begun.points, run["points"], strict=False):
            assert images == seen and loss == pytest.approx(lost, abs=0.02)
            assert accuracy == pytest.approx(right, abs=0.05)
