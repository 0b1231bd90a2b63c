"""The picture of a network of VGG blocks: choices, shape and cost of each stage, and its training runs below."""

import math
from typing import NamedTuple

from helpers.drawing import svg, touch

from ..kit.run_picture import HEIGHT as RUNS_HEIGHT
from ..kit.run_picture import WIDTH as RUNS_WIDTH
from ..kit.run_picture import draw_runs

BYTES = 4  # of a number in fp32
WIDTH, ROW, TOP = 960, 27, 44
CONVOLUTIONS, CHANNELS = (62, 84), (158, 180)  # left and width of what is chosen in the row of a block
UNITS = CONVOLUTIONS[0], 320  # and in that of the dense layers, whose stack is narrow
TOWER, WIDEST = 394, 96  # middle and width of the drawn stack
SHAPE = 452
COLUMNS = {"params": 552, "multiply_adds": 682, "activation_bytes": 828}  # x of the bars
TITLES = ("parameters", "multiply-adds", "activations, bytes")
BAR = 44
ROWS = 10  # input, five blocks, three dense layers, total
HEIGHT = TOP + ROWS * ROW + 44 + RUNS_HEIGHT


class Stage(NamedTuple):
    """One block or dense layer, for one picture: what `describe_net` says, summed over its layers."""

    name: str
    convolutions: int  # 0 in a dense layer and in a block that is left out
    side: int  # of the maps that the convolutions see, 0 in a dense layer
    output_shape: tuple[int, ...]
    params: int
    multiply_adds: int
    activation_bytes: int


def stages(layers, in_channels, side, hidden, num_classes, batch_norm):
    """Return the `Stage`s of `vgg` for the blocks `layers`, (convolutions, channels) each; 0 leaves a block out."""
    made, channels = [], in_channels
    for number, (convolutions, size) in enumerate(layers, 1):
        made.append(_block(number, convolutions, channels, size, side, batch_norm))
        channels, side = made[-1].output_shape[:2]
    inputs = channels * side * side
    for number, outputs in enumerate((hidden, hidden, num_classes), 1):
        relu = number < 3
        counts = outputs * (inputs + 1), outputs * inputs, BYTES * outputs * (1 + relu)
        made.append(Stage(f"dense {number}" if relu else "output", 0, 0, (outputs,), *counts))
        inputs = outputs
    return made


