"""The convolution of mathematics, seen as an area: food eaten at time t, share of it left at time x."""

import ipywidgets as W
import torch
import torch.nn.functional as F

from helpers.drawing import svg, touch

from ..kit.base import Explorer
from ..kit.parameters import choice, slider
from ..kit.player import player

STEP = 0.05  # hours between samples; the jumps of all shapes lie between two samples
HOURS, BEFORE = 12, 4  # the time axis runs from -BEFORE to HOURS
MOMENT = 0.1  # hours, the step of x and t
LEFT, WIDTH, HEIGHT, GAP = 24, 520, 84, 58
RIGHT, NARROW = 586, 186
SIZE = RIGHT + NARROW + 12, 26 + 3 * HEIGHT + 2 * GAP + 40
TIMES, TICKS = (-BEFORE, HOURS), range(-BEFORE, HOURS + 1, 2)


def _between(t, low, high):
    return ((low <= t) & (t < high)).to(t.dtype)


EATEN = {  # f(t): portions per hour at time t, in hours
    "one meal": lambda t: _between(t, 0, 2),
    "three meals": lambda t: _between(t, 0, 1) + _between(t, 4, 5) + _between(t, 8, 9),
    "more and more": lambda t: _between(t, 0, 4) * t / 4,
}
LEFT_OVER = {  # g(s): share left s hours after it was eaten
    "fades": lambda s: (s >= 0) * torch.exp(-s.clamp(min=0) / 2),
    "shrinks": lambda s: _between(s, 0, 4) * (1 - s / 4),
    "stays 3 hours": lambda s: _between(s, 0, 3),
}


class ConvolutionIntegral(Explorer):
    """Drag g, flipped, over f: their product, its area, and the area as a curve over x follow.

    `result["amount"]` is the integral of f(t)·g(x − t) at x; `result["curve"]` that integral at `result["xs"]`.
    """

    x = slider(3.0, 0.0, 12.0, "x (now)", step=MOMENT, help="hours since the start: the moment at which we look")
    t = slider(1.0, 0.0, 12.0, "t (eaten)", step=MOMENT, help="one moment of eating")
    f = choice("one meal", EATEN, "f: food eaten")
    g = choice("fades", LEFT_OVER, "g: share left")

    def arrange(self):
        """Put the shapes in two rows; x walks by itself, and x and t are set on the picture."""
        c = self.controls
        for name in ("f", "g"):
            c[name].style.description_width, c[name].layout.width = "100px", "520px"
        self.play = player(c["x"], interval=100)
        return W.VBox([c["f"], c["g"], self.play])

    def compute(self, x, t, f, g):
        """Sample f, the flipped g and their product, and integrate by the midpoint rule."""
        eaten, left_over = EATEN[f], LEFT_OVER[g]
        times = midpoints(-BEFORE, HOURS)
        flipped = left_over(x - times)
        product = eaten(times) * flipped
        xs, curve = convolve(eaten, left_over)
        point = torch.tensor([t], dtype=torch.float64)
        return {
            "x": x, "t": t, "f": f, "g": g, "times": times, "eaten": eaten(times), "flipped": flipped,
            "product": product, "amount": (product.sum() * STEP).item(), "xs": xs, "curve": curve,
            "f(t)": eaten(point).item() + 0.0, "g(x-t)": left_over(x - point).item() + 0.0,  # no -0.0
        }  # fmt: skip

    def describe(self, result):
        """Say the chosen moment's share and the whole area."""
        x, t, since = result["x"], result["t"], result["x"] - result["t"]
        return (
            f"At x = {x:g} h, food eaten at t = {t:g} h counts f({t:g}) × g({x:g} − {t:g}) = {result['f(t)']:.3f} × "
            f"{result['g(x-t)']:.3f}; the arguments {t:g} and {svg.number(since)} add up to {x:g}. "
            f"Area under the product: {result['amount']:.3f} portions are left."
        )

    def draw(self, result):
        """Draw three panels over one time axis, and g as it was given beside them."""
        tops = [26 + row * (HEIGHT + GAP) for row in range(3)]
        return svg.picture(
            *SIZE,
            _factors(result, tops[0]), _product(result, tops[1]), _curve(result, tops[2]),
            _given(result, tops[0]), _sentences(result, tops[1]), _areas(result, tops),
            label=self.describe(result),
        )  # fmt: skip


def midpoints(low, high):
    """Return the middles of the steps from low to high."""
    return low + STEP * (torch.arange(round((high - low) / STEP), dtype=torch.float64) + 0.5)


def convolve(f, g):
    """Return (xs, ∫ f(t)·g(x − t) dt at each x), both (n,): a discrete convolution of samples times the step."""
    times = midpoints(0, HOURS)
    kernel = g(times).flip(0)[None, None]  # conv1d slides without flipping: flip here
    curve = F.conv1d(f(times)[None, None], kernel, padding=len(times) - 1)[0, 0, : len(times)] * STEP
    return times + STEP / 2, curve  # two middles add up to the end of a step


def _factors(result, top):
    """f(t), and g seen from x: flipped, its start at t = x."""
    points = zip(result["times"].tolist(), result["eaten"].tolist(), strict=True)
    mirrored = zip(result["times"].tolist(), result["flipped"].tolist(), strict=True)
    place = (LEFT, top, WIDTH, HEIGHT, TIMES, (0, 1.1))
    names = [("f(t): portions per hour", svg.BLUE, ""), ("g(x − t): share of it left at x", svg.ORANGE, "6 3")]
    return (
        svg.axes(*place, xlabel="t, hours", xticks=TICKS, yticks=[0, 1])
        + svg.curve(points, *place, stroke=svg.BLUE, line=2, fill=svg.BLUE, opacity=0.15)
        + svg.curve(mirrored, *place, stroke=svg.ORANGE, line=2, dash="6 3")
        + _moment(result, place, result["f(t)"], svg.BLUE)
        + _moment(result, place, result["g(x-t)"], svg.ORANGE)
        + _now(result, top)
        + _keys(top - 8, names, "drag g")
    )


