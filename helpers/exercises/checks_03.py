"""The checks of notebook 03's exercises, which `notebook_03.py` states."""

import itertools

import torch

from helpers.ops import corr2d, output_size

from .compare import numbers, shown
from .core import table

SHAPES = {
    (55, 39): None,
    (54, 38): "that is without the padding, or with it on one side only, or without the first window, the + 1.",
    (54.25, 38.25): "the division rounds down, and there is one window before the first step.",
    (55.25, 39.25): "an output has a whole number of rows: the division rounds down.",
    (56, 40): "round down, not up: a window that would stick out is left out.",
    (39, 55): "those are the right numbers in the wrong order: height first.",
    (218, 154): "that is with stride 1.",
    "otherwise": "put n = 224 and 160, P = 2, k = 11, s = 4 into ⌊(n + 2P − k)/s⌋ + 1.",
}
PADDINGS = {
    (2, 6): None,
    (4, 12): "those are totals: `padding=` is per side.",
    (2, 3): "the dilation is missing: 7 weights, 2 apart, reach over 13 columns.",
    (6, 2): "those are the right numbers in the wrong order: height first.",
    (5, 13): "those are the reaches k′ = d(k − 1) + 1 of the kernel; the padding is what keeps the size.",
    (2, 7): "a kernel of 7 with dilation 2 reaches over 2·(7 − 1) + 1 pixels, not over 2·7 + 1.",
    "otherwise": "the size is kept by P = (k′ − 1)/2 with k′ = d(k − 1) + 1, axis by axis.",
}


def check_pair(advice, answer):
    """A pair of numbers, against the pairs that are known to come from a slip."""
    pair = numbers(answer, 2)
    if pair is None:
        return f"the answer should be a pair of numbers, (height, width), but is {shown(answer)}."
    return advice.get(pair, advice["otherwise"])


def check_same_padding(answer):
    """d(k − 1) columns in all, as equal as possible, the larger part after."""
    for k, d in itertools.product(range(1, 8), (1, 2, 3)):
        given, call = answer(k, d), f"same_padding({k}, {d})"
        got = numbers(given, 2)
        if got is None:
            return f"{call} should be a pair (before, after), but is {shown(given)}."
        total = d * (k - 1)
        want = total // 2, total - total // 2
        if got == want:
            continue
        if not all(isinstance(side, int) for side in got):
            return f"{call} is {shown(got)}: give whole numbers; // divides and rounds down."
        if min(got) < 0:
            return f"{call} is {shown(got)}: a negative number of columns would cut the picture."
        if sum(got) != total:
            return f"{call} adds {sum(got)}: then 20 columns become {20 + sum(got) - total}. Add d(k − 1) in total."
        if got == want[::-1]:
            return f"{call} is {shown(got)}: the sum is right, but PyTorch puts the larger part after, on the right."
        return f"{call} is {shown(got)}, expected {want}: as equal as possible."
    return None


def check_lost(answer):
    """Pixels of the picture in no window, counted by marks."""
    cases = [(8, 3, 3, 0), (9, 3, 3, 0), (8, 3, 2, 1), (8, 1, 2, 0), (8, 2, 3, 0), (10, 2, 4, 1)]
    cases += list(itertools.product((5, 8, 12), (1, 2, 3, 5), (1, 2, 4), (0, 1, 3)))
    cases += [(n, 6, s, 0) for n in (6, 9, 11) for s in (5, 6)]

    def rest(n, k, s, P):
        return (n + 2 * P - k) % s

    def range_too_short(n, k, s, P):
        return number_lost(n, k, s, P, windows=len(range(0, n + 2 * P - k, s)))

    def without_the_last(n, k, s, P):
        return number_lost(n, k, s, P, windows=output_size(n, k, stride=s, padding=P) - 1)

    known = (
        (rest, "part of what is left over is padding, not picture; and with s > k, pixels are lost between the "
         "windows too."),
        (lambda n, k, s, P: max(0, rest(n, k, s, P) - P), "with s > k, pixels are lost between the windows too."),
        (lambda n, k, s, P: number_lost(n + 2 * P, k, s, 0), "that counts zeros of the padding, too."),
        (range_too_short, "a window that begins at n + 2P − k still fits, but a range ends before its end."),
        (without_the_last, "the last window is missing: there is one before the first step."),
        (lambda n, k, s, P: max(0, n - k * output_size(n, k, stride=s, padding=P)),
         "windows that overlap count a pixel twice in this way: put a mark on every pixel that a window touches."),
    )  # fmt: skip
    return table(answer, cases, number_lost, known, call=lambda *case: f"lost{case}", otherwise=lambda *case:
                 "Put a mark on every pixel that a window touches, and count.")  # fmt: skip


