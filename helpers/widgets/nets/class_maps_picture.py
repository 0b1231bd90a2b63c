"""Draw what `ClassMaps` shows: pictures to drag, the maps of all classes, one of them enlarged, the probabilities."""

import math

import numpy as np

from helpers.drawing import svg, touch

from ..kit.bars import named_bars
from ..kit.thumbnails import HEIGHT as THUMBNAILS

WIDTH, HIGH = 960, 430  # px; of what stands above the small pictures
SIDE = 160  # px of one picture, of which two have room
PICTURE, ENLARGED = (2, 24), (2, 220)  # left and top
LEFT, TOP, ACROSS = 336, 40, 384  # px; of all maps together
COLUMNS, STEP = 3, (130, 82)  # maps side by side; px from one to the next, across and down
TILE = 122, 61  # px of a map at most: two pictures are twice as wide as high
SCALE = 366  # px from the top to the colour bar
BARS = (815, 28, 62, 300)  # x, y, width, height


def draw_maps(result, names, halves, pictures, seconds):
    """Return width, height in px and the SVG parts; `halves` are lines on both halves, `seconds` further pictures."""
    return WIDTH, HIGH + 2 * THUMBNAILS, [
        _picture(result, names), _enlarged(result, names, halves), _tiles(result, names),
        _scale_bar(result["maps"]),
        svg.text(LEFT, HIGH - 8, f"to choose from: {result['browsed']}", size=11, anchor="start"),
        _bars(result, names),
        svg.moved(0, HIGH, pictures.draw(result["index"], WIDTH)),
        svg.moved(0, HIGH + THUMBNAILS, _seconds(result, seconds)),
    ]  # fmt: skip


def _seconds(result, seconds):
    """The pictures to put beside the first one, and a button to take it away."""
    number = -1 if result["second"] is None else result["second"]
    parts = [seconds.draw(number, WIDTH, "second pictures", none=True)]
    if number >= 0:
        parts.append(svg.text(WIDTH - 70, 12, "✕ take it away", size=11))
        parts.append(touch.button(WIDTH - 124, 0, 108, 17, label="take the second picture away", second=-1))
    return "".join(parts)


