"""How the kernel learner looks: the tables, the loss after each step, the kernel's way through the plane of weights."""

import itertools
import math

import torch

from helpers.drawing import svg, touch

MOST_STEPS = 50
OFF_SCALE = "off the scale"
SMALL, WIDE, HIGH, TOP = 24, 38, 26, 26  # px; wide cells hold numbers with two decimals
TAP = 48  # width of a weight
INPUT, KERNEL, GUESS, EDGES = 8, 234, 368, 672
WIDTH, HEIGHT = EDGES + 7 * WIDE + 8, 572
LOSS = {"x": 54, "y": 230, "width": 450, "height": 280}
PLANE = {"x": 574, "y": 230, "width": 360, "height": 280}
LIMITS = (-18, 6)  # powers of ten of the loss
LOSS_TICKS = {-18: "10⁻¹⁸", -12: "10⁻¹²", -6: "10⁻⁶", 0: "1", 6: "10⁶"}
ACROSS, DOWN = (-1.5, 3.0), (-2.5, 1.0)  # the weights in the plane: first one across, second one up
LEVELS = (0.5, 3, 10)  # of the loss, on the rings


def draw_learner(result, label):
    """Return the picture of a KernelLearner's result."""
    said = svg.text(INPUT, HEIGHT - 8, label, size=13, anchor="start")
    return svg.picture(WIDTH, HEIGHT, _tables(result), _losses(result), _plane(result), said, label=label)


def _tables(result):
    """X ⋆ K = output, beside the wanted edges: row by row on one line."""
    X, middle, weights = result["X"], TOP + 3 * HIGH + 6, [[_rounded(weight) for weight in result["K"][0].tolist()]]
    output = [[_rounded(value) for value in row] for row in result["output"].tolist()]
    return "".join([
        _heading(INPUT, "input X"),
        svg.matrix(X, INPUT, TOP, SMALL, high=HIGH, colors="grey", limit=1),
        svg.text((INPUT + 8 * SMALL + KERNEL) / 2, middle, "⋆", size=18),
        svg.text(KERNEL, TOP + 3 * HIGH - 30, "kernel K", anchor="start"),
        svg.matrix(weights, KERNEL, TOP + 3 * HIGH - 20, TAP, high=40, limit=1.5),
        svg.text((KERNEL + 2 * TAP + GUESS) / 2, middle, "=", size=18),
        _heading(GUESS, "output with K"),
        svg.matrix(output, GUESS, TOP, WIDE, high=HIGH, limit=1.5),
        svg.text((GUESS + 7 * WIDE + EDGES) / 2, middle, "?", size=18),
        _heading(EDGES, "edges Y, wanted"),
        svg.matrix(result["Y"], EDGES, TOP, WIDE, high=HIGH, limit=1.5),
    ])  # fmt: skip


def _rounded(value):
    """Round so that the number has at most five letters: -0.97, -12.3, -123."""
    return round(value, 2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else None)


def _heading(x, name, y=TOP):
    return svg.text(x, y - 8, name, anchor="start")


def _losses(result):
    """The loss after each step, on a scale of powers of ten; what lies off the scale is a triangle at its edge."""
    powers = [(step, math.log10(max(loss, 1e-99))) for step, loss in enumerate(result["losses"])]
    across = (0, MOST_STEPS)
    frame = svg.axes(**LOSS, xlim=across, ylim=LIMITS, xlabel="step", yticks=[])
    labels = [_heading(LOSS["x"], "the loss before the first step and after each", LOSS["y"])]
    for power, name in LOSS_TICKS.items():
        y = LOSS["y"] + (1 - svg.scaled(power, LIMITS)) * LOSS["height"]
        labels.append(svg.text(LOSS["x"] - 6, y + 4, name, size=11, anchor="end"))
    return frame + "".join(labels) + _way(powers, LOSS, across, LIMITS)


def _plane(result):
    """The kernel as a point in the plane of its two weights, on the loss's lines of equal height; its start to drag."""
    way = [tuple(kernel[0].tolist()) for kernel in result["kernels"]]
    goal, rings = tuple(result["target"][0].tolist()), _rings(result["windows"], result["target"])
    place = {"xlim": ACROSS, "ylim": DOWN}
    return "".join([
        svg.axes(**PLANE, **place, xlabel="first weight", ylabel=""),
        _heading(PLANE["x"], "↑ second weight; rings: equal loss", PLANE["y"]),
        svg.text(PLANE["x"] + PLANE["width"], PLANE["y"] - 8, "drag the start", anchor="end", bold=True),
        *(svg.curve(ring, **PLANE, **place, line=0.8, stroke=svg.GREY) for ring in rings),
        *(_level(level, ring) for level, ring in zip(LEVELS, rings, strict=True)),
        _wanted(_place(goal, PLANE, ACROSS, DOWN)),
        _way(way, PLANE, ACROSS, DOWN),
        _start(way[0]),
    ])  # fmt: skip


