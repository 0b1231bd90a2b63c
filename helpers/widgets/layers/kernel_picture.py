"""How the kernel explorer looks: input, output, and one output element taken apart."""

import functools
import textwrap

import numpy as np

from helpers.drawing import svg, touch

from ..kit.kernel_editor import LARGEST

SIDE = 250  # of the input's panel, px
TOP, INPUT, OUTPUT, TAPS = 24, 8, 292, 580
SMALL = 112  # side of the window, kernel and products, px
LARGEST_CELL = 80
MOST_NUMBERS = 3  # rows of a table beyond which its numbers would be too small to read: colours alone
WIDTH, HEIGHT = TAPS + 2 * SMALL + 56, TOP + SIDE + 40


def draw_explorer(result, label):
    """Return the picture of a KernelExplorer's result."""
    if result["problem"]:
        parts = _apology(result["problem"])
    else:
        parts = [_input(result), _output(result), _taps(result)]
    return svg.picture(WIDTH, HEIGHT, *parts, label=label)


def _apology(problem):
    """An empty panel with the sentence that says why there is no picture."""
    parts = [svg.rect(INPUT, TOP, OUTPUT + SIDE - INPUT, SIDE, stroke=svg.GREY, dash="4 4")]
    for i, line in enumerate(textwrap.wrap(problem, 60)):
        parts.append(svg.text(INPUT + 20, TOP + 40 + 20 * i, line, size=14, anchor="start"))
    return parts


def _input(result):
    X, K = result["X"], result["K"]
    shape = tuple(K.shape)
    parts = [_title(INPUT, "input X", X, ": drag the window"), _input_table(X)]
    parts.append(_mark(INPUT, result["row"], result["column"], _cell(X), shape))
    parts.append(touch.ghost("window", _mark(INPUT, 0, 0, _cell(X), shape, line=1.5)))
    return "".join(parts) + _area(INPUT, result, X.shape, shape, "window", "output")


@functools.lru_cache(maxsize=8)
def _input_table(X):
    """The input's own panel: encoded once, not at every move of a slider. A tensor is found by its identity."""
    return svg.matrix(X, INPUT, TOP, _cell(X), colors="grey", limit=_brightest(X))


def _brightest(X):
    return X.numpy().max()  # NumPy's: torch would ask its other threads to help, and wait for them


def _output(result):
    Y, limit, cell, colors = result["output"], result["limit"], _cell(result["X"]), _colors(result)
    table = svg.matrix(Y, OUTPUT, TOP, cell, colors=colors, limit=limit)
    marks = (0, limit / 2, limit) if colors == "grey" else (-limit, 0, limit)
    ends = zip((0, 0.5, 1), marks, ("start", "middle", "end"), strict=True)
    scale = "".join(
        svg.text(OUTPUT + share * SIDE, TOP + SIDE + 28, svg.number(value), size=11, anchor=anchor)
        for share, value, anchor in ends
    )
    parts = [_title(OUTPUT, "output Y", Y), table, _mark(OUTPUT, result["row"], result["column"], cell, (1, 1))]
    parts += [_ramp(colors), scale, touch.ghost("output", _mark(OUTPUT, 0, 0, cell, (1, 1), line=1.5))]
    return "".join(parts) + _area(OUTPUT, result, Y.shape, (1, 1), "output element", "window")


def _colors(result):
    """The palette of the outputs: grey where they are a picture again, or shown as one."""
    return "grey" if result["clamp"] or result["mixes"] else "signed"


