"""How the receptive-field builder looks: the photo with the fields on it, what the last one sees, a row a layer."""

import functools

import numpy as np

from helpers.data import load_photo
from helpers.drawing import svg

PHOTO = 224  # pixels of the photo, as networks for photos take it
SIDE, SEEN = 300, 150  # of the photo's and the enlarged field's panel, px
LEFT, MIDDLE, TABLE, TOP = 8, 330, 506, 30
ROW = 26
COLUMNS = {"#": 8, "kernel": 82, "s": 104, "d": 124, "jump": 178, "field": 248}  # their right ends
BAR = 256, 62
WIDTH, HEIGHT = TABLE + BAR[0] + BAR[1] + 4, TOP + SIDE + 8


def draw_fields(result, label):
    """Return the picture of a ReceptiveFieldBuilder's result."""
    parts = [_photo(result), _enlarged(result), _table(result), _said(result)]
    return svg.picture(WIDTH, HEIGHT, *parts, label=label)


def _photo(result):
    """The photo, the field of each layer in its middle, and that of the neighbouring output."""
    sizes, layer = [size for size, _ in result["fields"]], result["layer"]
    parts = [svg.text(LEFT, TOP - 10, f"a photo of {PHOTO} × {PHOTO} pixels", anchor="start"), _photo_tile()]
    parts += [_field(size, svg.BLUE, 1.2) for size in sizes[:-1]]
    if layer < len(sizes):
        parts.append(_field(sizes[layer - 1], svg.GREEN, 2.5))
    size, jump = result["fields"][-1]
    if size + jump <= PHOTO and jump * SIDE / PHOTO >= 3:
        parts.append(_field(size, svg.ORANGE, 1.5, right=jump, dash="4 3"))
    parts.append(_field(size, svg.ORANGE, 2.5))
    if size > PHOTO:
        parts.append(svg.rect(LEFT + 6, TOP + 6, SIDE - 12, 44, fill="#fff", opacity=0.85, stroke="none"))
        for i, line in enumerate((f"the field, {size:,} pixels, is larger", "than the photo: the rest is padding")):
            parts.append(svg.text(LEFT + 14, TOP + 24 + 18 * i, line, size=13, anchor="start", color="#000"))
    return "".join(parts)


@functools.lru_cache
def photo():
    """Return the flower, (PHOTO, PHOTO) in 0..1."""
    return load_photo("flower", PHOTO).numpy()


@functools.lru_cache
def _photo_tile():
    return svg.tile(photo(), LEFT, TOP, SIDE, SIDE)


def _field(size, color, line, right=0, dash=""):
    """The frame of a field that is centred on the photo, or as much as there is photo."""
    zoom, shown = SIDE / PHOTO, min(size, PHOTO)
    first = (PHOTO - shown) // 2
    return svg.rect(LEFT + (first + right) * zoom, TOP + first * zoom, shown * zoom, shown * zoom,
                    stroke=color, line=line, dash=dash)  # fmt: skip


def _enlarged(result):
    """What the last field sees: pixels without a say are greyed, padding is empty."""
    size, zoom = result["fields"][-1][0], SEEN / result["fields"][-1][0]
    shown, start = min(size, PHOTO), max(0, (PHOTO - size) // 2)
    inside = max(0, (size - PHOTO) // 2)
    crop = photo()[start : start + shown, start : start + shown]
    columns = (result["columns"] >> inside) % 2**shown
    bits = np.array([columns >> i & 1 for i in range(shown)], dtype=bool)
    mixed = np.where(np.outer(bits, bits), crop, 0.5 + 0.15 * (crop - 0.5))
    at = MIDDLE + inside * zoom, TOP + inside * zoom
    parts = [svg.text(MIDDLE, TOP - 10, "what one output sees", anchor="start")]
    parts.append(svg.tile(mixed, *at, max(1.0, shown * zoom), max(1.0, shown * zoom), limit=1))
    return "".join(parts) + svg.rect(MIDDLE, TOP, SEEN, SEEN, stroke=svg.ORANGE, line=2.5)


def _said(result):
    """Below the enlarged field, how much of it counts; below the table, the weights."""
    (size, jump), seen = result["fields"][-1], result["seen"]
    side = [f"{size:,} pixels a side", "all have a say" if seen == size else f"{seen:,} have a say"]
    side += ["the next output:", f"{jump:,} pixel{'' if jump == 1 else 's'} further"]
    cost = ["weights per pair of channels:", f"{result['weights']:,} in this stack"]
    cost.append(f"{result['one']:,} in one layer with this field")
    return _lines(MIDDLE, TOP + SEEN + 22, side) + _lines(TABLE, TOP + 8 * ROW + 26, cost)


def _lines(x, y, lines):
    return "".join(svg.text(x, y + 19 * i, line, anchor="start") for i, line in enumerate(lines))


def _table(result):
    """One row a layer: its numbers, its jump and field, and the field as a bar."""
    parts = [_cell(0, name, name, opacity=0.8) for name in COLUMNS]
    largest = result["fields"][-1][0]
    layers = zip(result["stack"], result["fields"], strict=True)
    for i, ((k, s, d, pooling), (size, jump)) in enumerate(layers, start=1):
        here, last = i == result["layer"], i == len(result["stack"])
        values = i, f"{'pool' if pooling else ''} {k}×{k}", s, d, f"{jump:,}", f"{size:,}"
        parts += [_cell(i, name, value, bold=here) for name, value in zip(COLUMNS, values, strict=True)]
        top = TOP + (i - 1) * ROW
        color = svg.ORANGE if last else svg.GREEN if here else svg.BLUE
        width = max(1.0, BAR[1] * size / largest)
        parts.append(svg.rect(TABLE + BAR[0], top + 3, width, ROW - 8, fill=color, stroke="none"))
        if here:
            parts.append(svg.rect(TABLE - 4, top, BAR[0] + BAR[1] + 6, ROW - 2, line=0.8))
    return "".join(parts)


def _cell(row, name, value, **style):
    """A value in its column of the table, below each other by their right ends; row 0 is the head."""
    y = TOP + (row - 1) * ROW + 16 if row else TOP - 10
    return svg.text(TABLE + COLUMNS[name], y, str(value).strip(), anchor="end", **style)
