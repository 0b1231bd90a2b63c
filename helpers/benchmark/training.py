"""LeNet trained by the book's functions and by the course's, in turn: seconds, test accuracy; cost of the curve."""

import contextlib
import functools
import io
import time
from statistics import mean, median, stdev
from unittest import mock

from helpers.data import load_data_fashion_mnist
from helpers.networks import lenet
from helpers.training import evaluate_accuracy, seeded, train_ch6, try_gpu
from helpers.training.history import History, Reading, picture

from .measure import Row, books_loaders, compare

LR = 0.9
RECIPE = {"batch_size": 64, "epochs": 3}  # the course's own, chosen in place of the book's 256 and 10


def training_rows(full: bool = False, load=load_data_fashion_mnist) -> list[Row]:
    """Train each contender in turn with one seed after the other: 3 x 1 epoch, or 3 x 10 in `full`."""
    epochs, seeds = (10, 3) if full else (1, 3)
    raw, standard = load(256, standardize=False), load(256)
    first = [next(iter(raw[1]))]
    train_ch6(lenet(), first, first, 1, LR, live=False)  # what PyTorch loads on its first step is no one's time
    with books_loaders(*raw) as books, silent_d2l() as d2l:
        theirs = functools.partial(d2l.train_ch6, num_epochs=epochs, lr=LR, device=try_gpu())
        ours = functools.partial(train_ch6, num_epochs=epochs, lr=LR, live=False)
        contenders = {
            "d2l": (theirs, books, raw[1]),
            "helpers": (ours, raw, raw[1]),
            "helpers, channels_last=False": (functools.partial(ours, channels_last=False), raw, raw[1]),
            "d2l's train_ch6, our standardised batches": (theirs, standard, standard[1]),
            "helpers, standardised": (ours, standard, standard[1]),
        }
        if full:
            own = load(RECIPE["batch_size"])
            recipe = functools.partial(ours, num_epochs=RECIPE["epochs"])
            contenders["helpers, standardised, batch 64, 3 epochs"] = (recipe, own, own[1])
        results = {who: [] for who in contenders}
        for seed in range(seeds):
            for who, (train, data, test_iter) in contenders.items():
                results[who].append(measured(train, data, test_iter, seed))
    return [row(f"LeNet, {epochs} epoch{'s' * (epochs > 1)}", who, results) for who in contenders]


def measured(train, data, test_iter, seed: int) -> tuple[float, float]:
    """Train a new LeNet; return wall-clock seconds and test accuracy."""
    with seeded(seed), contextlib.redirect_stdout(io.StringIO()):
        net = lenet()
        start = time.perf_counter()
        train(net, *data)
        seconds = time.perf_counter() - start
    return seconds, evaluate_accuracy(net, test_iter)


def row(what: str, who: str, results: dict[str, list]) -> Row:
    """Return the table's line for one contender; the first contender is the measure."""
    first = median(seconds for seconds, _ in next(iter(results.values())))
    seconds, accuracies = zip(*results[who], strict=True)
    note = f"{mean(accuracies):.3f} ± {stdev(accuracies):.3f}"
    return Row(what, who, median(seconds), first / median(seconds), len(seconds), note)


def curve_rows(runs: int = 5) -> list[Row]:
    """Draw the curves of a run of ten epochs: the book's Animator and the course's SVG, both without sending them."""
    history = History(10, "cpu")
    for epoch in range(10):
        for share in (0.2, 0.4, 0.6, 0.8, 1.0):
            history.read(Reading(share, 12_000, 2 / (1 + epoch + share), 0.05 * (epoch + share)))
        history.end_epoch(Reading(1.0, 0, 2 / (2 + epoch), 0.05 * epoch), 0.05 * epoch)

    from d2l import torch as d2l

    def saved(figure):
        figure.savefig(io.BytesIO(), format="svg")

    with mock.patch.multiple(d2l.display, display=saved, clear_output=mock.DEFAULT), \
            mock.patch.object(d2l, "use_svg_display"):
        animator = d2l.Animator(xlabel="epoch", xlim=[1, 10], legend=["train loss", "train acc", "test acc"])
        animator.X, animator.Y = (list(map(list, side)) for side in zip(
            *(zip(*points, strict=True) for points in history.curves()), strict=True))
        contenders = {"d2l": lambda: animator.add(10, (None, None, 0.5)), "helpers": lambda: picture(history)}
        rows = compare("one drawing of the curves", contenders, runs, least=0.05)
    d2l.plt.close(animator.fig)
    return rows


@contextlib.contextmanager
def silent_d2l():
    """d2l whose Animator draws nothing: its drawing fails on a current IPython, and is timed apart."""
    from d2l import torch as d2l

    with mock.patch.object(d2l, "Animator"):
        yield d2l
