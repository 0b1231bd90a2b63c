"""What every layer of a net makes of one picture."""

import math

import numpy as np

from helpers.drawing import svg

from ..kit.bars import named_bars, upright_bars
from ..kit.base import Explorer, slider
from ..kit.layers import around, check_arguments, larger_units, limits_of, record

WIDTH, HEIGHT = 800, 336
TILES = (172, 84, 380, 200)  # x, y, width, height of the area for all channels
LARGE = (584, 84, 200)  # x, y, side of the chosen channel
CHIPS = 12  # layers shown at a time in the strip above


class FeatureMaps(Explorer):
    """What does each layer of a net hand on for one test picture?

    All channels of the layer share one scale: grey from 0 where nothing is negative, else blue, white, red around 0.
    `net` may be any nn.Module for the pictures of `test_iter`. What runs is a copy in eval mode that shares the
    weights, so the net keeps its mode, gradients and hooks, and later training shows. Layers are the modules
    without children, in the order in which they run. `result` holds "X" (1, 1, H, W), "y", "activations"
    {name: (C, H, W) or (features,)}, "layers", and the chosen "layer" and "channel".
    """

    index = slider(0, 0, 99_999, "picture", help="number of the test picture")
    layer = slider(0, 0, 999, "layer", help="in the order in which they run")
    channel = slider(0, 0, 999_999, "channel", help="or unit, in a dense layer")

    def __init__(self, net, test_iter, **values):
        check_arguments(net, test_iter)
        self.net, self.test_iter = net, test_iter
        self._channels = [len(layer.output) for layer in self._run(0)[2]]
        super().__init__(**values)

    def arrange(self):
        """All three sliders in one row."""
        for control in self.controls.values():
            control.layout.width = "262px"
        return super().arrange()

    def limits(self, layer, **_):
        """The pictures, layers and channels that there are."""
        layer = min(layer, len(self._channels) - 1)
        return {
            "index": (0, self.test_iter.num_images - 1),
            "layer": (0, len(self._channels) - 1),
            "channel": (0, self._channels[layer] - 1),
        }

    def compute(self, index, layer, channel):
        """Run the net on one picture and keep what every layer gives."""
        X, y, layers = self._run(index)
        chosen = layers[min(layer, len(layers) - 1)]
        if not chosen.output.isfinite().all():
            raise ValueError(
                f"{chosen.title} gives values that are not finite: the net diverged while it trained; "
                "train it anew with a smaller learning rate"
            )
        return {
            "X": X, "y": int(y), "index": index, "layers": layers, "layer": chosen,
            "channel": min(channel, len(chosen.output) - 1),
            "activations": {layer.name: layer.output for layer in layers},
        }  # fmt: skip

    def describe(self, result):
        """Say the picture, the layer, its range and the chosen channel's."""
        layer, channel = result["layer"], result["channel"]
        place = f"picture {result['index']} ({self._class_name(result)}), layer {layer.title} {layer.kind}"
        one, (low, high) = layer.output[channel], limits_of(layer.output)
        if layer.output.ndim == 1:
            value = svg.number(float(one))
            return f"{place}: {len(layer.output)} values from {low} to {high}; unit {channel}: {value}."
        size, (least, largest) = "×".join(map(str, one.shape)), limits_of(one)
        return (
            f"{place}: {len(layer.output)} maps of {size}, values from {low} to {high}; channel {channel} from "
            f"{least} to {largest}, mean {svg.number(float(one.mean()))}."
        )

    def draw(self, result):
        """Draw the strip of layers, the picture, all channels and the chosen one."""
        layer, channel = result["layer"], result["channel"]
        pixels = self.test_iter.to_pixels(result["X"])[0].cpu()
        parts = [_strip(result["layers"], layer), _picture(pixels, result["index"], self._class_name(result))]
        if layer.output.ndim == 1:
            names = self.test_iter.classes
            known = layer is result["layers"][-1] and len(layer.output) == len(names)
            parts += [_bars(layer, channel, names if known else None), _unit(layer, channel)]
        else:
            parts += [_tiles(layer, channel), _scale_bar(layer), _large(layer, channel)]
        return svg.picture(WIDTH, HEIGHT, *parts, label=self.describe(result))

    def _run(self, index):
        X, y = self.test_iter.batch([index])
        return X, y, record(self.net, X)

    def _class_name(self, result):
        return self.test_iter.classes[result["y"]]


def _colors(layer):
    """The palette and limit that all channels of a layer share."""
    limit = float(layer.output.abs().max()) or 1.0
    return {"colors": "signed" if layer.output.min() < 0 else "grey", "limit": limit}


