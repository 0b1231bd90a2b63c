"""Exercises of notebook 03, padding and stride. Their checks are in `checks_03.py`."""

from functools import partial

from .checks_03 import PADDINGS, SHAPES, check_corr2d, check_field, check_lost, check_pair, check_same_padding
from .core import Exercise, prediction

SAME, LOST = "def same_padding(k, d):\n    return ", "def lost(n, k, s, P):\n    return "
TOUCHED = """
def lost(n, k, s, P):
    touched = {{start + a for start in range(0, {}, s) for a in range(k)}}
    return sum(x not in touched for x in """
CORR2D = "def corr2d_strided(X, K, stride, padding):\n    "
FIELD = """
def field(layers):
    size = jump = 1
    for k, s, d in layers:
        size += d * (k - 1) * jump
        jump *= s
    return size, jump
"""

EXERCISES = [
    Exercise(
        id="03.1", name="shape", check=partial(check_pair, SHAPES),
        hints=(
            "Height and width are computed apart: ⌊(n + 2P − k)/s⌋ + 1.",
            "(224 + 4 − 11)/4 = 54.25 and (160 + 4 − 11)/4 = 38.25. Round down, then add 1.",
        ),
        solution="shape = (55, 39)",
        wrong={
            "shape = (54, 38)": "the first window",
            "shape = (54.25, 38.25)": "rounds down",
            "shape = (56, 40)": "not up",
            "shape = (39, 55)": "height first",
            "shape = (55, 55)": "n = 224 and 160",
        },
    ),
    Exercise(
        id="03.2", name="padding", check=partial(check_pair, PADDINGS),
        hints=(
            "First the reach of the kernel in each direction, k′ = d(k − 1) + 1. Then what keeps the size.",
            "k′ is 5 for the height and 13 for the width; P = (k′ − 1)/2.",
        ),
        solution="padding = (2, 6)",
        wrong={
            "padding = (4, 12)": "per side",
            "padding = (2, 3)": "dilation is missing",
            "padding = (6, 2)": "height first",
            "padding = (5, 13)": "reaches",
            "padding = (2, 7)": "2·(7 − 1) + 1",
            "padding = (0, 0)": "axis by axis",
        },
    ),
    Exercise(
        id="03.3", name="same_padding", check=check_same_padding,
        hints=(
            "How many columns are needed in total? With dilation d a kernel reaches over d(k − 1) + 1 pixels.",
            "d(k − 1) in total; half of it, rounded down, before, and the rest after.",
        ),
        solution="""
def same_padding(k, d):
    before = d * (k - 1) // 2
    return before, d * (k - 1) - before
""",
        wrong={
            SAME + "d * (k - 1) // 2, d * (k - 1) // 2": "20 columns become 19",
            SAME + "d * (k - 1), d * (k - 1)": "20 columns become 21",
            SAME + "(k - 1) // 2, k // 2": "20 columns become 19",
            SAME + "-(-d * (k - 1) // 2), d * (k - 1) // 2": "the larger part after",
            SAME + "d * (k - 1) / 2, d * (k - 1) / 2": "whole numbers",
        },
    ),
    Exercise(
        id="03.4", name="lost", check=check_lost,
        hints=(
            "Window i touches the places i·s, …, i·s + k − 1 of the padded axis. The picture's pixel x is at x + P.",
            "Collect all touched places in a set; then count the x in range(n) for which x + P is not in it.",
        ),
        solution="""
def lost(n, k, s, P):
    touched = {i * s + a for i in range(output_size(n, k, stride=s, padding=P)) for a in range(k)}
    return sum(x + P not in touched for x in range(n))
""",
        wrong={
            LOST + "(n + 2 * P - k) % s": "is padding, not picture",
            LOST + "max(0, (n + 2 * P - k) % s - P)": "between the windows",
            LOST + "n - output_size(n, k, stride=s, padding=P)": "a mark on every",
            TOUCHED.format("n + 2 * P - k + 1") + "range(n + 2 * P))": "zeros of the padding",
            TOUCHED.format("n + 2 * P - k") + "range(P, P + n))": "still fits",
            TOUCHED.format("(n + 2 * P - k) // s * s") + "range(P, P + n))": "one before the first step",
        },
    ),
    Exercise(
        id="03.5", name="corr2d_strided", check=check_corr2d,
        hints=(
            "Three lines change: the padded picture, the size of the output, and where a window begins.",
            "`F.pad(X, (p_w, p_w, p_h, p_h))` pads the columns first; window (i, j) begins at row i·s_h, column j·s_w.",
        ),
        solution="""
def corr2d_strided(X, K, stride, padding):
    (s_h, s_w), (p_h, p_w), (k_h, k_w) = stride, padding, K.shape
    padded = F.pad(X, (p_w, p_w, p_h, p_h))
    Y = torch.zeros((padded.shape[0] - k_h) // s_h + 1, (padded.shape[1] - k_w) // s_w + 1)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (padded[i * s_h:i * s_h + k_h, j * s_w:j * s_w + k_w] * K).sum()
    return Y
""",
        wrong={
            CORR2D + "return corr2d(X, K, stride=stride)": "padding is missing",
            CORR2D + "return corr2d(X, K, stride=stride[::-1], padding=padding[::-1])": "changed places",
            CORR2D + "return corr2d(X, K, stride=stride, padding=padding[::-1])": "begins with the last axis",
            CORR2D + "return corr2d(X, K, stride=stride[::-1], padding=padding)": "counts rows",
            CORR2D + "return corr2d(X, K, padding=padding)": "that of stride 1",
            CORR2D + "return corr2d(X, K.flip(0, 1), stride=stride, padding=padding)": "by 180°",
            CORR2D + "Y = corr2d(X, K, stride=stride, padding=padding)\n"
            "    return corr2d(X, K, padding=padding)[:len(Y), :len(Y[0])]": "begins at row i·s_h",
            CORR2D + "X[0] = 0\n    return corr2d(X, K, stride=stride, padding=padding)": "changes X itself",
            CORR2D + "return 0.0": "has shape ()",
        },
    ),
    Exercise(
        id="03.6", name="field", check=check_field,
        hints=(
            "Carry two numbers through a loop over the layers: size and jump. Both begin with 1.",
            "First `size += d * (k - 1) * jump`, then `jump *= s`: a layer's own stride counts from the next one on.",
        ),
        solution=FIELD,
        wrong={
            FIELD.replace(" * jump", ""): "two pixels",
            FIELD.replace("size += d * (k - 1) * jump", "size += s * d * (k - 1) * jump"): "its own field",
            FIELD.replace("d * (k - 1)", "(k - 1)"): "dilated kernel",
            FIELD.replace("jump *= s", "jump = s"): "product of all strides",
            FIELD.replace("in layers", "in layers[::-1]"): "Begin at the input",
            FIELD.replace("size, jump", "jump, size"): "the field comes first",
        },
    ),
]  # fmt: skip

