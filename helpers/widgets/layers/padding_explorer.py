"""Walk a window over a padded input: how large is the output, and what is never visited?"""

import torch
import traitlets as T

from helpers.drawing import svg
from helpers.ops import corr2d

from ..kit.layout import ONE_DIGIT, side_by_side
from ..kit.parameters import slider, switch
from ..kit.player import player
from ..kit.walk import Walk, place
from .padding_picture import MOST, count, draw_padding, product

PAIRS = {  # what holds for the height, and by itself for the width where the two are apart
    "size": "size_w", "kernel_size": "kernel_size_w", "padding": "padding_w", "stride": "stride_w",
    "dilation": "dilation_w",
}  # fmt: skip
LABELS = {"size": "input n", "kernel_size": "kernel k", "padding": "padding P", "stride": "stride s",
          "dilation": "dilation d"}  # fmt: skip
CODE = """import torch
X = {input}
conv2d = torch.{call}
conv2d.weight.data = {kernel}
conv2d(X)"""
MOST_OUTPUTS = (8 + 2 * MOST) ** 2
HALF, WHOLE = "212px", "428px"  # of a height's slider: beside its width's, and alone


class PaddingExplorer(Walk):
    """Drag a window over a padded input, and the padding's edge; stride and dilation are set beside it.

    Input and kernel hold the digits 0 to 9, row by row, over and over (a kernel of one weight holds a 1). `padding`
    is per side. The parameters that end in _w are the width's; they follow the height's until one of them is set, or
    `apart` is switched on. `result` holds X (H, W), K (kh, kw) and the output (Ho, Wo), None where the kernel does
    not fit and `problem` says so; "visited", per axis, which rows and columns of the padded input are in a window;
    "place", the chosen row and column, with the pixels of its window in "taps" (kh, kw) and, in "inside", which of
    them are the picture's; "call" and "code", PyTorch that makes the output.
    """

    size = slider(3, 1, 8, LABELS["size"], help="rows and columns of the input")
    kernel_size = slider(2, 1, 5, LABELS["kernel_size"])
    padding = slider(1, 0, MOST, LABELS["padding"], help="rows and columns of zeros on each side")
    stride = slider(1, 1, 4, LABELS["stride"], help="rows and columns from one window to the next")
    dilation = slider(1, 1, 3, LABELS["dilation"], help="distance between neighbouring weights of the kernel")
    size_w = slider(3, 1, 8, "width n")
    kernel_size_w = slider(2, 1, 5, "width k")
    padding_w = slider(1, 0, MOST, "width P")
    stride_w = slider(1, 1, 4, "width s")
    dilation_w = slider(1, 1, 3, "width d")
    place = place((0, 0), "place", help="row and column of the output that is taken apart")
    position = slider(0, 0, MOST_OUTPUTS - 1, "position", help="the same, counted row by row")
    apart = switch(False, "height and width apart")

    @T.observe(*PAIRS)
    def _width_follows(self, change):
        if not self.apart:
            with self._held_back():
                setattr(self, PAIRS[change["name"]], change["new"])

    @T.observe(*PAIRS.values())
    def _width_goes_its_own_way(self, change):
        if change["new"] != getattr(self, change["name"].removesuffix("_w")):
            with self._held_back():
                self.apart = True

    @T.observe("apart")
    def _show_the_width(self, change):
        apart = change["new"]
        with self._held_back():
            for height, width in PAIRS.items():
                control = self.controls[height]
                control.description = f"height {LABELS[height][-1]}" if apart else LABELS[height]
                control.layout.width, self.controls[width].layout.display = (HALF, None) if apart else (WHOLE, "none")
                control.style.description_width = "56px" if apart else "66px"
                if not apart:
                    setattr(self, width, getattr(self, height))

    def arrange(self):
        """Put each width's slider, not shown until it is wanted, beside its height's; last, what walks the window."""
        c = self.controls
        for height, width in PAIRS.items():
            c[height].layout.width, c[width].layout.width, c[width].layout.display = WHOLE, HALF, "none"
            c[height].style.description_width, c[width].style.description_width = "66px", "56px"
            c[height].add_class(ONE_DIGIT)
            c[width].add_class(ONE_DIGIT)
        pairs = [c[name] for pair in PAIRS.items() for name in pair]
        self.play = player(c["position"])
        return side_by_side([*pairs, c["apart"], self.play], max_width="868px")

    def outputs(self, **values):
        """Return (rows, columns) of the output, at least one each."""
        return tuple(max(1, m) for m in self._setting(values)["outputs"])

    def compute(self, position, place, apart, **values):
        """Correlate, and find out which rows and columns of the padded input no window touches."""
        s = self._setting(values)
        X, K = digits(*s["size"]), digits(*s["kernel_size"])
        result = {"X": X, "K": K, "apart": apart, "output": None, "problem": problem(s), "place": place} | s
        if not result["problem"]:
            result["output"] = corr2d(X, K, stride=s["stride"], padding=s["padding"], dilation=s["dilation"])
            result["taps"], result["inside"] = taps(X, place, s)
        result["visited"] = [visited(*axis) for axis in zip(*(s[name] for name in (*PAIRS, "outputs")), strict=True)]
        result["call"], result["code"] = code(s)
        return result

    @staticmethod
    def _setting(values):
        """Each number as a pair (height, width), with the window's reach and the number of outputs."""
        s = {height: (values[height], values[width]) for height, width in PAIRS.items()}
        s["reach"] = tuple(d * (k - 1) + 1 for k, d in zip(s["kernel_size"], s["dilation"], strict=True))
        axes = zip(s["size"], s["reach"], s["padding"], s["stride"], strict=True)
        s["outputs"] = tuple((n + 2 * P - reach) // step + 1 for n, reach, P, step in axes)
        return s

    def describe(self, result):
        """Say the setting, the size of the output and its chosen element."""
        setting = ", ".join(f"{name.replace('_', ' ')} {_pair(result[name])}" for name in list(PAIRS)[1:])
        start = f"input {'×'.join(map(str, result['size']))}, {setting}: "
        if result["problem"]:
            return start + "no output. " + result["problem"]
        Y, (i, j) = result["output"], result["place"]
        unseen = [axis.count(False) for axis in result["visited"]]
        terms = zip(result["taps"].flatten(), result["K"].flatten(), strict=True)
        return (
            f"{start}output {Y.shape[0]}×{Y.shape[1]}; the one in row {i}, column {j} is {svg.number(Y[i, j])}. "
            f"It is the sum {' + '.join(product(*term) for term in terms)}. "
            f"{count(unseen[0], 'row')} and {count(unseen[1], 'column')} of the padded input are in no window."
        )

    def draw(self, result):
        """Draw the padded input, the kernel, the output and both formulas; below stands the code, ready to copy."""
        return draw_padding(result, self.describe(result)) + svg.listing(result["code"], 5)


def digits(rows, columns):
    """Return (rows, columns) filled with 0 to 9, over and over; a single number is a 1."""
    if rows * columns == 1:
        return torch.ones(1, 1)
    return (torch.arange(float(rows * columns)) % 10).reshape(rows, columns)


def visited(n, k, padding, stride, dilation, outputs):
    """Return for each of the n + 2·padding rows (or columns) of the padded input whether a window touches it."""
    seen = {i * stride + a * dilation for i in range(outputs) for a in range(k)}
    return [row in seen for row in range(n + 2 * padding)]


def taps(X, place, s):
    """Return the pixels that one output sees, (kh, kw), and which of them are the picture's, not padding."""
    (top, left), (n_h, n_w) = s["padding"], X.shape
    starts = [at * step for at, step in zip(place, s["stride"], strict=True)]
    rows, columns = (
        start + d * torch.arange(k) for start, d, k in zip(starts, s["dilation"], s["kernel_size"], strict=True)
    )
    padded = torch.nn.functional.pad(X, (left, left, top, top))
    rows_in, columns_in = (rows >= top) & (rows < top + n_h), (columns >= left) & (columns < left + n_w)
    return padded[rows][:, columns], rows_in[:, None] & columns_in


def problem(s):
    """Return a sentence that says why there is no output; empty where there is one."""
    for name, n, reach, P in zip(("height", "width"), s["size"], s["reach"], s["padding"], strict=True):
        if reach > n + 2 * P:
            room = f"{n} + 2·{P} = {n + 2 * P}"
            return f"The kernel reaches over {reach} pixels; the padded input has {room} in its {name}."
    return ""


def code(s):
    """Return the call of nn.Conv2d, and Python around it that makes the output."""
    usual = {"padding": (0, 0), "stride": (1, 1), "dilation": (1, 1)}
    given = [name for name in list(PAIRS)[1:] if s[name] != usual.get(name)]
    call = f"nn.Conv2d(1, 1, {', '.join(f'{name}={_pair(s[name])}' for name in given)}, bias=False)"
    return call, CODE.format(call=call, input=_digits_code(*s["size"]), kernel=_digits_code(*s["kernel_size"]))


def _digits_code(rows, columns):
    shape = f"1, 1, {rows}, {columns}"
    count = rows * columns
    numbers = f"(torch.arange({count}.0) % 10)" if count > 10 else f"torch.arange({count}.0)"
    return f"{numbers}.reshape({shape})" if count > 1 else f"torch.ones({shape})"


def _pair(pair):
    """One number where height and width agree, else "(height, width)"."""
    return str(pair[0] if pair[0] == pair[1] else pair)
