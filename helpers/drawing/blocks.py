"""Feature maps as blocks: how many channels, how high, how wide, and what made each from the one before."""

from . import svg
from .still import Still

FULL, LEAST = 88, 5  # px of the longest edge, and of the shortest that is still seen
LEAN_X, LEAN_Y = 0.38, 0.30  # how far the width of a block runs to the back
ARROW, LINE, LETTER, TOP = 24, 15, 7.7, 24  # px of an arrow, a line of text, a letter, a title


def show_blocks(*rows, titles=()):
    """Show rows of feature maps as blocks, to compare nets or to follow one.

    A row is a list of (name, shape): the name of the layer that made the block ("" for the first one, "conv 5×5, s2"
    is broken at the comma), and its shape without the batch, (C, H, W) or (N,) after a dense layer. C runs to the
    right, H up, W to the back, all edges of all rows by the square root of their length, since 3 and 512 channels
    must both be seen; dense layers have a scale of their own. `titles`, one for each row, stand above them. Raises
    ValueError for another shape.
    """
    if not rows or not all(rows):
        raise ValueError("show_blocks needs at least one row with at least one (name, shape)")
    if titles and len(titles) != len(rows):
        raise ValueError(f"{len(titles)} titles for {len(rows)} rows: give each row one, or none")
    units = {size: FULL / max((length for row in rows for _, shape in row if len(shape) == size
                               for length in _edges(shape)), default=1) ** 0.5 for size in (1, 3)}  # fmt: skip
    parts, below, width = [], 0, 0
    for row, title in zip(rows, titles or [""] * len(rows), strict=True):
        drawn, row_width, height = _row(row, units)
        if title:
            parts.append(svg.text(4, below + 16, title, anchor="start", bold=True, size=13))
        top = below + TOP * bool(title)
        parts.append(svg.moved(4, top, drawn))
        below, width = top + height + 10, max(width, row_width + 8)
    said = "; ".join(_said(row) for row in rows)
    return Still(svg.picture(width, below, *parts, label=f"feature maps as blocks: {said}"))


def _edges(shape):
    """(channels, height, width) of a block; a dense layer's outputs stand on each other."""
    if len(shape) not in (1, 3) or not all(isinstance(length, int) and length > 0 for length in shape):
        raise ValueError(f"shape {tuple(shape)} is neither (C, H, W) nor (N,), without the batch")
    return tuple(shape) if len(shape) == 3 else (1, shape[0], 1)


def _row(row, units):
    """Return (parts, width, height) of blocks on one ground line, arrows between them, words under them."""
    sizes = [[max(LEAST, units[len(shape)] * length**0.5) for length in _edges(shape)] for _, shape in row]
    words = [[*(part.strip() for part in name.split(",") if part), _written(shape)] for name, shape in row]
    ground = max(high + LEAN_Y * wide for _, high, wide in sizes) + 6
    parts, x, last = [], 0, None
    for (deep, high, wide), lines in zip(sizes, words, strict=True):
        block = deep + LEAN_X * wide
        room = max(block, *(LETTER * len(line) for line in lines))
        left = x + (room - block) / 2
        if last is not None:
            middle = (last + left) / 2
            parts.append(svg.arrow(middle - ARROW / 2, ground - 12, middle + ARROW / 2, ground - 12))
        parts.append(_block(left, ground, deep, high, wide))
        parts += [svg.text(x + room / 2, ground + 16 + LINE * i, line, size=11, bold=i == len(lines) - 1)
                  for i, line in enumerate(lines)]  # fmt: skip
        last, x = left + block, x + room + max(8, ARROW + 10 - (room - block) / 2)
    return "".join(parts), x, ground + 16 + LINE * max(map(len, words))


def _block(x, ground, deep, high, wide):
    """Three faces of a block whose front lower left corner is at (x, ground)."""
    back_x, back_y = LEAN_X * wide, LEAN_Y * wide
    front = [(x, ground), (x + deep, ground), (x + deep, ground - high), (x, ground - high)]
    top = [(x, ground - high), (x + back_x, ground - high - back_y),
           (x + deep + back_x, ground - high - back_y), (x + deep, ground - high)]  # fmt: skip
    side = [(x + deep, ground), (x + deep + back_x, ground - back_y),
            (x + deep + back_x, ground - high - back_y), (x + deep, ground - high)]  # fmt: skip
    return "".join(
        svg.path([*face, face[0]], line=1, fill=svg.BLUE, opacity=opacity)
        for face, opacity in ((front, 0.30), (top, 0.15), (side, 0.50))
    )


def _written(shape):
    return "×".join(map(str, shape))


def _said(row):
    return " → ".join(f"{name} {_written(shape)}".strip() for name, shape in row)
