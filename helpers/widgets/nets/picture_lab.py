"""Move, turn, scale or draw a picture and watch a net's probabilities."""

import math
from functools import cached_property

import ipywidgets as W
import torch
from torch.nn import functional as F

from helpers.drawing import svg

from ..kit.base import Explorer, choice, slider
from ..kit.drawing_pad import CELL, SIDE, DrawingPad
from ..kit.layers import check_arguments, quiet_copy, run

TEST, DRAWN = "test picture", "my drawing"
HINT = (
    '<span style="white-space:nowrap">Click cells (no dragging), or draw with the two sliders; '
    "<b>lines</b> joins two places.</span>"
)
PAD = SIDE * CELL
WIDTH, HEIGHT = 520, 256
SEEN = 168  # px, side of the picture that the net sees


class PictureLab(Explorer):
    """How sure is a net of its answer, and what does it take to change it?

    A test picture or the learner's own drawing is turned and scaled about its centre, then shifted by whole pixels;
    what comes in from outside is black. `result` holds "picture" (H, W) from 0 to 1, "input" (1, 1, H, W) as the
    net gets it, "probabilities" (classes,), "predicted" and, for a test picture, "true", else None.
    """

    source = choice(TEST, [TEST, DRAWN], "", help="draw with the mouse or with the sliders beside the pad")
    index = slider(0, 0, 99_999, "picture", help="number of the test picture")
    right = slider(0, -14, 14, "shift right", help="pixels")
    down = slider(0, -14, 14, "shift down", help="pixels")
    rotate = slider(0, -180, 180, "rotate", step=5, help="degrees, anticlockwise")
    scale = slider(1.0, 0.5, 2.0, "scale", step=0.05)

    def __init__(self, net, test_iter, **values):
        check_arguments(net, test_iter)
        self.net, self.test_iter = net, test_iter
        self._original = W.HTML()
        super().__init__(**values)
        controls, picture, message = self.children
        moves = [self.controls[name] for name in ("right", "down", "rotate", "scale")]
        columns = W.HBox([self._side, W.VBox([*moves, picture])], layout=W.Layout(flex_flow="row wrap"))
        self.children = [controls, columns, message]
        self.observe(lambda _: self._show_side(), "source")
        self._show_side()

    @cached_property
    def pad(self):
        """The drawing pad, made when it is first needed."""
        height, width = self.test_iter.batch([0])[0].shape[2:]
        return DrawingPad(height, width, self.refresh)

    def limits(self, **_):
        """The pictures that there are."""
        return {"index": (0, self.test_iter.num_images - 1)}

    def compute(self, source, index, right, down, rotate, scale):
        """Transform the picture and ask the net."""
        drawn = source == DRAWN
        pixels, true = (self.pad.ink[None, None], None) if drawn else self._test_picture(index)
        moved = transform(pixels, right=right, down=down, rotate=rotate, scale=scale)
        probabilities = self.ask(moved)
        return {
            "name": "the drawing" if drawn else f"test picture {index}", "original": pixels[0, 0],
            "picture": moved[0, 0], "input": self.standardised(moved), "probabilities": probabilities,
            "predicted": int(probabilities.argmax()), "true": true,
            "moves": f"shifted {right} right and {down} down, rotated {rotate}°, scaled {scale:.2f}",
        }  # fmt: skip

    def standardised(self, pixels):
        """Scale pixels 0 to 1 as the net's training pictures were."""
        batches = self.test_iter
        return (pixels - batches.mean) / batches.std if batches.standardize else pixels

    def ask(self, pixels):
        """Return the net's probabilities (classes,) for pixels (1, 1, H, W) from 0 to 1."""
        logits = run(quiet_copy(self.net), self.standardised(pixels))
        classes = self.test_iter.classes
        if tuple(logits.shape) != (1, len(classes)):
            raise ValueError(
                f"the net gives shape {tuple(logits.shape)}, but {len(classes)} classes need (1, {len(classes)})"
            )
        if not logits.isfinite().all():
            raise ValueError(
                "the net's answer is not a number: it diverged while it trained; "
                "train it anew with a smaller learning rate"
            )
        return logits[0].softmax(0).cpu()

    def describe(self, result):
        """Say what is shown and the two likeliest classes."""
        top, names = result["probabilities"].topk(2), self.test_iter.classes
        (first, second), (one, two) = top.values.tolist(), (names[i] for i in top.indices.tolist())
        true = "" if result["true"] is None else f" ({names[result['true']]})"
        return (
            f"{result['name']}{true}, {result['moves']}: {one} with probability {first:.3f}, "
            f"then {two} with {second:.3f}."
        )

    def draw(self, result):
        """Draw the picture that the net sees, and its ten probabilities as bars."""
        image = result["picture"]
        name = self.test_iter.classes[result["predicted"]]
        parts = [
            svg.text(2, 14, "what the net sees", anchor="start"),
            svg.tile(image.numpy(), 2, 22, SEEN, SEEN * image.shape[0] / image.shape[1], limit=1.0),
            svg.text(2, SEEN + 46, "its answer:", anchor="start"),
            svg.text(2, SEEN + 68, name, size=17, anchor="start", bold=True, color=svg.ORANGE),
            _bars(result, self.test_iter.classes),
        ]
        return svg.picture(WIDTH, HEIGHT, *parts, label=self.describe(result))

    def buttons(self):
        """Actions on the moves and on the drawing."""
        return {"undo moves": self.undo, "copy picture": self.copy, "clear": self.clear}

    def undo(self):
        """Show the picture as it is again."""
        self.update(right=0, down=0, rotate=0, scale=1.0)

    def clear(self):
        """Start the drawing anew from black."""
        self.pad.clear()

    def copy(self):
        """Start the drawing from the present test picture."""
        self.pad.load(self._test_picture(self.index)[0][0, 0])

    def arrange(self):
        """What to look at and where to draw on the left, the moves and the answer on the right."""
        for name in ("right", "down", "rotate", "scale"):
            self.controls[name].style.description_width = "80px"
            self.controls[name].layout.width = "380px"
        self._side = W.VBox(layout=W.Layout(width=f"{PAD + 48}px", height=f"{PAD + 148}px", overflow="hidden"))
        self._hint = W.HTML(layout=W.Layout(overflow="hidden"))
        for button in self.button.values():
            button.layout.width = "auto"
        self.button["undo moves"].layout.flex = self.controls["source"].layout.flex = "0 0 auto"
        row = [self.controls["source"], self.button["undo moves"], self._hint]
        return W.HBox(row, layout=W.Layout(align_items="center"))

    def refresh(self, *, first=False):
        """Compute and draw anew, the untouched test picture included."""
        super().refresh(first=first)
        if self.result and self.source == TEST:
            tile = svg.tile(self.result["original"].numpy(), 0, 0, PAD, PAD, limit=1.0)
            name = self.test_iter.classes[self.result["true"]]
            self._original.value = svg.picture(PAD, PAD, tile, label=f"{self.result['name']}: {name}")

    def _show_side(self):
        if self.source == DRAWN:
            self._side.children = [self.pad, W.HBox([self.button["copy picture"], self.button["clear"]])]
            self._hint.value = HINT
        else:
            self._side.children = [self._original, self.controls["index"]]
            self._hint.value = ""

    def _test_picture(self, index):
        X, y = self.test_iter.batch([index])
        return self.test_iter.to_pixels(X).cpu(), int(y)


