"""The ten class maps of a net that ends in global average pooling, for one picture."""

import torch
from torch import Tensor, nn

from helpers.drawing import svg

from ..kit.base import Explorer, slider, switch
from ..kit.layers import check_arguments, quiet_copy, run
from .class_maps_picture import HEIGHT, WIDTH, bars, browsed, enlarged, picture, scale_bar, tiles
from .picture_lab import transform

SEARCHED = 2_000  # test pictures among which mistakes are looked for: a moment on a CPU


class ClassMaps(Explorer):
    """Where in a picture does a net see evidence for each class?

    `net` must end in maps (N, classes, h, w), global average pooling and flattening, as NiN does: each logit is then
    the mean of its class's map. What runs is a copy in eval mode that shares the weights. All maps share one scale, red
    for, blue against. `result` holds "row" (number of the test picture), "true", "input" (1, 1, H, W), "pixels" (H, W)
    from 0 to 1, "maps" (classes, h, w), "logits" and "probabilities" (classes,), "order" (classes, likeliest first) and
    the enlarged class, "chosen"; "browsed" says which pictures are on the slider.
    """

    index = slider(0, 0, 99_999, "picture", help="number of the test picture, or of the mistake")
    mistakes = switch(False, "mistakes only", help=f"among the first {SEARCHED:,} test pictures")
    rank = slider(1, 1, 999, "enlarge: rank", help="1 is the likeliest class, the net's answer")
    right = slider(0, -14, 14, "shift right", help="pixels; below 0 to the left; black comes in")

    def __init__(self, net, test_iter, **values):
        check_arguments(net, test_iter)
        self.net, self.test_iter, self._mistakes = net, test_iter, None
        super().__init__(**values)

    def limits(self, mistakes, **_):
        """The pictures and classes that there are."""
        return {"index": (0, len(self._rows(mistakes)) - 1), "rank": (1, len(self.test_iter.classes))}

    def arrange(self):
        """All controls in one row."""
        for control in self.controls.values():
            control.layout.width = "130px" if control is self.controls["mistakes"] else "220px"
        return super().arrange()

    def compute(self, index, mistakes, rank, right):
        """Run the net on one picture and take the maps whose means are its logits."""
        row = self._rows(mistakes)[index]
        X, y = self.test_iter.batch([row])
        pixels = self.test_iter.to_pixels(X).cpu()
        if right:
            pixels = transform(pixels, right=right)
            X = (pixels - self.test_iter.mean) / self.test_iter.std if self.test_iter.standardize else pixels
        logits, maps = class_maps(self.net, X, len(self.test_iter.classes))
        order = logits.argsort(descending=True).tolist()
        return {
            "row": row, "true": int(y), "input": X, "pixels": pixels[0, 0], "maps": maps, "logits": logits,
            "probabilities": logits.softmax(0), "order": order, "chosen": order[rank - 1], "right": right,
            "browsed": self._browsed(mistakes),
        }  # fmt: skip

    def describe(self, result):
        """Say the picture, the answer, and the enlarged map's range and mean."""
        names, one = self.test_iter.classes, result["maps"][result["chosen"]]
        answer, chosen = result["order"][0], result["chosen"]
        low, high, mean = (svg.number(float(value)) for value in (one.min(), one.max(), result["logits"][chosen]))
        side = "right" if result["right"] > 0 else "left"
        moved = f", shifted {abs(result['right'])} px to the {side}" if result["right"] else ""
        return (
            f"picture {result['row']} ({names[result['true']]}){moved}: the answer is {names[answer]} with probability "
            f"{result['probabilities'][answer]:.3f}. Class map of {names[chosen]}, {one.shape[0]}×{one.shape[1]}: from "
            f"{low} to {high}, mean {mean} = its logit; probability {result['probabilities'][chosen]:.3f}."
        )

    def draw(self, result):
        """Draw the picture, the enlarged map over it, all maps with their means, and the probabilities."""
        names = self.test_iter.classes
        parts = [picture(result, names), enlarged(result, names), tiles(result, names)]
        parts += [scale_bar(result["maps"]), browsed(result)]
        return svg.picture(WIDTH, HEIGHT, *parts, bars(result, names), label=self.describe(result))

    def _browsed(self, mistakes):
        """Say which pictures are on the slider."""
        count, searched = len(self._rows(mistakes)), min(SEARCHED, self.test_iter.num_images)
        if not mistakes:
            return f"all {count:,} test pictures"
        if not self._mistakes:
            return f"no mistake among the first {searched:,}: all {count:,} test pictures"
        return f"{count:,} mistakes among the first {searched:,} test pictures"

    def _rows(self, mistakes):
        """The numbers of the pictures on the slider: all, or those that the net gets wrong, where there are any."""
        if not mistakes:
            self._mistakes = None  # the net may be trained further before the switch is set again
            return range(self.test_iter.num_images)
        if self._mistakes is None:
            self._mistakes = find_mistakes(self.net, self.test_iter)
        return self._mistakes or range(self.test_iter.num_images)


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
