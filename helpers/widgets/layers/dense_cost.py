"""What one dense layer on a photo costs, beside a convolution with as many units."""

import math

import ipywidgets as W

from helpers.drawing import svg, touch
from helpers.drawing.words import COUNTS, UNITS, count, memory

from ..kit.base import Explorer
from ..kit.layout import side_by_side
from ..kit.parameters import slider

BYTES = 4  # of a number in fp32
COPIES = 3  # weights, gradients, momentum
DECADES = 15  # the bars run from 1 to 10^15
GPU_BYTES = 80e9
SIZE, LEFT, WIDTH, BAR = (850, 300), 228, 420, 18  # px
PANEL, TOP, FACTOR = 80, 22, LEFT + WIDTH + 44
MEGAPIXELS, KERNELS = (0.1, 50.0), (1, 11)
PANELS = {  # quantity of a layer: title of its pair of bars
    "weights": "weights to learn",
    "training_bytes": "memory in training, fp32: weights, gradients, momentum",
    "multiply_adds": "multiply-adds for one photo",
}


class DenseCost(Explorer):
    """Weights, training memory and multiply-adds of a dense layer and of a convolution; drag a bar on the log scale.

    A drag of a bar of the dense layer changes the photo, one of the convolution its kernel.

    Both have `hidden` units: the dense layer one number each, the convolution one map each, as large as the photo.
    `result` holds a dict of counts for "dense" and for "convolution", biases left out.
    """

    megapixels = slider(12.0, *MEGAPIXELS, "megapixels", step=0.1)
    channels = slider(3, 1, 16, "channels", help="1 for grey, 3 for red, green, blue, more for satellite pictures")
    hidden = slider(100, 10, 1000, "hidden units", step=10)
    kernel_size = slider(3, *KERNELS, "kernel size", step=2)

    def arrange(self):
        """Put the sliders in two columns of equal tracks."""
        c = self.controls
        for control in c.values():
            control.style.description_width, control.layout.width = "100px", "400px"
        c["megapixels"].readout_format = ".1f"
        pairs = ("megapixels", "channels"), ("kernel_size", "hidden")
        return W.VBox([side_by_side([c[name] for name in pair]) for pair in pairs])

    def compute(self, megapixels, channels, hidden, kernel_size):
        """Count what each layer needs."""
        pixels = round(megapixels * 1e6)
        dense, kernels = pixels * channels * hidden, kernel_size**2 * channels * hidden
        return {
            "pixels": pixels, "channels": channels, "hidden": hidden, "kernel_size": kernel_size,
            "dense": _layer(dense, dense),
            "convolution": _layer(kernels, kernels * pixels),
        }  # fmt: skip

    def describe(self, result):
        """Say the counts of both layers."""
        dense, convolution = result["dense"], result["convolution"]
        size, channels = result["kernel_size"], f"{result['channels']} channel{'' if result['channels'] == 1 else 's'}"
        photo = f"{result['pixels'] / 1e6:g} megapixels × {channels}"
        return (
            f"{photo}, {result['hidden']} hidden units: the dense layer has {count(dense['weights'])} weights, "
            f"{memory(dense['bytes'])}, {memory(dense['training_bytes'])} in training; the {size}×{size} convolution "
            f"has {count(convolution['weights'])}, {memory(convolution['training_bytes'])} in training. Multiply-adds "
            f"for one photo: {count(dense['multiply_adds'])} against {count(convolution['multiply_adds'])}."
        )

    def draw(self, result):
        """Draw three pairs of bars over one axis of powers of ten, and how many times the longer one is."""
        tops = [TOP + PANEL * i for i in range(len(PANELS))]
        parts = [_axis(tops)]
        for top, (quantity, title) in zip(tops, PANELS.items(), strict=True):
            parts.append(svg.text(LEFT, top, title, anchor="start", bold=True))
            parts += [_pair(result, quantity, top + 9), _factor(result, quantity, top + 9)]
        parts.append(_gpu(result, tops[1] + 9))
        parts.append(svg.text(LEFT + WIDTH, TOP, "↔ drag a bar", anchor="end", bold=True))
        return svg.picture(*SIZE, *parts, label=self.describe(result))


