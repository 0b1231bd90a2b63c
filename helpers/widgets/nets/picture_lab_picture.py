"""How the picture lab looks: a pad to draw on, the picture that the net sees with handles, the net's answer."""

import math

from helpers.drawing import svg, touch

SIDE, TOP = 252, 58  # px: of both pictures
PAD, SEEN, BARS = 6, 326, 716  # left edges of the pad, of what the net sees, of the bars
ROOM = 26  # px round what the net sees, in which a handle may lie
HANDLE, BAR = 26, 120  # px: side of the area of a handle, length of a full bar
WIDTH, HEIGHT = 930, 372


def draw_lab(result, label):
    """Return the picture of a PictureLab's result."""
    return svg.picture(WIDTH, HEIGHT, _pad(result), _seen(result), _answer(result), label=label)


def _cell(result):
    return SIDE / max(result["picture"].shape)


def _pad(result):
    """The picture as it is, to draw on; a small square shows where the keys' pen stands."""
    image, cell = result["original"], _cell(result)
    height, width = (cell * n for n in image.shape)
    row, column, lowered = result["pen_row"], result["pen_column"], result["pen_down"]
    axes = {
        "across": touch.cells("pen_column", column, image.shape[1]),
        "down": touch.cells("pen_row", row, image.shape[0]), "switch": ("pen_down", lowered),
    }  # fmt: skip
    label = (
        f"drawing pad, the pen {'down' if lowered else 'up'} at row {row}, column {column}: drag to draw; the arrow "
        f"keys move the pen, Space {'lifts' if lowered else 'lowers'} it"
    )
    ink = "#000" if result["pen"] == "erase" else "#fff"
    name = "my drawing" if result["true"] is None else f"{result['name']}: {result['classes'][result['true']]}"
    below = TOP + SIDE
    return "".join([
        svg.text(PAD, 16, name, size=14, anchor="start", bold=True),
        touch.needs("ink", svg.text(PAD, 38, "draw on it: drag", anchor="start")),
        svg.tile(image.numpy(), PAD, TOP, width, height, limit=1.0), svg.rect(PAD, TOP, width, height, stroke=svg.GREY),
        touch.needs("ink", svg.rect(PAD + column * cell, TOP + row * cell, cell, cell, stroke=svg.ORANGE, line=2,
                                    fill=svg.ORANGE if lowered else "none")),
        touch.pad(PAD, TOP, width, height, name="ink", line=result["brush"] * cell, ink=ink, label=label, **axes),
        touch.needs("ink", *(svg.text(PAD, below + y, words, size=11, anchor="start") for y, words in (
            (22, f"by keys: the arrows move the pen, now {'down' if lowered else 'up'};"),
            (38, f"Space {'lifts' if lowered else 'lowers'} it"),
        ))),
        svg.arrow(PAD + SIDE + 12, TOP + SIDE / 2, SEEN - ROOM - 8, TOP + SIDE / 2),
    ])  # fmt: skip


def _seen(result):
    """The picture after the moves, its outline, and three places to take hold of."""
    image, cell = result["picture"], _cell(result)
    (rows, columns), (right, down) = image.shape, (result["right"], result["down"])
    height, width = rows * cell, columns * cell
    label = f"picture, shifted {right} right and {down} down: drag it, or use the arrow keys"
    return "".join([
        svg.text(SEEN, 16, "what the net sees", size=14, anchor="start", bold=True),
        svg.tile(image.numpy(), SEEN, TOP, width, height, limit=1.0),
        svg.rect(SEEN, TOP, width, height, stroke=svg.GREY),
        touch.area(SEEN, TOP, width, height, label=label, across=touch.shift("right", right, -14, 14, span=columns),
                   down=touch.shift("down", down, -14, 14, span=rows)),
        _handles(result, width, height),
        svg.text(SEEN, TOP + SIDE + ROOM + 20, _moves(result), size=11, anchor="start"),
    ])  # fmt: skip


def _moves(result):
    return (
        f"shift {result['right']} right, {result['down']} down; turn (●) {result['rotate']}°; "
        f"scale (■) {result['scale']:.2f}"
    )


