"""One short training run of a net, with settings to compare."""

import itertools
import math
from dataclasses import dataclass, field, replace

import torch
from torch import nn

from helpers.data import ImageBatches
from helpers.training import evaluate_accuracy, evaluation, train_epoch

POINTS = 20  # of a curve


@dataclass(frozen=True)
class Run:
    """One training run: its settings, its curve (pictures seen, mean loss since the last point, test accuracy)."""

    settings: dict
    slot: int  # which colour and dash it has
    points: list = field(default_factory=list)
    steps: int = 0
    images: int = 0
    end: str = ""  # "" while it runs, then "done", "stopped", "diverged"; "stored" if it was trained beforehand


def train_run(run, build, train_iter, test_iter, budget, seed, report):
    """Train a new net by `run.settings`, its "lr" and "batch_size" among them, on `budget` pictures.

    `build()` makes the net, its weights and the order of the pictures come from `seed`. Yields the `Run` with each
    new point of its curve; `report(share)` is called before each batch.
    """
    settings, num_steps = run.settings, count_steps(run.settings, budget)
    batches = rebatched(train_iter, settings["batch_size"], seed=seed)
    device = batches.images.device
    net = fresh_net(build, seed).to(device)
    optimizer = torch.optim.SGD(net.parameters(), settings["lr"])
    stream = _watched(batches, num_steps, report)
    marks = sorted({num_steps * (i + 1) // POINTS for i in range(POINTS)} - {0})
    for first, last in zip([0, *marks], marks, strict=False):
        part = itertools.islice(stream, last - first)
        for reading in train_epoch(net, part, optimizer, device, last - first):
            steps = first + round(reading.share * (last - first))
            run = replace(run, steps=steps, images=run.images + reading.images)
            if not math.isfinite(reading.loss):
                yield replace(run, end="diverged")
                return
        accuracy = _tested(net, test_iter, device)
        if math.isnan(accuracy):
            yield replace(run, end="diverged")
            return
        run = replace(run, points=[*run.points, (run.images, reading.loss, accuracy)])
        yield run
    yield replace(run, end="done")


def _tested(net, test_iter, device):
    """Return the accuracy, nan where an answer is: the last steps can have blown up the weights unnoticed."""
    try:
        return evaluate_accuracy(net, test_iter, device)
    except ValueError:
        with evaluation(net):
            if any(net(X.to(device)).isnan().any() for X, _ in test_iter):
                return math.nan
        raise


def count_steps(settings, budget):
    """How many batches `budget` pictures make, at least one."""
    return max(1, budget // settings["batch_size"])


def _watched(batches, num_steps, report):
    """Yield batches without end; each is reported first, so that a run can end at any step."""
    for step, batch in enumerate(itertools.chain.from_iterable(itertools.repeat(batches))):
        report(step / num_steps)
        yield batch


def fresh_net(build, seed):
    """Return the net of `build()` with Xavier weights from `seed` and biases 0; no global random number is drawn."""
    with torch.device("meta"):  # layers made elsewhere draw their first weights from the global generator
        net = build()
    net.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(seed)
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._NormBase):
            module.reset_parameters()
            continue
        for weight in module.parameters(recurse=False):
            if weight.ndim > 1:
                nn.init.xavier_uniform_(weight, generator=generator)
            else:
                nn.init.zeros_(weight)
    return net


def rebatched(batches, batch_size, *, rows=None, seed=None):
    """The same pictures (the first `rows`) in batches of another size, shuffled by `seed` if there is one."""
    names = ("classes", "source", "mean", "std", "standardize", "resize")
    kept = {name: getattr(batches, name) for name in names}
    return ImageBatches(batches.images[:rows], batches.labels[:rows], batch_size, **kept, shuffle=seed is not None,
                        seed=seed)  # fmt: skip
