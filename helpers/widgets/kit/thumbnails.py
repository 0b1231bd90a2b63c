"""A page of small pictures to choose one from, with the mouse or keys."""

import functools

from torch.nn import functional as F

from helpers.drawing import svg, touch

SIDE, STEP, HEIGHT = 44, 50, 70  # px: of a picture, from one to the next, of all with the line above
TURN = 26  # px for each of the two buttons that turn the page
KEPT = 8  # pages whose pictures stay encoded


class Thumbnails:
    """So many pictures, `take(i)` being the i-th as (C, H, W) from 0 to 1; `name` is the parameter that they set."""

    def __init__(self, count, take, name="index"):
        self.count, self.name = count, name
        self._drawn = functools.lru_cache(KEPT)(lambda first, last: "".join(
            _small(take(i), TURN + STEP * (i - first)) for i in range(first, last)))  # fmt: skip

    def draw(self, index, width, noun="pictures", *, none=False):
        """Return the page with picture `index` on it, framed, `width` x HEIGHT px; with `none`, -1 is no picture."""
        shown = max(1, int((width - 2 * TURN) // STEP))
        first = max(index, 0) // shown * shown
        last = min(first + shown, self.count)
        axis = touch.tiles(self.name, index, last - first, last - first, first=first, low=-none,
                           high=self.count - 1)  # fmt: skip
        label = f"{noun}, {index} of 0 to {self.count - 1}: click one, or use the arrow keys"
        title = f"{noun} {first:,} to {last - 1:,} of {self.count:,} · click one"
        frame = svg.rect(0, 0, SIDE + 4, SIDE + 4, stroke=svg.ORANGE, line=1.5)
        return svg.text(TURN, 12, title, size=11, anchor="start", opacity=0.8) + svg.moved(
            0, 20, self._drawn(first, last),
            svg.rect(TURN + STEP * (index - first) - 2, 0, SIDE + 4, SIDE + 4, stroke=svg.ORANGE,
                     line=3.5) if index >= 0 else "",
            touch.ghost(f"{self.name} of {noun}", svg.moved(TURN - 2, 0, frame)),
            touch.area(TURN - 3, 0, STEP * (last - first), SIDE + 4, across=axis, label=label,
                       ghost=(f"{self.name} of {noun}", STEP, 0)),
            self._turns(first, shown, width, noun),
        )  # fmt: skip

    def _turns(self, first, shown, width, noun):
        """The buttons to the page before and the page behind, where there is one."""
        parts = []
        for sign, x, to, words in (("◂", 0, first - shown, "earlier"), ("▸", width - TURN, first + shown, "later")):
            if 0 <= to < self.count:
                parts.append(svg.text(x + TURN / 2 - 2, SIDE / 2 + 8, sign, size=16))
                parts.append(touch.button(x, 2, TURN - 5, SIDE, label=f"{words} {noun}", **{self.name: to}))
        return "".join(parts)


def _small(pixels, x):
    """One picture, no larger than it is shown at twice the size."""
    shrink = 2 * SIDE / max(pixels.shape[1:])
    if shrink < 1:
        pixels = F.adaptive_avg_pool2d(pixels, [max(1, round(n * shrink)) for n in pixels.shape[1:]])
    zoom = SIDE / max(pixels.shape[1:])
    image = pixels[0] if len(pixels) == 1 else pixels.permute(1, 2, 0)
    width, height = zoom * pixels.shape[2], zoom * pixels.shape[1]
    return svg.tile(image.numpy(), x + (SIDE - width) / 2, 2 + (SIDE - height) / 2, width, height, limit=1.0)
