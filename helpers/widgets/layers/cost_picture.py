"""How the cost calculator looks: for each quantity the formula with numbers to drag, and a bar for each kind."""

from helpers.drawing import svg, touch
from helpers.drawing.words import count, memory

BYTES = 4  # of a number in fp32
PLAIN, GROUPED, SEPARABLE = KINDS = "plain", "grouped", "depthwise-separable"
PARAMETERS, WORK, MEMORY = "parameters", "multiply-adds", "activation memory, fp32"
FORMULAS = {  # of each quantity for each kind; a ² belongs to the symbol before it
    PARAMETERS: {
        PLAIN: "cₒ · cᵢ · k² + cₒ",
        GROUPED: "cₒ · cᵢ · k² / g + cₒ",
        SEPARABLE: "cᵢ · k² + cᵢ + cₒ · cᵢ + cₒ",
    },
    WORK: {
        PLAIN: "cₒ · cᵢ · k² · m² · N",
        GROUPED: "cₒ · cᵢ · k² / g · m² · N",
        SEPARABLE: "( cᵢ · k² + cₒ · cᵢ ) · m² · N",
    },
    MEMORY: {
        PLAIN: "4\u00a0B · cₒ · m² · N",
        GROUPED: "4\u00a0B · cₒ · m² · N",
        SEPARABLE: "4\u00a0B · ( cᵢ + cₒ ) · m² · N",
    },
}
NUMBERS = {  # a symbol in the formulas: its name in the result, the parameter, what it is, steps for a drag of 24 px
    "cᵢ": ("c_i", "in_channels", "input channels", 24),
    "cₒ": ("c_o", "out_channels", "output channels", 24),
    "k": ("k", "kernel_size", "kernel size", 4),
    "m": ("m", "size", "height = width of the maps", 12),
    "N": ("N", "batch", "pictures in the batch", 12),
}
LEGEND = "from cᵢ to cₒ channels, k×k kernel, m×m maps, N pictures, g groups"
LEFT, FULL, BAR, PANEL, TOP = 160, 360, 15, 138, 16  # px
BOX, CHIP, SIGN = 24, 42, 18  # height of a number's box, its width, that of a sign
SIZE = 760, TOP + len(FORMULAS) * PANEL + 14


def draw_costs(result, label, ranges):
    """Return the picture of a CostCalculator's result; `ranges` holds the ends of each parameter."""
    parts = [_panel(result, quantity, TOP + PANEL * i, ranges) for i, quantity in enumerate(FORMULAS)]
    code = result["code"]
    parts.append(svg.text(4, SIZE[1] - 8, code, size=min(12, svg.fit(code, SIZE[0] - 8)), anchor="start"))
    parts.append(svg.text(LEFT - 52, TOP, LEGEND, anchor="start"))
    parts.append(svg.text(SIZE[0] - 4, TOP, "↕ drag a number, click a bar", anchor="end", bold=True))
    return svg.picture(*SIZE, *parts, label=label)


def in_words(counts):
    """Return the counts of a layer as a list in words."""
    numbers = ((name, _number(name, value)) for name, value in counts.items())
    return ", ".join(number if name == MEMORY else f"{number} {name}" for name, number in numbers)


def _panel(result, quantity, top, ranges):
    """The formula, and a bar for each kind."""
    title = svg.text(4, top, quantity, anchor="start", bold=True)
    return title + _formula(result, quantity, top + 20, ranges) + _bars(result, quantity, top + 62)


def _formula(result, quantity, top, ranges):
    """The chosen kind's formula, and below each symbol its number, in a box if it can be dragged."""
    x, parts = 8, []
    for token in FORMULAS[quantity][result["kind"]].split(" "):
        symbol, square = token.rstrip("²"), "²" if token.endswith("²") else ""
        wide = CHIP + 8 * bool(square) if symbol in NUMBERS else SIGN + 10 * (len(token) > 1)
        middle = x + (CHIP if symbol in NUMBERS else wide) / 2
        parts.append(svg.text(middle, top, token, size=14))
        if symbol in NUMBERS:
            parts.append(_chip(result, quantity, symbol, x, top + 6, ranges))
            parts.append(svg.text(x + CHIP + 5, top + 19, square) if square else "")
        else:
            parts.append(svg.text(middle, top + 23, str(result["symbols"]["g"]) if symbol == "g" else token))
        x += wide
    total = _number(quantity, result[result["kind"]][quantity])
    return "".join(parts) + svg.text(x + 6, top + 23, f"= {total}", anchor="start", bold=True)


def _chip(result, quantity, symbol, x, top, ranges):
    """A number in a box that follows a drag up or down."""
    short, parameter, what, steps = NUMBERS[symbol]
    value, (low, high) = result["symbols"][short], ranges[parameter]
    axis = touch.shift(parameter, value, low, high, span=-steps, step=2 if symbol == "k" else 1)
    label = f"{what}, {symbol} = {value}, in {quantity}: drag it up or down, or use the arrow keys"
    return "".join([
        svg.rect(x, top, CHIP, BOX, stroke=svg.GREY, line=1.2),
        svg.text(x + CHIP / 2, top + 17, value, size=13),
        touch.area(x, top, CHIP, BOX, down=axis, label=label),
    ])  # fmt: skip


def _bars(result, quantity, top):
    """A bar for each kind, to scale; a click on its row chooses the kind."""
    longest, parts = max(result[name][quantity] for name in KINDS), []
    for i, name in enumerate(KINDS):
        value, y, here = result[name][quantity], top + i * (BAR + 5), name == result["kind"]
        label = f"{GROUPED}, g = {result['symbols']['g']}" if name == GROUPED else name
        behind = "" if name == PLAIN else f"  ({value / result[PLAIN][quantity]:.3g} × plain)"
        width, color = max(value / longest * FULL, 1), svg.ORANGE if here else svg.BLUE
        parts.append(svg.text(LEFT - 8, y + 12, label, anchor="end", bold=here))
        parts.append(svg.rect(LEFT, y, width, BAR, stroke="none", fill=color))
        parts.append(svg.text(LEFT + width + 6, y + 12, _number(quantity, value) + behind, anchor="start", bold=here))
        parts.append(touch.button(4, y - 2, SIZE[0] - 8, BAR + 4, label=f"{name} in {quantity}: click to choose it",
                                  pressed=here, kind=name))  # fmt: skip
    return "".join(parts)


def _number(quantity, value):
    return memory(value) if quantity == MEMORY else count(value)
