"""The parts of `LookInside`'s picture: the strip of layers, pictures, maps over pictures, tiles, bars."""

import math

import numpy as np
from torch.nn import functional as F

from helpers.drawing import svg

from ...kit.bars import upright_bars
from ...kit.layers import around

WIDTH, HEIGHT = 800, 400
CHIPS = 10  # layers shown at a time in the strip above
LEFT, TOP = 172, 84  # where the views begin
TILES = (LEFT, TOP, 380, 256)  # x, y, width, height of the area for all channels
LARGE = (584, TOP, 214)  # x, y, side of the chosen channel
RED, BLUE = np.float32([0.90, 0.12, 0.08]), np.float32([0.10, 0.30, 0.95])
LUMA = np.float32([0.299, 0.587, 0.114])


def strip(layers, chosen):
    """The layers as chips, the chosen one framed; of a long net, those around it."""
    (first, shown), parts = around(layers, chosen, CHIPS), []
    width = WIDTH / len(shown)
    for i, layer in enumerate(shown):
        edge = {"stroke": svg.ORANGE, "line": 2.5} if layer is chosen else {"stroke": svg.GREY, "line": 0.8}
        parts.append(svg.rect(i * width + 2, 2, width - 4, 50, **edge))
        for y, words in ((16, layer.title), (31, layer.kind), (46, layer.shape)):
            words = words if len(words) < 18 else "…" + words[-16:]
            size = min(svg.fit(words, width - 6), svg.fit("AvgPool2d__", width - 6))
            parts.append(svg.text((i + 0.5) * width, y, words, size=size, opacity=1 if y == 16 else 0.8))
    behind = len(layers) - first - len(shown)
    hidden = [f"{first} before" * bool(first), f"{behind} after" * bool(behind)]
    if any(hidden):
        parts.append(svg.text(WIDTH - 4, 63, "not shown: " + ", ".join(filter(None, hidden)), size=10, anchor="end"))
    return "".join(parts)


def photo(pixels, x, y, side):
    """A picture (C, H, W) as large as fits into a square of `side` px."""
    zoom = side / max(pixels.shape[1:])
    image = _as_rgb(pixels, side)
    return svg.tile(image, x, y, zoom * pixels.shape[2], zoom * pixels.shape[1])


def _as_rgb(pixels, side):
    """A picture (C, H, W) as (H, W, 3), with no more pixels than the `side` px on which it is shown."""
    return _shrunk(pixels, side).expand(3, -1, -1).permute(1, 2, 0).numpy()


def _shrunk(maps, side):
    """Maps (C, H, W), scaled down where they have more than `side` pixels."""
    shrink = side / max(maps.shape[1:])
    if shrink >= 1:
        return maps
    return F.adaptive_avg_pool2d(maps, [max(1, round(n * shrink)) for n in maps.shape[1:]])


def heat_over(pixels, heat, x, y, side, limit, area=None):
    """A picture in grey and over it a map (h, w): red above 0, blue below, the stronger the less of the picture.

    `area` is the part of the picture that the map covers, (top, left, bottom, right) as shares; by default all.
    """
    zoom = side / max(pixels.shape[1:])
    height, width = (zoom * n for n in pixels.shape[1:])
    top, left, bottom, right = area or (0, 0, 1, 1)
    share = (_shrunk(heat[None], side)[0] / (limit or 1)).clamp(-1, 1).numpy()
    colors = np.empty((*share.shape, 4), np.float32)
    colors[..., :3] = np.where(share[..., None] > 0, RED, BLUE)
    colors[..., 3] = 0.85 * np.abs(share)
    place = x + left * width, y + top * height, (right - left) * width, (bottom - top) * height
    return (
        svg.tile(_as_rgb(pixels, side) @ LUMA, x, y, width, height, limit=1.0)
        + svg.tile(colors, *place) + svg.rect(x, y, width, height, stroke=svg.GREY, line=0.8)
    )  # fmt: skip


