"""Look inside any net: its feature maps, what excites a unit, and which pixels its answer rests on."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from helpers.drawing import svg
from helpers.inside.fields import field_boxes, followed_fields
from helpers.inside.layers import first_tensor, in_front, lying_last, quiet_copy, watch
from helpers.inside.methods import covered, window_corners

from ...kit.background import Job
from ...kit.base import Explorer
from ...kit.layer_views import cell_at
from ...kit.layers import Layer, weights_of
from ...kit.layout import side_by_side
from ...kit.parameters import choice, slider
from ...kit.thumbnails import Thumbnails
from .picture import draw_all, numbers_of
from .runs import Gallery, Sweep, drawable, has_classes

VIEWS = ["maps", "top pictures", "Grad-CAM", "occlusion"]
SEARCHED = 300  # pictures among which the strongest are looked for
MIDDLE = 0.5
PATIENCE = 0.3  # seconds that a move of a control may take; what takes longer goes on in a thread


@dataclass
class Seen:
    """What the net made of one picture; `occlusion` and `gradients` come when they are first asked for."""

    shown: tuple
    layers: list[Layer]
    last: set[str]  # names of layers with maps (1, H, W, C)
    logits: Tensor | None  # (classes,), None where the net gives something else
    occlusion: Sweep | None = None
    gradients: dict = field(default_factory=dict)


class LookInside(Explorer):
    """What is going on inside a net? Click a layer, a unit, a picture; drag over the pixels; choose what to show.

    `net` is any nn.Module that takes (1, C, H, W). `pictures` are `ImageBatches`, a tensor (N, C, H, W) or a list of
    (C, H, W), grey or in colour, 0 to 1; `preprocess` makes of pixels (1, C, H, W) what the net gets, such as the
    normalisation of a net of torchvision; `classes` are the names of the net's outputs. What runs is a copy in eval
    mode that shares the weights. Layers are the modules without children, and those whose output is none of their
    children's (a sum, a concatenation), in the order in which they run, as far as they give (1, C, H, W), (1, F) or, as
    in Swin, (1, H, W, C), which is turned.

    Views: "maps", all channels; "top pictures", the nine among the first 300 to which the unit responds most;
    "Grad-CAM" and "occlusion" for the net's answer, occlusion for the unit too. What takes long goes on in a thread;
    `wait()` returns when it is done. `result` holds "index", "pixels" (C, H, W), "X" (1, C, H, W), "layers", "layer",
    "unit", "view", "logits" (classes,) or None, "answer", "place" (row, column) of the pixel or the cover that is held
    at the shares `down` and `across`, and what the view shows; "note" says why it shows nothing.
    """

    index = slider(0, 0, 99_999, "picture", help="number of the picture")
    layer = slider(0, 0, 9_999, "layer", help="in the order in which they run")
    unit = slider(0, 0, 999_999, "unit", help="channel of the layer, or number in a dense layer")
    view = choice("maps", VIEWS, "show")
    down = slider(MIDDLE, 0.0, 1.0, "down", help="place in the maps, as a share of their height")
    across = slider(MIDDLE, 0.0, 1.0, "across", help="place in the maps, as a share of their width")

    def __init__(self, net, pictures, *, preprocess=None, classes=None, **values):
        if not isinstance(net, nn.Module):
            raise TypeError(f"the first argument must be a net (nn.Module), not {type(net).__name__}")
        if any(nn.parameter.is_lazy(weight) for weight in net.parameters()):
            raise ValueError("the net has lazy layers, which have no weights before their first batch: run it once")
        self.net, self.gallery = net, Gallery(pictures, preprocess, classes)
        self.pictures = Thumbnails(len(self.gallery), self.gallery.pixels)
        self._copy = self._key = self._seen = self._search = self._job = self._worked_on = None
        self._boxes, self._fields = {}, {}
        super().__init__(**values)

    def arrange(self):
        """What to show; the rest is chosen on the picture."""
        self.controls["view"].layout.width = "max-content"
        return side_by_side([self.controls["view"]])

    def limits(self, index, layer, view, **_):
        """The pictures, layers, units and places that there are."""
        seen = self._look(min(index, len(self.gallery) - 1))
        output = seen.layers[min(layer, len(seen.layers) - 1)].output
        places = [(0, 1) if n > 1 else (MIDDLE, MIDDLE) for n in _grid(seen, output, view)]
        return {"index": (0, len(self.gallery) - 1), "layer": (0, len(seen.layers) - 1), "unit": (0, len(output) - 1),
                "down": places[0], "across": places[1]}  # fmt: skip

    def compute(self, index, layer, unit, view, down, across):
        """Take what the layer gave for the picture, and what the view adds."""
        seen = self._look(index)
        layer = seen.layers[layer]
        if not layer.output.isfinite().all():
            raise ValueError(
                f"{layer.title} gives values that are not finite: the net diverged while it trained; "
                "train it anew with a smaller learning rate"
            )
        result = {
            "index": index, "pixels": seen.shown.pixels, "X": seen.shown.X, "name": seen.shown.name, "unit": unit,
            "layers": seen.layers, "layer": layer, "view": view, "logits": seen.logits, "note": "",
            "answer": None if seen.logits is None else int(seen.logits.argmax()), "classes": self.gallery.classes,
            "place": tuple(map(cell_at, (down, across), _grid(seen, layer.output, view))),
        }  # fmt: skip
        views = dict(zip(VIEWS, (self._maps, self._top, self._cam, self._occluded), strict=True))
        return result | views[view](seen, layer, unit) | self._window(result)

    def describe(self, result):
        """Say the picture, the answer, the layer and the numbers of the view."""
        return numbers_of(result)

    def draw(self, result):
        """Draw the layers, the picture with the net's answer, and the view."""
        width, height, parts = draw_all(result, self.pictures)
        return svg.picture(width, height, *parts, label=self.describe(result))

    def wait(self):
        """Return when no work in the background is left."""
        while self._job and self._job.running:
            self._job.wait()

    # One view each ---------------------------------------------------------------------------------------

    def _maps(self, seen, layer, unit):
        return {"activations": {layer.name: layer.output for layer in seen.layers}}

    def _top(self, seen, layer, unit):
        if self._search is None:
            count = min(SEARCHED, len(self.gallery))
            self._search = Sweep(self.net, lambda i: self.gallery[i].X[0], count)
        search = self._search
        if not self._swept(search):
            return {"note": f"looking through {search.count} pictures: {search.progress:.0%}"}
        if layer.name not in search.values or unit >= search.values[layer.name].shape[1]:
            return {"note": "this layer does not give the same units for every picture"}
        values = search.values[layer.name][:, unit]
        order = values.argsort(descending=True, stable=True)[:9].tolist()
        places = [tuple(place) for place in search.places[layer.name][order, unit].tolist()]
        pictures = [self.gallery[i] for i in order]
        flat = layer.output.ndim == 1
        boxes = None if flat else self._windows(layer.name, pictures, places)
        return {
            "numbers": order, "values": values[order], "positions": None if flat else places, "boxes": boxes,
            "searched": search.count, "pictures": [picture.pixels for picture in pictures],
        }  # fmt: skip

    def _cam(self, seen, layer, unit):
        if seen.logits is None:
            return {"note": "Grad-CAM needs a net that gives one number per class, (N, classes)"}
        if layer.output.ndim == 1:
            return {"note": f"{layer.title} has no rows and columns: Grad-CAM needs a layer that gives maps"}
        if not seen.gradients:
            seen.gradients = self._gradients(seen)
        gradient = seen.gradients.get(layer.name)
        if gradient is None:
            return {"note": f"the answer does not depend on {layer.title}"}
        weights = gradient.mean((1, 2))
        return {"weights": weights, "cam": torch.tensordot(weights, layer.output, dims=1).relu()}

    def _occluded(self, seen, layer, unit):
        X = seen.shown.X
        if seen.occlusion is None:
            size, stride, *_ = _cover(X)
            corners = window_corners(X, size, stride)
            seen.occlusion = Sweep(self.net, lambda i: covered(X, size, corners[i]), len(corners))
        sweep, (size, stride, *grid) = seen.occlusion, _cover(X)
        if not self._swept(sweep):
            return {"note": f"covering {sweep.count} windows, one after the other: {sweep.progress:.0%}"}
        responses = sweep.values.get(layer.name)
        if responses is None:
            return {"note": "this layer does not give the same units for every picture"}
        own = layer.output[unit].max()
        found = {"size": size, "stride": stride, "unit_drop": (own - responses[:, unit]).reshape(grid), "own": own}
        if seen.logits is not None:
            answer = int(seen.logits.argmax())
            found["drop"] = (seen.logits[answer] - sweep.logits[:, answer]).reshape(grid)
        return found

    # What the views need ---------------------------------------------------------------------------------

    def _look(self, index):
        """What the net makes of a picture, kept until the picture or the weights change."""
        weights = weights_of(self.net)
        if self._key is None or self._key[0] != weights:
            self._copy, self._search, self._boxes = quiet_copy(self.net), None, {}
            self._fields = {}
        if self._key != (weights, index):
            shown = self.gallery[index]
            output, calls = watch(self._copy, shown.X)
            last = lying_last(self._copy, shown.X, calls)
            calls = [call for call in calls if drawable(call.output, 1)]
            if not calls:
                raise ValueError("no layer of the net gives (1, C, H, W) or (1, features): there is nothing to show")
            layers = [Layer(call.name, type(call.module).__name__, _flat(in_front(call, last)).cpu()) for call in calls]
            logits = first_tensor(output)[0].cpu() if has_classes(output) else None
            self._seen, self._key = Seen(shown, layers, last, logits), (weights, index)
        return self._seen

    def _gradients(self, seen):
        """{layer: gradient (C, h, w) of the answer's logit with respect to what it gives, or None}."""
        X = seen.shown.X.detach().clone().requires_grad_()
        output, calls = watch(self._copy, X, grad=True)
        calls = [call for call in calls if call.output.requires_grad and drawable(call.output, 1)]
        logit = first_tensor(output)[0].max()
        found = torch.autograd.grad(logit, [call.output for call in calls], allow_unused=True)
        parts = {call.name: call._replace(output=part) for call, part in zip(calls, found, strict=True)}
        return {name: None if part.output is None else _flat(in_front(part, seen.last)).cpu()
                for name, part in parts.items()}  # fmt: skip

    def _windows(self, name, pictures, places):
        """What the layer sees at a place of each picture, as (top, left, bottom, right)."""
        boxes = []
        for shown, place in zip(pictures, places, strict=True):
            shape = tuple(shown.X.shape)
            if (name, shape, place) not in self._boxes:
                box = field_boxes(self._copy, shape, name, [place], self._followed(shape))
                self._boxes[name, shape, place] = box[0]
            boxes.append(self._boxes[name, shape, place])
        return boxes

    def _followed(self, shape):
        """What `receptive_field` says of the layers, for a picture of this shape."""
        if shape not in self._fields:
            self._fields[shape] = followed_fields(self._copy, shape)
        return self._fields[shape]

    def _window(self, result):
        """What the pixel of the map that is held sees, where it can be followed through the net at once."""
        layer, X = result["layer"], result["X"]
        if result["view"] != "maps" or layer.output.ndim == 1 or layer.name not in self._followed(tuple(X.shape)):
            return {"window": None}
        return {"window": self._windows(layer.name, [self._seen.shown], [result["place"]])[0]}

    def _swept(self, sweep):
        """Whether a sweep is done: the beginning at once, what takes longer in a thread."""
        if not sweep.done and not (self._worked_on is sweep and self._job.running):
            if self._job:
                self._job.stop()
            sweep.advance(PATIENCE)
            if not sweep.done:
                self._worked_on, self._job = sweep, Job(sweep.work, self._job_changed)
                self._job.start()
        return sweep.done

    def _job_changed(self, job):
        if job.error:
            self._fail(job.error)
        elif not job.stopped and job is self._job:
            self.refresh()


def _flat(output):
    """An output (1, C, H, W) as (C, H, W), and (1, C, 1, 1) or (1, features) as (features,)."""
    output = output[0].detach()
    return output.flatten() if output.ndim == 3 and output.shape[1:] == (1, 1) else output


def _cover(X):
    """The size and stride of the window of the occlusion, and how many fit, (size, stride, rows, columns)."""
    side = min(X.shape[2:])
    size, stride = max(1, side // 4), max(1, side // 14)
    return size, stride, *((n - size) // stride + 1 for n in X.shape[2:])


def _grid(seen, output, view):
    """(rows, columns) of the places that can be held; one where there are none."""
    if view == "occlusion":
        return _cover(seen.shown.X)[2:]
    return output.shape[1:] if view != "top pictures" and output.ndim == 3 else (1, 1)
