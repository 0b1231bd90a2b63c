"""Pool a picture and the same picture a few pixels further right: which outputs change?"""

import functools

import ipywidgets as W
import numpy as np
import torch

from helpers.data import load_photo
from helpers.drawing import svg
from helpers.ops import corr2d, pool2d

from ..kit.base import Explorer, choice, slider
from ..kit.layout import side_by_side

FARTHEST = 8  # px to the right
ROWS, LEFT, RIGHT, SIDE = (26, 286), 8, 372, 216  # panels, px
LARGEST_CELL, SMALLEST_FONT = 72, 6
ROUNDING = 1e-4  # two averages of the same numbers in another order may differ by less
STRONG = 0.5  # an edge of the photo is a Sobel response above it


def _edge():
    """How strongly the kernel [1, −1] of notebook 02 responds to its 6×8 picture: 1 at the two edges, (6, 7)."""
    X = torch.ones(6, 8)
    X[:, 2:6] = 0
    return corr2d(X, torch.tensor([[1.0, -1.0]])).abs()


def _stripes():
    return torch.tensor([0.0, 0.0, 1.0, 1.0]).repeat(8, 4)


def _digit():
    from sklearn.datasets import load_digits

    return torch.tensor(load_digits().images[4], dtype=torch.float32)


def _photo_edges():
    """Where the flower photo has a strong left or right edge: ones, (96, 96 + FARTHEST)."""
    sobel = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
    edges = corr2d(load_photo("flower", 200), sobel).abs() > STRONG
    return edges[32:128, 64 - FARTHEST : 160].float()


# name: (the picture, does it carry on to the left by FARTHEST columns? else zeros move in)
PICTURES = {
    "0…8": (lambda: torch.arange(9.0).reshape(3, 3), False),
    "edge": (_edge, False),
    "stripes": (_stripes, True),
    "digit": (_digit, False),
    "photo's edges": (_photo_edges, True),
}


@functools.lru_cache
def scene(name: str) -> torch.Tensor:
    """Return the picture with what lies to its left: (H, FARTHEST + W)."""
    make, whole = PICTURES[name]
    picture = make()
    return picture if whole else torch.nn.functional.pad(picture, (FARTHEST, 0))


def shifted(name: str, shift: int) -> torch.Tensor:
    """Return the picture (H, W) of that name, moved `shift` pixels to the right, 0 to FARTHEST."""
    wide = scene(name)
    return wide[:, FARTHEST - shift : wide.shape[1] - shift]


