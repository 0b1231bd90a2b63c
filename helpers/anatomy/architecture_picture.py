"""How an architecture looks: columns of boxes from top to bottom, skip arcs, parallel paths, shapes beside arrows.

The functions take what `architecture` read from a net and return whole SVG pictures. As an image a picture does not see
the page's colour: ink outside the boxes is a grey that reads on a light and on a dark page.
"""

import re

from helpers.drawing import svg

COLORS = {"conv": "#1f66ad", "pool": "#a8510b", "dense": "#7d3c98", "block": "#0b6b63", "small": "#666666"}
MARGIN, GAP = 8, 24  # px; the gap is an arrow's length
TOP, MIDDLE = 100, 56  # where the first box begins, and the middle of the data drawn above it
LINE, RIM, CHIP = 14, 8, 15  # heights of a line in a box, of the box's rim, of a small layer
FACE, DEPTH = 50, 24  # of the data: the largest side of its face and the largest depth
ARC, SHORTCUT = 16, 68  # room at the left of a sum for a bare arc, and for one with a convolution on it
STEP, FRAME = 14, 7  # an arrow inside a sum; from its boxes to the frame around g(x), where that is named
LETTERS = ((" \N{NO-BREAK SPACE},.:;", 3.9), ("()/fijlrt", 4.8), ("×w", 10.1), ("m", 11.7))  # others: as a digit
WIDTHS = {letter: width for letters, width in LETTERS for letter in letters}  # px, at size 12
LEGEND = {  # what occurs in the picture: what it means
    "<polyline": "grey blocks: the data, face height × width, depth channels",
    r"conv, \d|conv<": "conv, 64: 64 output channels",
    "/2<|/2,": "/2: stride 2",
    "pad": "pad 1: one ring of zeros",
    r"\(96": "64, (96, 128), (16, 32), 32: output channels along the four paths",
    "dasharray": "dashed: through a 1×1 convolution to the new shape",
    "BN": "BN: batch norm",
}


def draw_columns(stages, titles, *, widths, gap, captions, label, named=False, joined=True):
    """Return the picture of stages side by side, their boxes `widths` px wide, the next one `gap` px further.

    `joined` draws a line from each stage's end to the next one's input. `named` writes x and g(x) to a residual block.
    """
    scale = FACE / stages[0].shape[-1], DEPTH / max(stage.shape[0] for stage in stages)
    parts, left, ends = [], MARGIN, []
    for stage, title, width in zip(stages, titles, widths, strict=True):
        room = _room(stage) + FRAME * named
        axis = left + room + width / 2
        if joined and ends:
            parts.append(_elbow(ends[-1], left - (2 if room else 9), axis - _side(stage.shape, scale) / 2 - 4))
        drawn, end = _column(stage, axis, width, scale, named)
        parts += [svg.text(axis, 13, title, size=13, bold=True), drawn]
        ends.append((axis, end))
        left += room + width + gap
    last = list(zip(ends, stages, strict=True))[-1 if joined else 0:]
    parts += [_step(axis, end, end + GAP + 4, stage.parts[-1].shape) for (axis, end), stage in last]
    bottom = max([end + 16 for _, end in ends] + [end + GAP + 6 for (_, end), _ in last])
    texts = [length(shape_words(part.shape), 11) for part in stages[-1].parts]
    right = max(left - gap + 46 * named, ends[-1][0] + 5 + max(texts))
    return _page(round(right) + MARGIN, bottom, parts, captions, label)


def draw_branches(shape, paths, joined, *, width=190, gap=44, captions, label):
    """Return the picture of parallel paths: an input of `shape`, a column of boxes per path, the `joined` output."""
    whole, row = len(paths) * (width + gap) - gap, max(_height(box, width) for path in paths for box in path) + GAP
    middle, scale = MARGIN + whole / 2, (FACE / shape[-1], DEPTH / max(shape[0], joined[0]))
    end = TOP + GAP + row * max(len(path) for path in paths)
    parts = [_data(shape, middle, scale), svg.path([(middle, MIDDLE + FACE / 2 + 3), (middle, TOP)]),
             svg.path([(MARGIN + width / 2, TOP), (MARGIN + whole - width / 2, TOP)]),
             svg.text(middle + 7, TOP - 8, shape_words(shape), size=11, anchor="start")]  # fmt: skip
    for i, path in enumerate(paths):
        axis, y, seen = MARGIN + i * (width + gap) + width / 2, TOP, None
        parts.append(svg.text(axis + 7, TOP + GAP - 8, f"path {i + 1}", size=11, anchor="start", bold=True))
        for n, box in enumerate(path):
            top = TOP + GAP + n * row
            parts += [_step(axis, y, top, seen), _box(box, axis, top, width)]
            y, seen = top + _height(box, width), box.shape
        parts.append(_step(axis, y, end, seen))
    words = f"concatenate along the channels: {' + '.join(str(path[-1].shape[0]) for path in paths)} = {joined[0]}"
    parts += [_rounded(MARGIN, end, whole, 26, COLORS["block"]), svg.text(middle, end + 17, words, color="#fff"),
              _step(middle, end + 26, end + 26 + GAP + 4, joined)]  # fmt: skip
    return _page(whole + 2 * MARGIN, end + 26 + GAP + 6, parts, captions, label)


