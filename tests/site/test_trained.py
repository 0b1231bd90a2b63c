"""What the pages show of training: kept where the widget says what the notebook stores, and nowhere else."""

import json

import pytest
import torch
from torch import nn

from helpers.data import load_data_fashion_mnist
from helpers.networks import lenet
from helpers.site import grids, table, train, trained
from helpers.widgets import FeatureMaps, LearningRateLab

START = "import torch\nfrom torch import nn\nfrom helpers.data import load_data_fashion_mnist"
DATA = "test_iter = load_data_fashion_mnist(8, num_train=20, num_test=20)[1]\nwhere = test_iter.images.device"
NET = "net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10)).to(where)"
SHOW = "from helpers.widgets import FeatureMaps\nFeatureMaps(net, test_iter)"


@pytest.fixture
def small():
    return load_data_fashion_mnist(8, num_train=40, num_test=20)


@pytest.fixture
def notebook(tmp_path):
    """A notebook that trains nothing and shows a widget on its net; `stored` is what it says there."""

    def written(stored):
        output = {"output_type": "execute_result", "data": {"text/plain": f"FeatureMaps: {stored}"}}
        sources = {"a": START, "b": DATA, "c": "raise ValueError", "d": NET, "e": SHOW}
        cells = [{"id": name, "cell_type": "code", "source": text, "outputs": [output] if name == "e" else []}
                 for name, text in sources.items()]  # fmt: skip
        path = tmp_path / "lesson.ipynb"
        path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
        return path

    return written


def test_only_the_named_cells_run_and_the_line_after_them(notebook):
    training = train.Training(("a", "b", "d"), "e", "net = nn.Sequential(nn.Flatten(), nn.Linear(784, 3)).to(where)")
    widget, stored = train.widget_of(notebook("so it is"), training)
    assert stored == "so it is" and isinstance(widget, FeatureMaps) and widget.net[1].out_features == 3


@pytest.mark.parametrize("fits", [True, False])
def test_a_net_is_kept_where_the_notebook_stores_the_same(notebook, tmp_path, monkeypatch, capsys, fits):
    torch.manual_seed(0)
    training = train.Training(("a", "b", "d"), "e", "nn.init.zeros_(net[1].weight); nn.init.zeros_(net[1].bias)")
    widget, _ = train.widget_of(notebook(""), training)
    path = notebook(widget.describe(widget.result) if fits else "something else")
    monkeypatch.setattr(train, "NETS", {"07": training})
    monkeypatch.setattr(train, "RUNS", {})
    monkeypatch.setattr(train, "FOLDER", tmp_path / "trained")
    monkeypatch.setattr(train, "notebook_of", lambda number: path)
    assert train.main(["07"]) == (0 if fits else 1)
    assert (trained.net("07", tmp_path / "trained") is not None) is fits
    assert ("kept 07.pt" in capsys.readouterr().out) is fits


def test_a_kept_net_answers_as_before(small, tmp_path):
    widget = FeatureMaps(lenet().to(small[1].images.device), small[1])
    train.keep_net(widget, tmp_path / "07.pt")
    again = FeatureMaps(trained.net("07", tmp_path).to(small[1].images.device), small[1])
    assert again.describe(again.result) == widget.describe(widget.result)


def test_a_file_with_other_classes_is_refused(tmp_path):
    torch.save(nn.GELU(), tmp_path / "07.pt")
    with pytest.raises(Exception, match="GELU"):
        trained.net("07", tmp_path)


def test_each_setting_of_a_lab_is_shown_with_its_run(small, tmp_path, monkeypatch):
    lab = LearningRateLab(*small)
    for lab.lr in (0.9, 0.01):
        lab.run()
        lab.wait()
    lab.lr = 0.1
    products = ({"lr": (0.1, 0.5), "activation": ("ReLU",)},)
    grid = grids.LEARNING_RATE._replace(controls=("lr", "activation"), products=products)
    monkeypatch.setattr(train, "grid_for", lambda widget: grid)
    said = lab.describe(lab.result)
    train.keep_runs(lab, tmp_path / "07.json")
    again = trained.give_runs(LearningRateLab(*small), "07", tmp_path)
    assert again.describe(again.result) == said
    made = table.tabulate(again, grid)
    assert [values[0] for values, _ in made.states] == [0.1, 0.1, 0.5, 0.5] and made.sentence(0) == said
    for number, (values, _) in enumerate(made.states[1:], 1):
        lr, activation = values
        assert made.sentence(number).count(f"lr {lr:g}, batch 64, {activation}, avg pooling: loss") == 1
        assert made.sentence(number).count("steps") == 3


def test_without_kept_runs_a_lab_is_as_it_comes(small, tmp_path):
    lab = trained.give_runs(LearningRateLab(*small), "07", tmp_path)
    assert not lab.runs