def _product(result, top):
    """The product, whose area is what is left."""
    points = zip(result["times"].tolist(), result["product"].tolist(), strict=True)
    place = (LEFT, top, WIDTH, HEIGHT, TIMES, (0, 1.1))
    return (
        svg.axes(*place, xlabel="t, hours", xticks=TICKS, yticks=[0, 1])
        + svg.curve(points, *place, stroke=svg.GREEN, line=2, fill=svg.GREEN, opacity=0.4)
        + _moment(result, place, result["f(t)"] * result["g(x-t)"], svg.GREEN)
        + _now(result, top)
        + _keys(top - 8, [("f(t) · g(x − t)", svg.GREEN, "")], "drag t")
    )


def _curve(result, top):
    """The area for every x, with the point at the present one."""
    points = zip(result["xs"].tolist(), result["curve"].tolist(), strict=True)
    place = (LEFT, top, WIDTH, HEIGHT, TIMES, (0, 2.2))
    return (
        svg.axes(*place, xlabel="x, hours", xticks=TICKS, yticks=[0, 1, 2])
        + svg.curve([(-BEFORE, 0), (0, 0), *points], *place, stroke=svg.PURPLE, line=2)
        + _dot(place, result["x"], result["amount"], svg.PURPLE, 5)
        + _now(result, top)
        + _keys(top - 8, [("(f ∗ g)(x): portions left at x", svg.PURPLE, "")], "drag x")
    )


def _given(result, top):
    """g as a function of the hours since eating, not flipped."""
    hours = midpoints(0, 6)
    points = zip(hours.tolist(), LEFT_OVER[result["g"]](hours).tolist(), strict=True)
    place, since = (RIGHT, top, NARROW, HEIGHT, (0, 6), (0, 1.1)), result["x"] - result["t"]
    dot = _dot(place, since, result["g(x-t)"], svg.ORANGE, 4) if 0 <= since <= 6 else ""
    return (
        svg.axes(*place, xlabel="hours since eaten", ylabel="g, as given", yticks=[0, 1], xticks=[0, 2, 4, 6])
        + svg.curve(points, *place, stroke=svg.ORANGE, line=2, dash="6 3")
        + dot
    )


def _sentences(result, top):
    """The chosen moment and the area, in numbers."""
    x, t, since = result["x"], result["t"], result["x"] - result["t"]
    lines = [
        (f"the moment t = {t:g} h", True),
        (f"f({t:g}) = {result['f(t)']:.3f}", False),
        (f"g({x:g} − {t:g}) = {result['g(x-t)']:.3f}", False),
        ("not eaten yet at x" if since < -1e-9 else f"{t:g} + {svg.number(since)} = {x:g} = x", False),
        ("all moments", True),
        (f"area = {result['amount']:.3f} portions left", False),
    ]
    return "".join(
        svg.text(RIGHT - 14, top + 2 + 20 * i, line, size=13, anchor="start", bold=bold)
        for i, (line, bold) in enumerate(lines)
    )


def _areas(result, tops):
    """What a hand may drag: g in the first panel, t in the second, x in the third."""
    x, t = result["x"], result["t"]
    hours = HOURS + BEFORE
    drags = (
        (touch.shift("x", x, 0, HOURS, span=hours, step=MOMENT), f"g, flipped, at x = {x:g} h"),
        (touch.scale("t", t, *TIMES, step=MOMENT, low=0), f"the moment t = {t:g} h"),
        (touch.scale("x", x, *TIMES, step=MOMENT, low=0), f"now, x = {x:g} h"),
    )
    return "".join(
        touch.area(LEFT, top, WIDTH, HEIGHT, across=axis, label=f"{label}: drag it, or use the arrow keys")
        for top, (axis, label) in zip(tops, drags, strict=True)
    )


def _moment(result, place, value, color):
    """A dot at the chosen moment t."""
    return _dot(place, result["t"], value, color, 4)


def _dot(place, u, v, color, size):
    """A filled square with a rim, centred on the data point (u, v)."""
    x, y, width, height, xlim, ylim = place
    left, top = x + svg.scaled(u, xlim) * width, y + height - svg.scaled(v, ylim) * height
    return svg.rect(left - size, top - size, 2 * size, 2 * size, fill=color, line=1)


def _now(result, top):
    """A vertical line at t = x."""
    x = LEFT + svg.scaled(result["x"], TIMES) * WIDTH
    line, late = svg.path([(x, top), (x, top + HEIGHT)], line=1, dash="2 3"), result["x"] > HOURS - 2
    side, anchor = (x - 5, "end") if late else (x + 5, "start")
    return line + svg.text(side, top + 13, f"x = {result['x']:g}", anchor=anchor)


def _keys(y, names, hint):
    """Short lines with their names, side by side; at the right end what the hand can do in the panel."""
    parts, x = [svg.text(LEFT + WIDTH, y, f"↔ {hint}", anchor="end", bold=True)], LEFT
    for name, color, dash in names:
        parts.append(svg.path([(x, y - 4), (x + 22, y - 4)], stroke=color, line=2, dash=dash))
        parts.append(svg.text(x + 27, y, name, anchor="start"))
        x += 64 + 6.4 * len(name)
    return "".join(parts)