def length(words, size=12):
    """Return about how many px wide `words` are, a little more than in DejaVu Sans."""
    return size / 12 * sum(WIDTHS.get(letter, 7.7) for letter in words)


def _column(stage, axis, width, scale, named):
    """The parts of a stage below its input, and where the last one ends."""
    parts, shape = [_data(stage.shape, axis, scale)], stage.shape
    y, top = MIDDLE + _side(shape, scale) / 2 + 3, TOP
    for part in stage.parts:
        parts.append(_step(axis, y, top, shape))
        if hasattr(part, "boxes"):
            drawn, y = _sum(part, axis, top, width, shape, named)
        else:
            drawn, y = _box(part, axis, top, width), top + _height(part, width)
        parts.append(drawn)
        shape, top = part.shape, y + GAP
    return "".join(parts), y


def _sum(part, axis, top, width, shape, named):
    """A residual block whose first box begins at `top`, and where it ends."""
    parts, y, now, fork, step = [], top, shape, top - 11, STEP + 6 * named
    for i, box in enumerate(part.boxes):
        if i:
            parts.append(_step(axis, y, y + step, now if named and now != shape else None))
            shape, y = now, y + step
        parts.append(_box(box, axis, y, width))
        y, now = y + _height(box, width), box.shape
    plus = y + GAP - 4
    if part.skip:
        parts += [_step(axis, y, plus - 8, None), _arc(part.shortcut, axis, fork, plus, width / 2 + FRAME * named),
                  _circle(axis, plus)]  # fmt: skip
    else:
        parts.append(svg.path([(axis, y + 1), (axis, plus + 10)]))
    if named:
        parts = [_names(part, axis, top, plus, width / 2), *parts]
    y = plus + 9
    for words in part.small:
        below = y + (GAP - 4 if named else 2)
        parts += [_step(axis, y, below, None) if named else "", _chip(words, axis, below, 56)]
        y = below + CHIP
    return "".join(parts), y


def _names(part, axis, top, plus, half):
    """A frame around g, which ends at the sum (axis, plus), and the names of what flows: x, g(x) and their sum."""
    x = "x" if part.shortcut is None else "conv(x)"
    frame = (axis - half - FRAME, top - 6, 2 * (half + FRAME), plus - top - 6)
    total = svg.text(axis + 16, plus + 5, f"g(x) + {x}", size=13, anchor="start", bold=True)
    return "".join([
        svg.rect(*frame, fill=svg.GREY, opacity=0.18, stroke="none"),
        svg.text(axis - half - 6, top - 17, "x", size=13, anchor="end", bold=True),
        svg.text(axis + half + 12, (top + plus) / 2 - 6, "g(x)", size=13, anchor="start", bold=True),
        total if part.skip else "",
    ])  # fmt: skip


def _arc(shortcut, axis, fork, plus, out):
    """The skip from (axis, fork) to the sum at (axis, plus), more than `out` px left; dashed with a layer on it."""
    side = axis - out - (ARC - 4 if shortcut is None else SHORTCUT / 2 + 4)
    r, dash = 10, "" if shortcut is None else ' stroke-dasharray="5 4"'
    line = (f'<path d="M{axis:g},{fork:g} H{side + r:g} Q{side:g},{fork:g} {side:g},{fork + r:g} V{plus - r:g} '
            f'Q{side:g},{plus:g} {side + r:g},{plus:g} H{axis - 10:g}" fill="none" stroke="currentColor" '
            f'stroke-width="1.8"{dash}/>')  # fmt: skip
    head = svg.arrow(axis - 18, plus, axis - 9, plus)
    return line + head + ("" if shortcut is None else _box(shortcut, side, (fork + plus) / 2 - 18, SHORTCUT - 6))


