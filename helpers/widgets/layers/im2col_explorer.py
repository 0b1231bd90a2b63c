"""A small batch and its im2col matrix: choose a window and see its row, choose a pixel and see its copies."""

import contextlib

import ipywidgets as W
import numpy as np
import traitlets as T

from helpers.ops import output_size
from helpers.scratch import col2im, im2col

from ..kit.base import Explorer
from ..kit.layout import side_by_side
from ..kit.parameters import choice, slider
from ..kit.walk import place
from .im2col_picture import draw_im2col


class Im2colExplorer(Explorer):
    """Lay the windows of a batch out as rows, and with "col2im" add the rows back up. Pointing chooses.

    `cell` is what was pointed at in the matrix, (row, column): that row's window, and the pixel that stands there.
    `spot` is the pixel that was pointed at, (row, column) of all padded grids side by side as they are drawn, and
    chooses the window nearest around it; on the padding it chooses the window alone.

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

    cell = place((0, 3), "cell", help="row and column of the matrix")
    spot = place((1, 1), "spot", help="row and column in the batch")

    def __init__(self, **values):
        self._settling = False
        super().__init__(**values)

    @T.observe("cell")
    def _point_at_the_matrix(self, change):
        if self._settling:
            return
        x, col, real = _laid_out(self.values)
        row, column = (min(at, count - 1) for at, count in zip(change["new"], col.shape, strict=True))
        with self._held_back():
            self.window = row
            self.pixel = int(col[row, column]) if real[row, column] else self.pixel

    @T.observe("spot")
    def _point_at_the_batch(self, change):
        if self._settling:
            return
        s = self.values
        (n, row), (c, column) = (divmod(at, _side(s)) for at in change["new"])
        n, c = min(n, s["images"] - 1), min(c, s["channels"] - 1)
        positions = output_size(s["size"], s["kernel_size"], stride=s["stride"], padding=s["padding"])
        i, j = (_nearest(at, s["kernel_size"], s["stride"], positions) for at in (row, column))
        h, w = row - s["padding"], column - s["padding"]
        with self._held_back():
            self.window = (n * positions + i) * positions + j
            if 0 <= h < s["size"] and 0 <= w < s["size"]:
                self.pixel = int(np.ravel_multi_index((n, c, h, w), _shape(s)))

    def arrange(self):
        """Put the sizes of the batch above those of the window; both are pointed at in the picture."""
        c = self.controls
        shape = ("images", "channels", "size", "kernel_size", "stride", "padding")
        for name in shape:
            c[name].layout.width, c[name].style.description_width = "280px", "100px"
        rows = [[c["direction"]], [c[n] for n in shape[:3]], [c[n] for n in shape[3:]]]
        return W.VBox([side_by_side(widgets) for widgets in rows])

    def _apply_limits(self):
        """Let what was pointed at say the same as window and pixel, whichever was set last."""
        super()._apply_limits()
        s = self.values
        columns = s["channels"] * s["kernel_size"] ** 2
        n, c, h, w = (int(at) for at in np.unravel_index(self.pixel, _shape(s)))
        with self._held_back(), self._settled():
            self.cell = self.window, min(self.cell[1], columns - 1)
            self.spot = n * _side(s) + h + self.padding, c * _side(s) + w + self.padding

    @contextlib.contextmanager
    def _settled(self):
        """While it is open, `cell` and `spot` choose nothing."""
        self._settling = True
        try:
            yield
        finally:
            self._settling = False

    def limits(self, images, channels, size, kernel_size, stride, padding, **others):
        """Keep the window and the pixel inside what there is."""
        positions = output_size(size, kernel_size, stride=stride, padding=padding)
        return {"window": (0, images * positions**2 - 1), "pixel": (0, images * channels * size**2 - 1)}

    def compute(self, **s):
        """Lay out the windows and find what is chosen."""
        size, kernel_size, stride, padding, window, pixel = (
            s[name] for name in ("size", "kernel_size", "stride", "padding", "window", "pixel")
        )
        shape, steps = _shape(s), (kernel_size, kernel_size, stride, padding)
        x, col, real = _laid_out(s)
        positions = output_size(size, kernel_size, stride=stride, padding=padding)
        copies = np.argwhere((col == pixel) & (real == 1))
        return {
            "direction": s["direction"], "x": x, "col": col, "padding": real == 0,
            "counts": col2im(real, shape, *steps),
            "window": window, "row": col[window],
            "place": np.unravel_index(window, (s["images"], positions, positions)),
            "pixel": pixel, "pixel_place": np.unravel_index(pixel, shape),
            "copies": list(map(tuple, copies.tolist())),
            "cell": s["cell"], "spot": s["spot"],
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


def _shape(s):
    return s["images"], s["channels"], s["size"], s["size"]


def _side(s):
    """The height and width of one padded grid."""
    return s["size"] + 2 * s["padding"]


def _laid_out(s):
    """Return the batch, its matrix, and a matrix with 1 where a pixel stands and 0 for padding."""
    shape, steps = _shape(s), (s["kernel_size"], s["kernel_size"], s["stride"], s["padding"])
    x = np.arange(float(np.prod(shape))).reshape(shape)
    return x, im2col(x, *steps), im2col(np.ones(shape), *steps)


def _nearest(at, k, stride, positions):
    """Return the number of the window, along one axis, whose middle is nearest to row or column `at`."""
    return min(positions - 1, max(0, round((at - (k - 1) / 2) / stride)))
