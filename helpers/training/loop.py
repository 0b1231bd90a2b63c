"""Train and test a net as the book's `train_ch6` does, with an honest clock, a live curve and clear errors.

After *Dive into Deep Learning*, sections 5.6 (GPUs) and 6.6 (LeNet).
"""

import contextlib
import itertools
import math
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from helpers.data import try_gpu

from .execution import Execution
from .guards import (
    check_batch,
    clear_errors,
    evaluation,
    gains_by_channels_last,
    held_interrupts,
    in_channels_last,
    seeded,
)
from .history import History, LiveCurve, Reading

PROFILES = ("gpu", "cpu", "quick")
READINGS = 5  # times an epoch that the sums are fetched from the device


def profile() -> str:
    """Return which settings a notebook trains with: CNN_COURSE_PROFILE, or else "gpu" where there is one, or "cpu".

    Raises ValueError if CNN_COURSE_PROFILE is none of "gpu", "cpu", "quick".
    """
    chosen = os.environ.get("CNN_COURSE_PROFILE") or ("gpu" if torch.cuda.is_available() else "cpu")
    if chosen not in PROFILES:
        raise ValueError(f"CNN_COURSE_PROFILE is {chosen!r}: set it to one of {', '.join(PROFILES)}, or unset it")
    return chosen


def evaluate_accuracy(net: Callable[[Tensor], Tensor], data_iter: Iterable, device=None) -> float:
    """Return the share of the pictures of `data_iter`, batches X (N, C, H, W) and y (N,), that the net gets right.

    Runs in evaluation mode without gradients, on `device` or else where the net is; the net's mode is then as
    before. Raises ValueError if there is no batch, or one that does not fit the net.
    """
    if device is None and isinstance(net, nn.Module):
        device = next((parameter.device for parameter in net.parameters()), None)
    hits, seen = 0, 0
    with evaluation(net):
        for X, y in data_iter:
            with clear_errors(net, X):
                hits = hits + (net(X.to(device)).argmax(1) == y.to(device)).sum()
            seen += len(y)
    if not seen:
        raise ValueError("there is no batch to evaluate on: data_iter is empty")
    return int(hits) / seen


evaluate_accuracy_gpu = evaluate_accuracy  # the book's name


@dataclass(frozen=True)
class Cosine:
    """A learning rate that falls from `highest` to 0 along half a cosine over the training, for `train_ch6`'s `lr`.

    Called with the share of the training that is done, 0 to 1 (Loshchilov and Hutter 2016, without restarts).
    """

    highest: float

    def __call__(self, share: float) -> float:
        return self.highest * (1 + math.cos(math.pi * share)) / 2

    def __repr__(self) -> str:
        return f"cosine from {self.highest:g}"


def train_ch6(
    net: nn.Module, train_iter: Iterable, test_iter: Iterable, num_epochs: int,
    lr: float | Callable[[float], float], device=None, *,
    seed: int | None = None, live: bool = True, init: bool = True, channels_last: bool | None = None,
    amp: bool | torch.dtype = False, compile: bool | str = False,
    on_progress: Callable[[History], bool | None] | None = None,
) -> History:
    """Train `net` by SGD on the cross entropy and return the `History` (book, section 6.6).

    Both iterables give batches X (N, C, H, W), y int64 (N,) and have a length. `lr` is a number, or a function that
    returns it for the share of the training that is done, `Cosine(0.1)` for one. `device=None` is `try_gpu()`. The
    weights of dense and convolutional layers start anew by Xavier's rule; `init=False` keeps them. With `seed`, all
    of torch's random numbers follow from it, and the caller's go on as if there had been no training. `live` shows
    curves in Jupyter, elsewhere one line. `channels_last` is the order of the weights in memory meanwhile; None
    takes the one that should be faster. `amp` computes in 16 bits what can bear it, `compile` translates the net into
    machine code of its own first; both pay on a GPU (`helpers.training.execution`, notebook 15).

    `on_progress(history)` is called about five times an epoch and ends the training by returning True. So does
    stopping the kernel: the history so far comes back. The net is left on `device` in evaluation mode.

    Raises ValueError for batches that do not fit the net, TypeError for pictures of another dtype than its weights,
    RuntimeError if the loss is not finite or memory runs out.
    """
    device = try_gpu() if device is None else torch.device(device)
    check_sizes(train_iter, test_iter, num_epochs)
    torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1)  # the first one imports for seconds: before the clock starts
    history, curve = History(num_epochs, str(device), seed), LiveCurve() if live else None

    def tell() -> bool:
        if curve:
            curve.draw(history)
        return bool(on_progress and on_progress(history))

    with contextlib.suppress(KeyboardInterrupt), seeded(seed):
        execution = Execution(net, device, amp, compile)
        fit(net, train_iter, test_iter, lr, device, history, init, channels_last, tell, execution)
    with held_interrupts(drop=True):
        history.interrupted = len(history.test_acc) < num_epochs
        net.eval()
        if curve:
            curve.finish(history)
    return history