def _block(number, convolutions, channels, size, side, batch_norm):
    """Convolutions with ReLU, each normalised on demand, then pooling."""
    if not convolutions:
        return Stage(f"block {number}: left out", 0, side, (channels, side, side), 0, 0, 0)
    weights = 9 * size * (channels + size * (convolutions - 1))
    params = weights + convolutions * size * (3 if batch_norm else 1)  # bias, scale and shift
    maps = size * (side**2 * convolutions * (3 if batch_norm else 2) + (side // 2) ** 2)
    name = f"block {number}: {convolutions} × conv 3×3"
    return Stage(name, convolutions, side, (size, side // 2, side // 2), params, weights * side**2, BYTES * maps)


def draw_net(result, says, effort, options):
    """Return the SVG parts, WIDTH x HEIGHT px; `effort` is a line on what a run costs, or how far it is.

    `options` are the values that each parameter of `result["settings"]` can take.
    """
    parts = [svg.text(4, 18, "the net for one picture: click the numbers", anchor="start", bold=True)]
    parts.append(svg.text(TOWER, 34, "maps to scale", size=11))
    heads = (CONVOLUTIONS[0], "3×3 convs"), (CHANNELS[0], "channels of each"), (SHAPE, "output")
    for x, title in (*heads, *zip(COLUMNS.values(), TITLES, strict=True)):
        parts.append(svg.text(x, 34, title, size=11, anchor="start"))
    parts.append(_line(0, "input", result["input"]))
    parts.append(_drawn(0, result["input"][1], result["input"][1], 1, svg.GREY))
    for row, stage in enumerate(result["stages"], 1):
        parts += _stage(row, stage, result)
        parts.append(_choices(row, result["settings"], options))
    parts += _total(result["stages"])
    bottom = TOP + ROWS * ROW + 16
    parts.append(svg.text(4, bottom, result["code"], size=11, anchor="start", opacity=0.8))
    parts.append(svg.text(4, bottom + 17, effort, size=11, anchor="start", opacity=0.8))
    return "".join([*parts, svg.moved((WIDTH - RUNS_WIDTH) / 2, bottom + 28, draw_runs(result, says))])


def _choices(row, settings, options):
    """What can be chosen in this row: convolutions and channels of a block, the units of both dense layers."""
    if row <= 5:
        convs, channels = f"convs{row}", f"channels{row}"
        gone = not settings[convs]
        return _choice(row, CONVOLUTIONS, convs, settings[convs], options[convs], f"block {row}, convolutions") + (
            _choice(row, CHANNELS, channels, settings[channels], options[channels], f"block {row}, channels", gone)
        )
    hidden = settings["hidden"]
    if row == 6:
        return _choice(row, UNITS, "hidden", hidden, options["hidden"], "dense layers, units")
    words = f"{hidden}, as dense 1" if row == 7 else "one for each class"
    return svg.text(UNITS[0] + 4, _baseline(row), words, size=11, anchor="start", opacity=0.8)


def _choice(row, place, name, at, options, label, gone=False):
    """The values side by side, the chosen one framed; faint where it changes nothing."""
    (x, width), y = place, TOP + row * ROW + 2
    step, parts = width / len(options), [svg.rect(x, y, width, ROW - 4, stroke=svg.GREY, line=0.8)]
    for i, value in enumerate(options):
        here, middle = value == at, x + (i + 0.5) * step
        if here:
            parts.append(svg.rect(x + i * step, y, step, ROW - 4, fill=svg.ORANGE, stroke=svg.ORANGE, line=2,
                                  opacity=0.15))  # fmt: skip
        parts.append(svg.text(middle, _baseline(row), value, size=11, bold=here, opacity=0.45 if gone else 1))
    said = f"{label} {at}: click a number, or use the arrow keys"
    return "".join(parts) + touch.area(x, y, width, ROW - 4, across=touch.steps(name, at, options), label=said)


def _stage(row, stage, result):
    """The row of one stage: its place in the stack, its shape, its three bars."""
    gone = stage.name.endswith("left out")
    name = stage.name.split(":")[0]
    yield _line(row, name, ("left out",) if gone else stage.output_shape, opacity=0.6 if gone else 1)
    if gone:
        return
    bands, color = (stage.convolutions, svg.BLUE) if stage.convolutions else (1, svg.ORANGE)
    yield _drawn(row, stage.side or 1, result["input"][1], bands, color, stage.output_shape[0])
    for name, x in COLUMNS.items():
        longest, value = max(getattr(other, name) for other in result["stages"]), getattr(stage, name)
        width = BAR * value / longest
        yield svg.rect(x, TOP + row * ROW + 6, max(width, 0.5), ROW - 12, fill=color, line=0)
        yield svg.text(x + width + 5, _baseline(row), f"{value:,}", size=11, anchor="start")


def _total(made):
    """The last row: sums."""
    yield svg.path([(4, TOP + (ROWS - 1) * ROW), (WIDTH - 4, TOP + (ROWS - 1) * ROW)], line=0.8)
    yield svg.text(4, _baseline(ROWS - 1), "total", anchor="start", bold=True)
    for name, x in COLUMNS.items():
        total = sum(getattr(stage, name) for stage in made)
        yield svg.text(x, _baseline(ROWS - 1), f"{total:,}", size=11, anchor="start", bold=True)


def _line(row, name, shape, opacity=1):
    """The name and the output shape."""
    said = " × ".join(map(str, shape))
    return svg.text(4, _baseline(row), name, size=11, anchor="start", opacity=opacity) + svg.text(
        SHAPE, _baseline(row), said, size=11, anchor="start", opacity=opacity
    )


def _drawn(row, side, full, bands, color, channels=1):
    """A bar as wide as the maps, of stronger colour for more channels, in as many bands as there are convolutions.

    A unit of a dense layer is a map of one pixel.
    """
    width, y, step = max(WIDEST * side / full, 1.5), TOP + row * ROW + 1, (ROW - 3) / bands
    opacity = min(1, 0.25 + 0.75 * math.log2(channels) / 9)
    return "".join(
        svg.rect(TOWER - width / 2, y + i * step, width, step - 1, fill=color, opacity=opacity, line=0.6)
        for i in range(bands)
    )


def _baseline(row):
    return TOP + row * ROW + ROW / 2 + 4
