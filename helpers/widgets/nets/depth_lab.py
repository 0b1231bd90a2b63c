"""Plain and residual nets of any depth: the gradient that reaches each layer at the start, and short training runs."""

import json
import math
from pathlib import Path

import ipywidgets as W
import torch
from torch import nn
from torch.nn import functional as F

from helpers.drawing import svg, touch
from helpers.networks import Residual

from ..kit.layout import side_by_side
from ..kit.parameters import choice, slider, switch
from ..kit.run_picture import HEIGHT, WIDTH, draw_runs
from ..kit.short_run import Run, fresh_net
from ..kit.trainer import Trainer

MOST = 24  # blocks
CHANNELS = 8
BATCH, PROBE = 128, 32  # pictures of a step, and of each of the two batches that are looked at
LENGTHS, COSINES = (44, 52, 330, 140), (450, 52, 330, 140)  # x, y, width, height of the plot areas
POWERS = (-10.0, 4.0)  # of ten: fixed, so that depths can be compared
COLORS = {False: svg.BLUE, True: svg.ORANGE}  # of a plain and of a residual net
LOOKS = {"line": 2.5}, {"line": 1.3, "dash": "5 3"}  # of the net that is chosen, and of the other kind
RUNS = 252  # px from the top to the runs
STORED = Path(__file__).with_name("depth_lab_runs.json")


class DepthLab(Trainer):
    """What does depth do to the gradient and to training, with and without skip connection and batch normalisation?

    The net is `tower(blocks, skip, batch_norm)`; two fixed batches of the first training pictures go through it with
    the weights of `seed`. `result` holds what `Trainer.state` says, and "lengths", the Euclidean norm of the loss's
    gradient for the weights of each convolution, front to back, "cosines", the cosine between the two batches'
    gradients there, and "params"; "other_lengths" and "other_cosines" are those of the same net with the skip
    connection where it has none, and the other way round. Pictures of 14 px keep it fast. On Fashion-MNIST it starts
    with two runs that `python -m helpers.benchmark depth --store` has trained, a plain one and a residual one.
    """

    blocks = slider(12, 1, MOST, "blocks")
    skip = switch(False, "skip connection")
    batch_norm = switch(True, "batch norm")
    lr = choice(0.2, [0.02, 0.1, 0.2, 0.5], "learning rate")

    def __init__(self, train_iter, test_iter, **values):
        self._starts = {}
        super().__init__(train_iter, test_iter, **values)

    def arrange(self):
        """The kind of the net above, how it is trained below; the number of blocks is dragged in the picture."""
        c = self.controls
        c["lr"].layout.width = "max-content"
        for name in ("skip", "batch_norm", "lr"):
            c[name].layout.margin = "2px 24px 2px 2px"
        net = side_by_side([c["skip"], c["batch_norm"]])
        return W.VBox([net, side_by_side([c["lr"], *self.button.values()], "flex-end")])

    def first_runs(self):
        """The stored runs, where they were trained on this data set and from this seed."""
        stored = json.loads(STORED.read_text(encoding="utf-8"))
        fits = (stored["data"], stored["seed"]) == (self.train_iter.source, self.seed)
        return [Run(**run) for run in stored["runs"]] if fits else []

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
        here, other = (self._start(blocks, with_skip, batch_norm) for with_skip in (skip, not skip))
        return {**self.state(), **here, "other_lengths": other["lengths"], "other_cosines": other["cosines"]}

    def _start(self, blocks, skip, batch_norm):
        """What `start` says of an untrained net; computed once."""
        key = (blocks, skip, batch_norm)
        if key not in self._starts:
            settings = {"blocks": blocks, "skip": skip, "batch_norm": batch_norm}
            net = fresh_net(lambda: self.build(settings, len(self.train_iter.classes)), self.seed)
            batches = [self.train_iter.batch(slice(i * PROBE, (i + 1) * PROBE)) for i in (0, 1)]
            self._starts[key] = start(net.to(self.train_iter.images.device), *batches)
        return self._starts[key]

    def describe(self, result):
        """Say the gradients at the start, what goes on, and how each run stands."""
        lengths, cosines = result["lengths"], sorted(result["cosines"])
        return (
            f"{_kind(result['settings'])}: {len(lengths) + 1} layers, {result['params']:,} parameters. Length of the "
            f"gradient at the start: first convolution {lengths[0]:.1e}, last {lengths[-1]:.1e}, smallest "
            f"{min(lengths):.1e}. Cosine between the gradients of two batches: median "
            f"{round(cosines[len(cosines) // 2], 2) + 0.0:.2f}. Training: {self.tell(result)}"
        )

    def draw(self, result):
        """Draw both quantities over the layers, and the runs below."""
        settings, lengths = result["settings"], result["lengths"]
        said = f"{_kind(settings)}: {len(lengths) + 1} layers, {result['params']:,} parameters, untrained"
        powers = [[math.log10(max(length, 1e-30)) for length in result[name]] for name in ("lengths", "other_lengths")]
        cosines = [result[name] for name in ("cosines", "other_cosines")]
        return svg.picture(
            WIDTH, RUNS + HEIGHT,
            svg.text(4, 16, said, anchor="start", bold=True), svg.moved(600, 12, _key(settings["skip"])),
            _panel(LENGTHS, POWERS, powers, settings, "length of the gradient, as a power of ten", range(-10, 5, 2)),
            _panel(COSINES, (-1.0, 1.0), cosines, settings, "cosine between the gradients of two batches", (-1, 0, 1)),
            svg.moved(0, RUNS, draw_runs(result, self.says, lambda run: COLORS[run["skip"]])),
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


def _looks(skip):
    """The lines of the net with, or without, the skip connection, and of the other one."""
    return [{"stroke": COLORS[kind], **look} for kind, look in zip((skip, not skip), LOOKS, strict=True)]


def _key(skip):
    """The line of the net whose settings hold, and the thin one of the other kind."""
    names = ("residual", "plain") if skip else ("plain", "residual")
    return "".join(
        svg.path([(90 * i, 0), (90 * i + 24, 0)], **look) + svg.text(90 * i + 29, 4, name, size=11, anchor="start")
        for i, (name, look) in enumerate(zip(names, _looks(skip), strict=True))
    )


def _panel(area, limits, curves, settings, title, yticks):
    """One value a convolution, from the first to the last, of the net and of the other kind; dragged at its end."""
    x, y, width, height = area
    span, blocks = (1.0, 2.0 * MOST + 1), settings["blocks"]
    at, end = y + height - svg.scaled(0.0, limits) * height, x + svg.scaled(2 * blocks + 1, span) * width
    axis = touch.scale("blocks", blocks, 0, MOST, step=1, low=1)
    lines = [
        svg.curve(list(enumerate(values, 1)), *area, span, limits, **look)
        for values, look in reversed(list(zip(curves, _looks(settings["skip"]), strict=True)))
    ]
    return "".join([
        svg.axes(*area, span, limits, xlabel="convolution, front to back (↔ drag: depth)", ylabel=title,
                 xticks=range(1, 2 * MOST + 2, 8), yticks=yticks),
        svg.path([(x, at), (x + width, at)], stroke=svg.GREY, line=0.8, dash="1 3"),
        svg.path([(end, y), (end, y + height)], line=1, dash="4 3"), *lines,
        svg.rect(end - 4, y, 8, 8, fill=COLORS[settings["skip"]], line=0),
        touch.area(x, y, width, height, across=axis,
                   label=f"{title.split(',')[0]}, {blocks} blocks: drag, or use the arrow keys"),
    ])  # fmt: skip
