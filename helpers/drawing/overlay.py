"""Maps drawn on the pictures that they speak of."""

import matplotlib
import numpy as np

from . import svg
from .plots import new_figure

STRONGEST = 0.75  # how opaque the largest value of a map is


def show_overlays(pictures, rows, titles=None, *, scale=1.2, inset=None):
    """Show each row of maps on the pictures (N, C, H, W), 0 to 1, which are drawn in grey; returns the axes.

    `rows` is {name: N maps (h, w)}. Red is positive, blue negative, and 0 lets the picture through; each map has a
    scale of its own. `inset` is {name: pixels}: how far the maps of a row end from the picture's edge.
    """
    pictures = svg.as_array(pictures).transpose(0, 2, 3, 1)
    figure, axes = new_figure(len(rows), len(pictures), width=scale, height=scale * 1.08, squeeze=False)
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    for i, picture in enumerate(pictures):
        axes[0, i].set_title("" if titles is None else titles[i], fontsize=8)
        for row, (name, maps) in zip(axes, rows.items(), strict=True):
            row[i].imshow(picture.mean(axis=2), cmap="gray", vmin=0, vmax=1)
            _lay(row[i], svg.as_array(maps[i]), picture.shape[:2], (inset or {}).get(name, 0))
    for row, name in zip(axes, rows, strict=True):
        row[0].set_ylabel(name, fontsize=8)
    return axes


def _lay(ax, values, size, inset):
    """Lay one map over the picture of that (height, width), `inset` pixels from its edge."""
    height, width = size
    share = values / (np.abs(values).max() or 1.0)
    colors = matplotlib.colormaps["RdBu_r"](0.5 + share / 2)
    colors[..., 3] = STRONGEST * np.abs(share)
    edges = inset - 0.5, width - inset - 0.5, height - inset - 0.5, inset - 0.5
    ax.imshow(colors, extent=edges, interpolation="bilinear")
    ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
