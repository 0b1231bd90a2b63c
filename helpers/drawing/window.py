"""A window on a picture, drawn: with a kernel or pooled, its output marked, and how that comes about written out."""

import numpy as np

from . import svg
from .still import Still

CELL, GAP, ARROW, TOP = 36, 56, 84, 30  # px
TERMS = 5  # of the sum in a line
NAMES = ("input X", "kernel K", "output Y")


def show_window(X, K, at=(0, 0), *, padding=0, stride=1, bias=0, reveal=True, names=NAMES):
    """Show how output element `at` = (row, column) of a cross-correlation comes about, or each of a list of elements.

    X (n_h, n_w) and K (k_h, k_w) are small enough for each cell to show its number. Zeros stand dotted around X:
    `padding` on each side, or ((top, bottom), (left, right)). `stride` is the step of the window, one number or (down,
    across). With reveal=False, the rest of the output stays empty, for the reader to find. `names` are the titles of
    the three tables. Raises ValueError where the kernel does not fit, or the output has no such element.
    """
    X, K = svg.as_array(X, float), svg.as_array(K, float)
    places, sides, stride = [at] if np.ndim(at) == 1 else list(at), _sides(padding), tuple(np.broadcast_to(stride, 2))
    padded = np.pad(X, sides)
    windows = _windows(padded, K.shape, places, stride)
    Y = (windows * K).sum((2, 3)) + bias
    hidden = np.logical_and.reduce([_all_but(place, Y.shape) for place in places]) & (not reveal)
    terms = [_sum_of(windows[place], K, bias, Y[place]) for place in places]
    return Still(_drawn(padded, sides, K, Y, hidden, places, stride, terms, names))


def show_pool(X, pool_size, mode="max", at=(0, 0), *, padding=0, stride=1, reveal=True):
    """Show how output element `at` = (row, column) of a pooling comes about.

    X (n_h, n_w) is small enough for each cell to show its number; pool_size, padding and stride are numbers, the same
    for rows and columns. mode 'max' pads with −∞, 'avg' with zeros that count. With reveal=False, the rest of the
    output stays empty, for the reader to find. Raises ValueError for another mode, where the window does not fit,
    or where the output has no such element.
    """
    if mode not in ("max", "avg"):
        raise ValueError(f"mode is {mode!r}, must be 'max' or 'avg'")
    X = svg.as_array(X, float)
    padded = np.pad(X, padding, constant_values=-np.inf if mode == "max" else 0)
    windows = _windows(padded, (pool_size, pool_size), [at], (stride, stride))
    Y = windows.max((2, 3)) if mode == "max" else windows.mean((2, 3))
    hidden = _all_but(at, Y.shape) & (not reveal)
    return Still(_pooled(padded, padding, pool_size, mode, Y, hidden, at, stride, _choice_of(windows[at], mode, Y[at])))


def _pooled(padded, padding, pool_size, mode, Y, hidden, at, stride, term):
    """Input and output in a row, the window and its output marked, what is made of the window below."""
    heights = [len(table) * CELL for table in (padded, Y)]
    middle, right = TOP + max(heights) / 2, 4 + padded.shape[1] * CELL + ARROW
    tops = [middle - height / 2 for height in heights]
    parts = [_input(padded, _sides(padding), 4, tops[0]), svg.matrix(
        Y, right, tops[1], CELL, colors=_colors(padded), limit=np.abs(padded[np.isfinite(padded)]).max(), faint=hidden
    )]  # fmt: skip
    parts += [svg.text(left, top - 8, name, anchor="start")
              for left, top, name in ((4, tops[0], "input X"), (right, tops[1], "output Y"))]  # fmt: skip
    parts += [svg.text(right - ARROW / 2, middle - 8, mode),
              svg.arrow(right - ARROW + 14, middle, right - 14, middle)]  # fmt: skip
    parts.append(svg.frame(4, tops[0], at[0] * stride, at[1] * stride, pool_size, pool_size, CELL))
    parts.append(svg.frame(right, tops[1], *at, 1, 1, CELL))
    below = TOP + max(heights) + 26
    parts.append(svg.text(4, below, term, size=14, anchor="start"))
    width = max(right + Y.shape[1] * CELL + 4, 8 + 8.6 * len(term))
    label = f"{_size(padded)} input, {mode} of {pool_size}×{pool_size}, {_size(Y)} output; "
    return svg.picture(width, below + 12, *parts, label=f"{label}row {at[0]}, column {at[1]}: {term}")


