"""Gradient descent finds the edge detector [1, -1] from a picture and its edges, step by step."""

import itertools
import math

import torch

from helpers.drawing import svg
from helpers.ops import corr2d

from ..kit.base import Explorer, slider

MOST_STEPS = 50
TOO_MUCH = 1e4  # a loss above it counts as diverged, and the run ends
DIVERGED = "It diverges: the rate is too large."
OFF_SCALE = "off the scale"
BOUND = 1 / math.sqrt(2)  # nn.Conv2d draws the 2 weights of a 1×2 kernel from -BOUND to BOUND
X = torch.ones(6, 8, dtype=torch.float64)
X[:, 2:6] = 0
TARGET = torch.tensor([[1.0, -1.0]], dtype=torch.float64)
Y = corr2d(X, TARGET)
WINDOWS = X.unfold(1, 2, 1).reshape(-1, 2)  # each position's two pixels in a row: corr2d(X, K) is WINDOWS @ K

CELL, WIDE, TOP = 25, 34, 26  # wide cells hold numbers with two decimals
INPUT, KERNEL, GUESS, EDGES = 8, 244, 372, 644
LOSS = {"x": 50, "y": 268, "width": 350, "height": 170}
PLANE = {"x": 548, "y": 268, "width": 255, "height": 170}
LIMITS = (-18, 6)  # powers of ten of the loss
LOSS_TICKS = {-18: "10⁻¹⁸", -12: "10⁻¹²", -6: "10⁻⁶", 0: "1", 6: "10⁶"}
ACROSS, DOWN = (-1.5, 3.0), (-2.5, 0.5)  # the weights in the plane: first one across, second one up


def start_kernel(seed):
    """Return the weights (1, 2) that `nn.Conv2d(1, 1, (1, 2))` starts with after `torch.manual_seed(seed)`."""
    generator = torch.Generator().manual_seed(seed)
    return torch.empty(1, 2).uniform_(-BOUND, BOUND, generator=generator).double()


def descend(K, lr, steps):
    """Return the kernels (1, 2) and the losses before the first step and after each; ends early where it diverges.

    The loss is the sum of the squared errors of corr2d(X, K), its gradient written out by hand (notebook 02).
    """
    weights, edges, kernels, losses = K[0], Y.flatten(), [], []
    while True:
        error = WINDOWS @ weights - edges
        kernels.append(weights[None])
        losses.append((error @ error).item())
        if len(losses) > steps or losses[-1] > TOO_MUCH:
            return kernels, losses
        weights = weights - lr * 2 * (error @ WINDOWS)


class KernelLearner(Explorer):
    """Learn a 1×2 kernel from X and Y by gradient descent. `result` holds the kernel and loss after each step.

    The run is computed anew from its start for every setting, so that the learning rate can be changed afterwards.
    """

    lr = slider(0.03, 0.001, 0.06, "learning rate", step=0.001)
    steps = slider(0, 0, MOST_STEPS, "steps")
    seed = slider(0, 0, 9, "start", help="seed of the random weights before the first step")

    def __init__(self, **values):
        super().__init__(**values)
        self.controls["lr"].readout_format = ".3f"

    def buttons(self):
        """One step, ten, or back to the start."""
        return {"1 step": lambda: self._go(1), "10 steps": lambda: self._go(10), "reset": lambda: self._go(-MOST_STEPS)}

    def _go(self, steps):
        with self._held_back():
            self.steps = min(max(self.steps + steps, 0), MOST_STEPS)

    def compute(self, lr, steps, seed):
        """Run `steps` steps of gradient descent."""
        kernels, losses = descend(start_kernel(seed), lr, steps)
        return {
            "kernels": kernels, "losses": losses, "K": kernels[-1], "loss": losses[-1], "steps": len(losses) - 1,
            "diverged": losses[-1] > TOO_MUCH, "output": corr2d(X, kernels[-1]), "lr": lr,
        }  # fmt: skip

    def describe(self, result):
        """Say the kernel and the loss."""
        first, second = (svg.number(weight) for weight in result["K"][0])
        end = f" {DIVERGED}" if result["diverged"] else ""
        plural = "" if result["steps"] == 1 else "s"
        return (
            f"Learning rate {result['lr']:.3f}, after {result['steps']} step{plural}: kernel [{first}, {second}], "
            f"loss {_short(result['loss'])}.{end}"
        )

    def draw(self, result):
        """Draw the picture, the kernel, its output and the wanted one; below, the loss and the way of the kernel."""
        said = svg.text(INPUT, 500, self.describe(result), size=13, anchor="start")
        parts = [_tables(result), _losses(result), _plane(result), said]
        return svg.picture(EDGES + 7 * CELL + 10, 510, *parts, label=self.describe(result))


def _short(loss):
    return f"{loss:.3g}" if loss >= 1e-3 else f"{loss:.0e}"


def _tables(result):
    """X * K = output, beside the wanted edges."""
    K, middle = result["K"], TOP + 3 * CELL + 5
    wide = 44
    return "".join([
        _heading(INPUT, "input X"),
        svg.matrix(X, INPUT, TOP, CELL, colors="grey", limit=1),
        svg.text(KERNEL - 18, middle, "⋆", size=18),
        svg.text(KERNEL, TOP + 3 * CELL - 30, "kernel K", anchor="start"),
        svg.matrix(K, KERNEL, TOP + 3 * CELL - 20, wide, limit=1.5),
        svg.text(KERNEL + 2 * wide + 22, middle, "=", size=18),
        _heading(GUESS, "output with K"),
        svg.matrix(result["output"].round(decimals=2), GUESS, TOP, WIDE, limit=1.5),
        svg.text((GUESS + 7 * WIDE + EDGES) / 2, middle, "?", size=18),
        _heading(EDGES, "edges Y, wanted"),
        svg.matrix(Y, EDGES, TOP, CELL, limit=1.5),
    ])  # fmt: skip


