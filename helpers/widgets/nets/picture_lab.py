"""Move, turn, scale or draw a picture and watch a net's probabilities."""

import math

import ipywidgets as W
import torch
import traitlets as T
from torch.nn import functional as F

from ..kit.base import Explorer
from ..kit.drawing_pad import DrawingPad
from ..kit.layers import check_arguments, quiet_copy, run
from ..kit.layout import side_by_side
from ..kit.parameters import choice, slider, switch
from .picture_lab_picture import draw_lab

TEST, DRAWN = "test picture", "my drawing"
LARGEST = 999  # row or column of a picture


class PictureLab(Explorer):
    """How sure is a net of its answer, and what does it take to change it?

    A test picture or the learner's own drawing is turned and scaled about its centre, then shifted by whole pixels;
    what comes in from outside is black. `result` holds "picture" (H, W) from 0 to 1, "input" (1, 1, H, W) as the
    net gets it, "probabilities" (classes,), "predicted" and, for a test picture, "true", else None.
    A stroke on the test picture makes it the drawing. Keys draw with a pen at `pen_row`, `pen_column`, in pixels.
    """

    source = choice(TEST, [TEST, DRAWN], "", help="a stroke on the test picture makes it your drawing")
    index = slider(0, 0, 99_999, "picture", help="number of the test picture")
    right = slider(0, -14, 14, "shift right", help="pixels")
    down = slider(0, -14, 14, "shift down", help="pixels")
    rotate = slider(0, -180, 180, "rotate", step=5, help="degrees, anticlockwise")
    scale = slider(1.0, 0.5, 2.0, "scale", step=0.05)
    pen = choice("draw", ["draw", "erase"], "", help="what a stroke does")
    brush = slider(2, 1, 6, "brush", help="pixels")
    pen_row = slider(14, 0, LARGEST, "pen: row")
    pen_column = slider(14, 0, LARGEST, "pen: column")
    pen_down = switch(False, "pen down")

    def __init__(self, net, test_iter, **values):
        check_arguments(net, test_iter)
        self.net, self.test_iter = net, test_iter
        self.pad = DrawingPad(*test_iter.batch([0])[0].shape[2:])
        self._pen = (self.pen_row, self.pen_column)
        super().__init__(**values)

    # The hand ------------------------------------------------------------------------------------------------

    def draw_stroke(self, name, points):
        """Draw on the pad; a test picture that lies there becomes the drawing."""
        with self._held_back():
            if self.source == TEST:
                shown = min(self.index, self.limits()["index"][1])  # it may be on its way to its limits
                self.pad.load(self._test_picture(shown)[0][0, 0])
                self.source = DRAWN
        self.pad.stroke(points, self.brush, erase=self.pen == "erase")

    @T.observe("pen_row", "pen_column", "pen_down")
    def _move_the_pen(self, _):
        """Draw from where the pen was to where it is now, if it is down."""
        place = (self.pen_row, self.pen_column)
        if self.pen_down:
            height, width = self.pad.ink.shape
            points = [((column + 0.5) / width, (row + 0.5) / height) for row, column in (self._pen, place)]
            self.draw_stroke("ink", points)
        self._pen = place

    def buttons(self):
        """Actions on the moves and on the drawing."""
        return {"undo moves": self.undo, "clear": self.clear}

    def undo(self):
        """Show the picture as it is again."""
        self.update(right=0, down=0, rotate=0, scale=1.0)

    def clear(self):
        """Start the drawing anew from black."""
        self.pad.clear()
        with self._held_back():
            self.source = DRAWN

    # What it shows -------------------------------------------------------------------------------------------

    def limits(self, **_):
        """The pictures that there are, and the pixels of one."""
        height, width = self.pad.ink.shape
        return {"index": (0, self.test_iter.num_images - 1), "pen_row": (0, height - 1), "pen_column": (0, width - 1)}

    def compute(self, source, index, right, down, rotate, scale, **pen):
        """Transform the picture and ask the net."""
        drawn = source == DRAWN
        pixels, true = (self.pad.ink[None, None], None) if drawn else self._test_picture(index)
        moved = transform(pixels, right=right, down=down, rotate=rotate, scale=scale)
        probabilities = self.ask(moved)
        return {
            "name": "the drawing" if drawn else f"test picture {index}", "original": pixels[0, 0],
            "picture": moved[0, 0], "input": self.test_iter.from_pixels(moved), "probabilities": probabilities,
            "predicted": int(probabilities.argmax()), "true": true, "classes": self.test_iter.classes,
            "moves": f"shifted {right} right and {down} down, rotated {rotate}°, scaled {scale:.2f}",
            "right": right, "down": down, "rotate": rotate, "scale": scale, **pen,
        }  # fmt: skip

    def ask(self, pixels):
        """Return the net's probabilities (classes,) for pixels (1, 1, H, W) from 0 to 1."""
        logits = run(quiet_copy(self.net), self.test_iter.from_pixels(pixels))
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
        """Draw the pad, the picture that the net sees with its handles, and its probabilities as bars."""
        return draw_lab(result, self.describe(result))

    def arrange(self):
        """Which picture and how to draw; the moves are made on the picture."""
        c = self.controls
        for button in self.button.values():
            button.layout.width = "110px"
        for name in ("source", "pen"):
            c[name].layout.width = "216px"
        for name in ("index", "brush"):
            c[name].style.description_width = "50px"
        rows = [c["source"], c["index"], self.button["undo moves"]], [c["pen"], c["brush"], self.button["clear"]]
        return W.VBox([side_by_side(row) for row in rows])

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