def _layer(weights, multiply_adds):
    size = weights * BYTES
    return {"weights": weights, "bytes": size, "training_bytes": COPIES * size, "multiply_adds": multiply_adds}


def _pair(result, quantity, top):
    """The dense layer's bar and under it the convolution's, each with its number and an area to drag it."""
    names = {"dense": "dense layer", "convolution": f"{result['kernel_size']}×{result['kernel_size']} convolution"}
    parts = []
    for (kind, name), color in zip(names.items(), svg.ACCENTS, strict=False):
        number = _number(quantity, result[kind][quantity])
        parts.append(svg.text(LEFT - 108, top + 13, name, anchor="end"))
        parts.append(svg.text(LEFT - 8, top + 13, number, anchor="end", bold=True))
        parts.append(svg.rect(LEFT, top, _place(result[kind][quantity]) - LEFT, BAR, fill=color, stroke="none"))
        label = f"{name}, {PANELS[quantity].split(',')[0]}: {number}, drag its bar or use the arrow keys"
        across = _axis_of(kind, result, quantity)
        parts.append(touch.area(LEFT, top, WIDTH, BAR, across=across, label=label))
        top += BAR + 4
    return "".join(parts)


def _axis_of(kind, result, quantity):
    """What a drag of a bar changes: the photo's size, or the kernel's, so far that the bar ends at the pointer."""
    value = result[kind][quantity]
    if kind == "dense":
        megapixels = result["pixels"] / 1e6
        first, last = megapixels / value, megapixels / value * 10**DECADES
        return touch.scale("megapixels", megapixels, first, last, step=0.1, low=MEGAPIXELS[0], high=MEGAPIXELS[1],
                           log=True)  # fmt: skip
    size = result["kernel_size"]
    first, last = size / value**0.5, size / value**0.5 * 10 ** (DECADES / 2)  # its counts grow as its square
    return touch.scale("kernel_size", size, first, last, step=2, low=KERNELS[0], high=KERNELS[1], log=True)


def _factor(result, quantity, top):
    """How many times the shorter bar's number is in the longer one's: a log scale does not show it."""
    dense, convolution = result["dense"][quantity], result["convolution"][quantity]
    more = "dense layer" if dense > convolution else "convolution"
    said, below = f"× {count(round(max(dense, convolution) / min(dense, convolution)))}", f"for the {more}"
    if dense == convolution:
        said, below = "equal", ""
    edge, bottom = FACTOR - 8, top + 2 * BAR + 4
    return (
        svg.path([(edge - 6, top), (edge, top), (edge, bottom), (edge - 6, bottom)])
        + svg.text(FACTOR, top + 17, said, size=14, anchor="start", bold=True)
        + svg.text(FACTOR, top + 34, below, anchor="start")
    )


def _gpu(result, top):
    """A mark across the dense layer's bar at what a GPU with GPU_BYTES holds, and whether it does."""
    x, holds = _place(GPU_BYTES), result["dense"]["training_bytes"] <= GPU_BYTES
    said = f"{memory(GPU_BYTES)} GPU: {'holds it' if holds else 'too small'}"
    mark = svg.path([(x, top - 4), (x, top + 2 * BAR + 18)], line=2, dash="3 3")
    return mark + svg.text(x + 6, top + 2 * BAR + 18, said, anchor="start")


def _number(quantity, value):
    return memory(value) if quantity == "training_bytes" else count(value)


def _axis(tops):
    """Lines behind each pair of bars at powers of a thousand, with the count and the bytes that they stand for."""
    parts, bottom = [], tops[-1] + PANEL - 28
    for power in range(0, DECADES + 1, 3):
        x = _place(10**power)
        parts += [svg.path([(x, top + 8), (x, top + PANEL - 28)], stroke=svg.GREY, line=0.6) for top in tops]
        parts.append(svg.text(x, bottom + 16, f"1{COUNTS[power // 3]}", size=11))
        parts.append(svg.text(x, bottom + 31, f"1 {UNITS[power // 3]}", size=11))
    parts.append(svg.text(LEFT - 8, bottom + 16, "each line: × 1,000", size=11, anchor="end"))
    return "".join(parts)


def _place(value):
    """Where a value lies on the axis, in px."""
    return LEFT + svg.scaled(math.log10(value), (0, DECADES)) * WIDTH
