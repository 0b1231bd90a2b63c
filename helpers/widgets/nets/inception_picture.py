"""The picture of the Inception explorer: four paths, their channels joined, and what they cost."""

from helpers.drawing import svg
from helpers.drawing.words import count

SIZE = 800, 406
TOP, ROW = 44, 52  # px: first path's row, and its height
INPUT, FIRST, SECOND, BOX = (4, 104), 128, 258, 104  # left (and width) of the input, left of the two layers, width
JOINED = 408, 38  # left and width of the bar of joined channels
COSTS = {"params": (518, "parameters"), "multiply_adds": (656, "multiply-adds")}  # left of each column
SHARE = 96  # px of a bar that stands for the whole block
BELOW, LEFT, FULL, STEP = 296, 118, 126, 24  # the comparison: top, width of names and of bars, height of a line
SPLIT = svg.GREY


def draw_block(result, label):
    """Return the whole picture for an explorer's result."""
    parts = [_input(result), _joined(result), _headings()]
    for i in range(4):
        parts += [_layers(result, i), _costs(result, i)]
    for x, name in ((0, "params"), (400, "multiply_adds")):
        parts.append(svg.moved(x, BELOW, _comparison(result, name)))
    return svg.picture(*SIZE, *parts, label=label)


def _middle(i):
    """The height at which path i runs."""
    return TOP + ROW * i + ROW / 2 - 4


def _shape(channels, size):
    return f"{channels} × {size} × {size}"


def _input(result):
    """A box for the input; from it a line to each path."""
    x, width = INPUT
    top, bottom, words = _middle(0) - 20, _middle(3) + 20, _shape(result["channels"]["in_channels"], result["size"])
    parts = [svg.rect(x, top, width, bottom - top, fill=SPLIT, opacity=0.15)]
    parts.append(svg.text(x + width / 2, (top + bottom) / 2 - 4, "input", bold=True))
    parts.append(svg.text(x + width / 2, (top + bottom) / 2 + 12, words, size=svg.fit(words, width)))
    parts += [svg.arrow(x + width, _middle(i), FIRST - 3, _middle(i), line=1) for i in range(4)]
    return "".join(parts)


def _layers(result, i):
    """The one or two layers of path i, with the channels that each gives, and the arrow to the joined channels."""
    c, y, color = result["channels"], _middle(i), svg.ACCENTS[i]
    layers = [
        [(FIRST, "1×1", c["c1"])],
        [(FIRST, "1×1", c["reduce3"]), (SECOND, "3×3", c["out3"])],
        [(FIRST, "1×1", c["reduce5"]), (SECOND, "5×5", c["out5"])],
        [(FIRST, "3×3 max pooling", c["in_channels"]), (SECOND, "1×1", c["c4"])],
    ][i]
    parts = []
    for x, name, channels in layers:
        words = _shape(channels, result["size"])
        parts.append(svg.rect(x, y - 19, BOX, 38, fill=color, stroke=color, opacity=0.2, line=1.5))
        parts.append(svg.text(x + BOX / 2, y - 3, name, size=svg.fit(name, BOX - 6), bold=True))
        parts.append(svg.text(x + BOX / 2, y + 12, words, size=min(11, svg.fit(words, BOX))))
    if len(layers) == 2:
        parts.append(svg.arrow(FIRST + BOX, y, SECOND - 3, y, line=1))
    parts.append(svg.arrow(layers[-1][0] + BOX, y, JOINED[0] - 3, y, line=1))
    return "".join(parts)


def _joined(result):
    """One bar of all output channels, a piece for each path, in the order of the concatenation."""
    x, width = JOINED
    top, height = _middle(0) - 20, _middle(3) - _middle(0) + 40
    parts, y = [svg.text(x + width / 2, TOP - 20, f"joined: {result['out']} channels", bold=True)], top
    for color, path in zip(svg.ACCENTS, result["paths"], strict=True):
        piece = height * path["out"] / result["out"]
        parts.append(svg.rect(x, y, width, piece, fill=color, stroke="none"))
        if piece >= 11:
            parts.append(svg.text(x + width + 5, y + piece / 2 + 4, path["out"], size=11, anchor="start"))
        y += piece
    return "".join(parts) + svg.rect(x, top, width, height, line=0.8)


def _headings():
    columns = [svg.text(x, TOP - 20, title, size=11, anchor="start", bold=True) for x, title in COSTS.values()]
    return "".join(columns) + svg.text(FIRST, TOP - 20, "four paths", size=12, anchor="start", bold=True)


def _costs(result, i):
    """What path i costs: a number and its share of the block, in both columns."""
    y, parts = _middle(i), []
    for name, (x, _) in COSTS.items():
        value = result["paths"][i][name]
        share = value / result[name]
        parts.append(svg.text(x, y - 2, f"{count(value)}  ({percent(share)})", size=11, anchor="start"))
        parts.append(svg.rect(x, y + 4, SHARE, 9, stroke=SPLIT, line=0.5))
        parts.append(svg.rect(x, y + 4, max(share * SHARE, 1), 9, stroke="none", fill=svg.ACCENTS[i]))
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
        parts.append(svg.text(LEFT + width + 6, y + 13, behind, size=10, anchor="start", bold=here))
    return "".join(parts)


def percent(share):
    """Return a share in per cent; what is not 0 does not look like 0."""
    return "< 1%" if 0 < share < 0.005 else f"{share:.0%}"


def _factor(ratio):
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.1g}"


def _named(other):
    return f"one {other} layer" if other in ("3×3", "5×5") else other