def number_lost(n, k, s, P, windows=None):
    """Return how many of n pixels are in no window of k, stride s, padding P per side; by default of all that fit."""
    windows = output_size(n, k, stride=s, padding=P) if windows is None else windows
    seen = {i * s + a - P for i in range(windows) for a in range(k)}
    return n - len(seen & set(range(n)))


def check_corr2d(answer):
    """corr2d with stride and padding, on pictures and kernels that are not square."""
    generator = torch.Generator().manual_seed(0)
    cases = [(torch.randn(7, 9, generator=generator), torch.randn(3, 2, generator=generator), *pairs) for pairs in (
        ((1, 1), (0, 0)), ((1, 1), (1, 2)), ((3, 2), (0, 0)), ((2, 3), (2, 1)))]  # fmt: skip
    cases.append((torch.randn(4, 4, generator=generator), torch.randn(1, 3, generator=generator), (1, 2), (1, 0)))

    def other(change):
        return lambda X, K, stride, padding: corr2d(X, K, **change(stride, padding))

    def begins_densely(X, K, stride, padding):
        rows, columns = output_size(X.shape, K.shape, stride=stride, padding=padding)
        return corr2d(X, K, padding=padding)[:rows, :columns]

    known = (
        (other(lambda s, p: {"stride": s[::-1], "padding": p[::-1]}),
         "height and width have changed places: both pairs are (height, width)."),
        (other(lambda s, p: {"stride": s, "padding": p[::-1]}),
         "the padding's height and width have changed places: F.pad begins with the last axis: left, right."),
        (other(lambda s, p: {"stride": s[::-1], "padding": p}),
         "the stride's height and width have changed places: the first number counts rows."),
        (other(lambda s, p: {"stride": s}),
         "the padding is missing: put the picture into the middle of a larger tensor of zeros."),
        (other(lambda s, p: {"padding": p}),
         "the size is that of stride 1: fewer windows fit when each begins s pixels after the last."),
        (lambda X, K, stride, padding: corr2d(X, K.flip(0, 1), stride=stride, padding=padding),
         "the kernel is turned by 180°: corr2d takes it as it is."),
        (begins_densely, "the size is right, but window (i, j) begins at row i·s_h and column j·s_w."),
    )

    def right(X, K, stride, padding):
        return corr2d(X, K, stride=stride, padding=padding)

    return table(answer, cases, right, known, call=lambda X, K, stride, padding:
                 f"with stride {stride}, padding {padding} the output for X {tuple(X.shape)} and K {tuple(K.shape)}")


def check_field(answer):
    """Field and jump of a stack, from the first layer on."""
    for layers, want, advice in FIELDS:
        given = answer(list(layers))
        got = numbers(given, 2)
        if got is None:
            return f"field({layers}) should be a pair (field, jump), but is {shown(given)}."
        if got == want[::-1] != want:
            return f"field({layers}) is {shown(got)}: the field comes first, then the jump."
        if got != want and all(numbers(answer(list(stack)), 2) == field_of(stack[::-1]) for stack, _, _ in FIELDS):
            return f"field({layers}) is {shown(got)}: the last layer is taken first. Begin at the input."
        if got != want:
            return f"field({layers}) is {shown(got)}, but should be {want}: {advice}"
    return None


def field_of(layers):
    """Return (field, jump) of a stack of layers (k, s, d)."""
    size = jump = 1
    for k, s, d in layers:
        size, jump = size + d * (k - 1) * jump, jump * s
    return size, jump


FIELDS = [
    ([], (1, 1), "a pixel sees itself."), ([(3, 1, 1)], (3, 1), "one layer sees its window."),
    ([(3, 1, 2)], (5, 1), "a dilated kernel reaches over d(k − 1) + 1 pixels."),
    ([(2, 2, 1)], (2, 2), "a layer's own stride moves its neighbour's field; it does not change its own field."),
    ([(3, 1, 1), (3, 1, 1)], (5, 1), "the second layer adds k − 1 pixels."),
    ([(3, 2, 1), (3, 1, 1)], (7, 2), "a step on the map is two pixels; the jump is the product of all strides."),
    ([(5, 1, 1), (2, 2, 1), (5, 1, 1), (2, 2, 1)], (16, 4), "count each layer once, in the order given."),
    ([(3, 2, 1)] * 3 + [(3, 1, 4)], (79, 8), "dilation, stride and jump multiply."),
]  # fmt: skip