def _picture(result, names):
    """The picture with its number and true class, to be dragged; beside it the second one, or room for it."""
    (x, y), image, two = PICTURE, result["pixels"], result["second"] is not None
    zoom = SIDE / max(len(image), image.shape[1] / (1 + two))
    title = f"{result['row']}: {names[result['true']]}"
    title += f" · {result['second']}: {names[result['second_true']]}" if two else ""
    title = f"{title} · ↔ drag {'each' if two else 'it'}"
    width = image.shape[1] / (1 + two)
    parts = [svg.text(x, 14, title, size=max(11, svg.fit(title, 2 * SIDE)), anchor="start"),
             _fitted(image, x, y, zoom, limit=1.0)]  # fmt: skip
    if not two:
        parts.append(svg.rect(x + SIDE + 2, y, SIDE - 2, SIDE, stroke=svg.GREY, line=0.8, dash="4 4"))
        for i, line in enumerate(("room for a second one:", "click it in the last row")):
            parts.append(svg.text(x + 1.5 * SIDE, y + 75 + 16 * i, line, size=11, opacity=0.8))
    held = [("picture", "right", 0, (0, width) if two else (-(width // 2), width // 2))]
    held += [("second picture", "second_right", width, (-width, 0))] if two else []
    for label, name, home, (low, high) in held:
        right = result[name]
        left, end = max(home + right, 0), min(home + right + width, image.shape[1])
        axis = touch.shift(name, right, int(low), int(high), span=end - left)
        said = f"{label}, shifted {right} px to the right: drag it, or use the arrow keys"
        parts.append(touch.area(x + zoom * left, y, zoom * (end - left), zoom * len(image), across=axis, label=said))
    return "".join(parts)


def _enlarged(result, names, halves):
    """The chosen class's map laid over the picture, which shows through."""
    (x, y), chosen, image = ENLARGED, result["chosen"], result["pixels"]
    two = result["second"] is not None
    zoom = SIDE / max(len(image), image.shape[1] / (1 + two))
    one = result["maps"][chosen].numpy()
    high, wide = zoom * len(image), zoom * image.shape[1]
    layer = svg.tile(one, x, y, wide, high, **_colors(result["maps"]))
    button = "" if result["by_rank"] else svg.text(x + 2 * SIDE, y - 8, "↺ the answer", size=11, anchor="end")
    if button:
        button += touch.button(x + 2 * SIDE - 82, y - 22, 84, 18, label="enlarge the answer", chosen=-1, rank=1)
    lines = halves or ["drag the picture: where does the red go?"]
    words = [f"left, right half: {line}" for line in halves] if halves else lines
    return (
        svg.text(x, y - 8, f"evidence for {names[chosen]}", anchor="start", bold=True, color=svg.ORANGE)
        + button + _fitted(image, x, y, zoom, limit=1.0) + f'<g opacity="0.6">{layer}</g>'
        + "".join(svg.text(x, y + SIDE + 16 + 15 * i, line, size=11, anchor="start") for i, line in enumerate(words))
    )  # fmt: skip


def _tiles(result, names):
    """All class maps, each with its class and its mean; the chosen one is framed."""
    (across, down), (width, height) = STEP, TILE
    parts = [svg.text(LEFT, 14, "class maps, one scale; mean = logit · click one", anchor="start")]
    for i, (one, name) in enumerate(zip(result["maps"], names, strict=True)):
        x, y, chosen = LEFT + across * (i % COLUMNS), TOP + down * (i // COLUMNS), i == result["chosen"]
        edge = {"stroke": svg.ORANGE, "line": 3} if chosen else {"stroke": svg.GREY, "line": 0.8}
        zoom, mean = min(width / one.shape[1], height / one.shape[0]), svg.number(round(float(result["logits"][i]), 2))
        longest = int(across / 6.8) - len(mean) - 2
        name = name if len(name) <= longest else name[: longest - 1] + "…"
        parts.append(svg.text(x, y - 6, f"{name}  {mean}", size=11, bold=chosen, anchor="start"))
        parts.append(_fitted(one, x, y, zoom, **_colors(result["maps"])))
        parts.append(svg.rect(x, y, zoom * one.shape[1], zoom * one.shape[0], **edge))
    axis = touch.tiles("chosen", result["chosen"], len(names), COLUMNS)
    label = f"class maps, {names[result['chosen']]}: click one, or use the arrow keys"
    rows = math.ceil(len(names) / COLUMNS)
    parts.append(touch.ghost("class", svg.rect(LEFT - 3, TOP - 18, across - 2, down - 2, stroke=svg.ORANGE, line=1.2)))
    parts.append(touch.area(LEFT - 3, TOP - 18, across * COLUMNS, down * rows, across=axis, label=label,
                            ghost=("class", across, down)))  # fmt: skip
    return "".join(parts)


def _scale_bar(maps):
    """The colours of all maps and the values that they stand for."""
    colors = _colors(maps)
    steps = np.linspace(-colors["limit"], colors["limit"], 128)[None]
    limit = svg.number(round(colors["limit"], 2))
    ticks = ((LEFT, f"-{limit}", "start"), (LEFT + ACROSS / 2, "0", "middle"), (LEFT + ACROSS, limit, "end"))
    return (
        svg.tile(steps, LEFT, SCALE, ACROSS, 10, **colors)
        + "".join(svg.text(x, SCALE + 24, value, size=11, anchor=anchor) for x, value, anchor in ticks)
        + svg.text(LEFT + ACROSS / 2, SCALE + 38, "blue lowers the logit · red raises it", size=11)
    )


def _bars(result, names):
    """The probabilities as bars, the enlarged class in orange, the true ones marked."""
    x, y, width, height = BARS
    parts = [svg.text(x, 14, "probability", anchor="start"),
             named_bars(result["probabilities"].tolist(), result["chosen"], names, BARS, (0.0, 1.0))]  # fmt: skip
    for true in dict.fromkeys(label for label in (result["true"], result["second_true"]) if label is not None):
        place = y + (true + 1) * height / len(names) - 7
        parts.append(svg.text(x + width + 50, place, "◂ true", size=11, anchor="start", color=svg.GREEN))
    axis = touch.cells("chosen", result["chosen"], len(names))
    label = f"probabilities, {names[result['chosen']]}: click one, or use the arrow keys"
    return "".join([*parts, touch.area(x - 92, y, WIDTH - x + 90, height, down=axis, label=label)])


def _colors(maps):
    """The palette and limit that all maps of a picture share."""
    return {"colors": "signed", "limit": float(maps.abs().max()) or 1.0}


def _fitted(image, x, y, zoom, **colors):
    """An image (H, W), `zoom` px a pixel."""
    return svg.tile(image.numpy(), x, y, zoom * image.shape[1], zoom * image.shape[0], **colors)
