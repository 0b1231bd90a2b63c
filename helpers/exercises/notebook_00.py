"""Exercises of notebook 00: four warm-ups, to see how check, hint and solution behave."""

import torch

from helpers.ops import corr2d

from .compare import compare, equal, number, numbers, shown, tensor_of
from .core import Exercise

ADVICE_SUM = {
    24: "24 is the sum of the window's own numbers: each must first be multiplied by the kernel's number on it.",
    6: "6 is the sum of the kernel's own numbers: each must first be multiplied by the window's number on it.",
    19: "19 is the first number of the output. The last one belongs to the window in the lower right corner.",
    25: "25 is the second number of the output. The last one belongs to the window in the lower right corner.",
    37: "37 is the third number of the output. The last one belongs to the window in the lower right corner.",
    29: "29 pairs the window's 4, 5, 7, 8 with the kernel turned over. Pair the upper left with the upper left.",
}


def check_sum(answer):
    """The last output element of the running example."""
    if equal(answer, 43):
        return None
    if number(answer) is None and numbers(answer):
        return "the answer should be one number: the last one of the output, without brackets."
    return ADVICE_SUM.get(number(answer)) or compare(answer, 43, "the answer")


def check_shape(answer):
    """The shape of a batch of grey pictures."""
    shape = numbers(answer)
    if shape is None:
        return f"a shape is a tuple of whole numbers, such as (2, 3); this is {shown(answer)}."
    if shape == (256, 1, 28, 28):
        return None
    if shape == (256, 28, 28):
        return "the axis of the channels is missing: a grey picture has one channel, and that axis stays."
    if sorted(map(str, shape)) == ["1", "256", "28", "28"]:
        return "the numbers are right, their order is not: N, C, H, W."
    if len(shape) == 4 and shape[1] == 3:
        return "three channels are for colour; a grey picture has one."
    if len(shape) == 4:
        right = {"pictures": 256, "channels": 1, "rows": 28, "columns": 28}
        what, given = next((what, given) for (what, n), given in zip(right.items(), shape, strict=True) if given != n)
        return f"four axes are right, but there are not {given} {what}."
    return f"{shown(shape)} has {len(shape)} axes; pictures, channels, rows and columns make four: N, C, H, W."


def check_stretch(stretch):
    """Smallest number 0, largest 1, whatever the shape and range."""
    for X in (torch.tensor([0.0, 1.0, 4.0]), torch.tensor([[2.0, 6.0], [4.0, 3.0]]), torch.tensor([-3.0, -1.0, 1.0]),
              torch.tensor([[[-5.0, -2.0], [-4.5, -7.0]]])):  # fmt: skip
        got, want = stretch(X), (X - X.min()) / (X.max() - X.min())
        problem, found = compare(got, want, f"stretch of {X.tolist()}"), tensor_of(got)
        if problem and equal(got, 1 - want):
            return f"stretch of {X.tolist()} is upside down: the smallest number should become 0, the largest 1."
        if problem and X.dim() > 1 and any(equal(got, by_itself(X, axis)) for axis in range(X.dim())):
            return "each row or column is stretched by itself: X has one smallest number, X.min(), and one largest."
        if problem and found is not None and found.numel() and (found.min(), found.max()) != (0, 1):
            return f"{problem} Its numbers go from {found.min():g} to {found.max():g}; they should go from 0 to 1."
        if problem:
            return problem
    return None


def by_itself(X, axis):
    """Return X stretched along one axis alone."""
    low, high = X.amin(axis, keepdim=True), X.amax(axis, keepdim=True)
    return (X - low) / (high - low)


