"""The NumPy net beside PyTorch's: the same net, or nothing is timed."""

import pytest
import torch

from helpers.benchmark import scratch
from helpers.benchmark.scratch import torch_twin
from helpers.scratch import SimpleConvNet


def test_the_benchmark_compares_equal_nets(monkeypatch):
    rows = scratch.scratch_rows(runs=1, least=0)
    assert [row.who for row in rows] == ["helpers.scratch", "torch", "torch, channels last"] * 2
    assert all(row.seconds > 0 for row in rows)
    threads = torch.get_num_threads()
    monkeypatch.setattr(scratch, "torch_twin", lambda net: torch_twin(SimpleConvNet(seed=1)))
    with pytest.raises(RuntimeError, match="must be the same net"):
        scratch.scratch_rows(runs=1, least=0)
    assert torch.get_num_threads() == threads