def _heading(x, name):
    return svg.text(x, TOP - 8, name, anchor="start")


def _losses(result):
    """The loss after each step, on a scale of powers of ten; what lies off the scale is a triangle at its edge."""
    powers = [(step, math.log10(max(loss, 1e-99))) for step, loss in enumerate(result["losses"])]
    across = (0, MOST_STEPS)
    frame = svg.axes(**LOSS, xlim=across, ylim=LIMITS, xlabel="step", yticks=[])
    labels = [svg.text(LOSS["x"], LOSS["y"] - 6, "loss", size=11, anchor="start")]
    for power, name in LOSS_TICKS.items():
        y = LOSS["y"] + (1 - svg.scaled(power, LIMITS)) * LOSS["height"]
        labels.append(svg.text(LOSS["x"] - 6, y + 3.5, name, size=10, anchor="end"))
    return frame + "".join(labels) + _way(powers, LOSS, across, LIMITS)


def _plane(result):
    """The kernel as a point in the plane of its two weights, on the loss's lines of equal height."""
    way = [tuple(kernel[0].tolist()) for kernel in result["kernels"]]
    goal = tuple(TARGET[0].tolist())
    return "".join([
        svg.axes(**PLANE, xlim=ACROSS, ylim=DOWN, xlabel="first weight", ylabel="second weight"),
        *(svg.curve(ring, **PLANE, xlim=ACROSS, ylim=DOWN, line=0.7, stroke=svg.GREY) for ring in _RINGS),
        _square(_place(goal, PLANE, ACROSS, DOWN), 8, svg.GREEN),
        _way(way, PLANE, ACROSS, DOWN),
    ])  # fmt: skip


def _place(point, panel, across, down):
    """Where a point of data lies in the picture, in pixels; it may lie outside the panel."""
    (u, v), (left, right), (low, high) = point, across, down
    return (panel["x"] + (u - left) / (right - left) * panel["width"],
            panel["y"] + (high - v) / (high - low) * panel["height"])  # fmt: skip


def _way(points, panel, across, down):
    """A line through the points, cut off at the panel's edge, a square at each and a large orange one at the last.

    A point off the scale has no square: a triangle at the edge shows where the line leaves. If it is the last
    point, the triangle is orange, stands in its direction from the middle, and the panel says so.
    """
    places = [_place(point, panel, across, down) for point in points]
    middle = panel["x"] + panel["width"] / 2, panel["y"] + panel["height"] / 2
    lines, marks = [], []
    for start, end in itertools.pairwise(places):
        kept = _inside(start, end, panel)
        if kept:
            lines.append(svg.path(kept, stroke=svg.BLUE))
        if kept and kept[1] != end:
            marks.append(_triangle(*kept, 5, svg.BLUE))
    marks += [_square(place, 5, svg.BLUE) for place in places[:-1] if _inside(place, place, panel)]
    if _inside(places[-1], places[-1], panel):
        marks.append(_square(places[-1], 8, svg.ORANGE))
    else:
        marks.append(_triangle(*_inside(middle, places[-1], panel), 8, svg.ORANGE))
        x, y = panel["x"] + panel["width"] - 6, panel["y"] + panel["height"] - 6
        marks.append(svg.text(x, y, OFF_SCALE, size=11, anchor="end"))
    return "".join(lines + marks)


def _inside(start, end, panel):
    """The part of the line from start to end that lies in the panel, as two points; None if no part does."""
    first, last = 0.0, 1.0
    sides = (panel["x"], panel["width"]), (panel["y"], panel["height"])
    for a, b, (low, size) in zip(start, end, sides, strict=True):
        for room, step in ((a - low, a - b), (low + size - a, b - a)):  # how far to this edge; how far the line goes
            if step == 0 and room < 0:
                return None
            if step > 0:
                last = min(last, room / step)
            if step < 0:
                first = max(first, room / step)
    if first > last:
        return None
    moves = [b - a for a, b in zip(start, end, strict=True)]
    return tuple(end if t == 1 else tuple(a + t * move for a, move in zip(start, moves, strict=True))
                 for t in (first, last))  # fmt: skip


def _square(place, side, fill):
    return svg.rect(place[0] - side / 2, place[1] - side / 2, side, side, fill=fill, stroke="none")


def _triangle(start, tip, size, fill):
    """A triangle that ends at `tip` and points away from `start`."""
    angle = math.atan2(tip[1] - start[1], tip[0] - start[0])
    barbs = [(tip[0] - 1.6 * size * math.cos(angle + turn), tip[1] - 1.6 * size * math.sin(angle + turn))
             for turn in (-0.5, 0.5)]  # fmt: skip
    return svg.path([barbs[0], tip, barbs[1]], stroke=fill, fill=fill, line=0.5)


def _rings(levels=(0.5, 3, 10)):
    """Curves of equal loss: ellipses around the target, their axes the eigenvectors of WINDOWSᵀ WINDOWS."""
    curvature, directions = torch.linalg.eigh(WINDOWS.T @ WINDOWS)
    turn = torch.linspace(0, 2 * math.pi, 61, dtype=torch.float64)
    circle = torch.stack([turn.cos(), turn.sin()])
    for level in levels:
        yield (TARGET.T + directions @ (circle * (level / curvature).sqrt()[:, None])).T.tolist()


_RINGS = list(_rings())
