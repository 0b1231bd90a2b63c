"""The picture of the Inception explorer: four paths whose numbers are dragged, their channels joined, their costs."""

from helpers.drawing import svg, touch
from helpers.drawing.words import count

SIZE = 960, 452
TOP, ROW, BOX_HEIGHT = 50, 60, 48  # px: first path's row, its height, and that of a layer's box
INPUT, FIRST, SECOND, BOX = (4, 124), 152, 306, 128  # left (and width) of the input, left of the two layers, width
JOINED = 470, 40  # left and width of the bar of joined channels
COSTS = {"params": (590, "parameters"), "multiply_adds": (780, "multiply-adds")}  # left of each column
SHARE = 150  # px of a bar that stands for the whole block
BELOW, HALF, LEFT, FULL, STEP = 334, 480, 118, 140, 27  # the comparison: top, width of a half, of names and of bars,
# height of a line
SPLIT = svg.GREY
SPAN = 2 * BOX  # channels that a drag across a box adds: two a px
LARGEST = {"in_channels": 1024, "c1": 512, "reduce3": 512, "out3": 512, "reduce5": 256, "out5": 256, "c4": 256,
           "size": 112}  # fmt: skip


def draw_block(result, label):
    """Return the whole picture for an explorer's result."""
    parts = [_input(result), _joined(result), _headings()]
    for i in range(4):
        parts += [_layers(result, i), _costs(result, i)]
    for x, name in ((0, "params"), (HALF, "multiply_adds")):
        parts.append(svg.moved(x, BELOW, _comparison(result, name)))
    return svg.picture(*SIZE, *parts, label=label)


def _middle(i):
    """The height at which path i runs."""
    return TOP + ROW * i + ROW / 2 - 4


def _input(result):
    """A box for the input, whose channels and size are dragged; from it a line to each path."""
    (x, width), size = INPUT, result["size"]
    top, bottom = _middle(0) - BOX_HEIGHT / 2, _middle(3) + BOX_HEIGHT / 2
    middle = (top + bottom) / 2
    parts = [svg.rect(x, top, width, bottom - top, fill=SPLIT, opacity=0.15)]
    parts.append(svg.text(x + width / 2, top + 30, "input", bold=True))
    parts.append(_dragged("in_channels", result["channels"]["in_channels"], "channels", x, middle - 44, width, "input"))
    parts.append(_dragged("size", size, f"× {size} pixels", x, middle + 20, width, "height and width", 24))
    parts += [svg.arrow(x + width, _middle(i), FIRST - 3, _middle(i), line=1) for i in range(4)]
    return "".join(parts)


def _dragged(name, at, unit, x, y, width, label, span=SPAN):
    """A number with its unit between two marks that say that it can be dragged, and the area to do so."""
    axis = touch.shift(name, at, 1, LARGEST[name], span=span)
    said = f"{label}, {name} {at}: drag it to the side, or use the arrow keys"
    return (
        svg.text(x + width / 2, y + 18, f"◂ {at} ▸", size=14, bold=True)
        + svg.text(x + width / 2, y + 33, unit, size=11)
        + touch.area(x + 1, y, width - 2, 40, across=axis, label=said)
    )


def _layers(result, i):
    """The one or two layers of path i, with the channels that each gives, and the arrow to the joined channels."""
    y, color = _middle(i), svg.ACCENTS[i]
    layers = [
        [(FIRST, "1×1", "c1")],
        [(FIRST, "1×1", "reduce3"), (SECOND, "3×3", "out3")],
        [(FIRST, "1×1", "reduce5"), (SECOND, "5×5", "out5")],
        [(FIRST, "3×3 max pooling", None), (SECOND, "1×1", "c4")],
    ][i]
    parts = [_layer(result, i, *layer) for layer in layers]
    if len(layers) == 2:
        parts.append(svg.arrow(FIRST + BOX, y, SECOND - 3, y, line=1))
    parts.append(svg.arrow(layers[-1][0] + BOX, y, JOINED[0] - 3, y, line=1, stroke=color))
    return "".join(parts)


