"""Stack layers and see on a photo how much of it one output sees."""

import functools

import ipywidgets as W
import traitlets as T

from ..kit.base import Explorer, choice, slider, switch
from ..kit.layout import side_by_side
from .field_picture import PHOTO, draw_fields

MOST = 8  # layers
OWN = "your own"
CONV, POOL = (3, 1, 1, False), (2, 2, 1, True)  # (kernel, stride, dilation, is it a pooling without weights?)
STACKS = {
    "three 3×3": (CONV,) * 3,
    "two 5×5": ((5, 1, 1, False),) * 2,
    "one 7×7": ((7, 1, 1, False),),
    "LeNet": ((5, 1, 1, False), POOL) * 2,
    "AlexNet": ((11, 4, 1, False), (3, 2, 1, True), (5, 1, 1, False), (3, 2, 1, True), *(CONV,) * 3, (3, 2, 1, True)),
    "VGG-11, first 8": (CONV, POOL, CONV, POOL, CONV, CONV, POOL, CONV),
    "dilated 1, 2, 4, 8": tuple((3, 1, d, False) for d in (1, 2, 4, 8)),
}


class ReceptiveFieldBuilder(Explorer):
    """How large is the receptive field of one output behind up to 8 layers?

    `stack` holds the layers from the input on, each (kernel, stride, dilation, pooling); `layer`, counted from 1, is
    the one that the other controls change. `result` holds the stack, "fields", per layer (size, jump) in pixels,
    "seen", how many pixels of a row of the field have a say, "columns", which (a bit per pixel), and the weights per
    pair of channels, of the stack and of one layer with the same field.
    """

    preset = choice("three 3×3", [*STACKS, OWN], "")
    count = slider(3, 1, MOST, "layers")
    layer = slider(3, 1, MOST, "change layer", help="counted from the input")
    kernel_size = slider(3, 1, 11, "its kernel k")
    stride = slider(1, 1, 4, "its stride s")
    dilation = slider(1, 1, 8, "its dilation d")
    pooling = switch(False, "pooling, no weights")
    stack = T.Tuple(STACKS["three 3×3"])

    def __init__(self, **values):
        self._syncing = False
        super().__init__(**values)
        if "stack" in values:
            self.stack = values["stack"]

    # The stack and the controls say the same thing: whichever is set, the others follow. ----------------------

    @T.validate("stack")
    def _sound(self, proposal):
        stack = tuple((*layer, False)[:4] for layer in proposal["value"])
        ranges = {"kernel": (1, 11), "stride": (1, 4), "dilation": (1, 8)}
        if not 1 <= len(stack) <= MOST:
            raise ValueError(f"the stack has {len(stack)} layers: give 1 to {MOST}, each (kernel, stride, dilation)")
        for i, layer in enumerate(stack):
            for (name, (low, high)), value in zip(ranges.items(), layer, strict=False):
                if not low <= value <= high:
                    raise ValueError(f"layer {i + 1} has the {name} {value}: take {low} to {high}")
        return stack

    @T.observe("stack")
    def _take_stack(self, change):
        if not self._syncing:
            self._follow(change["new"], self.layer)
            self.refresh()

    @T.observe("preset")
    def _take_preset(self, change):
        if change["new"] != OWN:
            self._follow(STACKS[change["new"]], MOST)

    @T.observe("count")
    def _take_count(self, change):
        longer = self.stack + self.stack[-1:] * MOST
        self._follow(longer[: change["new"]], change["new"] if change["new"] > len(self.stack) else self.layer)

    @T.observe("layer")
    def _take_layer(self, change):
        self._follow(self.stack, change["new"])

    @T.observe("kernel_size", "stride", "dilation", "pooling")
    def _take_numbers(self, change):
        layer, i = (self.kernel_size, self.stride, self.dilation, self.pooling), self.layer - 1
        self._follow((*self.stack[:i], layer, *self.stack[i + 1 :]), self.layer)

    def _follow(self, stack, layer):
        """Make the stack this one and the chosen layer this one, and every control say so."""
        with self._held_back():
            if self._syncing:
                return
            self._syncing = True
            try:
                self.stack, self.count, self.layer = stack, len(stack), min(layer, len(stack))
                self.preset = next((name for name, known in STACKS.items() if known == stack), OWN)
                self.kernel_size, self.stride, self.dilation, self.pooling = stack[self.layer - 1]
            finally:
                self._syncing = False

    def arrange(self):
        """Put the presets above; below, which layer, and what it is."""
        c = self.controls
        for name in ("count", "layer", "kernel_size", "stride", "dilation"):
            c[name].layout.width, c[name].style.description_width = "290px", "96px"
        pairs = ("count", "layer"), ("kernel_size", "stride"), ("dilation", "pooling")
        return W.VBox([c["preset"], *(side_by_side([c[name] for name in pair]) for pair in pairs)])

    def limits(self, **values):
        """The chosen layer is one of those there are."""
        return {"layer": (1, len(self.stack))}

    def compute(self, layer, **others):
        """Follow the field through the stack, and count what it costs."""
        stack = self.stack
        fields, columns = field_sizes(stack), seen_columns(stack)
        return {
            "stack": stack, "layer": layer, "fields": fields, "columns": columns, "seen": bin(columns).count("1"),
            "weights": sum(k * k for k, _, _, pooling in stack if not pooling), "one": fields[-1][0] ** 2,
        }  # fmt: skip

    def describe(self, result):
        """Say the field after each layer, what it costs, and whether the photo holds it."""
        size, jump = result["fields"][-1]
        grown = ", ".join(f"{size:,}" for size, _ in result["fields"])
        beyond = f" It is larger than the photo of {PHOTO} pixels." if size > PHOTO else ""
        return (
            f"receptive field after each layer: {grown} pixels; {result['seen']:,} of the {size:,} pixels of a row "
            f"have a say; the field of the next output begins {jump:,} pixel{'' if jump == 1 else 's'} further on. "
            f"{result['weights']:,} weights per pair of channels, one layer with this field {result['one']:,}.{beyond}"
        )

    def draw(self, result):
        """Draw the fields on the photo, what the last one sees, and how it grew."""
        return draw_fields(result, self.describe(result))


def field_sizes(stack):
    """Return for each layer (size, jump) of its field: pixels in a row, and from one output's field to the next's.

    A layer sees k outputs of the layer before, d apart; d·(k − 1) times that layer's jump lie between the outer two.
    """
    size, jump, fields = 1, 1, []
    for k, s, d, _ in stack:
        size, jump = size + d * (k - 1) * jump, jump * s
        fields.append((size, jump))
    return fields


def seen_columns(stack):
    """Return a whole number whose bit i says whether pixel i of the last field has a say in the output."""
    seen, jump = 1, 1
    for k, s, d, _ in stack:
        seen = functools.reduce(int.__or__, (seen << a * d * jump for a in range(k)))
        jump *= s
    return seen
