"""How the padding explorer looks: the padded input with its window, the output, the products, both formulas."""

import textwrap

import numpy as np

from helpers.drawing import svg, touch
from helpers.drawing.padding import padding_cells, ring

MOST = 3  # of the padding: its edge follows the hand, so there is always room for it
SIDE, GRIP = 330, 16  # of the input's and the output's panel; of the strip at its edge that is dragged, px
LEFT, TOP = 4 + GRIP, 24 + GRIP
RIGHT = LEFT + SIDE + GRIP + 12
TAPS, TAPS_SIDE, LARGEST_TAP = RIGHT + SIDE + 20, 130, 40
WIDTH, LINE = TAPS + TAPS_SIDE + 8, 17
LEGEND, LEGEND_HATCH = TOP + SIDE + GRIP + 20, 260
FORMULAS = LEGEND + 30
COLUMNS = 8, 132, RIGHT  # of the formulas
HEIGHT = FORMULAS + 2 * LINE + 5
TITLES = "books, p in total: ⌊(n − {k} + p + s) / s⌋", "PyTorch, P per side: ⌊(n + 2P − {k}) / s⌋ + 1"


def draw_padding(result, label):
    """Return the picture of a PaddingExplorer's result."""
    cell = SIDE / (max(result["size"]) + 2 * MOST)
    parts = [_input(result, cell), _legend(result), _formulas(result), _kernel(result)]
    parts += [_apology(result["problem"])] if result["problem"] else [_output(result, cell), _products(result)]
    return svg.picture(WIDTH, HEIGHT, *parts, _edges(result, cell), label=label)


def _home(left, columns, rows, cell):
    """The upper left corner of a table in the middle of a panel."""
    return left + (SIDE - columns * cell) / 2, TOP + (SIDE - rows * cell) / 2


def _box(result, cell):
    """Where the padded input lies: (x, y, rows, columns)."""
    rows, columns = (n + 2 * P for n, P in zip(result["size"], result["padding"], strict=True))
    return *_home(LEFT, columns, rows, cell), rows, columns


def _input(result, cell):
    """The input inside its zeros, what no window touches hatched, the window framed and to be dragged."""
    (x, y, rows, columns), (top, left) = _box(result, cell), result["padding"]
    title = "input {} × {}".format(*result["size"]) + f", padded {rows} × {columns}" * bool(top or left)
    title += "" if result["problem"] else ": drag the window"
    parts = [svg.text(LEFT, TOP - GRIP - 10, title, anchor="start")]
    parts.append(padding_cells(ring(result["size"], result["padding"]), x, y, cell))
    parts.append(svg.matrix(result["X"], x + left * cell, y + top * cell, cell, colors="grey", limit=9))
    if result["problem"]:
        return "".join(parts)
    parts += [_hatching(result, x, y, cell), _window(result, x, y, cell, result["place"], line=3)]
    parts.append(touch.ghost("window", _window(result, x, y, cell, (0, 0), line=1.5)))
    down, across = (_axis(result, axis, n) for axis, n in enumerate((rows, columns)))
    return "".join(parts) + touch.area(
        x, y, columns * cell, rows * cell, down=down, across=across, ghost=("output", cell, cell),
        label=f"window at {_place(result)}: drag it, or use the arrow keys",
    )  # fmt: skip


def _axis(result, axis, pixels):
    """The window whose middle is nearest to the pointer, on an axis of so many pixels."""
    reach, step, count = (result[name][axis] for name in ("reach", "stride", "outputs"))
    first, last = -reach / 2 / step, (pixels - reach / 2) / step
    return touch.scale("place", result["place"][axis], first, last, step=1, low=0, high=count - 1, path=(axis,))


def _hatching(result, x, y, cell):
    """Lines across two corners of each cell that is in no window: its number stays free."""
    parts, (rows, columns), (top, left) = [], result["visited"], result["padding"]
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            if not (row and column):
                i_, j_ = i - top, j - left
                inside = 0 <= i_ < result["size"][0] and 0 <= j_ < result["size"][1]
                parts.append(_hatched(x + j * cell, y + i * cell, cell, _ink(result["X"][i_, j_]) if inside else ""))
    return "".join(parts)


def _ink(value):
    """What is read on a pixel of this value, 0..9."""
    return "#000" if value > 4.2 else "#fff"


