"""Draw with SVG text: every function returns a string, every coordinate is in pixels.

Text and lines take `currentColor`, so a picture reads in JupyterLab's light and dark theme alike.
"""

import base64
import html
import io
import math
import pathlib

import matplotlib
import numpy as np
from PIL import Image

from .compact import compact
from .words import minus

# Each 5:1 on white and 3.2:1 on black, apart for protan, deutan and tritan readers; stage.css lightens them on black.
BLUE, ORANGE, GREEN, PURPLE = ACCENTS = ("#1f5af0", "#ad5800", "#107a55", "#c2189f")
DASHES = ("", "6 3", "2 3", "8 3 2 3")
FONT = "DejaVu Sans, Verdana, sans-serif"
GREY = "#757575"  # 4.6:1 on white, 4.1:1 on JupyterLab's black: no one grey has more on both
_RAMP = np.linspace(0, 1, 256)
PALETTES = {
    "grey": (matplotlib.colormaps["gray"](_RAMP)[:, :3] * 255).round().astype(np.uint8),
    "signed": (matplotlib.colormaps["RdBu_r"](_RAMP)[:, :3] * 255).round().astype(np.uint8),
}


def picture(width, height, *parts, label):
    """Return a whole `<svg>` of width x height px with the text alternative `label`.

    With areas to touch in it (drawing/touch.py) it is a group of controls, else one picture, to a screen reader.
    """
    inside = "".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="{"group" if "data-touch" in inside else "img"}" '
        f'aria-label="{html.escape(label)}" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'style="max-width:100%;height:auto" font-family="{FONT}" font-size="12" '
        f'fill="currentColor">{inside}</svg>'
    )


def to_png(svg, caption="", zoom=2):
    """Return the PNG bytes of an SVG, `zoom` px per px, with a line of caption; mid-grey ink, transparent ground."""
    import resvg_py  # what measures and trains does without it

    width, height = size(svg)
    below = text(4, height + 14, caption, size=11, anchor="start") if caption else ""
    whole = picture(width, height + 20 * bool(caption), svg, below, label=caption)
    fonts = pathlib.Path(matplotlib.get_data_path(), "fonts", "ttf")
    png = resvg_py.svg_to_bytes(
        svg_string=whole.replace("currentColor", GREY),
        skip_system_fonts=True, font_dirs=[str(fonts)], sans_serif_family="DejaVu Sans", zoom=zoom,
    )  # fmt: skip
    return compact(png)


def listing(code, lines):
    """Return `code` as a block of so many lines, ready to copy, to stand below a picture.

    In one text with the picture: a widget of its own would be a second message at every move of a slider.
    """
    style = f"user-select:all;font-size:12px;line-height:1.3;height:{1.3 * lines:g}em;margin:8px 0 0"
    return f'<pre style="{style}">{html.escape(code)}</pre>'


def size(svg):
    """Return (width, height) in px of a picture made here."""
    box = svg.split('viewBox="0 0 ', 1)[1].split('"', 1)[0]
    return tuple(float(number) for number in box.split())


def text(x, y, string, *, size=12, anchor="middle", bold=False, color="currentColor", opacity=1):
    """Return one line of text whose baseline is at (x, y); negative numbers get a true minus."""
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:.5g}" y="{y:.5g}" font-size="{size:g}" text-anchor="{anchor}" fill="{color}"'
        f'{weight} fill-opacity="{opacity:g}">{html.escape(minus(str(string)))}</text>'
    )


def rect(x, y, width, height, *, fill="none", stroke="currentColor", line=1, opacity=1, dash=""):
    """Return a rectangle; `line` is the width of its edge, `opacity` that of its filling."""
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<rect x="{x:.5g}" y="{y:.5g}" width="{width:.5g}" height="{height:.5g}" fill="{fill}" '
        f'fill-opacity="{opacity:g}" stroke="{stroke}" stroke-width="{line:g}"{dashes}/>'
    )