def _layer(result, i, x, kind, name):
    """The box of one layer of path i; the number of its channels is dragged, unless it is that of the input."""
    top, color = _middle(i) - BOX_HEIGHT / 2, svg.ACCENTS[i]
    box = svg.rect(x, top, BOX, BOX_HEIGHT, fill=color, stroke=color, opacity=0.2, line=1.5)
    if name is None:
        words = f"{result['channels']['in_channels']} channels"
        return box + svg.text(x + BOX / 2, top + 20, kind, bold=True) + svg.text(x + BOX / 2, top + 37, words, size=11)
    return box + _dragged(name, result["channels"][name], f"channels by {kind}", x, top + 4, BOX,
                          f"path {i + 1}, {kind}")  # fmt: skip


def _joined(result):
    """One bar of all output channels, a piece for each path, in the order of the concatenation."""
    x, width = JOINED
    top, height = _middle(0) - BOX_HEIGHT / 2, _middle(3) - _middle(0) + BOX_HEIGHT
    parts, y = [svg.text(x, TOP - 20, f"joined: {result['out']}", anchor="start", bold=True)], top
    for color, path in zip(svg.ACCENTS, result["paths"], strict=True):
        piece = height * path["out"] / result["out"]
        parts.append(svg.rect(x, y, width, piece, fill=color, stroke="none"))
        if piece >= 11:
            parts.append(svg.text(x + width + 5, y + piece / 2 + 4, path["out"], size=11, anchor="start"))
        y += piece
    return "".join(parts) + svg.rect(x, top, width, height, line=0.8)


def _headings():
    columns = [svg.text(x, TOP - 20, title, size=11, anchor="start", bold=True) for x, title in COSTS.values()]
    words = "four paths: drag a number to the side"
    return "".join(columns) + svg.text(FIRST, TOP - 20, words, anchor="start", bold=True)


def _costs(result, i):
    """What path i costs: a number and its share of the block, in both columns."""
    y, parts = _middle(i), []
    for name, (x, _) in COSTS.items():
        value = result["paths"][i][name]
        share = value / result[name]
        parts.append(svg.text(x, y - 2, f"{count(value)}  ({percent(share)})", size=11, anchor="start"))
        parts.append(svg.rect(x, y + 5, SHARE, 10, stroke=SPLIT, line=0.5))
        parts.append(svg.rect(x, y + 5, max(share * SHARE, 1), 10, stroke="none", fill=svg.ACCENTS[i]))
    return "".join(parts)


def _comparison(result, name):
    """The block beside the single layers of the same width, as bars of which the longest is full."""
    costs = {"this block": result, **{_named(other): cost for other, cost in result["others"].items()}}
    longest = max(cost[name] for cost in costs.values())
    parts = [svg.text(4, 0, f"{COSTS[name][1]}, for the same width", anchor="start", bold=True)]
    for i, (title, cost) in enumerate(costs.items()):
        y, value, here = 10 + STEP * i, cost[name], cost is result
        width, color = max(value / longest * FULL, 1), svg.ORANGE if here else svg.BLUE
        behind = count(value) + ("" if here else f" ({_factor(value / result[name])} ×)")
        parts.append(svg.text(LEFT - 6, y + 13, title, size=11, anchor="end", bold=here))
        parts.append(svg.rect(LEFT, y, width, STEP - 7, fill=color, stroke="none"))
        parts.append(svg.text(LEFT + width + 6, y + 13, behind, size=11, anchor="start", bold=here))
    return "".join(parts)


def percent(share):
    """Return a share in per cent; what is not 0 does not look like 0."""
    return "< 1%" if 0 < share < 0.005 else f"{share:.0%}"


def _factor(ratio):
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.1g}"


def _named(other):
    return f"one {other} layer" if other in ("3×3", "5×5") else other
