"""One training step of the NumPy net beside PyTorch's, same net, same weights, one thread each."""

import contextlib
import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from helpers.scratch import SimpleConvNet

from .measure import Row, compare

BATCH, LR = 100, 0.01


def scratch_rows(runs: int = 15, least: float = 0.1) -> list[Row]:
    """Time a step (forward, backward, update) and a forward pass of the net with 30 filters 5x5 and hidden size 100.

    Raises RuntimeError if the two do not agree about the loss, before and after a step.
    """
    rng = np.random.default_rng(0)
    x, t = rng.random((BATCH, 1, 28, 28), dtype=np.float32), rng.integers(0, 10, BATCH)
    net, X, y = SimpleConvNet(seed=0), torch.from_numpy(x), torch.from_numpy(t)
    steps, forwards = {"helpers.scratch": numpy_step(net, x, t)}, {"helpers.scratch": lambda: net.predict(x)}
    for who, layout in (("torch", torch.contiguous_format), ("torch, channels last", torch.channels_last)):
        twin = torch_twin(net).to(memory_format=layout)
        steps[who] = torch_step(twin, X, y)
        forwards[who] = torch.no_grad()(lambda twin=twin: twin(X))
    with one_thread():
        for _ in range(2):
            ours, *theirs = (step() for step in steps.values())
            for loss in theirs:
                same_loss(ours, loss)
        return (compare(f"a training step, {BATCH} images, one thread", steps, runs, least)
                + compare(f"forward, {BATCH} images, one thread", forwards, runs, least))


def torch_twin(net: SimpleConvNet) -> nn.Sequential:
    """PyTorch's net with the layers of `net` and copies of its weights."""
    conv, pool = net.layers["Conv1"], net.layers["Pool1"]
    (filters, channels, *window), (features, hidden) = (net.params[name].shape for name in ("W1", "W2"))
    twin = nn.Sequential(
        nn.Conv2d(channels, filters, window, conv.stride, conv.pad), nn.ReLU(), nn.MaxPool2d(2, pool.stride),
        nn.Flatten(), nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, net.params["W3"].shape[1]))
    for number, layer in zip("123", (twin[0], twin[4], twin[6]), strict=True):
        W = net.params["W" + number]
        layer.weight.data = torch.tensor(W if W.ndim == 4 else W.T.copy())  # nn.Linear holds (out, in)
        layer.bias.data = torch.tensor(net.params["b" + number])
    return twin


def numpy_step(net: SimpleConvNet, x: np.ndarray, t: np.ndarray) -> Callable[[], float]:
    """Return a function that takes one step of gradient descent and returns the loss before it."""
    def step():
        for name, gradient in net.gradient(x, t).items():
            net.params[name] -= LR * gradient
        return float(net.last_layer.loss)

    return step


def torch_step(net: nn.Module, X: torch.Tensor, y: torch.Tensor) -> Callable[[], float]:
    """Return the same function for PyTorch's net."""
    optimizer = torch.optim.SGD(net.parameters(), lr=LR)

    def step():
        optimizer.zero_grad()
        loss = F.cross_entropy(net(X), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def same_loss(ours: float, theirs: float) -> None:
    """Raise RuntimeError if the losses differ by more than rounding."""
    if not math.isclose(ours, theirs, rel_tol=1e-5):
        raise RuntimeError(f"the NumPy net has a loss of {ours}, PyTorch's of {theirs}: they must be the same net")


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """One thread for NumPy's products and for torch; afterwards as many as before."""
    from threadpoolctl import threadpool_limits

    threads = torch.get_num_threads()
    with threadpool_limits(limits=1):
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
