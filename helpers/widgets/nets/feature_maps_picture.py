"""Draw what `FeatureMaps` shows: layers, a picture with the net's answer, all maps of a layer, one map, its pixel."""

from helpers.drawing import svg

from ..kit.layer_views import (
    answers,
    colors,
    held_cells,
    map_tiles,
    scale_bar,
    strip,
    strip_height,
    value_bars,
)
from ..kit.layers import larger_units, limits_of
from ..kit.thumbnails import HEIGHT as THUMBNAILS

WIDTH, HIGH = 960, 330  # px; of what stands between the layers and the small pictures
SIDE, TOP = 176, 28  # of the picture at the left
TILES = (212, TOP, 410, 240)  # x, y, width, height of the area for all channels
LARGE = (664, TOP, 276)  # x, y, side of the chosen channel


def draw_maps(result, pixels, title, names, pictures):
    """Return width, height in px and the SVG parts; `names` are those of the net's answers."""
    layer, top = result["layer"], strip_height(result["layers"]) + 8
    parts = [_picture(result, pixels, title)]
    if result["logits"] is not None:
        parts.append(answers(result["logits"], names, 2, TOP + SIDE + 8, SIDE))
    if layer.output.ndim == 1:
        known = layer is result["layers"][-1] and len(layer.output) == len(names)
        parts += [_values(result, names if known else None), _unit(result)]
    else:
        parts += [_tiles(result), _large(result)]
    height = top + HIGH + THUMBNAILS
    return WIDTH, height, [
        strip(result["layers"], layer, WIDTH), svg.moved(0, top, *parts),
        svg.moved(0, top + HIGH, pictures.draw(result["index"], WIDTH, "test pictures")),
    ]  # fmt: skip


def _picture(result, pixels, title):
    """The picture (C, H, W) itself; on it what the pixel of the map that is held sees."""
    image = pixels[0] if len(pixels) == 1 else pixels.permute(1, 2, 0)
    zoom = SIDE / max(image.shape[:2])
    height, width = (zoom * n for n in image.shape[:2])
    size = max(11, svg.fit(title, SIDE + 24))
    parts = [svg.text(2, 18, title, size=size, anchor="start"), svg.tile(image.numpy(), 2, TOP, width, height, limit=1)]
    if result["window"]:
        top, left, bottom, right = (zoom * n for n in result["window"])
        seen = svg.rect(left, top, right - left, bottom - top, stroke=svg.ORANGE, line=2.5)
        parts.append(svg.clipped(2, TOP, width, height, seen))
    if result["place"]:
        parts.append(held_cells(result["layer"].output.shape[1:], result["place"], 2, TOP, width, height, "window"))
    return "".join(parts)


def _tiles(result):
    layer, (x, y, width, height) = result["layer"], TILES
    title = f"{layer.title} {layer.kind}: all {len(layer.output)} maps on one scale · click one"
    return (
        svg.text(x, 18, title, size=max(11, svg.fit(title, width)), anchor="start")
        + map_tiles(layer, result["channel"], TILES, "channel")
        + scale_bar(layer.output, x, y + height + 18, width)
    )


def _large(result):
    """The chosen channel, up to 8×8 with its numbers; the pixel that is held is framed."""
    layer, chosen, (x, y, side) = result["layer"], result["channel"], LARGE
    one = layer.output[chosen].numpy()
    (rows, columns), (low, high), (row, column) = one.shape, limits_of(one), result["place"]
    zoom = side / max(rows, columns)
    if max(rows, columns) <= 8:
        drawn = svg.matrix(one.round(2), x, y, zoom, **colors(layer.output))
    else:
        drawn = svg.tile(one, x, y, columns * zoom, rows * zoom, **colors(layer.output))
    seen = ""
    if result["window"]:
        top, left, bottom, right = result["window"]
        seen = f" · sees {bottom - top}×{right - left} pixels"
    return "".join([
        svg.text(x, 18, f"channel {chosen}: from {low} to {high}", anchor="start"), drawn,
        svg.rect(x, y, columns * zoom, rows * zoom, stroke=svg.GREY, line=0.8),
        svg.frame(x, y, row, column, 1, 1, zoom, line=3),
        held_cells(one.shape, (row, column), x, y, columns * zoom, rows * zoom, "pixel"),
        svg.text(x, y + side + 18, f"row {row}, column {column}: {svg.number(result['value'])}{seen}", size=11,
                 anchor="start", bold=True),
    ])  # fmt: skip


def _values(result, names):
    """The values of a dense layer: with `names` one named row each, else a strip of upright bars."""
    layer, (x, y, width, height) = result["layer"], TILES
    title = f"{layer.title} {layer.kind}: all {len(layer.output)} values · click one"
    words = svg.text(x, 18, title, size=max(11, svg.fit(title, width)), anchor="start")
    return words + value_bars(layer.output, result["channel"], (x, y, width, height + 30), "channel", names)


def _unit(result):
    """The chosen unit's number, and how many units are larger."""
    x, y, side = LARGE
    output, chosen = result["layer"].output, result["channel"]
    return (
        svg.text(x, 18, f"unit {chosen} (0 to {len(output) - 1})", anchor="start")
        + svg.text(x + side / 2, y + 110, svg.number(result["value"]), size=34, color=svg.ORANGE, bold=True)
        + svg.text(x + side / 2, y + 140, larger_units(output, chosen))
    )
