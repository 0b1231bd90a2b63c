"""One window in every channel, drawn: its slices, what each of them finds, and the sum of it all."""

import numpy as np

from . import svg
from .still import Still
from .window import CELL, GAP, TOP

JOIN, LINE, DIGIT = 74, 20, 8.6  # px between the channels' maps and the output; of a line of text; of a letter in it


def show_channels(X, K, at=(0, 0), *, bias=0, names=(), reveal=True):
    """Show how output element `at` = (row, column) of a cross-correlation over several channels comes about.

    X (C, n_h, n_w) and K (C, k_h, k_w) are small enough for each cell to show its number: a row of tables for each
    channel, and behind them the output, their sum plus `bias`. `names` say what the channels of X show, else they are
    counted. With reveal=False the rest of the output stays empty, for the reader to find. Raises ValueError where X, K
    and names differ in channels, where the kernel does not fit, or where the output has no such element.
    """
    X, K = svg.as_array(X, float), svg.as_array(K, float)
    if X.ndim != 3 or K.ndim != 3 or len(X) != len(K):
        raise ValueError(f"X {X.shape} and K {K.shape} must be (C, rows, columns) with the same C: one slice a channel")
    names = names or [f"channel {c}" for c in range(len(X))]
    if len(names) != len(X):
        raise ValueError(f"{len(names)} names for {len(X)} channels: give each channel one, or none")
    rows, columns = (n - k + 1 for n, k in zip(X.shape[1:], K.shape[1:], strict=True))
    if not (0 <= at[0] < rows and 0 <= at[1] < columns):
        raise ValueError(f"the output has {max(rows, 0)}×{max(columns, 0)} elements, so none at row {at[0]}, "
                         f"column {at[1]}")  # fmt: skip
    windows = np.lib.stride_tricks.sliding_window_view(X, K.shape[1:], axis=(1, 2))
    maps = np.einsum("cijab,cab->cij", windows, K)
    lines = _sums(windows[:, at[0], at[1]], K, maps[:, at[0], at[1]], bias, names)
    return Still(_drawn(X, K, maps, maps.sum(0) + bias, at, reveal, lines, names))


def _drawn(X, K, maps, Y, at, reveal, lines, names):
    """A row of three tables for each channel, the output beside their middle, the sums below."""
    lefts = np.cumsum([4, X.shape[2] * CELL + GAP, K.shape[2] * CELL + GAP, Y.shape[1] * CELL + JOIN])
    step = max(X.shape[1], K.shape[1]) * CELL + TOP
    below, middle = len(X) * step + 28, (len(X) * step + TOP) / 2
    parts = [_output(Y, lefts[3], middle, at, reveal)]
    for c, tables in enumerate(zip(X, K, maps, strict=True)):
        center = c * step + (step + TOP) / 2
        parts.append(_channel(f"X[{c}], {names[c]}", c, tables, lefts, center, at))
        parts.append(svg.arrow(lefts[3] - JOIN + 8, center, lefts[3] - 12, middle + (center - middle) / 4))
    parts += [svg.text(4, below + LINE * i, line, size=14, anchor="start") for i, line in enumerate(lines)]
    width = max(lefts[3] + Y.shape[1] * CELL + 4, 8 + DIGIT * max(map(len, lines)))
    sizes = ", ".join(f"{name} {'×'.join(map(str, part.shape))}" for name, part in (("X", X), ("K", K), ("Y", Y)))
    label = f"{sizes}; row {at[0]}, column {at[1]}: {'; '.join(lines)}"
    return svg.picture(width, below + LINE * len(lines) - 8, *parts, label=label)


def _output(Y, left, middle, at, reveal):
    """The sum of the maps, its element framed; without `reveal` the others are empty."""
    top, hidden = middle - len(Y) * CELL / 2, np.full(Y.shape, not reveal)
    hidden[at] = False
    return "".join([
        svg.matrix(Y, left, top, CELL, faint=hidden), svg.frame(left, top, *at, 1, 1, CELL),
        svg.text(left, top - 8, "output Y", anchor="start"), svg.text(left - JOIN / 2, middle + 6, "+", size=20),
    ])  # fmt: skip


def _channel(name, c, tables, lefts, center, at):
    """Channel c of the input, its slice and its map, the window and what it gives marked."""
    colors = "signed" if tables[0].min() < 0 else "grey", "signed", "signed"
    titles = name, f"slice K[{c}]", f"X[{c}] ⋆ K[{c}]"
    parts, tops = [], [center - len(table) * CELL / 2 for table in tables]
    for table, left, top, color, title in zip(tables, lefts, tops, colors, titles, strict=False):
        parts += [svg.matrix(table, left, top, CELL, colors=color), svg.text(left, top - 8, title, anchor="start")]
    parts += [svg.text(left - GAP / 2, center + 6, sign, size=20) for left, sign in zip(lefts[1:], "⋆=", strict=False)]
    parts += [svg.frame(lefts[0], tops[0], *at, *tables[1].shape, CELL), svg.frame(lefts[2], tops[2], *at, 1, 1, CELL)]
    return "".join(parts)


def _sums(window, K, found, bias, names):
    """A line for each channel with its products written out, and one for their sum."""
    lines = []
    for name, pixels, weights, result in zip(names, window, K, found, strict=True):
        pairs = zip(pixels.flat, weights.flat, strict=True)
        products = " + ".join(f"{svg.signed(x)}·{svg.signed(k)}" for x, k in pairs)
        lines.append(f"{name}: {products} = {svg.number(result)}")
    terms = [svg.signed(part) for part in found] + ([svg.signed(bias)] if bias else [])
    return [*lines, f"together: {' + '.join(terms)} = {svg.number(found.sum() + bias)}"]
