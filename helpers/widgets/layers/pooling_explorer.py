"""Pool a picture and the same picture a few pixels further right: which outputs change?"""

import functools
import math

import ipywidgets as W
import torch

from helpers.data import load_photo
from helpers.drawing import svg
from helpers.ops import corr2d, output_size, pool2d

from ..kit.layout import side_by_side
from ..kit.parameters import choice, slider
from ..kit.player import player
from ..kit.walk import Walk, place
from .pooling_picture import draw_pooling, pooled

FARTHEST = 8  # px to the right
MOST_OUTPUTS = (96 + 2 * 4) ** 2
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


class PoolingExplorer(Walk):
    """Drag a picture a few pixels to the right, pool it before and after, and mark the outputs that differ.

    `result` holds X (H, W) and moved (H, W), the outputs Y and Z (Ho, Wo), changed (Ho, Wo, bool) and active: where Y
    or Z is not 0. Window, stride and padding are the same for height and width. "place" (row, column) is the chosen
    output, "windows" what it is made of before and after, (p, p) each, nan where there is padding.
    """

    picture_name = choice("edge", PICTURES, "picture")
    mode = choice("max", ["max", "avg"], "mode")
    pool_size = slider(2, 1, 8, "window", help="p: the window has p × p pixels")
    stride = slider(1, 1, 8, "stride")
    padding = slider(0, 0, 4, "padding", help="per side, at most half the window; −∞ for max, 0 for avg")
    shift = slider(1, 0, FARTHEST, "shift to the right", help="pixels")
    place = place((0, 0), "place", help="row and column of the output that is taken apart")
    position = slider(0, 0, MOST_OUTPUTS - 1, "position", help="the same, counted row by row")

    def arrange(self):
        """Put the choices above, apart from each other, the sliders below; last, what walks the window."""
        c = self.controls
        for name in ("pool_size", "stride", "padding", "shift"):
            c[name].layout.width, c[name].style.description_width = "320px", "110px"
        c["mode"].layout.margin = "2px 2px 2px 28px"
        self.play = player(c["position"])
        rows = ("picture_name", "mode"), ("pool_size", "stride"), ("padding", "shift")
        rows = [[c[name] for name in row] for row in rows]
        return W.VBox([side_by_side(rows[0]), side_by_side(rows[1]), side_by_side([*rows[2], self.play])])

    def outputs(self, picture_name, pool_size, stride, padding, **others):
        """Return (rows, columns) of the pooled picture; window and padding as far as they fit."""
        shape = tuple(shifted(picture_name, 0).shape)
        p = min(pool_size, *shape)
        return output_size(shape, p, stride=stride, padding=min(padding, p // 2))

    def limits(self, picture_name, pool_size, **others):
        """Keep the window inside the picture and the padding within half the window."""
        largest = min(shifted(picture_name, 0).shape)
        fits = {"pool_size": (1, largest), "padding": (0, min(pool_size, largest) // 2)}
        return fits | super().limits(picture_name=picture_name, pool_size=pool_size, **others)

    def compute(self, picture_name, mode, pool_size, stride, padding, shift, place, **others):
        """Pool both pictures and compare."""
        X, moved = shifted(picture_name, 0), shifted(picture_name, shift)
        Y, Z = (pool2d(picture, pool_size, mode, stride=stride, padding=padding) for picture in (X, moved))
        return {
            "name": picture_name, "mode": mode, "pool_size": pool_size, "stride": stride, "padding": padding,
            "shift": shift, "farthest": FARTHEST, "X": X, "moved": moved, "Y": Y, "Z": Z, "output": Z, "place": place,
            "windows": [window(picture, place, pool_size, stride, padding) for picture in (X, moved)],
            "changed": (Z - Y).abs() > ROUNDING, "active": (Y != 0) | (Z != 0),
        }  # fmt: skip

    def describe(self, result):
        """Say the setting, the range of the output, how many outputs change, and the chosen one."""
        Y, p, (i, j) = result["Y"], result["pool_size"], result["place"]
        return (
            f"{result['mode']} pooling of {result['name']} ({_size(result['X'])}), window {p}×{p}, stride "
            f"{result['stride']}, padding {result['padding']}: {_size(Y)} outputs from {svg.number(Y.min())} to "
            f"{svg.number(Y.max())}. Shifted right by {result['shift']} px, {counts(result)}. "
            f"The one in row {i}, column {j} is {pooled(Y[i, j])} before and {pooled(result['Z'][i, j])} after."
        )

    def draw(self, result):
        """Draw the picture and its pooled output, below it both after the shift."""
        return draw_pooling(result, counts(result), self.describe(result))


def window(picture, place, p, stride, padding):
    """Return the pixels (p, p) that one output is made of; nan in the padding."""
    padded = torch.nn.functional.pad(picture, (padding,) * 4, value=math.nan)
    row, column = (at * stride for at in place)
    return padded[row : row + p, column : column + p]


def counts(result):
    """Return how many outputs change, in words."""
    changed, active, outputs = int(result["changed"].sum()), int(result["active"].sum()), result["Y"].numel()
    share = f", or {changed / active:.0%} of the {active} that are not 0 before or after" if active else ""
    return f"{changed} of {outputs} outputs change: {changed / outputs:.0%}{share}"


def _size(X):
    return f"{X.shape[0]}×{X.shape[1]}"
