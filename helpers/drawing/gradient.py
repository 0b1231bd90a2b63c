"""How the gradient of one number of a cross-correlation adds up: a panel for each output that it takes part in."""

import numpy as np

from . import svg
from .still import Still

CELL, SMALL, GAP, TOP = 40, 22, 34, 46  # px; SMALL is a cell of dout
MOST = 6  # panels in a row


def show_gradient(X, K, dout, of, at=None):
    """Show how the gradient of a weight, the bias or a pixel comes about in Y = X ⋆ K + b.

    X (n_h, n_w) and K (k_h, k_w) are small, dout (n_h - k_h + 1, n_w - k_w + 1) is the gradient of the loss by Y. `of`
    is "K", "b" or "X", `at` = (row, column) in K or X. Each panel holds one window, the kernel's weights on it, and
    below it the product that it adds: how strongly the number acts on this output, times the output's gradient. Raises
    ValueError for another name, a place outside, a dout of another shape, and where more than 6 outputs would be drawn.
    """
    X, K, dout = (svg.as_array(array, float) for array in (X, K, dout))
    at = _checked(X, K, dout, of, at)
    touched = [(place, factor) for place in np.ndindex(dout.shape)
               if (factor := _factor(X, K, of, at, place)) is not None]  # fmt: skip
    if len(touched) > MOST:
        raise ValueError(f"{len(touched)} outputs are too many to draw, at most {MOST}: take a smaller X")
    name = {"K": f"weight K[{at[0]}, {at[1]}]", "X": f"pixel X[{at[0]}, {at[1]}]", "b": "bias b"}[of]
    total = sum(factor * dout[place] for place, factor in touched)
    terms = " + ".join(f"{svg.signed(factor)}·{svg.signed(dout[place])}" for place, factor in touched)
    outputs = ", ".join(f"({i}, {j})" for (i, j), _ in touched)
    label = f"gradient of {name}, through outputs {outputs}: {terms} = {svg.number(total)}"
    return Still(_drawn(X, K, dout, of, at, touched, total, f"gradient of {name}", label))


def _checked(X, K, dout, of, at):
    """Return the place as (row, column), for the bias (0, 0), after checking all shapes."""
    wanted = tuple(n - k + 1 for n, k in zip(X.shape, K.shape, strict=True))
    if dout.shape != wanted:
        raise ValueError(f"dout has shape {dout.shape} and the output {wanted}: they must be the same")
    if of not in ("K", "b", "X"):
        raise ValueError(f"of is {of!r}, must be 'K', 'b' or 'X'")
    if of == "b":
        return 0, 0
    shape = (K if of == "K" else X).shape
    if at is None or not all(0 <= index < size for index, size in zip(at, shape, strict=True)):
        raise ValueError(f"at is {at}, but {of} has {shape[0]}×{shape[1]} places (row, column), counted from 0")
    return tuple(at)


def _factor(X, K, of, at, place):
    """How strongly the number acts on the output at `place`, or None where it takes no part in it."""
    if of == "b":
        return 1.0
    if of == "K":
        return X[place[0] + at[0], place[1] + at[1]]
    row, column = at[0] - place[0], at[1] - place[1]
    return K[row, column] if 0 <= row < len(K) and 0 <= column < K.shape[1] else None


def _drawn(X, K, dout, of, at, touched, total, title, label):
    """The panels in a row, a plus between them, the sum at the end."""
    height, width = len(X) * CELL, X.shape[1] * CELL
    below, parts = TOP + height + 14, [svg.text(4, 16, title, size=13, anchor="start", bold=True)]
    middle = below + dout.shape[0] * SMALL / 2 + 5
    for n, (place, factor) in enumerate(touched):
        x = 4 + n * (width + GAP)
        parts += [svg.text(x, TOP - 8, f"output ({place[0]}, {place[1]})", anchor="start"),
                  svg.matrix(X, x, TOP, CELL, colors="signed" if X.min() < 0 else "grey"),
                  _kernel_on(K, place, of, at, x),
                  _product(factor, dout, place, x, below, middle)]  # fmt: skip
        if n:
            parts.append(svg.text(x - GAP / 2, middle, "+", size=18))
    end = 4 + len(touched) * (width + GAP) - GAP
    parts.append(svg.text(end + 10, middle, f"= {svg.number(total)}", size=16, anchor="start", color=svg.PURPLE))
    bottom = below + dout.shape[0] * SMALL + 8
    return svg.picture(max(end + 40 + 11 * len(svg.number(total)), 200), bottom, *parts, label=label)


def _kernel_on(K, place, of, at, x):
    """The kernel framed where it made this output, its weights as factors in the cells, the asked number marked."""
    i, j = place
    mark = {"K": (i + at[0], j + at[1]), "X": at, "b": None}[of]
    parts = [svg.frame(x, TOP, i, j, *K.shape, CELL, line=3)]
    if mark is not None:
        left, top = x + mark[1] * CELL + 3, TOP + mark[0] * CELL + 3
        parts.append(svg.rect(left, top, CELL - 6, CELL - 6, stroke=svg.PURPLE, line=3))
    for (a, b), weight in np.ndenumerate(K):
        said, color = f"×{svg.number(weight)}", svg.PURPLE if (i + a, j + b) == mark else svg.ORANGE
        wide, right, low = 4 + 6 * len(said), x + (j + b + 1) * CELL - 2, TOP + (i + a + 1) * CELL - 2
        parts += [svg.rect(right - wide, low - 12, wide, 12, fill="#fff", stroke="none"),
                  svg.text(right - wide / 2, low - 2.5, said, size=9.5, color=color)]  # fmt: skip
    return "".join(parts)


def _product(factor, dout, place, x, y, middle):
    """The factor, a dot, and dout with all but this output's number left empty."""
    hidden = np.full(dout.shape, True)
    hidden[place] = False
    said = svg.number(factor)
    wide = 10 + 9 * len(said)
    return "".join((
        svg.text(x, middle, said, size=16, anchor="start", color=svg.PURPLE),
        svg.text(x + wide, middle, "·", size=16),
        svg.matrix(dout, x + wide + 9, y, SMALL, limit=np.abs(dout).max(), faint=hidden),
        svg.frame(x + wide + 9, y, *place, 1, 1, SMALL, stroke=svg.BLUE),
    ))  # fmt: skip
