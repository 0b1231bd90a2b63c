"""The ten class maps of a net that ends in global average pooling, for one picture, or two side by side."""

import torch
from torch import Tensor, nn

from helpers.drawing import svg

from ..kit.base import Explorer
from ..kit.layers import check_arguments, quiet_copy, run
from ..kit.layout import side_by_side
from ..kit.parameters import slider, switch
from ..kit.thumbnails import Thumbnails
from .class_maps_picture import draw_maps

SEARCHED = 2_000  # test pictures among which mistakes are looked for: a moment on a CPU
FARTHEST = 256  # px that a picture may be shifted, where it is as wide


class ClassMaps(Explorer):
    """Where in a picture does a net see evidence for each class? Drag the picture, click a class, add a second picture.

    `net` must end in maps (N, classes, h, w), global average pooling and flattening, as NiN does: each logit is then
    the mean of its class's map. What runs is a copy in eval mode that shares the weights. All maps share one scale, red
    for, blue against. With a `second` picture, -1 being none, both lie side by side in one of twice the width, and
    where they overlap the lighter pixel shows. Enlarged is the class `chosen`, or, at -1, the one of this `rank`.

    `result` holds "row" (number of the test picture), "true", "second" and "second_true", or None, "input" (1, 1, H, W
    or 2 W), "pixels" of the same H and W from 0 to 1, "maps" (classes, h, w), "halves" (classes, 2), their means left
    and right, "logits" and "probabilities" (classes,), "order" (classes, likeliest first) and the enlarged class,
    "chosen"; "browsed" says which pictures there are to choose from.
    """

    index = slider(0, 0, 99_999, "picture", help="number of the test picture, or of the mistake")
    mistakes = switch(False, "mistakes only", help=f"among the first {SEARCHED:,} test pictures")
    rank = slider(1, 1, 999, "rank", help="of the class that is enlarged; 1 is the likeliest, the net's answer")
    right = slider(0, -FARTHEST, FARTHEST, "shift right", help="pixels; below 0 to the left; black comes in")
    chosen = slider(-1, -1, 998, "class", help="that is enlarged; -1 leaves it to the rank")
    second = slider(-1, -1, 99_999, "second picture", help="number of the test picture; -1 for none")
    second_right = slider(0, -FARTHEST, FARTHEST, "second: shift right", help="pixels, from the right half")

    def __init__(self, net, test_iter, **values):
        check_arguments(net, test_iter)
        self.net, self.test_iter, self._mistakes = net, test_iter, None
        self.seconds = Thumbnails(test_iter.num_images, lambda i: self._pixels(i)[0], "second")
        self.pictures, self._shown = self.seconds, None
        super().__init__(**values)

    def limits(self, mistakes, second, **_):
        """The pictures, classes and shifts that there are."""
        width, classes = self._pixels(0).shape[3], len(self.test_iter.classes)
        moves = ((-(width // 2), width // 2), (0, 0)) if second < 0 else ((0, width), (-width, 0))
        return {
            "index": (0, len(self._rows(mistakes)) - 1), "rank": (1, classes), "chosen": (-1, classes - 1),
            "second": (-1, self.test_iter.num_images - 1), "right": moves[0], "second_right": moves[1],
        }  # fmt: skip

    def arrange(self):
        """The switch; the rest is set on the picture."""
        return side_by_side([self.controls["mistakes"]])

    def compute(self, index, mistakes, rank, right, chosen, second, second_right):
        """Run the net on the picture and take the maps whose means are its logits."""
        rows = self._rows(mistakes)
        row, pixels = rows[index], self._pixels(rows[index])
        width = pixels.shape[3]
        pixels = shifted(pixels, right, width if second < 0 else 2 * width)
        if second >= 0:
            pixels = torch.maximum(pixels, shifted(self._pixels(second), width + second_right, 2 * width))
        X = self.test_iter.from_pixels(pixels) if right or second >= 0 else self.test_iter.batch([row])[0]
        logits, maps = class_maps(self.net, X, len(self.test_iter.classes))
        order, middle = logits.argsort(descending=True).tolist(), maps.shape[2] // 2
        return {
            "row": row, "true": self._class_of(row), "second": None if second < 0 else second, "index": index,
            "second_true": None if second < 0 else self._class_of(second), "second_right": second_right,
            "input": X, "pixels": pixels[0, 0], "maps": maps, "logits": logits,
            "halves": torch.stack([maps[..., : middle or 1].mean((1, 2)), maps[..., middle:].mean((1, 2))], 1),
            "probabilities": logits.softmax(0), "order": order, "right": right, "by_rank": chosen < 0,
            "chosen": order[rank - 1] if chosen < 0 else chosen, "browsed": self._browsed(mistakes),
        }  # fmt: skip

    def describe(self, result):
        """Say the picture, the answer, and the enlarged map's range and mean."""
        names, one = self.test_iter.classes, result["maps"][result["chosen"]]
        answer, chosen = result["order"][0], result["chosen"]
        low, high, mean = (svg.number(float(value)) for value in (one.min(), one.max(), result["logits"][chosen]))
        shown = f"picture {result['row']} ({names[result['true']]}){_moved(result['right'])}"
        halves = ""
        if result["second"] is not None:
            shown += f", beside it picture {result['second']} ({names[result['second_true']]})"
            shown += _moved(result["second_right"])
            halves = " Left and right half: " + ", ".join(self._halves(result)) + "."
        return (
            f"{shown}: the answer is {names[answer]} with probability "
            f"{result['probabilities'][answer]:.3f}. Class map of {names[chosen]}, {one.shape[0]}×{one.shape[1]}: from "
            f"{low} to {high}, mean {mean} = its logit; probability {result['probabilities'][chosen]:.3f}.{halves}"
        )

    def _halves(self, result):
        """The means of both classes' maps in the two halves, in words."""
        for label in dict.fromkeys((result["true"], result["second_true"])):
            left, right = (svg.number(round(float(mean), 2)) for mean in result["halves"][label])
            yield f"{self.test_iter.classes[label]} {left} and {right}"

    def draw(self, result):
        """Draw the picture, the enlarged map over it, all maps with their means, the probabilities, and pictures."""
        halves = list(self._halves(result)) if result["second"] is not None else []
        width, height, parts = draw_maps(result, self.test_iter.classes, halves, self.pictures, self.seconds)
        return svg.picture(width, height, *parts, label=self.describe(result))

    def _pixels(self, row):
        """A test picture (1, 1, H, W) from 0 to 1."""
        return self.test_iter.to_pixels(self.test_iter.batch([row])[0]).cpu()

    def _class_of(self, row):
        return int(self.test_iter.labels[row])

    def _browsed(self, mistakes):
        """Say which pictures there are to choose from."""
        count, searched = len(self._rows(mistakes)), min(SEARCHED, self.test_iter.num_images)
        if not mistakes:
            return f"all {count:,} test pictures"
        if not self._mistakes:
            return f"no mistake among the first {searched:,}: all {count:,} test pictures"
        return f"{count:,} mistakes among the first {searched:,} test pictures"

    def _rows(self, mistakes):
        """The numbers of the pictures to choose from: all, or those that the net gets wrong, where there are any."""
        if not mistakes:
            self._mistakes = None  # the net may be trained further before the switch is set again
        elif self._mistakes is None:
            self._mistakes = find_mistakes(self.net, self.test_iter)
        rows = self._mistakes or range(self.test_iter.num_images)
        if self._shown is not rows and self._shown != rows:
            self.pictures, self._shown = Thumbnails(len(rows), lambda i: self._pixels(rows[i])[0]), rows
        return rows


def shifted(pixels: Tensor, right: int, width: int) -> Tensor:
    """Return pictures (N, C, H, w) whose left edge is `right` px right of that of black ones, (N, C, H, width)."""
    canvas = pixels.new_zeros(*pixels.shape[:3], width)
    first, last = max(right, 0), min(right + pixels.shape[3], width)
    if first < last:
        canvas[..., first:last] = pixels[..., first - right : last - right]
    return canvas


def _moved(right):
    """A shift in words, none if there is none."""
    return f", shifted {abs(right)} px to the {'right' if right > 0 else 'left'}" if right else ""


def class_maps(net: nn.Module, X: Tensor, num_classes: int) -> tuple[Tensor, Tensor]:
    """Return logits (num_classes,) and maps (num_classes, h, w), whose means they are, of one picture X (1, C, H, W).

    The maps are what the last layer gave whose means over h and w are the net's output. Raises ValueError where
    there is no such layer, or where the output is not finite.
    """
    net, outputs = quiet_copy(net), []

    def keep(module, _, output):
        if isinstance(output, Tensor) and output.shape[:2] == (1, num_classes) and output.ndim == 4:
            outputs.append(output[0].detach().clone())

    leaves = [module for module in net.modules() if not any(module.children())]
    for module in leaves:
        module.register_forward_hook(keep)
    logits = run(net, X)
    if tuple(logits.shape) != (1, num_classes):
        raise ValueError(f"the net gives shape {tuple(logits.shape)}; {num_classes} classes need (1, {num_classes})")
    if not logits.isfinite().all():
        raise ValueError("the net's answer is not a number: it diverged; train it anew with a smaller learning rate")
    near = 1e-4 * float(logits.abs().max()) + 1e-6
    fitting = [maps for maps in outputs if torch.allclose(maps.mean((1, 2)), logits[0], rtol=0, atol=near)]
    if not fitting:
        raise ValueError(
            f"the net's logits are not the means of {num_classes} maps: ClassMaps needs a net that ends in maps (N, "
            f"{num_classes}, h, w), global average pooling and flattening; this one ends in {type(leaves[-1]).__name__}"
        )
    wide = [maps for maps in fitting if maps[0].numel() > 1]  # the pooling's own output fits too, as maps of 1×1
    return logits[0].cpu(), (wide or fitting)[-1].cpu()


def find_mistakes(net, test_iter):
    """Return the numbers of those among the first test pictures that the net gets wrong."""
    net, wrong = quiet_copy(net), []
    for rows in torch.arange(min(SEARCHED, test_iter.num_images)).split(256):
        X, y = test_iter.batch(rows)
        predicted = run(net, X).argmax(1).to(y.device)
        wrong += rows[(predicted != y).cpu()].tolist()
    return wrong
