"""How the im2col explorer looks: the batch on the left, its matrix on the right, the chosen row below."""

import math

import numpy as np

from helpers.drawing import svg, touch
from helpers.drawing.padding import padding_cells

LEFT, TOP, WIDTH, HEIGHT = 8, 74, 290, 306  # of the batch, px
MATRIX, MATRIX_WIDTH = 424, 420
BELOW = TOP + HEIGHT + 46
LARGEST_CELL, ROW_CELL, GAP, LABEL = 64, 32, 12, 18
LEAST_MARK, WIDE_CELL, LINE = 7, 30, 13
TINT = 0.82, 0.87, 1.0  # of padding in a matrix that is one image


def draw_im2col(result, label):
    """Return the picture of an Im2colExplorer's result."""
    parts = [_batch(result), _matrix(result), _row(result), _sentences(result), _areas(result)]
    return svg.picture(MATRIX + MATRIX_WIDTH + 8, BELOW + ROW_CELL + 72, *parts, label=label)


def _areas(result):
    """What is pointed at: each padded grid of the batch, and the matrix."""
    x, pad, (row, column) = result["x"], result["pad"], result["spot"]
    side, parts, (images, channels) = x.shape[-1] + 2 * pad, [], x.shape[:2]
    for n, c in np.ndindex(images, channels):
        left, top, cell = _grid(x, pad, n, c)
        down = touch.cells("spot", row, side, low=n * side, high=(n + 1) * side - 1, offset=n * side, path=(0,))
        across = touch.cells("spot", column, side, low=c * side, high=(c + 1) * side - 1, offset=c * side, path=(1,))
        label = f"picture {n}, channel {c}: point at a pixel, or use the arrow keys"
        box = left, top, side * cell, side * cell
        parts.append(touch.area(*box, down=down, across=across, hover=True, label=label))
    (rows, columns), (high, wide) = result["col"].shape, _matrix_cell(result["col"])
    down = touch.cells("cell", result["cell"][0], rows, path=(0,))
    across = touch.cells("cell", result["cell"][1], columns, path=(1,))
    label = f"matrix, row {result['window']}: point at a number, or use the arrow keys"
    box = MATRIX, TOP, columns * wide, rows * high
    parts.append(touch.area(*box, down=down, across=across, hover=True, label=label))
    return "".join(parts)


def _grid(x, pad, image, channel):
    """Where the padded grid of one channel stands: (left, top, cell)."""
    side = x.shape[-1] + 2 * pad
    cell = _batch_cell(*x.shape[:2], side)
    return LEFT + channel * (side * cell + GAP), TOP + LABEL + image * (side * cell + GAP + LABEL), cell


def _matrix_cell(col):
    """The height and width of a cell of the matrix, px."""
    rows, columns = col.shape
    high = min(LARGEST_CELL, MATRIX_WIDTH / columns, HEIGHT / rows)
    return high, high if max(rows, columns) <= 16 else min(MATRIX_WIDTH / columns, WIDE_CELL)


def _batch(result):
    """Every picture a row, every channel a column of grids; the window frames all channels of its picture."""
    back, x, pad = result["direction"] == "col2im", result["x"], result["pad"]
    values, outside = _padded(result["counts"] if back else x, pad), _padded(np.ones_like(x), pad) == 0
    (n, i, j), (pn, pc, ph, pw) = result["place"], result["pixel_place"]
    name = "how many windows hold each pixel" if back else f"x {x.shape}: point at a pixel"
    parts = [svg.text(LEFT, 16, name, anchor="start", bold=True)]
    for image, channel in np.ndindex(*x.shape[:2]):
        left, top, cell = _grid(x, pad, image, channel)
        parts.append(svg.text(left, top - 6, f"n = {image}, c = {channel}", size=11, anchor="start"))
        grid, padding = values[image, channel], outside[image, channel]
        parts.append(svg.matrix(grid, left, top, cell, colors="grey", limit=values.max(), skip=padding))
        parts.append(padding_cells(~padding, left, top, cell, value=""))
        if image == n:
            size, stride = result["kernel_size"], result["stride"]
            parts.append(svg.frame(left, top, i * stride, j * stride, size, size, cell, line=3))
        if (image, channel) == (pn, pc):
            parts.append(_mark(left, top, ph + pad, pw + pad, cell, cell))
    return "".join(parts)


