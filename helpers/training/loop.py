"""Train and test a net as the book's `train_ch6` does, with an honest clock, a live curve and clear errors.

After *Dive into Deep Learning*, sections 5.6 (GPUs) and 6.6 (LeNet).
"""

import contextlib
import inspect
import math
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from helpers.data.device import device_of

from .advice import check_module
from .checks import (
    check_arguments,
    check_batch,
    check_form,
    check_last_batch,
    check_layout,
    check_logits,
    check_rest,
    check_training,
    first_of,
    pair_of,
    rate_at,
)
from .execution import Execution
from .guards import (
    clear_errors,
    evaluation,
    gains_by_channels_last,
    held_interrupts,
    in_channels_last,
    seeded,
)
from .history import History, LiveCurve, Meter, Reading

PROFILES = ("gpu", "cpu", "quick")
READINGS = 5  # times an epoch that the sums are fetched from the device
POINTS = 5  # at least, of the curves from one of these readings to the next, where there are as many batches


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
    before. Raises ValueError if there is no batch, one that does not fit the net, a label that is no class of the net,
    or an answer that is not a number.
    """
    if device is not None:
        device = device_of(device)
    elif isinstance(net, nn.Module):
        device = next((parameter.device for parameter in net.parameters()), None)
    if inspect.isclass(net) or not callable(net):
        check_module(net)
    sums, seen = 0, 0  # of hits, labels out of range, answers that are no numbers: they stay on the device
    with evaluation(net):
        for X, y in map(pair_of, data_iter):
            check_form(y, len(X))
            check_layout(net, X)
            with clear_errors(net, X):
                logits, y = net(X.to(device)), y.to(device)
                check_logits(logits, len(y))
                strange = (y < 0) | (y >= logits.shape[1]), logits.isnan().any(1)
                sums = sums + torch.stack([(logits.argmax(1) == y).sum(), *(rows.sum() for rows in strange)])
            seen += len(y)
    if not seen:
        raise ValueError("there is no batch to evaluate on: data_iter is empty")
    hits, out_of_range, not_numbers = sums.tolist()
    if out_of_range:
        raise ValueError(f"{out_of_range:,} of {seen:,} labels are no class of the net: they must be 0 to "
                         f"{logits.shape[1] - 1}")
    if not_numbers:
        raise ValueError(f"the net's answer to {not_numbers:,} of {seen:,} pictures is nan: look for nan in the "
                         "pictures, or in the weights after a learning rate that was too large")
    return hits / seen


evaluate_accuracy_gpu = evaluate_accuracy  # the book's name


@dataclass(frozen=True)
class Cosine:
    """A learning rate that falls from `highest` to 0 along half a cosine over the training, for `train_ch6`'s `lr`.

    Called with the share of the training that is done, 0 to 1 (Loshchilov and Hutter 2016, without restarts). Raises
    TypeError or ValueError for a `highest` that is no rate.
    """

    highest: float

    def __post_init__(self):
        rate_at(self.highest, 0.0)

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
    weights of dense and convolutional layers start anew by Xavier's rule; `init=False` keeps them. A `seed` makes a run
    repeatable, bit for bit, whatever came before: all of torch's random numbers follow from it, a loader's own
    (`generator`) too, and every layer starts anew, biases and batch norms as well, by its `reset_parameters`; a warning
    names layers that have none. Afterwards the caller's random numbers go on as if there had been no training. With
    `init=False` the weights that come in count.

    `live` shows curves in Jupyter, elsewhere one line. `channels_last` is the order of the weights in memory
    meanwhile; None takes the one that should be faster. `amp` computes in 16 bits what can bear it, `compile`
    translates the net into machine code of its own first; both pay on a GPU (`helpers.training.execution`, notebook
    15).

    `on_progress(history)` is called about five times an epoch and ends the training by returning True. So does
    stopping the kernel: the history so far comes back. The net is left on `device` in evaluation mode.

    Raises ValueError for batches that do not fit the net, TypeError for pictures of another dtype than its weights,
    both before a weight is changed, for what the first batches show, for labels at hand, for all of a list and all of
    `test_iter`; RuntimeError if the loss is not finite or memory runs out. An error in the midst of training carries
    the `History` so far as its attribute `history`, and the net is in evaluation mode.
    """
    device = device_of(device)
    check_arguments(net, train_iter, test_iter, num_epochs, lr, seed, on_progress)
    torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1)  # the first one imports for seconds: before the clock starts
    history, curve = History(num_epochs, str(device), seed), LiveCurve() if live else None

    def tell(timed: bool = False) -> bool:
        if curve:
            curve.draw(history)
        return bool(on_progress and not timed and on_progress(history))

    execution = Execution(net, device, amp, compile)
    first = check_data(net, train_iter, test_iter, device)
    try:
        with contextlib.suppress(KeyboardInterrupt), seeded(seed, train_iter, test_iter):
            fit(net, train_iter, test_iter, lr, device, history, init, channels_last, tell, execution, first)
    except BaseException as error:  # sys.exit() in on_progress too
        error.history = history
        net.eval()
        raise
    with held_interrupts(drop=True):
        history.interrupted = len(history.test_acc) < num_epochs
        net.eval()
        if curve:
            curve.finish(history)
    return history