PREDICTIONS = [
    prediction(
        "03.p1", [55, 7],
        [([110, 14], "a kernel of 5 takes more than 2 pixels away: it has n − 4 positions."),
         ([44, 5], "five pixels a layer is one too many: a kernel of 5 has n − 4 positions."),
         ([44, 6], "a kernel of 5 takes 4 pixels away, and at the end 4 are left."),
         ([56, 8], "that is down to 0: stop at 4.")],
        "Each layer takes away k − 1 pixels.",
    ),
    prediction(
        "03.p2", [0, 4, 6, 0],
        [([19, 25, 37, 43], "those are the outputs without padding; they lie in the middle."),
         ([0, 2, 12, 24], "the corner pixel lies under the opposite corner of the kernel."),
         ([0, 6, 4, 0], "upper right comes before lower left.")],
        "At each corner the window holds one pixel of the picture and three zeros.",
    ),
    prediction(
        "03.p3", [0, 8, 6, 8],
        [([0, 4, 21, 16], "height and width have changed places: three rows down, two columns to the right."),
         ([0, 3, 9, 19], "those are four neighbours, with a step of 1.")],
        "Lay the kernel on the figure: the windows begin in rows 0 and 3, columns 0 and 2.",
    ),
    prediction(
        "03.p4", [4, 3, 10, 11, 112],
        [([3, 2, 9, 10, 111], "the first window is missing: + 1."),
         ([5, 3, 10, 11, 113], "the division rounds down, not up."),
         ([4, 3, 9, 10, 111], "padding is per side here: it counts twice.")],
        "Put the numbers into ⌊(n + 2P − k)/s⌋ + 1.",
    ),
    prediction(
        "03.p5", [7, 2],
        [([5, 1], "that is the rule for stride 1; neighbours in the first map stand two pixels apart."),
         ([5, 2], "the second layer's window reaches over three elements that stand two pixels apart."),
         ([7, 1], "the first layer moves by two pixels from output to output.")],
        "Draw nine pixels and the windows above them.",
    ),
]  # fmt: skip