def _area(x, result, shape, size, name, ghost):
    """The area of a panel that sets the position; what belongs to the cell under the pointer shows in the other one."""
    cell, (rows, columns) = _cell(result["X"]), result["output"].shape
    down = touch.cells("row", result["row"], shape[0], high=rows - 1, offset=-(size[0] // 2), size=size[0])
    across = touch.cells("column", result["column"], shape[1], high=columns - 1, offset=-(size[1] // 2), size=size[1])
    label = f"{name} at row {result['row']}, column {result['column']}: drag it, or use the arrow keys"
    return touch.area(x, TOP, shape[1] * cell, shape[0] * cell, across=across, down=down, label=label,
                      ghost=(ghost, cell, cell))  # fmt: skip


@functools.lru_cache
def _ramp(colors):
    values = np.linspace(-1 if colors == "signed" else 0, 1, 256)[None]
    return svg.tile(values, OUTPUT, TOP + SIDE + 8, SIDE, 8, colors=colors, limit=1)


def _taps(result):
    """The window times the kernel, the products and their sum."""
    K = result["K"]
    cell, below, readable = SMALL / max(K.shape), TOP + SMALL + 48, max(K.shape) <= MOST_NUMBERS
    right, middle, limit = TAPS + SMALL + 28, cell * K.shape[0] / 2 + 5, result["limit"]
    turned = ", turned by 180°" if result["operation"] == "convolution" else ""
    return "".join([
        _heading(TAPS, TOP, "window"),
        svg.matrix(result["window"], TAPS, TOP, cell, colors="grey", limit=_brightest(result["X"]), numbers=readable),
        svg.text(TAPS + SMALL + 14, TOP + middle, "×", size=18),
        _heading(right, TOP, f"kernel{turned}"),
        svg.matrix(K, right, TOP, cell, numbers=readable),
        _weights(result, right, cell),
        touch.needs(
            "weights", svg.text(right, TOP + SMALL + 14, "↕ drag a weight", size=11, anchor="start", bold=True)
        ),
        _heading(TAPS, below, "products"),
        svg.matrix(result["products"].numpy().round(2), TAPS, below, cell, limit=limit, numbers=readable),
        svg.text(TAPS + SMALL + 14, below + middle, "→", size=18),
        _sum(result, right, below),
    ])  # fmt: skip


def _weights(result, x, cell):
    """Areas over the kernel's cells: a weight follows a drag up or down."""
    K, parts = result["K"].numpy(), []
    turned = result["operation"] == "convolution"
    for (i, j), weight in np.ndenumerate(K):
        path = (K.shape[0] - 1 - i, K.shape[1] - 1 - j) if turned else (i, j)
        axis = touch.shift("weights", round(float(weight), 4), -LARGEST, LARGEST, span=-2, step=0.25, path=path)
        label = f"weight in row {path[0]}, column {path[1]}"
        parts.append(touch.area(x + j * cell, TOP + i * cell, cell, cell, down=axis, label=label))
    return "".join(parts)


def _sum(result, x, y):
    """The sum of the products as a cell of the output; what clamping makes of it."""
    total = result["sum"]
    parts = [_heading(x, y, f"sum of {result['K'].numel()} products")]
    parts.append(svg.matrix([[total]], x, y, SMALL / 2, colors=_colors(result), limit=result["limit"]))
    parts.append(svg.frame(x, y, 0, 0, 1, 1, SMALL / 2))
    if result["clamp"] and total < 0:
        parts.append(svg.text(x, y + SMALL / 2 + 18, "shown as 0", size=12, anchor="start"))
    return "".join(parts)


def _mark(x, row, column, cell, shape, line=2.5):
    """The outline of a place, at least 9 px large so that it is seen on a photo."""
    high, wide = (max(count * cell, 9) for count in shape)
    left, top = x + column * cell - (wide - shape[1] * cell) / 2, TOP + row * cell - (high - shape[0] * cell) / 2
    return svg.rect(left, top, wide, high, stroke=svg.ORANGE, line=line)


def _cell(X):
    return min(LARGEST_CELL, SIDE / max(X.shape))


def _title(x, name, X, hint=""):
    return _heading(x, TOP, f"{name}, {X.shape[0]} × {X.shape[1]}{hint}")


def _heading(x, y, name):
    return svg.text(x, y - 8, name, size=12, anchor="start")
