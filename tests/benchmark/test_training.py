"""LeNet trained by the book's functions and by the course's."""

import pytest
import torch

from helpers.benchmark import training
from helpers.benchmark.measure import books_loaders, table
from helpers.benchmark.training import measured
from helpers.data import ImageBatches
from helpers.training import train_ch6

from ..examples import bars


def test_the_benchmark_trains_both_on_the_same_pictures(monkeypatch):
    pytest.importorskip("d2l.torch")
    images = ImageBatches(torch.randint(256, (60, 1, 28, 28), dtype=torch.uint8), torch.arange(60) % 10, 20, classes="")
    shown = []

    def load(batch_size, standardize=True):
        shown.append(ImageBatches(images.images, images.labels, batch_size, classes="", standardize=standardize))
        return shown[-1], shown[-1]

    with books_loaders(*load(20, standardize=False)) as (train_iter, test_iter):
        X, y = next(iter(test_iter))
    assert torch.equal(X, next(iter(shown[0]))[0]) and y.tolist() == images.labels[:20].tolist()
    assert len(train_iter) == 3
    monkeypatch.setattr(training, "measured", lambda train, data, test_iter, seed: (2.0 + seed, 0.5))
    rows = training.training_rows(full=True, load=load)
    assert [row.who for row in rows][:2] == ["d2l", "helpers"] and len(rows) == 6
    assert all((row.seconds, row.faster, row.runs, row.accuracy) == (3.0, 1.0, 3, "0.500 ± 0.000") for row in rows)
    assert "| test accuracy |" in table(rows) and "accuracy" not in table(rows[:0])


def test_the_benchmark_measures_a_training():
    data = bars(18, 28)
    seconds, accuracy = measured(lambda net, *both: train_ch6(net, *both, 1, 0.1), (data, data), data, seed=0)
    assert seconds > 0 and 0 <= accuracy <= 1
