"""Exercises of notebook 05, pooling. Their checks are in `checks_05.py`."""

from .checks_05 import check_average_kernel, check_blur, check_forward, check_loop, check_shape
from .core import Exercise, prediction


def forward(padding=", constant_values=-np.inf", outputs="windows[:, :, ::stride, ::stride].max(axis=(-2, -1))"):
    """Return the source of a Pooling.forward that pads and takes its outputs in this way."""
    return f"""
def forward(x, pool, stride, pad):
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)){padding})
    windows = np.lib.stride_tricks.sliding_window_view(x, (pool, pool), axis=(2, 3))
    return {outputs}
"""


def blur_pool(
    keep='self.register_buffer("weight", weight)', total=4, weight="torch.outer(row, row).repeat(channels, 1, 1, 1)",
    forward="F.conv2d(F.max_pool2d(X, 2, stride=1), self.weight, stride=2, groups=len(self.weight))",
):  # fmt: skip
    """Return the source of a MaxBlurPool that makes and keeps its weight, and computes its output, in this way."""
    return f"""
class MaxBlurPool(nn.Module):
    def __init__(self, channels):
        super().__init__()
        row = torch.tensor([1.0, 2.0, 1.0]) / {total}
        weight = {weight}
        {keep}

    def forward(self, X):
        return {forward}
"""


EXERCISES = [
    Exercise(
        id="05.1", name="shape", check=check_shape,
        hints=("N and C pass through. Height and width follow ⌊(n + 2P − p)/s⌋ + 1.",
               "(112 + 2 − 3)/2 = 55.5, rounded down, plus 1."),
        solution="shape = (8, 64, 56, 56)",
        wrong={
            "shape = (8, 64, 55, 55)": "without padding",
            "shape = (8, 64, 57, 57)": "ceil_mode",
            "shape = (8, 1, 56, 56)": "64 go in, 64 come out",
            "shape = (8, 64, 112, 112)": "with stride 1",
            "shape = (8, 64, 38, 38)": "with stride 3",
            "shape = (64, 64, 56, 56)": "8 come out",
            "shape = (8, 64, 58, 58)": "into the formula",
        },
    ),
    Exercise(
        id="05.2", name="pool_strided", check=check_loop,
        hints=("Two things change: how many outputs there are, and where the window of output (i, j) begins.",
               "`output_size` gives the two sizes; window (i, j) is X[i * stride:i * stride + p_h, …]."),
        solution="""
def pool_strided(X, pool_size, mode, stride):
    p_h, p_w = pool_size
    Y = torch.zeros(output_size(X.shape, pool_size, stride=stride))
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            top, left = i * stride, j * stride
            window = X[top:top + p_h, left:left + p_w]
            Y[i, j] = window.max() if mode == "max" else window.mean()
    return Y
""",
        wrong={
            "def pool_strided(X, pool_size, mode, stride):\n    return pool2d(X, pool_size, mode)": "of stride 1",
            """
def pool_strided(X, pool_size, mode, stride):
    rows, columns = output_size(X.shape, pool_size, stride=stride)
    return pool2d(X, pool_size, mode)[:rows, :columns]
""": "begin at i·stride",
            """
def pool_strided(X, pool_size, mode, stride):
    return pool2d(X, pool_size, "max", stride=stride)
""": "the mean for",
            """
def pool_strided(X, pool_size, mode, stride):
    return pool2d(X.relu(), pool_size, mode, stride=stride)
""": "below 0 are lost",
            """
def pool_strided(X, pool_size, mode, stride):
    return (F.max_pool2d if mode == "max" else F.avg_pool2d)(X[None], pool_size)[0]
""": "by its own size",
        },
    ),
    Exercise(
        id="05.3", name="forward", check=check_forward,
        hints=("Pad first: `np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), constant_values=…)`. Which constant "
               "never wins a maximum?",
               "After padding, the padded array's sizes go into the old formula: (H + 2·pad − pool) // stride + 1."),
        solution=forward(),
        wrong={
            forward(""): "Pad with −∞",
            forward(", constant_values=-1000"): "the output has -1,000",
            forward(outputs="windows[:, :, ::stride, ::stride].mean(axis=(-2, -1))"): "differs at",
            forward(outputs="F.max_pool2d(torch.tensor(x)[:, :, pad:-pad or None, pad:-pad or None], pool, stride)"):
                "2·pad belongs into its size",
            forward(outputs="windows[:, :, ::stride, ::stride].max(axis=(-2, -1)).reshape("
                    "*x.shape[:2], *((n - pad - pool) // stride + 1 for n in x.shape[2:]))"): "widened by 2·pad",
        },
    ),
    Exercise(
        id="05.4", name="average_kernel", check=check_average_kernel,
        hints=("A mean is a sum of products in which all weights are equal. What is each weight for k·k pixels?",
               "With groups=channels a weight has the shape (channels, 1, k, k): one kernel per channel."),
        solution="""
def average_kernel(channels, k):
    return torch.full((channels, 1, k, k), 1 / k**2)
""",
        wrong={
            "def average_kernel(channels, k):\n    return torch.ones(channels, 1, k, k)": "summed",
            """
def average_kernel(channels, k):
    return torch.full((channels, channels, k, k), 1 / k**2)
""": "one input channel",
            "def average_kernel(channels, k):\n    return torch.full((channels, 1, k, k), 1 / k)": "k·k numbers, not k",
            "def average_kernel(channels, k):\n    return torch.full((k, k), 1 / k**2)": "has shape",
        },
    ),
    Exercise(
        id="05.5", name="MaxBlurPool", check=check_blur,
        hints=("`forward` has two lines: `F.max_pool2d(X, 2, stride=1)`, then `F.conv2d` with the blur and stride 2.",
               '`self.register_buffer("weight", …)` keeps a tensor that moves with the layer and is not learned; '
               "05.4 says what groups=channels does."),
        solution=blur_pool(),
        wrong={
            blur_pool("self.weight = nn.Parameter(weight)"): "register_buffer",
            blur_pool("self.weight = weight"): "leaves a plain tensor behind",
            blur_pool(total=1): "16 times too large",
            blur_pool(forward="F.conv2d(F.max_pool2d(X, 2), self.weight, groups=len(X[0]))"): "Let the blur take it",
            blur_pool(forward="F.max_pool2d(F.conv2d(X, self.weight, groups=len(X[0])), 2)"): "blur comes first",
            blur_pool(
                weight="torch.outer(row, row).repeat(channels, channels, 1, 1) / channels",
                forward="F.conv2d(F.max_pool2d(X, 2, stride=1), self.weight, stride=2)",
            ): "differs at",
        },
    ),
]  # fmt: skip

