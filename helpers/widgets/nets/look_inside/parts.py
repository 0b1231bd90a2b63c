"""The parts of `LookInside`'s picture: pictures, maps over pictures, large numbers."""

import numpy as np

from helpers.drawing import svg

from ...kit.layer_views import shrunk

WIDTH, HIGH = 960, 352  # px; of what stands between the layers and the small pictures
LEFT, TOP = 208, 28  # where the views begin
TILES = (LEFT, TOP, 410, 260)  # x, y, width, height of the area for all channels
LARGE = (660, TOP, 290)  # x, y, side of the chosen channel
RED, BLUE = np.float32([0.90, 0.12, 0.08]), np.float32([0.10, 0.30, 0.95])
LUMA = np.float32([0.299, 0.587, 0.114])


def photo(pixels, x, y, side):
    """A picture (C, H, W) as large as fits into a square of `side` px."""
    zoom = side / max(pixels.shape[1:])
    image = _as_rgb(pixels, side)
    return svg.tile(image, x, y, zoom * pixels.shape[2], zoom * pixels.shape[1])


def _as_rgb(pixels, side):
    """A picture (C, H, W) as (H, W, 3), with no more pixels than the `side` px on which it is shown."""
    return shrunk(pixels, side).expand(3, -1, -1).permute(1, 2, 0).numpy()


def heat_over(pixels, heat, x, y, side, limit, area=None):
    """A picture in grey and over it a map (h, w): red above 0, blue below, the stronger the less of the picture.

    `area` is the part of the picture that the map covers, (top, left, bottom, right) as shares; by default all.
    """
    zoom = side / max(pixels.shape[1:])
    height, width = (zoom * n for n in pixels.shape[1:])
    top, left, bottom, right = area or (0, 0, 1, 1)
    share = (shrunk(heat[None], side)[0] / (limit or 1)).clamp(-1, 1).numpy()
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


def large_number(title, value, below):
    """One large number, its title above and a remark below."""
    x, middle = LARGE[0], LARGE[0] + LARGE[2] / 2
    return (
        svg.text(x, 18, title, anchor="start")
        + svg.text(middle, TOP + 84, svg.number(float(value)), size=34, color=svg.ORANGE, bold=True)
        + svg.text(middle, TOP + 112, below)
    )


def inside(box, pixels):
    """A window (top, left, bottom, right) as far as it lies on the picture, at least one pixel."""
    height, width = pixels.shape[1:]
    top, left = min(max(0, box[0]), height - 1), min(max(0, box[1]), width - 1)
    return top, left, max(top + 1, min(box[2], height)), max(left + 1, min(box[3], width))


def short(value):
    """A number that may be very small."""
    return f"{float(value):.3g}"
