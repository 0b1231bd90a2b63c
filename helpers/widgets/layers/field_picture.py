"""How the receptive-field builder looks: the photo with the fields on it, what the last one sees, a row a layer."""

import functools

import numpy as np

from helpers.data import load_photo
from helpers.drawing import svg, touch

PHOTO = 224  # pixels of the photo, as networks for photos take it
SIDE, SEEN = 340, 150  # of the photo's and the enlarged field's panel, px
ZOOM = SIDE / PHOTO
LEFT, MIDDLE, TABLE, TOP = 6, 366, 540, 30
ROW = 26
COLUMNS = {"#": 8, "kernel": 82, "s": 104, "d": 124, "jump": 178, "field": 248}  # their right ends
BAR = 256, 62
WIDTH, HEIGHT = TABLE + BAR[0] + BAR[1] + 6, TOP + SIDE + 8


def draw_fields(result, label):
    """Return the picture of a ReceptiveFieldBuilder's result."""
    parts = [_photo(result), _enlarged(result), _table(result), _said(result)]
    return svg.picture(WIDTH, HEIGHT, *parts, label=label)


def _photo(result):
    """The photo, the fields of all layers around the chosen output, and that of the neighbouring output."""
    title = f"a photo of {PHOTO} × {PHOTO} pixels: drag the field"
    parts = [svg.text(LEFT, TOP - 10, title, anchor="start"), _photo_tile()]
    parts.append(_neighbour(result))
    last, size = len(result["fields"]), result["fields"][-1][0]
    for i, (inner, _) in enumerate(result["fields"], start=1):
        color, line, dash = (svg.ORANGE, 3, "") if i == last else (svg.BLUE, 1.2, "")
        color, line, dash = (svg.GREEN, 3.5, "2 2") if i == result["layer"] != last else (color, line, dash)
        starts = [start + (size - inner) // 2 for start in result["starts"]]
        parts.append(touch.linked([f"layer{i}"], _field(starts, inner, stroke=color, line=line, dash=dash)))
    if size > PHOTO:
        parts.append(svg.rect(LEFT + 6, TOP + 6, SIDE - 12, 44, fill="#fff", opacity=0.85, stroke="none"))
        for i, line in enumerate((f"the field, {size:,} pixels, is larger", "than the photo: the rest is padding")):
            parts.append(svg.text(LEFT + 14, TOP + 24 + 18 * i, line, size=13, anchor="start", color="#000"))
    return "".join(parts) + _hold(result)


def _hold(result):
    """The photo as an area: it sets the output whose middle is nearest; its field shows under the pointer."""
    (size, jump), (row, column), units = result["fields"][-1], result["unit"], result["units"]
    low, half = result["first"] + size // 2, size // 2
    down, across = (
        touch.scale("place", low + at * jump, 0, PHOTO, step=jump, low=low, high=low + (units - 1) * jump, path=(axis,))
        for axis, at in enumerate((row, column))
    )
    near, far = -half * ZOOM, (size - half) * ZOOM
    pointed = svg.path([(near, near), (far, near), (far, far), (near, far), (near, near)], stroke=svg.ORANGE, line=1.5)
    label = f"output in row {row}, column {column} of {units} × {units}: drag it over the photo, or use the arrow keys"
    return svg.clipped(LEFT, TOP, SIDE, SIDE, touch.ghost("field", pointed)) + touch.area(
        LEFT, TOP, SIDE, SIDE, down=down, across=across, label=label, ghost=("field", ZOOM, ZOOM)
    )


@functools.lru_cache
def photo():
    """Return the flower, (PHOTO, PHOTO) in 0..1."""
    return load_photo("flower", PHOTO).numpy()


@functools.lru_cache
def _photo_tile():
    return svg.tile(photo(), LEFT, TOP, SIDE, SIDE)


def _field(starts, size, **style):
    """The frame of a field that begins at `starts`, or as much of it as there is photo."""
    (top, bottom), (left, right) = (_on_photo(start, size) for start in starts)
    return svg.rect(LEFT + left * ZOOM, TOP + top * ZOOM, (right - left) * ZOOM, (bottom - top) * ZOOM, **style)


def _on_photo(start, size):
    """The first pixel of the photo in a field, and the one behind the last."""
    return max(0, start), min(PHOTO, start + size)


def _neighbour(result):
    """The field of the next output in the row, or of the one before where there is no next."""
    (size, jump), units, (top, left) = result["fields"][-1], result["units"], result["starts"]
    if units == 1 or jump * ZOOM < 3:
        return ""
    step = jump if result["unit"][1] < units - 1 else -jump
    return _field((top, left + step), size, stroke=svg.ORANGE, line=1.5, dash="4 3")


def _enlarged(result):
    """What the last field sees: pixels without a say are greyed, what lies beyond the photo is padding."""
    size, zoom = result["fields"][-1][0], SEEN / result["fields"][-1][0]
    (top, bottom), (left, right) = (_on_photo(start, size) for start in result["starts"])
    rows, columns = (
        _bits(result["columns"], first - start, last - first)
        for start, (first, last) in zip(result["starts"], ((top, bottom), (left, right)), strict=True)
    )
    crop = photo()[top:bottom, left:right]
    mixed = np.where(np.outer(rows, columns), crop, 0.5 + 0.15 * (crop - 0.5))
    x, y = MIDDLE + (left - result["starts"][1]) * zoom, TOP + (top - result["starts"][0]) * zoom
    wide, high = (max(1.0, count * zoom) for count in (right - left, bottom - top))
    parts = [svg.text(MIDDLE, TOP - 10, "what one output sees", anchor="start")]
    if min(wide, high) < SEEN:
        parts.append(svg.rect(MIDDLE, TOP, SEEN, SEEN, fill=svg.BLUE, opacity=0.16, stroke=svg.GREY, dash="2 2"))
    parts.append(svg.tile(mixed, x, y, wide, high, limit=1))
    return "".join(parts) + svg.rect(MIDDLE, TOP, SEEN, SEEN, stroke=svg.ORANGE, line=3)


def _bits(whole, first, count):
    """Bits `first` to `first + count - 1` of a whole number, as an array."""
    whole = (whole >> first) % 2**count
    return np.array([whole >> i & 1 for i in range(count)], dtype=bool)


def _said(result):
    """Below the enlarged field, how much of it counts; below the table, the weights."""
    (size, jump), seen = result["fields"][-1], result["seen"]
    side = [f"{size:,} pixels a side", "all have a say" if seen == size else f"{seen:,} have a say"]
    side += ["the next output:", f"{jump:,} pixel{'' if jump == 1 else 's'} further"]
    side += ["this one: row {}, column {}".format(*result["unit"]), f"of {result['units']} × {result['units']}"]
    cost = ["click a layer to change it", "weights per pair of channels:", f"{result['weights']:,} in this stack"]
    cost.append(f"{result['one']:,} in one layer with this field")
    return _lines(MIDDLE, TOP + SEEN + 22, side) + _lines(TABLE, TOP + 8 * ROW + 26, cost)


def _lines(x, y, lines):
    return "".join(svg.text(x, y + 19 * i, line, anchor="start") for i, line in enumerate(lines))


def _table(result):
    """One row a layer, to be clicked: its numbers, its jump and field, and the field as a bar."""
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
        label = f"layer {i}, {values[1].strip()}, stride {s}, dilation {d}: change this one"
        row = touch.button(TABLE - 4, top, BAR[0] + BAR[1] + 6, ROW - 2, label=label, pressed=here, layer=i)
        parts.append(touch.linked([f"layer{i}"], row))
    return "".join(parts)


def _cell(row, name, value, **style):
    """A value in its column of the table, below each other by their right ends; row 0 is the head."""
    y = TOP + (row - 1) * ROW + 16 if row else TOP - 10
    return svg.text(TABLE + COLUMNS[name], y, str(value).strip(), anchor="end", **style)
