"""Tables of numbers side by side, with equal cells: what an operation takes and what it gives."""

import numpy as np

from . import svg
from .still import Still

CELL, GAP, TOP = 36, 34, 26  # px


def show_row(tables, *, signs=(), marks=None):
    """Show tables {title: matrix (rows, columns)} in a row; grey where all numbers are at least 0, else red and blue.

    `signs` stand between the tables, as "·" and "=". `marks` {title: places} frames cells (row, column) in purple and
    windows (row, column, height, width) in orange. Raises ValueError for a title that is not there, or another number
    of signs.
    """
    matrices, marks = {title: svg.as_array(table, float) for title, table in tables.items()}, marks or {}
    if unknown := [title for title in marks if title not in matrices]:
        raise ValueError(f"marks for {', '.join(map(repr, unknown))}, but the tables are {', '.join(matrices)}")
    if signs and len(signs) != len(matrices) - 1:
        raise ValueError(f"{len(signs)} signs between {len(matrices)} tables: give {len(matrices) - 1}, or none")
    middle = TOP + max(map(len, matrices.values())) * CELL / 2
    parts, x = [], 4
    for n, (title, matrix) in enumerate(matrices.items()):
        width, y = max(matrix.shape[1] * CELL, 7.4 * len(title)), middle - len(matrix) * CELL / 2
        parts += [svg.text(x, y - 8, title, anchor="start"),
                  svg.matrix(matrix, x, y, CELL, colors="grey" if matrix.min() >= 0 else "signed")]  # fmt: skip
        parts += [_framed(x, y, place) for place in marks.get(title, ())]
        if n and signs:
            parts.append(svg.text(x - GAP / 2, middle + 6, signs[n - 1], size=18))
        x += width + GAP
    label = "; ".join(f"{title}: {_written(matrix)}" for title, matrix in matrices.items())
    return Still(svg.picture(x - GAP + 4, 2 * middle - TOP + 6, *parts, label=label))


def _framed(x, y, place):
    """The outline of one cell, inside it, or of a window, around it."""
    if len(place) == 4:
        return svg.frame(x, y, *place, CELL, line=3)
    return svg.rect(x + place[1] * CELL + 3, y + place[0] * CELL + 3, CELL - 6, CELL - 6, stroke=svg.PURPLE, line=2.5)


def _written(matrix):
    """The rows of a matrix in words: 0 1, 2 3."""
    return ", ".join(" ".join(map(svg.number, row)) for row in np.atleast_2d(matrix))
