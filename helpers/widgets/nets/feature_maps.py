"""What every layer of a net makes of one picture."""

import ipywidgets as W

from helpers.drawing import svg
from helpers.inside.fields import followed_fields

from ..kit.base import Explorer
from ..kit.layer_views import cell_at
from ..kit.layers import check_arguments, limits_of, quiet_copy, record, weights_of
from ..kit.parameters import slider
from ..kit.thumbnails import Thumbnails
from .feature_maps_picture import draw_maps

MIDDLE = 0.5


class FeatureMaps(Explorer):
    """What does each layer of a net hand on for one test picture? Click a layer, a map, a pixel, another picture.

    All channels of the layer share one scale: grey from 0 where nothing is negative, else blue, white, red around 0.
    `net` may be any nn.Module for the pictures of `test_iter`. What runs is a copy in eval mode that shares the
    weights, so the net keeps its mode, gradients and hooks, and later training shows. Layers are the modules
    without children, in the order in which they run. `down` and `across` are a place in the maps, as shares.

    `result` holds "X" (1, 1, H, W), "y", "activations" {name: (C, H, W) or (features,)}, "layers", the chosen "layer"
    and "channel", the "logits" (classes,), or None where the net gives something else, and of a map the "place" (row,
    column), its "value", and its "window" in the picture, (top, left, bottom, right), None where no one can follow it.
    """

    index = slider(0, 0, 99_999, "picture", help="number of the test picture")
    layer = slider(0, 0, 999, "layer", help="in the order in which they run")
    channel = slider(0, 0, 999_999, "channel", help="or unit, in a dense layer")
    down = slider(MIDDLE, 0.0, 1.0, "down", help="place in the maps, as a share of their height")
    across = slider(MIDDLE, 0.0, 1.0, "across", help="place in the maps, as a share of their width")

    def __init__(self, net, test_iter, **values):
        check_arguments(net, test_iter)
        self.net, self.test_iter, self._key, self._seen = net, test_iter, None, ()
        self._fields = {}
        self.pictures = Thumbnails(test_iter.num_images, self._pixels)
        self._look(0)
        super().__init__(**values)

    def arrange(self):
        """Nothing above: all is set on the picture."""
        return W.VBox([])

    def limits(self, index, layer, **_):
        """The pictures, layers, channels and places that there are."""
        layers = self._look(min(index, self.test_iter.num_images - 1))[3]
        output = layers[min(layer, len(layers) - 1)].output
        ends = [(0, 1) if n > 1 else (MIDDLE, MIDDLE) for n in (output.shape[1:] or (1, 1))]
        return {
            "index": (0, self.test_iter.num_images - 1), "layer": (0, len(layers) - 1),
            "channel": (0, len(output) - 1), "down": ends[0], "across": ends[1],
        }  # fmt: skip

    def compute(self, index, layer, channel, down, across):
        """Run the net on one picture and keep what every layer gives."""
        X, y, output, layers = self._look(index)
        chosen = layers[min(layer, len(layers) - 1)]
        if not chosen.output.isfinite().all():
            raise ValueError(
                f"{chosen.title} gives values that are not finite: the net diverged while it trained; "
                "train it anew with a smaller learning rate"
            )
        channel = min(channel, len(chosen.output) - 1)
        return {
            "X": X, "y": int(y), "index": index, "layers": layers, "layer": chosen, "channel": channel,
            "logits": output[0].cpu() if getattr(output, "ndim", 0) == 2 else None,
            "activations": {layer.name: layer.output for layer in layers},
            **self._point(chosen, channel, down, across),
        }  # fmt: skip

    def _point(self, layer, channel, down, across):
        """The pixel of the map that is held, and what it sees of the picture."""
        if layer.output.ndim == 1:
            return {"place": None, "value": float(layer.output[channel]), "window": None}
        place = tuple(cell_at(share, n) for share, n in zip((down, across), layer.output.shape[1:], strict=True))
        field, window = self._fields.get(layer.name), None
        if field:
            top, left = (o + i * s for o, i, s in zip(field.offset, place, field.stride, strict=True))
            window = top, left, top + field.size[0], left + field.size[1]
        return {"place": place, "value": float(layer.output[channel][place]), "window": window}

    def describe(self, result):
        """Say the picture, the answer, the layer, its range, the chosen channel's, and the pixel that is held."""
        layer, channel, answer = result["layer"], result["channel"], ""
        if result["logits"] is not None:
            likely = result["logits"].softmax(0)
            answer = f"; the net says {self.names(result)[int(likely.argmax())]}, {float(likely.max()):.3f}"
        place = f"picture {result['index']} ({self._class_name(result)}{answer}), layer {layer.title} {layer.kind}"
        one, (low, high) = layer.output[channel], limits_of(layer.output)
        if layer.output.ndim == 1:
            value = svg.number(float(one))
            return f"{place}: {len(layer.output)} values from {low} to {high}; unit {channel}: {value}."
        size, (least, largest), (row, column) = "×".join(map(str, one.shape)), limits_of(one), result["place"]
        return (
            f"{place}: {len(layer.output)} maps of {size}, values from {low} to {high}; channel {channel} from "
            f"{least} to {largest}, mean {svg.number(float(one.mean()))}; at row {row}, column {column}: "
            f"{svg.number(result['value'])}{self._seen_from(result)}."
        )

    def _seen_from(self, result):
        """What the pixel sees, in words."""
        if not result["window"]:
            return ""
        top, left, bottom, right = result["window"]
        return f", from {bottom - top}×{right - left} pixels of the picture"

    def draw(self, result):
        """Draw the strip of layers, the picture, all channels, the chosen one, and the pictures to choose from."""
        pixels = self._pixels(result["index"])
        title = f"picture {result['index']}: {self._class_name(result)}"
        width, height, parts = draw_maps(result, pixels, title, self.names(result), self.pictures)
        return svg.picture(width, height, *parts, label=self.describe(result))

    def names(self, result):
        """The names of the net's classes; numbers, where the data have not as many."""
        count = 0 if result["logits"] is None else len(result["logits"])
        known = self.test_iter.classes
        return list(known) if len(known) == count else [f"class {i}" for i in range(count)]

    def _pixels(self, index):
        """A picture (1, H, W) from 0 to 1."""
        return self.test_iter.to_pixels(self.test_iter.batch([index])[0])[0].cpu().clamp(0, 1)

    def _look(self, index):
        """Return X, y, the net's output and its layers for one picture; they stay until it or the weights change."""
        key = index, weights_of(self.net)
        if self._key != key:
            X, y = self.test_iter.batch([index])
            if self._key is None or self._key[1] != key[1]:
                self._fields = followed_fields(quiet_copy(self.net), tuple(X.shape))
            self._seen, self._key = (X, y, *record(self.net, X)), key
        return self._seen

    def _class_name(self, result):
        return self.test_iter.classes[result["y"]]
