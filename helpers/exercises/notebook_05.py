"""Exercises of notebook 05, pooling."""

import numpy as np
import torch
import torch.nn.functional as F

from .core import Exercise, compare


def check_shape(answer):
    if not isinstance(answer, (tuple, list)) or len(answer) != 4:
        return "a shape has four numbers here: (N, C, H, W)."
    if tuple(answer) == (8, 64, 55, 55):
        return "55 is the size without padding: ⌊(112 − 3)/2⌋ + 1. Padding adds 1 pixel on each side."
    if tuple(answer) == (8, 64, 57, 57):
        return "57 is the size with ceil_mode=True; the division floors unless you ask for it."
    if answer[1] != 64:
        return f"the channels are pooled one by one: 64 go in, 64 come out, not {answer[1]}."
    return compare(answer, (8, 64, 56, 56), "the shape")


def check_loop(answer):
    X = torch.arange(30.0).reshape(5, 6).flip(1)
    got, dense = answer(X, (2, 3), "max", 2), F.max_pool2d(X[None], (2, 3), 1)[0]
    advice = compare(got, F.max_pool2d(X[None], (2, 3), 2)[0], "max pooling (5, 6) with window (2, 3), stride 2,")
    if advice and compare(got, dense) is None:
        return "the output has shape (4, 4), as with stride 1: the window moves `stride` pixels, so fewer fit."
    if advice and compare(got, dense[:2, :2]) is None:
        return "the size is right, but the windows begin at i, j; with a stride they begin at i·stride, j·stride."
    mean = advice or compare(answer(X, (2, 2), "avg", 3), F.avg_pool2d(X[None], 2, 3)[0], "average pooling, stride 3,")
    return mean or compare(answer(-X, (2, 2), "max", 1), F.max_pool2d(-X[None], 2, 1)[0], "max pooling of -X")


