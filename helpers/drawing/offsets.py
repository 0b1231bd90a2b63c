"""Where a pixel lies as a unit of a layer sees it: by its own row and column, or by its offset from the unit."""

import numpy as np

from . import svg
from .still import Still

CELL, EDGE, GAP, TOP = 25, 26, 46, 46  # px


def show_offsets(unit, pixel, size=6, reach=None):
    """Show a picture of size x size pixels twice: as it is, and shifted so that the unit lies in the middle.

    unit (i, j) and pixel (k, l) are (row, column). On the right every cell is an offset (a, b) = (k - i, l - j) from
    -(size - 1) to size - 1; cells outside the picture are dotted. `reach` frames the offsets up to that distance.
    Raises ValueError for a unit or pixel outside the picture.
    """
    for name, place in (("unit", unit), ("pixel", pixel)):
        if not all(0 <= index < size for index in place):
            raise ValueError(f"{name} {tuple(place)} is not in a picture of {size}×{size} pixels, counted from 0")
    most = size - 1
    offset = pixel[0] - unit[0], pixel[1] - unit[1]
    left, right = (EDGE, TOP + most * CELL / 2), (2 * EDGE + size * CELL + GAP, TOP)
    parts = [_picture(size, unit, pixel, left), _table(size, unit, offset, right, reach)]
    below = TOP + (2 * size - 1) * CELL + 28
    said = (f"unit (i, j) = {_pair(unit)}, pixel (k, l) = {_pair(pixel)}: "
            f"offset (a, b) = (k − i, l − j) = {_pair(offset)}")  # fmt: skip
    parts.append(svg.text(4, below, said, size=13, anchor="start"))
    width = max(right[0] + (2 * size - 1) * CELL + 8, 8 + 7.2 * len(said))
    return Still(svg.picture(width, below + 12, *parts, label=said))


def _picture(size, unit, pixel, corner):
    """The picture, its pixels numbered in reading order, with an arrow from the unit to the pixel."""
    x, y = corner
    parts = [svg.text(x, y - 24, "picture: row k, column l", anchor="start")]
    parts += _labels(range(size), corner)
    parts.append(svg.matrix(_numbers(size), x, y, CELL, colors="grey"))
    return "".join(parts) + _marks(unit, pixel, corner)


def _table(size, unit, offset, corner, reach):
    """All offsets; the picture lies where the unit's own place puts it."""
    x, y = corner
    most, (i, j) = size - 1, unit
    parts = [svg.text(x, y - 24, "seen from the unit: offsets a, b", anchor="start")]
    parts += _labels(range(-most, size), corner)
    for row, column in np.ndindex(2 * size - 1, 2 * size - 1):
        if not (0 <= row - most + i < size and 0 <= column - most + j < size):
            parts.append(svg.rect(x + column * CELL, y + row * CELL, CELL, CELL, stroke=svg.GREY, line=0.8, dash="2 3"))
    parts.append(svg.matrix(_numbers(size), x + (most - j) * CELL, y + (most - i) * CELL, CELL, colors="grey"))
    if reach is not None:
        width = 2 * reach + 1
        parts.append(svg.frame(x, y, most - reach, most - reach, width, width, CELL, stroke=svg.GREEN, line=3))
    return "".join(parts) + _marks((most, most), (most + offset[0], most + offset[1]), corner)


def _marks(unit, pixel, corner):
    """The unit's cell in orange, the pixel's in blue, an arrow between them where they differ."""
    x, y = corner
    centres = [(x + (column + 0.5) * CELL, y + (row + 0.5) * CELL) for row, column in (unit, pixel)]
    arrow = svg.arrow(*centres[0], *centres[1], stroke=svg.BLUE, line=2.5) if unit != pixel else ""
    marks = ((unit, svg.ORANGE), (pixel, svg.BLUE))
    return arrow + "".join(svg.frame(x, y, *place, 1, 1, CELL, stroke=color, line=3) for place, color in marks)


def _labels(indices, corner):
    """The indices of rows and columns beside the first cells."""
    x, y = corner
    return [
        part for n, index in enumerate(indices) for part in (
            svg.text(x - 6, y + (n + 0.5) * CELL + 4, index, size=11, anchor="end"),
            svg.text(x + (n + 0.5) * CELL, y - 6, index, size=11),
        )
    ]  # fmt: skip


def _numbers(size):
    return np.arange(size * size).reshape(size, size)


def _pair(place):
    return f"({place[0]}, {place[1]})"
