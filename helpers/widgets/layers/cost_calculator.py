"""What a convolution costs: plain, in groups, and taken apart into depthwise and 1×1."""

import math

import ipywidgets as W
import traitlets as T

from helpers.drawing import svg

from ..kit.base import Explorer
from ..kit.parameters import choice, parameter, slider
from ..kit.values import Whole
from .cost_picture import BYTES, GROUPED, KINDS, MEMORY, PLAIN, SEPARABLE, draw_costs, in_words

CODE = {
    PLAIN: "nn.Conv2d({c_i}, {c_o}, {k}, padding={p})",
    GROUPED: "nn.Conv2d({c_i}, {c_o}, {k}, padding={p}, groups={g})",
    SEPARABLE: "nn.Sequential(nn.Conv2d({c_i}, {c_i}, {k}, padding={p}, groups={c_i}), nn.Conv2d({c_i}, {c_o}, 1))",
}


class CostCalculator(Explorer):
    """Parameters, multiply-adds and activation memory of one layer in three kinds: drag a number in a formula.

    A click on a bar chooses its kind, whose formulas are shown.

    The picture is padded by k // 2, so that the maps stay `size` × `size`. Biases count as parameters, and the map
    between depthwise and 1×1 as memory. `groups` offers the common divisors of both channel numbers. `result` holds a
    dict of counts for each kind, and `code`, the chosen layer in PyTorch.
    """

    kind = choice(PLAIN, KINDS, "kind")
    in_channels = slider(100, 1, 512, "input channels cᵢ")
    out_channels = slider(100, 1, 512, "output channels cₒ")
    kernel_size = slider(5, 1, 11, "kernel size k", step=2, help="k × k weights in each slice")
    size = slider(64, 1, 256, "height = width m", help="of the maps, in pixels")
    batch = slider(1, 1, 256, "batch N", help="pictures")
    groups = parameter(
        Whole(4, min=1, max=512),
        lambda: W.SelectionSlider(options=divisors(100, 100), value=4, layout=W.Layout(width="300px")),
        "groups g", [1, 10, 100], help="g divides both numbers of channels",
    )  # fmt: skip

    remembers = ("_wished",)
    _wished, _following = 4, False  # the groups that were chosen; whether they are just following the channels

    @T.validate("groups")
    def _to_a_divisor(self, proposal):
        """Take the nearest divisor below."""
        return max(g for g in divisors(self.in_channels, self.out_channels) if g <= proposal["value"])

    @T.observe("in_channels", "out_channels")
    def _offer_divisors(self, _):
        """Let the slider for the groups stop at divisors only, as near to the chosen number as they allow.

        A drag of the channels passes primes, which have no groups, and must not lose the choice.
        """
        slider_, groups, self._following = self.controls["groups"], self._to_a_divisor({"value": self._wished}), True
        with self._held_back(), slider_.hold_sync():
            slider_.options = divisors(self.in_channels, self.out_channels)
            slider_.value = groups
            self.groups = groups
        self._following = False

    @T.observe("groups")
    def _keep_the_choice(self, change):
        if not self._following:
            self._wished = change["new"]

    def following(self):
        """The groups depend on both numbers of channels."""
        return ["groups"]

    def arrange(self):
        """Leave the groups, which stop at divisors alone, to a slider; the rest is set on the picture."""
        control = self.controls["groups"]
        control.style.description_width, control.layout.width = "70px", "370px"
        return W.VBox([control])

    def compute(self, kind, in_channels, out_channels, kernel_size, size, batch, groups):
        """Count what each kind of layer needs."""
        c_i, c_o, k, outputs = in_channels, out_channels, kernel_size, size**2 * batch
        symbols = {"c_i": c_i, "c_o": c_o, "k": k, "m": size, "N": batch, "g": groups, "p": k // 2}
        plain, depthwise, pointwise = c_o * c_i * k**2, c_i * k**2, c_o * c_i
        return {
            "kind": kind, "symbols": symbols, "code": CODE[kind].format(**symbols),
            PLAIN: _counts(plain, c_o, outputs),
            GROUPED: _counts(plain // groups, c_o, outputs),
            SEPARABLE: _counts(depthwise + pointwise, c_i + c_o, outputs),
        }  # fmt: skip

    def describe(self, result):
        """Say the setting, and what the plain layer and the chosen one need."""
        s, kind = result["symbols"], result["kind"]
        groups = f", {s['g']} groups" if kind == GROUPED else ""
        saving = result[kind]["multiply-adds"] / result[PLAIN]["multiply-adds"]
        share = "" if kind == PLAIN else f" Multiply-adds are {svg.number(saving)} of the plain layer's."
        return (
            f"{kind} convolution{groups}, {s['c_i']} to {s['c_o']} channels, kernel {s['k']}×{s['k']}, maps "
            f"{s['m']}×{s['m']}, batch of {s['N']}: {in_words(result[kind])}.{share} The three kinds in turn: "
            + "; ".join(f"{name} {in_words(result[name])}" for name in KINDS) + "."
        )  # fmt: skip

    def draw(self, result):
        """Draw three bars for each quantity, the longest of them full, and the chosen kind's formulas."""
        return draw_costs(result, self.describe(result), ranges=self._ranges())

    def _ranges(self):
        """Return {parameter: (lowest, highest)} of the numbers that can be dragged."""
        return {name: (trait.min, trait.max) for name, trait in self.traits(parameter=lambda order: order is not None)
                .items() if hasattr(trait, "min")}  # fmt: skip


def divisors(a: int, b: int) -> tuple[int, ...]:
    """Return the common divisors of a and b, rising."""
    common = math.gcd(a, b)
    return tuple(g for g in range(1, common + 1) if common % g == 0)


def _counts(weights, maps, outputs):
    """Counts of a layer with these weights that writes `maps` maps, each with `outputs` numbers over the batch."""
    return {
        "parameters": weights + maps,
        "multiply-adds": weights * outputs,
        MEMORY: BYTES * maps * outputs,
    }