def _hatched(x, y, cell, ink):
    lines = []
    for far in (0.22, 0.4):
        d = far * cell
        lines += [[(x, y + d), (x + d, y)], [(x + cell - d, y + cell), (x + cell, y + cell - d)]]
    frame = svg.rect(x + 1, y + 1, cell - 2, cell - 2, fill="none", stroke=svg.PURPLE, opacity=0.7, line=1.5)
    return frame + "".join(svg.path(line, stroke=ink or "currentColor", line=1.2) for line in lines)


def _window(result, x, y, cell, place, line):
    """The window at a place; where it is dilated, a frame around each pixel it touches."""
    row, column = (step * at for step, at in zip(result["stride"], place, strict=True))
    (d_h, d_w), (height, width) = result["dilation"], result["reach"]
    parts = [svg.frame(x, y, row, column, height, width, cell, line=line)]
    if (height, width) != tuple(result["kernel_size"]):
        taps = [(a * d_h, b * d_w) for a, b in np.ndindex(*result["kernel_size"])]
        parts += [svg.frame(x, y, row + a, column + b, 1, 1, cell, line=line - 1) for a, b in taps]
    return "".join(parts)


def _output(result, cell):
    """The output: a click chooses an element, and its window shows while it is pointed at."""
    Y, (s_h, s_w) = result["output"], result["stride"]
    (rows, columns), (x, y) = Y.shape, _home(RIGHT, Y.shape[1], Y.shape[0], cell)
    table = svg.matrix(Y, x, y, cell, colors="grey", limit=max(1.0, Y.max().item()))
    parts = [svg.text(RIGHT, TOP - GRIP - 10, f"output {rows} × {columns}", anchor="start"), table]
    parts.append(svg.frame(x, y, *result["place"], 1, 1, cell, line=3))
    parts.append(touch.ghost("output", svg.frame(x, y, 0, 0, 1, 1, cell, line=1.5)))
    down, across = (touch.cells("place", result["place"][axis], Y.shape[axis], path=(axis,)) for axis in (0, 1))
    return "".join(parts) + touch.area(
        x, y, columns * cell, rows * cell, down=down, across=across, ghost=("window", s_w * cell, s_h * cell),
        label=f"output at {_place(result)}: click or drag, or use the arrow keys",
    )  # fmt: skip


def _place(result):
    return "row {}, column {}".format(*result["place"])


def _edges(result, cell):
    """A grip on each side of the padded input; the padding's edge follows it."""
    (x, y, rows, columns), parts = _box(result, cell), []
    right, bottom, middle = x + columns * cell, y + rows * cell, (LEFT + SIDE / 2, TOP + SIDE / 2)
    per_cell = GRIP / cell
    for side, left, top, sign in (("top", x, y - GRIP, -1), ("bottom", x, bottom, 1)):
        axis = touch.shift("padding", result["padding"][0], 0, MOST, span=sign * per_cell)
        parts.append(_grip(middle[0], top + GRIP / 2, 13, 0))
        parts.append(touch.area(left, top, right - x, GRIP, down=axis, label=_edge(side, result["padding"][0])))
    name = "padding_w" if result["apart"] else "padding"
    for side, left, sign in (("left", x - GRIP, -1), ("right", right, 1)):
        axis = touch.shift(name, result["padding"][1], 0, MOST, span=sign * per_cell)
        parts.append(_grip(left + GRIP / 2, middle[1], 0, 13))
        parts.append(touch.area(left, y, GRIP, bottom - y, across=axis, label=_edge(side, result["padding"][1])))
    return "".join(parts)


def _edge(side, padding):
    return f"edge of the padding, {side}: {padding} on each side, drag it outwards or inwards"


def _grip(x, y, along, up):
    return svg.path([(x - along, y - up), (x + along, y + up)], stroke=svg.BLUE, line=5)


def _kernel(result):
    K = result["K"]
    title = svg.text(TAPS, TOP - GRIP - 10, "kernel {} × {}".format(*K.shape), anchor="start")
    return title + svg.matrix(K, TAPS, TOP - GRIP, _tap(result), colors="grey", limit=9)


def _tap(result):
    return min(LARGEST_TAP, TAPS_SIDE / max(result["kernel_size"]))