def _strip(layers, chosen):
    """The layers as chips, the chosen one framed; of a long net, those around it."""
    (first, shown), parts = around(layers, chosen, CHIPS), []
    width = WIDTH / len(shown)
    for i, layer in enumerate(shown):
        here, left = layer is chosen, i * width
        kind = layer.kind if len(layer.kind) < 12 else layer.kind[:10] + "…"
        size = min(svg.fit(string, width - 9) for string in ("AvgPool2d", kind, layer.shape))
        edge = {"stroke": svg.ORANGE, "line": 2.5} if here else {"stroke": svg.GREY, "line": 0.8}
        parts.append(svg.rect(left + 2, 2, width - 4, 38, **edge))
        parts.append(svg.text(left + width / 2, 17, kind, size=size))
        parts.append(svg.text(left + width / 2, 33, layer.shape, size=size, opacity=0.8))
    hidden = [f"{first} before" * bool(first), f"{len(layers) - first - len(shown)} after"]
    if len(layers) > len(shown):
        parts.append(svg.text(WIDTH - 4, 54, "not shown: " + ", ".join(filter(None, hidden)), size=10, anchor="end"))
    return "".join(parts)


def _picture(pixels, index, name):
    """The picture (C, H, W) itself, grey or in colour."""
    image = pixels[0] if len(pixels) == 1 else pixels.permute(1, 2, 0)
    title = f"picture {index}: {name}"
    tile = svg.tile(image.numpy(), 2, 84, 148, 148 * image.shape[0] / image.shape[1])
    return svg.text(2, 76, title, size=svg.fit(title, 156), anchor="start") + tile


def _tiles(layer, chosen):
    """All channels, row by row as one image, the chosen one framed."""
    x, y, width, height = TILES
    maps = layer.output.numpy()
    count, rows, columns = maps.shape
    per_row = max(range(1, count + 1), key=lambda n: min(width / n / columns, height / math.ceil(count / n) / rows))
    zoom = min(width / per_row / columns, height / math.ceil(count / per_row) / rows)
    wide, high, parts = zoom * columns, zoom * rows, []
    for i in range(math.ceil(count / per_row)):
        row = maps[i * per_row : (i + 1) * per_row]
        parts.append(svg.tile(np.concatenate(row, axis=1), x, y + i * high, wide * len(row), high, **_colors(layer)))
        for j in range(len(row)):
            parts.append(svg.rect(x + j * wide, y + i * high, wide, high, stroke=svg.GREY, line=min(2, wide / 12)))
    i, j = divmod(chosen, per_row)
    parts.append(svg.rect(x + j * wide, y + i * high, wide, high, stroke=svg.ORANGE, line=3))
    parts.append(svg.text(x, 76, f"{layer.title} {layer.kind}: all {count} channels, one scale", anchor="start"))
    return "".join(parts)


def _scale_bar(layer):
    """The colours and the values they stand for."""
    x, y, width, height = TILES
    colors = _colors(layer)
    low = -colors["limit"] if colors["colors"] == "signed" else 0.0
    steps = np.linspace(low, colors["limit"], 128)[None]
    ticks = {x: low, x + width: colors["limit"]} | ({x + width / 2: 0.0} if low else {})
    return svg.tile(steps, x, y + height + 14, width, 10, **colors) + "".join(
        svg.text(at, y + height + 38, svg.number(value), size=11) for at, value in ticks.items()
    )


def _large(layer, chosen):
    """The chosen channel, up to 8×8 with its numbers."""
    x, y, side = LARGE
    one, (low, high) = layer.output[chosen], limits_of(layer.output[chosen])
    rows, columns = one.shape
    title = svg.text(x, 76, f"channel {chosen}: from {low} to {high}", anchor="start")
    if max(rows, columns) <= 8:
        return title + svg.matrix(one.numpy().round(2), x, y, side / max(rows, columns), **_colors(layer))
    zoom = side / max(rows, columns)
    return title + svg.tile(one.numpy(), x, y, columns * zoom, rows * zoom, **_colors(layer))


def _bars(layer, chosen, names):
    """The values of a dense layer: with `names` one named row each, else a strip of upright bars."""
    x, y, width, height = TILES
    values = layer.output.tolist()
    limits = (min(0.0, *values), max(0.0, *values)) if any(values) else (0.0, 1.0)
    title = svg.text(x, 76, f"{layer.title} {layer.kind}: all {len(values)} values", anchor="start")
    if names:
        return title + named_bars(values, chosen, names, (x + 92, y, width - 146, height + 14), limits)
    return title + upright_bars(values, chosen, (x + 44, y + 4, width - 44, height), limits)


def _unit(layer, chosen):
    """The chosen unit's number, and how many units are larger."""
    x, y, side = LARGE
    value = layer.output[chosen]
    return (
        svg.text(x, 76, f"unit {chosen} (0 to {len(layer.output) - 1})", anchor="start")
        + svg.text(x + side / 2, y + 84, svg.number(float(value)), size=34, color=svg.ORANGE, bold=True)
        + svg.text(x + side / 2, y + 112, larger_units(layer.output, chosen))
    )
