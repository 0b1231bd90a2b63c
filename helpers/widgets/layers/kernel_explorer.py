"""A kernel to edit, a picture to slide it over, and what one output element is made of."""

import ipywidgets as W
import torch
import traitlets as T

from helpers.drawing import svg
from helpers.ops import corr2d, output_size

from ..kit.base import Explorer
from ..kit.kernel_editor import (
    KERNELS,
    LARGEST,
    OWN,
    SIZES,
    KernelEditor,
    Weights,
    kernel_named,
    name_of,
    resized,
    size_of,
)
from ..kit.layout import side_by_side
from ..kit.parameters import choice, parameter, slider, switch
from ..kit.pictures import SOURCES, UPLOAD, as_upload, chosen_picture, source_code, upload_button
from ..kit.values import Number
from .kernel_picture import draw_explorer

STEP = 0.05  # of the slider for the centre weight
CODE = """import torch
import torch.nn.functional as F
{picture}

K = torch.tensor({weights})
Y = F.conv2d(X[None, None], {kernel}[None, None])[0, 0]{clamp}"""


class KernelExplorer(Explorer):
    """Drag a kernel over a picture, and its weights up and down.

    With `bare`, there is the picture alone, to be worked by hand.
    `result` holds X, K, the output and the products at one output position.

    `weights` is what the boxes say; "Gaussian" and other presets fill them, `centre` is their middle one. With
    convolution, `result["K"]` is the kernel turned by 180°. `result["code"]` is PyTorch code that makes the output.
    """

    picture_name = choice("flower", [*SOURCES, UPLOAD], "picture", help="0…8 brings the kernel of the text along")
    upload = parameter(
        T.Tuple(()),
        lambda: upload_button(accept="image/*", layout=W.Layout(width="auto")),
        "choose a picture file",
        [as_upload("empty.png", b""), as_upload("text.png", b"no picture"), ()],
        help="PNG, JPEG, GIF, BMP or WebP, up to about 8 MB; it stays in this notebook's kernel",
    )
    preset = choice("Sobel x", [*KERNELS, OWN], "kernel")
    size = choice("3×3", list(SIZES), "", help="rows × columns of the kernel")
    weights = parameter(
        Weights(KERNELS["Sobel x"]), lambda: KernelEditor(KERNELS["Sobel x"]), "weights",
        [[[1.0, -1.0]], [[0.0, 0.5, 0.0], [-3.0, 1.0, 10.0], [2.5, 0.0, 0.25]], [[0.04] * 5] * 5],
    )  # fmt: skip
    centre = parameter(
        Number(0.0, min=-LARGEST, max=LARGEST),
        lambda: W.FloatSlider(min=-LARGEST, max=LARGEST, step=STEP, layout=W.Layout(width="300px")),
        "centre weight", [-LARGEST, 0.0, LARGEST],
        help="in a kernel without a centre, its last weight",
    )  # fmt: skip
    operation = choice("cross-correlation", ["cross-correlation", "convolution"], "")
    clamp = switch(False, "clamp negatives to black")
    row = slider(60, 0, 199, "row")
    column = slider(84, 0, 199, "column")

    def __init__(self, *, bare=False, **values):
        self._syncing, self._bare = False, bare
        super().__init__(**values)
        self._picture.drops = True

    # Weights, preset, size and centre say the same thing: whichever is set, the others follow. ---------------

    @T.observe("picture_name")
    def _bring_the_kernel_of_the_text(self, change):
        if change["new"] == "0…8" and self.preset != OWN:
            self._set_weights(KERNELS["[0…3]"])

    @T.observe("upload")
    def _show_the_upload(self, change):
        with self._held_back():
            self.picture_name = UPLOAD if change["new"] else "flower"

    @T.observe("preset")
    def _take_preset(self, change):
        if change["new"] != OWN:
            self._set_weights(kernel_named(change["new"], self.size))

    @T.observe("size")
    def _take_size(self, change):
        known = self.preset != OWN and size_of(kernel_named(self.preset, change["new"])) == change["new"]
        self._set_weights(kernel_named(self.preset, change["new"]) if known else resized(self.weights, change["new"]))

    @T.observe("centre")
    def _take_centre(self, change):
        if abs(change["new"] - change["old"]) < STEP / 100:
            return  # no move: a browser sends each value back as min + n * step, with a rounding error
        rows = [list(row) for row in self.weights]
        rows[len(rows) // 2][len(rows[0]) // 2] = change["new"]
        self._set_weights(rows)

    @T.observe("weights")
    def _take_weights(self, change):
        self._set_weights(change["new"])

    def _set_weights(self, weights):
        with self._held_back():
            if self._syncing:
                return
            self._syncing = True
            try:
                self.weights = weights
                self._follow(self.weights)
            finally:
                self._syncing = False

    def _follow(self, rows):
        self.preset, self.size = name_of(rows), size_of(rows)
        middle = rows[len(rows) // 2][len(rows[0]) // 2]
        self.controls["centre"].description = f"{'centre' if len(rows) % 2 == len(rows[0]) % 2 == 1 else 'last'} weight"
        # The slider stands on the step next to the weight: a browser would round it, and so change the weight.
        if abs(self.centre - middle) > STEP / 2:
            self.centre = round(round(middle / STEP) * STEP, 2)

    def drop_picture(self, name, content):
        """Show a picture file that was dropped here."""
        self.upload = as_upload(name, content)

    def arrange(self):
        """Put the grid of weights to the left of what belongs to the kernel; the position is set on the picture."""
        c = self.controls
        if self._bare:
            return W.VBox()
        c["weights"].layout.margin = "0 24px 0 0"
        rest = W.VBox([c[name] for name in ("size", "centre", "operation", "clamp")])
        top = side_by_side([c["picture_name"], c["upload"]], "flex-end")
        lower = W.HBox([c["weights"], rest], layout=W.Layout(flex_flow="row wrap", margin="8px 0 0 0"))
        return W.VBox([top, c["preset"], lower])

    def limits(self, picture_name, upload, weights, **others):
        """Keep the position inside the output."""
        try:
            X = chosen_picture(picture_name, upload)
        except ValueError:
            return {}
        height, width = X.shape[0] - len(weights), X.shape[1] - len(weights[0])
        return {"row": (0, max(height, 0)), "column": (0, max(width, 0))}

    def compute(self, picture_name, upload, weights, operation, clamp, row, column, **others):
        """Correlate the picture with the kernel; where that cannot be done, `problem` says why."""
        turned, weights = operation == "convolution", torch.tensor(weights)
        try:
            X = chosen_picture(picture_name, upload)
            _check_fits(X, weights)
        except ValueError as problem:
            return {"problem": str(problem), "output": None, "code": ""}
        K = weights.flip(0, 1) if turned else weights
        Y = _in_halves(X, K)
        window = X[row : row + K.shape[0], column : column + K.shape[1]]
        return {
            "problem": "", "name": picture_name, "operation": operation, "X": X, "K": K, "row": row, "column": column,
            "window": window, "products": window * K, "sum": Y[row, column].item(),
            "negative": (Y.numpy() < 0).mean().item(), "clamp": clamp, "output": Y.clamp(min=0) if clamp else Y,
            "limit": _scale(X, K),
            "mixes": bool((K >= 0).all() and abs(K.sum() - 1) < 1e-4),
            "code": _code(picture_name, upload, weights, turned, clamp),
        }  # fmt: skip

    def describe(self, result):
        """Say what was computed, its range and the chosen element."""
        if result["problem"]:
            return result["problem"]
        X, K, Y = result["X"], result["K"], result["output"].numpy()
        range_ = f"{svg.number(Y.min())} to {svg.number(Y.max())}"
        clamped = ", which are shown as 0" if result["clamp"] else ""
        return (
            f"{result['operation']} of {result['name']} ({_size(X)}) with a {_size(K)} kernel: {_size(Y)} outputs from "
            f"{range_}; {result['negative']:.0%} are negative{clamped}. At row {result['row']}, column "
            f"{result['column']} the {K.numel()} products add up to {svg.number(result['sum'])}."
        )

    def draw(self, result):
        """Draw the input, the output, and the window times the kernel; below stands the code, ready to copy."""
        return draw_explorer(result, self.describe(result)) + svg.listing(result["code"], 12)


def _in_halves(X, K):
    """corr2d of the upper and of the lower half, each small enough for torch to stay on one thread.

    Two threads save nothing here, and where the browser keeps a core busy they wait for each other.
    """
    Y = torch.empty(output_size(tuple(X.shape), tuple(K.shape)))
    middle = len(Y) // 2
    if middle:
        Y[:middle] = corr2d(X[: middle + len(K) - 1], K)
    Y[middle:] = corr2d(X[middle:], K)
    return Y


def _check_fits(X, K):
    if any(k > n for n, k in zip(X.shape, K.shape, strict=True)):
        raise ValueError(f"A {_size(K)} kernel does not fit into a {_size(X)} picture: choose a smaller size.")


def _scale(X, K):
    """Return the output that the ends of the colour map stand for.

    At least what an evenly white area gives, or else a share of the largest output there can be: half of it where
    each cell shows its number, a twelfth on a photo, whose neighbours differ little. It depends on the kernel alone,
    so no colour jumps while a weight is dragged.
    """
    photo = max(X.shape) > 16
    white = 1.0 if photo else X.max().item()
    return white * max(abs(K.sum().item()), K.abs().sum().item() / (12 if photo else 2)) or 1.0


def _size(X):
    return "×".join(str(n) for n in X.shape)


def _code(name, upload, weights, turned, clamp):
    """Return PyTorch code that makes the output anew."""
    rows = ",\n                  ".join(str([round(w, 6) for w in row]) for row in weights.tolist())
    return CODE.format(
        picture=source_code(name, upload), weights=f"[{rows}]", kernel="K.flip(0, 1)" if turned else "K",
        clamp=".clamp(min=0)" if clamp else "",
    )  # fmt: skip