def transform(pixels, *, right=0, down=0, rotate=0, scale=1.0):
    """Turn pictures (N, C, H, W) by degrees anticlockwise and scale them about the centre, then shift by pixels.

    Between pixels the value is interpolated (bilinear); outside the picture it is 0. Shifts alone are exact.
    """
    height, width = pixels.shape[2:]
    cos, sin = math.cos(math.radians(rotate)) / scale, math.sin(math.radians(rotate)) / scale
    x, y = 2 * right / width, 2 * down / height
    # Where each new pixel comes from, both in units of half the picture: the inverse of the move.
    aspect = height / width
    back = torch.tensor([[cos, -sin * aspect], [sin / aspect, cos]], dtype=torch.float64)
    theta = torch.cat([back, -back @ torch.tensor([[x], [y]], dtype=torch.float64)], 1)
    grid = F.affine_grid(theta.expand(len(pixels), 2, 3), list(pixels.shape), align_corners=False)
    return F.grid_sample(pixels.double(), grid, align_corners=False).to(pixels.dtype)


def _bars(result, names):
    """One row a class: its name, its bar, its number; the answer in orange, the true class marked."""
    left, width, step, parts = 290, 130, (HEIGHT - 22) / len(names), []
    for i, (name, share) in enumerate(zip(names, result["probabilities"].tolist(), strict=True)):
        answer, top = i == result["predicted"], 20 + i * step
        base = top + step / 2 + 4
        parts.append(svg.text(left - 8, base, name, size=svg.fit(name, 96), anchor="end", bold=answer))
        parts.append(svg.rect(left, top + 3, width, step - 6, stroke=svg.GREY, line=0.6))
        parts.append(
            svg.rect(left, top + 3, share * width, step - 6, stroke="none", fill=svg.ORANGE if answer else svg.BLUE)
        )
        parts.append(svg.text(left + width + 8, base, f"{share:.3f}", size=11, anchor="start", bold=answer))
        if i == result["true"]:
            parts.append(svg.text(left + width + 46, base, "◂ true", size=11, anchor="start", color=svg.GREEN))
    return svg.text(left, 14, "probability", anchor="start") + "".join(parts)
