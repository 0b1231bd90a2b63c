"""Stack layers and see on a photo how much of it one output sees."""

import functools

import ipywidgets as W
import traitlets as T

from ..kit.base import Explorer
from ..kit.layout import side_by_side
from ..kit.parameters import choice, parameter, slider, switch
from ..kit.walk import Unseen, place
from .field_picture import PHOTO, draw_fields

MOST = 8  # layers
OWN, START = "your own", "AlexNet"
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
PARTS = "(kernel, stride, dilation), and True behind them for a pooling"
RANGES = {"kernel": (1, 11), "stride": (1, 4), "dilation": (1, 8)}
OF_A_LAYER = {"kernel_size": "kernel k", "stride": "stride s", "dilation": "dilation d"}


class ReceptiveFieldBuilder(Explorer):
    """How large is the receptive field of one output behind up to 8 layers?

    `stack` holds the layers from the input on, each (kernel, stride, dilation, pooling); `layer`, counted from 1, is
    the one that the other controls change; `place` is (row, column) on the photo, in pixels, and the last layer's
    output with its middle nearest to it is shown. `result` holds the stack, "fields", per layer (size, jump) in pixels,
    "unit", (row, column) of the output among the "units" of a row, "starts", where its field begins on the photo,
    "seen", how many pixels of a row of the field have a say, "columns", which (a bit per pixel), and the weights per
    pair of channels, of the stack and of one layer with the same field.
    """

    preset = choice(START, [*STACKS, OWN], "")
    place = place((PHOTO // 2,) * 2, "place", samples=[(0, 0), (30, 200), (223, 112)], help="on the photo, in pixels")
    count = slider(8, 1, MOST, "layers")
    layer = slider(1, 1, MOST, "change layer", help="counted from the input")
    kernel_size = slider(11, 1, 11, "kernel k")
    stride = slider(4, 1, 4, "stride s")
    dilation = slider(1, 1, 8, "dilation d")
    pooling = switch(False, "pooling, no weights")
    stack = parameter(
        T.Tuple(STACKS[START]), lambda: Unseen(value=STACKS[START]), "stack", [STACKS["two 5×5"], ((3, 2, 2),) * 5]
    )

    def __init__(self, **values):
        self._syncing = False
        super().__init__(**values)

    # The stack and the controls say the same thing: whichever is set, the others follow. ----------------------

    @T.validate("stack")
    def _sound(self, proposal):
        if not 1 <= len(proposal["value"]) <= MOST:
            raise ValueError(f"the stack has {len(proposal['value'])} layers: give 1 to {MOST}, each {PARTS}")
        return tuple(sound_layer(number, layer) for number, layer in enumerate(proposal["value"], start=1))

    @T.observe("stack")
    def _take_stack(self, change):
        if not self._syncing:
            self._follow(change["new"], self.layer)

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
                self._name_controls()
            finally:
                self._syncing = False

    def _name_controls(self):
        """Say in their labels which layer the controls change."""
        for name, label in OF_A_LAYER.items():
            self.controls[name].description = f"layer {self.layer}: {label}"

    def arrange(self):
        """Put the presets above; below, how many layers, and what the chosen one is."""
        c = self.controls
        for name in ("count", "kernel_size", "stride", "dilation"):
            c[name].layout.width, c[name].style.description_width = "320px", "124px"
        self._name_controls()
        rows = ("count", "kernel_size"), ("stride", "dilation", "pooling")
        return W.VBox([c["preset"], *(side_by_side([c[name] for name in row]) for row in rows)])

    def limits(self, **values):
        """The chosen layer is one of those there are."""
        return {"layer": (1, len(self.stack))}

    def compute(self, layer, stack, place, **others):
        """Follow the field through the stack, find the output at the place, and count what it costs."""
        fields, columns = field_sizes(stack), seen_columns(stack)
        units, first = units_of(*fields[-1])
        size, jump = fields[-1]
        unit = tuple(min(units - 1, max(0, round((at - first - size // 2) / jump))) for at in place)
        return {
            "stack": stack, "layer": layer, "fields": fields, "columns": columns, "seen": bin(columns).count("1"),
            "units": units, "first": first, "unit": unit, "starts": tuple(first + at * jump for at in unit),
            "weights": sum(k * k for k, _, _, pooling in stack if not pooling), "one": fields[-1][0] ** 2,
        }  # fmt: skip

    def describe(self, result):
        """Say the field after each layer, what it costs, and whether the photo holds it."""
        (size, jump), (row, column), units = result["fields"][-1], result["unit"], result["units"]
        rows, columns = (f"{max(0, at)} to {min(at + size, PHOTO) - 1}" for at in result["starts"])
        seen = f"rows {rows} and columns {columns} of the photo"
        grown = ", ".join(f"{size:,}" for size, _ in result["fields"])
        beyond = f" It is larger than the photo of {PHOTO} pixels." if size > PHOTO else ""
        return (
            f"receptive field after each layer: {grown} pixels; {result['seen']:,} of the {size:,} pixels of a row "
            f"have a say; the field of the next output begins {jump:,} pixel{'' if jump == 1 else 's'} further on. "
            f"{result['weights']:,} weights per pair of channels, one layer with this field {result['one']:,}.{beyond} "
            f"The output in row {row}, column {column} of {units}×{units} sees {seen}."
        )

    def draw(self, result):
        """Draw the fields on the photo, what the last one sees, and how it grew."""
        return draw_fields(result, self.describe(result))


def sound_layer(number, layer):
    """Return layer `number` of a stack as (kernel, stride, dilation, pooling); ValueError where it is none."""
    if not isinstance(layer, (tuple, list)) or not 3 <= len(layer) <= 4:
        raise ValueError(f"layer {number} is {layer!r}: give {PARTS}")
    for (name, (low, high)), value in zip(RANGES.items(), layer, strict=False):
        if not hasattr(value, "__index__") or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"layer {number} has the {name} {value}: take {low} to {high}")
    return *map(int, layer[:3]), bool(layer[3:] and layer[3])


def units_of(size, jump):
    """Return how many outputs a row of the photo has, with all the padding it takes, and where the first field begins.

    There is one for every `jump` pixels, as far left of the photo's middle as right of it.
    """
    units = max(1, PHOTO // jump)
    return units, (PHOTO - (units - 1) * jump - size) // 2


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
