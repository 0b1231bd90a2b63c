"""Exercises of notebook 02: sizes, kernels by design, the field of a stack, the loop turned round, a gradient step."""

import torch

from helpers.ops import corr2d

from .core import Exercise, compare, torch_calls

BAR = torch.ones(6, 8)
BAR[:, 2:6] = 0


def check_shape(answer):
    """The output of a 5×3 kernel on 28×20."""
    if not isinstance(answer, (tuple, list, torch.Size)):
        return f"a shape is a tuple of two whole numbers, such as (2, 3); this is {type(answer).__name__}."
    advice = {
        (24, 18): None,
        (26, 16): "rows and columns are swapped: the kernel has 5 rows and 3 columns.",
        (18, 24): "rows come first: a shape is (rows, columns).",
        (23, 17): "n − k is one too few: a kernel as large as the picture still has 1 position.",
        (28, 20): "without padding the kernel cannot be centred on the border: the output is smaller than the input.",
        (32, 22): "the output is smaller than the input, by k − 1 along each axis.",
    }
    wrong = "along each axis count the positions: the first, and one more for every step until the kernel hits the end."
    return advice.get(tuple(answer), wrong)


def check_edge_kernel(answer):
    """A kernel for horizontal edges: +1 from white above to black below, nothing at vertical edges."""
    K = torch.as_tensor(answer, dtype=torch.float32)
    if K.dim() != 2:
        return f"a kernel has two axes, rows and columns; yours has {K.dim()}: write [[…], […]]."
    flat = BAR.t()
    if K.shape[0] > flat.shape[0] or K.shape[1] > flat.shape[1]:
        return f"a {K.shape[0]}×{K.shape[1]} kernel does not fit into the 8×6 picture."
    Y = corr2d(flat, K)
    if not Y.any():
        return "its output on X.t() is 0 everywhere: it compares neighbours in a row, but the edges lie between rows."
    if corr2d(BAR, K).any():
        return "it also answers to the upright edges of X; there its output must be 0."
    if Y.min() == -1 and Y.max() == 1 and torch.equal(Y[1], -torch.ones_like(Y[1])):
        return "the sign is the other way round: going down from white to black must give +1."
    return compare(Y, corr2d(BAR, torch.tensor([[1.0, -1.0]])).t(), "the output on X.t()")


def check_line_kernel(answer):
    """A 1×3 kernel that ignores even areas and ramps, and gives -2 on a thin line."""
    K = torch.as_tensor(answer, dtype=torch.float32)
    if K.shape != (1, 3):
        return f"the kernel should be 1×3, [[a, b, c]]; yours has shape {tuple(K.shape)}."
    even, ramp, line = torch.ones(1, 5), torch.arange(5.0)[None], torch.tensor([[0.0, 0, 1, 0, 0]])
    if corr2d(even, K).abs().max() > 1e-5:
        return f"an even picture gives {corr2d(even, K)[0, 0]:g} instead of 0: the three weights must add up to 0."
    if corr2d(ramp, K).abs().max() > 1e-5:
        return f"the ramp 0, 1, 2, … gives {corr2d(ramp, K)[0, 0]:g} instead of 0: the outer two weights must be alike."
    return compare(corr2d(line, K)[0, 1], torch.tensor(-2.0), "the output on the thin line")


def check_field(field):
    """The receptive field of a stack of layers with stride 1."""
    for sizes, want in (([3], 3), ([3, 3], 5), ([3, 3, 3], 7), ([5, 3], 7), ([2, 2], 3), ([1, 7, 1], 7), ([], 1)):
        got = field(list(sizes))
        if compare(got, want) is None:
            continue
        said = f"field({sizes}) is {got}, but should be {want}"
        if got == sum(sizes):
            return f"{said}: adding the sizes counts the shared middle twice. Each layer adds k − 1."
        if sizes and got == torch.tensor(sizes).prod().item():
            return f"{said}: the windows of neighbours overlap, so the sizes do not multiply."
        return f"{said}."
    return None


