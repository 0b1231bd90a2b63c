"""Plain and residual nets of any depth: the gradient that reaches each layer at the start, and short training runs."""

import math

import ipywidgets as W
import torch
from torch import nn
from torch.nn import functional as F

from helpers.drawing import svg
from helpers.networks import Residual

from ..kit.base import choice, slider, switch
from ..kit.layout import side_by_side
from ..kit.run_picture import HEIGHT, WIDTH, draw_runs
from ..kit.short_run import fresh_net
from ..kit.trainer import Trainer

MOST = 24  # blocks
CHANNELS = 8
BATCH, PROBE = 128, 32  # pictures of a step, and of each of the two batches that are looked at
LENGTHS, COSINES = (44, 52, 330, 140), (450, 52, 330, 140)  # x, y, width, height of the plot areas
POWERS = (-10.0, 4.0)  # of ten: fixed, so that depths can be compared
RUNS = 252  # px from the top to the runs


class DepthLab(Trainer):
    """What does depth do to the gradient and to training, with and without skip connection and batch normalisation?

    The net is `tower(blocks, skip, batch_norm)`; two fixed batches of the first training pictures go through it with
    the weights of `seed`. `result` holds what `Trainer.state` says, and "lengths", the Euclidean norm of the loss's
    gradient for the weights of each convolution, front to back, "cosines", the cosine between the two batches'
    gradients there, and "params". Pictures of 14 px keep it fast.
    """

    blocks = slider(12, 1, MOST, "blocks")
    skip = switch(False, "skip connection")
    batch_norm = switch(True, "batch norm")
    lr = choice(0.2, [0.02, 0.1, 0.2, 0.5], "learning rate")

    def __init__(self, train_iter, test_iter, **values):
        self._starts = {}
        super().__init__(train_iter, test_iter, **values)

    def arrange(self):
        """The net above, how it is trained below."""
        net = [self.controls[name] for name in ("blocks", "skip", "batch_norm")]
        self.controls["lr"].layout.width, self.controls["skip"].layout.margin = "max-content", "2px 16px 2px 2px"
        return W.VBox([side_by_side(net), side_by_side([self.controls["lr"], *self.button.values()])])

    def settings(self):
        """The parameters, and the batch size, which is always the same."""
        return {**self.values, "batch_size": BATCH}

    def build(self, settings, num_classes):
        """A tower of the chosen depth and kind."""
        channels = self.train_iter.images.shape[1]
        return tower(settings["blocks"], settings["skip"], settings["batch_norm"], channels, num_classes)

    def says(self, settings):
        """A run's settings in words."""
        return f"{_kind(settings)}, lr {svg.number(settings['lr'])}"

    def compute(self, blocks, skip, batch_norm, lr):
        """Gather what is to be drawn; the start of a net is computed once."""
        key = (blocks, skip, batch_norm)
        if key not in self._starts:
            net = fresh_net(lambda: self.build(self.values, len(self.train_iter.classes)), self.seed)
            batches = [self.train_iter.batch(slice(i * PROBE, (i + 1) * PROBE)) for i in (0, 1)]
            self._starts[key] = start(net.to(self.train_iter.images.device), *batches)
        return {**self.state(), **self._starts[key]}

    def describe(self, result):
        """Say the gradients at the start, what goes on, and how each run stands."""
        lengths, cosines = result["lengths"], sorted(result["cosines"])
        return (
            f"{_kind(result['settings'])}: {len(lengths) + 1} layers, {result['params']:,} parameters. Length of the "
            f"gradient at the start: first convolution {lengths[0]:.1e}, last {lengths[-1]:.1e}, smallest "
            f"{min(lengths):.1e}. Cosine between the gradients of two batches: median "
            f"{cosines[len(cosines) // 2]:.2f}. Training: {self.tell(result)}"
        )

    def draw(self, result):
        """Draw both quantities over the layers, and the runs below."""
        lengths, cosines = result["lengths"], result["cosines"]
        said = f"{_kind(result['settings'])}: {len(lengths) + 1} layers, {result['params']:,} parameters, untrained"
        powers = [math.log10(max(length, 1e-30)) for length in lengths]
        return svg.picture(
            WIDTH, RUNS + HEIGHT,
            svg.text(4, 16, said, anchor="start", bold=True),
            _panel(LENGTHS, POWERS, powers, 0.0, "length of the gradient, as a power of ten", range(-10, 5, 2)),
            _panel(COSINES, (-1.0, 1.0), cosines, 0.0, "cosine between the gradients of two batches", (-1, 0, 1)),
            svg.moved(0, RUNS, draw_runs(result, self.says)),
            label=self.describe(result),
        )  # fmt: skip


def tower(blocks, skip, batch_norm, in_channels=1, num_classes=10):
    """Return a net (N, in_channels, H, W) -> (N, num_classes) of so many equal blocks of two 3×3 convolutions.

    With and without the skip connection it has the same layers and parameters: all blocks keep shape and channels.
    """
    norm = [nn.BatchNorm2d(CHANNELS)] if batch_norm else []
    stem = [nn.Conv2d(in_channels, CHANNELS, 3, stride=2, padding=1), *norm, nn.ReLU()]
    body = [Residual(CHANNELS, CHANNELS, skip=skip, batch_norm=batch_norm) for _ in range(blocks)]
    return nn.Sequential(*stem, *body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(CHANNELS, num_classes))


def start(net, first, second):
    """Return the gradients of two batches (X, y) for the weights of a net's convolutions: lengths and cosines."""
    weights = [layer.weight for layer in net.modules() if isinstance(layer, nn.Conv2d)]
    net.train()
    with torch.enable_grad():
        a, b = (torch.autograd.grad(F.cross_entropy(net(X), y), weights) for X, y in (first, second))
    lengths = torch.stack([gradient.norm() for gradient in a]).tolist()
    cosines = [F.cosine_similarity(p.flatten(), q.flatten(), 0) for p, q in zip(a, b, strict=True)]
    return {
        "lengths": lengths, "cosines": torch.stack(cosines).tolist(),
        "params": sum(parameter.numel() for parameter in net.parameters()),
    }  # fmt: skip


def _kind(settings):
    """The net in words."""
    kind = "residual" if settings["skip"] else "plain"
    blocks = f"{settings['blocks']} block{'s' * (settings['blocks'] > 1)}"
    return f"{blocks}, {kind}, {'with' if settings['batch_norm'] else 'no'} batch norm"


def _panel(area, limits, values, level, title, yticks):
    """One value a convolution, from the first to the last, with a dotted line at `level`."""
    x, y, width, height = area
    span = (1.0, 2.0 * MOST + 1)
    at = y + height - svg.scaled(level, limits) * height
    parts = [
        svg.axes(*area, span, limits, xlabel="convolution, front to back", ylabel=title,
                 xticks=range(1, 2 * MOST + 2, 8), yticks=yticks),
        svg.path([(x, at), (x + width, at)], stroke=svg.GREY, line=0.8, dash="1 3"),
        svg.curve(list(enumerate(values, 1)), *area, span, limits, stroke=svg.ORANGE, line=2),
    ]  # fmt: skip
    for i, value in enumerate(values, 1):
        left, top = x + svg.scaled(i, span) * width, y + height - svg.scaled(value, limits) * height
        parts.append(svg.rect(left - 1.5, top - 1.5, 3, 3, fill=svg.ORANGE, stroke="none"))
    return "".join(parts)