def _handles(result, width, height):
    """The outline of the moved picture, a knob above it to turn it and one at its corner to scale it."""
    x, y, cell = SEEN + width / 2, TOP + height / 2, _cell(result)
    centre, turned, scale = (x + result["right"] * cell, y + result["down"] * cell), result["rotate"], result["scale"]
    ways = [(u * width / 2, v * height / 2) for u, v in ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))]
    corners = [_from(centre, way, turned, scale) for way in ways]
    knob = _inside(centre, _from(centre, (0, -height / 2 - 14 / scale), turned, scale), (width, height))
    corner = _inside(centre, corners[2], (width, height))
    edge = svg.clipped(SEEN - ROOM, TOP - ROOM, width + 2 * ROOM, height + 2 * ROOM, svg.path(
        [(a - SEEN + ROOM, b - TOP + ROOM) for a, b in corners], stroke=svg.ORANGE, dash="5 4"))  # fmt: skip
    around = {"low": -180, "high": 180, "step": 5}
    return "".join([
        edge,
        f'<circle cx="{knob[0]:.5g}" cy="{knob[1]:.5g}" r="8" fill="{svg.ORANGE}" stroke="#fff"/>',
        svg.rect(corner[0] - 7, corner[1] - 7, 14, 14, fill=svg.ORANGE, stroke="#fff"),
        _handle(knob, f"turn, {turned}°: drag it, or use the arrow keys",
                touch.turn("rotate", turned, about=_about(knob, centre), **around)),
        _handle(corner, f"scale, {scale:.2f}: drag it, or use the arrow keys",
                touch.spread("scale", scale, 0.5, 2.0, about=_about(corner, centre), step=0.05)),
    ])  # fmt: skip


def _handle(at, label, axis):
    return touch.area(at[0] - HANDLE / 2, at[1] - HANDLE / 2, HANDLE, HANDLE, label=label, across=axis)


def _from(centre, way, degrees, scale):
    """Return where a point lies that is `way` from the centre before it turns, anticlockwise, and is scaled."""
    (u, v), cos, sin = way, math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return centre[0] + scale * (u * cos + v * sin), centre[1] + scale * (v * cos - u * sin)


def _inside(centre, point, sizes):
    """Return the point, drawn towards the centre until it lies in the room round the picture."""
    share = 1.0
    for first, size, a, b in zip((SEEN, TOP), sizes, centre, point, strict=True):
        low, high = first - ROOM + 10, first + size + ROOM - 10
        share = min(share, (high - a) / (b - a) if b > high else (low - a) / (b - a) if b < low else 1.0)
    return tuple(a + share * (b - a) for a, b in zip(centre, point, strict=True))


def _about(handle, centre):
    """Return the centre in shares of the area of a handle."""
    return tuple((c - h) / HANDLE + 0.5 for c, h in zip(centre, handle, strict=True))


def _answer(result):
    """The class in large letters; one row a class: its name, its bar, its number; the true class marked."""
    names, step = result["classes"], SIDE / len(result["classes"])
    parts = [
        svg.text(BARS, 16, "its answer", size=14, anchor="start", bold=True),
        svg.text(BARS, 40, names[result["predicted"]], size=18, anchor="start", bold=True, color=svg.ORANGE),
    ]
    for i, (name, share) in enumerate(zip(names, result["probabilities"].tolist(), strict=True)):
        answer, top = i == result["predicted"], TOP + i * step
        base, fill = top + step / 2 + 4, svg.ORANGE if answer else svg.BLUE
        parts += [
            svg.text(BARS - 8, base, name, size=max(11, svg.fit(name, 96)), anchor="end", bold=answer),
            svg.rect(BARS, top + 3, BAR, step - 6, stroke=svg.GREY, line=0.6),
            svg.rect(BARS, top + 3, share * BAR, step - 6, stroke="none", fill=fill),
            svg.text(BARS + BAR + 8, base, f"{share:.3f}", size=11, anchor="start", bold=answer),
        ]
        if i == result["true"]:
            parts.append(svg.text(BARS + BAR + 46, base, "◂ true", size=11, anchor="start", color=svg.GREEN))
    return "".join(parts)
