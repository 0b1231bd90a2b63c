"""How the roofline explorer looks: layers as dots under a roof, and the milliseconds of each."""

import math

from helpers.drawing import svg, touch

WIDTH, HEIGHT = 860, 470
AREA = (62, 30, 430, 270)  # x, y, width, height of the plot
BARS = (62, 376, 430, 64)  # the same of the bars, one a convolution of ResNet-18
INTENSITIES = (-2.0, 4.0)  # powers of ten of multiply-adds per byte
SPAN = {"cpu": 5.0}  # powers of ten of multiply-adds per second, below the peak
WIDE_SPAN = 8.0  # the same on GPUs, where a tiny layer lies further below
TEXT = 524  # x of the sentences


def draw_roofline(result, label):
    """Return the picture of a RooflineExplorer's result."""
    top = math.ceil(10 * math.log10(result["peak"])) / 10 + 0.3
    ylim = (top - result["span"], top)
    return svg.picture(WIDTH, HEIGHT, _roof(result, ylim), _dots(result, ylim), _bars(result), _sentences(result),
                       label=label)  # fmt: skip


def _roof(result, ylim):
    ridge, floor = math.log10(result["peak"] / result["bandwidth"]), math.log10(result["bandwidth"])
    roof = [(INTENSITIES[0], INTENSITIES[0] + floor), (ridge, ridge + floor), (INTENSITIES[1], ridge + floor)]
    here = math.log10(result["intensity"])
    limit = [(here, ylim[0]), (here, math.log10(result["roof"]))]
    return "".join([
        svg.axes(*AREA, INTENSITIES, ylim, xlabel="multiply-adds per byte, as a power of ten",
                 ylabel="multiply-adds per second, as a power of ten"),
        svg.curve(inside(roof, ylim), *AREA, INTENSITIES, ylim, stroke=svg.BLUE, line=2.5),
        svg.curve(limit, *AREA, INTENSITIES, ylim, stroke=svg.GREY, line=1, dash="3 3"),
    ])  # fmt: skip


def inside(points, ylim):
    """Return the polyline with its first point moved along its first line up to the lower limit, if it lies below."""
    (x0, y0), (x1, y1), *rest = points
    if y0 < ylim[0] < y1:
        x0, y0 = x0 + (ylim[0] - y0) * (x1 - x0) / (y1 - y0), ylim[0]
    return [(x0, y0), (x1, y1), *rest]


def _dots(result, ylim):
    """A circle for each convolution of ResNet-18 that differs, a square for the own layer; the chosen one ringed."""
    x, y, width, height = AREA
    parts, layers = [], result["layers"]
    for number, (intensity, reached) in reversed(list(enumerate(result["points"]))):
        if number and layers.index(layers[number], 1) < number:
            continue
        left = x + svg.scaled(math.log10(intensity), INTENSITIES) * width
        top = y + height - svg.scaled(math.log10(reached), ylim) * height
        name = f"dot, convolution {number} of ResNet-18" if number else "square, your layer"
        axis = touch.cells("layer", result["layer"], 1, low=number, high=number, offset=number)
        parts += [
            f'<circle cx="{left:.5g}" cy="{top:.5g}" r="5" fill="{svg.GREEN}" stroke="none"/>' if number
            else svg.rect(left - 6, top - 6, 12, 12, fill=svg.ORANGE, stroke="none"),
            f'<circle cx="{left:.5g}" cy="{top:.5g}" r="10" fill="none" stroke="currentColor" stroke-width="2"/>'
            if layers[number] == layers[result["layer"]] else "",
            touch.area(left - 8, top - 8, 16, 16, across=axis, hover=True, label=f"{name}: point at it"),
        ]  # fmt: skip
    return "".join(parts)


def _bars(result):
    """The milliseconds of each convolution of ResNet-18, front to back; the chosen one with an edge."""
    x, y, width, height = BARS
    layers, points = result["layers"][1:], result["points"][1:]
    times = [1000 * layer.multiply_adds / reached for layer, (_, reached) in zip(layers, points, strict=True)]
    step, most, parts = width / len(times), max(times), []
    for i, time in enumerate(times):
        edge = 2 if i + 1 == result["layer"] else 0
        parts.append(svg.rect(x + i * step + 2, y + height * (1 - time / most), step - 4, height * time / most,
                              fill=svg.GREEN, line=edge))  # fmt: skip
    chosen = f", convolution {result['layer']}" if result["layer"] else ""
    axis = touch.cells("layer", result["layer"], len(times), low=1, high=len(times), offset=1)
    total = f"{layers[0].batch_size} pictures: {sum(times):.3g} ms in {len(times)} convolutions, the longest {most:.3g}"
    return "".join([
        svg.text(x, y - 10, f"ResNet-18, {total}", size=11, anchor="start"), *parts,
        svg.path([(x, y + height), (x + width, y + height)], line=0.8),
        svg.text(x, y + height + 18, "front", size=11, anchor="start"),
        svg.text(x + width, y + height + 18, "back", size=11, anchor="end"),
        touch.area(*BARS, across=axis, hover=True,
                   label=f"times of ResNet-18{chosen}: point at a bar, or use the arrow keys"),
    ])  # fmt: skip


def _sentences(result):
    """The numbers beside the plot."""
    number, layer = result["layer"], result["layers"][result["layer"]]
    shape, pixels = str(layer).rsplit(" channels, ", 1)
    lines = [
        (f"convolution {number} of ResNet-18" if number else "your layer", True), (f"{shape} channels", False),
        (f"{pixels}, {layer.batch_size} pictures", False), ("", False),
        (f"{result['multiply_adds']:,} multiply-adds", False),
        (f"{result['bytes']:,} bytes read and written", False),
        (f"{result['intensity']:.3g} multiply-adds per byte", False), ("", False),
        ("this device", True), (f"{rate(result['peak'])} at its best", False),
        (f"{result['bandwidth'] / 1e9:,.4g} GB/s from and to memory", False), ("", False),
        (f"roof: {rate(result['roof'])}", True), (f"set by {result['limited_by']}", False),
        (f"measured: {rate(result['rate'])}", True), (f"{share(result)} of the roof", False),
    ]  # fmt: skip
    parts = [svg.text(TEXT, 42 + 20 * i, line, anchor="start", bold=bold) for i, (line, bold) in enumerate(lines)]
    y = BARS[1] + 20
    return "".join([
        *parts, svg.rect(TEXT, y - 10, 12, 12, fill=svg.ORANGE, stroke="none"),
        svg.text(TEXT + 22, y, "your layer, set above", anchor="start"),
        f'<circle cx="{TEXT + 6}" cy="{y + 18}" r="5" fill="{svg.GREEN}" stroke="none"/>',
        svg.text(TEXT + 22, y + 22, "convolutions of ResNet-18: point at one", anchor="start"),
    ])  # fmt: skip


def share(result):
    """Return how much of the roof was reached, in words: 61%, 0.3%."""
    return f"{100 * result['rate'] / result['roof']:.2g}%" if result["rate"] < result["roof"] / 100 else (
        f"{result['rate'] / result['roof']:.0%}")  # fmt: skip


def rate(value):
    """Return multiply-adds per second in words: 61.3 G/s."""
    power = min(4, max(0, int(math.log10(value)) // 3))
    return f"{value / 1000**power:.3g} {('', 'k', 'M', 'G', 'T')[power]}/s"
