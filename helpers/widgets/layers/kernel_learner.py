"""Gradient descent finds the edge detector [1, -1] from a picture and its edges, step by step."""

import math

import torch

from helpers.drawing import svg
from helpers.ops import corr2d

from ..kit.base import Explorer, slider

MOST_STEPS = 50
TOO_MUCH = 1e4  # a loss above it counts as diverged, and the run ends
DIVERGED = "It diverges: the rate is too large."
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
LIMITS = (-4, 4)  # powers of ten of the loss
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
    """The loss after each step, on a scale of powers of ten."""
    powers = [(step, math.log10(max(loss, 1e-9))) for step, loss in enumerate(result["losses"])]
    across = (0, MOST_STEPS)
    frame = svg.axes(**LOSS, xlim=across, ylim=LIMITS, xlabel="step", yticks=[])
    names = {-4: "0.0001", -2: "0.01", 0: "1", 2: "100", 4: "10000"}
    labels = [svg.text(LOSS["x"], LOSS["y"] - 6, "loss", size=11, anchor="start")]
    for power, name in names.items():
        y = LOSS["y"] + (1 - svg.scaled(power, LIMITS)) * LOSS["height"]
        labels.append(svg.text(LOSS["x"] - 6, y + 3.5, name, size=10, anchor="end"))
    line = svg.curve(powers, **LOSS, xlim=across, ylim=LIMITS, stroke=svg.BLUE, line=2)
    return frame + "".join(labels) + line + _dots(powers, LOSS, across, LIMITS)


def _plane(result):
    """The kernel as a point in the plane of its two weights, on the loss's lines of equal height."""
    way = [tuple(kernel[0].tolist()) for kernel in result["kernels"]]
    inside = [ACROSS[0] < u < ACROSS[1] and DOWN[0] < v < DOWN[1] for u, v in way]
    if not all(inside):
        way = way[: inside.index(False) + 1]  # what leaves the panel stops at its edge
    goal = tuple(TARGET[0].tolist())
    return "".join([
        svg.axes(**PLANE, xlim=ACROSS, ylim=DOWN, xlabel="first weight", ylabel="second weight"),
        *(svg.curve(ring, **PLANE, xlim=ACROSS, ylim=DOWN, line=0.7, stroke=svg.GREY) for ring in _RINGS),
        _dots([goal], PLANE, ACROSS, DOWN, mark=True, color=svg.GREEN),
        svg.curve(way, **PLANE, xlim=ACROSS, ylim=DOWN, stroke=svg.BLUE),
        _dots(way, PLANE, ACROSS, DOWN, mark=all(inside)),
    ])  # fmt: skip


def _rings(levels=(0.5, 3, 10)):
    """Curves of equal loss: ellipses around the target, their axes the eigenvectors of WINDOWSᵀ WINDOWS."""
    curvature, directions = torch.linalg.eigh(WINDOWS.T @ WINDOWS)
    turn = torch.linspace(0, 2 * math.pi, 61, dtype=torch.float64)
    circle = torch.stack([turn.cos(), turn.sin()])
    for level in levels:
        yield (TARGET.T + directions @ (circle * (level / curvature).sqrt()[:, None])).T.tolist()


def _dots(points, panel, across, down, *, mark=True, color=svg.ORANGE):
    """A small square at each point; with `mark`, the last one is larger and of another colour."""
    parts = []
    for i, (u, v) in enumerate(points):
        x = panel["x"] + svg.scaled(u, across) * panel["width"]
        y = panel["y"] + panel["height"] - svg.scaled(v, down) * panel["height"]
        side, fill = (8, color) if mark and i == len(points) - 1 else (5, svg.BLUE)
        parts.append(svg.rect(x - side / 2, y - side / 2, side, side, fill=fill, stroke="none"))
    return "".join(parts)


_RINGS = list(_rings())