def check_taps(taps):
    """Cross-correlation as a loop over the kernel."""
    generator = torch.Generator().manual_seed(0)
    for size, kernel in (((3, 3), (2, 2)), ((5, 7), (1, 2)), ((6, 4), (3, 4)), ((2, 2), (2, 2))):
        X, K = torch.randn(size, generator=generator), torch.randn(kernel, generator=generator)
        before = X.clone()
        got, want = taps(X, K), corr2d(X, K)
        if not torch.equal(X, before):
            return "your function changes X itself: add up in a new tensor, Y = torch.zeros(…)."
        if compare(got, corr2d(X, K.flip(0, 1))) is None and compare(got, want):
            return "this is the convolution of mathematics: tap (a, b) belongs to the slice that begins at (a, b)."
        if isinstance(got, torch.Tensor) and compare(got, K[-1, -1] * X[-want.shape[0]:, -want.shape[1]:]) is None:
            return "only the last tap is left: add to Y with +=, do not replace it."
        problem = compare(got, want, f"the output of a {kernel[0]}×{kernel[1]} kernel on {size[0]}×{size[1]}")
        if problem:
            return problem
    calls = len(torch_calls(taps, torch.ones(40, 40), torch.ones(2, 2)))
    if calls > 40 * 40:
        return f"the numbers are right, but {calls} calls for 4 weights still visit the pixels one by one."
    return None


def check_step(step):
    """One step of gradient descent on the sum of squared errors."""
    generator = torch.Generator().manual_seed(0)
    for size, kernel, lr in (((6, 8), (1, 2), 0.03), ((5, 5), (3, 2), 0.01)):
        X, K, Y = _problem(size, kernel, generator)
        before = K.clone()
        got = step(X, Y, K, lr)
        slope = corr2d(X, 2 * (corr2d(X, K) - Y))
        if not torch.equal(K, before):
            return "your function changes K itself: return a new kernel, as K - lr * gradient does and K -= … does not."
        if isinstance(got, torch.Tensor):
            got = got.detach()
        for factor, advice in STEPS.items():
            if compare(got, K + factor * lr * slope) is None:
                return advice
        if compare(got, K - lr * slope / Y.numel()) is None:
            return "this is the step for the mean of the squared errors; the loss here is their sum."
        problem = compare(got, K - lr * slope, "the new kernel")
        if problem:
            return problem
    return None


def _problem(size, kernel, generator):
    X, K = torch.randn(size, generator=generator), torch.randn(kernel, generator=generator)
    return X, K, corr2d(X, torch.randn(kernel, generator=generator))


STEPS = {
    1: "the sign is wrong: this step climbs. The loss falls against the gradient, so subtract it.",
    -0.5: "the step is half as long as it should be: the derivative of a square has a factor 2.",
    0: "the kernel has not moved: is the gradient 0, or the update thrown away?",
}