def check_forward(answer):
    generator = np.random.default_rng(0)
    for pool, stride, pad, sign in ((2, 2, 0, 1), (2, 2, 1, 1), (3, 2, 1, 1), (3, 1, 1, -1), (3, 3, 1, -1)):
        x = sign * generator.uniform(1, 2, size=(2, 3, 7, 8))
        case = f"window {pool}, stride {stride}, pad {pad}"
        want = F.max_pool2d(torch.tensor(x), pool, stride, pad)
        got = answer(x.copy(), pool, stride, pad)
        shape = np.shape(got)
        if pad and shape != want.shape and shape[2:] == tuple((n - pool) // stride + 1 for n in (7, 8)):
            return f"with {case} the output is {shape}, as without padding: 2·pad belongs into its size."
        if shape == want.shape and sign < 0 and np.max(got) >= 0:
            return f"with {case} and only negative input the output has a 0: padding has won a maximum. Pad with −∞."
        advice = compare(got, want, f"the output for input (2, 3, 7, 8), {case},")
        if advice:
            return advice
    return None


def check_average_kernel(answer):
    for channels, k in ((1, 2), (3, 2), (4, 3)):
        weight = answer(channels, k)
        call = f"average_kernel({channels}, {k})"
        if not isinstance(weight, torch.Tensor):
            return f"{call} should be a tensor, but is {type(weight).__name__}."
        if weight.shape == (channels, channels, k, k) and channels > 1:
            return f"{call} has shape {tuple(weight.shape)}: with groups={channels} each kernel has one input channel."
        if weight.shape == (channels, 1, k, k) and torch.allclose(weight, torch.ones_like(weight)):
            return "with ones the windows are summed: a mean also divides by their number of pixels."
        advice = compare(weight, torch.full((channels, 1, k, k), 1 / k**2), call)
        if advice:
            return advice
    return None


def check_blur(answer):
    layer = answer(3)
    if list(layer.parameters()):
        return "the blur is fixed, but your layer has parameters: an optimiser would change it. Use register_buffer."
    X = torch.linspace(0, 4, 2 * 3 * 8 * 9).sin().reshape(2, 3, 8, 9)
    blur = torch.tensor([1.0, 2.0, 1.0]).outer(torch.tensor([1.0, 2.0, 1.0])).expand(3, 1, 3, 3) / 16
    want = F.conv2d(F.max_pool2d(X, 2, 1), blur, stride=2, groups=3)
    got = layer(X)
    if not isinstance(got, torch.Tensor):
        return f"the layer should return a tensor, but returns {type(got).__name__}."
    if got.shape == F.conv2d(F.max_pool2d(X, 2, 2), blur, groups=3).shape:
        return "the maximum has taken the stride: it throws 3 of 4 numbers away before the blur. Give it to the blur."
    if got.shape == F.conv2d(F.max_pool2d(X, 2, 1), blur, groups=3).shape:
        return f"the output has shape {tuple(got.shape)}: stride 2 is missing."
    if got.shape == want.shape and torch.allclose(got, 16 * want, atol=1e-4):
        return "the output is 16 times too large: the nine weights of the blur must add up to 1."
    return compare(got, want, "the output")


EXERCISES = [
    Exercise(
        id="05.1",
        name="shape",
        check=check_shape,
        hints=(
            "N and C pass through. Height and width follow ⌊(n + 2·padding − k)/stride⌋ + 1.",
            "(112 + 2 − 3)/2 = 55.5, rounded down, plus 1.",
        ),
        solution="shape = (8, 64, 56, 56)",
        wrong={
            "shape = (8, 64, 55, 55)": "without padding",
            "shape = (8, 64, 57, 57)": "ceil_mode",
            "shape = (8, 1, 56, 56)": "64 go in, 64 come out",
            "shape = (8, 64, 112, 112)": "differs at (2,)",
        },
    ),
    Exercise(
        id="05.2",
        name="pool_strided",
        check=check_loop,
        hints=(
            "Two things change: how many outputs there are, and where the window of output (i, j) begins.",
            "`output_size` gives the two sizes; window (i, j) is X[i * stride:i * stride + p_h, …].",
        ),
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
            "def pool_strided(X, pool_size, mode, stride):\n    return pool2d(X, pool_size, mode)": "as with stride 1",
            """
def pool_strided(X, pool_size, mode, stride):
    return pool2d(X, pool_size, mode)[:2, :2]
""": "begin at i·stride",
            """
def pool_strided(X, pool_size, mode, stride):
    return pool2d(X, pool_size, "max", stride=stride)
""": "average pooling",
            """
def pool_strided(X, pool_size, mode, stride):
    return pool2d(X.relu(), pool_size, mode, stride=stride)
""": "max pooling of -X",
        },
    ),
    Exercise(
        id="05.3",
        name="forward",
        check=check_forward,
        hints=(
            "Pad first: `np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), constant_values=…)`. Which constant never "
            "wins a maximum?",
            "After padding, the sizes of the padded array go into the old formula: (H + 2·pad − pool) // stride + 1.",
        ),
        solution="""
def forward(x, pool, stride, pad):
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(x, (pool, pool), axis=(2, 3))
    return windows[:, :, ::stride, ::stride].max(axis=(-2, -1))
""",
        wrong={
            """
def forward(x, pool, stride, pad):
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (pool, pool), axis=(2, 3))
    return windows[:, :, ::stride, ::stride].max(axis=(-2, -1))
""": "Pad with −∞",
            """
def forward(x, pool, stride, pad):
    windows = np.lib.stride_tricks.sliding_window_view(x, (pool, pool), axis=(2, 3))
    return windows[:, :, ::stride, ::stride].max(axis=(-2, -1))
""": "2·pad belongs into its size",
            """
def forward(x, pool, stride, pad):
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(x, (pool, pool), axis=(2, 3))
    return windows[:, :, ::stride, ::stride].mean(axis=(-2, -1))
""": "differs at",
        },
    ),
    Exercise(
        id="05.4",
        name="average_kernel",
        check=check_average_kernel,
        hints=(
            "A mean is a sum of products in which all weights are equal. What is each weight for k·k pixels?",
            "With groups=channels a weight has the shape (channels, 1, k, k): one kernel per channel.",
        ),
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
            "def average_kernel(channels, k):\n    return torch.full((channels, 1, k, k), 1 / k)": "differs at",
            "def average_kernel(channels, k):\n    return torch.full((k, k), 1 / k**2)": "has shape",
        },
    ),
    Exercise(
        id="05.5",
        name="MaxBlurPool",
        check=check_blur,
        hints=(
            "`forward` has two lines: `F.max_pool2d(X, 2, stride=1)`, then `F.conv2d` with the blur and stride 2.",
            "`self.register_buffer(\"weight\", …)` keeps a tensor that moves with the layer and is not learned; "
            "05.4 says what groups=channels does.",
        ),
        solution="""
class MaxBlurPool(nn.Module):
    def __init__(self, channels):
        super().__init__()
        row = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("weight", torch.outer(row, row).repeat(channels, 1, 1, 1))

    def forward(self, X):
        dense = F.max_pool2d(X, 2, stride=1)
        return F.conv2d(dense, self.weight, stride=2, groups=len(self.weight))
""",
        wrong={
            """
class MaxBlurPool(nn.Module):
    def __init__(self, channels):
        super().__init__()
        row = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.weight = nn.Parameter(torch.outer(row, row).repeat(channels, 1, 1, 1))

    def forward(self, X):
        return F.conv2d(F.max_pool2d(X, 2, stride=1), self.weight, stride=2, groups=len(self.weight))
""": "register_buffer",
            """
class MaxBlurPool(nn.Module):
    def __init__(self, channels):
        super().__init__()
        row = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("weight", torch.outer(row, row).repeat(channels, 1, 1, 1))

    def forward(self, X):
        return F.conv2d(F.max_pool2d(X, 2), self.weight, groups=len(self.weight))
""": "Give it to the blur",
            """
class MaxBlurPool(nn.Module):
    def __init__(self, channels):
        super().__init__()
        row = torch.tensor([1.0, 2.0, 1.0])
        self.register_buffer("weight", torch.outer(row, row).repeat(channels, 1, 1, 1))

    def forward(self, X):
        return F.conv2d(F.max_pool2d(X, 2, stride=1), self.weight, stride=2, groups=len(self.weight))
""": "16 times too large",
            """
class MaxBlurPool(nn.Module):
    def __init__(self, channels):
        super().__init__()
        row = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("weight", torch.outer(row, row).repeat(channels, channels, 1, 1) / channels)

    def forward(self, X):
        return F.conv2d(F.max_pool2d(X, 2, stride=1), self.weight, stride=2)
""": "differs at",
        },
    ),
]
