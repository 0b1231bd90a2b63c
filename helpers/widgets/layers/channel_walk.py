"""Walk a window over several input channels: slice by slice, which products make one output number?"""

import ipywidgets as W
import torch
import traitlets as T

from helpers.drawing import svg
from helpers.ops import corr2d_multi_in_out

from ..kit.base import Explorer
from ..kit.layout import side_by_side
from ..kit.parameters import slider
from ..kit.player import player
from ..kit.values import Whole
from .channel_walk_picture import draw_walk, equation, expression

KERNEL_SIZE, MOST, LARGEST = 2, 3, 5  # the kernel's height = width; channels; the input's height = width
STRONGEST = 60  # bias
WIDE = "400px"  # of a slider with its name


class ChannelWalk(Explorer):
    """Drag the window that stands in every input channel: which products make one output number?

    Input channel c counts from c on, row by row, and slice c of kernel o from c + o on: the example of notebook 04.
    `output` chooses an output map, `row` and `column` one of its elements; `position` counts them row by row. `bias`
    belongs to the chosen map; each map keeps its own in `biases`. `result` holds X (Ci, H, W), K (Co, Ci, 2, 2), b (Co)
    and Y (Co, Ho, Wo); of the chosen element its "place" (output channel, row, column), the "window" and the
    "products", both (Ci, 2, 2), and the "subtotals" (Ci); "call", the layer in PyTorch.
    """

    in_channels = slider(2, 1, MOST, "input channels")
    out_channels = slider(3, 1, MOST, "output channels", help="as many kernels")
    size = slider(3, 3, LARGEST, "height = width", help="of each input channel")
    output = slider(0, 0, MOST - 1, "output map", help="which kernel is at work")
    bias = slider(0, -STRONGEST, STRONGEST, "bias of this map", help="added to every element of the chosen map")
    position = slider(0, 0, (LARGEST - KERNEL_SIZE + 1) ** 2 - 1, "position", help="which output element, row by row")
    row = slider(0, 0, LARGEST - KERNEL_SIZE, "row", help="of the output element")
    column = slider(0, 0, LARGEST - KERNEL_SIZE, "column", help="of the output element")
    biases = T.List(Whole(), [0] * MOST)
    remembers = ("biases",)

    @T.observe("bias")
    def _keep_the_bias(self, change):
        self.biases = [change["new"] if o == self.output else b for o, b in enumerate(self.biases)]

    @T.observe("output")
    def _bring_its_bias(self, change):
        with self._held_back():
            self.bias = self.biases[change["new"]]

    # Position, row and column say the same thing: whichever is set, the others follow. ------------------------

    @T.observe("position", "size")
    def _find_row_and_column(self, _):
        side = self._side()
        with self._held_back():
            self.row, self.column = divmod(min(self.position, side**2 - 1), side)

    @T.observe("row", "column")
    def _count_the_position(self, _):
        if self.position >= self._side() ** 2:
            return  # the input has just become smaller: `limits` moves it
        with self._held_back():
            self.position = self.row * self._side() + self.column

    def _side(self):
        return self.size - KERNEL_SIZE + 1

    def arrange(self):
        """Put the shapes and the bias in columns of equal tracks; the rest is set on the picture, or walks."""
        c = self.controls
        for control in c.values():
            control.style.description_width, control.layout.width = "130px", WIDE
        self.play = player(c["position"])
        pairs = ("in_channels", "out_channels"), ("size", "bias")
        return W.VBox([*(side_by_side([c[name] for name in pair]) for pair in pairs), self.play])

    def limits(self, out_channels, size, **others):
        """Keep the chosen element inside the output."""
        last = size - KERNEL_SIZE
        return {"output": (0, out_channels - 1), "position": (0, (last + 1) ** 2 - 1), "row": (0, last),
                "column": (0, last)}  # fmt: skip

    def compute(self, in_channels, out_channels, size, output, row, column, **others):
        """Correlate, and take the chosen element apart."""
        X = counting(in_channels, size)
        K = torch.stack([counting(in_channels, KERNEL_SIZE) + o for o in range(out_channels)])
        b = torch.tensor(self.biases[:out_channels], dtype=X.dtype)
        window = X[:, row : row + KERNEL_SIZE, column : column + KERNEL_SIZE]
        products = window * K[output]
        return {
            "X": X, "K": K, "b": b, "Y": corr2d_multi_in_out(X, K) + b[:, None, None], "place": (output, row, column),
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
