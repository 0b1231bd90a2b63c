"""What a convolution costs: plain, in groups, and taken apart into depthwise and 1×1."""

import math

import ipywidgets as W
import traitlets as T

from helpers.drawing import svg
from helpers.drawing.words import count, memory

from ..kit.base import Explorer, choice, parameter, slider
from ..kit.layout import side_by_side

BYTES = 4  # of a number in fp32
PLAIN, GROUPED, SEPARABLE = KINDS = "plain", "grouped", "depthwise-separable"
PANELS = {  # quantity: its formula for each kind, in symbols and with the numbers put in
    "parameters": {
        PLAIN: ("c_o·c_i·k² + c_o", "{c_o} · {c_i} · {k}² + {c_o}"),
        GROUPED: ("c_o·c_i·k²/g + c_o", "{c_o} · {c_i} · {k}² / {g} + {c_o}"),
        SEPARABLE: ("c_i·k² + c_i + c_o·c_i + c_o", "{c_i} · {k}² + {c_i} + {c_o} · {c_i} + {c_o}"),
    },
    "multiply-adds": {
        PLAIN: ("c_o·c_i·k²·m²·N", "{c_o} · {c_i} · {k}² · {m}² · {N}"),
        GROUPED: ("c_o·c_i·k²/g·m²·N", "{c_o} · {c_i} · {k}² / {g} · {m}² · {N}"),
        SEPARABLE: ("(c_i·k² + c_o·c_i)·m²·N", "({c_i} · {k}² + {c_o} · {c_i}) · {m}² · {N}"),
    },
    "activation memory, fp32": {
        PLAIN: ("4 B·c_o·m²·N", "4 B · {c_o} · {m}² · {N}"),
        GROUPED: ("4 B·c_o·m²·N", "4 B · {c_o} · {m}² · {N}"),
        SEPARABLE: ("4 B·(c_i + c_o)·m²·N", "4 B · ({c_i} + {c_o}) · {m}² · {N}"),
    },
}
CODE = {
    PLAIN: "nn.Conv2d({c_i}, {c_o}, {k}, padding={p})",
    GROUPED: "nn.Conv2d({c_i}, {c_o}, {k}, padding={p}, groups={g})",
    SEPARABLE: "nn.Sequential(nn.Conv2d({c_i}, {c_i}, {k}, padding={p}, groups={c_i}), nn.Conv2d({c_i}, {c_o}, 1))",
}
LEFT, FULL, BAR, PANEL, TOP = 150, 300, 14, 98, 16  # px
SIZE = 700, TOP + len(PANELS) * PANEL + 22


class CostCalculator(Explorer):
    """Parameters, multiply-adds and activation memory of one layer in three kinds; the chosen one with its formula.

    The picture is padded by k // 2, so that the maps stay `size` × `size`. Biases count as parameters, and the map
    between depthwise and 1×1 as memory. `groups` offers the common divisors of both channel numbers. `result` holds a
    dict of counts for each kind, and `code`, the chosen layer in PyTorch.
    """

    kind = choice(PLAIN, KINDS, "kind")
    in_channels = slider(100, 1, 512, "input channels c_i")
    out_channels = slider(100, 1, 512, "output channels c_o")
    kernel_size = slider(5, 1, 11, "kernel size k", step=2, help="k × k weights in each slice")
    size = slider(64, 1, 256, "height = width m", help="of the maps, in pixels")
    batch = slider(1, 1, 256, "batch N", help="pictures")
    groups = parameter(
        T.Int(4, min=1, max=512),
        lambda: W.SelectionSlider(options=divisors(100, 100), value=4, layout=W.Layout(width="300px")),
        "groups g", [1, 10, 100], help="g divides both numbers of channels",
    )  # fmt: skip

    @T.validate("groups")
    def _to_a_divisor(self, proposal):
        """Take the nearest divisor below."""
        return max(g for g in divisors(self.in_channels, self.out_channels) if g <= proposal["value"])

    @T.observe("in_channels", "out_channels")
    def _offer_divisors(self, _):
        """Let the slider for the groups stop at divisors only, and stay as near to where it was as they allow."""
        slider_, groups = self.controls["groups"], self._to_a_divisor({"value": self.groups})
        with self._held_back(), slider_.hold_sync():
            slider_.options = divisors(self.in_channels, self.out_channels)
            slider_.value = groups
            self.groups = groups

    def following(self):
        """The groups depend on both numbers of channels."""
        return ["groups"]

    def arrange(self):
        """Put the kind above, and the sliders in pairs below it."""
        c = self.controls
        pairs = ("in_channels", "out_channels"), ("kernel_size", "size"), ("batch", "groups")
        for name in (name for pair in pairs for name in pair):
            c[name].style.description_width = "150px"
            c[name].layout.width = "370px"
        return W.VBox([c["kind"], *(side_by_side([c[name] for name in pair], "stretch") for pair in pairs)])

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
            f"{s['m']}×{s['m']}, batch of {s['N']}: {_needs(result[kind])}.{share} The three kinds in turn: "
            + "; ".join(f"{name} {_needs(result[name])}" for name in KINDS) + "."
        )  # fmt: skip

    def draw(self, result):
        """Draw three bars for each quantity, the longest of them full, and the chosen kind's formulas."""
        parts = [_panel(result, name, TOP + PANEL * i) for i, name in enumerate(PANELS)]
        code = result["code"]
        parts.append(svg.text(4, SIZE[1] - 8, code, size=min(12, svg.fit(code, SIZE[0] - 8)), anchor="start"))
        return svg.picture(*SIZE, *parts, label=self.describe(result))


def divisors(a: int, b: int) -> tuple[int, ...]:
    """Return the common divisors of a and b, rising."""
    common = math.gcd(a, b)
    return tuple(g for g in range(1, common + 1) if common % g == 0)


def _counts(weights, maps, outputs):
    """Counts of a layer with these weights that writes `maps` maps, each with `outputs` numbers over the batch."""
    return {
        "parameters": weights + maps,
        "multiply-adds": weights * outputs,
        "activation memory, fp32": BYTES * maps * outputs,
    }


def _panel(result, quantity, top):
    """The formula, and a bar for each kind."""
    kind, symbols, longest = result["kind"], result["symbols"], max(result[name][quantity] for name in KINDS)
    formula, numbers = PANELS[quantity][kind]
    said = f"{formula} = {numbers.format(**symbols)} = {_number(quantity, result[kind][quantity])}"
    parts = [
        svg.text(4, top, quantity, anchor="start", bold=True),
        svg.text(4, top + 18, said, anchor="start"),
    ]
    for i, name in enumerate(KINDS):
        value, y, here = result[name][quantity], top + 27 + i * (BAR + 4), name == kind
        label = f"{GROUPED}, g = {symbols['g']}" if name == GROUPED else name
        share = value / result[PLAIN][quantity]
        behind = _number(quantity, value) + ("" if name == PLAIN else f"  ({share:.3g} × plain)")
        width, color = max(value / longest * FULL, 1), svg.ORANGE if here else svg.BLUE
        parts.append(svg.text(LEFT - 8, y + 11, label, size=11, anchor="end", bold=here))
        parts.append(svg.rect(LEFT, y, width, BAR, stroke="none", fill=color))
        parts.append(svg.text(LEFT + width + 6, y + 11, behind, size=11, anchor="start", bold=here))
    return "".join(parts)


def _needs(counts):
    numbers = ((name, _number(name, value)) for name, value in counts.items())
    return ", ".join(number if "memory" in name else f"{number} {name}" for name, number in numbers)


def _number(quantity, value):
    return memory(value) if "memory" in quantity else count(value)
