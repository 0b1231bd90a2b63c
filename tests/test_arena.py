"""What the tests of ARENA's chapter on convolutional nets ask of a learner's functions, in our own words, of ours.

They call with pairs of NumPy's integers, with a stride of None, and look at what a batch norm keeps.
"""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from helpers import corr2d_multi_in_out, pool2d
from helpers.networks import BatchNorm, resnet18


def conv2d(X, weights, stride=1, padding=0):
    """ARENA's conv2d for X (N, C, H, W)."""
    return torch.stack([corr2d_multi_in_out(picture, weights, stride=stride, padding=padding) for picture in X])


def pair(random, low, high):
    return tuple(random.integers(low, high, size=2))


@pytest.mark.parametrize("seed", range(5))
def test_conv2d(seed):
    random, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    (n, ci), co, size = pair(random, 1, 5), random.integers(1, 9), random.integers(10, 60, size=2)
    X = torch.randn(n, ci, *size, dtype=torch.float64, generator=generator)
    weights = torch.randn(co, ci, *pair(random, 1, 10), dtype=torch.float64, generator=generator)
    arguments = {"stride": pair(random, 1, 5), "padding": pair(random, 0, 5)}
    torch.testing.assert_close(conv2d(X, weights, **arguments), F.conv2d(X, weights, **arguments))
    torch.testing.assert_close(conv2d(X, weights), F.conv2d(X, weights))
    one = {"stride": random.integers(1, 5), "padding": random.integers(0, 5)}
    torch.testing.assert_close(conv2d(X, weights, **one), F.conv2d(X, weights, **{k: int(v) for k, v in one.items()}))


@pytest.mark.parametrize("seed", range(20))
def test_maxpool2d(seed):
    random = np.random.default_rng(seed)
    X = torch.randn(*pair(random, 1, 9), *random.integers(10, 50, size=2))
    stride, kernel = None if seed % 2 else pair(random, 1, 5), pair(random, 1, 10)
    padding = tuple(random.integers(0, 1 + k // 2) for k in kernel)
    wanted = F.max_pool2d(X, kernel, stride=stride, padding=padding)
    assert torch.equal(pool2d(X, kernel, stride=stride, padding=padding), wanted)


def test_batch_norm_keeps_what_it_must():
    layer = BatchNorm(2)
    assert layer.num_features == 2 and all(isinstance(p, nn.Parameter) for p in (layer.weight, layer.bias))
    buffers = dict(layer.named_buffers())
    assert {name: tuple(buffer.shape) for name, buffer in buffers.items()} == {
        "running_mean": (2,), "running_var": (2,), "num_batches_tracked": ()}  # fmt: skip
    Y = layer(torch.randn(100, 2, 3, 4))
    torch.testing.assert_close(Y.mean((0, 2, 3)), torch.zeros(2))
    torch.testing.assert_close(Y.std((0, 2, 3)), torch.ones(2), atol=1e-3, rtol=1e-3)


def test_batch_norms_running_mean_comes_closer_batch_by_batch():
    layer, X = BatchNorm(3, momentum=0.6), torch.arange(12.0).reshape(2, 3, 2, 1)
    mean = X.mean((0, 2, 3))
    for count in range(1, 31):
        layer(X)
        torch.testing.assert_close(layer.running_mean, (1 - 0.4**count) * mean)
    assert layer.num_batches_tracked.item() == 30
    torch.testing.assert_close(layer.eval()(X).mean((0, 2, 3)), torch.zeros(3))


def test_a_net_with_our_batch_norm_takes_the_state_of_one_with_torchs():
    theirs = resnet18(1, 5, 0.1)
    ours = resnet18(1, 5, 0.1)
    for name, module in list(ours.named_modules()):
        if isinstance(module, nn.BatchNorm2d):
            parent, _, child = name.rpartition(".")
            setattr(ours.get_submodule(parent), child, BatchNorm(module.num_features))
    X = torch.randn(4, 1, 96, 96)
    theirs(X)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    torch.testing.assert_close(ours.eval()(X), theirs.eval()(X), rtol=1e-4, atol=1e-5)
    theirs.load_state_dict(ours.state_dict())