def _products(result):
    """Each pixel of the window times its weight, and their sum: the chosen output."""
    cell, taps, (rows, columns) = _tap(result), result["taps"], result["kernel_size"]
    y = TOP - GRIP + rows * cell + 34
    parts = [svg.text(TAPS, y - 10, "window · kernel", anchor="start")]
    parts.append(padding_cells(result["inside"], TAPS, y, cell, value=""))
    for i, j in np.ndindex(rows, columns):
        left, top = TAPS + j * cell, y + i * cell
        if result["inside"][i][j]:
            parts.append(svg.rect(left, top, cell, cell, stroke=svg.GREY, line=0.8))
        parts.append(svg.text(left + cell / 2, top + cell / 2 + 4, product(taps[i, j], result["K"][i, j])))
    parts.append(svg.frame(TAPS, y, 0, 0, rows, columns, cell, line=2))
    below = y + rows * cell + 22
    parts.append(svg.text(TAPS, below, f"{_place(result)}:", anchor="start"))
    value = svg.number(result["output"][tuple(result["place"])])
    parts.append(svg.text(TAPS, below + 30, f"sum {value}", size=22, color=svg.ORANGE, bold=True, anchor="start"))
    return "".join(parts)


def product(pixel, weight):
    """Return "3·2"."""
    return f"{svg.number(pixel)}·{svg.number(weight)}"


def _legend(result):
    """What the padding and the hatching mean, and how far a dilated kernel reaches."""
    parts = [padding_cells([[False]], 8, LEGEND - 12, 16)]
    parts.append(svg.text(30, LEGEND, "padding: zeros; drag its edge", anchor="start"))
    rows, columns = (axis.count(False) for axis in result["visited"])
    if rows + columns and not result["problem"]:
        parts.append(_hatched(LEGEND_HATCH, LEGEND - 12, 16, ""))
        words = f"hatched, in no window: {count(rows, 'row')} and {count(columns, 'column')}"
        parts.append(svg.text(LEGEND_HATCH + 22, LEGEND, words, anchor="start"))
    k, d, reach = result["kernel_size"], result["dilation"], result["reach"]
    if tuple(k) != reach:
        high, wide = (f"{d[i]}·({k[i]} − 1) + 1 = {reach[i]}" for i in (0, 1))
        words = f"reach k′ = {high}" if high == wide else f"reach k′: {reach[0]} high, {reach[1]} wide"
        parts.append(svg.text(WIDTH - 8, LEGEND, words, anchor="end"))
    return "".join(parts)


def _apology(sentence):
    """An empty panel with the sentence that says why there is no output."""
    parts = [svg.text(RIGHT, TOP - GRIP - 10, "no output", anchor="start")]
    parts.append(svg.rect(RIGHT, TOP, SIDE, 130, stroke=svg.GREY, dash="4 4"))
    advice = "Take a smaller kernel or dilation, or more padding."
    for i, line in enumerate([*textwrap.wrap(sentence, 42), "", *textwrap.wrap(advice, 42)]):
        parts.append(svg.text(RIGHT + 16, TOP + 28 + 18 * i, line, size=13, anchor="start"))
    return "".join(parts)


def _formulas(result):
    """Both formulas with the numbers put in, one line per axis."""
    k = "k" if tuple(result["kernel_size"]) == result["reach"] else "k′"
    lines = [["", *(title.format(k=k) for title in TITLES)]]
    names = ("height", "width") if result["apart"] else ("height and width",)
    for i, name in enumerate(names):
        n, reach, P, s, m = (result[key][i] for key in ("size", "reach", "padding", "stride", "outputs"))
        books, pytorch = f"⌊({n} − {reach} + {2 * P} + {s}) / {s}⌋", f"⌊({n} + 2·{P} − {reach}) / {s}⌋ + 1"
        lines.append([name, *(f"{formula} = {m}" for formula in (books, pytorch))])
    return "".join(_line(i, cells, bold=i > 0) for i, cells in enumerate(lines))


def _line(number, cells, bold):
    y = FORMULAS + number * LINE
    return "".join(
        svg.text(x, y, cell, anchor="start", bold=bold and x != COLUMNS[0], opacity=1 if bold else 0.8)
        for x, cell in zip(COLUMNS, cells, strict=True)
    )


def count(number, name):
    """Return "1 row", "2 rows"."""
    return f"{number} {name}{'' if number == 1 else 's'}"
