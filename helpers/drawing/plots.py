"""Pictures with matplotlib: `ax=None` in, `ax` out. Transparent ground and mid-grey ink read in any theme."""

import math

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import font_manager

from . import svg
from .alternative import tell_figures
from .words import minus

INK = svg.GREY
# Fonts with Chinese characters, of macOS, Windows and Linux: names of the reader's own classes may need one.
CHINESE = ("PingFang SC", "Hiragino Sans GB", "Heiti TC", "Microsoft YaHei", "SimHei", "Noto Sans CJK SC",
           "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei",
           "Droid Sans Fallback")  # fmt: skip


def with_chinese(fonts):
    """Return matplotlib's usual font and behind it the first of CHINESE that is among these fonts, if one is."""
    installed = {font.name for font in fonts}
    return ["sans-serif", *[name for name in CHINESE if name in installed][:1]]


STYLE = {
    "font.family": with_chinese(font_manager.fontManager.ttflist),
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.framealpha": 0,
    "axes.prop_cycle": plt.cycler(color=svg.ACCENTS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor"), INK),
    # Where all tick labels are light, or all dark, JupyterLab puts a contrasting box behind the figure: so two greys.
    "xtick.color": "#7e7e7e",
    "ytick.color": "#828282",
}


def new_figure(rows=1, columns=1, *, width=3.6, height=2.7, **kwargs):
    """Return (figure, axes) in the course's style, each panel width x height inches; kwargs go to plt.subplots."""
    plt.draw_if_interactive()  # starts the notebook's backend; rc_context would undo its interactive mode
    tell_figures()
    with plt.rc_context(STYLE):
        return plt.subplots(rows, columns, figsize=(width * columns, height * rows), layout="constrained", **kwargs)


def show_images(images, titles=None, *, ncols=None, scale=1.2, signed=False):
    """Show pictures (N, H, W), (N, 1, H, W) or RGB (N, 3, H, W) in a grid, `scale` inches each; returns the axes.

    Grey pictures share the scale 0..largest; with `signed`, red is positive, blue negative, white zero.
    """
    images = svg.as_array(images)
    images = images.transpose(0, 2, 3, 1) if images.ndim == 4 else images
    images = images[..., 0] if images.ndim == 4 and images.shape[-1] == 1 else images
    ncols = ncols or min(len(images), 8)
    figure, axes = new_figure(math.ceil(len(images) / ncols), ncols, width=scale, height=scale * 1.15, squeeze=False)
    limit = float(np.abs(images).max()) or 1.0
    for i, ax in enumerate(axes.flat):
        ax.axis("off")
        if i < len(images):
            ax.imshow(images[i], cmap="RdBu_r" if signed else "gray", vmin=-limit if signed else 0, vmax=limit)
            if titles is not None:
                ax.set_title(titles[i], fontsize=8)
    return axes


def show_matrix(matrix, ax=None, *, title="", signed=True, limit=None, numbers=None):
    """Show a matrix (rows, columns) as coloured cells, with numbers inside up to 8x8; returns ax."""
    matrix = svg.as_array(matrix)
    ax = ax or new_figure(width=2.6, height=2.4)[1]
    limit = limit or float(np.abs(matrix).max()) or 1.0
    ax.imshow(matrix, cmap="RdBu_r" if signed else "gray", vmin=-limit if signed else 0, vmax=limit)
    ax.set(xticks=[], yticks=[], title=title)
    if max(matrix.shape) <= 16:  # edges, or a zero would melt into a white page
        for row, column in np.ndindex(matrix.shape):
            corner = (column - 0.5, row - 0.5)
            ax.add_patch(plt.Rectangle(corner, 1, 1, fill=False, edgecolor=INK, linewidth=0.5, clip_on=False))
    if max(matrix.shape) <= 8 if numbers is None else numbers:
        for (i, j), value in np.ndenumerate(matrix):
            dark = abs(value) > 0.6 * limit if signed else value < 0.5 * limit
            color = "white" if dark else "black"
            ax.text(j, i, minus(f"{value:.3g}"), ha="center", va="center", color=color, fontsize=9)
    return ax


def show_cutouts(photos, corners, size):
    """Show each photo (H, W) with framed windows, and beside it the windows enlarged; returns the axes.

    corners[i] lists the upper left corners (row, column) in photo i, equally many for each; a window has size x size
    pixels. Every window is drawn from its own darkest to its own brightest pixel.
    """
    photos = [svg.as_array(photo) for photo in photos]
    columns = 1 + len(corners[0])
    figure, axes = new_figure(len(photos), columns, width=1.7, height=1.7, squeeze=False)
    for number, (row, photo, places) in enumerate(zip(axes, photos, corners, strict=True), 1):
        row[0].imshow(photo, cmap="gray", vmin=0, vmax=1)
        for ax, (top, left), color in zip(row[1:], places, svg.ACCENTS, strict=False):
            row[0].add_patch(plt.Rectangle((left, top), size, size, fill=False, edgecolor=color, linewidth=2))
            ax.imshow(photo[top:top + size, left:left + size], cmap="gray")
            ax.spines[:].set(visible=True, color=color, linewidth=2)
        for n, ax in enumerate(row):  # the label is for the text alternative
            name = f"window {n}" if n else f"photo {number}, {len(places)} windows framed"
            ax.set(xticks=[], yticks=[], label=name)
    return axes


def plot_bars(values, ax=None, *, xlabel="", log=False, fmt="{:.3g}"):
    """Show {name: number} as horizontal bars with the number behind each; returns ax."""
    ax = ax or new_figure(width=4.5, height=0.45 * len(values) + 0.6)[1]
    bars = ax.barh(list(values), list(values.values()), color=svg.BLUE, height=0.6, log=log)
    ax.bar_label(bars, [minus(fmt.format(value)) for value in values.values()], padding=4, color=INK, fontsize=9)
    ax.margins(x=0.2)
    ax.invert_yaxis()
    ax.set_xlabel(xlabel)
    return ax


def mend_d2l():
    """Let d2l 0.17 draw on a current IPython, which has lost `display.set_matplotlib_formats`."""
    from IPython import display
    from matplotlib_inline import backend_inline

    display.set_matplotlib_formats = backend_inline.set_matplotlib_formats
