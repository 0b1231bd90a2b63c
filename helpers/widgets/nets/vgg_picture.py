"""The picture of a network of VGG blocks: shape and cost of each stage, and its training runs below."""

import math
from typing import NamedTuple

from helpers.drawing import svg

from ..kit.run_picture import HEIGHT as RUNS_HEIGHT
from ..kit.run_picture import WIDTH, draw_runs

BYTES = 4  # of a number in fp32
ROW, TOP = 25, 44
TOWER, WIDEST = 208, 104  # middle and width of the drawn stack
SHAPE = 272
COLUMNS = {"params": 372, "multiply_adds": 516, "activation_bytes": 660}  # x of the bars
TITLES = ("parameters", "multiply-adds", "activations, bytes")
BAR = 58
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


def draw_net(result, says, effort):
    """Return the SVG parts, WIDTH x HEIGHT px; `effort` is a line on what a run costs, or how far it is."""
    parts = [svg.text(4, 18, "the net for one picture", anchor="start", bold=True)]
    parts.append(svg.text(TOWER, 34, "width: side of maps", size=9))
    for x, title in zip((SHAPE, *COLUMNS.values()), ("output", *TITLES), strict=True):
        parts.append(svg.text(x, 34, title, size=11, anchor="start"))
    parts.append(_line(0, "input", result["input"]))
    parts.append(_drawn(0, result["input"][1], result["input"][1], 1, svg.GREY))
    for row, stage in enumerate(result["stages"], 1):
        parts += _stage(row, stage, result)
    parts += _total(result["stages"])
    bottom = TOP + ROWS * ROW + 16
    code = result["code"]
    parts.append(svg.text(4, bottom, code, size=min(11, svg.fit(code, WIDTH - 8)), anchor="start", opacity=0.8))
    parts.append(svg.text(4, bottom + 17, effort, size=11, anchor="start", opacity=0.8))
    return "".join([*parts, svg.moved(0, bottom + 28, draw_runs(result, says))])


def _stage(row, stage, result):
    """The row of one stage: its place in the stack, its shape, its three bars."""
    gone = stage.name.endswith("left out")
    yield _line(row, stage.name, () if gone else stage.output_shape, opacity=0.5 if gone else 1)
    if gone:
        return
    if stage.convolutions:
        yield _drawn(row, stage.side, result["input"][1], stage.convolutions, svg.BLUE, stage.output_shape[0])
    else:
        yield svg.rect(TOWER - 3, TOP + row * ROW + 2, 6, ROW - 4, fill=svg.ORANGE, line=0)
    for name, x in COLUMNS.items():
        longest, value = max(getattr(other, name) for other in result["stages"]), getattr(stage, name)
        width, color = BAR * value / longest, svg.ORANGE if not stage.side else svg.BLUE
        yield svg.rect(x, TOP + row * ROW + 5, max(width, 0.5), ROW - 10, fill=color, line=0)
        yield svg.text(x + width + 5, _baseline(row), f"{value:,}", size=10, anchor="start")


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
        SHAPE, _baseline(row), said, size=11, anchor="start"
    )


def _drawn(row, side, full, bands, color, channels=1):
    """A bar as wide as the maps, of stronger colour for more channels, in as many bands as there are convolutions."""
    width, y, step = max(WIDEST * side / full, 6), TOP + row * ROW + 1, (ROW - 3) / bands
    opacity = 0.25 + 0.75 * math.log2(channels) / 9
    return "".join(
        svg.rect(TOWER - width / 2, y + i * step, width, step - 1, fill=color, opacity=opacity, line=0.6)
        for i in range(bands)
    )


def _baseline(row):
    return TOP + row * ROW + ROW / 2 + 4
