"""Draw what `ClassMaps` shows: a picture, the maps of all classes, one of them enlarged, the probabilities."""

import math

import numpy as np

from helpers.drawing import svg

from ..kit.bars import named_bars

WIDTH, HEIGHT = 812, 358
SIDE = 144  # px, of the picture and of the enlarged map
TILES = (172, 66, 76, 118)  # left, size, distance between columns, between rows
BARS = (646, 28, 76, 300)  # x, y, width, height


def picture(result, names):
    """Return the picture with its number and true class."""
    image = result["pixels"]
    title = f"picture {result['row']}: {names[result['true']]}"
    return svg.text(2, 14, title, size=svg.fit(title, 160), anchor="start") + _fitted(image, 2, 22, SIDE, limit=1.0)


def enlarged(result, names):
    """Return the chosen class's map laid over the picture, which shows through."""
    top, title = 22 + SIDE + 32, f"evidence for {names[result['chosen']]}"
    layer = _fitted(result["maps"][result["chosen"]], 2, top, SIDE, **_colors(result["maps"]))
    return (
        svg.text(2, top - 8, title, size=svg.fit(title, 160), anchor="start", bold=True, color=svg.ORANGE)
        + _fitted(result["pixels"], 2, top, SIDE, limit=1.0)
        + f'<g opacity="0.6">{layer}</g>'
    )


def tiles(result, names):
    """Return all class maps in two rows, each with its class and its mean; the chosen one is framed."""
    left, size, across, down = TILES
    columns = math.ceil(len(names) / 2)
    parts = [svg.text(left, 14, "class maps, one scale; mean = logit", anchor="start")]
    for i, (one, name) in enumerate(zip(result["maps"], names, strict=True)):
        x, y, chosen = left + across * (i % columns), 46 + down * (i // columns), i == result["chosen"]
        edge = {"stroke": svg.ORANGE, "line": 3} if chosen else {"stroke": svg.GREY, "line": 0.8}
        parts.append(svg.text(x + size / 2, y - 6, name, size=svg.fit(name, across), bold=chosen))
        parts.append(_fitted(one, x, y, size, **_colors(result["maps"])))
        parts.append(svg.rect(x, y, size, size, **edge))
        mean = svg.number(round(float(result["logits"][i]), 2))
        parts.append(svg.text(x + size / 2, y + size + 15, mean, size=11, bold=chosen))
    return "".join(parts)


def scale_bar(maps):
    """Return the colours of all maps and the values that they stand for."""
    left, y, width = TILES[0], 282, 366
    colors = _colors(maps)
    steps = np.linspace(-colors["limit"], colors["limit"], 128)[None]
    limit = svg.number(round(colors["limit"], 2))
    ticks = ((left, f"-{limit}", "start"), (left + width / 2, "0", "middle"), (left + width, limit, "end"))
    return (
        svg.tile(steps, left, y, width, 10, **colors)
        + "".join(svg.text(x, y + 25, value, size=11, anchor=anchor) for x, value, anchor in ticks)
        + svg.text(left + width / 2, y + 44, "blue lowers the logit · red raises it", size=11)
    )


def browsed(result):
    """Return the line on the pictures that the slider goes through."""
    return svg.text(TILES[0], 350, f"on the slider: {result['browsed']}", size=11, anchor="start")


def bars(result, names):
    """Return the probabilities as bars, the enlarged class in orange, the true one marked."""
    x, y, width, height = BARS
    place = y + (result["true"] + 1) * height / len(names) - 7
    return (
        svg.text(x, 14, "probability", anchor="start")
        + named_bars(result["probabilities"].tolist(), result["chosen"], names, BARS, (0.0, 1.0))
        + svg.text(x + width + 52, place, "◂ true", size=11, anchor="start", color=svg.GREEN)
    )


def _colors(maps):
    """Return the palette and limit that all maps of a picture share."""
    return {"colors": "signed", "limit": float(maps.abs().max()) or 1.0}


def _fitted(image, x, y, side, **colors):
    """Return an image (H, W) as large as fits into a square of `side` px."""
    zoom = side / max(image.shape)
    return svg.tile(image.numpy(), x, y, zoom * image.shape[1], zoom * image.shape[0], **colors)