def _box(box, axis, top, width):
    """A layer, with the small ones behind it attached to its lower edge."""
    if box.kind == "small":
        return _chip(box.words, axis, top, width)
    lines, chip = _lines(box, width), ", ".join(box.small).replace("batch norm", "BN")
    height = LINE * len(lines) + RIM
    parts = [_rounded(axis - width / 2, top + height - 6, width, CHIP + 6, COLORS["small"]),
             svg.text(axis, top + height + 11, chip, size=11, color="#fff")] if chip else []  # fmt: skip
    parts.append(_rounded(axis - width / 2, top, width, height, COLORS[box.kind]))
    parts += [svg.text(axis, top + LINE * (i + 1) + 1, line, color="#fff") for i, line in enumerate(lines)]
    return "".join(parts)


def _chip(words, axis, top, width):
    """A small layer by itself."""
    width = min(width, 7 * len(words) + 16)
    return _rounded(axis - width / 2, top, width, CHIP, COLORS["small"]) + svg.text(
        axis, top + 11, words, size=11, color="#fff"
    )


def _height(box, width):
    return CHIP if box.kind == "small" else LINE * len(_lines(box, width)) + RIM + CHIP * bool(box.small)


def _lines(box, width):
    """The words of a box in lines that fit."""
    return [line.rstrip(",") for line in _wrapped(box.words, width - 4)]


def _wrapped(words, width, size=12):
    """The words in lines of at most `width` px; a line break in them stays."""
    lines = []
    for given in words.split("\n"):
        lines.append("")
        for word in given.split(" "):
            joined = f"{lines[-1]} {word}".strip(" ")
            if lines[-1] and length(joined.rstrip(",;"), size) > width:
                lines.append(word)
            else:
                lines[-1] = joined
    return lines


def _step(axis, y, end, shape):
    """The arrow from y down to `end` with the shape that passes there; None says nothing."""
    words = svg.text(axis + 5, end - 8, shape_words(shape), size=11, anchor="start") if shape else ""
    return svg.arrow(axis, y + 1, axis, end - 1) + words


def _elbow(end, turn, head):
    """The line from the end of a column to the input of the next: down, right to `turn`, up, right to `head`."""
    axis, y = end
    corners = [(axis, y + 1), (axis, y + 11), (turn, y + 11), (turn, MIDDLE)]
    return svg.path([*corners, (head - 1, MIDDLE)]) + svg.arrow(head - 8, MIDDLE, head, MIDDLE)


def _data(shape, axis, scale):
    """Channels of height x width drawn to scale as a block, its face centred on (axis, MIDDLE)."""
    side, depth = _side(shape, scale), max(1.0, shape[0] * scale[1])
    left, top, rise = axis - side / 2, MIDDLE - side / 2, depth / 2
    face = svg.rect(left, top, side, side, fill=svg.GREY, opacity=0.45)
    lid = [(left, top), (left + depth, top - rise), (left + side + depth, top - rise), (left + side, top)]
    flank = [lid[2], (left + side + depth, top + side - rise), (left + side, top + side), lid[3]]
    sides = [svg.path(edge, fill=svg.GREY, opacity=shade, line=1) for edge, shade in ((lid, 0.2), (flank, 0.3))]
    return face + "".join(sides)


def _side(shape, scale):
    """Width and height of the drawn face: all pictures of the course are square."""
    return max(2.0, shape[-1] * scale[0])


def _room(stage):
    """What the arcs of a stage need at its left."""
    sums = [part for part in stage.parts if hasattr(part, "boxes")]
    return max((ARC if part.shortcut is None else SHORTCUT + 4 for part in sums), default=0)


def _circle(x, y):
    return (f'<circle cx="{x:g}" cy="{y:g}" r="7.5" fill="none" stroke="currentColor" stroke-width="1.5"/>'
            + svg.path([(x - 5, y), (x + 5, y)]) + svg.path([(x, y - 5), (x, y + 5)]))  # fmt: skip


def _rounded(x, y, width, height, color):
    return svg.rect(x, y, width, height, fill=color, stroke="none").replace("<rect ", '<rect rx="5" ')


def shape_words(shape):
    """Return 1×28×28 for (1, 28, 28)."""
    return "×".join(map(str, shape))


def _page(width, height, parts, captions, label):
    """The whole picture, with the captions and the meaning of the signs in it below."""
    drawn = "".join(parts)
    signs = [words.replace(" ", "\N{NO-BREAK SPACE}") for key, words in LEGEND.items() if re.search(key, drawn)]
    notes = [(line, 12, True) for line in captions]
    notes += [(line, 11, False) for line in _wrapped("; ".join(signs), width - 2 * MARGIN, 11)]
    for line, size, bold in notes:
        height += 16
        drawn += svg.text(MARGIN, height, line, size=size, anchor="start", bold=bold)
    return svg.picture(width, height + 6, drawn, label=label).replace("currentColor", svg.GREY)