def covered_area(result, drop):
    """Where the middles of the windows lie, with half a step around them, as shares of the picture."""
    (height, width), size, stride = result["X"].shape[2:], result["size"], result["stride"]
    first = (size - stride) / 2
    return (max(0, first / height), max(0, first / width), min(1, (first + stride * drop.shape[0]) / height),
            min(1, (first + stride * drop.shape[1]) / width))  # fmt: skip


def tiles(layer, unit):
    """All channels as one image, the chosen one framed."""
    x, y, width, height = TILES
    maps, (count, rows, columns) = layer.output, layer.output.shape
    per_row = max(range(1, count + 1), key=lambda n: min(width / n / columns, height / math.ceil(count / n) / rows))
    zoom = min(width / per_row / columns, height / math.ceil(count / per_row) / rows)
    wide, high, parts = zoom * columns, zoom * rows, []
    maps = _shrunk(maps, math.ceil(max(wide, high)))
    whole = count // per_row * per_row
    for first, last in ((0, whole), (whole, count)):
        if first < last:
            block = maps[first:last].unflatten(0, (-1, min(per_row, last - first)))  # (rows, columns, h, w)
            lines, across = block.shape[:2]
            image = block.permute(0, 2, 1, 3).flatten(2).flatten(0, 1).numpy()
            top = y + first // per_row * high
            parts.append(svg.tile(image, x, top, wide * across, high * lines, **_colors(layer.output)))
            ends = x + wide * across, top + high * lines
            line = {"stroke": svg.GREY, "line": min(2, wide / 12)}
            parts += [svg.path([(x + i * wide, top), (x + i * wide, ends[1])], **line) for i in range(across + 1)]
            parts += [svg.path([(x, top + i * high), (ends[0], top + i * high)], **line) for i in range(lines + 1)]
    i, j = divmod(unit, per_row)
    parts.append(svg.rect(x + j * wide, y + i * high, wide, high, stroke=svg.ORANGE, line=3))
    title = f"{layer.title} {layer.kind}: all {count} maps of {rows}×{columns}, one scale"
    return "".join([*parts, svg.text(x, 76, title, size=svg.fit(title, width), anchor="start")])


def scale_bar(output):
    """The colours of the maps and the values they stand for."""
    x, y, width, height = TILES
    colors = _colors(output)
    low = -colors["limit"] if colors["colors"] == "signed" else 0.0
    ticks = {x: low, x + width: colors["limit"]} | ({x + width / 2: 0.0} if low else {})
    anchors = {x: "start", x + width: "end"}
    return svg.tile(np.linspace(low, colors["limit"], 128)[None], x, y + height + 16, width, 10, **colors) + "".join(
        svg.text(at, y + height + 42, svg.number(value), size=11, anchor=anchors.get(at, "middle"))
        for at, value in ticks.items()
    )


def bars(values, chosen, title, area):
    """A title and the values of a layer as upright bars."""
    x, y, width, height = area
    values = values.tolist()
    limits = (min(0.0, *values, 0.0), max(0.0, *values, 0.0)) if any(values) else (0.0, 1.0)
    words = svg.text(x, 76, title, size=svg.fit(title, width), anchor="start")
    return words + upright_bars(values, chosen, (x + 44, y + 4, width - 48, height - 30), limits)


def large_number(title, value, below):
    """One large number, its title above and a remark below."""
    x, middle = LARGE[0], LARGE[0] + LARGE[2] / 2
    return (
        svg.text(x, 76, title, anchor="start")
        + svg.text(middle, TOP + 84, svg.number(float(value)), size=34, color=svg.ORANGE, bold=True)
        + svg.text(middle, TOP + 112, below)
    )


def inside(box, pixels):
    """A window (top, left, bottom, right) as far as it lies on the picture, at least one pixel."""
    height, width = pixels.shape[1:]
    top, left = min(max(0, box[0]), height - 1), min(max(0, box[1]), width - 1)
    return top, left, max(top + 1, min(box[2], height)), max(left + 1, min(box[3], width))


def _colors(output):
    return {"colors": "signed" if output.min() < 0 else "grey", "limit": float(output.abs().max()) or 1.0}


def short(value):
    """A number that may be very small."""
    return f"{float(value):.3g}"
