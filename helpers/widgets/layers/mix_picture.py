"""How the channel mixer looks: photo, output with its channels, and one pixel as a product of matrices."""

import functools

import numpy as np
import torch
from torch.nn import functional as F

from helpers.data import load_photo
from helpers.drawing import svg, touch

SIDE, SMALL = 200, 64  # of the photo and of a single channel, px
INPUT, OUTPUT, PRODUCT, TOP, CELL = 8, 232, 462, 24, 48
BELOW = TOP + SIDE + 24
PRODUCT_TOP = TOP + 24
FACTORS = tuple(PRODUCT + step * CELL + 22 * (step - 2) for step in (3, 4, 5))  # where x, b and y stand
WIDTH, HEIGHT = FACTORS[-1] + CELL + 8, BELOW + SMALL + 26
COLORS = ("R", "G", "B")
LARGEST, STEP = 4.0, 0.05  # of a weight
ROUNDING = 1e-5  # what float32 may add to 0 or 1


def draw_mix(result, label):
    """Return the picture of a ChannelMixer's result."""
    parts = [_photo(result["name"]), _output(result), _product(result)]
    for x, name in ((INPUT, "pixel"), (OUTPUT, "output pixel")):
        parts += [_mark(x, result["row"], result["column"]), touch.ghost("pixel", _mark(x, 0, 0))]
        parts.append(_place(x, result, name))
    return svg.picture(WIDTH, HEIGHT, *parts, label=label)


def _mark(x, row, column):
    """A square around a pixel, black in white, so that it shows on any photo."""
    left, top = x + column - 4, TOP + row - 4
    return svg.rect(left, top, 9, 9, stroke="#ffffff", line=5) + svg.rect(left, top, 9, 9, stroke="#000000", line=2)


def _place(x, result, name):
    """The area that drags the pixel."""
    down, across = touch.cells("row", result["row"], SIDE), touch.cells("column", result["column"], SIDE)
    label = f"{name} in row {result['row']}, column {result['column']}: drag it, or use the arrow keys"
    return touch.area(x, TOP, SIDE, SIDE, across=across, down=down, label=label, ghost=("pixel", 1, 1))


@functools.lru_cache
def photo(name):
    """Return the photo as an array (3, SIDE, SIDE) in 0..1."""
    return load_photo(name, SIDE, color=True).numpy()


@functools.lru_cache
def _small(name):
    return F.interpolate(torch.from_numpy(photo(name))[None], SMALL, mode="bilinear", antialias=True)[0].numpy()


@functools.lru_cache
def _photo(name):
    """The photo and, small, its channels: encoded once."""
    whole = svg.tile(photo(name).transpose(1, 2, 0), INPUT, TOP, SIDE, SIDE)
    title = _heading(INPUT, TOP, "photo X, 3 channels: drag the pixel")
    return title + whole + _planes(_small(name), INPUT, COLORS, [False] * 3)


def _output(result):
    """One channel in grey or, with negative values, on the signed map; three as a colour, and each by itself."""
    Y, signed, mix = result["output"].numpy(), result["signed"], result["W"].numpy()
    if len(Y) == 1:
        ends = zip((0, 0.5, 1), (-1, 0, 1) if signed else (0, 0.5, 1), ("start", "middle", "end"), strict=True)
        scale = [svg.text(OUTPUT + x * SIDE, BELOW + 26, svg.number(v), size=11, anchor=side) for x, v, side in ends]
        title, colors = "output Y, 1 channel", "signed" if signed else "grey"
        tile = svg.tile(Y[0], OUTPUT, TOP, SIDE, SIDE, colors=colors, limit=1.0) + _ramp(colors)
        return _heading(OUTPUT, TOP, title) + tile + "".join(scale)
    small = np.tensordot(mix, _small(result["name"]), 1) + result["b"].numpy()[:, None, None]
    negative = (Y < -ROUNDING).any(axis=(1, 2))
    planes = _planes(small, OUTPUT, ("Y0", "Y1", "Y2"), negative)
    title = "output Y, shown as red, green, blue"
    return _heading(OUTPUT, TOP, title) + svg.tile(Y.transpose(1, 2, 0), OUTPUT, TOP, SIDE, SIDE) + planes