def _wanted(place):
    return _square(place, 8, svg.GREEN) + svg.text(place[0] + 10, place[1] + 5, "wanted", anchor="start", bold=True)


def _level(level, ring):
    """The loss on a ring, beside its lowest point."""
    x, y = _place(min(ring, key=lambda point: point[1]), PLANE, ACROSS, DOWN)
    return svg.text(x + 4, y + 13, f"{level:g}", size=11, color=svg.GREY)


def _start(point):
    """A ring around the first point, and the plane as the area that drags it."""
    (x, y), (first, second) = _place(point, PLANE, ACROSS, DOWN), point
    across = touch.scale("first", first, *ACROSS, step=0.05)
    down = touch.scale("second", second, *DOWN[::-1], step=0.05)
    label = f"start at {svg.number(first)}, {svg.number(second)}: drag it, or use the arrow keys"
    area = touch.area(PLANE["x"], PLANE["y"], PLANE["width"], PLANE["height"], across=across, down=down, label=label)
    side, anchor = (x - 11, "end") if x > PLANE["x"] + PLANE["width"] - 60 else (x + 11, "start")
    return svg.rect(x - 7, y - 7, 14, 14, line=2) + svg.text(side, y - 4, "start", anchor=anchor, bold=True) + area


def _place(point, panel, across, down):
    """Where a point of data lies in the picture, in pixels; it may lie outside the panel."""
    (u, v), (left, right), (low, high) = point, across, down
    return (panel["x"] + (u - left) / (right - left) * panel["width"],
            panel["y"] + (high - v) / (high - low) * panel["height"])  # fmt: skip


def _way(points, panel, across, down):
    """A line through the points, cut off at the panel's edge, a square at each and a large orange one at the last.

    A point off the scale has no square: a triangle at the edge shows where the line leaves. If it is the last
    point, the triangle is orange, stands in its direction from the middle, and the panel says so.
    """
    places = [_place(point, panel, across, down) for point in points]
    middle = panel["x"] + panel["width"] / 2, panel["y"] + panel["height"] / 2
    lines, marks = [], []
    for start, end in itertools.pairwise(places):
        kept = _inside(start, end, panel)
        if kept:
            lines.append(svg.path(kept, stroke=svg.BLUE))
        if kept and kept[1] != end:
            marks.append(_triangle(*kept, 5, svg.BLUE))
    marks += [_square(place, 5, svg.BLUE) for place in places[:-1] if _inside(place, place, panel)]
    if _inside(places[-1], places[-1], panel):
        marks.append(_square(places[-1], 8, svg.ORANGE))
    else:
        marks.append(_triangle(*_inside(middle, places[-1], panel), 8, svg.ORANGE))
        x, y = panel["x"] + panel["width"] - 6, panel["y"] + panel["height"] - 6
        marks.append(svg.text(x, y, OFF_SCALE, size=11, anchor="end"))
    return "".join(lines + marks)


def _inside(start, end, panel):
    """The part of the line from start to end that lies in the panel, as two points; None if no part does."""
    first, last = 0.0, 1.0
    sides = (panel["x"], panel["width"]), (panel["y"], panel["height"])
    for a, b, (low, size) in zip(start, end, sides, strict=True):
        for room, step in ((a - low, a - b), (low + size - a, b - a)):  # how far to this edge; how far the line goes
            if step == 0 and room < 0:
                return None
            if step > 0:
                last = min(last, room / step)
            if step < 0:
                first = max(first, room / step)
    if first > last:
        return None
    moves = [b - a for a, b in zip(start, end, strict=True)]
    return tuple(end if t == 1 else tuple(a + t * move for a, move in zip(start, moves, strict=True))
                 for t in (first, last))  # fmt: skip


def _square(place, side, fill):
    return svg.rect(place[0] - side / 2, place[1] - side / 2, side, side, fill=fill, stroke="none")


def _triangle(start, tip, size, fill):
    """A triangle that ends at `tip` and points away from `start`."""
    angle = math.atan2(tip[1] - start[1], tip[0] - start[0])
    barbs = [(tip[0] - 1.6 * size * math.cos(angle + turn), tip[1] - 1.6 * size * math.sin(angle + turn))
             for turn in (-0.5, 0.5)]  # fmt: skip
    return svg.path([barbs[0], tip, barbs[1]], stroke=fill, fill=fill, line=0.5)


def _rings(windows, target):
    """Curves of equal loss: ellipses around the target, their axes the eigenvectors of windowsᵀ windows."""
    curvature, directions = torch.linalg.eigh(windows.T @ windows)
    turn = torch.linspace(0, 2 * math.pi, 61, dtype=torch.float64)
    circle = torch.stack([turn.cos(), turn.sin()])
    return [(target.T + directions @ (circle * (level / curvature).sqrt()[:, None])).T.tolist() for level in LEVELS]