def fit(net, train_iter, test_iter, lr, device, history, init, channels_last, tell, execution, first) -> None:
    """Do the work of `train_ch6`: fill `history`, calling `tell` after each reading; True from it ends the run."""
    if init:  # random numbers are drawn in the book's order: first the weights, then the order of the pictures
        start_anew(net, all_layers=history.seed is not None)
    batches = train_iter
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
                if tell(reading.timed):
                    return
            test_acc = evaluate_accuracy(net, test_iter, device)
            with held_interrupts():
                history.end_epoch(reading, test_acc)
            if tell():
                return
            batches = train_iter


def check_data(net: nn.Module, train_iter: Iterable, test_iter: Iterable, device) -> Tensor:
    """Put the net on the device and return X of the first batch, after checks that the net fits the data.

    Lazy layers learn their sizes from it. Raises ValueError or TypeError before a weight is changed.
    """
    net.to(device)
    firsts = [first_of(batches) for batches in (train_iter, test_iter)]
    for name, first in zip(("train_iter", "test_iter"), firsts, strict=True):
        if first is None:
            raise ValueError(f"{name} gave no batch: it must give all of them anew in each epoch, as a DataLoader does")
        classes = check_batch(net, *first, device)
    X = firsts[0][0]
    check_rest(net, train_iter, "train_iter", classes, device, look=False)
    check_rest(net, test_iter, "test_iter", classes, device, look=True)
    check_last_batch(net, train_iter, X, device)
    check_training(net, X, device)
    return X


def at_their_rates(batches: Iterable, optimizer, lr: Callable, epoch: int, num_epochs: int, num_batches: int):
    """Yield the batches of an epoch, each after the optimizer has been given its learning rate."""
    for i, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(lr, (epoch + i / num_batches) / num_epochs)
        yield batch


def train_epoch(
    net: nn.Module, batches: Iterable, optimizer: torch.optim.Optimizer, device, num_batches: int,
    execution: Execution | None = None,
) -> Iterator[Reading]:
    """Pass once over batches X (N, C, H, W), y (N,), a step of the optimizer for each; yield about five readings.

    The sums of loss and hits stay on the device: only a reading waits for it, and one comes in between where half a
    second has passed. The points of a reading do not depend on that. `execution` is how a step is computed, None in
    full precision by the net as it is. Leave the loop over this generator to stop. Raises ValueError if there is no
    batch or one does not fit the net.
    """
    net.train()
    execution = execution or Execution(net, torch.device(device))
    sums, seen, every = torch.zeros(2, device=device), 0, max(1, num_batches // READINGS)
    meter = Meter()
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
        if count < num_batches and count % every % max(1, every // POINTS) == 0:
            meter.note(count / num_batches, sums / seen, seen)
            if count % every == 0 or meter.waited():
                yield meter.read(timed=count % every > 0)
    if not seen:
        raise ValueError("train_iter gave no batch: it must give all of them anew in each epoch, as a DataLoader does")
    meter.note(1.0, sums / seen, seen)
    yield meter.read()


def start_anew(net: nn.Module, all_layers: bool) -> None:
    """Draw the net's first weights by `xavier`; with `all_layers`, everything else that layers can draw anew before.

    Warns of layers that cannot: with weights, and without a method `reset_parameters` that reaches them.
    """
    kept = []
    for name, module in net.named_modules() if all_layers else ():
        if "parametrizations" in name.split("."):  # they belong to a layer, which is named
            continue
        reset = getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None)  # attention's
        if reset is not None:
            reset()
        if is_parametrized(module) or reset is None and next(module.parameters(recurse=False), None) is not None:
            kept.append(f"{name or 'net'} ({type(module).__name__})")
    net.apply(xavier)
    if kept:
        names = ", ".join(kept[:3]) + (f" and {len(kept) - 3} more" if len(kept) > 3 else "")
        warnings.warn(f"the seed does not govern the weights of {names}: without a method reset_parameters that draws "
                      "them anew they go on from what they are, so make the net anew to repeat the run", stacklevel=4)


def xavier(module: nn.Module) -> None:
    """Draw new weights for a dense or convolutional layer, as the book does; biases stay."""
    if type(module) in (nn.Linear, nn.Conv2d):
        nn.init.xavier_uniform_(module.weight)


def diverged(history: History, loss: float, lr: float) -> str:
    """Return the sentence for a loss that is not a number any more."""
    return (f"the loss became {loss} in epoch {history.epoch}: lr={lr:g} is too large for this net, try "
            f"lr={lr / 10:g}; if it still does, look for nan or inf in the pictures")
