"""How the pooling explorer looks: the picture and what pooling makes of it, below it both after the shift."""

import numpy as np

from helpers.drawing import svg, touch
from helpers.drawing.padding import padding_cells, ring

SIDE, LEFT, MIDDLE, RIGHT = 280, 6, 306, 470  # of a panel; where picture, window and output begin, px
ROWS = 26, 26 + SIDE + 34
WINDOW = 128  # side of the window that is taken apart, px
WIDTH, HEIGHT = RIGHT + SIDE + 8, ROWS[1] + SIDE + 30
LARGEST_CELL, SMALLEST_FONT = 80, 11


def draw_pooling(result, counts, label):
    """Return the picture of a PoolingExplorer's result; `counts` says in words how many outputs change."""
    parts = [_panels(result, 0), _panels(result, 1), _marks(result), _caption(counts)]
    return svg.picture(WIDTH, HEIGHT, *parts, _areas(result), label=label)


def _panels(result, moved):
    """The picture before or after the shift, the window taken apart, the output."""
    X, Y, top = result["moved" if moved else "X"], result["Z" if moved else "Y"], ROWS[moved]
    name = f"shifted right by {result['shift']} px: drag it" if moved else "picture: drag the window"
    return _input(result, X, top, name) + _taps(result, result["windows"][moved], Y, top) + _output(result, Y, top)


def _input(result, X, top, name):
    """The picture inside its padding, and the window."""
    p, padding, cell = result["pool_size"], result["padding"], _input_cell(result)
    rows, columns = (n + 2 * padding for n in X.shape)
    outside = "−∞" if result["mode"] == "max" else "0"
    table = _table(result, X, LEFT + padding * cell, top + padding * cell, cell)
    name += f", padded by {padding} with {outside}" if padding and X is result["X"] else ""
    parts = [svg.text(LEFT, top - 8, name, anchor="start"), table]
    if max(rows, columns) <= 16:
        parts.append(padding_cells(ring(X.shape, (padding, padding)), LEFT, top, cell, value=outside))
    elif padding:
        parts.append(svg.rect(LEFT, top, columns * cell, rows * cell, stroke=svg.BLUE, dash="2 2"))
    row, column = (at * result["stride"] for at in result["place"])
    parts.append(svg.frame(LEFT, top, row, column, p, p, cell, line=3))
    return "".join(parts) + touch.ghost("window", svg.frame(LEFT, top, 0, 0, p, p, cell, line=1.5))


def _taps(result, window, Y, top):
    """The window large, an arrow, and what it is pooled to."""
    cell, inside, (i, j) = WINDOW / len(window), ~window.isnan().numpy(), result["place"]
    (first, left), (last, right) = np.argwhere(inside)[[0, -1]]  # the picture's part of it is a rectangle
    pixels = window[first : last + 1, left : right + 1]
    parts = [svg.text(MIDDLE, top - 8, f"window {len(window)} × {len(window)}", anchor="start")]
    parts.append(_table(result, pixels, MIDDLE + left * cell, top + first * cell, cell))
    parts.append(padding_cells(inside, MIDDLE, top, cell, value="−∞" if result["mode"] == "max" else "0"))
    parts.append(svg.rect(MIDDLE, top, WINDOW, WINDOW, stroke=svg.ORANGE, line=3))
    below = top + WINDOW + 24
    parts.append(svg.text(MIDDLE, below, f"row {i}, column {j}:", anchor="start"))
    parts.append(svg.text(MIDDLE, below + 18, "maximum" if result["mode"] == "max" else "average", anchor="start"))
    parts.append(svg.text(MIDDLE, below + 50, pooled(Y[i, j]), size=24, color=svg.ORANGE, bold=True, anchor="start"))
    return "".join(parts)


def _output(result, Y, top):
    cell = _cell(Y.shape)
    title = svg.text(RIGHT, top - 8, f"pooled, {Y.shape[0]} × {Y.shape[1]}", anchor="start")
    pointed = touch.ghost("output", svg.frame(RIGHT, top, 0, 0, 1, 1, cell, line=1.5))
    table = _table(result, Y, RIGHT, top, cell)
    return title + table + svg.frame(RIGHT, top, *result["place"], 1, 1, cell, line=3) + pointed


def _marks(result):
    """A frame around each changed output; from 17 cells a side on, coloured pixels."""
    changed, cell, top = result["changed"], _cell(result["changed"].shape), ROWS[1]
    chosen = svg.frame(RIGHT, top, *result["place"], 1, 1, cell, line=3)
    if max(changed.shape) <= 16:
        inset = [(RIGHT + j * cell + 3, top + i * cell + 3) for i, j in changed.nonzero().tolist()]
        return "".join(svg.rect(x, y, cell - 6, cell - 6, stroke=svg.PURPLE, line=2.5) for x, y in inset)
    grey = svg.levels(result["Z"], "grey", _limit(result))[..., None].repeat(3, axis=2) / 255
    purple = np.array([int(svg.PURPLE[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    colored = np.where(changed.numpy()[..., None], purple, grey)
    return svg.tile(colored, RIGHT, top, cell * changed.shape[1], cell * changed.shape[0]) + chosen


def _areas(result):
    """What the hand takes: the window on the picture, the shifted picture, an output before or after."""
    cell, out, p, stride = _input_cell(result), _cell(result["Y"].shape), result["pool_size"], result["stride"]
    sizes = [n + 2 * result["padding"] for n in result["X"].shape]
    where = "at row {}, column {}: drag it, or use the arrow keys".format(*result["place"])
    down, across = (
        touch.scale("place", at, -p / 2 / stride, (n - p / 2) / stride, step=1, low=0, high=count - 1, path=(axis,))
        for axis, (at, n, count) in enumerate(zip(result["place"], sizes, result["Y"].shape, strict=True))
    )
    parts = [touch.area(LEFT, ROWS[0], sizes[1] * cell, sizes[0] * cell, down=down, across=across,
                        label=f"window {where}", ghost=("output", out, out))]  # fmt: skip
    slide = touch.shift("shift", result["shift"], 0, result["farthest"], span=sizes[1])
    label = f"picture, shifted right by {result['shift']} px: drag it, or use the arrow keys"
    parts.append(touch.area(LEFT, ROWS[1], sizes[1] * cell, sizes[0] * cell, across=slide, label=label))
    down, across = (touch.cells("place", result["place"][i], result["Y"].shape[i], path=(i,)) for i in (0, 1))
    high, wide = (count * out for count in result["Y"].shape)
    for top, when in zip(ROWS, ("before", "after"), strict=True):
        parts.append(touch.area(RIGHT, top, wide, high, down=down, across=across, label=f"output {when} {where}",
                                ghost=("window", stride * cell, stride * cell)))  # fmt: skip
    return "".join(parts)


def _table(result, values, x, y, cell):
    values = np.asarray(values)
    readable = values.size > 256 or min(svg.fit(svg.number(value), cell) for value in values.flat) >= SMALLEST_FONT
    return svg.matrix(values, x, y, cell, colors="grey", limit=_limit(result), numbers=readable)


def pooled(value):
    """Return a pooled number, in words that fit."""
    return svg.number(value.item())


def _limit(result):
    return result["X"].max().item()


def _input_cell(result):
    return _cell([n + 2 * result["padding"] for n in result["X"].shape])


def _cell(shape):
    return min(LARGEST_CELL, SIDE / max(shape))


def _caption(counts):
    y = ROWS[1] + SIDE + 20
    sign = svg.rect(LEFT, y - 9, 10, 10, stroke=svg.PURPLE, line=2.5)
    return sign + svg.text(LEFT + 18, y, counts, anchor="start")