def check_identity(answer):
    """A 3×3 kernel whose output is the inside of the picture."""
    K = tensor_of(answer)
    if K is None or K.is_complex():
        return "the answer should be nine numbers: three rows of three, as in [[1, 2, 3], [4, 5, 6], [7, 8, 9]]."
    if K.shape != (3, 3):
        return f"the kernel should have shape (3, 3); this one has {tuple(K.shape)}."
    X = torch.rand(12, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    Y = corr2d(X, K)
    if equal(Y, X[1:-1, 1:-1]):
        return None
    if K.count_nonzero() == 1 and K.max() == 1:
        return "one weight of 1 is the right idea, but at this place the picture comes out shifted: try the middle."
    if K.count_nonzero() == 1 and K[1, 1]:
        return f"only the middle weight counts, as it should; but it multiplies every pixel by {K[1, 1]:g}."
    if not K.any():
        return "with all nine weights 0 the output is 0 everywhere."
    if len(K.unique()) == 1:
        return "equal weights mix all nine pixels of the window, so the picture blurs. Only one of them should count."
    return f"on a random picture the output differs from the input by up to {(Y - X[1:-1, 1:-1]).abs().max():.2g}."


EXERCISES = [
    Exercise(
        "00.1", "answer", check_sum,
        hints=("Multiply the numbers that lie on each other, upper left with upper left, and add the four products.",
               "It is 4·0 + 5·1 + 7·2 + 8·3."),
        solution="answer = 4 * 0 + 5 * 1 + 7 * 2 + 8 * 3",
        wrong={
            "answer = 4 + 5 + 7 + 8": "sum of the window's own numbers",
            "answer = 0 + 1 + 2 + 3": "sum of the kernel's own numbers",
            "answer = 0 * 0 + 1 * 1 + 3 * 2 + 4 * 3": "first number of the output",
            "answer = 4 * 3 + 5 * 2 + 7 * 1 + 8 * 0": "kernel turned over",
            "answer = 37": "third number of the output",
            "answer = [43]": "without brackets",
            "answer = 40": "is 40, which is not right",
        },
    ),
    Exercise(
        "00.2", "shape", check_shape,
        hints=("Four axes, in the order N, C, H, W. What is C for a grey picture?",),
        solution="shape = (256, 1, 28, 28)",
        wrong={
            "shape = (256, 28, 28)": "axis of the channels is missing",
            "shape = (256, 28, 28, 1)": "their order is not",
            "shape = (256, 3, 28, 28)": "a grey picture has one",
            "shape = (28, 28)": "has 2 axes",
            "shape = (64, 1, 28, 28)": "not 64 pictures",
            "shape = (256, 1, 28, 1)": "not 1 columns",
            "shape = 256 * 28 * 28": "a shape is a tuple",
        },
    ),
    Exercise(
        "00.3", "stretch", check_stretch,
        hints=("Subtract first, so that the smallest number becomes 0. How large is the largest one then?",
               "`X.min()` and `X.max()` are the two numbers you need."),
        solution="def stretch(X):\n    return (X - X.min()) / (X.max() - X.min())",
        wrong={
            "def stretch(X):\n    return X / X.max()": "they should go from 0 to 1",
            "def stretch(X):\n    return X - X.min()": "they should go from 0 to 1",
            "def stretch(X):\n    return X.clamp(0, 1)": "differs at",
            "def stretch(X):\n    return (X.max() - X) / (X.max() - X.min())": "upside down",
            "def stretch(X):\n    low, high = X.min(0).values, X.max(0).values\n    return (X - low) / (high - low)":
                "by itself",
            "def stretch(X):\n    X -= X.min()\n    X /= X.max()\n    return X": "changes X itself",
            "def stretch(X):\n    return (X.max() - X.min()).item()": "shape ()",
        },
    ),
    Exercise(
        "00.4", "weights", check_identity,
        hints=("The output is the sum of nine products. Which one should be left, what becomes of the others?",
               "Choose the kernel *identity* in the explorer and look at its weights."),
        solution="weights = [[0, 0, 0], [0, 1, 0], [0, 0, 0]]",
        wrong={
            "weights = [[1, 0, 0], [0, 0, 0], [0, 0, 0]]": "comes out shifted",
            "weights = [[1, 1, 1], [1, 1, 1], [1, 1, 1]]": "the picture blurs",
            "weights = [[0, 0, 0], [0, 2, 0], [0, 0, 0]]": "every pixel by 2",
            "weights = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]": "differs from the input",
            "weights = [[0, 0, 0], [0, 0, 0], [0, 0, 0]]": "0 everywhere",
            "weights = [[0, 0], [0, 1]]": "should have shape (3, 3)",
            "weights = 'identity'": "should be nine numbers",
        },
    ),
]  # fmt: skip
