"""tests/replay.py: it cuts the steps and nothing else, lists the claims that fail and stops where a cell stops."""

import ast

import nbformat
import numpy as np
import torch

from .replay import ROOT, replay

CELLS = [
    "import torch\nfrom torch import nn\nfrom helpers.data import load_data_fashion_mnist\n"
    "from helpers.training import profile, train_ch6",
    "train_iter, test_iter = load_data_fashion_mnist(8, 14)\nnet = nn.Sequential(nn.Flatten(), nn.Linear(196, 10))",
    "history = train_ch6(net, train_iter, test_iter, 5, 0.1, live=False)\nassert history.test_acc[-1] > 2\n"
    "sizes = dict(seconds=3.0, rounds=3, steps=50, seeds=10)",
    "assert profile() == 'gpu'\nassert (len(train_iter), len(test_iter), len(history.loss)) == (3, 3, 2)\n"
    "assert sizes == {'seconds': 0.1, 'rounds': 1, 'steps': 4, 'seeds': 10}\n"
    "assert next(iter(train_iter))[0].shape == (8, 1, 14, 14)",
]


def notebook(*more):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in [*CELLS, *more]])


def test_steps_are_cut_and_sizes_are_not_and_a_cell_that_stops_stops_the_replay():
    claims, why = replay(notebook("raise RuntimeError('the loss is nan')"), ROOT / "notebooks", batches=3, small=0)
    assert "the loss is nan" in why and claims == [(2, "history.test_acc[-1] > 2")]


def test_sets_of_small_pictures_keep_as_many_as_the_notebooks_look_at_and_all_classes():
    looks = "assert train_iter.batch(range(1000))[0].shape == (1000, 1, 14, 14)\nassert len(train_iter) == 125"
    in_rows = ("from helpers.data.batches import ImageBatches\n"
               "few = ImageBatches(torch.zeros(100, 3, 64, 64).byte(), torch.arange(100) // 10, 8, classes=range(10))\n"
               "assert len(few) == 3 and few.labels.unique().tolist() == list(range(10))")  # fmt: skip
    claims, why = replay(notebook(looks, in_rows), ROOT / "notebooks", batches=3, epochs=1)
    assert not why and claims[1:] == [(3, ast.unparse(ast.parse(CELLS[3]).body[1].test))]


def test_a_kernel_that_dies_stops_the_replay_with_a_word_of_it():
    dies = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import os\nos._exit(3)")])
    claims, why = replay(dies, ROOT / "notebooks")
    assert not claims and why.partition(":")[0] in ("DeadKernelError", "AssertionError")


def test_a_shift_is_added_to_every_seed():
    source = ("import numpy\ntorch.manual_seed(1)\nfirst = torch.rand(1)\n"
              "own = torch.rand(1, generator=torch.Generator().manual_seed(2))\n"
              "train_ch6(net, train_iter, test_iter, 1, 0.1, live=False, seed=3)\nweight = net[1].weight[0, 0]\n"
              "print(first.item(), own.item(), numpy.random.default_rng(4).random(), weight.item())")  # fmt: skip
    plain, shifted = notebook(source), notebook(source)
    for run, shift in ((plain, 0), (shifted, 10)):
        assert not replay(run, ROOT / "notebooks", shift=shift)[1]
    plain, shifted = (run.cells[-1].outputs[-1].text.split() for run in (plain, shifted))
    torch.manual_seed(11)
    own = torch.rand(1, generator=torch.Generator().manual_seed(12))
    torch.manual_seed(11)
    drawn = torch.rand(1).item(), own.item(), np.random.default_rng(14).random()
    assert shifted[:3] == [str(number) for number in drawn]
    assert all(a != b for a, b in zip(plain, shifted, strict=True))
