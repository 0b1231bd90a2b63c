"""How the im2col explorer looks: the batch on the left, its matrix on the right, the chosen row below."""

import numpy as np

from helpers.drawing import svg

LEFT, TOP, WIDTH, HEIGHT = 8, 34, 250, 306  # of the batch, px
MATRIX, MATRIX_WIDTH = 318, 360
BELOW = TOP + HEIGHT + 46
LARGEST_CELL, ROW_CELL, GAP, LABEL = 64, 32, 12, 18
LEAST_MARK, WIDE_CELL = 7, 30


def draw_im2col(result, label):
    """Return the picture of an Im2colExplorer's result."""
    parts = [_batch(result), _matrix(result), _row(result), _sentences(result)]
    return svg.picture(MATRIX + MATRIX_WIDTH + 8, BELOW + ROW_CELL + 72, *parts, label=label)


def _batch(result):
    """Every picture a row, every channel a column of grids; the window frames all channels of its picture."""
    back, x, pad = result["direction"] == "col2im", result["x"], result["pad"]
    values, outside = _padded(result["counts"] if back else x, pad), _padded(np.ones_like(x), pad) == 0
    side, cell = values.shape[-1], _batch_cell(*x.shape[:2], values.shape[-1])
    (n, i, j), (pn, pc, ph, pw) = result["place"], result["pixel_place"]
    name = "how many windows hold each pixel" if back else f"x {x.shape}"
    parts = [svg.text(LEFT, TOP - 18, name, anchor="start", bold=True)]
    for image, channel in np.ndindex(*x.shape[:2]):
        left, top = LEFT + channel * (side * cell + GAP), TOP + LABEL + image * (side * cell + GAP + LABEL)
        parts.append(svg.text(left, top - 6, f"n = {image}, c = {channel}", size=11, anchor="start"))
        grid, faint = values[image, channel], outside[image, channel]
        parts.append(svg.matrix(grid, left, top, cell, colors="grey", limit=values.max(), faint=faint))
        if image == n:
            size, stride = result["kernel_size"], result["stride"]
            parts.append(svg.frame(left, top, i * stride, j * stride, size, size, cell, line=3))
        if (image, channel) == (pn, pc):
            parts.append(_mark(left, top, ph + pad, pw + pad, cell, cell))
    return "".join(parts)


def _matrix(result):
    """The matrix, up to 16×16 with its numbers; the chosen row orange, the pixel's copies purple."""
    back, col = result["direction"] == "col2im", result["col"]
    rows, columns = col.shape
    small = max(rows, columns) <= 16
    high = min(LARGEST_CELL, MATRIX_WIDTH / columns, HEIGHT / rows)
    wide = high if small else min(MATRIX_WIDTH / columns, WIDE_CELL)
    values = np.where(result["padding"], 0.0, 1.0) if back else col
    name = f"a matrix of ones {col.shape}" if back else f"im2col(x) {col.shape}"
    title = svg.text(MATRIX, TOP - 18, name, anchor="start", bold=True)
    look = {"colors": "grey", "limit": _brightest(result)}
    if small:
        table = svg.matrix(values, MATRIX, TOP, high, faint=result["padding"], **look)
    else:
        table = svg.tile(values, MATRIX, TOP, wide * columns, high * rows, **look)
    copies = "".join(_mark(MATRIX, TOP, i, j, high, wide) for i, j in result["copies"])
    height = max(high, LEAST_MARK)
    top = TOP + (result["window"] + 0.5) * high - height / 2
    chosen = svg.rect(MATRIX, top, columns * wide, height, stroke=svg.ORANGE, line=3)
    return title + _arrow(back) + table + chosen + copies


def _row(result):
    """The chosen row once more, large: its channels one behind the other, each in the order of the window's rows."""
    channels, (n, i, j) = result["x"].shape[1], result["place"]
    outside = result["padding"][result["window"]]
    row = np.where(outside, 0.0, 1.0) if result["direction"] == "col2im" else result["row"]
    where = f"row {result['window']}: the window at row {i}, column {j}" + f" of picture {n}" * (len(result["x"]) > 1)
    parts = [svg.text(LEFT, BELOW - 10, where, anchor="start", bold=True, color=svg.ORANGE)]
    limit, width = _brightest(result), ROW_CELL * len(row)
    for c, (values, faint) in enumerate(zip(np.split(row, channels), np.split(outside, channels), strict=True)):
        left = LEFT + c * (width / channels + GAP)
        parts.append(svg.matrix(values[None], left, BELOW, ROW_CELL, colors="grey", limit=limit, faint=faint[None]))
        parts.append(svg.rect(left, BELOW, width / channels, ROW_CELL, stroke=svg.ORANGE, line=3))
    return "".join(parts)


def _sentences(result):
    """What happened to the chosen pixel, and what the copies cost."""
    x, col, pixel, count = result["x"], result["col"], result["pixel"], len(result["copies"])
    places = f"{count} window" + "s" * (count != 1)
    if result["direction"] == "col2im":
        adds = " + ".join("1" * count) + f" = {count}" if count else "0"
        first = f"pixel {pixel} is in {places}: col2im adds {adds}"
    else:
        first = f"pixel {pixel} is in {places}" + f": {count} cop{'y' if count == 1 else 'ies'} of it" * bool(count)
    second = f"{x.size} numbers become {col.size}: {result['factor']:.3g} times the memory"
    y = BELOW + ROW_CELL + 26
    return (svg.rect(LEFT, y - 10, 11, 11, stroke=svg.PURPLE, line=2.5) + svg.text(LEFT + 18, y, first, anchor="start")
            + svg.text(LEFT + 18, y + 20, second, anchor="start"))  # fmt: skip


def _brightest(result):
    return 1 if result["direction"] == "col2im" else result["x"].max()


def _arrow(back):
    start, end = LEFT + WIDTH + 12, MATRIX - 12
    return svg.arrow(*((end, TOP + 60, start, TOP + 60) if back else (start, TOP + 60, end, TOP + 60)))


def _padded(values, pad):
    return np.pad(values, ((0, 0), (0, 0), (pad, pad), (pad, pad)))


def _mark(x, y, row, column, high, wide):
    """A purple frame inside a cell of high × wide px, large enough to be seen in a matrix of many rows."""
    height, width = (max(side - 5, LEAST_MARK - 2) for side in (high, wide))
    left, top = x + (column + 0.5) * wide - width / 2, y + (row + 0.5) * high - height / 2
    return svg.rect(left, top, width, height, stroke=svg.PURPLE, line=2.5)


def _batch_cell(images, channels, side):
    wide = (WIDTH - GAP * (channels - 1)) / channels
    high = (HEIGHT - GAP * (images - 1)) / images - LABEL
    return min(LARGEST_CELL, wide / side, high / side)