class PoolingExplorer(Explorer):
    """Pool a picture before and after a shift, and mark the outputs that differ.

    `result` holds X (H, W) and moved (H, W), the outputs Y and Z (Ho, Wo), changed (Ho, Wo, bool) and active: where Y
    or Z is not 0. Window, stride and padding are the same for height and width.
    """

    picture_name = choice("0…8", PICTURES, "picture")
    mode = choice("max", ["max", "avg"], "mode")
    pool_size = slider(2, 1, 8, "window", help="p: the window has p × p pixels")
    stride = slider(1, 1, 8, "stride")
    padding = slider(0, 0, 4, "padding", help="per side, at most half the window; −∞ for max, 0 for avg")
    shift = slider(1, 0, FARTHEST, "shift to the right", help="pixels")

    def arrange(self):
        """Put the choice of picture above, and the sliders in pairs below it."""
        c = self.controls
        pairs = ("picture_name", "mode"), ("pool_size", "stride"), ("padding", "shift")
        return W.VBox([side_by_side([c[name] for name in pair], "flex-end") for pair in pairs])

    def limits(self, picture_name, pool_size, **others):
        """Keep the window inside the picture and the padding within half the window."""
        largest = min(shifted(picture_name, 0).shape)
        return {"pool_size": (1, largest), "padding": (0, min(pool_size, largest) // 2)}

    def compute(self, picture_name, mode, pool_size, stride, padding, shift):
        """Pool both pictures and compare."""
        X, moved = shifted(picture_name, 0), shifted(picture_name, shift)
        Y, Z = (pool2d(picture, pool_size, mode, stride=stride, padding=padding) for picture in (X, moved))
        return {
            "name": picture_name, "mode": mode, "pool_size": pool_size, "stride": stride, "padding": padding,
            "shift": shift, "X": X, "moved": moved, "Y": Y, "Z": Z, "output": Z,
            "changed": (Z - Y).abs() > ROUNDING, "active": (Y != 0) | (Z != 0),
        }  # fmt: skip

    def describe(self, result):
        """Say the setting, the range of the output, and how many outputs change."""
        Y, p = result["Y"], result["pool_size"]
        return (
            f"{result['mode']} pooling of {result['name']} ({_size(result['X'])}), window {p}×{p}, stride "
            f"{result['stride']}, padding {result['padding']}: {_size(Y)} outputs from {svg.number(Y.min())} to "
            f"{svg.number(Y.max())}. {_shift(result).capitalize()}, {_counts(result)}."
        )

    def draw(self, result):
        """Draw the picture and its pooled output, below it both after the shift."""
        first, second = ROWS
        parts = [
            _input(result, result["X"], first, "picture"), _arrow(result, first), _output(result["Y"], result, first),
            _input(result, result["moved"], second, _shift(result)), _arrow(result, second),
            _output(result["Z"], result, second), _marks(result, second), _caption(result, second + SIDE + 18),
        ]  # fmt: skip
        return svg.picture(RIGHT + SIDE + 8, second + SIDE + 26, *parts, label=self.describe(result))


def _input(result, X, top, name):
    """The picture with its padding as empty cells, and the first two positions of the window."""
    p, padding, stride = result["pool_size"], result["padding"], result["stride"]
    padded = np.pad(X.numpy(), padding)
    cell, empty = _cell(padded), np.pad(np.zeros(X.shape), padding, constant_values=1)
    inside = LEFT + padding * cell, top + padding * cell
    if max(padded.shape) > 16:
        table = _table(result, X, *inside, cell)
    else:
        table = _table(result, padded, LEFT, top, cell, empty)
    fits = stride + p <= padded.shape[1]
    second = svg.frame(LEFT, top, 0, stride, p, p, cell, line=1.5, dash="4 3") if fits else ""
    first = svg.frame(LEFT, top, 0, 0, p, p, cell)
    border = svg.rect(LEFT, top, padded.shape[1] * cell, padded.shape[0] * cell, stroke=svg.GREY, line=0.8, dash="2 2")
    value = f", padded by {padding} with {'−∞' if result['mode'] == 'max' else '0'}" if padding else ""
    return svg.text(LEFT, top - 8, name + value, anchor="start") + table + border + second + first


def _output(Y, result, top):
    table = _table(result, Y, RIGHT, top, _cell(Y))
    title = svg.text(RIGHT, top - 8, f"pooled, {Y.shape[0]} × {Y.shape[1]}", anchor="start")
    return title + table + svg.frame(RIGHT, top, 0, 0, 1, 1, _cell(Y))


def _marks(result, top):
    """A frame around each changed output; from 17 cells a side on, coloured pixels."""
    changed, cell = result["changed"], _cell(result["changed"])
    if max(changed.shape) <= 16:
        inset = [(RIGHT + j * cell + 2, top + i * cell + 2) for i, j in changed.nonzero().tolist()]
        return "".join(svg.rect(x, y, cell - 4, cell - 4, stroke=svg.PURPLE, line=2.5) for x, y in inset)
    grey = svg.levels(result["Z"], "grey", _limit(result))[..., None].repeat(3, axis=2) / 255
    purple = np.array([int(svg.PURPLE[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    colored = np.where(changed.numpy()[..., None], purple, grey)
    return svg.tile(colored, RIGHT, top, cell * changed.shape[1], cell * changed.shape[0])


def _arrow(result, top):
    height, middle = top + 60, (LEFT + SIDE + RIGHT) / 2
    window = f"{result['mode']} of {result['pool_size']} × {result['pool_size']}"
    return "".join([
        svg.text(middle, height - 10, window),
        svg.arrow(middle - 40, height, middle + 40, height),
        svg.text(middle, height + 20, f"stride {result['stride']}"),
    ])  # fmt: skip


def _table(result, values, x, y, cell, faint=None):
    values = np.asarray(values)
    readable = values.size > 256 or min(svg.fit(svg.number(value), cell) for value in values.flat) >= SMALLEST_FONT
    return svg.matrix(values, x, y, cell, colors="grey", limit=_limit(result), numbers=readable, faint=faint)


def _limit(result):
    return result["X"].max().item()


def _cell(values):
    return min(LARGEST_CELL, SIDE / max(values.shape))


def _caption(result, y):
    sign = svg.rect(LEFT, y - 9, 10, 10, stroke=svg.PURPLE, line=2.5)
    return sign + svg.text(LEFT + 18, y, _counts(result), anchor="start")


def _counts(result):
    changed, active, outputs = int(result["changed"].sum()), int(result["active"].sum()), result["Y"].numel()
    share = f", or {changed / active:.0%} of the {active} that are not 0 before or after" if active else ""
    return f"{changed} of {outputs} outputs change: {changed / outputs:.0%}{share}"


def _shift(result):
    return f"shifted right by {result['shift']} px"


def _size(X):
    return f"{X.shape[0]}×{X.shape[1]}"
