"""The padding around a picture, drawn so that nobody takes it for pixels: tinted, dashed, the same in every widget."""

import numpy as np

from . import svg

SMALLEST = 16  # px of a cell that still holds a value


def padding_cells(inside, x, y, cell, value="0"):
    """Return the cells of a table at (x, y) that lie outside the picture, where `inside`, (rows, columns), is False.

    Each holds `value`, as text, where a cell of `cell` px is large enough for it.
    """
    parts, size = [], svg.fit(value, cell)
    look = {"fill": svg.BLUE, "opacity": 0.16, "stroke": svg.GREY, "line": 0.8, "dash": "2 2"}
    for i, j in zip(*np.nonzero(~np.asarray(inside, dtype=bool)), strict=True):
        left, top = x + j * cell, y + i * cell
        parts.append(svg.rect(left, top, cell, cell, **look))
        if cell >= SMALLEST and size >= 11:
            parts.append(svg.text(left + cell / 2, top + cell / 2 + size / 3, value, size=size))
    return "".join(parts)


def ring(shape, padding):
    """Return which cells of a padded picture are the picture's: (H, W) within `padding` = (rows, columns) a side."""
    return np.pad(np.ones(shape, dtype=bool), [(count, count) for count in padding])
