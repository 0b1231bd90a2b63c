"""A small batch and its im2col matrix: choose a window and see its row, choose a pixel and see its copies."""

import ipywidgets as W
import numpy as np

from helpers.ops import output_size
from helpers.scratch import col2im, im2col

from ..kit.base import Explorer, choice, slider
from ..kit.layout import side_by_side
from .im2col_picture import draw_im2col


class Im2colExplorer(Explorer):
    """Lay the windows of a batch out as rows, and with "col2im" add the rows back up.

    The batch holds the numbers 0, 1, 2, …, so a pixel's number is its name. `result` holds x (N, C, H, W), col
    (N·OH·OW, C·k·k) and padding, of the same shape: where col holds no pixel. The chosen window has its `row` and its
    `place` (n, row, column), the chosen pixel its `pixel_place` (n, c, row, column) and its `copies`, pairs of row
    and column in col. `counts`, like x, says in how many windows each pixel is: col2im of ones. `factor` is
    the size of col divided by that of x.
    """

    direction = choice("im2col", ["im2col", "col2im"], "direction", help="col2im: add a matrix of ones back up")
    images = slider(1, 1, 2, "pictures N")
    channels = slider(1, 1, 2, "channels C")
    size = slider(3, 3, 5, "height, width")
    kernel_size = slider(2, 1, 3, "kernel")
    stride = slider(1, 1, 3, "stride")
    padding = slider(0, 0, 1, "padding")
    window = slider(0, 0, 97, "window = row", help="which row of the matrix")
    pixel = slider(4, 0, 99, "pixel", help="the number in it")

    def arrange(self):
        """Put what is chosen at the end."""
        c = self.controls
        shape = ("images", "channels", "size", "kernel_size", "stride", "padding")
        for name in shape:
            c[name].layout.width = "220px"
        rows = [[c["direction"]], [c[n] for n in shape[:3]], [c[n] for n in shape[3:]], [c["window"], c["pixel"]]]
        return W.VBox([side_by_side(widgets) for widgets in rows])

    def limits(self, images, channels, size, kernel_size, stride, padding, **others):
        """Keep the window and the pixel inside what there is."""
        positions = output_size(size, kernel_size, stride=stride, padding=padding)
        return {"window": (0, images * positions**2 - 1), "pixel": (0, images * channels * size**2 - 1)}

    def compute(self, direction, images, channels, size, kernel_size, stride, padding, window, pixel):
        """Lay out the windows and find what is chosen."""
        shape, steps = (images, channels, size, size), (kernel_size, kernel_size, stride, padding)
        x = np.arange(float(np.prod(shape))).reshape(shape)
        col, real = im2col(x, *steps), im2col(np.ones(shape), *steps)
        positions = output_size(size, kernel_size, stride=stride, padding=padding)
        copies = np.argwhere((col == pixel) & (real == 1))
        return {
            "direction": direction, "x": x, "col": col, "padding": real == 0, "counts": col2im(real, shape, *steps),
            "window": window, "row": col[window], "place": np.unravel_index(window, (images, positions, positions)),
            "pixel": pixel, "pixel_place": np.unravel_index(pixel, shape), "copies": list(map(tuple, copies.tolist())),
            "kernel_size": kernel_size, "stride": stride, "pad": padding, "factor": col.size / x.size,
        }  # fmt: skip

    def describe(self, result):
        """Say the shapes, the chosen row and the copies of the chosen pixel."""
        x, col = result["x"], result["col"]
        (n, i, j), k, places = result["place"], result["kernel_size"], len(result["copies"])
        place = f"the window at row {i}, column {j} of picture {n}"
        if result["direction"] == "im2col":
            what, row = "im2col of x", f"is {place}: {' '.join(f'{value:g}' for value in result['row'])}"
        else:
            what, row = "col2im of ones, back to x", f"goes back to {place}"
        return (
            f"{what} {x.shape}, kernel {k}×{k}, stride {result['stride']}, padding {result['pad']}: matrix "
            f"{col.shape}, {x.size} numbers become {col.size}, {result['factor']:.3g} times as many. "
            f"Row {result['window']} {row}. Pixel {result['pixel']} is in {places} window{'s' * (places != 1)}."
        )

    def draw(self, result):
        """Draw the batch, the matrix and the chosen row."""
        return draw_im2col(result, label=self.describe(result))
