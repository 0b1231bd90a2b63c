"""Mix the three channels of a colour photo: a 1×1 convolution with weights to choose."""

import ipywidgets as W
import numpy as np
import torch
import traitlets as T

from helpers.data import PHOTOS
from helpers.drawing import svg

from ..kit.base import Explorer
from ..kit.layout import side_by_side
from ..kit.parameters import choice, parameter, slider
from ..kit.values import table_of_numbers
from .mix_picture import LARGEST, ROUNDING, SIDE, draw_mix, loss, photo

KINDS, OWN = ("3 → 1", "3 → 3"), "own"
LUMA = (0.299, 0.587, 0.114, 0.0)
PRESETS = {  # one row per output channel: the weights of red, green and blue, and the bias
    "grey (mean)": ((1 / 3, 1 / 3, 1 / 3, 0.0),),
    "grey (luma)": (LUMA,),
    "red only": ((1.0, 0.0, 0.0, 0.0),),
    "red − green": ((1.0, -1.0, 0.0, 0.0),),
    "blue − yellow": ((-0.5, -0.5, 1.0, 0.0),),
    "identity": ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0)),
    "sepia": ((0.393, 0.769, 0.189, 0.0), (0.349, 0.686, 0.168, 0.0), (0.272, 0.534, 0.131, 0.0)),
    "swap red, blue": ((0.0, 0.0, 1.0, 0.0), (0.0, 1.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0)),
    "negative": ((-1.0, 0.0, 0.0, 1.0), (0.0, -1.0, 0.0, 1.0), (0.0, 0.0, -1.0, 1.0)),
    "opponent": (LUMA, (1.0, -1.0, 0.0, 0.0), (-0.5, -0.5, 1.0, 0.0)),
}
CODE = """import torch
from torch import nn
from helpers.data import load_photo

X = load_photo({name!r}, color=True)
mix = nn.Conv2d(3, {channels}, kernel_size=1)
with torch.no_grad():
    mix.weight[:, :, 0, 0] = torch.tensor({weights})
    mix.bias[:] = torch.tensor({bias})
    Y = mix(X[None])[0]"""


class Mix(T.TraitType):
    """One or three rows of four numbers from -4 to 4: the weights of R, G, B and the bias; takes tensors too."""

    info_text = f"one or three rows (R, G, B, bias) of numbers from {-LARGEST:g} to {LARGEST:g}"

    def validate(self, obj, value):
        """Return `value` as a tuple of tuples."""
        try:
            rows = table_of_numbers(value)
        except (TypeError, ValueError):
            self.error(obj, value)
        if len(rows) not in (1, 3) or any(len(row) != 4 or not max(map(abs, row)) <= LARGEST for row in rows):
            self.error(obj, value)
        return rows


class Rows(W.Box):
    """Holds the weights as a control's `value`; the hand sets them in the picture."""

    value = Mix(PRESETS["identity"])


class ChannelMixer(Explorer):
    """What do three numbers per pixel become? Drag the pixel, and the weights of a 1×1 convolution on a photo.

    `result` holds X (3, H, W) in 0..1, the weights W (c_o, 3), bias b (c_o,), the output (c_o, H, W), and of one
    pixel its three numbers and what they become; `clipped` is the share of values outside what the picture can
    show: 0..1, or -1..1 for one channel that has negative values. `code` is PyTorch code that makes the output.
    """

    picture_name = choice("flower", PHOTOS, "photo")
    preset = choice("grey (luma)", [*PRESETS, OWN], "mix")
    outputs = choice(KINDS[0], KINDS, "channels")
    weights = parameter(
        Mix(PRESETS["grey (luma)"]), lambda: Rows(value=PRESETS["grey (luma)"]), "weights",
        [PRESETS["opponent"], [[-LARGEST] * 4], [[LARGEST] * 4] * 3, [[0.0, 0.5, 0.0, 0.25]]],
    )  # fmt: skip
    row = slider(72, 0, SIDE - 1, "row")
    column = slider(84, 0, SIDE - 1, "column")

    # The preset, the number of outputs and the weights say the same thing: the others follow. ---------------

    @T.observe("preset")
    def _take_preset(self, change):
        if change["new"] != OWN:
            self._set(weights=PRESETS[change["new"]])

    @T.observe("outputs")
    def _take_outputs(self, change):
        wanted = 1 if change["new"] == KINDS[0] else 3
        if len(self.weights) != wanted:
            self._set(weights=self.weights[:1] * wanted)

    @T.observe("weights")
    def _take_weights(self, change):
        rows = change["new"]
        known = (name for name, mix in PRESETS.items() if mix == rows)
        self._set(preset=next(known, OWN), outputs=KINDS[len(rows) > 1])

    def _set(self, **values):
        with self._held_back():
            for name, value in values.items():
                setattr(self, name, value)

    def arrange(self):
        """Put what is chosen in rows; the weights and the pixel are set on the picture."""
        c = self.controls
        for name in ("picture_name", "preset", "outputs"):
            c[name].style.description_width, c[name].layout.width = "64px", "auto"
        return W.VBox([side_by_side([c["picture_name"], c["outputs"]]), c["preset"]])

    def compute(self, picture_name, weights, row, column, **others):
        """Mix all pixels with one matrix product."""
        X, mix = photo(picture_name), np.array(weights, dtype=np.float32)
        W_, b = mix[:, :3], mix[:, 3]
        Y = (W_ @ X.reshape(3, -1) + b[:, None]).reshape(-1, SIDE, SIDE)
        signed = len(Y) == 1 and Y.min() < -ROUNDING
        return {
            "name": picture_name, "X": torch.from_numpy(X), "W": torch.from_numpy(W_), "b": torch.from_numpy(b),
            "output": torch.from_numpy(Y), "row": row, "column": column, "pixel": X[:, row, column].tolist(),
            "mixed": Y[:, row, column].tolist(), "signed": signed, "negative": float((Y < -ROUNDING).mean()),
            "clipped": float((np.abs(Y - (0 if signed else 0.5)) > (1 if signed else 0.5) + ROUNDING).mean()),
            "code": _code(picture_name, W_, b),
        }  # fmt: skip

    def describe(self, result):
        """Say the range of the output, what is cut off, and what becomes of the chosen pixel."""
        Y = result["output"].numpy()
        pixel, mixed = (", ".join(f"{value:.2f}" for value in result[name]) for name in ("pixel", "mixed"))
        return (
            f"1×1 convolution of {result['name']}, 3 → {len(Y)} channels: values from {svg.number(Y.min())} to "
            f"{svg.number(Y.max())}. {loss(result)}. The pixel in row {result['row']}, column {result['column']}: "
            f"({pixel}) becomes ({mixed})."
        )

    def draw(self, result):
        """Draw the photo, the output with its channels, one pixel as a product of matrices; below stands the code."""
        return draw_mix(result, self.describe(result)) + svg.listing(result["code"], 12)


def _code(name, weights, bias):
    """Return PyTorch code that makes the output anew."""
    rows = (",\n" + " " * 43).join(str(_rounded(row)) for row in weights)
    return CODE.format(name=name, channels=len(bias), weights=f"[{rows}]", bias=_rounded(bias))


def _rounded(values):
    return [round(float(value), 6) for value in values]