PREDICTIONS = [
    prediction(
        "05.p1", [5, 7, 8, 3, 5, 6],
        [([7, 5, 8, 5, 3, 6], "the window moves along a row first, then down."),
         ([3, 5, 6, 5, 7, 8], "first the three maxima, then the three means."),
         ([5, 7, 8, 5, 7, 8], "the maxima are right; a mean is the sum divided by how many numbers there are.")],
        "The next window covers 1, 2, 4 and 5.",
    ),
    prediction(
        "05.p2", [1, 10],
        [([4, 10], "with stride 1 it would be so; here the stride is the size of the window."),
         ([4, 5], "that is a window of two rows and columns; this one has three."),
         ([1, 15], "the window begins in the upper left corner and covers three rows and three columns, not four."),
         ([2, 10], "count what comes out, along both axes; each window must fit whole.")],
        "Lay the window on the upper left corner, then move it by its own size. Does it still fit?",
    ),
    prediction(
        "05.p3", [8, 2],
        [([8, 8], "the maximum is right; the zeros of the padding are pixels to the mean."),
         ([8, 6], "the maximum is right; the mean is that of the last window inside the picture. This one sticks out."),
         ([0, 2], "the mean is right; the padding never wins a maximum.")],
        "The last window holds one pixel of the picture and three of the padding.",
    ),
    prediction(
        "05.p4", [1, 1, 1, 1],
        [([0, 1, 0, 1], "that is the output from before; the windows stay where they were, and the row moves."),
         ([1, 0, 1, 0], "the stripes do not move by a whole window: write the row down and part it in pairs.")],
        "Write the moved row down and part it in pairs.",
    ),
]  # fmt: skip