def _matrix(result):
    """The matrix, up to 16×16 with its numbers; the chosen row orange, the pixel's copies purple."""
    back, col = result["direction"] == "col2im", result["col"]
    (rows, columns), (high, wide) = col.shape, _matrix_cell(col)
    values = np.where(result["padding"], 0.0, 1.0) if back else col
    name = f"a matrix of ones {col.shape}" if back else f"im2col(x) {col.shape}"
    title = svg.text(MATRIX, 16, f"{name}: point at a number", anchor="start", bold=True)
    look = {"colors": "grey", "limit": _brightest(result)}
    if max(rows, columns) <= 16:
        table = svg.matrix(values, MATRIX, TOP, high, skip=result["padding"], **look)
        table += padding_cells(~result["padding"], MATRIX, TOP, high, value="")
    else:
        grey = svg.levels(values, **look)[..., None].repeat(3, axis=2) / 255
        table = svg.tile(np.where(result["padding"][..., None], TINT, grey), MATRIX, TOP, wide * columns, high * rows)
    copies = "".join(_mark(MATRIX, TOP, i, j, high, wide) for i, j in result["copies"])
    height = max(high, LEAST_MARK)
    top = TOP + (result["window"] + 0.5) * high - height / 2
    chosen = svg.rect(MATRIX, top, columns * wide, height, stroke=svg.ORANGE, line=3)
    return title + _arrow(back) + table + chosen + copies + _row_labels(result, high) + _column_labels(result, wide)


def _row_labels(result, high):
    """Left of the matrix, of which window a row is: all rows where there is room, else some; the chosen one bold."""
    images, rows, window = len(result["x"]), len(result["col"]), result["window"]
    positions, step = math.isqrt(rows // images), math.ceil(LINE / high)
    parts = [svg.text(MATRIX - 30, TOP - 5, "n, i, j" if images > 1 else "i, j", size=11, anchor="end", opacity=0.8)]
    for row in range(rows):
        chosen = row == window
        if chosen or (row % step == 0 and abs(row - window) * high >= LINE):
            n, i, j = np.unravel_index(row, (images, positions, positions))
            words = f"{n}, {i}, {j}" if images > 1 else f"{i}, {j}"
            y = TOP + (row + 0.5) * high + 4
            parts.append(svg.text(MATRIX - 8, y, words, size=11, anchor="end", bold=chosen))
    return "".join(parts)


def _column_labels(result, wide):
    """Above the matrix, of which place in the window a column is: row a, column b, with two channels also c."""
    channels, k = result["x"].shape[1], result["kernel_size"]
    places, parts = np.array(list(np.ndindex(channels, k, k))), []
    for line, (name, numbers) in enumerate(zip("bac"[: 2 + (channels > 1)], places.T[[2, 1, 0]], strict=False)):
        y = TOP - 5 - LINE * line
        parts.append(svg.text(MATRIX - 8, y, name, size=11, anchor="end", opacity=0.8))
        parts += [svg.text(MATRIX + (j + 0.5) * wide, y, number, size=11) for j, number in enumerate(numbers)]
    return "".join(parts)


def _row(result):
    """The chosen row once more, large: its channels one behind the other, each in the order of the window's rows."""
    channels, (n, i, j) = result["x"].shape[1], result["place"]
    outside = result["padding"][result["window"]]
    row = np.where(outside, 0.0, 1.0) if result["direction"] == "col2im" else result["row"]
    where = f"row {result['window']}: the window at row {i}, column {j}" + f" of picture {n}" * (len(result["x"]) > 1)
    parts = [svg.text(LEFT, BELOW - 10, where, anchor="start", bold=True, color=svg.ORANGE)]
    limit, width = _brightest(result), ROW_CELL * len(row)
    for c, (values, padding) in enumerate(zip(np.split(row, channels), np.split(outside, channels), strict=True)):
        left = LEFT + c * (width / channels + GAP)
        parts.append(svg.matrix(values[None], left, BELOW, ROW_CELL, colors="grey", limit=limit, skip=padding[None]))
        parts.append(padding_cells(~padding[None], left, BELOW, ROW_CELL, value=""))
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
    start, end = LEFT + WIDTH + 14, MATRIX - 66
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