EXERCISES = [
    Exercise(
        "02.1", "shape", check_shape,
        ("Take rows and columns one at a time.", "28 rows and a kernel with 5: it can begin in rows 0 to 23."),
        "shape = (28 - 5 + 1, 20 - 3 + 1)",
        {
            "shape = (26, 16)": "swapped", "shape = (23, 17)": "one too few", "shape = (28, 20)": "without padding",
            "shape = 24 * 18": "tuple", "shape = (18, 24)": "rows come first",
        },
    ),
    Exercise(
        "02.2", "K_flat", check_edge_kernel,
        ("Which two pixels must be compared?", "[1, -1] compares a pixel with the one to its right. Turn it."),
        "K_flat = torch.tensor([[1.0], [-1.0]])",
        {
            "K_flat = torch.tensor([[1.0, -1.0]])": "0 everywhere",
            "K_flat = torch.tensor([[-1.0], [1.0]])": "other way round",
            "K_flat = torch.tensor([[1.0, 0.0], [0.0, -1.0]])": "upright edges",
            "K_flat = torch.tensor([1.0, -1.0])": "two axes",
        },
    ),
    Exercise(
        "02.3", "K_line", check_line_kernel,
        ("An even picture: what must the weights add up to?",
         "Apply [1, -1] twice: the difference of the differences."),
        "K_line = torch.tensor([[1.0, -2.0, 1.0]])",
        {
            "K_line = torch.tensor([[1.0, 0.0, -1.0]])": "outer two",
            "K_line = torch.tensor([[1.0, 1.0, 1.0]])": "add up to 0",
            "K_line = torch.tensor([[-1.0, 2.0, -1.0]])": "thin line",
            "K_line = torch.tensor([[1.0], [-2.0], [1.0]])": "1×3",
        },
    ),
    Exercise(
        "02.4", "field", check_field,
        ("Begin with one pixel of the output and walk back, layer by layer.",
         "A field of r pixels, seen through a k×k kernel, grows to r + k − 1."),
        "def field(kernel_sizes):\n    return 1 + sum(k - 1 for k in kernel_sizes)",
        {
            "def field(kernel_sizes):\n    return sum(kernel_sizes)": "twice",
            "def field(kernel_sizes):\n    return math.prod(kernel_sizes)": "do not multiply",
            "def field(kernel_sizes):\n    return max(kernel_sizes, default=1)": "should be 5",
        },
    ),
    Exercise(
        "02.5", "corr2d_taps", check_taps,
        ("Swap the loops: which pixels of X does the weight K[a, b] meet while the window moves?",
         "They form the slice X[a:a + H_out, b:b + W_out], as large as the output."),
        """
def corr2d_taps(X, K):
    height, width = X.shape[0] - K.shape[0] + 1, X.shape[1] - K.shape[1] + 1
    Y = torch.zeros(height, width)
    for a in range(K.shape[0]):
        for b in range(K.shape[1]):
            Y += K[a, b] * X[a:a + height, b:b + width]
    return Y
""",
        {
            """
def corr2d_taps(X, K):
    height, width = X.shape[0] - K.shape[0] + 1, X.shape[1] - K.shape[1] + 1
    for a in range(K.shape[0]):
        for b in range(K.shape[1]):
            Y = K[a, b] * X[a:a + height, b:b + width]
    return Y
""": "only the last tap",
            "def corr2d_taps(X, K):\n    return corr2d(X, K.flip(0, 1))": "convolution of mathematics",
            """
def corr2d_taps(X, K):
    Y = torch.zeros(X.shape[0] - K.shape[0] + 1, X.shape[1] - K.shape[1] + 1)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (X[i:i + K.shape[0], j:j + K.shape[1]] * K).sum()
    return Y
""": "one by one",
            "def corr2d_taps(X, K):\n    return K[0, 0] * X": "shape",
        },
    ),
    Exercise(
        "02.6", "step", check_step,
        ("Autograd may do the work: K = K.clone().requires_grad_(), then loss.backward().",
         "By hand: with E = corr2d(X, K) - Y, the gradient is corr2d(X, 2 * E). Check it against K.grad."),
        """
def step(X, Y, K, lr):
    K = K.clone().requires_grad_()
    loss = ((corr2d(X, K) - Y) ** 2).sum()
    loss.backward()
    return (K - lr * K.grad).detach()
""",
        {
            "def step(X, Y, K, lr):\n    return K + lr * corr2d(X, 2 * (corr2d(X, K) - Y))": "climbs",
            "def step(X, Y, K, lr):\n    return K - lr * corr2d(X, corr2d(X, K) - Y)": "factor 2",
            "def step(X, Y, K, lr):\n    return K - lr * corr2d(X, 2 * (corr2d(X, K) - Y)) / Y.numel()": "mean",
            "def step(X, Y, K, lr):\n    K -= lr * corr2d(X, 2 * (corr2d(X, K) - Y))\n    return K": "changes K itself",
        },
    ),
]  # fmt: skip
