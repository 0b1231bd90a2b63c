"""A row of pixels under a stack of layers: which pixels the outputs see, drawn as funnels."""

import numpy as np

from . import svg
from .still import Still

CELL, STEP, TOP, BELOW = 34, 78, 26, 22  # px
LETTER = 6.9  # px of a name's letter
MARKS = (svg.ORANGE, svg.BLUE)


def show_fields(n, layers):
    """Show which of n pixels in a row the first two outputs of `layers`, each (k, s, d), see; returns a Still.

    A map lies above the one it is made from, each element over the middle of its field; lines lead down to what it
    reads. Raises ValueError where a layer does not fit.
    """
    reads, centres = [], [np.arange(float(n))]
    for number, (k, s, d) in enumerate(layers, start=1):
        count = (len(centres[-1]) - d * (k - 1) - 1) // s + 1
        if count < 1:
            raise ValueError(f"layer {number} reaches over {d * (k - 1) + 1} elements and gets {len(centres[-1])}: "
                             "take more pixels")  # fmt: skip
        reads.append([[i * s + a * d for a in range(k)] for i in range(count)])
        centres.append(np.array([centres[-1][below].mean() for below in reads[-1]]))
    marked = [_seen(reads, output) for output in range(min(2, len(centres[-1])))]
    return Still(_drawn(layers, reads, centres, marked))


def _seen(reads, output):
    """The elements that an output depends on, one set for each row, from the pixels up."""
    rows = [{output}]
    for below in reversed(reads):
        rows.insert(0, {source for element in rows[0] for source in below[element]})
    return rows


def _drawn(layers, reads, centres, marked):
    """Lines first, then the cells, then a bracket under the pixels for each marked output."""
    height, edge = TOP + STEP * len(layers), 16 + LETTER * max(map(len, _names(layers)))
    places = [[(edge + (x + 0.5) * CELL, height - STEP * row) for x in xs] for row, xs in enumerate(centres)]
    parts = [_line(places, row, i, source, marked) for row, below in enumerate(reads) for i, sources in enumerate(below)
             for source in sources]  # fmt: skip
    for row, (xs, name) in enumerate(zip(places, _names(layers), strict=True)):
        parts.append(svg.text(edge - 12, xs[0][1] + 4, name, anchor="end"))
        parts += [_cell(x, y, [i in rows[row] for rows in marked], i) for i, (x, y) in enumerate(xs)]
    pixels = [sorted(rows[0]) for rows in marked]
    parts += [_bracket(seen, edge, height + 30 + BELOW * i, MARKS[i]) for i, seen in enumerate(pixels)]
    told = "; ".join(f"output {i} sees the pixels {', '.join(map(str, seen))}" for i, seen in enumerate(pixels))
    width = edge + len(centres[0]) * CELL + 76
    return svg.picture(width, height + 36 + BELOW * len(marked), *parts, label=told)


def _names(layers):
    return ["pixels", *(f"kernel {k}, stride {s}" + f", dilation {d}" * (d > 1) for k, s, d in layers)]


def _line(places, row, element, source, marked):
    """From an element to one that it reads, in the colour of the output that it belongs to."""
    owners = [color for rows, color in zip(marked, MARKS, strict=False) if element in rows[row + 1]]
    color = owners[0] if len(owners) == 1 else svg.GREY
    return svg.path([places[row + 1][element], places[row][source]], stroke=color, line=2 if owners else 0.8)


def _cell(x, y, owned, index):
    """A square with its number: orange, blue, half and half, or empty where no marked output sees it."""
    side = CELL - 8
    left, top = x - side / 2, y - side / 2
    parts = [svg.rect(left, top, side, side, fill="#fff", stroke=svg.GREY)]
    colors = [color for color, own in zip(MARKS, owned, strict=False) if own]
    for i, color in enumerate(colors):
        width = side / len(colors)
        parts.append(svg.rect(left + i * width, top, width, side, fill=color, stroke=color, opacity=0.3))
    return "".join(parts) + svg.text(x, y + 4, index, color="#000")


def _bracket(seen, x, y, color):
    """A line under the pixels from the first to the last that is seen, with their width."""
    first, last = x + seen[0] * CELL + 4, x + (seen[-1] + 1) * CELL - 4
    line = svg.path([(first, y - 6), (first, y), (last, y), (last, y - 6)], stroke=color, line=2.5)
    return line + svg.text(last + 8, y + 2, f"{seen[-1] - seen[0] + 1} pixels", color=color, anchor="start")
