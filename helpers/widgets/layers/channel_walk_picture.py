"""How the channel walk looks: input channels with their slices, the sum of their products, the output maps."""

from helpers.drawing import svg, touch

SIDE, ROW, TOP = 128, 164, 24  # of an input channel and of what belongs to it, px
CELL = 42  # of a slice and of its products
LARGEST_CELL, WIDE, HIGH = 42, 44, 32  # of the input at most; of an output map
INPUT, SLICE, PRODUCTS, OUTPUT = 8, 168, 284, 618  # left edges
SUBTOTAL, SUM, SUM_WIDTH = 398, 520, 128  # middles of numbers
MOST = 3  # channels
WIDTH, HEIGHT = OUTPUT + 4 * WIDE + 8, MOST * ROW + 2
MIDDLE = (MOST - 1) * ROW / 2 + TOP + CELL  # of the sum: beside the middle channel's products


def draw_walk(result, label):
    """Return the picture of a ChannelWalk's result."""
    channels, maps = len(result["X"]), len(result["Y"])
    parts = [_channel(result, c, _top(c, channels)) for c in range(channels)]
    parts += [_map(result, o, _top(o, maps)) for o in range(maps)]
    hint = svg.text((PRODUCTS + OUTPUT) / 2 + 52, TOP - 8, "drag a window, click a map", bold=True)
    return svg.picture(WIDTH, HEIGHT, *parts, _sum(result), _arrow(result), hint, label=label)


def expression(result, channel):
    """Return the products of one channel as a sum: 0·0 + 1·1 + 3·2 + 4·3."""
    weights = result["K"][result["place"][0], channel].flatten().tolist()
    pairs = zip(result["window"][channel].flatten().tolist(), weights, strict=True)
    return " + ".join(f"{x:g}·{k:g}" for x, k in pairs)


def equation(result):
    """Return the subtotals, the bias and the output number: 19 + 37 + bias 0 = 56."""
    o = result["place"][0]
    terms = f"{_subtotals(result)} + bias {result['b'][o]:g}"
    return f"{terms} = {result['Y'][result['place']]:g}"


def _top(index, count):
    """Where the index-th of `count` maps begins; fewer than three stand around the middle."""
    return TOP + (index + (MOST - count) / 2) * ROW


def _channel(result, channel, top):
    """An input channel with its window, the slice for it, their products and the subtotal."""
    X, (o, i, j) = result["X"], result["place"]
    cell, limit = _cell(X.shape[-1]), (X.max() * result["K"].max()).item()
    middle, side = top + CELL + 6, result["K"].shape[-1]
    return "".join([
        _heading(INPUT, top, f"input X[{channel}]"),
        svg.matrix(X[channel], INPUT, top, cell, colors="grey", limit=X.max().item()),
        svg.frame(INPUT, top, i, j, side, side, cell, line=3),
        touch.ghost("window", svg.rect(INPUT, top, side * cell, side * cell, stroke=svg.ORANGE)),
        svg.text((INPUT + SIDE + SLICE) / 2, middle, "×", size=18),
        _heading(SLICE, top, f"slice K[{o}, {channel}]"),
        svg.matrix(result["K"][o, channel], SLICE, top, CELL, limit=result["K"].max().item()),
        svg.text((SLICE + 2 * CELL + PRODUCTS) / 2, middle, "=", size=18),
        _heading(PRODUCTS, top, "products"),
        svg.matrix(result["products"][channel], PRODUCTS, top, CELL, limit=limit),
        svg.text(SLICE, top + 2 * CELL + 19, expression(result, channel), anchor="start"),
        svg.text(SUBTOTAL, middle, f"{result['subtotals'][channel]:g}", size=18, bold=True),
        _line(top + CELL),
        _window(result, channel, top, cell),
    ])  # fmt: skip


def _window(result, channel, top, cell):
    """The area that drags the window: its upper left cell follows the pointer."""
    side, (_, i, j) = len(result["X"][channel]), result["place"]
    label = f"window of channel {channel} at row {i}, column {j}: drag it, or use the arrow keys"
    return _place_area(INPUT, top, side, (cell, cell), result, label)


def _place_area(x, top, side, cell, result, label):
    """An area of side × side cells that sets the place in the output; what belongs to the pointer's cell shows."""
    (last, _), (_, i, j), input_cell = result["Y"].shape[1:], result["place"], _cell(result["X"].shape[-1])
    down, across = touch.cells("row", i, side, high=last - 1), touch.cells("column", j, side, high=last - 1)
    return touch.area(x, top, side * cell[0], side * cell[1], across=across, down=down, label=label,
                      ghost=("window", input_cell, input_cell))  # fmt: skip


def _line(y):
    """From a subtotal to the sum."""
    beside, above = (SUM - SUM_WIDTH / 2, MIDDLE), (SUM, MIDDLE + (-46 if y < MIDDLE else 40))
    return svg.path([(SUBTOTAL + 26, y), beside if y == MIDDLE else above], stroke=svg.GREY, line=1.2)


def _map(result, o, top):
    """An output map with its bias; in the chosen one an element is framed, the others are chosen by a click."""
    Y, (chosen, i, j) = result["Y"], result["place"]
    side, here = len(Y[o]), {"bold": True, "color": svg.ORANGE} if o == chosen else {}
    table = svg.matrix(Y[o], OUTPUT, top, WIDE, high=HIGH, limit=Y.abs().max().item() or 1.0)
    title = _heading(OUTPUT, top, f"output Y[{o}], bias {result['b'][o]:g}", **here)
    if o != chosen:
        return title + table + touch.button(OUTPUT, top - 20, side * WIDE, side * HIGH + 20, pressed=False, output=o,
                                            label=f"output map {o}: click to choose it")  # fmt: skip
    frame = svg.rect(OUTPUT + j * WIDE, top + i * HIGH, WIDE, HIGH, stroke=svg.ORANGE, line=3)
    label = f"element of output map {o} at row {i}, column {j}: drag it, or use the arrow keys"
    return title + table + frame + _place_area(OUTPUT, top, side, (WIDE, HIGH), result, label)


def _sum(result):
    """The subtotals and the bias, added up."""
    value, bias = result["Y"][result["place"]], result["b"][result["place"][0]]
    lines = [_subtotals(result), f"+ bias {bias:g}", f"= {value:g}"]
    sizes, colors = (12, 12, 22), ("currentColor", "currentColor", svg.ORANGE)
    heights = (MIDDLE - 26, MIDDLE - 6, MIDDLE + 24)
    return "".join(
        svg.text(SUM, y, line, size=size, color=color, bold=size > 12)
        for y, line, size, color in zip(heights, lines, sizes, colors, strict=True)
    )


def _arrow(result):
    """From the sum to the chosen map."""
    (maps, side), o = result["Y"].shape[:2], result["place"][0]
    y = _top(o, maps) + side * HIGH / 2
    return svg.arrow(SUM + SUM_WIDTH / 2 - 8, MIDDLE + 14, OUTPUT - 8, y, stroke=svg.ORANGE, line=2)


def _cell(side):
    return min(LARGEST_CELL, SIDE / side)


def _subtotals(result):
    return " + ".join(f"{total:g}" for total in result["subtotals"].tolist())


def _heading(x, top, name, **style):
    return svg.text(x, top - 8, name, anchor="start", **style)