def fit(net, train_iter, test_iter, lr, device, history, init, channels_last, tell, execution) -> None:
    """Do the work of `train_ch6`: fill `history`, calling `tell()` after each reading; True from it ends the run."""
    first, batches = prepare(net, train_iter, device, init)
    if channels_last is None:
        channels_last = gains_by_channels_last(net, first, device)
    optimizer = torch.optim.SGD(net.parameters(), lr=rate_at(lr, 0.0))
    with in_channels_last(net) if channels_last else contextlib.nullcontext():
        for epoch in range(history.num_epochs):
            if callable(lr):
                batches = at_their_rates(batches, optimizer, lr, epoch, history.num_epochs, len(train_iter))
            for reading in train_epoch(net, batches, optimizer, device, len(train_iter), execution):
                if not math.isfinite(reading.loss):
                    raise RuntimeError(diverged(history, reading.loss, rate_at(lr, 0.0)))
                history.read(reading)
                if tell():
                    return
            test_acc = evaluate_accuracy(net, test_iter, device)
            with held_interrupts():
                history.end_epoch(reading, test_acc)
            if tell():
                return
            batches = train_iter


def rate_at(lr: float | Callable[[float], float], share: float) -> float:
    """Return the learning rate once this share of the training is done."""
    return lr(share) if callable(lr) else lr


def at_their_rates(batches: Iterable, optimizer, lr: Callable, epoch: int, num_epochs: int, num_batches: int):
    """Yield the batches of an epoch, each after the optimizer has been given its learning rate."""
    for i, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = lr((epoch + i / num_batches) / num_epochs)
        yield batch


def train_epoch(
    net: nn.Module, batches: Iterable, optimizer: torch.optim.Optimizer, device, num_batches: int,
    execution: Execution | None = None,
) -> Iterator[Reading]:
    """Pass once over batches X (N, C, H, W), y (N,), a step of the optimizer for each; yield about five readings.

    The sums of loss and hits stay on the device: only a reading waits for it. `execution` is how a step is computed,
    None in full precision by the net as it is. Leave the loop over this generator to stop. Raises ValueError if
    there is no batch or one does not fit the net.
    """
    net.train()
    execution = execution or Execution(net, torch.device(device))
    sums, seen, told, every = torch.zeros(2, device=device), 0, 0, max(1, num_batches // READINGS)
    for count, (X, y) in enumerate(batches, 1):
        X, y = X.to(device), y.to(device)
        with clear_errors(net, X):
            optimizer.zero_grad()
            logits, loss = execution.forward(X, y)
            execution.backward(loss)
        with held_interrupts():  # a step is taken whole or not at all
            execution.step(optimizer)
        sums += torch.stack([loss.detach() * len(y), (logits.argmax(1) == y).sum()])
        seen += len(y)
        if count % every == 0 and count < num_batches:
            yield Reading(count / num_batches, seen - told, *(sums / seen).tolist())
            told = seen
    if not seen:
        raise ValueError("train_iter gave no batch: it must give all of them anew in each epoch, as a DataLoader does")
    yield Reading(1.0, seen - told, *(sums / seen).tolist())


def prepare(net: nn.Module, train_iter: Iterable, device, init: bool) -> tuple[Tensor, Iterable]:
    """Give the net its first weights and place; return X of the first batch, and the batches of the first epoch.

    Random numbers are drawn in the book's order: first the weights, then the order of the pictures. Lazy layers
    learn their sizes from the first batch. Raises ValueError if that does not fit the net.
    """
    lazy = any(nn.parameter.is_lazy(parameter) for parameter in net.parameters())
    if init and not lazy:
        net.apply(xavier)
    net.to(device)
    batches = iter(train_iter)
    for first in batches:
        check_batch(net, *first, device)
        if init and lazy:
            net.apply(xavier)
        return first[0], itertools.chain([first], batches)
    raise ValueError("train_iter gave no batch: give it at least one picture")


def xavier(module: nn.Module) -> None:
    """Draw new weights for a dense or convolutional layer, as the book does; biases stay."""
    if type(module) in (nn.Linear, nn.Conv2d):
        nn.init.xavier_uniform_(module.weight)


def check_sizes(train_iter: Iterable, test_iter: Iterable, num_epochs: int) -> None:
    """Raise ValueError if there is nothing to train or test on, TypeError for batches without a length."""
    for name, batches in (("train_iter", train_iter), ("test_iter", test_iter)):
        if not hasattr(batches, "__len__"):
            raise TypeError(f"{name} needs a length, the number of its batches: give a list or a DataLoader, "
                            f"not a {type(batches).__name__}")
        if len(batches) == 0:
            raise ValueError(f"{name} is empty: it must give at least one batch (X, y)")
    if num_epochs < 1:
        raise ValueError(f"num_epochs must be at least 1, not {num_epochs}")


def diverged(history: History, loss: float, lr: float) -> str:
    """Return the sentence for a loss that is not a number any more."""
    return (f"the loss became {loss} in epoch {history.epoch}: lr={lr:g} is too large for this net, try "
            f"lr={lr / 10:g}; if it still does, look for nan or inf in the pictures")
