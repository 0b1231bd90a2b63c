"""Walk a window over several input channels: slice by slice, which products make one output number?"""

import ipywidgets as W
import torch
import traitlets as T

from helpers.drawing import svg
from helpers.ops import corr2d_multi_in_out

from ..kit.base import Explorer, slider
from ..kit.layout import side_by_side
from ..kit.player import player
from .channel_walk_picture import draw_walk, equation, expression

KERNEL_SIZE, MOST, LARGEST = 2, 3, 5  # the kernel's height = width; channels; the input's height = width
STRONGEST = 60  # bias
WIDE = "270px"  # of a slider


class ChannelWalk(Explorer):
    """Take one output number apart: a window in every input channel, a slice for each, and the bias.

    Input channel c counts from c on, row by row, and slice c of kernel o from c + o on: the example of notebook 04.
    `output` chooses an output map, `position` one of its elements, row by row. `bias` belongs to the chosen map; each
    map keeps its own in `biases`. `result` holds X (Ci, H, W), K (Co, Ci, 2, 2), b (Co) and Y (Co, Ho, Wo); of the
    chosen element its "place" (output channel, row, column), the "window" and the "products", both (Ci, 2, 2), and
    the "subtotals" (Ci); "call", the layer in PyTorch.
    """

    in_channels = slider(2, 1, MOST, "input channels c_i")
    out_channels = slider(3, 1, MOST, "output channels c_o", help="as many kernels")
    size = slider(3, 3, LARGEST, "height = width", help="of each input channel")
    output = slider(0, 0, MOST - 1, "output map", help="which kernel is at work")
    bias = slider(0, -STRONGEST, STRONGEST, "its bias", help="added to every element of the chosen map")
    position = slider(0, 0, (LARGEST - KERNEL_SIZE + 1) ** 2 - 1, "position", help="which output element, row by row")
    biases = T.List(T.Int(), [0] * MOST)

    @T.observe("bias")
    def _keep_the_bias(self, change):
        self.biases = [change["new"] if o == self.output else b for o, b in enumerate(self.biases)]

    @T.observe("output")
    def _bring_its_bias(self, change):
        with self._held_back():
            self.bias = self.biases[change["new"]]

    def arrange(self):
        """Put the shapes above, what is chosen below them, last what walks the window."""
        c = self.controls
        for control in c.values():
            control.layout.width = WIDE
        self.play = player(c["position"])
        rows = [c["in_channels"], c["out_channels"], c["size"]], [c["output"], c["bias"]], [self.play, c["position"]]
        return W.VBox([side_by_side(widgets) for widgets in rows])

    def limits(self, out_channels, size, **others):
        """Keep the chosen element inside the output."""
        return {"output": (0, out_channels - 1), "position": (0, (size - KERNEL_SIZE + 1) ** 2 - 1)}

    def compute(self, in_channels, out_channels, size, output, bias, position):
        """Correlate, and take the chosen element apart."""
        X = counting(in_channels, size)
        K = torch.stack([counting(in_channels, KERNEL_SIZE) + o for o in range(out_channels)])
        b = torch.tensor(self.biases[:out_channels], dtype=X.dtype)
        i, j = divmod(position, size - KERNEL_SIZE + 1)
        window = X[:, i : i + KERNEL_SIZE, j : j + KERNEL_SIZE]
        products = window * K[output]
        return {
            "X": X, "K": K, "b": b, "Y": corr2d_multi_in_out(X, K) + b[:, None, None], "place": (output, i, j),
            "window": window, "products": products, "subtotals": products.sum(dim=(1, 2)),
            "call": f"nn.Conv2d({in_channels}, {out_channels}, kernel_size={KERNEL_SIZE})",
        }  # fmt: skip

    def describe(self, result):
        """Say every product, the subtotals and what they add up to."""
        (o, i, j), (c_o, c_i) = result["place"], result["K"].shape[:2]
        parts = (f"channel {c}: {expression(result, c)} = {total:g}" for c, total in enumerate(result["subtotals"]))
        return (
            f"{c_i} input and {c_o} output channels, the window in row {i}, column {j}, kernel {o}: "
            f"{'; '.join(parts)}. Output map {o} has there {equation(result)}."
        )

    def draw(self, result):
        """Draw the channels with their slices, the sum and the output maps; below stands the layer, ready to copy."""
        K, b = result["K"], result["b"]
        note = f"  # weight {tuple(K.shape)}, bias {tuple(b.shape)}: {K.numel()} + {b.numel()} numbers"
        return draw_walk(result, self.describe(result)) + svg.listing(result["call"] + note, 1)


def counting(channels, size):
    """Return (channels, size, size): channel c counts from c on, row by row."""
    return torch.arange(float(size**2)).reshape(size, size) + torch.arange(channels)[:, None, None]