def _windows(padded, shape, places, stride):
    """All windows (rows, columns, k_h, k_w) of a padded picture, after checking that there is one at each place."""
    rows, columns = ((n - k) // step + 1 for n, k, step in zip(padded.shape, shape, stride, strict=True))
    if rows < 1 or columns < 1:
        height, width = shape
        raise ValueError(f"a {height}×{width} window does not fit into {_size(padded)} pixels: take a smaller one")
    for row, column in places:
        if not (0 <= row < rows and 0 <= column < columns):
            raise ValueError(f"the output has {rows}×{columns} elements, so none at row {row}, column {column}")
    return np.lib.stride_tricks.sliding_window_view(padded, shape)[:: stride[0], :: stride[1]]


def _sides(padding):
    """Padding as ((top, bottom), (left, right))."""
    return tuple((int(first), int(last)) for first, last in np.broadcast_to(padding, (2, 2)))


def _all_but(at, shape):
    """A table that is False at `at` and True elsewhere."""
    hidden = np.full(shape, True)
    hidden[at] = False
    return hidden


def _drawn(padded, sides, K, Y, hidden, places, stride, sums, names):
    """The three tables in a row, each window and its output marked, the sums below."""
    tables, x = [], 4
    heights = [len(table) * CELL for table in (padded, K, Y)]
    middle = TOP + max(heights) / 2
    for table, height in zip((padded, K, Y), heights, strict=True):
        tables.append((x, middle - height / 2))
        x += table.shape[1] * CELL + GAP
    (x0, y0), (x1, y1), (x2, y2) = tables
    parts = [_input(padded, sides, x0, y0), svg.matrix(K, x1, y1, CELL), svg.matrix(Y, x2, y2, CELL, faint=hidden)]
    parts += [svg.text(left, top - 8, name, anchor="start") for (left, top), name in zip(tables, names, strict=True)]
    parts += [svg.text(left - GAP / 2, middle + 6, sign, size=20) for left, sign in ((x1, "⋆"), (x2, "="))]
    colors = _inks(len(places))
    for (row, column), color in zip(places, colors, strict=True):
        corner = row * stride[0], column * stride[1]
        parts.append(svg.frame(x0, y0, *corner, *K.shape, CELL, stroke=color))
        parts.append(svg.frame(x2, y2, row, column, 1, 1, CELL, stroke=color))
    below, ink = TOP + max(heights) + 26, colors if len(places) > 1 else ["currentColor"]
    lines = [(line, color) for terms, color in zip(sums, ink, strict=True) for line in terms]
    parts += [svg.text(4, below + 20 * i, line, size=14, anchor="start", color=color)
              for i, (line, color) in enumerate(lines)]  # fmt: skip
    width = max(x - GAP + 4, 8 + 8.6 * max(len(line) for line, _ in lines))
    told = [f"row {row}, column {column}: {' '.join(terms)}" for (row, column), terms in zip(places, sums, strict=True)]
    sizes = (f"{_size(table)} {name}" for table, name in zip((padded, K, Y), map(_kind, names), strict=True))
    label = f"{', '.join(sizes)}; {'; '.join(told)}"
    return svg.picture(width, below + 20 * len(lines) - 8, *parts, label=label)


def _inks(count):
    """A colour for each of so many windows; one alone is orange."""
    if count > len(svg.ACCENTS):
        raise ValueError(f"{count} windows at once are too many to tell apart: show at most {len(svg.ACCENTS)}")
    return [svg.ORANGE] if count == 1 else svg.ACCENTS[:count]


def _input(padded, sides, x, y):
    """The picture in grey, or in two colours with signs; its padding dotted and empty of colour, since not its own."""
    (top, bottom), (left, right) = sides
    inside = np.pad(np.ones(np.subtract(padded.shape, np.sum(sides, 1)), dtype=bool), sides)
    picture = padded[top : len(padded) - bottom, left : padded.shape[1] - right]
    parts = [svg.matrix(picture, x + left * CELL, y + top * CELL, CELL, colors=_colors(padded))]
    for i, j in np.argwhere(~inside):
        cell_x, cell_y = x + j * CELL, y + i * CELL
        parts.append(svg.rect(cell_x, cell_y, CELL, CELL, stroke=svg.GREY, line=0.8, dash="2 3"))
        middle = cell_x + CELL / 2, cell_y + CELL / 2 + 4
        parts.append(svg.text(*middle, _written(padded[i, j]), color=svg.GREY))
    return "".join(parts)


def _colors(padded):
    return "signed" if padded[np.isfinite(padded)].min() < 0 else "grey"


def _sum_of(window, K, bias, total):
    """The lines of the sum, each product written out."""
    terms = [f"{svg.signed(a)}·{svg.signed(b)}" for a, b in zip(window.flat, K.flat, strict=True)]
    terms += [svg.signed(bias)] if bias else []
    lines = [" + ".join(terms[i : i + TERMS]) for i in range(0, len(terms), TERMS)]
    return [*(f"{line} +" for line in lines[:-1]), f"{lines[-1]} = {svg.number(total)}"]


def _choice_of(window, mode, result):
    """The line that says what a pooling makes of its window."""
    values = [_written(value) for value in window.flat]
    term = f"max({', '.join(values)})" if mode == "max" else f"({' + '.join(values)}) / {len(values)}"
    return f"{term} = {_written(result)}"


def _written(value):
    """A number as in a formula, also −∞."""
    return "−∞" if value == -np.inf else svg.number(value)


def _kind(name):
    """The title of a table without its symbol: "input X" is an input."""
    return name[:-2] if name[-2:] in (" X", " K", " Y") else name


def _size(table):
    return f"{table.shape[0]}×{table.shape[1]}"
