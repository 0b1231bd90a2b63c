"""How the padding explorer looks: the padded input with its window, the kernel, the output, both formulas."""

import textwrap

from helpers.drawing import svg

SIDE = 330  # of the input's and the output's panel, px: 14 cells in which three digits can be read
LEFT, MIDDLE, RIGHT, TOP = 8, 340, 472, 22
LARGEST_CELL, KERNEL_CELL = 66, 22
WIDTH, FORMULAS, LINE = RIGHT + SIDE + 8, TOP + SIDE + 17, 17
COLUMNS = LEFT, 70, RIGHT  # of the formulas
HEIGHT = FORMULAS + 2 * LINE + 5
TITLES = "books, p in total: ⌊(n − {k} + p + s) / s⌋", "PyTorch, P per side: ⌊(n + 2P − {k}) / s⌋ + 1"


def draw_padding(result, label):
    """Return the picture of a PaddingExplorer's result."""
    cell = min(LARGEST_CELL, SIDE / max(map(len, result["visited"])))
    parts = [_input(result, cell), _kernel(result), _formulas(result)]
    parts.append(_apology(result["problem"]) if result["problem"] else _output(result, cell))
    return svg.picture(WIDTH, HEIGHT, *parts, label=label)


def _input(result, cell):
    """The input inside its zeros, what no window touches hatched, the window framed."""
    (rows, columns), (top, left) = result["size"], result["padding"]
    title = f"input {rows} × {columns}"
    if top or left:
        title += f", padded {rows + 2 * top} × {columns + 2 * left}"
    inside = svg.matrix(result["X"], LEFT + left * cell, TOP + top * cell, cell, colors="grey", limit=9)
    parts = [_title(LEFT, title), _zeros(result, cell), inside]
    if not result["problem"]:
        parts += [_hatching(result["visited"], cell), _window(result, cell)]
    return "".join(parts)


def _zeros(result, cell):
    """The padding: dashed cells with a 0 in each."""
    (rows, columns), (top, left), parts = result["size"], result["padding"], []
    size = svg.fit("0", cell)
    for i in range(rows + 2 * top):
        for j in range(columns + 2 * left):
            if not (0 <= i - top < rows and 0 <= j - left < columns):
                x, y = LEFT + j * cell, TOP + i * cell
                parts.append(svg.rect(x, y, cell, cell, stroke=svg.GREY, line=0.8, dash="2 2"))
                parts.append(svg.text(x + cell / 2, y + cell / 2 + size / 3, "0", size=size, opacity=0.75))
    return "".join(parts)


def _hatching(visited, cell):
    """Grey with a stroke over each cell that is in no window."""
    parts, (rows, columns) = [], visited
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            if not (row and column):
                x, y = LEFT + j * cell, TOP + i * cell
                parts.append(svg.rect(x, y, cell, cell, fill=svg.GREY, opacity=0.7, stroke=svg.GREY, line=0.5))
                parts.append(svg.path([(x, y + cell), (x + cell, y)], line=0.8))
    return "".join(parts)


def _window(result, cell):
    """The window that makes the chosen output; where it is dilated, a frame around each pixel it touches."""
    (s_h, s_w), (d_h, d_w), (i, j) = result["stride"], result["dilation"], result["place"]
    row, column, (height, width) = i * s_h, j * s_w, result["reach"]
    parts = [svg.frame(LEFT, TOP, row, column, height, width, cell, line=3)]
    if (height, width) != tuple(result["kernel_size"]):
        taps = [(a * d_h, b * d_w) for a in range(result["kernel_size"][0]) for b in range(result["kernel_size"][1])]
        parts += [svg.frame(LEFT, TOP, row + a, column + b, 1, 1, cell, line=2) for a, b in taps]
    return "".join(parts)