def path(points, *, stroke="currentColor", line=1.5, fill="none", opacity=1, dash=""):
    """Return a polyline through points [(x, y), …]; with `fill`, the area it encloses."""
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    joined = " ".join(f"{x:.5g},{y:.5g}" for x, y in points)
    return (
        f'<polyline points="{joined}" fill="{fill}" fill-opacity="{opacity:g}" stroke="{stroke}" '
        f'stroke-width="{line:g}"{dashes}/>'
    )


def moved(x, y, *parts):
    """Return the parts shifted by (x, y)."""
    return f'<g transform="translate({x:g},{y:g})">{"".join(parts)}</g>'


def clipped(x, y, width, height, *parts):
    """Return the parts shifted by (x, y) and cut off at the edge of width x height px."""
    return f'<svg x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}">{"".join(parts)}</svg>'


def arrow(x0, y0, x1, y1, *, stroke="currentColor", line=1.5):
    """Return an arrow from (x0, y0) to (x1, y1)."""
    angle = math.atan2(y1 - y0, x1 - x0)
    barbs = [(x1 - 7 * math.cos(angle + turn), y1 - 7 * math.sin(angle + turn)) for turn in (-0.45, 0.45)]
    return path([(x0, y0), (x1, y1)], stroke=stroke, line=line) + path(
        [barbs[0], (x1, y1), barbs[1]], stroke=stroke, line=line
    )


def levels(values, colors="grey", limit=None):
    """Return the colour numbers 0..255, uint8 of the same shape: grey maps 0..limit, signed maps -limit..limit."""
    values = np.asarray(values, dtype=np.float32)
    limit = limit or float(np.abs(values).max(initial=0)) or 1.0
    share = values / limit if colors == "grey" else values / (2 * limit) + 0.5
    return (share.clip(0, 1) * 255).round().astype(np.uint8)


def tile(values, x, y, width, height, *, colors="grey", limit=None):
    """Return an image of `values`, (H, W) or RGB (H, W, 3) in 0..1, as a PNG inside the SVG; pixels stay sharp."""
    rgb = np.ndim(values) == 3
    image = Image.fromarray(levels(values, "grey", 1.0 if rgb else limit) if rgb else levels(values, colors, limit))
    if not rgb and colors != "grey":
        image.putpalette(PALETTES[colors].tobytes())
    store = io.BytesIO()
    image.save(store, "PNG", compress_level=1)
    data = base64.b64encode(store.getvalue()).decode()
    return (
        f'<image x="{x:.5g}" y="{y:.5g}" width="{width:.5g}" height="{height:.5g}" preserveAspectRatio="none" '
        f'style="image-rendering:pixelated" href="data:image/png;base64,{data}"/>'
    )


def number(value):
    """Return a short form of a number for a cell or label: 3, -0.5, 0.333, 1.2e+04."""
    if value is None or not math.isfinite(value):
        return "" if value is None else str(float(value))
    value = round(float(value), 3) or 0.0
    return f"{value:g}" if abs(value) < 1e4 else f"{value:.2g}"


def signed(value):
    """Return a number as it stands in a formula: in brackets where it has a sign."""
    return f"({number(value)})" if value < 0 else number(value)


def as_array(values, dtype=None):
    """Return a tensor, which may need gradients, or anything NumPy takes as an array."""
    return np.asarray(getattr(values, "detach", lambda: values)(), dtype=dtype)


