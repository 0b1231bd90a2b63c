"""What the widgets on whole nets show and let one take hold of: the strip of layers, the maps of one, its values."""

import math

import numpy as np
from torch.nn import functional as F

from helpers.drawing import svg, touch

from .bars import named_bars, upright_bars

CHIP, ROWS, COLUMNS = 50, 2, 10  # height of a layer in the strip, px, and how many are shown at a time
LETTER = 6.7  # px of a letter of size 11


def strip_height(layers):
    """Return the height in px of the strip of these layers."""
    pages, shown = _pages(layers)
    return CHIP * (1 if shown <= COLUMNS else ROWS) + 20 * (pages > 1)


def strip(layers, chosen, width):
    """Return the layers as chips, row by row, the chosen one framed; of a long net, the page on which it stands."""
    at = next(i for i, layer in enumerate(layers) if layer is chosen)
    pages, shown = _pages(layers)
    first = at // shown * shown
    page = layers[first : first + shown]
    columns = shown if shown <= COLUMNS else math.ceil(shown / ROWS)
    wide = min(width / columns, 160)
    parts = [
        _chip(layer, wide * (i % columns), CHIP * (i // columns), wide, layer is chosen) for i, layer in enumerate(page)
    ]
    axis = touch.tiles("layer", at, len(page), min(columns, len(page)), first=first, high=len(layers) - 1)
    label = f"layers, {at} of 0 to {len(layers) - 1}, {chosen.title} {chosen.kind}: click one, or use the arrow keys"
    over = wide * min(columns, len(page)), CHIP * math.ceil(len(page) / columns)
    parts.append(touch.ghost("layer", svg.rect(2, 2, wide - 4, CHIP - 4, stroke=svg.ORANGE, line=1.2)))
    parts.append(touch.area(0, 0, *over, across=axis, label=label, ghost=("layer", wide, CHIP)))
    return "".join(parts) + (_turns(first, shown, layers, width) if pages > 1 else "")


def _pages(layers):
    """How many pages there are, and how many layers on each."""
    pages = math.ceil(len(layers) / (ROWS * COLUMNS))
    return pages, math.ceil(len(layers) / pages)


def _chip(layer, x, y, wide, here):
    edge = {"stroke": svg.ORANGE, "line": 3} if here else {"stroke": svg.GREY, "line": 0.8}
    longest, parts = int((wide - 6) / LETTER), [svg.rect(x + 2, y + 2, wide - 4, CHIP - 4, **edge)]
    for line, words in enumerate((layer.title, layer.kind, layer.shape)):
        if len(words) > longest:
            words = words[: longest - 1] + "…" if line == 1 else "…" + words[1 - longest :]
        parts.append(svg.text(x + wide / 2, y + 16 + 14 * line, words, size=11, bold=here and not line))
    return "".join(parts)


def _turns(first, shown, layers, width):
    """Buttons to the layers before and behind those on the page."""
    y, parts, behind = CHIP * (1 if shown <= COLUMNS else ROWS), [], len(layers) - first - shown
    for x, to, words in ((0, first - shown, f"◂ {first} before"), (width - 100, first + shown, f"{behind} after ▸")):
        if 0 <= to < len(layers):
            parts.append(svg.rect(x + 2, y + 1, 96, 18, stroke=svg.GREY, line=0.8))
            parts.append(svg.text(x + 50, y + 14, words, size=11))
            parts.append(touch.button(x + 2, y + 1, 96, 18, label=f"layers {words.strip('◂▸ ')}", layer=to))
    return "".join(parts)


def colors(output):
    """Return the palette and limit that all maps of a layer share: grey where nothing is negative."""
    return {"colors": "signed" if output.min() < 0 else "grey", "limit": float(output.abs().max()) or 1.0}


def shrunk(maps, side):
    """Return maps (C, H, W), scaled down where they have more than `side` pixels."""
    shrink = side / max(maps.shape[1:])
    if shrink >= 1:
        return maps
    return F.adaptive_avg_pool2d(maps, [max(1, round(n * shrink)) for n in maps.shape[1:]])


def map_tiles(layer, chosen, area, name):
    """Return all maps of a layer in the area (x, y, width, height), the chosen one framed; a click sets `name`."""
    x, y, width, height = area
    count, rows, columns = layer.output.shape
    per_row = max(range(1, count + 1), key=lambda n: min(width / n / columns, height / math.ceil(count / n) / rows))
    zoom = min(width / per_row / columns, height / math.ceil(count / per_row) / rows)
    wide, high = zoom * columns, zoom * rows
    i, j = divmod(chosen, per_row)
    axis = touch.tiles(name, chosen, count, per_row)
    label = f"maps, {name} {chosen} of 0 to {count - 1}: click one, or use the arrow keys"
    over = wide * per_row, high * math.ceil(count / per_row)
    return "".join([
        *_blocks(shrunk(layer.output, math.ceil(max(wide, high))), per_row, (x, y, wide, high), colors(layer.output)),
        svg.rect(x + j * wide, y + i * high, wide, high, stroke=svg.ORANGE, line=3),
        touch.ghost(name, svg.rect(x, y, wide, high, stroke=svg.ORANGE, line=1.5)),
        touch.area(x, y, *over, across=axis, label=label, ghost=(name, wide, high)),
    ])  # fmt: skip


def _blocks(maps, per_row, place, palette):
    """The maps as one image, with lines between them; the last row, where it is not full, as a second one."""
    (x, y, wide, high), count = place, len(maps)
    whole = count // per_row * per_row
    for first, last in ((0, whole), (whole, count)):
        if first < last:
            block = maps[first:last].unflatten(0, (-1, min(per_row, last - first)))  # (rows, columns, h, w)
            lines, across = block.shape[:2]
            image = block.permute(0, 2, 1, 3).flatten(2).flatten(0, 1).numpy()
            top = y + first // per_row * high
            yield svg.tile(image, x, top, wide * across, high * lines, **palette)
            right, low = x + wide * across, top + high * lines
            line = {"stroke": svg.GREY, "line": min(2, wide / 12)}
            yield from (svg.path([(x + i * wide, top), (x + i * wide, low)], **line) for i in range(across + 1))
            yield from (svg.path([(x, top + i * high), (right, top + i * high)], **line) for i in range(lines + 1))


def scale_bar(output, x, y, width):
    """Return the colours of the maps and the values they stand for, 36 px high."""
    palette = colors(output)
    low = -palette["limit"] if palette["colors"] == "signed" else 0.0
    ticks = {x: (low, "start"), x + width: (palette["limit"], "end")}
    ticks |= {x + width / 2: (0.0, "middle")} if low else {}
    steps = np.linspace(low, palette["limit"], 128)[None]
    return svg.tile(steps, x, y, width, 10, **palette) + "".join(
        svg.text(at, y + 24, svg.number(value), size=11, anchor=anchor) for at, (value, anchor) in ticks.items()
    )


def value_bars(values, chosen, area, name, names=None):
    """Return the values (features,) as bars, with `names` as named rows; a click on one sets the parameter `name`."""
    x, y, width, height = area
    numbers = values.tolist()
    limits = (min(0.0, *numbers, 0.0), max(0.0, *numbers, 0.0)) if any(numbers) else (0.0, 1.0)
    label = f"values, {name} {chosen} of 0 to {len(numbers) - 1}: click one, or use the arrow keys"
    axis = touch.cells(name, chosen, len(numbers))
    if names:
        bars = named_bars(numbers, chosen, names, (x + 92, y, width - 146, height), limits)
        return bars + touch.area(x, y, width, height, down=axis, label=label)
    x, width, height = x + 48, width - 48, height - 20
    bars = upright_bars(numbers, chosen, (x, y, width, height), limits)
    return bars + touch.area(x, y, width, height, across=axis, label=label)


def answers(logits, names, x, y, width):
    """Return the three likeliest classes with their probabilities, 120 px high; `names` are those of all logits."""
    probabilities = logits.softmax(0)
    parts = [svg.text(x, y + 12, "the net says", size=11, anchor="start", opacity=0.8)]
    for i, answer in enumerate(probabilities.argsort(descending=True)[:3].tolist()):
        share, top, word = float(probabilities[answer]), y + 18 + 34 * i, names[answer]
        longest = int((width - 44) / LETTER)
        word = word if len(word) <= longest else word[: longest - 1] + "…"
        parts.append(svg.text(x, top + 12, word, size=11, anchor="start", bold=i == 0))
        parts.append(svg.text(x + width, top + 12, f"{share:.3f}", size=11, anchor="end", bold=i == 0))
        parts.append(svg.rect(x, top + 17, max(1, share * width), 6, fill=svg.BLUE, stroke="none"))
    return "".join(parts)


def cell_at(share, count):
    """Return which of `count` cells side by side lies at this share of their length."""
    return min(int(share * count), count - 1)


def held_cells(shape, place, x, y, width, height, label):
    """Return an area over (rows, columns) of cells that sets `down` and `across`, the place as shares."""
    axes = []
    for name, i, count in zip(("down", "across"), place, shape, strict=True):
        half = 0.5 / count
        axes.append(touch.scale(name, (i + 0.5) / count, 0, 1, step=1 / count, low=half, high=1 - half))
    said = f"{label} at row {place[0]}, column {place[1]}: drag it, or use the arrow keys"
    return touch.area(x, y, width, height, down=axes[0], across=axes[1], label=said)
