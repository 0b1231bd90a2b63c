"""A convolution under the roof of this machine: is it limited by arithmetic or by memory?"""

import ipywidgets as W
import torch
import traitlets as T

from helpers.scaling.levers import copy_rate, peak_rate
from helpers.training import try_gpu

from ..kit.base import Explorer
from ..kit.layout import side_by_side
from ..kit.parameters import choice, slider, switch
from .roofline_layers import Convolution, convolutions_of_resnet18
from .roofline_picture import SPAN, WIDE_SPAN, draw_roofline, rate, share

LARGEST = {"cpu": 16}  # pictures at a time
LARGEST_ON_GPUS = 512  # where the call itself takes longer than the work on a few
RESNET_BATCH = {"cpu": 4}  # pictures on which the layers of ResNet-18 are timed
RESNET_BATCH_ON_GPUS = 256
NUM_LAYERS = 20  # convolutions of ResNet-18


class RooflineExplorer(Explorer):
    """How fast can one convolution be on this device, how fast is it, and what limits it?

    The roof is the smaller of two measured rates: the multiply-adds per second of a large product of matrices or a
    large convolution, and what memory feeds, bytes per second times multiply-adds per byte (Williams, Waterman and
    Patterson 2009). Under it lie all convolutions of the course's ResNet-18 and one of the learner's own; `layer` says
    which the numbers are about, 0 the own one, else the number of one of ResNet-18's. `result` holds "multiply_adds"
    and "bytes" of one forward pass, "intensity", their ratio, "peak" and "bandwidth", "roof", the "rate" that was
    measured in multiply-adds per second, and "limited_by"; "layers" and "points", (intensity, rate), of ResNet-18's.
    Each setting is measured once. A layer can lie above a roof that is itself measured, as when its numbers stay in a
    cache.
    """

    channels = choice(32, [1, 8, 32, 128], "channels", help="of the input and of the output")
    kernel_size = choice(3, [1, 3, 5], "kernel size")
    side = choice(28, [7, 14, 28], "height and width")
    batch_size = slider(4, 1, LARGEST_ON_GPUS, "batch size")
    depthwise = switch(False, "depthwise", help="each channel its own kernel")
    dtype = choice("float32", ["float32", "bfloat16"], "numbers")
    layer = slider(0, 0, NUM_LAYERS, "layer", help="0: your own; else of ResNet-18")

    def __init__(self, device=None, **values):
        self.device = torch.device(device or try_gpu())
        self._rates, self._peaks, self.bandwidth = {}, {}, copy_rate(self.device, seconds=0.1)
        super().__init__(**values)

    @T.observe("channels", "kernel_size", "side", "batch_size", "depthwise")
    def _show_the_own_layer(self, _):
        with self._held_back():
            self.layer = 0

    def arrange(self):
        """Put the shape of the own layer above, how it runs below."""
        c = self.controls
        rows = ("channels", "kernel_size", "side"), ("batch_size", "dtype", "depthwise")
        for name in ("channels", "kernel_size", "side", "dtype"):
            c[name].layout.width, c[name].layout.margin = "max-content", "2px 28px 2px 2px"
        return W.VBox([side_by_side([c[name] for name in row], "flex-end") for row in rows])

    def limits(self, **values):
        """A batch is as large as suits the device."""
        return {"batch_size": (1, LARGEST.get(self.device.type, LARGEST_ON_GPUS))}

    def compute(self, channels, kernel_size, side, batch_size, depthwise, dtype, layer):
        """Count work and bytes of all layers, and time those that have not been timed."""
        number = getattr(torch, dtype)
        if dtype not in self._peaks:
            self._peaks[dtype] = peak_rate(self.device, number, seconds=0.2)
        batch = RESNET_BATCH.get(self.device.type, RESNET_BATCH_ON_GPUS)
        own = Convolution(channels, channels, kernel_size, side, batch_size, groups=channels if depthwise else 1)
        layers = [own, *convolutions_of_resnet18(batch)]
        points = [(one.multiply_adds / one.bytes(number), self.rate(one, number)) for one in layers]
        peak, (intensity, reached) = self._peaks[dtype], points[layer]
        return {
            "layer": layer, "layers": layers, "points": points, "device": self.device.type,
            "multiply_adds": layers[layer].multiply_adds, "bytes": layers[layer].bytes(number),
            "intensity": intensity, "peak": peak, "bandwidth": self.bandwidth, "rate": reached,
            "roof": min(peak, intensity * self.bandwidth),
            "limited_by": "arithmetic" if intensity * self.bandwidth > peak else "memory",
            "span": SPAN.get(self.device.type, WIDE_SPAN),
        }  # fmt: skip

    def rate(self, layer, dtype):
        """Return the multiply-adds per second of a `Convolution`; measured once."""
        if (layer, dtype) not in self._rates:
            self._rates[layer, dtype] = layer.multiply_adds / layer.seconds(self.device, dtype)
        return self._rates[layer, dtype]

    def describe(self, result):
        """Say which layer it is, the work, the bytes, the roof and what was reached."""
        number, layer = result["layer"], result["layers"][result["layer"]]
        return (
            f"{f'Convolution {number} of ResNet-18' if number else 'Your layer'}, {layer}: "
            f"{result['multiply_adds']:,} multiply-adds on {result['bytes']:,} bytes: "
            f"{result['intensity']:.3g} per byte. Roof {rate(result['roof'])}, set by "
            f"{result['limited_by']}; measured {rate(result['rate'])}, {share(result)} of it."
        )

    def draw(self, result):
        """Draw the roof over the intensity, the layers under it, and their times."""
        return draw_roofline(result, self.describe(result))