def matrix(values, x, y, cell=28, *, high=None, colors="signed", limit=None, numbers=True, faint=None, skip=None):
    """Return a table of coloured cells, (rows, columns), each with its number; `cell` px wide and `high` px high.

    Without `high` they are square. Cells where `faint`, of the same shape, holds stay empty and grey, those where
    `skip` holds are left out. Above 16x16 it becomes one image: numbers would be unreadable and slow.
    """
    values = np.asarray(values, dtype=np.float64)
    (rows, columns), high = values.shape, high or cell
    if max(rows, columns) > 16:
        return tile(values, x, y, columns * cell, rows * high, colors=colors, limit=limit)
    shades, palette, parts = levels(values, colors, limit), PALETTES[colors], []
    font_size = fit(max((number(value) for value in values.flat), key=len, default=""), cell)
    for i in range(rows):
        for j in range(columns):
            left, top = x + j * cell, y + i * high
            if skip is not None and skip[i][j]:
                continue
            if faint is not None and faint[i][j]:
                parts.append(rect(left, top, cell, high, fill=GREY, opacity=0.25, stroke=GREY, line=0.5))
                continue
            r, g, b = (int(part) for part in palette[shades[i, j]])
            parts.append(rect(left, top, cell, high, fill=f"#{r:02x}{g:02x}{b:02x}", stroke=GREY, line=0.5))
            if numbers:
                ink = "#000" if 0.299 * r + 0.587 * g + 0.114 * b > 120 else "#fff"
                middle = top + high / 2 + font_size / 3
                parts.append(text(left + cell / 2, middle, number(values[i, j]), size=font_size, color=ink))
    return "".join(parts)


def fit(string, width):
    """Return the font size, at most 12, at which `string` fits into `width` px."""
    return round(min(12.0, (width - 3) / (0.62 * max(1, len(string)))), 1)


def frame(x, y, row, column, height, width, cell=28, *, stroke=ORANGE, line=2.5, dash=""):
    """Return the outline of height x width cells from cell (row, column) on, in a matrix at (x, y)."""
    return rect(x + column * cell, y + row * cell, width * cell, height * cell, stroke=stroke, line=line, dash=dash)


def axes(x, y, width, height, xlim, ylim, *, xlabel="", ylabel="", xticks=None, yticks=None):
    """Return a frame with ticks for a plot area whose top left corner is (x, y)."""
    parts = [rect(x, y, width, height, line=0.8)]
    for tick in ticks(*xlim) if xticks is None else xticks:
        left = x + scaled(tick, xlim) * width
        parts.append(path([(left, y + height), (left, y + height + 4)], line=0.8))
        parts.append(text(left, y + height + 16, number(tick), size=11))
    for tick in ticks(*ylim) if yticks is None else yticks:
        top = y + height - scaled(tick, ylim) * height
        parts.append(path([(x - 4, top), (x, top)], line=0.8))
        parts.append(text(x - 6, top + 4, number(tick), size=11, anchor="end"))
    parts.append(text(x + width / 2, y + height + 31, xlabel, size=11))
    parts.append(text(x, y - 6, ylabel, size=11, anchor="start"))
    return "".join(parts)


def ticks(low, high, count=5):
    """Return about `count` round numbers from low to high, both plain floats with high > low."""
    step = 10 ** math.floor(math.log10((high - low) / count))
    step *= next(m for m in (1, 2, 5, 10) if (high - low) / (m * step) <= count)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def scaled(value, limits):
    """Return where value lies between limits as a share 0..1, cut off at both ends."""
    low, high = limits
    return min(1.0, max(0.0, (value - low) / (high - low)))


def curve(points, x, y, width, height, xlim, ylim, **style):
    """Return the polyline of data points [(u, v), …] in a plot area; points that are not finite are left out."""
    return path(
        [
            (x + scaled(u, xlim) * width, y + height - scaled(v, ylim) * height)
            for u, v in points
            if math.isfinite(u) and math.isfinite(v)
        ],
        **style,
    )


def legend(x, y, names):
    """Return a column of short lines with their names; the i-th has the i-th accent and dash pattern."""
    parts = []
    for i, name in enumerate(names):
        color, dash = ACCENTS[i % len(ACCENTS)], DASHES[i % len(DASHES)]
        parts.append(path([(x, y + 16 * i), (x + 22, y + 16 * i)], stroke=color, line=2, dash=dash))
        parts.append(text(x + 28, y + 16 * i + 4, name, size=11, anchor="start"))
    return "".join(parts)
