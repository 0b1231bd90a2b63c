"""What an Inception block gives and costs: channels per path against one plain convolution of the same width."""

import traitlets as T

from helpers.drawing import svg
from helpers.drawing.words import count
from helpers.networks import INCEPTIONS

from ..kit.base import Explorer
from ..kit.layout import side_by_side
from ..kit.parameters import choice, slider
from .inception_picture import LARGEST, draw_block, percent

OWN = "own"
NAMES = (("3a", "3b"), ("4a", "4b", "4c", "4d", "4e"), ("5a", "5b"))  # as in the paper's table 1
SIZES = 28, 14, 7  # of the maps in stages 3, 4 and 5, for a picture of 224 px
CHANNELS = "in_channels", "c1", "reduce3", "out3", "reduce5", "out5", "c4"
CODE = """from helpers.networks import inception

block = inception({in_channels}, {c1}, ({reduce3}, {out3}), ({reduce5}, {out5}), {c4})"""


def presets():
    """Return {name: (size, {parameter: channels})} of GoogLeNet's nine blocks, from the net's own table."""
    found, channels = {}, 192
    for size, names, stage in zip(SIZES, NAMES, INCEPTIONS, strict=True):
        for name, (c1, c2, c3, c4) in zip(names, stage, strict=True):
            found[name] = size, dict(zip(CHANNELS, (channels, c1, *c2, *c3, c4), strict=True))
            channels = c1 + c2[1] + c3[1] + c4
    return found


PRESETS = presets()


class InceptionExplorer(Explorer):
    """How many channels, parameters and multiply-adds do the four paths of an Inception block make?

    The channels behind each convolution are dragged in its box; `block` offers the nine of GoogLeNet. `result` holds
    "out" (channels), "params", "multiply_adds"; "paths", the same three for each of the four; "others", the last two
    for single convolutions of the same width, "3×3" and "5×5", and for the block whose large kernels read all channels,
    "no 1×1 before"; "code" builds the block. Biases count as parameters.
    """

    block = choice("3a", [*PRESETS, OWN], "block of GoogLeNet")
    c1 = slider(64, 1, LARGEST["c1"], "path 1: 1×1")
    in_channels = slider(192, 1, LARGEST["in_channels"], "input channels")
    reduce3 = slider(96, 1, LARGEST["reduce3"], "path 2: 1×1")
    out3 = slider(128, 1, LARGEST["out3"], "path 2: 3×3")
    reduce5 = slider(16, 1, LARGEST["reduce5"], "path 3: 1×1")
    out5 = slider(32, 1, LARGEST["out5"], "path 3: 5×5")
    c4 = slider(32, 1, LARGEST["c4"], "path 4: 1×1")
    size = slider(28, 1, LARGEST["size"], "height = width", help="of the maps, in pixels")
    _taking = False

    # The block's name and the channels say the same thing: the others follow. --------------------------------

    @T.observe("block")
    def _take_block(self, change):
        if change["new"] != OWN:
            size, channels = PRESETS[change["new"]]
            if channels != self._channels():
                self._set(size=size, **channels)

    @T.observe(*CHANNELS)
    def _take_channels(self, _):
        if not self._taking:
            mine = self._channels()
            self._set(block=next((name for name, (_, channels) in PRESETS.items() if channels == mine), OWN))

    def _channels(self):
        return {name: getattr(self, name) for name in CHANNELS}

    def _set(self, **values):
        self._taking = True
        try:
            with self._held_back():
                for name, value in values.items():
                    setattr(self, name, value)
        finally:
            self._taking = False

    def arrange(self):
        """The blocks; the numbers are dragged in the picture."""
        return side_by_side([self.controls["block"]])

    def compute(self, block, size, in_channels, c1, reduce3, out3, reduce5, out5, c4):
        """Count path by path: k² weights a pair of channels, used at each of size² places, and a bias a channel."""
        outs, places = (c1, out3, out5, c4), size**2
        paths = [
            _costs([(in_channels, c1, 1)], places),
            _costs([(in_channels, reduce3, 1), (reduce3, out3, 3)], places),
            _costs([(in_channels, reduce5, 1), (reduce5, out5, 5)], places),
            _costs([(in_channels, c4, 1)], places),
        ]
        unreduced = [(in_channels, n, k) for n, k in zip(outs, (1, 3, 5, 1), strict=True)]
        channels = dict(zip(CHANNELS, (in_channels, c1, reduce3, out3, reduce5, out5, c4), strict=True))
        return {
            "block": block, "size": size, "channels": channels, "out": sum(outs),
            "paths": [{"out": n, **path} for n, path in zip(outs, paths, strict=True)],
            **{name: sum(path[name] for path in paths) for name in ("params", "multiply_adds")},
            "others": {
                "3×3": _costs([(in_channels, sum(outs), 3)], places),
                "5×5": _costs([(in_channels, sum(outs), 5)], places),
                "no 1×1 before": _costs(unreduced, places),
            },
            "code": CODE.format(**channels),
        }  # fmt: skip

    def describe(self, result):
        """Say what goes in and out, what the block costs, and what a plain layer would."""
        c, size, paths, plain = result["channels"], result["size"], result["paths"], result["others"]["3×3"]
        outs = " + ".join(str(path["out"]) for path in paths)
        shares = ", ".join(percent(path["multiply_adds"] / result["multiply_adds"]) for path in paths)
        others = "; ".join(
            f"{name} {count(cost['params'])} and {count(cost['multiply_adds'])}"
            for name, cost in result["others"].items()
        )
        name = "own block" if result["block"] == OWN else f"block {result['block']}"
        return (
            f"{name}: {c['in_channels']}×{size}×{size} in, {outs} = {result['out']} channels out; "
            f"{count(result['params'])} parameters, {count(result['multiply_adds'])} multiply-adds, "
            f"{svg.number(result['multiply_adds'] / plain['multiply_adds'])} of a 3×3 layer's; by path {shares}. "
            f"Same width otherwise: {others}."
        )

    def draw(self, result):
        """Draw the four paths, their channels on one bar, their costs, and the costs of the alternatives."""
        return draw_block(result, self.describe(result)) + svg.listing(result["code"], 3)


def _costs(convolutions, places):
    """Costs of convolutions (channels in, channels out, kernel size), each with so many output pixels."""
    weights = sum(a * b * k**2 for a, b, k in convolutions)
    return {"params": weights + sum(b for _, b, _ in convolutions), "multiply_adds": weights * places}