def _kernel(result):
    """The kernel, an arrow, the chosen place with its number, and below what is worth a remark."""
    rows, columns = result["kernel_size"]
    width, middle = RIGHT - MIDDLE, (MIDDLE + RIGHT) / 2
    table = svg.matrix(result["K"], middle - columns * KERNEL_CELL / 2, TOP, KERNEL_CELL, colors="grey", limit=9)
    parts = [svg.text(middle, TOP - 10, f"kernel {rows} × {columns}"), table]
    y = TOP + 5 * KERNEL_CELL + 20
    parts.append(svg.arrow(MIDDLE + width / 2 - 40, y, MIDDLE + width / 2 + 40, y))
    if not result["problem"]:
        i, j = result["place"]
        value = svg.number(result["output"][i, j])
        parts.append(svg.text(middle, y + 26, f"row {i}, column {j}"))
        parts.append(svg.text(middle, y + 56, value, size=24, color=svg.ORANGE, bold=True))
    parts += [svg.text(middle, y + 86 + 15 * i, note, size=11) for i, note in enumerate(_notes(result))]
    return "".join(parts)


def _output(result, cell):
    Y, (i, j) = result["output"], result["place"]
    table = svg.matrix(Y, RIGHT, TOP, cell, colors="grey", limit=max(1.0, Y.max().item()))
    title = _title(RIGHT, f"output {Y.shape[0]} × {Y.shape[1]}")
    return title + table + svg.frame(RIGHT, TOP, i, j, 1, 1, cell, line=3)


def _apology(sentence):
    """An empty panel with the sentence that says why there is no output."""
    parts = [_title(RIGHT, "no output"), svg.rect(RIGHT, TOP, SIDE, 130, stroke=svg.GREY, dash="4 4")]
    advice = "Take a smaller kernel or dilation, or more padding."
    for i, line in enumerate([*textwrap.wrap(sentence, 42), "", *textwrap.wrap(advice, 42)]):
        parts.append(svg.text(RIGHT + 16, TOP + 28 + 18 * i, line, size=13, anchor="start"))
    return "".join(parts)


def _formulas(result):
    """Both formulas with the numbers put in, one line per axis."""
    k = "k" if tuple(result["kernel_size"]) == result["reach"] else "k′"
    lines = [["", *(title.format(k=k) for title in TITLES)]]
    names = ("height", "width") if result["apart"] else ("both",)
    for i, name in enumerate(names):
        n, reach, P, s, m = (result[key][i] for key in ("size", "reach", "padding", "stride", "outputs"))
        books, pytorch = f"⌊({n} − {reach} + {2 * P} + {s}) / {s}⌋", f"⌊({n} + 2·{P} − {reach}) / {s}⌋ + 1"
        lines.append([name, *(f"{formula} = {m}".replace("-", "−") for formula in (books, pytorch))])
    return "".join(_line(i, cells, bold=i > 0) for i, cells in enumerate(lines))


def _line(number, cells, bold):
    y = FORMULAS + number * LINE
    return "".join(
        svg.text(x, y, cell, anchor="start", bold=bold and x != LEFT, opacity=1 if bold else 0.8)
        for x, cell in zip(COLUMNS, cells, strict=True)
    )


def _notes(result):
    """How far a dilated kernel reaches; what is in no window: short lines."""
    k, d, reach, notes = result["kernel_size"], result["dilation"], result["reach"], []
    if tuple(k) != reach:
        high, wide = (f"{d[i]}·({k[i]} − 1) + 1 = {reach[i]}" for i in (0, 1))
        notes += ["reach k′", f"= {high}" if high == wide else f"= {reach[0]} high, {reach[1]} wide", ""]
    rows, columns = (axis.count(False) for axis in result["visited"])
    if rows + columns and not result["problem"]:
        notes += ["hatched, in no", f"window: {count(rows, 'row')}", f"and {count(columns, 'column')}"]
    return notes


def count(number, name):
    """Return "1 row", "2 rows"."""
    return f"{number} {name}{'' if number == 1 else 's'}"


def _title(x, name):
    return svg.text(x, TOP - 10, name, anchor="start")
