"""Gradient descent finds the edge detector [1, -1] from a picture and its edges, step by step."""

import math

import ipywidgets as W
import torch
import traitlets as T

from helpers.drawing import svg
from helpers.ops import corr2d

from ..kit.base import Explorer
from ..kit.layout import side_by_side
from ..kit.parameters import slider
from .learner_picture import ACROSS, DOWN, MOST_STEPS, draw_learner

TOO_MUCH = 1e4  # a loss above it counts as diverged, and the run ends
DIVERGED = "It diverges: the rate is too large."
SEEDS = 10
BOUND = 1 / math.sqrt(2)  # nn.Conv2d draws the 2 weights of a 1×2 kernel from -BOUND to BOUND
X = torch.ones(6, 8, dtype=torch.float64)
X[:, 2:6] = 0
TARGET = torch.tensor([[1.0, -1.0]], dtype=torch.float64)
Y = corr2d(X, TARGET)
WINDOWS = X.unfold(1, 2, 1).reshape(-1, 2)  # each position's two pixels in a row: corr2d(X, K) is WINDOWS @ K


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


FIRST = start_kernel(0)[0].tolist()


class KernelLearner(Explorer):
    """Learn a 1×2 kernel from X and Y by gradient descent: drag its start in the plane of the two weights.

    `result` holds the kernel and the loss after each step. The run is computed anew from its start at every setting,
    so that the learning rate can be changed afterwards. `seed` draws the start, `first` and `second`, as nn.Conv2d
    does.
    """

    lr = slider(0.03, 0.001, 0.06, "learning rate", step=0.001)
    steps = slider(0, 0, MOST_STEPS, "steps")
    seed = slider(0, 0, SEEDS - 1, "seed", help="of the random weights before the first step")
    first = slider(FIRST[0], *ACROSS, "start, first weight", step=0.05)
    second = slider(FIRST[1], *DOWN, "start, second weight", step=0.05)

    def __init__(self, **values):
        super().__init__(**values)
        self.controls["lr"].readout_format = ".3f"

    @T.observe("seed")
    def _draw_the_start(self, change):
        with self._held_back():
            self.first, self.second = start_kernel(change["new"])[0].tolist()

    def arrange(self):
        """Put the two sliders above the buttons; the start is set on the picture."""
        numbers = [self.controls["lr"], self.controls["steps"]]
        for control in numbers:
            control.style.description_width, control.layout.width = "84px", "360px"
        return W.VBox([side_by_side(numbers), side_by_side(self.button.values())])

    def buttons(self):
        """One step, ten, back to the start, and another start."""
        return {"1 step": lambda: self._go(1), "10 steps": lambda: self._go(10), "reset": lambda: self._go(-MOST_STEPS),
                "another start": self._another}  # fmt: skip

    def _go(self, steps):
        with self._held_back():
            self.steps = min(max(self.steps + steps, 0), MOST_STEPS)

    def _another(self):
        with self._held_back():
            self.seed = (self.seed + 1) % SEEDS

    def compute(self, lr, steps, first, second, seed):
        """Run `steps` steps of gradient descent."""
        kernels, losses = descend(torch.tensor([[first, second]], dtype=torch.float64), lr, steps)
        return {
            "kernels": kernels, "losses": losses, "K": kernels[-1], "loss": losses[-1], "steps": len(losses) - 1,
            "diverged": losses[-1] > TOO_MUCH, "output": corr2d(X, kernels[-1]), "lr": lr, "X": X, "Y": Y,
            "target": TARGET, "windows": WINDOWS,
        }  # fmt: skip

    def describe(self, result):
        """Say the start, the kernel and the loss."""
        start, kernel = (f"[{', '.join(map(svg.number, K[0].tolist()))}]" for K in (result["kernels"][0], result["K"]))
        end = f" {DIVERGED}" if result["diverged"] else ""
        plural = "" if result["steps"] == 1 else "s"
        return (
            f"From {start} with learning rate {result['lr']:.3f}, after {result['steps']} step{plural}: kernel "
            f"{kernel}, loss {_short(result['loss'])}.{end}"
        )

    def draw(self, result):
        """Draw the picture, the kernel, its output and the wanted one; below, the loss and the way of the kernel."""
        return draw_learner(result, self.describe(result))


def _short(loss):
    return f"{loss:.3g}" if loss >= 1e-3 else f"{loss:.0e}"
