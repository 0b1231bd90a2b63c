"""The loader beside the book's."""

import pytest
import torch

from helpers.benchmark import functions

from ..data.fake_data import load


def test_loader_table_goes_through_both_loaders(monkeypatch):
    pytest.importorskip("d2l.torch")
    monkeypatch.setattr(functions, "load_data_fashion_mnist",
                        lambda size, resize: load(size, resize=resize, num_train=40, num_test=20))
    seen = []

    def full_pass(loop, device):
        batches = list(loop)
        seen.append((tuple(batches[0][0].shape), sorted(torch.cat([y for _, y in batches]).tolist())))

    monkeypatch.setattr(functions, "full_pass", full_pass)
    rows = functions.loader_table(runs=1)
    assert [(row.what, row.who) for row in rows] == [
        ("40 images at 28 px", "d2l"), ("40 images at 28 px", "helpers"),
        ("40 images at 96 px", "d2l"), ("40 images at 96 px", "helpers")]
    assert [shape for shape, _ in seen] == [(40, 1, 28, 28)] * 4 + [(40, 1, 96, 96)] * 4
    assert len({tuple(labels) for _, labels in seen}) == 1, "both give the same pictures"
