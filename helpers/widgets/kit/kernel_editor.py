"""A grid of number boxes for the weights of a kernel, and the kernels everyone uses."""

import math

import ipywidgets as W
import traitlets as T

from .values import table_of_numbers

MOST = 5  # rows and columns of boxes
LARGEST = 10.0
SIZES = {"1×2": (1, 2), "2×2": (2, 2), "3×3": (3, 3), "5×5": (5, 5)}
OWN = "own"
KERNELS = {
    "identity": ((0, 0, 0), (0, 1, 0), (0, 0, 0)),
    "mean": ((1 / 9,) * 3,) * 3,
    "Gaussian": ((1 / 16, 1 / 8, 1 / 16), (1 / 8, 1 / 4, 1 / 8), (1 / 16, 1 / 8, 1 / 16)),
    "sharpen": ((0, -1, 0), (-1, 5, -1), (0, -1, 0)),
    "Sobel x": ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),
    "Sobel y": ((-1, -2, -1), (0, 0, 0), (1, 2, 1)),
    "Laplacian": ((0, 1, 0), (1, -4, 1), (0, 1, 0)),
    "emboss": ((-2, -1, 0), (-1, 1, 1), (0, 1, 2)),
    "[1, −1]": ((1, -1),),
    "[0…3]": ((0, 1), (2, 3)),
}
_LINE = tuple(math.comb(4, i) / 16 for i in range(5))  # 1 4 6 4 1
LARGE = {  # the kernels that have a 5×5 version of their own
    "mean": ((1 / 25,) * 5,) * 5,
    "Gaussian": tuple(tuple(a * b for b in _LINE) for a in _LINE),
}


def kernel_named(name, size):
    """Return the weights of a named kernel: its 5×5 version where `size` asks for it and there is one."""
    return LARGE[name] if size == "5×5" and name in LARGE else KERNELS[name]


def name_of(weights):
    """Return the name of the kernel with these weights, or "own"."""
    known = [*KERNELS.items(), *LARGE.items()]
    return next((name for name, kernel in known if kernel == weights), OWN)


def size_of(weights):
    """Return the name in SIZES of the shape of these weights."""
    return f"{len(weights)}×{len(weights[0])}"


def resized(weights, size):
    """Return the weights cut or filled with zeros to a size; the centre element stays the centre."""
    (height, width), rows, columns = SIZES[size], len(weights), len(weights[0])
    down, right = rows // 2 - height // 2, columns // 2 - width // 2

    def old(i, j):
        return weights[i][j] if 0 <= i < rows and 0 <= j < columns else 0

    return tuple(tuple(old(i + down, j + right) for j in range(width)) for i in range(height))


class Weights(T.TraitType):
    """A kernel of one of the SIZES as rows of numbers from -10 to 10; takes nested lists and tensors too."""

    info_text = "rows of numbers from -10 to 10, 1×2, 2×2, 3×3 or 5×5 of them"

    def validate(self, obj, value):
        """Return `value` as a tuple of tuples."""
        try:
            rows = table_of_numbers(value)
        except (TypeError, ValueError):
            self.error(obj, value)
        ragged = len({len(row) for row in rows}) != 1
        if ragged or size_of(rows) not in SIZES or not all(abs(weight) <= LARGEST for row in rows for weight in row):
            self.error(obj, value)
        return rows


class KernelEditor(W.VBox):
    """A grid of 5×5 number boxes for `value`; those outside its size are hidden and keep their place."""

    value = Weights(KERNELS["identity"])

    def __init__(self, value=KERNELS["identity"]):
        layouts = {"width": "64px", "margin": "1px"}
        self._shown, self._hidden = W.Layout(**layouts), W.Layout(**layouts, visibility="hidden")
        self._boxes = [[self._box(i, j) for j in range(MOST)] for i in range(MOST)]
        self._writing = False
        super().__init__([W.HBox(row) for row in self._boxes])
        self.observe(self._write, "value")
        self.value = value
        self._write({"new": self.value})

    def _box(self, i, j):
        box = W.BoundedFloatText(min=-LARGEST, max=LARGEST, step=0.5, tooltip=f"weight in row {i}, column {j}")
        box.observe(self._read, "value")
        return box

    def _read(self, change):
        if not self._writing:
            rows, columns = SIZES[size_of(self.value)]
            self.value = [[box.value for box in row[:columns]] for row in self._boxes[:rows]]

    def _write(self, change):
        weights, self._writing = change["new"], True
        try:
            for i, row in enumerate(self._boxes):
                for j, box in enumerate(row):
                    inside = i < len(weights) and j < len(weights[0])
                    box.layout = self._shown if inside else self._hidden
                    if inside:
                        box.value = weights[i][j]
        finally:
            self._writing = False
