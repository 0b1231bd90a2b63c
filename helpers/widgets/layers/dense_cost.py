"""What one dense layer on a photo costs, beside a convolution with as many units."""

import math

from helpers.drawing import svg
from helpers.drawing.words import COUNTS, UNITS, count, memory

from ..kit.base import Explorer, slider

BYTES = 4  # of a number in fp32
COPIES = 3  # weights, gradients, momentum
DECADES = 15  # the bars run from 1 to 10^15
GPU_BYTES = 80e9
SIZE, LEFT, WIDTH, BAR = (700, 250), 132, 400, 15
PANELS = {  # quantity of a layer: title of its pair of bars
    "weights": "weights to learn",
    "training_bytes": "memory in training, fp32: weights, gradients, momentum",
    "multiply_adds": "multiply-adds for one photo",
}


class DenseCost(Explorer):
    """Weights, training memory and multiply-adds of a dense layer and of a convolution, on a log scale.

    Both have `hidden` units: the dense layer one number each, the convolution one map each, as large as the photo.
    `result` holds a dict of counts for "dense" and for "convolution", biases left out.
    """

    megapixels = slider(12.0, 0.1, 50.0, "megapixels", step=0.1)
    channels = slider(3, 1, 16, "channels", help="1 for grey, 3 for red, green, blue, more for satellite pictures")
    hidden = slider(100, 10, 1000, "hidden units", step=10)
    kernel_size = slider(3, 1, 11, "kernel size", step=2)

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
        size, photo = result["kernel_size"], f"{result['pixels'] / 1e6:g} megapixels × {result['channels']} channels"
        return (
            f"{photo}, {result['hidden']} hidden units: the dense layer has {count(dense['weights'])} weights, "
            f"{memory(dense['bytes'])}, {memory(dense['training_bytes'])} in training; the {size}×{size} convolution "
            f"has {count(convolution['weights'])}, {memory(convolution['training_bytes'])} in training. Multiply-adds "
            f"for one photo: {count(dense['multiply_adds'])} against {count(convolution['multiply_adds'])}."
        )

    def draw(self, result):
        """Draw three pairs of bars over one axis of powers of ten."""
        parts, top = [], 20
        for quantity, title in PANELS.items():
            parts.append(svg.text(LEFT, top, title, size=11, anchor="start", bold=True))
            parts.append(_pair(result, quantity, top + 8))
            top += 68
        parts += [_gpu_line(20 + 68), _axis(20, top - 14)]
        return svg.picture(*SIZE, *parts, label=self.describe(result))


def _layer(weights, multiply_adds):
    size = weights * BYTES
    return {"weights": weights, "bytes": size, "training_bytes": COPIES * size, "multiply_adds": multiply_adds}


def _pair(result, quantity, top):
    """The dense layer's bar and under it the convolution's."""
    in_bytes, size, parts = quantity == "training_bytes", result["kernel_size"], []
    names = {"dense": "dense layer", "convolution": f"{size}×{size} convolution"}
    for (kind, name), color in zip(names.items(), svg.ACCENTS, strict=False):
        value = result[kind][quantity]
        end, mark = _place(value), _place(GPU_BYTES)
        after = mark if in_bytes and kind == "dense" and end < mark < end + 150 else end  # not across the mark
        number = f"{memory(value)} = {COPIES} × {memory(result[kind]['bytes'])}" if in_bytes else count(value)
        parts.append(svg.text(LEFT - 8, top + 12, name, size=11, anchor="end"))
        parts.append(svg.rect(LEFT, top, end - LEFT, BAR, fill=color, stroke="none"))
        parts.append(svg.text(after + 6, top + 12, number, size=11, anchor="start"))
        top += BAR + 4
    return "".join(parts)


def _gpu_line(top):
    """A mark across the dense layer's bar in the memory panel, at what a GPU with GPU_BYTES holds."""
    x = _place(GPU_BYTES)
    note = svg.text(SIZE[0] - 4, top, f"dashed: a GPU with {memory(GPU_BYTES)}", size=10, anchor="end")
    return svg.path([(x, top + 4), (x, top + 12 + BAR)], dash="3 3") + note


def _axis(top, bottom):
    """Powers of a thousand, as a count above and in bytes below."""
    parts = [svg.path([(LEFT, bottom), (LEFT + WIDTH, bottom)], line=0.8)]
    for power in range(0, DECADES + 1, 3):
        x = _place(10**power)
        parts.append(svg.path([(x, bottom), (x, bottom + 4)], line=0.8))
        parts.append(svg.text(x, bottom + 16, f"1{COUNTS[power // 3]}", size=10))
        parts.append(svg.text(x, bottom + 29, f"1 {UNITS[power // 3]}", size=10, opacity=0.75))
    return "".join(parts)


def _place(value):
    """Where a value lies on the axis, in px."""
    return LEFT + svg.scaled(math.log10(value), (0, DECADES)) * WIDTH
