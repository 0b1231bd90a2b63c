"""Normalise a batch of one feature in either mode, and watch the running statistics catch up."""

import functools
import math

import torch

from helpers.drawing import svg
from helpers.networks.batch_norm import batch_norm

from ..kit.base import Explorer
from ..kit.layout import side_by_side
from ..kit.parameters import choice, slider
from .batch_norm_picture import draw_explorer

MOST_BATCHES, LARGEST_BATCH, EPS = 60, 256, 1e-5
REFUSAL = "ValueError: Expected more than 1 value per channel when training"


@functools.lru_cache
def numbers() -> torch.Tensor:
    """Return (MOST_BATCHES + 1, LARGEST_BATCH) numbers with mean 0, variance 1 and a lopsided distribution."""
    generator = torch.Generator().manual_seed(0)
    uniform = torch.rand(MOST_BATCHES + 1, LARGEST_BATCH, generator=generator)
    return (uniform.sqrt() - 2 / 3) * -math.sqrt(18)


class BatchNormExplorer(Explorer):
    """One feature passes a batch-norm layer that has met some batches in training mode before; drag what it shows.

    `result` holds X and output, (N,) each, output None where training mode refuses the batch; `means` and `variances`
    of the training batches, and `running_means` and `running_variances` behind each of them, from the start on. The
    batches before have the size of this one, at least 2. In training mode this batch counts as one of them.
    """

    mode = choice("train", ["train", "eval"], "", help="of the layer, for the batch that is shown")
    seen = slider(0, 0, MOST_BATCHES, "batches seen", help="in training mode, before the one that is shown")
    batch_size = slider(64, 1, LARGEST_BATCH, "batch size")
    momentum = slider(0.1, 0.0, 1.0, "momentum", step=0.05, help="the share of the new batch, as in PyTorch")
    shift = slider(3.0, -4.0, 4.0, "shift of the input", step=0.5, help="true mean of the feature")
    scale = slider(2.0, 0.25, 2.5, "scale of the input", step=0.25, help="true standard deviation of the feature")
    gamma = slider(1.0, -2.0, 2.0, "γ", step=0.25, help="weight of the layer")
    beta = slider(0.0, -3.0, 3.0, "β", step=0.5, help="bias of the layer")

    def arrange(self):
        """The mode and two numbers; the input, γ, β and the number of batches are dragged in the picture."""
        c = self.controls
        c["mode"].layout.width = "max-content"
        for name in ("batch_size", "momentum"):
            c[name].layout.width, c[name].style.description_width = "330px", "86px"
        return side_by_side([c["mode"], c["batch_size"], c["momentum"]])

    def compute(self, mode, seen, batch_size, momentum, shift, scale, gamma, beta):
        """Let the running statistics follow the training batches, then normalise the shown one in `mode`."""
        stream = shift + scale * numbers()
        X, refused = stream[seen, :batch_size], mode == "train" and batch_size == 1
        trained = seen + (mode == "train" and not refused)  # in training mode the shown batch is one of them
        both = torch.stack(torch.var_mean(stream[:, : max(2, batch_size)], dim=1))  # the variances unbiased
        variances, means = both[:, :trained]
        running_means, running_variances = follow(0.0, means, momentum), follow(1.0, variances, momentum)
        output = None
        if not refused:
            layer = [torch.full((1,), value) for value in (gamma, beta, running_means[-1], running_variances[-1])]
            output = batch_norm(X[:, None], *layer, EPS, momentum, training=mode == "train")[0][:, 0]
        return {
            "mode": mode, "seen": seen, "batch_size": batch_size, "shift": shift, "scale": scale, "gamma": gamma,
            "beta": beta, "X": X,
            "output": output, "refusal": REFUSAL if refused else "", "means": means.tolist(),
            "variances": variances.tolist(), "running_means": running_means,
            "running_variances": running_variances,
        }  # fmt: skip

    def describe(self, result):
        """Say what went in, what came out, and where the running statistics stand."""
        running = (
            f"running mean {svg.number(result['running_means'][-1])}, "
            f"running variance {svg.number(result['running_variances'][-1])}"
        )
        after = result["refusal"] or f"after it {moments(result['output'])}"
        return (
            f"{result['mode']} mode, batch of {result['batch_size']}: before the layer {moments(result['X'])}; "
            f"{after}. After {len(result['means'])} training batches {running}."
        )

    def draw(self, result):
        """Draw both histograms, and below them the two running statistics."""
        width, height, parts = draw_explorer(result)
        return svg.picture(width, height, *parts, label=self.describe(result))


def follow(start: float, values: torch.Tensor, momentum: float) -> list[float]:
    """Return the running average from its start on: behind each value it has moved by `momentum` towards it."""
    running = [start]
    for value in values.tolist():
        running.append(running[-1] + momentum * (value - running[-1]))
    return running


def moments(X: torch.Tensor) -> str:
    """Return mean and biased standard deviation of X in words."""
    return f"mean {svg.number(X.mean())}, standard deviation {svg.number(X.std(correction=0))}"