@functools.lru_cache
def _ramp(colors):
    return svg.tile(np.linspace(-1 if colors == "signed" else 0, 1, 256)[None], OUTPUT, BELOW, SIDE, 10,
                    colors=colors, limit=1.0)  # fmt: skip


def _planes(small, left, names, signed):
    """Channels (3, h, w) side by side with their names; those that go below 0 on the signed map."""
    parts = []
    for i, (plane, name) in enumerate(zip(small, names, strict=True)):
        x = left + i * (SIDE - SMALL) / 2
        colors = "signed" if signed[i] else "grey"
        parts.append(svg.tile(plane, x, BELOW, SMALL, SMALL, colors=colors, limit=1.0))
        parts.append(svg.rect(x, BELOW, SMALL, SMALL, stroke=svg.GREY, line=0.5))
        parts.append(svg.text(x + SMALL / 2, BELOW + SMALL + 15, name))
    return "".join(parts)


def _product(result):
    """W x + b = y for the chosen pixel; under it, what the picture cuts off."""
    rows = len(result["b"])
    top, middle = PRODUCT_TOP, PRODUCT_TOP + (3 - rows) * CELL / 2  # one row: beside the middle of three numbers
    x, b, y = FACTORS
    pixel, mixed = (np.array(result[name])[:, None].round(2) for name in ("pixel", "mixed"))
    weights, bias = result["W"].numpy(), result["b"].numpy()[:, None]
    limit = max(1.0, np.abs(weights).max(), np.abs(bias).max())  # 1 looks alike in every preset
    lines = loss(result).split("; ")
    return "".join([
        _heading(PRODUCT, TOP, f"the pixel in row {result['row']}, column {result['column']}"),
        touch.needs("weights", svg.text(WIDTH - 8, TOP - 8, "↕ drag a weight", anchor="end", bold=True)),
        svg.matrix(weights, PRODUCT, middle, CELL, limit=limit),
        svg.matrix(pixel, x, top, CELL, colors="grey", limit=1.0),
        svg.matrix(bias, b, middle, CELL, limit=limit),
        svg.matrix(mixed, y, middle, CELL, colors="signed" if result["negative"] else "grey", limit=1.0),
        *(svg.text(PRODUCT + (i + 0.5) * CELL, middle - 6, name, size=11) for i, name in enumerate(COLORS)),
        *(svg.text(left - 11, top + 1.5 * CELL + 5, sign, size=16) for left, sign in zip(FACTORS, "·+=", strict=True)),
        *(_letter(left, name) for left, name in zip((PRODUCT + CELL, *FACTORS), "Wxby", strict=True)),
        *(svg.text(PRODUCT, BELOW + 8 + 18 * i, line, anchor="start") for i, line in enumerate(lines)),
        *(_weight(result, i, k, middle) for i in range(rows) for k in range(4)),
    ])  # fmt: skip


def _weight(result, output, channel, top):
    """The area over a weight, or over the bias as the fourth: it follows a drag up or down."""
    numbers = (*result["W"][output].tolist(), result["b"][output].item())
    left = FACTORS[1] if channel == 3 else PRODUCT + channel * CELL
    axis = touch.shift("weights", round(numbers[channel], 4), -LARGEST, LARGEST, span=-1, step=STEP,
                       path=(output, channel))  # fmt: skip
    what = "bias" if channel == 3 else f"weight of {COLORS[channel]}"
    label = f"{what} for output {output}: drag it up or down, or use the arrow keys"
    return touch.area(left, top + output * CELL, CELL, CELL, down=axis, label=label)


def _letter(left, name):
    return svg.text(left + CELL / 2, PRODUCT_TOP + 3 * CELL + 20, name, bold=True)


def loss(result):
    """Say which share of the values is negative, and which the picture cannot show."""
    scale = "−1 to 1" if result["signed"] else "0 to 1"
    negative = f"{_percent(result['negative'])} of the values are negative"
    return f"{negative}; {_percent(result['clipped'])} lie outside {scale} and are cut off"


def _percent(share):
    """A share in whole percent; 0% means none and 100% all."""
    if 0 < share < 0.005:
        return "under 1%"
    return "over 99%" if 0.995 < share < 1 else f"{share:.0%}"


def _heading(x, y, name):
    return svg.text(x, y - 8, name, anchor="start")
