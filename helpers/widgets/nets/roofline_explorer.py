"""A convolution under the roof of this machine: is it limited by arithmetic or by memory?"""

import math
from statistics import median

import ipywidgets as W
import torch
from torch.nn import functional as F

from helpers.drawing import svg
from helpers.scaling.levers import calls_of_a_run, copy_rate, peak_rate, seconds_a_call
from helpers.training import try_gpu

from ..kit.base import Explorer, choice, slider, switch
from ..kit.layout import side_by_side

WIDTH, HEIGHT = 800, 372
AREA = (62, 30, 430, 290)  # x, y, width, height of the plot
INTENSITIES = (-2.0, 4.0)  # powers of ten of multiply-adds per byte
SPAN = {"cpu": 5.0}  # powers of ten of multiply-adds per second, below the peak
WIDE_SPAN = 8.0  # the same on GPUs, where a tiny layer lies further below
TEXT = 520  # x of the sentences
RUNS, MOST = 3, 0.15  # how many timed runs there are, and the seconds of all
LARGEST = {"cpu": 16}  # pictures at a time
LARGEST_ON_GPUS = 512  # where the call itself takes longer than the work on a few


class RooflineExplorer(Explorer):
    """How fast can one convolution be on this device, how fast is it, and what limits it?

    The roof is the smaller of two measured rates: the multiply-adds per second of a large product of matrices or a
    large convolution, and what memory feeds, bytes per second times multiply-adds per byte (Williams, Waterman and
    Patterson 2009). `result` holds "multiply_adds" and "bytes" of one forward pass, "intensity", their ratio, "peak"
    and "bandwidth", "roof", the "rate" that was measured in multiply-adds per second, and "limited_by". Each setting
    is measured once. A layer can lie above a roof that is itself measured, as when its numbers stay in a cache.
    """

    channels = choice(32, [1, 8, 32, 128], "channels", help="of the input and of the output")
    kernel_size = choice(3, [1, 3, 5], "kernel size")
    side = choice(28, [7, 14, 28], "height and width")
    batch_size = slider(4, 1, LARGEST_ON_GPUS, "batch size")
    depthwise = switch(False, "depthwise", help="each channel its own kernel")
    dtype = choice("float32", ["float32", "bfloat16"], "numbers")

    def __init__(self, device=None, **values):
        self.device = torch.device(device or try_gpu())
        self._rates, self._peaks, self.bandwidth = {}, {}, copy_rate(self.device)
        super().__init__(**values)

    def arrange(self):
        """Put the layer above, the batch and the numbers below."""
        c = self.controls
        rows = ("channels", "kernel_size", "side"), ("batch_size", "dtype", "depthwise")
        return W.VBox([side_by_side([c[name] for name in row]) for row in rows])

    def limits(self, **values):
        """A batch is as large as suits the device."""
        return {"batch_size": (1, LARGEST.get(self.device.type, LARGEST_ON_GPUS))}

    def compute(self, channels, kernel_size, side, batch_size, depthwise, dtype):
        """Count the layer's work and bytes, and time it if that has not been done."""
        groups = channels if depthwise else 1
        weights = channels * (channels // groups) * kernel_size**2
        work = batch_size * side**2 * weights
        size = getattr(torch, dtype).itemsize * (2 * batch_size * channels * side**2 + weights)
        if dtype not in self._peaks:
            self._peaks[dtype] = peak_rate(self.device, getattr(torch, dtype), seconds=0.3)
        key = (channels, kernel_size, side, batch_size, depthwise, dtype)
        if key not in self._rates:
            self._rates[key] = work / size, work / self.seconds(*key)
        peak, intensity = self._peaks[dtype], work / size
        return {
            "multiply_adds": work, "bytes": size, "intensity": intensity, "peak": peak, "bandwidth": self.bandwidth,
            "roof": min(peak, intensity * self.bandwidth), "rate": self._rates[key][1], "dtype": dtype,
            "limited_by": "arithmetic" if intensity * self.bandwidth > peak else "memory",
            "others": [point for other, point in self._rates.items() if other[-1] == dtype and other != key],
        }  # fmt: skip

    def seconds(self, channels, kernel_size, side, batch_size, depthwise, dtype):
        """Return the seconds of a forward pass, the median of a few runs of several passes each."""
        groups, number = (channels if depthwise else 1), getattr(torch, dtype)
        generator = torch.Generator().manual_seed(0)
        X = torch.randn(batch_size, channels, side, side, generator=generator).to(self.device, number)
        K = torch.randn(channels, channels // groups, kernel_size, kernel_size, generator=generator)
        K = K.to(self.device, number)

        def forward():
            return F.conv2d(X, K, padding=kernel_size // 2, groups=groups)

        with torch.inference_mode():
            calls, times = calls_of_a_run(forward, self.device), []
            while len(times) < RUNS and calls * sum(times) < MOST:
                times.append(seconds_a_call(forward, self.device, calls))
        return median(times)

    def describe(self, result):
        """Say the work, the bytes, the roof and what was reached."""
        return (
            f"{result['multiply_adds']:,} multiply-adds on {result['bytes']:,} bytes: "
            f"{svg.number(result['intensity'])} per byte. Roof {rate(result['roof'])}, set by "
            f"{result['limited_by']}; measured {rate(result['rate'])}, {share(result)} of it."
        )

    def draw(self, result):
        """Draw the roof over the intensity, the layers measured so far, and this one."""
        top = math.ceil(10 * math.log10(result["peak"])) / 10 + 0.3
        ylim = (top - SPAN.get(self.device.type, WIDE_SPAN), top)
        ridge = math.log10(result["peak"] / result["bandwidth"])
        floor = math.log10(result["bandwidth"])
        roof = [(INTENSITIES[0], INTENSITIES[0] + floor), (ridge, ridge + floor), (INTENSITIES[1], ridge + floor)]
        here = math.log10(result["intensity"])
        limit = [(here, ylim[0]), (here, math.log10(result["roof"]))]
        return svg.picture(
            WIDTH, HEIGHT,
            svg.axes(*AREA, INTENSITIES, ylim, xlabel="multiply-adds per byte, as a power of ten",
                     ylabel="multiply-adds per second, as a power of ten"),
            svg.curve(inside(roof, ylim), *AREA, INTENSITIES, ylim, stroke=svg.BLUE, line=2.5),
            svg.curve(limit, *AREA, INTENSITIES, ylim, stroke=svg.GREY, line=1, dash="3 3"),
            *(dot(point, ylim, svg.GREY, 6) for point in result["others"]),
            dot((result["intensity"], result["rate"]), ylim, svg.ORANGE, 11),
            *sentences(result),
            label=self.describe(result),
        )  # fmt: skip


def inside(points, ylim):
    """Return the polyline with its first point moved along its first line up to the lower limit, if it lies below."""
    (x0, y0), (x1, y1), *rest = points
    if y0 < ylim[0] < y1:
        x0, y0 = x0 + (ylim[0] - y0) * (x1 - x0) / (y1 - y0), ylim[0]
    return [(x0, y0), (x1, y1), *rest]


def dot(point, ylim, color, size):
    """Return a square at (intensity, rate)."""
    x, y, width, height = AREA
    left = x + svg.scaled(math.log10(point[0]), INTENSITIES) * width
    top = y + height - svg.scaled(math.log10(point[1]), ylim) * height
    return svg.rect(left - size / 2, top - size / 2, size, size, fill=color, stroke="none")


def sentences(result):
    """Return the numbers beside the plot."""
    lines = [
        ("the layer, one forward pass", True), (f"{result['multiply_adds']:,} multiply-adds", False),
        (f"{result['bytes']:,} bytes read and written", False),
        (f"{svg.number(result['intensity'])} multiply-adds per byte", False), ("", False),
        ("this device", True), (f"{rate(result['peak'])} at its best", False),
        (f"{result['bandwidth'] / 1e9:,.4g} GB/s from and to memory", False), ("", False),
        (f"roof: {rate(result['roof'])}", True), (f"set by {result['limited_by']}", False),
        (f"measured: {rate(result['rate'])}", True), (f"{share(result)} of the roof", False),
        ("", False), ("orange: this layer, grey: measured before", False),
    ]  # fmt: skip
    return [svg.text(TEXT, 42 + 20 * i, line, anchor="start", bold=bold) for i, (line, bold) in enumerate(lines)]


def share(result):
    """Return how much of the roof was reached, in words: 61%, 0.3%."""
    return f"{100 * result['rate'] / result['roof']:.2g}%" if result["rate"] < result["roof"] / 100 else (
        f"{result['rate'] / result['roof']:.0%}")  # fmt: skip


def rate(value):
    """Return multiply-adds per second in words: 61.3 G/s."""
    power = min(4, max(0, int(math.log10(value)) // 3))
    return f"{value / 1000**power:.3g} {('', 'k', 'M', 'G', 'T')[power]}/s"
